//! What other programs write and delete in the cluster: beside the ledger, and in its streams.

use socai_domain::ledger::{Direction, Draft, EventKind, EventLog, ReadError, RecordHash, SealedRecord};
use socai_kurrent::KurrentLog;
use socai_kurrent_double::Double;

use crate::support::{Follower, LEDGER, NOW, append, draft, fill, open, options, physical, sealed, stream, texts, url};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn what_is_not_the_ledgers_passes_by() {
    // Names of others, as near to the ledger's as they come.
    const OTHERS: [&str; 4] = ["$stats-0", "other-1", "sox-incoming-1", "so.ledger2"];
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let mut follower = Follower::new(&log, None);
    for number in 0..50_u32 {
        for stream in OTHERS {
            double.write(stream, "Other", &number.to_le_bytes());
            let ended = format!("{stream}.{number}");
            double.write(&ended, "Other", b"for a while");
            match number % 3 {
                // It is written to again in the next round.
                0 => double.delete(stream),
                1 => double.tombstone(&ended),
                _ => {}
            }
        }
        log.append(append(number.into(), None, &["ours"])).await.unwrap();
    }
    follower.until(50).await;
    assert_eq!(follower.texts(), vec!["ours"; 50]);
    assert_eq!(log.head().await.unwrap().records, 50);
    let again = open(&double).await;
    assert_eq!((again.ledger(), again.head().await.unwrap().records), (log.ledger(), 50));
    for stream in OTHERS {
        let kinds = |prefix: &str, kind: &str| double.events(prefix).iter().filter(|event| event.kind == kind).count();
        assert_eq!(kinds(stream, "$streamDeleted"), 17, "{stream}");
        assert!(kinds(&format!("$${stream}"), "$metadata") >= 17, "{stream}");
    }
}

#[tokio::test]
async fn what_others_write_into_the_ledgers_streams_is_found() {
    for (name, kind) in [("so-rubbish", "Other"), (physical(1).as_str(), "Other")] {
        let double = Double::start().await.unwrap();
        let log = open(&double).await;
        fill(&log, 1, 1).await;
        double.write(name, kind, b"not a record");
        let error = Follower::new(&log, None).until_error().await;
        assert!(matches!(&error, ReadError::Corrupt(why) if why.contains(name)), "{name}: {error}");
        assert!(matches!(log.head().await, Err(ReadError::Corrupt(_))));
    }
}

#[tokio::test]
async fn an_event_of_any_size_in_another_ones_stream_holds_up_nobody() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let mut follower = Follower::new(&log, None);
    fill(&log, 1, 1).await;
    for size in [17 * MIB, 40 * MIB] {
        double.write("other-1", "Other", &vec![7; size]);
    }
    log.append(append(1, Some(0), &["after"])).await.unwrap();
    follower.until(2).await;
    assert_eq!(follower.texts(), ["1/0", "after"]);
    let again = open(&double).await;
    assert_eq!(again.head().await.unwrap().records, 2);
    assert_eq!(texts(&again, 1).await, ["1/0", "after"]);
}

/// More than a server takes by default, and more than we take from one.
#[tokio::test]
async fn an_event_that_is_too_large_in_the_ledgers_stream_stops_reading_and_says_why() {
    for (size, said) in [(17 * MIB, physical(1)), (21 * MIB, "larger than any record".to_owned())] {
        let double = Double::start().await.unwrap();
        let log = open(&double).await;
        let filled = fill(&log, 1, 2).await;
        let mut live = Follower::new(&log, None);
        live.until(2).await;
        double.write(&physical(1), "Other", &vec![7; size]);
        let is_clear = |what: &str, error: &ReadError| {
            let ReadError::Corrupt(why) = error else { panic!("{what}, {size}: {error}") };
            assert!(why.contains(&said), "{what}: {why}");
        };
        let error = live.until_error().await;
        is_clear("live", &error);
        // Which one it is cannot be told, but after which place it lies.
        let place = format!("after place {}:", filled[1].last().position.place());
        assert!(size == 17 * MIB || error.to_string().contains(&place), "{error}");
        is_clear("follow", &Follower::new(&log, None).until_error().await);
        is_clear("head", &log.head().await.unwrap_err());
        is_clear("read", &log.read(stream(1), Direction::Forwards, None, 9).await.unwrap_err());
        let error = KurrentLog::open(&url(&double, 2_000), options()).await.unwrap_err();
        assert!(error.to_string().contains(&said), "{error}");
    }
}

