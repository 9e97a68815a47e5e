//! The log of all records, as everything else sees it. Engines implement [`EventLog`]; `tests` holds the suite that
//! every engine passes.

use std::{cmp::Ordering, fmt, str::FromStr, sync::LazyLock};

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use futures::{future::BoxFuture, stream::BoxStream};
use thiserror::Error;
use uuid::Uuid;

use super::{Draft, LedgerId, Pieces, RecordHash, Revision, SealedRecord, StreamId, pieces};
use crate::time::Timestamp;

/// A place in the log's one order. Opaque: it can be compared with positions of the same ledger and engine epoch,
/// and kept as text, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    ledger: LedgerId,
    epoch: u32,
    place: u64,
}

/// A position of another ledger, or of another engine's life of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("position {0} belongs to another ledger or engine epoch than {1}: ask this ledger for a position of its own")]
pub struct ForeignPosition(pub Position, pub Position);

impl Position {
    /// For engines: the place `place` of this ledger in this engine epoch.
    pub fn new(ledger: LedgerId, epoch: u32, place: u64) -> Self {
        Self { ledger, epoch, place }
    }

    /// For engines: the place.
    pub fn place(self) -> u64 {
        self.place
    }

    /// For engines and views, which keep places: another place of the same log.
    #[must_use]
    pub fn with_place(self, place: u64) -> Self {
        Self { place, ..self }
    }

    /// The ledger it belongs to.
    pub fn ledger(self) -> LedgerId {
        self.ledger
    }

    /// Are both of the same ledger and engine epoch?
    pub fn same_log(self, other: Self) -> bool {
        (self.ledger, self.epoch) == (other.ledger, other.epoch)
    }

    /// Which of two positions of one log comes first.
    pub fn compare(self, other: Self) -> Result<Ordering, ForeignPosition> {
        if self.same_log(other) { Ok(self.place.cmp(&other.place)) } else { Err(ForeignPosition(self, other)) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.ledger.0.simple(), self.epoch, self.place)
    }
}

/// Not the text of a position.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a position: {0:?}; give back one that this ledger gave you")]
pub struct NotAPosition(String);

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let parse = || {
            let mut parts = text.split('.');
            let ledger = LedgerId(Uuid::try_parse(parts.next()?).ok()?);
            let position = Self::new(ledger, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(position)
        };
        parse().ok_or_else(|| NotAPosition(text.to_owned()))
    }
}

/// Where a stream must stand for an append to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no record yet.
    New,
    /// The stream's last record has this revision.
    At(Revision),
}

impl Expected {
    /// The revision that the first appended record gets.
    pub fn next(self) -> Revision {
        match self {
            Self::New => Revision::FIRST,
            Self::At(revision) => revision.next(),
        }
    }

    /// From the revision of a stream's last record, if it has one.
    pub fn after(last: Option<Revision>) -> Self {
        last.map_or(Self::New, Self::At)
    }
}

/// Several events for one stream, to be taken all or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// Where it must stand.
    pub expected: Expected,
    /// The events, each sealed for its revision, the first for `expected.next()`. Not empty.
    pub drafts: Vec<Draft>,
}

/// What became of one draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its place in the log.
    pub position: Position,
    /// Its place in its stream.
    pub revision: Revision,
    /// When the log took it.
    pub recorded: Timestamp,
    /// The hash of the record that it became.
    pub hash: RecordHash,
}

/// A durable append: one stamp for each draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// In the order of the drafts. Not empty.
    pub stamps: Vec<Stamp>,
    /// The very same append had been taken before; nothing was written now.
    pub repeated: bool,
}

impl Appended {
    /// The stamp of the last draft.
    pub fn last(&self) -> Stamp {
        *self.stamps.last().expect("an append of no drafts is refused")
    }
}

/// Why an append was not acknowledged, by what the caller may do next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The stream stands elsewhere: load it, decide again.
    #[error("{stream} is at revision {actual:?}, not where the append expected it: load it and decide again")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// The revision of its last record, if it has one.
        actual: Option<Revision>,
    },
    /// It will never fit: tell a person.
    #[error("{len} bytes do not fit: at most {max}")]
    TooLarge {
        /// Bytes of the largest record of the append, or of all of it where it is too much for one batch.
        len: usize,
        /// The most that a record, or a batch, may have.
        max: usize,
    },
    /// An append of no events, or more than one batch can hold.
    #[error("an append has between 1 and {max} events, this one {count}")]
    Count {
        /// How many it had.
        count: usize,
        /// The most that are taken.
        max: usize,
    },
    /// Nothing was written; try again.
    #[error("the log cannot take it now, nothing was written: {0}")]
    Busy(String),
    /// It may have been written: reissue verbatim and the answer will tell.
    #[error("it is not known whether the log took it: reissue the same append ({0})")]
    Unknown(String),
    /// The log is damaged or its disk failed: stop and tell a person.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
}

