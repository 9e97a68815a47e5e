//! What a log and a witness say to each other (C2SP `tlog-witness`), and how a witness judges: a checkpoint is cosigned only
//! if the log signed it and its tree begins with all of the tree that was cosigned before.
//!
//! ```text
//! old <size of the tree cosigned before>
//! <hash of the consistency proof>...
//!
//! <checkpoint>
//! ```

use std::fmt;

use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, NotTheLogs, decimal},
    consistency::{self, NotConsistent, TreeHead},
    hash::{TreeHash, sha256},
    key::{KeyName, NotAVerifierKey, SignatureKind, VerifierKey},
    note::{MAX_NOTE_LEN, NotANote, Note},
};

/// The most hashes of a consistency proof: a tree has at most 2^64 leaves.
pub const MAX_PROOF: usize = 63;
/// The longest request that is read, in bytes.
pub const MAX_REQUEST_LEN: usize = MAX_NOTE_LEN + 4096;
/// The most logs that a witness watches.
pub const MAX_LOGS: usize = 10_000;

/// A log asks to have a checkpoint cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Leaves of the tree that the witness cosigned before, as the log knows it.
    pub old: u64,
    /// That the new tree begins with all of that one.
    pub proof: Vec<TreeHash>,
    /// The signed checkpoint.
    pub note: Note,
}

/// Why bytes are not such a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotARequest {
    /// Longer than [`MAX_REQUEST_LEN`].
    #[error("a request has at most {MAX_REQUEST_LEN} bytes")]
    TooLong,
    /// Not UTF-8, no empty line, or no line end before it.
    #[error("write `old SIZE`, a line for each hash of the proof, an empty line and the checkpoint")]
    Form,
    /// The first line.
    #[error(
        "the first line is `old` and the size of the tree that was cosigned before, in digits without a leading zero"
    )]
    Old,
    /// A line of the proof.
    #[error("a line of the proof is one hash of 32 bytes in base64")]
    Hash,
    /// More than [`MAX_PROOF`].
    #[error("a consistency proof has at most {MAX_PROOF} hashes")]
    TooManyHashes,
    /// What follows is not a signed note.
    #[error("the checkpoint: {0}")]
    Note(#[from] NotANote),
}

impl AddCheckpoint {
    /// Reads a request. It says nothing yet about signatures and proof: see [`judge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotARequest> {
        if bytes.len() > MAX_REQUEST_LEN {
            return Err(NotARequest::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| NotARequest::Form)?;
        let (head, note) = text.split_once("\n\n").ok_or(NotARequest::Form)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| decimal(line.strip_prefix("old ")?)).ok_or(NotARequest::Old)?;
        if lines.clone().count() > MAX_PROOF {
            return Err(NotARequest::TooManyHashes);
        }
        let proof = lines.map(|line| line.parse().map_err(|_| NotARequest::Hash)).collect::<Result<_, _>>()?;
        Ok(Self { old, proof, note: Note::parse(note.as_bytes())? })
    }

    /// The log that the checkpoint says it is of; nothing is checked yet.
    pub fn origin(&self) -> Option<&str> {
        self.note.text().split('\n').next()
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotCosigned {
    /// The log's key has not signed it, or it is not a checkpoint.
    #[error("the checkpoint: {0}")]
    Log(#[from] NotTheLogs),
    /// The tree that was cosigned before cannot be larger.
    #[error("the old size {old} is larger than that of the checkpoint, {new}")]
    OldIsLarger {
        /// The old size as asked.
        old: u64,
        /// Leaves of the checkpoint.
        new: u64,
    },
    /// The log does not know what was cosigned last.
    #[error("the checkpoint cosigned last has {cosigned} leaves, not {old}")]
    Moved {
        /// Leaves of the tree that was cosigned last.
        cosigned: u64,
        /// The old size as asked.
        old: u64,
    },
    /// The new tree is not shown to begin with the one that was cosigned.
    #[error("the checkpoint does not follow from the one cosigned last: {0}")]
    NotConsistent(#[from] NotConsistent),
}

/// Is the checkpoint in the request to be cosigned, after the tree `cosigned`? Errors come in the order in which the
/// specification asks for them.
pub fn judge(request: &AddCheckpoint, log: &VerifierKey, cosigned: TreeHead) -> Result<Checkpoint, NotCosigned> {
    let checkpoint = Checkpoint::open(&request.note, log)?;
    let (old, new) = (request.old, checkpoint.head());
    if old > new.size {
        return Err(NotCosigned::OldIsLarger { old, new: new.size });
    }
    if old != cosigned.size {
        return Err(NotCosigned::Moved { cosigned: cosigned.size, old });
    }
    consistency::verify(cosigned, new, &request.proof)?;
    Ok(checkpoint)
}

/// The tree without leaves: what a witness has cosigned of a log that it has never seen.
pub fn nothing() -> TreeHead {
    TreeHead { size: 0, root: TreeHash::empty() }
}

/// Under which name a witness shows a log: the SHA-256 of its origin, in lower-case hexadecimal.
pub fn origin_hash(origin: &KeyName) -> String {
    use fmt::Write as _;
    let mut name = String::with_capacity(64);
    for byte in sha256(origin.as_str().as_bytes()).0 {
        let _ = write!(name, "{byte:02x}"); // a String takes everything
    }
    name
}

/// How a witness says the size of the tree that it cosigned last: the answer to a wrong old size.
pub fn write_size(size: u64) -> String {
    format!("{size}\n")
}

/// Reads such an answer.
pub fn read_size(bytes: &[u8]) -> Option<u64> {
    decimal(str::from_utf8(bytes).ok()?.strip_suffix('\n')?)
}

/// Why a text does not name the logs to watch, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct NotLogs {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: LogFault,
}

/// What is wrong with a line that should name a log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogFault {
    /// Another line.
    #[error("write `log KEY`, the verifier key as the log's operator gave it")]
    Form,
    /// Not a key.
    #[error(transparent)]
    Key(#[from] NotAVerifierKey),
    /// A witness's key.
    #[error("a log's key has kind 1; this is a witness's")]
    Kind,
    /// Two keys for one log: only one history can be watched under a name.
    #[error("{0} is there already")]
    Repeated(KeyName),
    /// More than [`MAX_LOGS`].
    #[error("at most {MAX_LOGS} logs are watched")]
    TooMany,
}

/// Reads the logs to watch: lines `log KEY [URL]` as in a C2SP `tlog-policy`, empty lines, and remarks after `#`.
pub fn read_logs(text: &str) -> Result<Vec<VerifierKey>, NotLogs> {
    let mut logs: Vec<VerifierKey> = Vec::new();
    let mut read = |line: &str| {
        let words: Vec<_> = line.split([' ', '\t', '\r']).filter(|word| !word.is_empty()).collect();
        let key: VerifierKey = match words[..] {
            [] => return Ok(()),
            [first, ..] if first.starts_with('#') => return Ok(()),
            ["log", key] | ["log", key, _] => key.parse()?,
            _ => return Err(LogFault::Form),
        };
        if key.kind() != SignatureKind::Note {
            return Err(LogFault::Kind);
        }
        if logs.iter().any(|other| other.name() == key.name()) {
            return Err(LogFault::Repeated(key.name().clone()));
        }
        if logs.len() == MAX_LOGS {
            return Err(LogFault::TooMany);
        }
        logs.push(key);
        Ok(())
    };
    for (at, line) in text.split('\n').enumerate() {
        read(line).map_err(|what| NotLogs { line: at + 1, what })?;
    }
    Ok(logs)
}

#[cfg(test)]
mod tests;
