//! A disk that forgets. What was not covered by a completed sync is, after a power loss, kept, lost, or kept in an
//! arbitrary subset of 512-byte sectors and directory entries; every operation may fail, with or without effect.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{Disk, DiskFile};

const SECTOR: usize = 512;

/// Numbers that look random and are the same for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// What survives of things that no sync covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    Everything,
    /// Each sector and each directory entry by the dice.
    Some(u64),
}

impl Keep {
    fn dice(self) -> impl FnMut() -> bool {
        let mut dice = Dice(if let Self::Some(seed) = self { seed } else { 0 });
        move || match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(_) => dice.roll(2) == 1,
        }
    }
}

/// What goes wrong at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power goes, in the middle of it.
    PowerLoss,
    /// It fails. A write leaves this in the page cache; of a sync, this reaches the disk, and what does not is never
    /// written again, since the cache takes it for written.
    Fails(Keep),
    /// The disk is full for so many operations.
    Full(u64),
}

/// An engine that is wrong in what it asks of the disk, made by a disk that hears it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Acknowledges before it syncs: the sync has an effect only when the next operation comes.
    AcknowledgesFirst,
    /// Never syncs the directory.
    ForgetsTheDirectory,
    /// Syncs the file that was opened first.
    SyncsAnotherFile,
}

#[derive(Clone, Debug, Default)]
struct Content {
    cache: Vec<u8>,
    disk: Vec<u8>,
    /// Every version since the last sync of the sectors that were written.
    dirty: BTreeMap<usize, Vec<Vec<u8>>>,
}

fn sector(bytes: &[u8], index: usize) -> Vec<u8> {
    let mut sector = bytes.get(index * SECTOR..).unwrap_or_default().to_vec();
    sector.resize(SECTOR, 0);
    sector
}

fn put(bytes: &mut [u8], index: usize, sector: &[u8]) {
    let end = bytes.len().min((index + 1) * SECTOR);
    if let Some(target) = bytes.get_mut(index * SECTOR..end) {
        target.copy_from_slice(&sector[..target.len()]);
    }
}

impl Content {
    fn write(&mut self, bytes: &[u8], offset: usize, mut keep: impl FnMut() -> bool) {
        let end = offset + bytes.len();
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        for index in offset / SECTOR..end.div_ceil(SECTOR) {
            if !keep() {
                continue;
            }
            let (from, to) = (offset.max(index * SECTOR), end.min((index + 1) * SECTOR));
            self.cache[from..to].copy_from_slice(&bytes[from - offset..to - offset]);
            self.dirty.entry(index).or_default().push(sector(&self.cache, index));
        }
    }

    /// A sync: of the dirty sectors, those that `keep` names reach the disk, and all are clean afterwards.
    fn sync(&mut self, mut keep: impl FnMut() -> bool) {
        if keep() {
            self.disk.resize(self.cache.len(), 0);
        }
        for index in std::mem::take(&mut self.dirty).into_keys() {
            if keep() {
                put(&mut self.disk, index, &sector(&self.cache, index));
            }
        }
    }

    /// What the disk holds when the power comes back: any version of each dirty sector.
    fn after_power_loss(&self, dice: &mut Option<Dice>, mut keep: impl FnMut() -> bool) -> Self {
        let mut disk = self.disk.clone();
        if keep() {
            disk.resize(self.cache.len(), 0);
        }
        for (&index, versions) in &self.dirty {
            if keep() {
                let version = dice.as_mut().map_or(versions.len() - 1, |dice| {
                    usize::try_from(dice.roll(versions.len() as u64)).unwrap_or_default()
                });
                put(&mut disk, index, &versions[version]);
            }
        }
        Self { cache: disk.clone(), disk, dirty: BTreeMap::new() }
    }
}

#[derive(Clone, Debug)]
enum NameChange {
    Create(String, usize),
    /// From, to, and the file: on no disk does an entry come to name another file than the one that was renamed.
    Rename(String, String, usize),
    Remove(String),
}

fn change(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Create(name, file) => drop(names.insert(name.clone(), *file)),
        NameChange::Remove(name) => drop(names.remove(name)),
        NameChange::Rename(from, to, file) => {
            if names.get(from) == Some(file) {
                names.remove(from);
            }
            names.insert(to.clone(), *file);
        }
    }
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    names_on_disk: BTreeMap<String, usize>,
    changes: Vec<NameChange>,
    operations: u64,
    faults: Vec<(u64, Fault)>,
    dead: bool,
    wrong: Option<Wrong>,
    late_sync: Option<usize>,
}

/// What an operation is to do.
enum Outcome {
    Done,
    Failed(Keep),
}

