//! What the tests are written with.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use socai_domain::{
    ledger::{
        Append, Appended, Direction, Draft, EventKind, EventLog, Expected, Followed, Position, ReadError, RecordHash,
        Recorded, Revision, SealedRecord, StreamId, StreamKind,
    },
    time::{Clock, Timestamp},
};
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::Double;
use uuid::Uuid;

/// Some instant of November 2026.
pub(crate) const NOW: i64 = 1_795_000_000_000_000;
/// The ledger of most tests.
pub(crate) const LEDGER: &str = "so";
/// A wait that is this long waits for what never comes.
const NEVER: Duration = Duration::from_secs(30);

/// A clock that stands still.
pub(crate) struct Still(pub(crate) i64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0)
    }
}

pub(crate) fn options() -> KurrentOptions {
    KurrentOptions { create: true, ..KurrentOptions::new(Arc::new(Still(NOW))) }
}

/// The ledger in this cluster; no call may take longer than so many milliseconds.
pub(crate) fn url(double: &Double, deadline: u64) -> String {
    format!("{}&defaultDeadline={deadline}", double.url(LEDGER))
}

pub(crate) async fn open(double: &Double) -> KurrentLog {
    KurrentLog::open(&url(double, 2_000), options()).await.unwrap()
}

pub(crate) fn stream(number: u128) -> StreamId {
    StreamId::new(StreamKind::Incoming, Uuid::from_u128(number))
}

/// What the stream is called in the cluster.
pub(crate) fn physical(number: u128) -> String {
    format!("{LEDGER}-{}", stream(number))
}

pub(crate) fn draft(text: &str) -> Draft {
    let mut body = text.as_bytes().to_vec();
    body.resize(body.len().max(16), b'.');
    Draft { kind: EventKind::new(426), organ: Uuid::from_u128(0xa), person: Uuid::from_u128(0xb), body }
}

/// The record that a draft becomes there.
pub(crate) fn sealed(
    draft: &Draft,
    stream: StreamId,
    revision: u64,
    recorded: i64,
    previous: RecordHash,
) -> SealedRecord {
    let mut bytes = Vec::new();
    draft.stamp(stream, Revision::new(revision), Timestamp::from_micros(recorded), previous, &mut bytes);
    SealedRecord::from_bytes(bytes).unwrap()
}

pub(crate) fn append(number: u128, last: Option<u64>, texts: &[&str]) -> Append {
    let drafts = texts.iter().map(|text| draft(text)).collect();
    Append { stream: stream(number), expected: Expected::after(last.map(Revision::new)), drafts }
}

/// So many records, one after the other, into a new stream.
pub(crate) async fn fill(log: &KurrentLog, number: u128, count: u64) -> Vec<Appended> {
    let mut all = Vec::new();
    for revision in 0..count {
        let text = format!("{number}/{revision}");
        all.push(log.append(append(number, revision.checked_sub(1), &[&text])).await.unwrap());
    }
    all
}

pub(crate) fn position(appended: &Appended) -> Position {
    appended.last().position
}

pub(crate) fn text(recorded: &Recorded) -> String {
    String::from_utf8_lossy(recorded.record.body()).trim_end_matches('.').to_owned()
}

pub(crate) async fn texts(log: &KurrentLog, number: u128) -> Vec<String> {
    log.read(stream(number), Direction::Forwards, None, usize::MAX).await.unwrap().iter().map(text).collect()
}

/// A follower that remembers what it was told.
pub(crate) struct Follower {
    told: BoxStream<'static, Result<Followed, ReadError>>,
    pub(crate) records: Vec<Recorded>,
    pub(crate) caught_up: usize,
}

impl Follower {
    pub(crate) fn new(log: &KurrentLog, after: Option<Position>) -> Self {
        Self { told: log.follow(after), records: Vec::new(), caught_up: 0 }
    }

    /// Takes the next message, or the error that is one.
    pub(crate) async fn step(&mut self) -> Result<(), ReadError> {
        let told = tokio::time::timeout(NEVER, self.told.next()).await.expect("something is told");
        match told.expect("a follower ends with an error only")? {
            Followed::Records(records) => self.records.extend(records),
            Followed::CaughtUp => self.caught_up += 1,
        }
        Ok(())
    }

    pub(crate) async fn until_caught_up(&mut self) {
        while self.caught_up == 0 {
            self.step().await.unwrap();
        }
    }

    /// Until so many were told.
    pub(crate) async fn until(&mut self, count: usize) {
        while self.records.len() < count {
            self.step().await.unwrap();
        }
    }

    /// Until it says what is wrong.
    pub(crate) async fn until_error(&mut self) -> ReadError {
        loop {
            if let Err(error) = self.step().await {
                return error;
            }
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.records.iter().map(text).collect()
    }
}
