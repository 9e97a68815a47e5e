//! The store of a simulation: in memory, for servers that share it, with the same fence as the one in a database.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use socai_domain::{
    proof::{KeyName, SecretKey, SignatureKind},
    time::Clock,
};

use super::{
    Notary, NotaryError,
    store::{Column, NotaryStore, Piece, Shelf, StoreError, Text},
};

/// What stands in it.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    columns: BTreeMap<Column, Vec<u8>>,
    texts: BTreeMap<&'static str, Vec<u8>>,
    checkpoint: Option<Vec<u8>>,
    /// Whose turn it is to write: every load is a new turn.
    turn: u64,
    /// Writes of those whose turn was over.
    pub(crate) refused: usize,
}

/// Tells whether anything comes through now.
pub(crate) type Open = Arc<dyn Fn() -> bool + Send + Sync>;
/// Is told each checkpoint that was put in the place of another.
pub(crate) type Told = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// One server's way to it. What is written while nothing comes through is not lost: it arrives later, when it may be somebody else's
/// turn.
pub(crate) struct MemoryStore {
    shelves: Arc<Mutex<Shelves>>,
    open: Open,
    told: Told,
    mine: Mutex<(u64, Vec<Late>)>,
}

type Late = Box<dyn FnOnce(&mut Shelves) -> Result<(), StoreError> + Send>;

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulation's store")
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable<T>(why: &str) -> Result<T, StoreError> {
    Err(StoreError::Unavailable(why.to_owned()))
}

impl MemoryStore {
    pub(crate) fn new(shelves: &Arc<Mutex<Shelves>>, open: Open, told: Told) -> Self {
        Self { shelves: Arc::clone(shelves), open, told, mine: Mutex::default() }
    }

    /// The shelves, after what was still on its way.
    fn there(&self) -> Result<MutexGuard<'_, Shelves>, StoreError> {
        if !(self.open)() {
            return unavailable("nothing comes through");
        }
        let mut shelves = lock(&self.shelves);
        for late in std::mem::take(&mut lock(&self.mine).1) {
            let _ = late(&mut shelves);
        }
        Ok(shelves)
    }

    fn write(
        &self,
        work: impl FnOnce(&mut Shelves) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let turn = lock(&self.mine).0;
        let fenced = move |shelves: &mut Shelves| {
            if shelves.turn != turn {
                shelves.refused += 1;
                return unavailable("another server signs from now on");
            }
            work(shelves)
        };
        match self.there() {
            Ok(mut shelves) => fenced(&mut shelves),
            Err(error) => {
                lock(&self.mine).1.push(Box::new(fenced));
                Err(error)
            }
        }
    }
}

impl NotaryStore for MemoryStore {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut shelves = self.there()?;
        shelves.turn += 1;
        lock(&self.mine).0 = shelves.turn;
        Ok(shelves.checkpoint.clone())
    }

    fn stage(&self, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
        let pieces: Vec<_> = pieces.iter().map(|piece| (piece.column, piece.first, piece.bytes.to_vec())).collect();
        self.write(move |shelves| {
            for (column, first, bytes) in pieces {
                let at = usize::try_from(first).unwrap_or(usize::MAX) * column.width();
                let items = shelves.columns.entry(column).or_default();
                if items.len() < at {
                    return Err(StoreError::Damaged(format!("{column} has a gap before {first}")));
                }
                items.truncate(at);
                items.extend(bytes);
            }
            Ok(())
        })
    }

    fn swap(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), StoreError> {
        let (before, after, told) = (before.map(<[u8]>::to_vec), after.to_vec(), Arc::clone(&self.told));
        self.write(move |shelves| {
            if shelves.checkpoint != before {
                return unavailable("another server has signed");
            }
            told(&after);
            shelves.checkpoint = Some(after);
            Ok(())
        })
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let bytes = self.part(column, first, count)?;
        let whole = bytes.len() == count * column.width();
        if whole { Ok(bytes) } else { Err(StoreError::Damaged(format!("{column} ends before {first} + {count}"))) }
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.there()?.texts.get(text.name()).cloned())
    }

    fn keep(&self, text: Text, bytes: &[u8]) -> Result<(), StoreError> {
        let bytes = bytes.to_vec();
        self.write(move |shelves| {
            shelves.texts.insert(text.name(), bytes);
            Ok(())
        })
    }
}

impl Shelf for MemoryStore {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.there()?.checkpoint.clone())
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        NotaryStore::text(self, text)
    }

    fn part(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let shelves = self.there()?;
        let items = shelves.columns.get(&column).map_or(&[][..], Vec::as_slice);
        let at = usize::try_from(first).unwrap_or(usize::MAX).saturating_mul(column.width()).min(items.len());
        let end = at.saturating_add(count * column.width()).min(items.len());
        Ok(items[at..end].to_vec())
    }
}

/// The notary of one of several servers of a simulation; `store` and `beside` are its ways to what all share.
pub(crate) fn among_several(
    store: MemoryStore,
    beside: MemoryStore,
    clock: Arc<dyn Clock>,
) -> Result<Notary, NotaryError> {
    Notary::on(Arc::new(store), Some(Arc::new(beside)), key(), 60, 1, clock)
}

/// The key of the simulation's log.
pub(crate) fn key() -> SecretKey {
    SecretKey::new(KeyName::new("simulated.example").expect("a name"), SignatureKind::Note, &[3; 32])
}

impl Notary {
    /// Begins the store, before any server is there.
    pub(crate) fn begin_simulated(&self) -> Result<(), NotaryError> {
        self.begin()
    }
}
