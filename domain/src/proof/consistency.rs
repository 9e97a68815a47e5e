//! Consistency: a later tree begins with all leaves of an earlier one (RFC 6962, section 2.1.2).

use std::convert::Infallible;

use thiserror::Error;

use super::{
    hash::{TreeHash, node_hash},
    tree::{Node, split, subtree},
};

/// The size and root of a tree: what a checkpoint signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: TreeHash,
}

/// Why a proof does not show that one tree grew from the other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotConsistent {
    /// The later tree has fewer leaves: none can have grown so.
    #[error("the later tree has {new} leaves, fewer than the {old} of the earlier one")]
    Shrunk {
        /// Leaves of the earlier tree.
        old: u64,
        /// Leaves of the later one.
        new: u64,
    },
    /// Two roots for one size: no honest log signs both. Whoever holds both can prove it.
    #[error(
        "a split view: two trees of {size} leaves, with the roots {one} and {other}; keep both, they convict the log"
    )]
    SplitView {
        /// Leaves of both.
        size: u64,
        /// The one root.
        one: TreeHash,
        /// The other.
        other: TreeHash,
    },
    /// Another number of hashes than the proof takes.
    #[error("the way from {old} leaves to {new} takes {wanted} hashes, not {given}")]
    Length {
        /// Leaves of the earlier tree.
        old: u64,
        /// Leaves of the later one.
        new: u64,
        /// Hashes of a proof.
        wanted: usize,
        /// Hashes given.
        given: usize,
    },
    /// The hashes do not give the earlier root.
    #[error("the hashes lead to another root than {0}, which is the earlier one")]
    OldRoot(TreeHash),
    /// The hashes do not give the later root.
    #[error("the hashes lead to another root than {0}, which is the later one")]
    NewRoot(TreeHash),
}

/// The subtrees whose hashes are a proof, from the lowest.
fn subtrees(old: u64, new: u64) -> Vec<std::ops::Range<u64>> {
    if old == 0 || old >= new {
        return Vec::new();
    }
    let (mut start, mut end) = (0, new);
    let mut found = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            found.push(middle..end);
            end = middle;
        } else {
            found.push(start..middle);
            start = middle;
        }
    }
    // If it begins at the first leaf, it is the earlier tree as a whole, whose root the verifier has.
    if start > 0 {
        found.push(start..end);
    }
    found.reverse();
    found
}

/// The proof that the tree of `new` leaves begins with all of the tree of `old` leaves; none if it has fewer. Empty where
/// nothing need be shown: from the tree without leaves, and from a tree to itself.
pub fn prove<E>(
    old: u64,
    new: u64,
    mut node: impl FnMut(Node) -> Result<TreeHash, E>,
) -> Result<Option<Vec<TreeHash>>, E> {
    if old > new {
        return Ok(None);
    }
    let proof: Result<_, E> = subtrees(old, new).into_iter().map(|leaves| subtree(leaves, &mut node)).collect();
    proof.map(Some)
}

/// The nodes that [`prove`] will ask for: for those who must fetch them first.
pub fn nodes(old: u64, new: u64) -> Vec<Node> {
    let mut asked = Vec::new();
    let Ok(_) = prove(old, new, |node| {
        asked.push(node);
        Ok::<_, Infallible>(TreeHash::empty())
    });
    asked
}

