//! All of one log, as it is told from its first record on: chains, revisions, times, and the tree over all records.

use socai_domain::{
    ledger::{Broken, Continuity, Position, Revision, StreamId},
    proof::{leaf_hash, tree::Frontier},
};
use thiserror::Error;

use super::{file::beside::Placed, reading::Reading};

/// A record does not belong where the log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("record {record} at position {position}, {stream} revision {revision}: {broken}")]
pub struct Misplaced {
    /// Its number in the log's order, from 1.
    pub record: u64,
    /// Its position.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its revision.
    pub revision: Revision,
    /// What is wrong.
    pub broken: Broken,
}

/// What was told so far.
pub(crate) struct Walk {
    pub(crate) continuity: Continuity,
    pub(crate) tree: Frontier,
    /// Where the last record lies.
    pub(crate) last: Position,
}

impl Walk {
    pub(crate) fn new(reading: &Reading) -> Self {
        Self { continuity: Continuity::new(reading.ledger()), tree: Frontier::new(), last: reading.begins() }
    }

    /// Takes in the next record, or says why it is not the next.
    pub(crate) fn take(&mut self, placed: &Placed) -> Result<(), Misplaced> {
        let header = placed.record.header();
        self.continuity.take(header, placed.hash).map_err(|broken| Misplaced {
            record: self.continuity.records() + 1,
            position: placed.position,
            stream: header.stream,
            revision: header.revision,
            broken,
        })?;
        self.tree.append(leaf_hash(&placed.hash));
        self.last = placed.position;
        Ok(())
    }
}
