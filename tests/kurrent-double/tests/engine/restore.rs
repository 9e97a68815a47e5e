//! Copying whole records into a cluster: in one order, each once, whatever befalls it; and nobody opens half a copy.

use std::time::Duration;

use socai_domain::ledger::{Broken, EventLog, LedgerId, ReadError, RecordHash, RestoreError, SealedRecord, StreamId};
use socai_kurrent::{KurrentLog, KurrentOptions, KurrentRestore, OpenKurrentError};
use socai_kurrent_double::{AppendFault, Double};
use uuid::Uuid;

use crate::support::{self, Follower, NOW, draft, open, options, physical, stream, url};

const SOURCE: LedgerId = LedgerId(Uuid::from_u128(7));
const EPOCH: u32 = 77_777;

/// Records of three streams, now of one, now of another, two after one another of each now and then.
fn history(count: u64) -> Vec<SealedRecord> {
    let order = [0, 0, 1, 2, 1, 1, 0, 2];
    let mut ends: Vec<(u64, RecordHash)> =
        (0..3).map(|number| (0, RecordHash::genesis(SOURCE, stream(number)))).collect();
    let mut records = Vec::new();
    for at in 0..count {
        let number = order[usize::try_from(at).unwrap() % order.len()];
        let (revision, previous) = ends[number];
        records.push(sealed(stream(number as u128), revision, NOW + i64::try_from(at / 3).unwrap(), previous));
        ends[number] = (revision + 1, records.last().unwrap().hash());
    }
    records
}

fn sealed(stream: StreamId, revision: u64, recorded: i64, previous: RecordHash) -> SealedRecord {
    support::sealed(&draft(&format!("{stream}/{revision}")), stream, revision, recorded, previous)
}

async fn copying(url: &str) -> Result<KurrentRestore, OpenKurrentError> {
    KurrentRestore::open(url, SOURCE, EPOCH, options()).await
}

async fn all(log: &KurrentLog) -> Vec<SealedRecord> {
    let mut follower = Follower::new(log, None);
    follower.until_caught_up().await;
    follower.records.into_iter().map(|recorded| recorded.record).collect()
}

#[tokio::test]
async fn whatever_befalls_a_copy_it_holds_each_record_once_and_in_order() {
    let double = Double::start().await.unwrap();
    let url = url(&double, 300);
    let records = history(80);
    let mut faults = [
        AppendFault::AbortedBefore,
        AppendFault::AbortedAfter,
        AppendFault::CutBefore,
        AppendFault::CutAfter,
        AppendFault::WrittenInSilence,
        AppendFault::DeadlineAfter,
        AppendFault::Busy,
    ]
    .into_iter()
    .cycle();
    let mut done = 0;
    while done < records.len() {
        // A new process each time; what it sends was sent by another one before, and came after it had counted.
        let (mut restore, mut late) = (copying(&url).await.unwrap(), copying(&url).await.unwrap());
        let there = restore.log().head().await.unwrap().records;
        assert_eq!(there, done as u64);
        double.faults().appends(faults.next());
        let next = records.len().min(done + 9);
        restore.take(&records[done..next]).await.unwrap();
        assert_eq!(double.faults().appends_to_come(), 0);
        late.take(&records[done..next]).await.unwrap();
        done = next;
        let refused = KurrentLog::open(&url, options()).await.unwrap_err();
        assert!(matches!(refused, OpenKurrentError::Copying(_)), "{refused}");
    }
    copying(&url).await.unwrap().complete().await.unwrap();
    let log = KurrentLog::open(&url, options()).await.unwrap();
    assert_eq!(all(&log).await, records);
    assert_eq!(log.ledger(), SOURCE);
    let position = log.head().await.unwrap().position.to_string();
    assert!(position.contains(&format!(".{EPOCH}.")), "{position}");
    assert_eq!(double.events("so.ledger").len(), 2, "begun and ended once");
}

#[tokio::test]
async fn an_append_whose_outcome_stays_unknown_ends_the_copy_and_the_next_one_goes_on() {
    let double = Double::start().await.unwrap();
    let url = url(&double, 2_000);
    let records = history(24);
    for fault in [AppendFault::AbortedBefore, AppendFault::AbortedAfter] {
        let options = KurrentOptions { patience: Duration::from_millis(250), ..options() };
        let mut restore = KurrentRestore::open(&url, SOURCE, EPOCH, options).await.unwrap();
        let there = usize::try_from(restore.log().head().await.unwrap().records).unwrap();
        restore.take(&records[there..there + 4]).await.unwrap();
        double.faults().appends(vec![fault; 50]);
        let taken = restore.take(&records[there + 4..]).await;
        assert!(matches!(taken, Err(RestoreError::Busy(_))), "{taken:?}");
        double.faults().forget_appends();
    }
    let mut restore = copying(&url).await.unwrap();
    let there = usize::try_from(restore.log().head().await.unwrap().records).unwrap();
    assert!((8..24).contains(&there), "{there}");
    restore.take(&records[there..]).await.unwrap();
    restore.complete().await.unwrap();
    assert_eq!(all(&open(&double).await).await, records);
}

