//! The notary's mathematics and formats: how a stranger is shown that a record is in the ledger, and that the ledger only
//! ever grew. Everything is standard, so that any verifier, mirror or witness of transparency logs can check it.
//!
//! ```text
//! record ──BLAKE3──► its hash ──SHA-256──► leaf ──inclusion──► root ──Ed25519──► checkpoint ──► cosigned by witnesses
//! ```
//!
//! - [`hash`]: hashes of leaves and nodes; [`tree`]: the tree's shape and its growing edge.
//! - [`inclusion`], [`consistency`]: making and checking the two proofs of RFC 6962.
//! - [`tile`], [`bundle`]: the tree in files (C2SP `tlog-tiles`).
//! - [`key`], [`note`], [`checkpoint`]: keys, signed notes, signed tree heads; [`cosignature`]: what witnesses add.
//! - [`receipt`]: the promise that a mutation is answered with; [`tlog_proof`]: the file that makes good on it.
//! - [`policy`]: whom a verifier believes; [`witness`]: what a log and its witnesses say to each other.
//!
//! Nothing here reads a file, a clock or a source of randomness: hashes come from a closure, seeds and times are arguments.

pub mod bundle;
pub mod checkpoint;
pub mod consistency;
pub mod cosignature;
mod fuzz;
pub mod hash;
pub mod inclusion;
pub mod key;
pub mod note;
pub mod policy;
pub mod receipt;
#[cfg(test)]
mod testing;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use consistency::TreeHead;
pub use fuzz::{
    fuzz_add_checkpoint, fuzz_checkpoint, fuzz_note, fuzz_policy, fuzz_receipt, fuzz_tile, fuzz_tlog_proof,
};
pub use hash::{TreeHash, leaf_hash, node_hash};
pub use key::{KeyName, SecretKey, SignatureKind, VerifierKey};
pub use note::Note;
pub use policy::Policy;
pub use receipt::Promise;
pub use tile::{Tile, TileKind};
pub use tlog_proof::TlogProof;
pub use tree::{Frontier, Node};
pub use witness::AddCheckpoint;
