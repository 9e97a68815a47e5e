//! Why a log on files does not open, by what to do about it.

use std::{fmt, io};

use socai_domain::ledger::{LedgerId, Position};
use thiserror::Error;

/// A place in the files where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Where in it, in bytes.
    pub offset: u64,
    /// The place in the log of the record there, or of the next one.
    pub record: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, offset {}, record {}: {}", self.file, self.offset, self.record, self.what)
    }
}

/// Why a log does not open, by what to do about it.
#[derive(Debug, Error)]
pub enum OpenLogError {
    /// Another process has it.
    #[error("{0} is in use by another socai: stop that one first, or give another directory")]
    InUse(String),
    /// The directory has no ledger and none was to be made.
    #[error("{0} holds no ledger: check the path; `socai serve` and `socai demo` make a new one in an empty directory")]
    Missing(String),
    /// It was being built as a whole, and that did not come to its end.
    #[error(
        "the ledger in {0} is being built, or its building was interrupted: it is not whole and nobody may use it. Wait for \
         the building to end; if nothing builds it any more, delete its data directory and build it again"
    )]
    Unfinished(String),
    /// It is a copy of another log that is not whole yet.
    #[error(
        "the copy of a ledger in {0} is not whole yet and nobody may use it: run the same `socai copy` again, and it goes on \
         where it was"
    )]
    Copying(String),
    /// A ledger is built where nothing is.
    #[error("{0} is not empty: a ledger is built in a directory of its own")]
    NotEmpty(String),
    /// The ledger is another one than was asked for.
    #[error("the directory holds ledger {found}, not {wanted}: give the directory that belongs to it")]
    OtherLedger {
        /// The one that is there.
        found: LedgerId,
        /// The one that was asked for.
        wanted: LedgerId,
    },
    /// What is known of the log is known of another one.
    #[error(
        "the log is that of {found}, but {wanted} is known to have been in it: give the directory that belongs to it"
    )]
    OtherLog {
        /// Where the one begins that is there.
        found: Position,
        /// What was told.
        wanted: Position,
    },
    /// A byte is wrong where no crash can have left it so.
    #[error("the log is damaged and was left as it is ({0}): restore this file from a backup, then run `socai verify`")]
    Damaged(Damage),
    /// It ends before a record that is known to have been in it.
    #[error(
        "the log ends at {damage}, but record {known} is known to have been in it; it was left as it is: restore its newest copy"
    )]
    Short {
        /// Where it ends, and how.
        damage: Damage,
        /// The record that a checkpoint names.
        known: u64,
    },
    /// The segment size makes no sense.
    #[error("a segment has between {min} and {max} bytes, not {size}")]
    SegmentSize {
        /// What was asked for.
        size: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// The ledger in a KurrentDB cluster.
    #[error(transparent)]
    Kurrent(Box<socai_kurrent::OpenKurrentError>),
    /// The ledger in a cluster ends before what is known to have been in it.
    #[error(
        "the cluster's ledger ends at record {records}, place {place}, but place {told} and {signed} signed records are known: restore the \
         newest backup of the cluster"
    )]
    Ends {
        /// How many records there are.
        records: u64,
        /// Where the last one lies.
        place: u64,
        /// The place that is known of.
        told: u64,
        /// How many records were signed.
        signed: u64,
    },
    /// A URL that names no engine.
    #[error("no log engine for {url:?}: {hint}")]
    Url {
        /// The URL.
        url: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// The file system refused.
    #[error("{what}: {source}; check the disk, the directory's owner and its free space")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl From<socai_kurrent::OpenKurrentError> for OpenLogError {
    fn from(error: socai_kurrent::OpenKurrentError) -> Self {
        Self::Kurrent(Box::new(error))
    }
}

impl OpenLogError {
    /// Names what was being done when the file system refused.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
