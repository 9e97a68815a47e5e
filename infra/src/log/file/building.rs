//! Building a whole ledger at once, for samples and measurements: nothing is synced before all of it is written, so nothing
//! of it is durable before that. A marker says so from before the first record until everything was synced and checked, and
//! while it is there no program opens the log. What serves people never comes this way.

use std::{fs::File, io, path::Path, sync::Arc};

use crate::disk::{Disk, DiskFile, RealDisk};

use super::{FileLog, FileLogOptions, OpenLogError, restoring};

/// The marker's file.
const MARKER: &str = "unfinished";

impl FileLog {
    /// Makes a log in `dir`, which is empty or not there, to be built as a whole: **an acknowledged append is not durable**.
    /// Ends with [`FileLog::close`], then [`sync_all`], then, when all was checked, [`complete`]; whatever happens before
    /// that, the log is refused by everyone who opens it.
    pub fn build(dir: &Path, options: FileLogOptions) -> Result<Self, OpenLogError> {
        options.check()?;
        let name = dir.display().to_string();
        let disk = RealDisk::make(dir).map_err(OpenLogError::io(format!("making {name}")))?;
        let names = disk.list().map_err(OpenLogError::io(format!("listing {name}")))?;
        if names.iter().any(|name| name == MARKER) {
            return Err(OpenLogError::Unfinished(name));
        }
        if !names.is_empty() {
            return Err(OpenLogError::NotEmpty(name));
        }
        mark(&disk).map_err(OpenLogError::io(format!("marking {name} as unfinished")))?;
        Self::open_on(Arc::new(Unsynced(disk)), &name, options)
    }
}

/// Durable before the first record is.
fn mark(disk: &RealDisk) -> io::Result<()> {
    let marker = disk.create(MARKER)?;
    marker.write_at(b"This ledger is being built, or its building was interrupted.\n", 0)?;
    marker.sync_data()?;
    disk.sync_dir()
}

/// Is the log in this directory one whose building has not come to its end?
pub fn is_unfinished(dir: &Path) -> bool {
    dir.join(MARKER).exists()
}

/// Refuses a log that is not whole yet.
pub fn check_finished(dir: &Path) -> Result<(), OpenLogError> {
    if is_unfinished(dir) {
        return Err(OpenLogError::Unfinished(dir.display().to_string()));
    }
    if restoring::is_unfinished(dir) {
        return Err(OpenLogError::Copying(dir.display().to_string()));
    }
    Ok(())
}

/// Returns when all that was built is on the disk. For a log that was closed.
pub fn sync_all(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(dir)?.sync_all()
}

/// From now on the log is like any other. To be called when all of it is on the disk and was checked.
pub fn complete(dir: &Path) -> io::Result<()> {
    let disk = RealDisk::new(dir);
    disk.remove(MARKER)?;
    disk.sync_dir()
}

/// A directory that says it has synced and has not.
#[derive(Debug)]
struct Unsynced(RealDisk);

#[derive(Debug)]
struct UnsyncedFile(Arc<dyn DiskFile>);

impl Unsynced {
    #[allow(clippy::unnecessary_wraps)] // as the trait has it
    fn file(file: Arc<dyn DiskFile>) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(UnsyncedFile(file)))
    }
}

impl Disk for Unsynced {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.create(name).and_then(Self::file)
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(name, write).and_then(Self::file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        self.0.lock(name)
    }
}

impl DiskFile for UnsyncedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}
