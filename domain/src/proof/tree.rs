//! The shape of the tree (RFC 6962, section 2.1), and its growing edge.

use std::ops::Range;

use thiserror::Error;

use super::hash::{TreeHash, node_hash};

/// A node under which every leaf is there: it never changes again. Level 0 are the leaves; node `index` of level `level`
/// spans the leaves from `index << level` to before `(index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// How far above the leaves, 0 to 63.
    pub level: u8,
    /// Which one of its level, from the left.
    pub index: u64,
}

impl Node {
    /// A leaf.
    pub fn leaf(index: u64) -> Self {
        Self { level: 0, index }
    }
}

/// The largest power of two below `leaves`, which are two or more: where the tree of so many splits.
pub(super) fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The full nodes that a range of leaves is made of, from the left, each smaller than the one before. `leaves.start` must
/// be a multiple of the first one's span, as it is for every subtree of a tree.
pub(super) fn full_nodes(leaves: Range<u64>) -> impl Iterator<Item = Node> {
    let mut start = leaves.start;
    std::iter::from_fn(move || {
        let rest = leaves.end - start;
        let level = rest.checked_ilog2()?;
        let node = Node { level: u8::try_from(level).unwrap_or(u8::MAX), index: start >> level };
        start += 1 << level;
        Some(node)
    })
}

/// The hash over full nodes of falling size, from the left.
fn fold(nodes: &[TreeHash]) -> TreeHash {
    nodes.iter().copied().rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(TreeHash::empty)
}

/// The hash of the subtree over a range of leaves.
pub(super) fn subtree<E>(
    leaves: Range<u64>,
    node: &mut impl FnMut(Node) -> Result<TreeHash, E>,
) -> Result<TreeHash, E> {
    let nodes: Vec<_> = full_nodes(leaves).map(node).collect::<Result<_, E>>()?;
    Ok(fold(&nodes))
}

/// The root of the tree of `size` leaves, made of the hashes that `node` gives.
pub fn root<E>(size: u64, mut node: impl FnMut(Node) -> Result<TreeHash, E>) -> Result<TreeHash, E> {
    subtree(0..size, &mut node)
}

/// The edge of a growing tree: the full nodes that the next leaf builds on, at most 64 (a compact range).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    nodes: Vec<TreeHash>,
}

/// Another number of hashes than a tree of this size has at its edge.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a tree of {size} leaves has {wanted} full nodes at its edge, not {given}")]
pub struct NotAnEdge {
    size: u64,
    wanted: u32,
    given: usize,
}

impl Frontier {
    /// The edge of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a tree of `size` leaves, made of the hashes that `node` gives.
    pub fn load<E>(size: u64, node: impl FnMut(Node) -> Result<TreeHash, E>) -> Result<Self, E> {
        Ok(Self { size, nodes: full_nodes(0..size).map(node).collect::<Result<_, E>>()? })
    }

    /// The edge that [`Frontier::nodes`] gave.
    pub fn from_nodes(size: u64, nodes: Vec<TreeHash>) -> Result<Self, NotAnEdge> {
        let (wanted, given) = (size.count_ones(), nodes.len());
        if wanted as usize == given { Ok(Self { size, nodes }) } else { Err(NotAnEdge { size, wanted, given }) }
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes at the edge, from the left: one for each bit of the size.
    pub fn nodes(&self) -> &[TreeHash] {
        &self.nodes
    }

    /// The root.
    pub fn root(&self) -> TreeHash {
        fold(&self.nodes)
    }

    /// Adds a leaf.
    pub fn append(&mut self, leaf: TreeHash) {
        self.append_telling(leaf, |_, _| {});
    }

    /// Adds a leaf and tells of every node that is full now, from the leaf upwards.
    pub fn append_telling(&mut self, leaf: TreeHash, mut full: impl FnMut(Node, TreeHash)) {
        let mut node = Node::leaf(self.size);
        let mut hash = leaf;
        full(node, hash);
        for level in 1..=self.size.trailing_ones() {
            let left = self.nodes.pop().expect("each bit of the size stands for a node");
            hash = node_hash(&left, &hash);
            node = Node { level: u8::try_from(level).unwrap_or(u8::MAX), index: node.index >> 1 };
            full(node, hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NotThere, Tree, naive_root, rfc_leaves, rfc_roots};
    use super::*;

    #[test]
    fn roots_are_those_of_the_rfc() {
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root(), TreeHash::empty());
        for (leaf, expected) in rfc_leaves().into_iter().zip(rfc_roots()) {
            frontier.append(leaf);
            assert_eq!(frontier.root(), expected, "size {}", frontier.size());
        }
    }

    #[test]
    fn every_way_to_a_root_agrees() {
        let tree = Tree::of(257);
        let mut frontier = Frontier::new();
        for size in 0..=257 {
            let expected = naive_root(&tree.leaves()[..usize::try_from(size).unwrap()]);
            assert_eq!(frontier.root(), expected, "{size}");
            assert_eq!(root(size, tree.within(size)), Ok(expected), "{size}");
            assert_eq!(Frontier::load(size, tree.within(size)).as_ref(), Ok(&frontier), "{size}");
            assert_eq!(Frontier::from_nodes(size, frontier.nodes().to_vec()).as_ref(), Ok(&frontier), "{size}");
            if size < 257 {
                frontier.append(tree.leaves()[usize::try_from(size).unwrap()]);
            }
        }
    }

    #[test]
    fn every_full_node_is_told_once_and_right() {
        let tree = Tree::of(300);
        let (mut frontier, mut told) = (Frontier::new(), Vec::new());
        for leaf in tree.leaves() {
            frontier.append_telling(*leaf, |node, hash| told.push((node, hash)));
        }
        assert_eq!(told.len(), (0..9).map(|level| 300 >> level).sum::<usize>());
        for (node, hash) in told {
            assert_eq!(tree.within(300)(node), Ok(hash), "{node:?}");
        }
    }

    #[test]
    fn an_edge_has_a_node_for_each_bit() {
        let error = Frontier::from_nodes(6, vec![TreeHash::empty(); 3]).unwrap_err();
        assert_eq!(error.to_string(), "a tree of 6 leaves has 2 full nodes at its edge, not 3");
    }

    #[test]
    fn an_error_of_the_source_comes_through() {
        assert_eq!(root(7, Tree::of(6).within(6)), Err(NotThere(Node::leaf(6))));
    }

    #[test]
    fn the_largest_tree_splits() {
        assert_eq!((split(2), split(3), split(4), split(5)), (1, 2, 2, 4));
        assert_eq!(split(u64::MAX), 1 << 63);
        assert_eq!(full_nodes(0..u64::MAX).count(), 64);
    }
}