/// Good records, which follow the first one of the stream.
fn two_more(log: &KurrentLog, first: RecordHash) -> [SealedRecord; 2] {
    assert_ne!(first, RecordHash::genesis(log.ledger(), stream(1)));
    let second = sealed(&draft("second"), stream(1), 1, NOW, first);
    let third = sealed(&draft("third"), stream(1), 2, NOW, second.hash());
    [second, third]
}

#[tokio::test]
async fn records_that_share_a_place_are_refused_with_what_to_do() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let first = fill(&log, 1, 1).await[0].last().hash;
    let records = two_more(&log, first);
    let kinds = records.each_ref().map(|record| record.header().kind.to_string());
    let events = [0, 1].map(|at| (records[at].hash().id().0, kinds[at].as_str(), records[at].bytes()));
    double.transact(&physical(1), &events);
    let there = double.events(&format!("{LEDGER}-"));
    assert_eq!(there[1].position, there[2].position);

    let mut follower = Follower::new(&log, None);
    let errors = [
        follower.until_error().await,
        log.head().await.unwrap_err(),
        log.read(stream(1), Direction::Forwards, None, 9).await.unwrap_err(),
    ];
    for error in errors {
        let ReadError::Corrupt(why) = &error else { panic!("{error}") };
        for part in [&physical(1), "explicit transaction", "socai copy", &there[1].prepare.to_string()] {
            assert!(why.contains(part), "{part:?}: {why}");
        }
    }
    assert!(["1/0".to_owned()].starts_with(&follower.texts()), "{:?}", follower.texts());
}

#[tokio::test]
async fn a_record_that_goes_by_another_type_is_found() {
    const KNOWN: u16 = 426;
    const UNKNOWN: u16 = 65_000;
    let name = EventKind::new(KNOWN).to_string();
    assert!(name.contains('@') && EventKind::new(UNKNOWN).entry().is_none());
    for (kind, goes_by, right) in [
        (KNOWN, name.as_str(), true),
        (KNOWN, "IncomingRegistered@1", false),
        (KNOWN, "", false),
        // Copied by a build that does not know the kind, and of a build that this one does not know.
        (KNOWN, "kind 426", true),
        (UNKNOWN, "FromTheFuture@1", true),
        (UNKNOWN, "kind 65000", true),
    ] {
        let double = Double::start().await.unwrap();
        let log = open(&double).await;
        let first = fill(&log, 1, 1).await[0].last().hash;
        let draft = Draft { kind: EventKind::new(kind), ..draft("by another") };
        let record = sealed(&draft, stream(1), 1, NOW, first);
        double.write_as(record.hash().id().0, &physical(1), goes_by, record.bytes());
        let read = log.read(stream(1), Direction::Forwards, None, 9).await;
        let mut follower = Follower::new(&log, None);
        if right {
            assert_eq!(read.unwrap().len(), 2, "{goes_by}");
            follower.until(2).await;
            assert_eq!(log.head().await.unwrap().records, 2);
            continue;
        }
        for error in [read.unwrap_err(), follower.until_error().await, log.head().await.unwrap_err()] {
            let ReadError::Corrupt(why) = &error else { panic!("{error}") };
            assert!(why.contains(&format!("{goes_by:?}")) && why.contains(&name), "{why}");
        }
    }
}
