//! A log that is told as it is, and one whose server leaves out, changes or moves a record.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use futures::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Broken, Direction, Draft, EventKind, EventLog, Expected, Followed, Head,
        LedgerId, Position, ReadError, RecordHash, Recorded, Revision, SealedRecord, StreamId, StreamKind,
        memory::MemoryLog,
    },
    proof::{Frontier, leaf_hash},
    time::{Clock, Timestamp},
};
use uuid::Uuid;

use super::super::{Fault, VerifyReport, verify_told};
use crate::log::Known;

struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

fn stream_of(number: u128) -> StreamId {
    StreamId::new(StreamKind::Incoming, Uuid::from_u128(number))
}

/// A log of twelve records in three streams, one after the other.
async fn log() -> MemoryLog {
    log_of(4).await
}

/// A log of three records a round.
async fn log_of(rounds: u64) -> MemoryLog {
    let log = MemoryLog::new(LedgerId(Uuid::from_u128(7)), Arc::new(Ticking(AtomicI64::new(1_000_000))));
    for round in 0..rounds {
        for number in 0..3 {
            let draft = Draft { kind: EventKind::new(426), organ: Uuid::nil(), person: Uuid::nil(), body: vec![7; 40] };
            let expected = Expected::after(Revision::new(round).before());
            log.append(Append { stream: stream_of(number), expected, drafts: vec![draft] }).await.unwrap();
        }
    }
    log
}

#[tokio::test]
async fn more_records_than_are_told_at_once_are_verified() {
    let report = verify_told(Arc::new(log_of(1_000).await), None, Known::default(), |_| {}).await.unwrap();
    assert_eq!(report.records, 3_000);
}

async fn records(log: &dyn EventLog) -> Vec<Recorded> {
    let mut followed = log.follow(None);
    let mut all = Vec::new();
    while let Some(Ok(Followed::Records(records))) = followed.next().await {
        all.extend(records);
    }
    all
}

/// Tells this in place of what it holds.
struct Telling(MemoryLog, Vec<Recorded>);

impl EventLog for Telling {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        self.0.append(append)
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        self.0.read(stream, direction, from, limit)
    }

    fn follow(&self, _: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        stream::iter([Ok(Followed::Records(self.1.clone())), Ok(Followed::CaughtUp)]).boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.0.head()
    }

    fn ledger(&self) -> LedgerId {
        self.0.ledger()
    }

    fn engine(&self) -> &'static str {
        "telling"
    }
}

async fn verify(
    log: impl EventLog,
    expect: Option<(Position, RecordHash)>,
    known: Known,
) -> Result<VerifyReport, Fault> {
    verify_told(Arc::new(log), expect, known, |_| {}).await
}

#[tokio::test]
async fn what_is_told_well_is_verified_and_its_head_is_the_trees_root() {
    let log = log().await;
    let report = verify(log.clone(), None, Known::default()).await.unwrap();
    assert_eq!((report.records, report.streams, report.segments), (12, 3, 0));
    let mut tree = Frontier::new();
    let mut heads = vec![(log.head().await.unwrap().position.with_place(0), RecordHash([0; 32]))];
    for recorded in records(&log).await {
        tree.append(leaf_hash(&recorded.record.hash()));
        heads.push((recorded.position, RecordHash(tree.root().0)));
    }
    assert_eq!((report.head.position, report.head.hash), heads[12]);
    // Each head that it ever had is found again, and no other.
    for (at, &(position, hash)) in heads.iter().enumerate() {
        verify(log.clone(), Some((position, hash)), Known::default()).await.unwrap();
        let other = heads[(at + 1) % heads.len()].1;
        let fault = verify(log.clone(), Some((position, other)), Known::default()).await.unwrap_err();
        assert!(matches!(fault, Fault::Unexpected(_)), "{at}: {fault}");
    }
    let beyond = Some((heads[12].0.with_place(13), heads[12].1));
    let fault = verify(log.clone(), beyond, Known::default()).await.unwrap_err().to_string();
    assert!(fault.contains("it ends at"), "{fault}");
    let empty = MemoryLog::new(LedgerId(Uuid::from_u128(7)), Arc::new(Ticking(AtomicI64::new(0))));
    assert_eq!(verify(empty, Some(heads[0]), Known::default()).await.unwrap().records, 0);
}

#[tokio::test]
async fn a_record_that_is_left_out_changed_or_moved_is_named() {
    let log = log().await;
    let all = records(&log).await;
    let change = |at: usize, byte: usize| {
        let mut told = all.clone();
        let mut bytes = told[at].record.bytes().to_vec();
        bytes[byte] ^= 1;
        told[at].record = SealedRecord::from_bytes(bytes).unwrap();
        told
    };
    let without = |at: usize| {
        let mut told = all.clone();
        told.remove(at);
        told
    };
    let swapped = {
        let mut told = all.clone();
        told.swap(4, 7);
        told
    };
    for (told, at, why) in [
        (without(1), 3, Broken::Beginning),
        (without(4), 6, Broken::Revision),
        (change(4, 120), 7, Broken::Chain),
        (change(4, 4), 4, Broken::Revision),
        (change(0, 70), 0, Broken::Genesis),
        (swapped, 4, Broken::Revision),
    ] {
        let position = told[at].position;
        let fault = verify(Telling(log.clone(), told), None, Known::default()).await.unwrap_err();
        let Fault::Told(misplaced) = fault else { panic!("{fault}") };
        assert_eq!((misplaced.record, misplaced.position, misplaced.broken), (at as u64 + 1, position, why));
    }
    // The last is missed by nobody who comes after it: the log does not come to where it said it ends.
    let fault = verify(Telling(log.clone(), without(all.len() - 1)), None, Known::default()).await.unwrap_err();
    assert!(matches!(fault, Fault::Untold(_)) && fault.to_string().contains("left out"), "{fault}");
}

#[tokio::test]
async fn a_log_that_ends_before_what_is_known_or_is_another_one_is_named() {
    let log = log().await;
    let end = log.head().await.unwrap().position;
    for known in [Known { position: Some(end), signed: 12 }, Known { position: None, signed: 12 }] {
        verify(log.clone(), None, known).await.unwrap();
    }
    for known in [Known::from(end.with_place(13)), Known { position: Some(end), signed: 13 }] {
        let fault = verify(log.clone(), None, known).await.unwrap_err();
        assert!(matches!(fault, Fault::Short { end: 12, known: 13 }), "{fault}");
    }
    let copied = Position::new(end.ledger(), 9, 3);
    let fault = verify(log.clone(), None, Known::from(copied)).await.unwrap_err().to_string();
    assert!(fault.contains("before or after it was copied"), "{fault}");
    let foreign = Position::new(LedgerId(Uuid::from_u128(8)), 1, 3);
    let fault = verify(log, Some((foreign, RecordHash([1; 32]))), Known::default()).await.unwrap_err().to_string();
    assert!(fault.contains("is not of ledger"), "{fault}");
}
