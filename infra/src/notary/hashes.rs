//! Hashes of the tree as the store holds it: nodes, tiles, bundles of entries, proofs.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use socai_domain::{
    ledger::RecordHash,
    proof::{
        consistency,
        hash::{TreeHash, leaf_hash},
        inclusion,
        tile::{Nodes, Tile, TileKind},
        tree::{self, Node},
    },
};

use super::store::{Column, NotaryStore, StoreError, TILE};

/// Tiles that are kept, of 16 KiB each: all of the levels above the lowest, for any tree that fits on a machine.
const KEPT: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// The tiles that were asked for last, read and checked. What a tile's name names never changes.
pub(crate) struct Kept(Mutex<LruCache<Tile, Arc<Nodes>>>);

impl Kept {
    /// For a notary that answers for long.
    pub(crate) fn few() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

/// For one question.
impl Default for Kept {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(…)")
    }
}

/// The tree of one size. Full tiles are checked against the level above, so that no damaged one is ever told.
#[derive(Debug)]
pub(crate) struct Hashes<'a> {
    store: &'a dyn NotaryStore,
    size: u64,
    kept: Arc<Kept>,
}

impl<'a> Hashes<'a> {
    /// The tree of the store's first `size` leaves; the store must have as many.
    pub(crate) fn new(store: &'a dyn NotaryStore, size: u64) -> Self {
        Self { store, size, kept: Arc::default() }
    }

    /// With tiles that are kept from earlier questions.
    pub(crate) fn with(self, kept: &Arc<Kept>) -> Self {
        Self { kept: Arc::clone(kept), ..self }
    }

    /// The hash of a full node.
    pub(crate) fn node(&mut self, node: Node) -> Result<TreeHash, StoreError> {
        let not_there = || StoreError::Damaged(format!("the tree of {} leaves has no node {node:?}", self.size));
        let (tile, part) = Tile::holding(node, self.size).ok_or_else(not_there)?;
        self.nodes(tile)?.root(&part).ok_or_else(not_there)
    }

    fn nodes(&self, tile: Tile) -> Result<Arc<Nodes>, StoreError> {
        let kept = || self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nodes) = kept().get(&tile) {
            return Ok(Arc::clone(nodes));
        }
        let nodes = Arc::new(self.read(tile)?);
        kept().put(tile, Arc::clone(&nodes));
        Ok(nodes)
    }

    /// The root.
    pub(crate) fn root(&mut self) -> Result<TreeHash, StoreError> {
        tree::root(self.size, |node| self.node(node))
    }

    /// The hashes of the proof that leaf `index` is in the tree; none if the tree ends before it.
    pub(crate) fn inclusion(&mut self, index: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        inclusion::prove(index, self.size, |node| self.node(node))
    }

    /// The hashes of the proof that the tree begins with that of `old` leaves; none if it has fewer.
    pub(crate) fn consistency(&mut self, old: u64) -> Result<Option<Vec<TreeHash>>, StoreError> {
        consistency::prove(old, self.size, |node| self.node(node))
    }

    /// The hashes of a tile, which the tree must have; of a bundle of entries, the hashes of its leaves.
    pub(crate) fn tile(&self, tile: Tile) -> Result<Vec<TreeHash>, StoreError> {
        Ok(self.read(tile)?.into_hashes())
    }

    fn read(&self, tile: Tile) -> Result<Nodes, StoreError> {
        let level = match tile.kind() {
            TileKind::Hashes(level) => level,
            TileKind::Entries => 0,
        };
        let hashes: Vec<_> = if level == 0 {
            self.read_entries(tile)?.iter().map(leaf_hash).collect()
        } else {
            let bytes = self.store.read(Column::Level(level), tile.index() * TILE, usize::from(tile.width()))?;
            bytes.as_chunks().0.iter().copied().map(TreeHash).collect()
        };
        self.checked(level, tile, hashes)
    }

    /// The records' hashes of a bundle, which the tree must have.
    pub(crate) fn entries(&self, tile: Tile) -> Result<Vec<RecordHash>, StoreError> {
        let entries = self.read_entries(tile)?;
        self.checked(0, tile, entries.iter().map(leaf_hash).collect())?;
        Ok(entries)
    }

    fn read_entries(&self, tile: Tile) -> Result<Vec<RecordHash>, StoreError> {
        let bytes = self.store.read(Column::Entries, tile.index() * TILE, usize::from(tile.width()))?;
        Ok(bytes.as_chunks().0.iter().copied().map(RecordHash).collect())
    }

    /// The nodes over these hashes; those of a full tile have the root that stands above them.
    fn checked(&self, level: u8, tile: Tile, hashes: Vec<TreeHash>) -> Result<Nodes, StoreError> {
        let nodes = Nodes::over(hashes);
        if tile.is_partial() {
            return Ok(nodes);
        }
        let above = self.store.read(Column::Level(level + 1), tile.index(), 1)?;
        match nodes.root(&(0..usize::from(tile.width()))) {
            Some(root) if root.0 == above[..] => Ok(nodes),
            _ => Err(StoreError::Damaged(format!("{tile} does not have the root that tiles-{} says", level + 1))),
        }
    }

    /// The record hash of a leaf.
    pub(crate) fn entry(&self, leaf: u64) -> Result<RecordHash, StoreError> {
        let bytes = self.store.read(Column::Entries, leaf, 1)?;
        let hash = bytes.as_chunks().0.first().copied().map(RecordHash);
        hash.ok_or_else(|| StoreError::Damaged(format!("leaf {leaf} has no entry")))
    }

    /// The place in the log of a leaf's record.
    pub(crate) fn place(&self, leaf: u64) -> Result<u64, StoreError> {
        let bytes = self.store.read(Column::Places, leaf, 1)?;
        let place = bytes.as_chunks().0.first().copied().map(u64::from_le_bytes);
        place.ok_or_else(|| StoreError::Damaged(format!("leaf {leaf} has no position")))
    }

    /// The place of the last record; 0 without any.
    pub(crate) fn reach(&self) -> Result<u64, StoreError> {
        self.size.checked_sub(1).map_or(Ok(0), |last| self.place(last))
    }

    /// The leaf of the record at this place of the log, if the tree has it.
    pub(crate) fn leaf_at(&self, place: u64) -> Result<Option<u64>, StoreError> {
        // On engines whose places have no gaps, the first look finds it.
        let (mut low, mut high) = (0, self.size);
        let mut guess = place.saturating_sub(1);
        while low < high {
            let middle = if (low..high).contains(&guess) { guess } else { low + (high - low) / 2 };
            guess = u64::MAX;
            match self.place(middle)?.cmp(&place) {
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }
}
