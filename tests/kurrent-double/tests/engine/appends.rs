//! Appends whose outcome is not known at once, and such that are refused.

use std::time::Duration;

use futures::future::join_all;
use socai_domain::ledger::{Append, AppendError, Direction, EventLog, Expected, Position, Revision};
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::{AppendFault, Double};

use crate::support::{LEDGER, append, draft, fill, open, options, physical, stream, texts, url};

/// A port where nobody listens: it was free a moment ago.
async fn dead_port() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn whatever_happens_to_an_append_it_is_there_once() {
    let dead = AppendFault::NotLeader("127.0.0.1".into(), dead_port().await);
    let faults = [
        AppendFault::AbortedBefore,
        AppendFault::AbortedAfter,
        AppendFault::DeadlineBefore,
        AppendFault::DeadlineAfter,
        AppendFault::CutBefore,
        AppendFault::CutAfter,
        AppendFault::Ignored,
        AppendFault::WrittenInSilence,
        AppendFault::Busy,
        dead,
    ];
    let double = Double::start().await.unwrap();
    let log = KurrentLog::open(&url(&double, 300), options()).await.unwrap();
    for (number, fault) in (1..).zip(faults) {
        for (last, names) in [(None, &["a"][..]), (Some(0), &["b", "c", "d"])] {
            double.faults().appends([fault.clone()]);
            let taken = log.append(append(number, last, names)).await;
            let taken = taken.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            assert!(!taken.repeated, "{fault:?}: its own first attempt counts as another one's append");
            assert_eq!(taken.stamps.len(), names.len());
        }
        assert_eq!(double.faults().appends_to_come(), 0, "{fault:?} did not come");
        assert_eq!(texts(&log, number).await, ["a", "b", "c", "d"], "{fault:?}");
        assert_eq!(double.events(&physical(number)).len(), 4, "{fault:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_and_the_reissue_says_what_it_was() {
    let double = Double::start().await.unwrap();
    let options = KurrentOptions { patience: Duration::from_millis(250), ..options() };
    let log = KurrentLog::open(&url(&double, 2_000), options).await.unwrap();
    for (number, fault, written) in [
        (1, AppendFault::AbortedBefore, false),
        (2, AppendFault::AbortedAfter, true),
        (3, AppendFault::DeadlineBefore, false),
        (4, AppendFault::DeadlineAfter, true),
    ] {
        double.faults().appends(vec![fault.clone(); 50]);
        let taken = log.append(append(number, None, &["once"])).await;
        assert!(matches!(taken, Err(AppendError::Unknown(_))), "{fault:?}: {taken:?}");
        assert_eq!(!double.events(&physical(number)).is_empty(), written);

        let to_come = double.faults().appends_to_come();
        assert!(to_come > 40, "it was sent {} times in a quarter of a second", 50 - to_come);
        double.faults().forget_appends();
        let again = log.append(append(number, None, &["once"])).await.unwrap();
        assert_eq!(again.repeated, written, "{fault:?}");
        assert_eq!(double.events(&physical(number)).len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn reads_that_the_server_gives_up_are_done_again() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    fill(&log, 1, 3).await;
    let faults = double.faults();
    for told in 0..=3 {
        // Two ends of each read in a row, so that the second begins anew, too.
        faults.fail_reads([told, 3 - told]);
        assert_eq!(texts(&log, 1).await, ["1/0", "1/1", "1/2"], "{told}");
        faults.fail_reads([told, 3 - told]);
        assert_eq!(log.head().await.unwrap().records, 3, "{told}");
        // Metadata and what the ledger is, then its records.
        faults.fail_reads([0, 0, 0, 1, told]);
        let again = open(&double).await;
        assert_eq!((again.ledger(), again.head().await.unwrap().records), (log.ledger(), 3), "{told}");
        assert_eq!(faults.reads_to_come(), 0, "{told}");
    }
    // The places of what was written are asked for.
    faults.fail_reads([0, 1]);
    let taken = log.append(append(1, Some(2), &["a", "b", "c"])).await.unwrap();
    let read = log.read(stream(1), Direction::Forwards, Some(Revision::new(3)), 9).await.unwrap();
    let places = |positions: &mut dyn Iterator<Item = Position>| positions.map(Position::place).collect::<Vec<_>>();
    let stamped = places(&mut taken.stamps.iter().map(|stamp| stamp.position));
    assert_eq!(stamped, places(&mut read.iter().map(|recorded| recorded.position)));
    assert_eq!((faults.reads_to_come(), double.events(&physical(1)).len()), (0, 6));

    let impatient = KurrentOptions { patience: Duration::from_millis(200), ..options() };
    let log = KurrentLog::open(&url(&double, 2_000), impatient).await.unwrap();
    faults.fail_reads([1; 50]);
    let read = log.read(stream(1), Direction::Forwards, None, 9).await;
    assert!(matches!(&read, Err(error) if error.may_pass()), "{read:?}");
    faults.forget_reads();
    assert_eq!(texts(&log, 1).await.len(), 6);
}

#[tokio::test]
async fn what_is_refused_says_so_and_is_not_there() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    double.faults().appends([AppendFault::Denied]);
    let denied = log.append(append(1, None, &["a"])).await;
    assert!(matches!(&denied, Err(AppendError::Busy(why)) if why.contains("user:password@")), "{denied:?}");

    double.faults().limit_appends(1_000);
    let large = Append { stream: stream(2), expected: Expected::New, drafts: vec![draft(&"x".repeat(2_000))] };
    let large = log.append(large).await;
    assert!(matches!(&large, Err(AppendError::Busy(why)) if why.contains("MaxAppendSize")), "{large:?}");
    assert_eq!(double.events(&format!("{LEDGER}-")), []);
    assert!(log.append(append(1, None, &["a"])).await.is_ok());
}

#[tokio::test]
async fn what_another_process_wrote_is_a_conflict_and_then_the_ground_to_write_on() {
    let double = Double::start().await.unwrap();
    let (one, other) = (open(&double).await, open(&double).await);
    assert_eq!(one.ledger(), other.ledger());
    fill(&one, 1, 2).await;
    other.append(append(1, Some(1), &["the other's"])).await.unwrap();
    let taken = one.append(append(1, Some(1), &["mine"])).await;
    assert_eq!(taken, Err(AppendError::Conflict { stream: stream(1), actual: Some(Revision::new(2)) }));
    one.append(append(1, Some(2), &["mine"])).await.unwrap();
    assert_eq!(texts(&other, 1).await, ["1/0", "1/1", "the other's", "mine"]);

    // The very same append, which the other process has made meanwhile.
    let taken = other.append(append(2, None, &["x", "y"])).await.unwrap();
    let again = one.append(append(2, None, &["x", "y"])).await.unwrap();
    assert_eq!(again.stamps, taken.stamps);
    assert_eq!(double.events(&physical(2)).len(), 2);
}

#[tokio::test]
async fn a_hot_stream_shares_round_trips() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let names: Vec<String> = (0..200).map(|number| format!("call {number}")).collect();
    let before = double.counts().appends;
    let calls: Vec<_> =
        (0_u64..).zip(&names).map(|(number, name)| log.append(append(1, number.checked_sub(1), &[name]))).collect();
    for taken in join_all(calls).await {
        assert_eq!(taken.unwrap().stamps.len(), 1);
    }
    assert_eq!(texts(&log, 1).await, names);
    let sent = double.counts().appends - before;
    assert!(sent <= 10, "{sent} calls to the server for 200 appends that waited together");
}

#[tokio::test]
async fn one_that_conflicts_does_not_take_its_followers_down() {
    let double = Double::start().await.unwrap();
    let (one, other) = (open(&double).await, open(&double).await);
    other.append(append(1, None, &["first"])).await.unwrap();
    // Of these, the first one finds the stream taken, the others follow from one another.
    let calls = [append(1, None, &["mine"]), append(1, Some(0), &["second"]), append(1, Some(1), &["third"])];
    let taken = join_all(calls.map(|append| one.append(append))).await;
    assert_eq!(taken[0], Err(AppendError::Conflict { stream: stream(1), actual: Some(Revision::FIRST) }));
    assert!(taken[1].is_ok() && taken[2].is_ok(), "{taken:?}");
    assert_eq!(texts(&one, 1).await, ["first", "second", "third"]);
}

#[tokio::test]
async fn a_stream_that_was_deleted_is_damage() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    for number in [1, 2, 3] {
        fill(&log, number, 3).await;
    }
    double.delete(&physical(1));
    let read = log.read(stream(1), Direction::Forwards, None, 9).await;
    assert!(read.is_err(), "a stream that was there reads as empty: {read:?}");
    // Who does not know that it was there finds out by its number.
    double.faults().appends([AppendFault::DeletedBefore]);
    double.write(&physical(9), "Other", b"x");
    let taken = log.append(append(9, None, &["anew"])).await;
    assert!(matches!(&taken, Err(AppendError::Corrupt(why)) if why.contains("deleted")), "{taken:?}");

    double.tombstone(&physical(3));
    let taken = log.append(append(3, Some(2), &["more"])).await;
    assert!(matches!(&taken, Err(AppendError::Corrupt(why)) if why.contains("deleted")), "{taken:?}");
}