#[tokio::test]
async fn only_what_belongs_there_is_taken() {
    let double = Double::start().await.unwrap();
    let url = url(&double, 2_000);
    let records = history(8);
    let mut restore = copying(&url).await.unwrap();
    restore.take(&records).await.unwrap();
    let broken = |taken| match taken {
        Err(RestoreError::NotNext { broken, .. }) => broken,
        other => panic!("{other:?}"),
    };
    let last = records[6].hash();
    for (wrong, why) in [
        // Stream 0 has three records.
        (sealed(stream(0), 4, NOW + 9, last), Broken::Revision),
        (sealed(stream(0), 2, NOW + 9, records[1].hash()), Broken::Revision),
        (sealed(stream(0), 3, NOW + 9, records[1].hash()), Broken::Chain),
        (sealed(stream(9), 0, NOW + 9, last), Broken::Genesis),
    ] {
        assert_eq!(broken(restore.take(&[wrong]).await), why);
    }
    let next = sealed(stream(0), 3, NOW + 9, last);
    let two = [next.clone(), sealed(stream(0), 4, NOW + 9, last)];
    assert_eq!(broken(restore.take(&two).await), Broken::Chain, "none of a run whose second does not follow");
    let early = [next.clone(), sealed(stream(0), 4, NOW + 8, next.hash())];
    assert_eq!(broken(restore.take(&early).await), Broken::Time);
    assert_eq!(double.events("so-").len(), 8);
    // A process that does not know the streams yet.
    let mut restore = copying(&url).await.unwrap();
    assert_eq!(broken(restore.take(&[sealed(stream(0), 3, NOW + 9, records[1].hash())]).await), Broken::Chain);
    restore.take(&[next]).await.unwrap();
}

#[tokio::test]
async fn a_ledger_that_is_there_is_gone_on_with_and_another_one_is_not_touched() {
    let double = Double::start().await.unwrap();
    let url = url(&double, 2_000);
    let refused = {
        drop(open(&double).await);
        copying(&url).await.unwrap_err()
    };
    assert!(matches!(refused, OpenKurrentError::OtherLedger { .. }), "{refused}");
    assert!(refused.to_string().contains("ledger=NAME"), "{refused}");
    assert_eq!(double.events("so").len(), 1);

    let copy = url.replace("ledger=so", "ledger=copy");
    let records = history(16);
    for (some, statements) in [(&records[..8], 2), (&records[8..], 4)] {
        let mut restore = copying(&copy).await.unwrap();
        restore.take(some).await.unwrap();
        restore.complete().await.unwrap();
        assert_eq!(double.events("copy.ledger").len(), statements);
    }
    // To look at it says nothing.
    copying(&copy).await.unwrap().complete().await.unwrap();
    assert_eq!(double.events("copy.ledger").len(), 4);
    let log = KurrentLog::open(&copy, options()).await.unwrap();
    assert_eq!(all(&log).await, records);

    // Its positions are not those of a ledger of another engine epoch.
    let elsewhere = url.replace("ledger=so", "ledger=third");
    let mut restore = KurrentRestore::open(&elsewhere, SOURCE, EPOCH + 1, options()).await.unwrap();
    restore.take(&records).await.unwrap();
    let old = log.head().await.unwrap().position;
    restore.complete().await.unwrap();
    let other = KurrentLog::open(&elsewhere, options()).await.unwrap();
    let error = Follower::new(&other, Some(old)).until_error().await;
    assert!(matches!(error, ReadError::Foreign(_)), "{error}");
}

#[tokio::test]
async fn a_copy_needs_no_more_round_trips_than_runs_of_a_stream() {
    let double = Double::start().await.unwrap();
    let mut restore = copying(&url(&double, 2_000)).await.unwrap();
    let mut records = Vec::new();
    let mut previous = RecordHash::genesis(SOURCE, stream(1));
    for revision in 0..2_500 {
        records.push(sealed(stream(1), revision, NOW, previous));
        previous = records.last().unwrap().hash();
    }
    let before = double.counts().appends;
    restore.take(&records).await.unwrap();
    // One says that something is copied.
    assert!(double.counts().appends - before <= 4, "{}", double.counts().appends - before);
    assert_eq!(double.events(&physical(1)).len(), 2_500);
}
