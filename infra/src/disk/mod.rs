//! The seam to the file system: what the log and the notary's store ask of it, so that a test can lose power at any of these
//! steps.

#[cfg(test)]
pub(crate) mod sim;

use std::{
    fmt, fs, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::files;

/// An open file.
pub(crate) trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads at most `buffer.len()` bytes at `offset`; fewer only at the file's end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when all that was written is on the disk, and the length with it.
    fn sync_data(&self) -> io::Result<()>;
    /// The file's length in bytes.
    fn len(&self) -> io::Result<u64>;
}

/// One directory of a disk.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Makes a file; it must not exist.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file, for writing too if so asked.
    fn open(&self, name: &str, write: bool) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, in place of the one that had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Returns when all names made, changed and removed are on the disk.
    fn sync_dir(&self) -> io::Result<()>;
    /// Keeps every other process out until the guard is dropped; `None` if another one is in.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>>;
}

/// A directory of the real file system.
#[derive(Debug)]
pub(crate) struct RealDisk {
    dir: PathBuf,
}

impl RealDisk {
    /// The directory, which exists.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The directory, made if it is missing. Its name is on the disk when this returns.
    pub(crate) fn make(dir: &Path) -> io::Result<Self> {
        files::make_private_dir(dir)?;
        Ok(Self::new(dir))
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = files::private().read(true).write(true).create_new(true).open(self.dir.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = fs::OpenOptions::new().read(true).write(write).open(self.dir.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn sync_dir(&self) -> io::Result<()> {
        fs::File::open(&self.dir)?.sync_all()
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let file = files::private().create(true).truncate(false).write(true).open(self.dir.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

#[derive(Debug)]
struct RealFile(fs::File);

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.0.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// Fills a new file with `size` zero bytes, in steps.
pub(crate) fn fill(file: &dyn DiskFile, size: u64) -> io::Result<()> {
    const STEP: u64 = 1 << 20;
    let zeros = vec![0; usize::try_from(STEP.min(size)).unwrap_or_default()];
    let mut at = 0;
    while at < size {
        let step = usize::try_from(STEP.min(size - at)).unwrap_or_default();
        file.write_at(&zeros[..step], at)?;
        at += step as u64;
    }
    Ok(())
}
