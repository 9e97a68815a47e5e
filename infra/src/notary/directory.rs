//! The store as a directory: a file for each column, and the checkpoint.
//!
//! | file | what |
//! |---|---|
//! | `checkpoint` | the signed note of the last tree that was committed, replaced whole |
//! | `entries`, `tiles-1`…, `positions`, `ids` | the columns, see [`Column`] |
//! | `lock` | keeps a second notary out |

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    CHECKPOINT,
    store::{Column, NotaryStore, Piece, Shelf, StoreError, Text},
};
use crate::disk::{Disk, DiskFile, RealDisk};

const BESIDE: &str = "checkpoint.new";
const LOCK: &str = "lock";

/// The store in a directory.
pub(crate) struct DirectoryStore {
    disk: Arc<dyn Disk>,
    name: String,
    state: Mutex<State>,
    _lock: Box<dyn Send + Sync>,
}

impl fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectoryStore({})", self.name)
    }
}

#[derive(Default)]
struct State {
    files: BTreeMap<Column, Arc<dyn DiskFile>>,
    /// Written since their last sync.
    dirty: BTreeSet<Column>,
    /// A file was made since the directory's last sync.
    named: bool,
}

impl DirectoryStore {
    /// The store in `dir`, which is made if it is missing.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let name = dir.display().to_string();
        let disk = RealDisk::make(dir).map_err(|error| StoreError::Unavailable(format!("{name}: {error}")))?;
        Self::on(Arc::new(disk), name)
    }

    pub(super) fn on(disk: Arc<dyn Disk>, name: String) -> Result<Self, StoreError> {
        let lock = disk.lock(LOCK).map_err(|error| StoreError::Unavailable(format!("{name}: {error}")))?;
        let lock = lock.ok_or_else(|| StoreError::InUse(name.clone()))?;
        Ok(Self { disk, name, state: Mutex::default(), _lock: lock })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: impl fmt::Display) -> impl FnOnce(io::Error) -> StoreError {
        let what = format!("{}/{what}", self.name);
        move |error| StoreError::Unavailable(format!("{what}: {error}"))
    }

    /// The checkpoint as it is on the disk.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        whole(&*self.disk, CHECKPOINT).map_err(self.failed(CHECKPOINT))
    }

    /// Puts a file of these bytes in the place of another: beside it first, so that it is whole, whatever happens.
    fn replace(&self, state: &mut State, name: &str, beside: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let written = self.disk.create(beside).and_then(|file| {
            file.write_at(bytes, 0)?;
            file.sync_data()
        });
        written.map_err(self.failed(beside))?;
        self.disk.rename(beside, name).map_err(self.failed(name))?;
        self.sync_names(state)
    }

    /// Removes what an earlier attempt left.
    fn remove(&self, name: &str) -> Result<(), StoreError> {
        if self.disk.list().map_err(self.failed("names"))?.iter().any(|there| there == name) {
            self.disk.remove(name).map_err(self.failed(name))?;
        }
        Ok(())
    }

    fn sync_names(&self, state: &mut State) -> Result<(), StoreError> {
        self.disk.sync_dir().map_err(self.failed("names"))?;
        state.named = false;
        Ok(())
    }
}

/// A small file; none if it is not there.
fn whole(disk: &dyn Disk, name: &str) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(name, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or_default()];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// The open file of a column; opened, if need be, and made, if need be and `make` says so.
fn file(disk: &dyn Disk, state: &mut State, column: Column, make: bool) -> io::Result<Arc<dyn DiskFile>> {
    if let Some(file) = state.files.get(&column) {
        return Ok(Arc::clone(file));
    }
    let name = column.to_string();
    let file = match disk.open(&name, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
            let file = disk.create(&name)?;
            state.named = true;
            file
        }
        file => file?,
    };
    state.files.insert(column, Arc::clone(&file));
    Ok(file)
}

impl NotaryStore for DirectoryStore {
    fn load(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut state = self.lock();
        // After a failure, what is open may not be what is on the disk; and what was made or renamed then may not be durable.
        *state = State::default();
        self.remove(BESIDE)?;
        self.sync_names(&mut state)?;
        self.checkpoint()
    }

    fn stage(&self, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for piece in pieces.iter().filter(|piece| !piece.bytes.is_empty()) {
            let file = file(&*self.disk, &mut state, piece.column, true).map_err(self.failed(piece.column))?;
            let offset = piece.first * piece.column.width() as u64;
            state.dirty.insert(piece.column);
            file.write_at(piece.bytes, offset).map_err(self.failed(piece.column))?;
        }
        Ok(())
    }

    fn swap(&self, before: Option<&[u8]>, after: &[u8]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for column in std::mem::take(&mut state.dirty) {
            let file = state.files.get(&column).map(Arc::clone);
            // Whatever is dirty was written through an open file.
            file.map_or(Ok(()), |file| file.sync_data()).map_err(self.failed(column))?;
        }
        if state.named {
            self.sync_names(&mut state)?;
        }
        if self.checkpoint()?.as_deref() != before {
            return Err(StoreError::Moved(format!("{}/{CHECKPOINT}", self.name)));
        }
        self.replace(&mut state, CHECKPOINT, BESIDE, after)
    }

    fn read(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let width = column.width();
        let damaged = |what: String| StoreError::Damaged(format!("{}/{column}: {what}", self.name));
        let opened = file(&*self.disk, &mut self.lock(), column, false);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("the file is missing".into())),
            file => file.map_err(self.failed(column))?,
        };
        let mut bytes = vec![0; count * width];
        let read = file.read_at(&mut bytes, first * width as u64).map_err(self.failed(column))?;
        if read == bytes.len() {
            Ok(bytes)
        } else {
            Err(damaged(format!("it ends before item {}", first + count as u64)))
        }
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        whole(&*self.disk, text.name()).map_err(self.failed(text.name()))
    }

    fn keep(&self, text: Text, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.lock();
        let beside = format!("{}.new", text.name());
        self.remove(&beside)?;
        self.replace(&mut state, text.name(), &beside, bytes)
    }
}

/// The files of the store, opened for reading only: no lock is taken and nothing is written.
pub(super) struct DirectoryShelf {
    disk: RealDisk,
    name: String,
}

impl fmt::Debug for DirectoryShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectoryShelf({})", self.name)
    }
}

impl DirectoryShelf {
    pub(super) fn new(dir: &Path) -> Self {
        Self { disk: RealDisk::new(dir), name: dir.display().to_string() }
    }

    fn failed(&self, what: impl fmt::Display) -> impl FnOnce(io::Error) -> StoreError {
        let what = format!("{}/{what}", self.name);
        move |error| StoreError::Unavailable(format!("{what}: {error}"))
    }
}

impl Shelf for DirectoryShelf {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        whole(&self.disk, CHECKPOINT).map_err(self.failed(CHECKPOINT))
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        whole(&self.disk, text.name()).map_err(self.failed(text.name()))
    }

    fn part(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let width = column.width();
        let file = match self.disk.open(&column.to_string(), false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file.map_err(self.failed(column))?,
        };
        let mut bytes = vec![0; count.saturating_mul(width)];
        let read = file.read_at(&mut bytes, first * width as u64).map_err(self.failed(column))?;
        bytes.truncate(read - read % width);
        Ok(bytes)
    }
}
