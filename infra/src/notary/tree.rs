//! The growing tree: what the store holds, and what is to be staged next.

use std::sync::Arc;

use socai_domain::{
    ledger::RecordHash,
    proof::{
        hash::{TreeHash, leaf_hash},
        tree::{Frontier, Node},
    },
};

use super::{
    hashes::Hashes,
    ids::Recent,
    store::{Column, NotaryStore, Piece, StoreError},
};

/// Levels of tiles above the entries that a tree can have.
const LEVELS: u8 = 7;
/// Leaves that wait in memory at most before they are staged: some megabytes.
const WAITING: usize = 1 << 16;

/// A record on its way into the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    record: RecordHash,
    hash: TreeHash,
    place: u64,
}

impl Leaf {
    /// The leaf of this record, which stands at this place of the log.
    pub(crate) fn new(record: RecordHash, place: u64) -> Self {
        Self { record, hash: leaf_hash(&record), place }
    }
}

/// Items of a column that are not staged yet, and which of the column is the first.
#[derive(Debug)]
struct Waiting {
    column: Column,
    first: u64,
    bytes: Vec<u8>,
}

impl Waiting {
    fn at(column: Column, size: u64) -> Self {
        Self { column, first: column.items(size), bytes: Vec::new() }
    }

    fn piece(&self) -> Piece<'_> {
        Piece { column: self.column, first: self.first, bytes: &self.bytes }
    }

    fn staged(&mut self) {
        self.first += (self.bytes.len() / self.column.width()) as u64;
        self.bytes.clear();
    }
}

/// The tree up to its newest leaf. What is beyond the last commit is in the store's staging, or here.
#[derive(Debug)]
pub(crate) struct Tree {
    store: Arc<dyn NotaryStore>,
    frontier: Frontier,
    reach: u64,
    entries: Waiting,
    places: Waiting,
    ids: Waiting,
    levels: Vec<Waiting>,
    recent: Arc<Recent>,
}

impl Tree {
    /// The tree of `size` leaves that the store holds.
    pub(crate) fn load(store: Arc<dyn NotaryStore>, recent: Arc<Recent>, size: u64) -> Result<Self, StoreError> {
        let mut hashes = Hashes::new(&*store, size);
        let frontier = Frontier::load(size, |node| hashes.node(node))?;
        let reach = hashes.reach()?;
        let sorted = Column::Ids.items(size);
        let tail = usize::try_from(size - sorted).unwrap_or_default();
        recent.reset(sorted, if tail > 0 { store.read(Column::Entries, sorted, tail)? } else { Vec::new() });
        // That none is cut off.
        let columns = [Column::Entries, Column::Places, Column::Ids];
        let columns = columns.into_iter().chain((1..=LEVELS).map(Column::Level));
        for column in columns {
            if let Some(last) = column.items(size).checked_sub(1) {
                store.read(column, last, 1)?;
            }
        }
        let at = |column| Waiting::at(column, size);
        let levels = (1..=LEVELS).map(|level| at(Column::Level(level))).collect();
        Ok(Self {
            store,
            frontier,
            reach,
            entries: at(Column::Entries),
            places: at(Column::Places),
            ids: at(Column::Ids),
            levels,
            recent,
        })
    }

    /// How many leaves it has.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over them.
    pub(crate) fn root(&self) -> TreeHash {
        self.frontier.root()
    }

    /// The place of its last record in the log; 0 without any.
    pub(crate) fn reach(&self) -> u64 {
        self.reach
    }

    /// Can it take in so many leaves without waiting for the store?
    pub(crate) fn has_room(&self, leaves: usize) -> bool {
        self.entries.bytes.len() + 32 * leaves < 32 * WAITING
    }

    /// Adds leaves, in the log's order. When enough are waiting, they are staged.
    pub(crate) fn append(&mut self, leaves: &[Leaf]) -> Result<(), StoreError> {
        let before = self.entries.bytes.len();
        for leaf in leaves {
            let levels = &mut self.levels;
            self.frontier.append_telling(leaf.hash, |Node { level, .. }, hash| {
                if level > 0 && level.is_multiple_of(8) {
                    levels[usize::from(level / 8 - 1)].bytes.extend_from_slice(&hash.0);
                }
            });
            self.entries.bytes.extend_from_slice(&leaf.record.0);
            self.places.bytes.extend_from_slice(&leaf.place.to_le_bytes());
            self.reach = leaf.place;
        }
        self.recent.add(&self.entries.bytes[before..]);
        if self.entries.bytes.len() >= 32 * WAITING { self.stage() } else { Ok(()) }
    }

    /// Stages what waits here: after that the store can give all of the tree.
    pub(crate) fn stage(&mut self) -> Result<(), StoreError> {
        self.ids.bytes = self.recent.blocks(self.ids.first);
        let all = [&mut self.entries, &mut self.places, &mut self.ids].into_iter().chain(&mut self.levels);
        let waiting: Vec<_> = all.filter(|waiting| !waiting.bytes.is_empty()).collect();
        self.store.stage(&waiting.iter().map(|waiting| waiting.piece()).collect::<Vec<_>>())?;
        for waiting in waiting {
            waiting.staged();
        }
        self.recent.staged(self.ids.first);
        Ok(())
    }
}
