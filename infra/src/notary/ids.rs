//! From a record's id to its leaf: blocks of sorted entries in the store, and a table in memory for what has no block yet.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use socai_domain::ledger::{RecordHash, RecordId};

use super::store::{Column, ID_BLOCK, NotaryStore, StoreError};

/// Entries read first of a block: ids are as good as random, so the one looked for is nearly always among them.
const WINDOW: u64 = if cfg!(test) { 64 } else { 1024 };

/// The first 8 bytes of an id, as a number that sorts like them.
fn prefix(id: RecordId) -> u64 {
    u64::from_be_bytes(id.0.as_bytes()[..8].try_into().expect("an id has 16 bytes"))
}

/// The block of these records, the first of which is leaf `first`.
fn block(first: u64, entries: &[u8]) -> Vec<u8> {
    let hashes = entries.as_chunks::<32>().0.iter().zip(first..);
    let mut block: Vec<_> = hashes.map(|(hash, leaf)| (prefix(RecordHash(*hash).id()), leaf)).collect();
    block.sort_unstable();
    block.into_iter().flat_map(|(prefix, leaf)| [prefix.to_be_bytes(), leaf.to_le_bytes()]).flatten().collect()
}

/// Prefix and leaf of each entry.
fn entries(bytes: &[u8]) -> impl DoubleEndedIterator<Item = (u64, u64)> {
    let pairs = bytes.as_chunks::<8>().0.as_chunks::<2>().0.iter();
    pairs.map(|[prefix, leaf]| (u64::from_be_bytes(*prefix), u64::from_le_bytes(*leaf)))
}

/// The leaves of a block whose ids begin like this one.
fn in_block(store: &dyn NotaryStore, block: u64, id: RecordId) -> Result<Vec<u64>, StoreError> {
    let wanted = prefix(id);
    // The product has 80 bits at most; its upper 16 are the place among so many.
    let guess = u64::try_from((u128::from(wanted) * u128::from(ID_BLOCK)) >> 64).unwrap_or_default();
    let from = guess.saturating_sub(WINDOW / 2).min(ID_BLOCK - WINDOW);
    let read = |from: u64, count: u64| {
        store.read(Column::Ids, block * ID_BLOCK + from, usize::try_from(count).unwrap_or_default())
    };
    let mut bytes = read(from, WINDOW)?;
    let begins = from == 0 || entries(&bytes).next().is_some_and(|(first, _)| first < wanted);
    let ends = from + WINDOW == ID_BLOCK || entries(&bytes).next_back().is_some_and(|(last, _)| wanted < last);
    if !(begins && ends) {
        bytes = read(0, ID_BLOCK)?;
    }
    Ok(entries(&bytes).filter(|(prefix, _)| *prefix == wanted).map(|(_, leaf)| leaf).collect())
}

/// The leaves whose ids are in no staged block yet: their entries, in order.
#[derive(Debug, Default)]
pub(crate) struct Recent(RwLock<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// The leaf of the first; a multiple of [`ID_BLOCK`].
    first: u64,
    bytes: Vec<u8>,
}

impl Recent {
    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these, the first of which is leaf `first`.
    pub(super) fn reset(&self, first: u64, bytes: Vec<u8>) {
        *self.write() = Entries { first, bytes };
    }

    /// Adds the entries of the next leaves.
    pub(super) fn add(&self, bytes: &[u8]) {
        self.write().bytes.extend_from_slice(bytes);
    }

    /// The blocks of all entries that fill one, from the first of these leaves on; none twice.
    pub(super) fn blocks(&self, from: u64) -> Vec<u8> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(from.saturating_sub(entries.first)).unwrap_or(usize::MAX).saturating_mul(32);
        let rest = entries.bytes.get(skip..).unwrap_or_default();
        let many = usize::try_from(ID_BLOCK).unwrap_or(usize::MAX);
        let blocks = rest.chunks_exact(32 * many).zip((from..).step_by(many));
        blocks.flat_map(|(entries, first)| block(first, entries)).collect()
    }

    /// Forgets the leaves before this one: their blocks are staged, where everybody finds them.
    pub(super) fn staged(&self, first: u64) {
        let mut entries = self.write();
        let gone = usize::try_from(first - entries.first).unwrap_or_default().saturating_mul(32);
        entries.bytes.drain(..gone);
        entries.first = first;
    }

    /// Takes in what another notary has committed since, up to a tree of `size` leaves.
    pub(super) fn catch_up(&self, store: &dyn NotaryStore, size: u64) -> Result<(), StoreError> {
        let (first, end) = {
            let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
            (entries.first, entries.first + (entries.bytes.len() / 32) as u64)
        };
        let sorted = Column::Ids.items(size);
        // More than is committed was staged here, when this server wrote; it may have come otherwise.
        let from = if (first..=size).contains(&end) { end.max(sorted) } else { sorted };
        let count = usize::try_from(size - from).unwrap_or_default();
        let read = if count > 0 { store.read(Column::Entries, from, count)? } else { Vec::new() };
        if from == end {
            self.add(&read);
            if first < sorted {
                self.staged(sorted);
            }
        } else {
            self.reset(from, read);
        }
        Ok(())
    }

    /// The leaf of the record with this id, committed or not.
    pub(crate) fn find(&self, store: &dyn NotaryStore, id: RecordId) -> Result<Option<u64>, StoreError> {
        let in_blocks = {
            let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let front = &id.0.as_bytes()[..4];
            // Four bytes first: most are told apart by them, and scanned fast.
            let is = |hash: &[u8; 32]| hash[..4] == *front && RecordHash(*hash).id() == id;
            if let Some(at) = entries.bytes.as_chunks().0.iter().position(is) {
                return Ok(Some(entries.first + at as u64));
            }
            entries.first
        };
        // The newest are asked for most.
        for block in (0..in_blocks / ID_BLOCK).rev() {
            for leaf in in_block(store, block, id)? {
                let hash = store.read(Column::Entries, leaf, 1)?;
                if hash.as_chunks().0.first().is_some_and(|hash| RecordHash(*hash).id() == id) {
                    return Ok(Some(leaf));
                }
            }
        }
        Ok(None)
    }
}
