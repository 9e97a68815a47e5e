//! What verification finds, with its place.

use std::fmt;

use socai_domain::ledger::{Position, Revision, StreamId};
use thiserror::Error;

use crate::log::{
    file::{Damage, error::OpenLogError},
    walk::Misplaced,
};

/// Why a ledger does not verify.
#[derive(Debug, Error)]
pub enum Fault {
    /// Something is wrong at a place in the files.
    #[error("{0}")]
    Wrong(Box<Wrong>),
    /// The files are whole in themselves, but not those that the expected head was taken from.
    #[error("the log is not the one that the expected head was taken from: {0}")]
    Unexpected(String),
    /// The log ends before a record that somebody was told is there.
    #[error("the log ends at record {end}, before record {known}, which was acknowledged")]
    Short {
        /// The place of its last record.
        end: u64,
        /// The place that somebody was told of.
        known: u64,
    },
    /// A file cannot be read.
    #[error("{what}: {source}")]
    Unreadable {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something is wrong with a record that a server told of.
    #[error(transparent)]
    Told(#[from] Misplaced),
    /// The log is not told.
    #[error("{0}")]
    Untold(Box<OpenLogError>),
    /// There is no ledger.
    #[error("{0} holds no ledger: check the path")]
    Missing(String),
}

/// A place in the files, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// File, offset, record and what is wrong.
    pub damage: Damage,
    /// The stream of the record, where it can be told.
    pub stream: Option<StreamId>,
    /// The revision of the record, where it can be told.
    pub revision: Option<Revision>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { file, offset, record, what } = &self.damage;
        write!(f, "{file}, offset {offset}, record {record}")?;
        if let (Some(stream), Some(revision)) = (self.stream, self.revision) {
            write!(f, ", {stream} revision {revision}")?;
        }
        write!(f, ": {what}")
    }
}

impl Fault {
    pub(super) fn at(damage: Damage) -> Self {
        Self::Wrong(Box::new(Wrong { damage, stream: None, revision: None }))
    }

    pub(super) fn of(damage: Damage, stream: StreamId, revision: Revision) -> Self {
        Self::Wrong(Box::new(Wrong { damage, stream: Some(stream), revision: Some(revision) }))
    }

    /// Something was told of another log.
    pub(super) fn foreign(position: Position, begins: Position) -> Self {
        let ledger = begins.ledger();
        Self::Unexpected(if position.ledger() == ledger {
            format!("position {position} is of another log of ledger {ledger}, from before or after it was copied")
        } else {
            format!("position {position} is not of ledger {ledger}")
        })
    }

    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Unreadable { what, source }
    }
}

impl From<OpenLogError> for Fault {
    fn from(error: OpenLogError) -> Self {
        match error {
            OpenLogError::Damaged(damage) => Self::at(damage),
            OpenLogError::Io { what, source } => Self::Unreadable { what, source },
            OpenLogError::Missing(name) => Self::Missing(name),
            other => Self::Untold(Box::new(other)),
        }
    }
}