/// Does the proof show that the tree `new` begins with all of the tree `old`? (RFC 9162, section 2.1.4.2)
pub fn verify(old: TreeHead, new: TreeHead, proof: &[TreeHash]) -> Result<(), NotConsistent> {
    if old.size > new.size {
        return Err(NotConsistent::Shrunk { old: old.size, new: new.size });
    }
    let (wanted, given) = (subtrees(old.size, new.size).len(), proof.len());
    if wanted != given {
        return Err(NotConsistent::Length { old: old.size, new: new.size, wanted, given });
    }
    if old.size == new.size {
        let (one, other) = (old.root, new.root);
        return if one == other { Ok(()) } else { Err(NotConsistent::SplitView { size: old.size, one, other }) };
    }
    if old.size == 0 {
        return if old.root == TreeHash::empty() { Ok(()) } else { Err(NotConsistent::OldRoot(old.root)) };
    }
    // Where the earlier tree is a full node of the later one, the climb begins at its root, else at the first hash.
    let (first, proof) = match proof.split_first() {
        Some((first, rest)) if !old.size.is_power_of_two() => (*first, rest),
        _ => (old.root, proof),
    };
    let below = (old.size - 1).trailing_ones();
    let (mut place, mut last) = ((old.size - 1) >> below, (new.size - 1) >> below);
    let (mut to_old, mut to_new) = (first, first);
    for beside in proof {
        if place & 1 == 1 || place == last {
            to_old = node_hash(beside, &to_old);
            to_new = node_hash(beside, &to_new);
            // A level where the edge has no sibling takes no hash.
            let alone = if place == 0 { 0 } else { place.trailing_zeros() };
            (place, last) = (place >> alone, last >> alone);
        } else {
            to_new = node_hash(&to_new, beside);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if to_old != old.root {
        return Err(NotConsistent::OldRoot(old.root));
    }
    if to_new == new.root { Ok(()) } else { Err(NotConsistent::NewRoot(new.root)) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Tree, flips};
    use super::*;

    fn head(tree: &Tree, size: u64) -> TreeHead {
        TreeHead { size, root: tree.root(size) }
    }

    #[test]
    fn every_pair_of_small_trees_is_proved_and_one_flipped_bit_of_each_hash_fails() {
        let tree = Tree::of(256);
        let heads: Vec<_> = (0..=256).map(|size| head(&tree, size)).collect();
        for new in &heads {
            for old in heads.iter().take_while(|old| old.size <= new.size) {
                let mut proof = prove(old.size, new.size, tree.within(new.size)).unwrap().unwrap();
                assert_eq!(verify(*old, *new, &proof), Ok(()), "{} to {}", old.size, new.size);
                for at in 0..proof.len() {
                    let bit = (old.size + new.size) % 256;
                    let byte = usize::try_from(bit / 8).unwrap();
                    proof[at].0[byte] ^= 1 << (bit % 8);
                    assert!(verify(*old, *new, &proof).is_err(), "{} to {}, hash {at}", old.size, new.size);
                    proof[at].0[byte] ^= 1 << (bit % 8);
                }
            }
        }
    }

    #[test]
    fn one_flipped_bit_anywhere_fails() {
        let tree = Tree::of(32);
        for new in 1..=32 {
            for old in 1..=new {
                let (old, new) = (head(&tree, old), head(&tree, new));
                let proof = prove(old.size, new.size, tree.within(new.size)).unwrap().unwrap();
                for at in 0..proof.len() {
                    for flipped in flips(proof[at]) {
                        let mut proof = proof.clone();
                        proof[at] = flipped;
                        assert!(verify(old, new, &proof).is_err(), "{} to {}, hash {at}", old.size, new.size);
                    }
                }
                for root in flips(old.root) {
                    assert!(verify(TreeHead { root, ..old }, new, &proof).is_err(), "{} to {}", old.size, new.size);
                }
                for root in flips(new.root) {
                    assert!(verify(old, TreeHead { root, ..new }, &proof).is_err(), "{} to {}", old.size, new.size);
                }
            }
        }
    }

    #[test]
    fn a_longer_or_shorter_proof_fails() {
        let tree = Tree::of(40);
        for new in 0..=40 {
            for old in 0..=new {
                let (old, new) = (head(&tree, old), head(&tree, new));
                let proof = prove(old.size, new.size, tree.within(new.size)).unwrap().unwrap();
                let longer = [&proof[..], &[new.root]].concat();
                assert!(matches!(verify(old, new, &longer), Err(NotConsistent::Length { .. })));
                for cut in 0..proof.len() {
                    assert!(matches!(verify(old, new, &proof[..cut]), Err(NotConsistent::Length { .. })));
                }
            }
        }
    }

    #[test]
    fn a_rewritten_leaf_is_found_from_every_earlier_size() {
        let (tree, forged) = (Tree::of(33), Tree::with(33, |index| if index == 7 { 1_000_000 } else { index }));
        for old in 8..=33 {
            let (old, new) = (head(&tree, old), head(&forged, 33));
            let proof = prove(old.size, new.size, forged.within(new.size)).unwrap().unwrap();
            let error = verify(old, new, &proof).unwrap_err();
            if old.size == 33 {
                assert_eq!(error, NotConsistent::SplitView { size: 33, one: old.root, other: new.root });
                assert!(error.to_string().contains("split view"), "{error}");
            } else {
                assert!(matches!(error, NotConsistent::OldRoot(_) | NotConsistent::NewRoot(_)), "{error}");
            }
        }
    }

    #[test]
    fn a_tree_never_shrinks_nor_begins_elsewhere() {
        let tree = Tree::of(5);
        assert_eq!(prove(5, 4, tree.within(5)), Ok(None));
        assert_eq!(verify(head(&tree, 5), head(&tree, 4), &[]), Err(NotConsistent::Shrunk { old: 5, new: 4 }));
        let nothing = TreeHead { size: 0, root: tree.root(1) };
        assert_eq!(verify(nothing, head(&tree, 4), &[]), Err(NotConsistent::OldRoot(tree.root(1))));
    }

    #[test]
    fn the_largest_sizes_do_not_overflow() {
        let all = |_| Ok::<_, Infallible>(TreeHash([1; 32]));
        for (old, new) in [(1, u64::MAX), (u64::MAX - 1, u64::MAX), (1 << 63, u64::MAX), (u64::MAX, u64::MAX)] {
            let proof = prove(old, new, all).unwrap().unwrap();
            assert_eq!(nodes(old, new).is_empty(), old == new);
            let head = |size| TreeHead { size, root: TreeHash([2; 32]) };
            let length = matches!(verify(head(old), head(new), &proof), Err(NotConsistent::Length { .. }));
            assert!(!length, "{old} to {new}");
        }
    }
}
