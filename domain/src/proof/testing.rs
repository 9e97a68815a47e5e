//! Trees for the tests of this folder.

use super::{
    hash::{TreeHash, leaf_hash, node_hash, sha256},
    tree::Node,
};
use crate::ledger::RecordHash;

/// A node that a tree of this size does not have whole.
#[derive(Debug, PartialEq)]
pub(super) struct NotThere(pub(super) Node);

/// All full nodes of a tree, level by level.
pub(super) struct Tree(Vec<Vec<TreeHash>>);

/// The record of this number.
pub(super) fn record(number: u64) -> RecordHash {
    RecordHash::of(&number.to_le_bytes())
}

impl Tree {
    /// The tree over the first records.
    pub(super) fn of(size: u64) -> Self {
        Self::with(size, |index| index)
    }

    /// The tree over other records.
    pub(super) fn with(size: u64, number: impl Fn(u64) -> u64) -> Self {
        let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&record(number(index)))).collect();
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            levels.push(below.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        Self(levels)
    }

    pub(super) fn leaves(&self) -> &[TreeHash] {
        &self.0[0]
    }

    pub(super) fn leaf(&self, index: u64) -> TreeHash {
        self.0[0][usize::try_from(index).unwrap()]
    }

    pub(super) fn root(&self, size: u64) -> TreeHash {
        naive_root(&self.0[0][..usize::try_from(size).unwrap()])
    }

    /// The source of hashes of the tree's first `size` leaves; it has no node that is not full then.
    pub(super) fn within(&self, size: u64) -> impl Fn(Node) -> Result<TreeHash, NotThere> {
        move |node| {
            let full = (node.index + 1) << node.level <= size;
            let hash = || self.0.get(usize::from(node.level))?.get(usize::try_from(node.index).ok()?).copied();
            hash().filter(|_| full).ok_or(NotThere(node))
        }
    }
}

/// The root as RFC 6962 defines it, word for word.
pub(super) fn naive_root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            node_hash(&naive_root(&leaves[..middle]), &naive_root(&leaves[middle..]))
        }
    }
}

/// The hash with each of its bits flipped in turn.
pub(super) fn flips(hash: TreeHash) -> impl Iterator<Item = TreeHash> {
    (0..256).map(move |bit| {
        let mut flipped = hash;
        flipped.0[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn tree_hash(hex: &str) -> TreeHash {
    TreeHash(unhex(hex).try_into().unwrap())
}

/// The leaves of the reference implementation of RFC 6962 (certificate-transparency, `merkle_tree_test`).
pub(super) fn rfc_leaves() -> Vec<TreeHash> {
    let data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    data.iter().map(|hex| sha256(&[&[0][..], &unhex(hex)].concat())).collect()
}

/// The roots over the first of them, then over two, and so on.
pub(super) fn rfc_roots() -> Vec<TreeHash> {
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    roots.iter().map(|hex| tree_hash(hex)).collect()
}

#[test]
fn proofs_are_those_of_the_rfcs_reference_implementation() {
    use super::{consistency, inclusion, tree::Frontier};

    let mut full = std::collections::BTreeMap::new();
    let mut frontier = Frontier::new();
    for leaf in rfc_leaves() {
        frontier.append_telling(leaf, |node, hash| full.extend([(node, hash)]));
    }
    let node = |node: Node| full.get(&node).copied().ok_or(NotThere(node));
    let hashes = |hexes: &[&str]| hexes.iter().map(|hex| tree_hash(hex)).collect::<Vec<_>>();
    let inclusions: [(u64, u64, &[&str]); 4] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ];
    for (index, size, expected) in inclusions {
        assert_eq!(inclusion::prove(index, size, node), Ok(Some(hashes(expected))), "{index} of {size}");
    }
    let consistencies: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (old, new, expected) in consistencies {
        assert_eq!(consistency::prove(old, new, node), Ok(Some(hashes(expected))), "{old} to {new}");
    }
}
