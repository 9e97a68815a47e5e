//! Does a record belong after what came before it? For whoever checks a log as a whole, or takes records over from another.
//!
//! Along a stream the recorded time never goes back. Along a log it may, where several servers write: the time of a place in
//! the log is the latest of the records up to there.

use std::collections::HashMap;

use thiserror::Error;

use super::{Header, LedgerId, RecordHash, Revision, StreamId};
use crate::time::Timestamp;

/// Where a stream stands: its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The record's revision.
    pub revision: Revision,
    /// The record's hash.
    pub hash: RecordHash,
}

/// Why a record does not belong after what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The stream begins in the middle.
    #[error("the records of the stream before this one are missing")]
    Beginning,
    /// The first record is of another ledger, or of another stream.
    #[error("the first record of a stream does not name the genesis value")]
    Genesis,
    /// Another revision than the next one.
    #[error("a revision of the stream is missing, or stands twice")]
    Revision,
    /// The chain does not hold.
    #[error("the record does not name the hash of the one before it in its stream: one of them was changed")]
    Chain,
    /// Recorded before the record before it in its stream.
    #[error("the recorded time of the stream goes back")]
    Time,
}

impl Broken {
    /// Does the record with this header belong where its stream stands there, and was last recorded then, if that is known?
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(
        ledger: LedgerId,
        header: &Header,
        stands: Option<Standing>,
        recorded: Option<Timestamp>,
    ) -> Result<(), Self> {
        let (next, previous, unchained) = match stands {
            Some(last) => (last.revision.next(), last.hash, Self::Chain),
            None => (Revision::FIRST, RecordHash::genesis(ledger, header.stream), Self::Genesis),
        };
        if header.revision != next {
            return Err(if stands.is_some() { Self::Revision } else { Self::Beginning });
        }
        if header.previous != previous {
            return Err(unchained);
        }
        if recorded.is_some_and(|last| header.recorded < last) { Err(Self::Time) } else { Ok(()) }
    }
}

/// A log as it is told from its first record on: the ends of all its streams, some 70 bytes for each.
#[derive(Debug)]
pub struct Continuity {
    ledger: LedgerId,
    ends: HashMap<StreamId, (Standing, Timestamp)>,
    /// The latest time.
    recorded: Option<Timestamp>,
    records: u64,
}

impl Continuity {
    /// Of a log of which nothing was told yet.
    pub fn new(ledger: LedgerId) -> Self {
        Self { ledger, ends: HashMap::new(), recorded: None, records: 0 }
    }

    /// Takes in the next record, whose hash is that of its bytes.
    ///
    /// # Errors
    /// It does not belong there. Nothing is taken in.
    pub fn take(&mut self, header: &Header, hash: RecordHash) -> Result<(), Broken> {
        let (stands, recorded) = self.ends.get(&header.stream).copied().unzip();
        Broken::check(self.ledger, header, stands, recorded)?;
        let stands = Standing { revision: header.revision, hash };
        self.ends.insert(header.stream, (stands, header.recorded));
        self.recorded = self.recorded.max(Some(header.recorded));
        self.records += 1;
        Ok(())
    }

    /// How many records were taken in.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many streams they are of.
    pub fn streams(&self) -> usize {
        self.ends.len()
    }

    /// The time of the log there: when the latest of them was recorded.
    pub fn recorded(&self) -> Option<Timestamp> {
        self.recorded
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ledger::{EventKind, StreamKind};

    const LEDGER: LedgerId = LedgerId(Uuid::from_u128(7));

    fn hash(number: u8) -> RecordHash {
        RecordHash([number; 32])
    }

    fn header(stream: u128, revision: u64, recorded: i64, previous: Option<RecordHash>) -> Header {
        let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(stream));
        Header {
            kind: EventKind::new(401),
            stream,
            revision: Revision::new(revision),
            recorded: Timestamp::from_micros(recorded),
            organ: Uuid::nil(),
            person: Uuid::nil(),
            previous: previous.unwrap_or_else(|| RecordHash::genesis(LEDGER, stream)),
        }
    }

    #[test]
    fn only_the_next_record_is_taken_and_what_is_refused_leaves_no_trace() {
        let mut told = Continuity::new(LEDGER);
        assert_eq!(told.take(&header(1, 1, 5, Some(hash(1))), hash(2)), Err(Broken::Beginning));
        assert_eq!(told.take(&header(1, 0, 5, Some(hash(1))), hash(2)), Err(Broken::Genesis));
        told.take(&header(1, 0, 5, None), hash(1)).unwrap();
        for (wrong, why) in [
            (header(1, 0, 5, None), Broken::Revision),
            (header(1, 2, 5, Some(hash(1))), Broken::Revision),
            (header(1, 1, 5, Some(hash(9))), Broken::Chain),
            (header(1, 1, 4, Some(hash(1))), Broken::Time),
        ] {
            assert_eq!(told.take(&wrong, hash(2)), Err(why));
        }
        told.take(&header(1, 1, 5, Some(hash(1))), hash(2)).unwrap();
        told.take(&header(2, 0, 6, None), hash(3)).unwrap();
        // Of a server that had not seen the one before.
        told.take(&header(3, 0, 4, None), hash(4)).unwrap();
        assert_eq!((told.records(), told.streams()), (4, 3));
        assert_eq!(told.recorded(), Some(Timestamp::from_micros(6)));
    }

    #[test]
    fn a_stream_of_another_ledger_does_not_begin_here() {
        let mut other = Continuity::new(LedgerId(Uuid::from_u128(8)));
        assert_eq!(other.take(&header(1, 0, 5, None), hash(1)), Err(Broken::Genesis));
    }
}
