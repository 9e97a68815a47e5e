//! Holds the store against the log: the tree is made again of the log's records, and what would be staged is compared with
//! what the store has.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use socai_domain::{ledger::RecordHash, proof::TreeHash};

use super::{
    beside::ReadOnly,
    store::{Column, NotaryStore, Piece, StoreError, Text},
    tree::{Leaf, Tree},
};

/// The first item of a column that is not what the log gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The column.
    pub(crate) column: Column,
    /// The item, from 0.
    pub(crate) item: u64,
}

impl Difference {
    /// The leaf whose record is another one, if it is that.
    pub(crate) fn entry(self) -> Option<u64> {
        (self.column == Column::Entries).then_some(self.item)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} of {}", self.item, self.column)
    }
}

/// A tree that grows with the log's records.
#[derive(Debug)]
pub(crate) struct Comparison {
    tree: Tree,
    compared: Arc<Compared>,
}

impl Comparison {
    pub(super) fn with(kept: Arc<ReadOnly>) -> Result<Self, StoreError> {
        let compared = Arc::new(Compared { kept, differs: Mutex::default() });
        Ok(Self { tree: Tree::load(compared.clone(), Arc::default(), 0)?, compared })
    }

    /// Takes in the next records of the log, with their places in it.
    pub(crate) fn add(&mut self, records: impl Iterator<Item = (RecordHash, u64)>) -> Result<(), StoreError> {
        self.tree.append(&records.map(|(record, place)| Leaf::new(record, place)).collect::<Vec<_>>())
    }

    /// The root over the records so far.
    pub(crate) fn root(&self) -> TreeHash {
        self.tree.root()
    }

    /// Where the store differs: the first item of each column.
    pub(crate) fn end(mut self) -> Result<Vec<Difference>, StoreError> {
        self.tree.stage()?;
        Ok(self.compared.differs.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// A store to which nothing is written: what would be is compared.
#[derive(Debug)]
struct Compared {
    kept: Arc<ReadOnly>,
    differs: Mutex<Vec<Difference>>,
}

impl NotaryStore for Compared {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.kept.load()
    }

    fn stage(&self, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
        let mut differs = self.differs.lock().unwrap_or_else(PoisonError::into_inner);
        for Piece { column, first, bytes } in pieces {
            let width = column.width();
            let kept = self.kept.shelf.part(*column, *first, bytes.len() / width)?;
            let items = kept.chunks(width).zip(bytes.chunks(width));
            let same = items.take_while(|(kept, made)| kept == made).count();
            if same < bytes.len() / width && differs.iter().all(|known| known.column != *column) {
                differs.push(Difference { column: *column, item: first + same as u64 });
            }
        }
        Ok(())
    }

    fn swap(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), StoreError> {
        self.kept.swap(before, after)
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        self.kept.read(column, first, count)
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        self.kept.text(text)
    }

    fn keep(&self, text: Text, bytes: &[u8]) -> Result<(), StoreError> {
        self.kept.keep(text, bytes)
    }
}
