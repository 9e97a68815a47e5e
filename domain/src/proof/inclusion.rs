//! Inclusion: this leaf stands at this index of the tree with this root (RFC 6962, section 2.1.1).

use std::convert::Infallible;

use thiserror::Error;

use super::{
    hash::{TreeHash, node_hash},
    tree::{Node, split, subtree},
};

/// Why a proof does not show that the leaf is in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotIncluded {
    /// The tree ends before the index.
    #[error("leaf {index} lies beyond the tree, which has {size} leaves")]
    Beyond {
        /// The index asked for.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// Another number of hashes than the way to the root is long.
    #[error("the way from leaf {index} to the root of {size} leaves takes {wanted} hashes, not {given}")]
    Length {
        /// The index asked for.
        index: u64,
        /// Leaves of the tree.
        size: u64,
        /// Hashes of a proof.
        wanted: usize,
        /// Hashes given.
        given: usize,
    },
    /// The hashes lead elsewhere.
    #[error("leaf {index} leads to the root {leads_to}, not to {root}")]
    OtherRoot {
        /// The index asked for.
        index: u64,
        /// Where the hashes lead.
        leads_to: TreeHash,
        /// The root that was to be reached.
        root: TreeHash,
    },
}

/// The proof for leaf `index` in the tree of `size` leaves, from the leaf's sibling up to the root's child; none if the
/// tree ends before the index. `node` gives the hashes of full nodes, some of them for the unfinished edge.
pub fn prove<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(Node) -> Result<TreeHash, E>,
) -> Result<Option<Vec<TreeHash>>, E> {
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut beside = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            beside.push(middle..end);
            end = middle;
        } else {
            beside.push(start..middle);
            start = middle;
        }
    }
    let proof: Result<_, E> = beside.into_iter().rev().map(|leaves| subtree(leaves, &mut node)).collect();
    proof.map(Some)
}

/// The nodes that [`prove`] will ask for: for those who must fetch them first.
pub fn nodes(index: u64, size: u64) -> Vec<Node> {
    let mut asked = Vec::new();
    let Ok(_) = prove(index, size, |node| {
        asked.push(node);
        Ok::<_, Infallible>(TreeHash::empty())
    });
    asked
}

/// The root that the proof leads to, from `leaf` at `index` of a tree of `size` leaves.
pub fn root_of(leaf: TreeHash, index: u64, size: u64, proof: &[TreeHash]) -> Result<TreeHash, NotIncluded> {
    if index >= size {
        return Err(NotIncluded::Beyond { index, size });
    }
    // Below the level where the ways to this leaf and to the last one part, there is a sibling on every level, to the left
    // or to the right; above, the leaf stands at the edge and has siblings to the left only.
    let parting = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let at_the_edge = index.checked_shr(parting).unwrap_or(0).count_ones();
    let (wanted, given) = ((parting + at_the_edge) as usize, proof.len());
    if given != wanted {
        return Err(NotIncluded::Length { index, size, wanted, given });
    }
    let (inner, edge) = proof.split_at(parting as usize);
    let mut hash = leaf;
    for (level, beside) in inner.iter().enumerate() {
        hash = if index >> level & 1 == 0 { node_hash(&hash, beside) } else { node_hash(beside, &hash) };
    }
    Ok(edge.iter().fold(hash, |hash, left| node_hash(left, &hash)))
}

