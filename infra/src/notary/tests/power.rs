//! The fault table: at every write, sync, rename and removal in turn, it fails without effect, fails and persists, is torn,
//! or the power goes and what was not synced is lost. After each: load again, check everything, go on.

use std::{io, sync::Arc, sync::Mutex};

use socai_domain::proof::TreeHead;

use super::{
    super::{
        Notary, NotaryError,
        store::{Column, StoreError},
    },
    leaves, on, place, record, root,
};
use crate::disk::{
    Disk, DiskFile,
    sim::{Dice, Fault, Keep, SimDisk, Wrong},
};

/// Leaves added before each commit: so that tiles and blocks of ids are finished, also several at once.
pub(super) const STEPS: [u64; 7] = [1, 3, 200, 52, 1, 255, 7];

/// What the outside was shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown(pub(super) Vec<TreeHead>);

impl Shown {
    pub(super) fn last(&self) -> u64 {
        self.0.last().map_or(0, |head| head.size)
    }
}

/// How the notary is wrong, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// The disk hears something else than it was told.
    Disk(Wrong),
    /// Files are synced only after the checkpoint was swapped.
    SyncsLate,
    /// The head is shown before the checkpoint is durable.
    ShowsFirst,
}

/// A disk that syncs files only when the directory is synced the next time.
#[derive(Debug)]
struct Late {
    disk: SimDisk,
    owed: Arc<Mutex<Vec<Arc<dyn DiskFile>>>>,
}

#[derive(Debug)]
struct LateFile {
    file: Arc<dyn DiskFile>,
    owed: Arc<Mutex<Vec<Arc<dyn DiskFile>>>>,
}

impl DiskFile for LateFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.owed.lock().unwrap().push(Arc::clone(&self.file));
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

impl Late {
    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(LateFile { file, owed: Arc::clone(&self.owed) })
    }
}

impl Disk for Late {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(name).map(|file| self.file(file))
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name, write).map(|file| self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()?;
        self.owed.lock().unwrap().drain(..).try_for_each(|file| file.sync_data())
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.disk.lock(name)
    }
}

fn disk_of(disk: &SimDisk, mutant: Mutant) -> Arc<dyn Disk> {
    match mutant {
        Mutant::SyncsLate => Arc::new(Late { disk: disk.clone(), owed: Arc::default() }),
        _ => Arc::new(disk.clone()),
    }
}