/// Why a read failed, by what the caller may do next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The position is of another ledger or engine epoch: start from one of this log.
    #[error(transparent)]
    Foreign(#[from] ForeignPosition),
    /// The position lies beyond the head: this log never gave it.
    #[error(
        "position {0} lies beyond the head of the log: the log was cut or an older copy restored; restore the newest copy, \
         or, if that is lost, remove the checkpoint or views that stand there"
    )]
    Beyond(Position),
    /// Try again.
    #[error("the log cannot be read now: {0}")]
    Busy(String),
    /// Stop and tell a person.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
}

/// Which way to read a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Older to newer.
    Forwards,
    /// Newer to older.
    Backwards,
}

/// A record with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// The record.
    pub record: SealedRecord,
}

/// What a follower is told.
#[derive(Clone, Debug)]
pub enum Followed {
    /// The next records, in order, never empty.
    Records(Vec<Recorded>),
    /// All that was in the log when asked has been told; what follows is live. Said once.
    CaughtUp,
}

/// The end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last record's position; before the first record, the position that follows everything.
    pub position: Position,
    /// How many records the log holds.
    pub records: u64,
    /// The chain over all batches: who holds it can have the log files checked against it. Zero on engines without one.
    pub hash: RecordHash,
    /// The log's time there: that of the latest record.
    pub recorded: Timestamp,
}

/// An append-only log of sealed records with one global order.
///
/// Promises, each a rule of the conformance suite: an append is taken at exactly the expected revision or refused; its
/// events are all there or none; nothing is acknowledged before it is durable; recorded time never goes back along a stream, nor along the
/// log where one process writes it (the time of a place in the log is the latest up to there); a follower
/// sees every record once and in order; the same append reissued is recognised and answered as the first time (an engine may
/// leave off looking when a thousand records of the stream followed: then it is a conflict, and who decides again finds the
/// command taken).
pub trait EventLog: Send + Sync + 'static {
    /// Takes several events for one stream, all or none. The append takes its place among others when this is called,
    /// not when the future is polled: two calls for one stream, one after the other, need not wait for each other.
    /// Dropping the future does not take the append back.
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>>;

    /// At most `limit` records of a stream, beginning with `from`; without `from`, with the first or the last one.
    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>>;

    /// Every record after `after` (without it, from the beginning), first those that are there, then live, for ever.
    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>>;

    /// The records after `after` and up to `until`, which lies not beyond the head, in pieces that may be read side by side.
    fn pieces(&self, after: Option<Position>, until: Position) -> Pieces {
        pieces::followed(self.follow(after), until)
    }

    /// Where the log stood at an instant: the position of the last record before the first that was recorded later, if there
    /// is one. What an instant holds is settled once a later one stands in the log.
    fn stood_at(&self, then: Timestamp) -> BoxFuture<'_, Result<Option<Position>, ReadError>> {
        Box::pin(pieces::last_by(self.follow(None), then))
    }

    /// The end of the log.
    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>>;

    /// May others than this process write to it meanwhile? Then what was read of it may be old by the time it is used.
    fn is_shared(&self) -> bool {
        false
    }

    /// The ledger that the log holds.
    fn ledger(&self) -> LedgerId;

    /// The engine's name, for people.
    fn engine(&self) -> &'static str;
}

/// The context of the log head.
pub const HEAD_CONTEXT: &str = "socai 2026-11 log head v1";

/// The log head after a batch: BLAKE3 in derive-key mode over the head before it (before the first batch, the ledger's id
/// and 16 zero bytes) and the hashes of the batch's records.
pub fn chain_head(ledger: LedgerId, before: Option<RecordHash>, batch: &[RecordHash]) -> RecordHash {
    static KEY: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(HEAD_CONTEXT));
    let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
    match before {
        Some(head) => hasher.update(&head.0),
        None => hasher.update(ledger.0.as_bytes()).update(&[0; 16]),
    };
    // In one piece: long batches are then hashed many blocks at a time.
    let mut joined = Vec::with_capacity(32 * batch.len());
    for hash in batch {
        joined.extend_from_slice(&hash.0);
    }
    hasher.update(&joined);
    RecordHash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_two_logs_are_not_compared() {
        let ledger = LedgerId(Uuid::from_u128(1));
        let here = Position::new(ledger, 1, 5);
        assert_eq!(here.compare(Position::new(ledger, 1, 6)), Ok(Ordering::Less));
        for other in [Position::new(LedgerId(Uuid::from_u128(2)), 1, 6), Position::new(ledger, 2, 6)] {
            assert_eq!(here.compare(other), Err(ForeignPosition(here, other)));
        }
        assert_eq!(here.to_string().parse(), Ok(here));
        for wrong in ["", "1", "a.b.c", "00000000000000000000000000000001.1.5.6"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }
}
