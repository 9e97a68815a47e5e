//! What the rules are written with.

use std::{
    cmp::Ordering,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, stream::BoxStream};
use socai_domain::{
    ledger::{
        Append, Appended, Direction, Draft, EventKind, EventLog, Expected, Followed, Position, ReadError, Recorded,
        Revision, StreamId, StreamKind,
    },
    time::{Clock, Timestamp},
};
use uuid::Uuid;

use super::Fixture;

/// A clock that a test sets.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// At an instant, in microseconds since 1970.
    pub fn at(micros: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(micros)))
    }

    /// Forwards or back.
    pub fn set(&self, micros: i64) {
        self.0.store(micros, SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(SeqCst))
    }
}

/// Some instant of November 2026.
pub(super) const NOW: i64 = 1_795_000_000_000_000;

pub(super) async fn open(fixture: &dyn Fixture) -> Arc<dyn EventLog> {
    fixture.open(SetClock::at(NOW)).await
}

pub(super) fn stream(number: u128) -> StreamId {
    StreamId::new(StreamKind::Incoming, Uuid::from_u128(number))
}

pub(super) fn revision(number: u64) -> Revision {
    Revision::new(number)
}

/// An event with this text as its body; engines do not look into bodies.
pub(super) fn draft(text: &str) -> Draft {
    sized(text, HEADER_AND_TAG)
}

const HEADER_AND_TAG: usize = 116;

/// An event whose record has at least `len` bytes.
pub(super) fn sized(text: &str, len: usize) -> Draft {
    let mut body = text.as_bytes().to_vec();
    body.resize(body.len().max(len - 100), b'.');
    Draft { kind: EventKind::new(426), organ: Uuid::from_u128(0xa), person: Uuid::from_u128(0xb), body }
}

/// These events for a stream that stands at `last`.
pub(super) fn append(stream: StreamId, last: Option<u64>, texts: &[&str]) -> Append {
    let drafts = texts.iter().map(|text| draft(text)).collect();
    Append { stream, expected: Expected::after(last.map(Revision::new)), drafts }
}

/// One event after another into a new stream.
pub(super) async fn fill(log: &dyn EventLog, stream: StreamId, count: u64) -> Result<Vec<Appended>> {
    let mut all = Vec::new();
    for number in 0..count {
        let text = format!("{stream} {number}");
        all.push(log.append(append(stream, number.checked_sub(1), &[&text])).await?);
    }
    Ok(all)
}

pub(super) async fn read_all(log: &dyn EventLog, stream: StreamId) -> Result<Vec<Recorded>> {
    Ok(log.read(stream, Direction::Forwards, None, usize::MAX).await?)
}

/// The texts of records.
pub(super) fn texts(records: &[Recorded]) -> Vec<String> {
    records.iter().map(text).collect()
}

pub(super) fn text(recorded: &Recorded) -> String {
    String::from_utf8_lossy(recorded.record.body()).trim_end_matches('.').to_owned()
}

pub(super) fn position(appended: &Appended) -> Result<Position> {
    Ok(appended.stamps.last().context("an acknowledged append has a stamp for each event")?.position)
}

/// A follower that remembers what it was told.
pub(super) struct Follower {
    stream: BoxStream<'static, Result<Followed, ReadError>>,
    pub(super) told: Vec<Recorded>,
    /// How much had been told when it was said that this was all.
    pub(super) caught_up: Vec<usize>,
}

impl Follower {
    pub(super) fn new(log: &dyn EventLog, after: Option<Position>) -> Self {
        Self { stream: log.follow(after), told: Vec::new(), caught_up: Vec::new() }
    }

    /// Takes the next message.
    pub(super) async fn step(&mut self) -> Result<()> {
        match self.stream.next().await {
            Some(Ok(Followed::Records(records))) => {
                ensure!(!records.is_empty(), "a message of no records");
                self.told.extend(records);
            }
            Some(Ok(Followed::CaughtUp)) => self.caught_up.push(self.told.len()),
            Some(Err(error)) => return Err(error.into()),
            None => bail!("the log stopped telling"),
        }
        Ok(())
    }

    /// Listens until this position or a later one was told.
    pub(super) async fn until(&mut self, last: Position) -> Result<()> {
        let mut seen = 0;
        loop {
            for recorded in &self.told[seen..] {
                if recorded.position.compare(last)? != Ordering::Less {
                    return Ok(());
                }
            }
            seen = self.told.len();
            self.step().await?;
        }
    }

    /// Listens until it is said that all was told.
    pub(super) async fn until_caught_up(&mut self) -> Result<()> {
        while self.caught_up.is_empty() {
            self.step().await?;
        }
        Ok(())
    }
}

/// How a follow from this position begins.
pub(super) async fn first_answer(log: &dyn EventLog, after: Position) -> Option<Result<Followed, ReadError>> {
    log.follow(Some(after)).next().await
}

macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($what:tt)+) => {{
        let (left, right) = (&$left, &$right);
        anyhow::ensure!(left == right, "{}: {left:?} instead of {right:?}", format_args!($($what)+));
    }};
}
pub(super) use ensure_eq;
