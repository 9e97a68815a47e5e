//! Proofs in a file: that a record is in the ledger, for whoever has the log's key (`c2sp.org/tlog-proof@v1`).
//!
//! The optional `extra` line holds the record's hash, 32 bytes. It proves nothing by itself: what proves is that it leads
//! to the signed root. So a proof can be checked by someone who has not got the record.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use thiserror::Error;

use super::{
    checkpoint::decimal,
    hash::{TreeHash, leaf_hash},
    inclusion::{self, NotIncluded},
    note::{MAX_NOTE_LEN, NotANote, Note},
    policy::{Accepted, NotAccepted, Policy},
};
use crate::ledger::RecordHash;

/// The first line of every proof.
pub const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1";
/// The most bytes of an `extra` line that are read, decoded.
pub const MAX_EXTRA_LEN: usize = 64 * 1024;
/// The most hashes of a way to the root.
const MAX_HASHES: usize = 64;
/// The longest proof that is read, in bytes.
pub const MAX_PROOF_LEN: usize = MAX_NOTE_LEN + MAX_EXTRA_LEN / 3 * 4 + MAX_HASHES * 45 + 100;

/// A proof that some record is at an index of a log. It says nothing until it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<TreeHash>,
    checkpoint: Note,
}

/// Why bytes are not a proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAProof {
    /// Longer than [`MAX_PROOF_LEN`].
    #[error("a proof has at most {MAX_PROOF_LEN} bytes, this file {0}")]
    TooLong(usize),
    /// The first line is another.
    #[error("its first line is not `{TLOG_PROOF}`: it is no proof of a transparency log, or one of a newer version")]
    Version,
    /// The `extra` line.
    #[error("its line `extra` is not base64 of 1 to {MAX_EXTRA_LEN} bytes")]
    Extra,
    /// The `index` line is missing or not a number.
    #[error("its line `index` is missing or not a number without a leading zero")]
    Index,
    /// A line between index and checkpoint.
    #[error("line {0} is not a hash, 32 bytes in base64")]
    Hash(usize),
    /// Too many hashes for any tree.
    #[error("a way to the root has at most {MAX_HASHES} hashes, this one {0}")]
    TooManyHashes(usize),
    /// No empty line before the checkpoint.
    #[error("there is no empty line with the signed checkpoint below it; part of the file is missing")]
    Incomplete,
    /// What follows is not a signed note.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] NotANote),
}

/// What a good proof shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// The record's hash.
    pub record: RecordHash,
    /// Its place in the order of the whole ledger.
    pub index: u64,
    /// The checkpoint, who signed and who cosigned it.
    pub accepted: Accepted,
}

/// The first thing that a proof fails at.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotProved {
    /// The checkpoint is not one that the verifier believes.
    #[error(transparent)]
    Checkpoint(#[from] NotAccepted),
    /// The record does not lead to its root.
    #[error("the record with the hash {record} is not where the proof says: {source}")]
    Inclusion {
        /// The record.
        record: RecordHash,
        /// Why.
        source: NotIncluded,
    },
    /// The record is in the log, but the file says of itself that it is about another.
    #[error(
        "the file names the record with the hash {stated}, but proves {record}: it was changed, or put together of two"
    )]
    Stated {
        /// The record.
        record: RecordHash,
        /// The one that the file names.
        stated: RecordHash,
    },
}

impl TlogProof {
    /// The proof that `record` is at `index`: the hashes of its way to the root, and the signed checkpoint.
    pub fn new(record: RecordHash, index: u64, hashes: Vec<TreeHash>, checkpoint: Note) -> Self {
        Self { extra: Some(record.0.to_vec()), index, hashes, checkpoint }
    }

    /// Reads a file. Says nothing about what it proves: see [`TlogProof::verify`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAProof> {
        if bytes.len() > MAX_PROOF_LEN {
            return Err(NotAProof::TooLong(bytes.len()));
        }
        let rest = bytes.strip_prefix(TLOG_PROOF.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
        let rest = rest.ok_or(NotAProof::Version)?;
        let end = rest.windows(2).position(|pair| pair == b"\n\n").ok_or(NotAProof::Incomplete)?;
        let head = str::from_utf8(&rest[..end]).map_err(|_| NotAProof::Index)?;
        let mut lines = head.split('\n').zip(2..).peekable();
        let extra = match lines.next_if(|(line, _)| line.starts_with("extra ")) {
            None => None,
            Some((line, _)) => {
                let bytes = BASE64.decode(&line["extra ".len()..]).map_err(|_| NotAProof::Extra)?;
                Some(bytes)
                    .filter(|bytes| (1..=MAX_EXTRA_LEN).contains(&bytes.len()))
                    .ok_or(NotAProof::Extra)
                    .map(Some)?
            }
        };
        let index = lines.next().and_then(|(line, _)| decimal(line.strip_prefix("index ")?)).ok_or(NotAProof::Index)?;
        let hashes: Vec<TreeHash> =
            lines.map(|(line, at)| line.parse().map_err(|_| NotAProof::Hash(at))).collect::<Result<_, _>>()?;
        if hashes.len() > MAX_HASHES {
            return Err(NotAProof::TooManyHashes(hashes.len()));
        }
        Ok(Self { extra, index, hashes, checkpoint: Note::parse(&rest[end + 2..])? })
    }

    /// The record's hash as the file states it, if it does. Not to be believed before [`TlogProof::verify`].
    pub fn stated_record(&self) -> Option<RecordHash> {
        self.extra.as_deref().and_then(|extra| extra.try_into().ok()).map(RecordHash)
    }

    /// The record's place in the order of the whole ledger, as the file states it.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The way from the leaf's sibling up to the root's child.
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }

    /// The signed checkpoint.
    pub fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// Does this show, to someone with this policy, that the log holds `record`?
    pub fn verify(&self, record: RecordHash, policy: &Policy) -> Result<Proved, NotProved> {
        let accepted = policy.check(&self.checkpoint)?;
        let (index, head) = (self.index, accepted.checkpoint.head());
        inclusion::verify(leaf_hash(&record), index, head.size, head.root, &self.hashes)
            .map_err(|source| NotProved::Inclusion { record, source })?;
        match self.stated_record().filter(|stated| *stated != record) {
            Some(stated) => Err(NotProved::Stated { record, stated }),
            None => Ok(Proved { record, index, accepted }),
        }
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TLOG_PROOF}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
