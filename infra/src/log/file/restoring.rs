//! A log that whole records are copied into from another one. From before the first of them until all are there and were
//! compared, a marker says so, and while it is there no program opens the log.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use socai_domain::ledger::{RestoreError, SealedRecord};

use super::{FileLogOptions, LOCK, OpenLogError, building, keeper::Keeper, segments::Numbered, start, writer::Writer};
use crate::disk::{Disk, RealDisk};

/// The marker's file.
const MARKER: &str = "copying";

/// Is the log in this directory a copy that has not come to its end?
pub(crate) fn is_unfinished(dir: &Path) -> bool {
    dir.join(MARKER).exists()
}

/// A log that is copied into. Nobody else has it open meanwhile. Calls wait for the disk.
pub(crate) struct FileRestore {
    dir: PathBuf,
    writer: Writer,
    marked: bool,
    _guard: Box<dyn Send + Sync>,
}

impl fmt::Debug for FileRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileRestore({})", self.dir.display())
    }
}

impl FileRestore {
    /// Opens what is in the directory, to go on after it. Where nothing is, it is made, of the ledger and epoch that the
    /// options name, and marked as unfinished; what is there is marked only when something is added.
    pub(crate) fn open(dir: &Path, options: FileLogOptions) -> Result<Self, OpenLogError> {
        options.check()?;
        let name = dir.display().to_string();
        if building::is_unfinished(dir) {
            return Err(OpenLogError::Unfinished(name));
        }
        let disk = RealDisk::make(dir).map_err(OpenLogError::io(format!("making {name}")))?;
        let guard = disk.lock(LOCK).map_err(OpenLogError::io(format!("locking {name}")))?;
        let guard = guard.ok_or_else(|| OpenLogError::InUse(name.clone()))?;
        let names = disk.list().map_err(OpenLogError::io(format!("listing {name}")))?;
        let mut marked = names.iter().any(|name| name == MARKER);
        if !marked && Numbered::of(&names).segments.is_empty() {
            mark(&disk).map_err(OpenLogError::io(format!("marking {name} as unfinished")))?;
            marked = true;
        }
        let options = FileLogOptions { copying: marked, create: true, ..options };
        let (writer, ..) = start(Arc::new(disk), options, Keeper::new(true))?;
        Ok(Self { dir: dir.to_owned(), writer, marked, _guard: guard })
    }

    /// Takes the next records, which are durable when this returns.
    pub(crate) fn take(&mut self, records: &[SealedRecord]) -> Result<(), RestoreError> {
        if !self.marked {
            mark(&RealDisk::new(&self.dir)).map_err(busy)?;
            self.marked = true;
        }
        self.writer.restore(records)
    }

    /// Ends it in good order; if it is `whole`, others may open it from now on.
    pub(crate) fn end(self, whole: bool) -> Result<(), RestoreError> {
        let Self { dir, writer, marked, _guard, .. } = self;
        writer.end().map_err(RestoreError::Busy)?;
        if marked && whole {
            let disk = RealDisk::new(&dir);
            disk.remove(MARKER).and_then(|()| disk.sync_dir()).map_err(busy)?;
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn busy(error: io::Error) -> RestoreError {
    RestoreError::Busy(error.to_string())
}

/// Durable before the first record is.
fn mark(disk: &RealDisk) -> io::Result<()> {
    let marker = disk.create(MARKER)?;
    marker.write_at(b"A ledger is copied to here, and is not whole yet: run the same `socai copy` again.\n", 0)?;
    marker.sync_data()?;
    disk.sync_dir()
}
