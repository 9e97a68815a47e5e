//! Tiles: the tree cut into files of at most 256 hashes, as C2SP `tlog-tiles` lays them out.
//!
//! Tile `index` of level `level` holds the full nodes of the tree's level `8 * level`, 256 to a tile. A tile at the right
//! edge is partial, and its path says how many it has: what a path names never changes.

use std::{fmt, iter, ops::Range, str::FromStr};

use thiserror::Error;

use super::{
    hash::{TreeHash, node_hash},
    tree::Node,
};

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// The highest level of tiles that a tree can have: 2^64 leaves are 8 levels of 256.
pub const MAX_TILE_LEVEL: u8 = 7;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of the tree, of this level of tiles.
    Hashes(u8),
    /// The leaves' data themselves (an entry bundle): here the hashes of records.
    Entries,
}

impl TileKind {
    fn level(self) -> u8 {
        match self {
            Self::Hashes(level) => level,
            Self::Entries => 0,
        }
    }
}

/// Names one tile. Its text is the path under the log's URL, as in `tile/1/x001/234.p/17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// Not the path of a tile that a tree can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not the path of a tile; write it like tile/0/x001/234 or tile/entries/x001/234.p/17")]
pub struct NotATile;

impl Tile {
    /// The tile of this kind and index with so many hashes, if a tree can have it.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, NotATile> {
        let level = kind.level();
        let nodes = index.checked_mul(u64::from(TILE_WIDTH)).and_then(|nodes| nodes.checked_add(u64::from(width)));
        let fits = level <= MAX_TILE_LEVEL && nodes.is_some_and(|nodes| nodes <= u64::MAX >> (8 * level));
        if fits && (1..=TILE_WIDTH).contains(&width) { Ok(Self { kind, index, width }) } else { Err(NotATile) }
    }

    /// The tile as it is in the tree of `size` leaves: full, partial, or none.
    pub fn within(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let nodes = size.checked_shr(8 * u32::from(kind.level()))?;
        let width = nodes.checked_sub(index.checked_mul(u64::from(TILE_WIDTH))?)?.min(u64::from(TILE_WIDTH));
        Self::new(kind, index, u16::try_from(width).ok()?).ok()
    }

    /// What it holds.
    pub fn kind(self) -> TileKind {
        self.kind
    }

    /// Which one of its level, from the left.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many hashes or entries it has, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Has it fewer than a full one?
    pub fn is_partial(self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The same tile when it is full.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// The nodes whose hashes it holds; none for entries.
    pub fn nodes(self) -> impl Iterator<Item = Node> {
        let (level, width) = match self.kind {
            TileKind::Hashes(level) => (8 * level, u64::from(self.width)),
            TileKind::Entries => (0, 0),
        };
        let first = self.index * u64::from(TILE_WIDTH);
        (first..first + width).map(move |index| Node { level, index })
    }

    /// The tiles that exist in a tree of `new` leaves and did not in one of `old`: those to be written when it grows. Lower
    /// levels come first. A tile that was partial is there again under its new width.
    pub fn grown(old: u64, new: u64) -> impl Iterator<Item = Self> {
        let kinds = iter::once(TileKind::Entries).chain((0..=MAX_TILE_LEVEL).map(TileKind::Hashes));
        kinds.flat_map(move |kind| {
            let nodes = |size: u64| size >> (8 * kind.level());
            let (before, after) = (nodes(old), nodes(new));
            let tiles = if before < after { before / 256..after.div_ceil(256) } else { 0..0 };
            tiles.filter_map(move |index| Self::within(kind, index, new))
        })
    }

    /// Where the hash of a full node comes from in the tree of `size` leaves: the tile, and the part of its hashes
    /// whose [`Nodes::root`] is the node's hash. `None` if the tree has not got the node whole.
    pub fn holding(node: Node, size: u64) -> Option<(Self, Range<usize>)> {
        let (level, inner) = (node.level / 8, node.level % 8);
        let end = node.index.checked_add(1)?;
        if node.level > 63 || end > size >> node.level {
            return None;
        }
        let first = node.index << inner;
        let tile = Self::within(TileKind::Hashes(level), first / 256, size)?;
        let start = usize::try_from(first % 256).ok()?;
        Some((tile, start..start + (1 << inner)))
    }
}

