//! The second way into a log: whole sealed records of the same ledger, taken over from another log as they are.
//!
//! It is the way of a copy and of nothing else, so it is no part of the [`EventLog`](super::EventLog). An engine that has it
//! promises: a record is taken only where it belongs ([`Broken`]); its bytes stay what they are; all come to stand in the
//! order in which they were given; and when a call returns, they are durable. What is not whole is served to nobody.

use thiserror::Error;

use super::{Broken, Revision, StreamId};

/// Why whole records were not taken, by what may be done next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// A record does not belong there: it, or what is there, is not what it should be.
    #[error("{stream}, revision {revision}, does not belong after what is there: {broken}")]
    NotNext {
        /// The record's stream.
        stream: StreamId,
        /// The record's revision.
        revision: Revision,
        /// Why.
        broken: Broken,
    },
    /// Some may have been taken, in order: copy again, and it goes on there.
    #[error("the log cannot take it now: {0}; run the same copy again and it goes on where it was")]
    Busy(String),
    /// Stop and tell a person.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
}