impl State {
    /// Counts an operation and says how it ends. `needs_space`: it fails while the disk is full.
    fn operation(&mut self, needs_space: bool) -> io::Result<Outcome> {
        if self.dead {
            return Err(io::Error::other("no power"));
        }
        let now = self.operations;
        self.operations += 1;
        let power_lost = self.faults.contains(&(now, Fault::PowerLoss));
        if let Some(file) = self.late_sync.take_if(|_| !power_lost) {
            self.files[file].sync(|| true);
        }
        if power_lost {
            self.dead = true;
            return Ok(Outcome::Failed(Keep::Everything));
        }
        for &(at, fault) in &self.faults {
            match fault {
                Fault::Fails(keep) if at == now => return Ok(Outcome::Failed(keep)),
                Fault::Full(span) if needs_space && (at..at.saturating_add(span)).contains(&now) => {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                _ => {}
            }
        }
        Ok(Outcome::Done)
    }

    fn sync(&mut self, file: usize, outcome: &Outcome) {
        match (self.wrong, outcome) {
            // The power went before it was done: what was dirty is still dirty.
            _ if self.dead => {}
            (_, Outcome::Failed(keep)) => self.files[file].sync(keep.dice()),
            (Some(Wrong::AcknowledgesFirst), _) => self.late_sync = Some(file),
            (Some(Wrong::SyncsAnotherFile), _) => self.files[0].sync(|| true),
            _ => self.files[file].sync(|| true),
        }
    }

    fn names_changed(&mut self, name_change: NameChange) -> io::Result<()> {
        let outcome = self.operation(matches!(name_change, NameChange::Create(..)))?;
        if matches!(outcome, Outcome::Done | Outcome::Failed(Keep::Everything)) {
            change(&mut self.names, &name_change);
            self.changes.push(name_change);
        }
        answer(&outcome)
    }
}

fn answer(outcome: &Outcome) -> io::Result<()> {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Failed(_) => Err(io::Error::other("the disk failed")),
    }
}

/// One directory on a disk that forgets.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The `at`-th operation goes wrong, beside others that do already.
    pub(crate) fn fault(&self, at: u64, fault: Fault) {
        self.lock().faults.push((at, fault));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn mend(&self) {
        self.lock().faults.clear();
    }

    pub(crate) fn wrong(&self, wrong: Wrong) {
        self.lock().wrong = Some(wrong);
    }

    /// How many operations there were.
    pub(crate) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Is the power gone?
    pub(crate) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// The disk as it is when the power comes back.
    pub(crate) fn after_power_loss(&self, kept: Keep) -> Self {
        let state = self.lock();
        let mut keep = kept.dice();
        let mut dice = if let Keep::Some(seed) = kept { Some(Dice(!seed)) } else { None };
        let mut names = state.names_on_disk.clone();
        for name_change in state.changes.iter().filter(|_| keep()) {
            change(&mut names, name_change);
        }
        let files = state.files.iter().map(|file| file.after_power_loss(&mut dice, &mut keep)).collect();
        let wrong = state.wrong;
        Self(Arc::new(Mutex::new(State { files, names_on_disk: names.clone(), names, wrong, ..State::default() })))
    }

    /// The whole content of a file, as a reader sees it.
    pub(crate) fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(name).map(|&file| state.files[file].cache.clone())
    }
}

impl Disk for SimDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.lock();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(Content::default());
        state.names_changed(NameChange::Create(name.into(), file))?;
        Ok(Arc::new(SimFile(self.clone(), file)))
    }

    fn open(&self, name: &str, _: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.lock().names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimFile(self.clone(), file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        let file = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.names_changed(NameChange::Rename(from.into(), to.into(), file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.lock().names_changed(NameChange::Remove(name.into()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.lock();
        let outcome = state.operation(false)?;
        if state.dead || state.wrong == Some(Wrong::ForgetsTheDirectory) {
            return answer(&outcome);
        }
        let mut keep = if let Outcome::Failed(keep) = outcome { keep } else { Keep::Everything }.dice();
        // Unlike data, a change of names that did not get there is tried again with the next sync.
        if keep() {
            state.names_on_disk = state.names.clone();
            state.changes.clear();
        }
        answer(&outcome)
    }

    fn lock(&self, _: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        Ok(Some(Box::new(())))
    }
}

#[derive(Debug)]
struct SimFile(SimDisk, usize);

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.0.lock();
        let rest = state.files[self.1].cache.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let offset = usize::try_from(offset).unwrap();
        let grows = state.files[self.1].cache.len() < offset + bytes.len();
        let outcome = state.operation(grows)?;
        let keep = if let Outcome::Failed(keep) = outcome { keep } else { Keep::Everything };
        state.files[self.1].write(bytes, offset, keep.dice());
        answer(&outcome)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        let outcome = state.operation(false)?;
        state.sync(self.1, &outcome);
        answer(&outcome)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().files[self.1].cache.len() as u64)
    }
}
