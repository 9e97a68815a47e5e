//! The notary: the port to who keeps the tree over all records, signs its heads, and proves from it.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use socai_domain::{
    ledger::{Position, RecordHash, RecordId, Revision, StreamId},
    proof::{Tile, TreeHash, VerifierKey},
    time::Timestamp,
};
use thiserror::Error;

/// A head of the tree, signed and durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// How many records it covers: those of the leaves before this one.
    pub size: u64,
    /// The root over them.
    pub root: TreeHash,
    /// The signed note (C2SP checkpoint), perhaps with cosignatures.
    pub note: Arc<str>,
    /// When it was signed, as far as that is known.
    pub signed_at: Option<Timestamp>,
}

/// Whether it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// It has not looked yet whether the log is the one that it signed.
    Starting,
    /// It signs.
    Signing,
    /// Its store was lost and waits for the operator.
    Silent,
    /// Something does not belong together: a person must act. Why is for the operator only.
    Alarm(String),
}

/// What the notary says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What checks its signatures.
    pub key: VerifierKey,
    /// The newest head; none before the first, and where the store was lost.
    pub signed: Option<Signed>,
    /// Does it sign?
    pub voice: Voice,
}

/// Why a witness does not cosign. What it or the system says is for the operator only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It does not answer, or not now.
    Unreachable(String),
    /// It refuses: the log does not continue what it has cosigned, or it does not watch this log.
    Refuses(String),
}

/// A witness that is asked to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What the operator calls it.
    pub name: String,
    /// Records of the checkpoint that it cosigned last since the start of the program, and when.
    pub cosigned: Option<(u64, Timestamp)>,
    /// Why it did not cosign when it was asked last.
    pub problem: Option<Problem>,
}

/// A record that the log has just taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub revision: Revision,
    /// Its place in the log.
    pub position: Position,
    /// Its hash.
    pub hash: RecordHash,
    /// When the log took it.
    pub recorded: Timestamp,
}

/// Whose proof is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The record with this id.
    Record(RecordId),
    /// The record at this position of the log.
    At(Position),
}

/// What can be proved of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is in the tree.
    Covered {
        /// Its leaf.
        index: u64,
        /// Records of the tree.
        size: u64,
        /// The C2SP `tlog-proof`.
        text: String,
    },
    /// It is in the log, and a checkpoint will cover it.
    NotYet {
        /// Until when, at the latest.
        by: Timestamp,
    },
    /// There is no such record, or the notary has not seen it yet.
    Unknown,
}

/// That one tree grew from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The hashes of the proof (RFC 6962).
    pub hashes: Vec<TreeHash>,
    /// The signed head of the earlier tree.
    pub from: Signed,
    /// The signed head of the later one.
    pub to: Signed,
}

/// Why the notary does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotaryError {
    /// It has nothing to show before the operator has acted.
    #[error("the notary shows nothing: {0}")]
    Nothing(String),
    /// It cannot read its store now.
    #[error("the notary cannot answer now: {0}")]
    Unavailable(String),
}

/// Keeps the tree over all records. Whatever it gives can be shown to anybody: it holds hashes of ciphertext only.
pub trait Notary: fmt::Debug + Send + Sync + 'static {
    /// What it says of itself.
    fn standing(&self) -> Standing;

    /// The newest head with the cosignatures that the operator asks for; none where nobody is asked, or before they came.
    fn cosigned(&self) -> Option<Signed>;

    /// The witnesses that are asked to cosign.
    fn witnesses(&self) -> Vec<Asked>;

    /// The signed promise that this record will be covered in time; none where nothing is signed.
    fn promise(&self, taken: Taken) -> BoxFuture<'_, Option<String>>;

    /// Until when a record that was taken at this time must be covered.
    fn due(&self, recorded: Timestamp) -> Timestamp;

    /// The leaves of the records at these positions; none for those that no checkpoint covers yet.
    fn leaves(&self, positions: Vec<Position>) -> BoxFuture<'_, Result<Vec<Option<u64>>, NotaryError>>;

    /// The proof of a record, under the newest checkpoint.
    fn prove(&self, wanted: Wanted) -> BoxFuture<'_, Result<Proof, NotaryError>>;

    /// That the tree of `to` records (the newest one without it) grew from that of `from`; none if there are no such trees.
    fn growth(&self, from: u64, to: Option<u64>) -> BoxFuture<'_, Result<Option<Growth>, NotaryError>>;

    /// The signed head of the tree of so many records; none if it does not have as many.
    fn signed(&self, size: u64) -> BoxFuture<'_, Result<Option<Signed>, NotaryError>>;

    /// The bytes of a tile or of a bundle of entries; none if the tree does not have it.
    fn tile(&self, tile: Tile) -> BoxFuture<'_, Result<Option<Vec<u8>>, NotaryError>>;
}
