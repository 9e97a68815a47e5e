//! The witness: the port to who cosigns the checkpoints of other logs.

use std::fmt;

use futures::future::BoxFuture;

/// What a log that asks for a cosignature is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The lines of signature, each with its line end.
    Cosigned(String),
    /// The request cannot be read, or its old size is larger than its checkpoint.
    Malformed(String),
    /// The log has not signed the checkpoint.
    NotSigned(String),
    /// This log is not watched here.
    Unknown,
    /// The checkpoint that was cosigned last has so many leaves.
    Moved(u64),
    /// The checkpoint does not follow from the one that was cosigned last.
    NotConsistent(String),
    /// What was cosigned cannot be read or written now.
    Unavailable,
}

/// A log that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Its name.
    pub log: String,
    /// How many leaves the checkpoint has that was cosigned last; none if none was.
    pub cosigned: Option<u64>,
    /// How often it has signed another root for a size whose root was cosigned.
    pub splits: usize,
}

/// Watches other logs: cosigns a checkpoint only if the log's tree has done nothing but grow. Public: whoever asks is known by
/// the log's signature on the checkpoint.
pub trait Witness: fmt::Debug + Send + Sync + 'static {
    /// Judges a request, the bytes as they came.
    fn add_checkpoint(&self, request: Vec<u8>) -> BoxFuture<'_, Told>;

    /// The last checkpoint that was cosigned of the log whose origin has this SHA-256, in lower-case hexadecimal; none if there
    /// is none.
    fn checkpoint(&self, origin: String) -> BoxFuture<'_, Option<String>>;

    /// The logs that are watched, by name; none if what was cosigned cannot be read now.
    fn watched(&self) -> BoxFuture<'_, Option<Vec<Watched>>>;
}