/// Opens; after a fault while opening, the operator tries again.
fn open(disk: &SimDisk, mutant: Mutant, shown: &Shown) -> Result<Option<Notary>, String> {
    for _ in 0..8 {
        // Records are taken only after the first checkpoint, of none, is durable.
        match on(disk_of(disk, mutant), shown.last()) {
            Ok(notary) => return Ok(Some(notary)),
            Err(_) if disk.is_dead() => return Ok(None),
            Err(error) if error.may_pass() => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("the store does not open any more".into())
}

/// A life of the notary: two runs. Ends when the power goes.
fn live(disk: &SimDisk, mutant: Mutant, shown: &mut Shown) -> Result<(), String> {
    for run in 0..2 {
        let Some(notary) = open(disk, mutant, shown)? else { return Ok(()) };
        let (mut step, end) = [(0, 4), (4, STEPS.len())][run];
        let mut loaded = None;
        for _ in 0..40 {
            if step == end {
                break;
            }
            let end = STEPS[..=step].iter().sum::<u64>();
            let done = (|| {
                let (mut tree, before) = match loaded.take() {
                    Some(loaded) => loaded,
                    None => notary.load()?,
                };
                // It may be there already, where a commit failed and persisted.
                tree.append(&leaves(tree.size()..end.max(tree.size())))?;
                if mutant == Mutant::ShowsFirst {
                    shown.0.push(TreeHead { size: tree.size(), root: tree.root() });
                }
                let note = notary.commit(&mut tree, before.as_deref().map(str::as_bytes))?;
                Ok::<_, NotaryError>((tree, Some(note)))
            })();
            if let Some(head) = notary.committed().map(|committed| committed.head) {
                shown.0.push(head);
            }
            match done {
                Ok(done) => (loaded, step) = (Some(done), step + 1),
                Err(_) if disk.is_dead() => return Ok(()),
                Err(error) if error.may_pass() => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        if step < end {
            return Err(format!("only {step} steps were done"));
        }
    }
    Ok(())
}

/// Everything shown is the beginning of what is there, and what is there is whole.
fn check(disk: &SimDisk, shown: &Shown) -> Result<Notary, String> {
    let notary = open(disk, Mutant::None, shown)?.ok_or("the power is gone again")?;
    whole(&notary, shown, 1)?;
    Ok(notary)
}

/// The same of an open store; of so many leaves, one is looked for.
pub(super) fn whole(notary: &Notary, shown: &Shown, every: usize) -> Result<(), String> {
    let (tree, _) = notary.load().map_err(|error| error.to_string())?;
    let size = tree.size();
    if size < shown.last() {
        return Err(format!("{} leaves were shown, {size} are there", shown.last()));
    }
    if tree.root() != root(size) {
        return Err(format!("the root of {size} leaves is another"));
    }
    let told = |error: StoreError| error.to_string();
    for head in &shown.0 {
        if notary.hashes(head.size).root().map_err(told)? != head.root || head.root != root(head.size) {
            return Err(format!("the root of {} leaves is not the one that was shown", head.size));
        }
    }
    let hashes = notary.hashes(size);
    for leaf in (0..size).step_by(every) {
        let found = notary.0.recent.find(&*notary.0.store, record(leaf).id()).map_err(told)?;
        let right = hashes.entry(leaf).map_err(told)? == record(leaf)
            && hashes.leaf_at(place(leaf)).map_err(told)? == Some(leaf)
            && found == Some(leaf);
        if !right {
            return Err(format!("leaf {leaf} is not as it was"));
        }
    }
    for tile in socai_domain::proof::Tile::grown(0, size) {
        hashes.tile(tile).map_err(told)?;
    }
    Ok(())
}

/// The power comes back, perhaps goes again while the store is loaded, and comes back for good.
fn afterwards(disk: &SimDisk, mutant: Mutant, shown: &Shown, keep: Keep, seed: u64) -> Result<(), String> {
    let mut disk = disk.after_power_loss(keep);
    let again = Dice(seed).roll(8);
    if again < 4 {
        disk.fault(again, Fault::PowerLoss);
        let _ = open(&disk, mutant, shown)?.map(|notary| notary.load());
        disk = disk.after_power_loss(keep);
    }
    let notary = check(&disk, shown)?;
    let (mut tree, before) = notary.load().map_err(|error| error.to_string())?;
    tree.append(&leaves(tree.size()..tree.size() + 20)).map_err(|error| error.to_string())?;
    notary.commit(&mut tree, before.as_deref().map(str::as_bytes)).map_err(|error| error.to_string())?;
    drop(notary);
    check(&disk, shown).map(drop)
}

/// Tries the fault at every operation; the first thing that is wrong, or how many rows there were.
fn everywhere(fault: Fault, keeps: &[Keep], mutant: Mutant, seed: u64) -> Result<u64, String> {
    let fresh = || {
        let disk = SimDisk::default();
        if let Mutant::Disk(wrong) = mutant {
            disk.wrong(wrong);
        }
        disk
    };
    let disk = fresh();
    live(&disk, mutant, &mut Shown::default())?;
    let all = [Column::Entries, Column::Places, Column::Ids, Column::Level(1)];
    assert!(all.iter().all(|column| disk.content(&column.to_string()).is_some()), "every column should be reached");
    let operations = disk.operations();
    for at in 0..operations {
        let (disk, mut shown) = (fresh(), Shown::default());
        disk.fault(at, fault);
        // Half of the time, the power goes soon after.
        if fault != Fault::PowerLoss && (at ^ seed).is_multiple_of(2) {
            disk.fault(at + 1 + Dice(seed ^ at).roll(9), Fault::PowerLoss);
        }
        let told = |what: String| format!("{fault:?} at {at}: {what}");
        live(&disk, mutant, &mut shown).map_err(told)?;
        for &keep in keeps {
            let told = |what: String| format!("{fault:?} at {at}, then {keep:?} kept: {what}");
            afterwards(&disk, mutant, &shown, keep, seed ^ at).map_err(told)?;
        }
    }
    Ok(operations * keeps.len() as u64)
}

/// How many seeds: more in the long version.
fn seeds() -> std::ops::Range<u64> {
    0..if std::env::var_os("SOCAI_LONG").is_some() { 100 } else { 1 }
}

#[test]
fn what_was_not_synced_is_lost_at_every_operation() {
    for seed in seeds() {
        let keeps = [Keep::Nothing, Keep::Everything, Keep::Some(seed), Keep::Some(seed + 1_000)];
        let rows = everywhere(Fault::PowerLoss, &keeps, Mutant::None, seed).unwrap();
        assert!(rows > 300, "{rows}");
    }
}

#[test]
fn every_operation_fails_without_effect_or_persists_or_is_torn() {
    for seed in seeds() {
        for failing in [Keep::Nothing, Keep::Everything, Keep::Some(seed)] {
            everywhere(Fault::Fails(failing), &[Keep::Nothing, Keep::Some(seed)], Mutant::None, seed).unwrap();
        }
    }
}

#[test]
fn the_disk_is_full_for_a_while() {
    for seed in seeds() {
        for span in [1, 5] {
            everywhere(Fault::Full(span), &[Keep::Nothing], Mutant::None, seed).unwrap();
        }
    }
}

fn must_be_caught(mutant: Mutant) {
    let keeps = [Keep::Nothing, Keep::Everything, Keep::Some(1), Keep::Some(2)];
    let caught = everywhere(Fault::PowerLoss, &keeps, mutant, 0);
    assert!(caught.is_err(), "nobody noticed that the store is wrong: {mutant:?}");
}

#[test]
fn a_store_that_swaps_before_it_syncs_is_caught() {
    must_be_caught(Mutant::SyncsLate);
}

#[test]
fn a_store_that_forgets_the_directory_is_caught() {
    must_be_caught(Mutant::Disk(Wrong::ForgetsTheDirectory));
}

#[test]
fn a_store_that_syncs_another_file_is_caught() {
    must_be_caught(Mutant::Disk(Wrong::SyncsAnotherFile));
}

#[test]
fn a_notary_that_shows_a_head_before_it_is_durable_is_caught() {
    must_be_caught(Mutant::ShowsFirst);
}