/// Does the proof show that `leaf` stands at `index` of the tree of `size` leaves with this root?
pub fn verify(leaf: TreeHash, index: u64, size: u64, root: TreeHash, proof: &[TreeHash]) -> Result<(), NotIncluded> {
    let leads_to = root_of(leaf, index, size, proof)?;
    if leads_to == root { Ok(()) } else { Err(NotIncluded::OtherRoot { index, leads_to, root }) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Tree, flips};
    use super::*;

    #[test]
    fn every_leaf_of_every_small_tree_is_proved() {
        let tree = Tree::of(256);
        for size in 1..=256 {
            let root = tree.root(size);
            for index in 0..size {
                let proof = prove(index, size, tree.within(size)).unwrap().unwrap();
                let leaf = tree.leaf(index);
                assert_eq!(verify(leaf, index, size, root, &proof), Ok(()), "{index} of {size}");
                let asked = nodes(index, size);
                assert!(asked.iter().all(|node| (node.index + 1) << node.level <= size), "{index} of {size}");
            }
        }
    }

    #[test]
    fn one_flipped_bit_anywhere_fails() {
        // With `SOCAI_LONG` every bit of every hash of every proof, in a hundred trees.
        let largest = if std::env::var_os("SOCAI_LONG").is_some() { 100 } else { 32 };
        let tree = Tree::of(largest);
        for size in 1..=largest {
            let root = tree.root(size);
            for index in 0..size {
                let (leaf, proof) = (tree.leaf(index), prove(index, size, tree.within(size)).unwrap().unwrap());
                for at in 0..proof.len() {
                    for flipped in flips(proof[at]) {
                        let mut proof = proof.clone();
                        proof[at] = flipped;
                        let error = verify(leaf, index, size, root, &proof).unwrap_err();
                        assert!(matches!(error, NotIncluded::OtherRoot { .. }), "{index} of {size}, hash {at}");
                    }
                }
                for flipped in flips(leaf) {
                    assert!(verify(flipped, index, size, root, &proof).is_err(), "{index} of {size}, leaf");
                }
                for flipped in flips(root) {
                    assert!(verify(leaf, index, size, flipped, &proof).is_err(), "{index} of {size}, root");
                }
            }
        }
    }

    #[test]
    fn one_flipped_bit_of_every_hash_fails_in_every_small_tree() {
        let tree = Tree::of(256);
        for size in 1..=256 {
            let root = tree.root(size);
            for index in 0..size {
                let mut proof = prove(index, size, tree.within(size)).unwrap().unwrap();
                for at in 0..proof.len() {
                    let bit = (index + size) % 256;
                    let byte = usize::try_from(bit / 8).unwrap();
                    proof[at].0[byte] ^= 1 << (bit % 8);
                    assert!(
                        verify(tree.leaf(index), index, size, root, &proof).is_err(),
                        "{index} of {size}, hash {at}"
                    );
                    proof[at].0[byte] ^= 1 << (bit % 8);
                }
            }
        }
    }

    #[test]
    fn a_proof_is_good_for_one_place_only() {
        let tree = Tree::of(40);
        for size in 1..=40 {
            for index in 0..size {
                let (leaf, proof) = (tree.leaf(index), prove(index, size, tree.within(size)).unwrap().unwrap());
                for other in (0..size + 2).filter(|other| *other != index) {
                    assert!(
                        verify(leaf, other, size, tree.root(size), &proof).is_err(),
                        "{other} for {index} of {size}"
                    );
                }
                for other in (0..=40).filter(|other| *other != size) {
                    assert!(
                        verify(leaf, index, other, tree.root(other), &proof).is_err(),
                        "{index} of {other} for {size}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_longer_or_shorter_proof_fails() {
        let tree = Tree::of(20);
        for size in 1..=20 {
            for index in 0..size {
                let (leaf, root) = (tree.leaf(index), tree.root(size));
                let proof = prove(index, size, tree.within(size)).unwrap().unwrap();
                for wrong in [[&proof[..], &[root]].concat(), [&[leaf], &proof[..]].concat()] {
                    let error = verify(leaf, index, size, root, &wrong).unwrap_err();
                    assert!(matches!(error, NotIncluded::Length { .. }), "{error}");
                }
                for cut in 0..proof.len() {
                    assert!(verify(leaf, index, size, root, &proof[..cut]).is_err(), "{index} of {size}, {cut} hashes");
                }
            }
        }
    }

    #[test]
    fn no_tree_has_a_leaf_beyond_its_end() {
        let tree = Tree::of(4);
        assert_eq!(prove(4, 4, tree.within(4)), Ok(None));
        assert_eq!(prove(0, 0, tree.within(0)), Ok(None));
        let error = verify(tree.leaf(0), 4, 4, tree.root(4), &[]).unwrap_err();
        assert_eq!(error, NotIncluded::Beyond { index: 4, size: 4 });
        assert!(verify(tree.leaf(0), 0, 0, TreeHash::empty(), &[]).is_err());
    }

    #[test]
    fn the_largest_sizes_do_not_overflow() {
        for (index, size) in [(0, u64::MAX), (u64::MAX - 1, u64::MAX), (1 << 63, u64::MAX), (0, 1 << 63)] {
            let hashes = prove(index, size, |_| Ok::<_, Infallible>(TreeHash([1; 32]))).unwrap().unwrap();
            assert!(root_of(TreeHash([2; 32]), index, size, &hashes).is_ok(), "{index} of {size}");
            assert!(root_of(TreeHash([2; 32]), index, size, &hashes[1..]).is_err(), "{index} of {size}");
        }
    }
}