/// All full nodes inside a tile, level by level from its own hashes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes(Vec<Vec<TreeHash>>);

impl Nodes {
    /// Over the hashes of a tile.
    pub fn over(hashes: Vec<TreeHash>) -> Self {
        let mut levels = vec![hashes];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let level = below.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect();
            levels.push(level);
        }
        Self(levels)
    }

    /// The root of the whole subtree over this part of the hashes; none where the tree has no such node.
    pub fn root(&self, part: &Range<usize>) -> Option<TreeHash> {
        let whole = part.len().is_power_of_two() && part.start.is_multiple_of(part.len());
        let level = self.0.get(part.len().checked_ilog2()? as usize).filter(|_| whole)?;
        level.get(part.start / part.len()).copied()
    }

    /// The hashes of the tile itself.
    pub fn into_hashes(mut self) -> Vec<TreeHash> {
        self.0.swap_remove(0)
    }
}

impl fmt::Display for Tile {
    /// The path: `tile/0/x001/234`, `tile/entries/067.p/8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}")?,
            TileKind::Entries => write!(f, "tile/entries")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for group in (1..=groups).rev() {
            write!(f, "/x{:03}", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for Tile {
    type Err = NotATile;

    fn from_str(path: &str) -> Result<Self, NotATile> {
        let parse = || {
            let rest = path.strip_prefix("tile/")?;
            let (kind, rest) = match rest.strip_prefix("entries/") {
                Some(rest) => (TileKind::Entries, rest),
                None => rest
                    .split_once('/')
                    .and_then(|(level, rest)| Some((TileKind::Hashes(level.parse().ok()?), rest)))?,
            };
            let (number, width) = match rest.split_once(".p/") {
                Some((number, width)) => (number, width.parse().ok()?),
                None => (rest, TILE_WIDTH),
            };
            let mut index = 0_u64;
            for group in number.split('/') {
                let group = group.strip_prefix('x').unwrap_or(group);
                index = index.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
            }
            Self::new(kind, index, width).ok()
        };
        // A path has one spelling: whatever else was understood above is refused here.
        parse().filter(|tile| tile.to_string() == path).ok_or(NotATile)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Tree;
    use super::*;

    fn tile(path: &str) -> Tile {
        path.parse().unwrap_or_else(|_| panic!("{path}"))
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        let hashes = |level, index, width| Tile::new(TileKind::Hashes(level), index, width).unwrap();
        for (path, expected) in [
            ("tile/0/x001/x234/067", hashes(0, 1_234_067, 256)),
            ("tile/0/000", hashes(0, 0, 256)),
            ("tile/3/999.p/255", hashes(3, 999, 255)),
            ("tile/1/x001/000.p/1", hashes(1, 1000, 1)),
            ("tile/entries/x010/000", Tile::new(TileKind::Entries, 10_000, 256).unwrap()),
            ("tile/7/000.p/255", hashes(7, 0, 255)),
            ("tile/0/x072/x057/x594/x037/x927/934", hashes(0, 72_057_594_037_927_934, 256)),
        ] {
            assert_eq!(expected.to_string(), path);
            assert_eq!(path.parse(), Ok(expected));
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/00/000",
            "tile/8/000.p/1",
            "tile/63/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/data/000",
            "tile/8/0/000",
            "tile/0/x000/000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/x001/x000",
            "tile/0/X001/000",
            "tile/0/x01/000",
            "tile/0/x+01/000",
            "tile/0/+00",
            "tile/0/x001/-01",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/0/000.p/1/1",
            "tile/0/000.p/1.p/1",
            "tile/0/000.P/1",
            "tile/entries",
            "tile/entries/0",
            "tile/entries/000.p/257",
            "tile/0/../000",
            "tile//000",
            "tile/0/000?x",
            "tile/0/000\n",
            "tile/0/%30%30%30",
            "tile/0/０００",
            "tile/1/x072/x057/x594/x037/x927/934",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/7/001.p/1",
            "tile/7/000",
        ] {
            assert_eq!(path.parse::<Tile>(), Err(NotATile), "{path:?}");
        }
    }

    #[test]
    fn the_specifications_tree_of_70_000_leaves() {
        let of = |level| {
            (0..400).filter_map(|index| Tile::within(TileKind::Hashes(level), index, 70_000)).collect::<Vec<_>>()
        };
        assert_eq!((of(0).len(), of(0)[272].width(), of(0)[273].width()), (274, 256, 112));
        assert_eq!(of(1).iter().map(|tile| tile.width()).collect::<Vec<_>>(), [256, 17]);
        assert_eq!((of(2).len(), of(2)[0].width(), of(3).len()), (1, 1, 0));
        let grown: Vec<_> = Tile::grown(0, 256).map(|tile| tile.to_string()).collect();
        assert_eq!(grown, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    }

    #[test]
    fn what_is_grown_is_what_was_not_there() {
        let all = |size: u64| Tile::grown(0, size).collect::<std::collections::BTreeSet<_>>();
        for old in [0, 1, 2, 255, 256, 257, 511, 512, 600, 65_535, 65_536, 65_537] {
            for new in [0, 1, 255, 256, 300, 512, 65_536, 65_800, 66_000] {
                let expected: Vec<_> =
                    if old <= new { all(new).difference(&all(old)).copied().collect() } else { vec![] };
                let mut grown: Vec<_> = Tile::grown(old, new).collect();
                grown.sort();
                assert_eq!(grown, expected, "{old} to {new}");
            }
        }
    }

    #[test]
    fn every_full_node_is_found_in_a_tile() {
        let tree = Tree::of(1000);
        let mut tiles = std::collections::BTreeMap::new();
        for tile in Tile::grown(0, 1000).filter(|tile| tile.kind() != TileKind::Entries) {
            let hashes: Vec<_> = tile.nodes().map(|node| tree.within(1000)(node).unwrap()).collect();
            assert_eq!(hashes.len(), usize::from(tile.width()));
            tiles.insert(tile, hashes);
        }
        for level in 0..=9 {
            for index in 0..1000 >> level {
                let node = Node { level, index };
                let (tile, part) = Tile::holding(node, 1000).unwrap();
                assert_eq!(Nodes::over(tiles[&tile].clone()).root(&part), tree.within(1000)(node).ok(), "{node:?}");
            }
            assert_eq!(Tile::holding(Node { level, index: 1000 >> level }, 1000), None);
        }
        assert_eq!(Tile::holding(Node { level: 64, index: 0 }, u64::MAX), None);
        assert_eq!(Tile::holding(Node { level: 63, index: u64::MAX }, u64::MAX), None);
        assert_eq!(Tile::holding(Node { level: 63, index: 0 }, u64::MAX), Some((tile("tile/7/000.p/255"), 0..128)));
    }

    #[test]
    fn only_whole_subtrees_have_a_root() {
        let tree = Tree::of(8);
        let nodes = Nodes::over(tree.leaves().to_vec());
        assert_eq!((nodes.root(&(0..8)), nodes.root(&(0..1))), (Some(tree.root(8)), Some(tree.leaf(0))));
        for none in [0..0, 0..3, 1..3, 8..16, 0..16] {
            assert_eq!(nodes.root(&none), None, "{none:?}");
        }
        assert_eq!(nodes.into_hashes(), tree.leaves());
    }
}
