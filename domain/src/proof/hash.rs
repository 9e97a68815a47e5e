//! Hashes of the tree: SHA-256 as RFC 6962, section 2.1, and C2SP `tlog-tiles` want it.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ring::digest::{SHA256, digest};
use thiserror::Error;

use crate::ledger::RecordHash;

/// A hash of the notary's tree, of a leaf or of an inner node. Never the hash of a record, which is BLAKE3's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash(pub [u8; 32]);

impl TreeHash {
    /// The root of the tree without leaves: the hash of nothing.
    pub fn empty() -> Self {
        sha256(&[])
    }
}

impl fmt::Display for TreeHash {
    /// Base64 with padding (RFC 4648, section 4), as checkpoints and proofs have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not the base64 of 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a hash of the tree: write 32 bytes in base64, 44 characters")]
pub struct NotATreeHash;

impl FromStr for TreeHash {
    type Err = NotATreeHash;

    fn from_str(text: &str) -> Result<Self, NotATreeHash> {
        // The one encoding only: a proof that can be written in two ways can be changed unseen.
        let bytes = BASE64.decode(text).map_err(|_| NotATreeHash)?;
        Ok(Self(bytes.try_into().map_err(|_| NotATreeHash)?))
    }
}

pub(super) fn sha256(bytes: &[u8]) -> TreeHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    TreeHash(hash)
}

/// The leaf of a record: its data are the 32 bytes of the record's hash.
pub fn leaf_hash(record: &RecordHash) -> TreeHash {
    let mut bytes = [0; 33]; // the first byte is the mark of a leaf
    bytes[1..].copy_from_slice(&record.0);
    sha256(&bytes)
}

/// The node above two others.
pub fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let mut bytes = [0; 65];
    bytes[0] = 1; // the mark of a node
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    sha256(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_text() {
        let hash = leaf_hash(&RecordHash([7; 32]));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(TreeHash::empty().to_string(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let text = TreeHash::empty().to_string();
        // Without padding, with a bit set that no byte takes, in the URL alphabet, with a line end, with too many bytes.
        let others = [
            text.trim_end_matches('=').to_owned(),
            text.replace("FU=", "FV="),
            text.replace('/', "_").replace('+', "-"),
            format!("{text}\n"),
            format!("AAAA{text}"),
            String::new(),
        ];
        for other in others {
            assert_eq!(other.parse::<TreeHash>(), Err(NotATreeHash), "{other:?}");
        }
    }

    #[test]
    fn a_leaf_is_never_a_node() {
        let (left, right) = (TreeHash([1; 32]), TreeHash([2; 32]));
        assert_ne!(node_hash(&left, &right), node_hash(&right, &left));
        assert_ne!(leaf_hash(&RecordHash(left.0)), left);
    }
}
