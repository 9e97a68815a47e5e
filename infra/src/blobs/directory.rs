//! Blobs in a directory.
//!
//! A blob at `ab/abcd…` is written under another name, synced, renamed, and the directories are synced: whole or not there, and
//! what was handed out survives a loss of power. One process uses a directory at a time.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use super::{ABANDONED, BlobError, BlobHash, Listing, Mark, Noted, Store, UNFINISHED, copy_hashing, io, measured};
use crate::files;

/// A directory of blobs.
#[derive(Debug)]
pub(super) struct Directory {
    dir: PathBuf,
    /// Makes names of unfinished files unique within this process.
    next: AtomicU64,
    /// Held while a name is given, made young again, or taken from a file that is old; never while the disk is waited for.
    names: Mutex<()>,
}

impl Directory {
    /// Opens the store in `dir`, made if it is not there, and removes what an earlier process left unfinished over a day ago.
    pub(super) fn open(dir: PathBuf) -> Result<Self, BlobError> {
        let unfinished = dir.join(UNFINISHED);
        files::make_private_dir(&unfinished).map_err(io("make", &unfinished))?;
        for entry in fs::read_dir(&unfinished).map_err(io("list", &unfinished))?.flatten() {
            let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > ABANDONED) {
                fs::remove_file(entry.path()).map_err(io("remove", &entry.path()))?;
            }
        }
        sync_dir(&dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        Ok(Self::as_it_is(dir))
    }

    /// The store in `dir` as it is: nothing is made there, nothing tidied.
    pub(super) fn as_it_is(dir: PathBuf) -> Self {
        Self { dir, next: AtomicU64::new(0), names: Mutex::default() }
    }

    fn naming(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, hash: BlobHash) -> PathBuf {
        self.dir.join(format!("{:02x}", hash.as_bytes()[0]))
    }

    fn path(&self, hash: BlobHash) -> PathBuf {
        self.shard(hash).join(hash.to_string())
    }

    /// A new file under a name of its own.
    fn begin(&self) -> Result<(File, PathBuf), BlobError> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.dir.join(UNFINISHED).join(format!("{}-{number}", std::process::id()));
            match files::private().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((file, path)),
                // Left by an earlier process with the same id.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io("make", &path)(error)),
            }
        }
    }

    /// Gives a written file its name, for good.
    fn finish(&self, file: &File, unfinished: &Path, hash: BlobHash) -> Result<(), BlobError> {
        file.sync_all().map_err(io("sync", unfinished))?;
        let shard = self.shard(hash);
        if !shard.is_dir() {
            files::make_private_dir(&shard).map_err(io("make", &shard))?;
        }
        {
            let _named = self.naming();
            fs::rename(unfinished, self.path(hash)).map_err(io("rename", unfinished))?;
        }
        self.sync_name(hash)
    }

    /// Makes the name of a stored blob durable: its directory, and that directory's own entry.
    fn sync_name(&self, hash: BlobHash) -> Result<(), BlobError> {
        sync_dir(&self.shard(hash))?;
        sync_dir(&self.dir)
    }

    fn list_shard(&self, first: u8) -> Result<Vec<(BlobHash, SystemTime)>, BlobError> {
        let shard = self.dir.join(format!("{first:02x}"));
        let entries = match fs::read_dir(&shard) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("list", &shard)(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(io("list", &shard))?.file_name();
            let hash = name.to_str().and_then(|name| name.parse::<BlobHash>().ok());
            let Some(hash) = hash.filter(|hash| hash.as_bytes()[0] == first) else { continue };
            // Removed meanwhile: not seen.
            found.extend(self.modified(hash)?.map(|modified| (hash, modified)));
        }
        Ok(found)
    }
}

impl Store for Directory {
    fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        let hash = BlobHash::of(bytes);
        let stands = match self.file(hash)? {
            Some(mut file) => measured(&mut file).map_err(io("read", &self.path(hash)))?.0 == hash,
            None => false,
        };
        // An earlier put may have been cut off between rename and sync. If it was swept just now, it is stored anew.
        if stands && self.make_young(hash)? {
            self.sync_name(hash)?;
            return Ok(hash);
        }
        let (mut file, path) = self.begin()?;
        let written = file.write_all(bytes).map_err(io("write", &path)).and_then(|()| self.finish(&file, &path, hash));
        discard_on_error(written, &path)?;
        Ok(hash)
    }

    fn put_from(&self, reader: &mut dyn Read, limit: u64) -> Result<(BlobHash, u64), BlobError> {
        let (file, path) = self.begin()?;
        let stored = (|| {
            let (hash, size) = copy_hashing(reader, &file, &path, limit)?;
            self.finish(&file, &path, hash)?;
            Ok((hash, size))
        })();
        discard_on_error(stored, &path)
    }

    fn file(&self, hash: BlobHash) -> Result<Option<File>, BlobError> {
        let path = self.path(hash);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("open", &path)(error)),
        }
    }

    fn copy_to(&self, hash: BlobHash, to: &mut dyn Write) -> Result<bool, BlobError> {
        let Some(mut file) = self.file(hash)? else { return Ok(false) };
        std::io::copy(&mut file, to).map_err(io("read", &self.path(hash)))?;
        Ok(true)
    }

    fn modified(&self, hash: BlobHash) -> Result<Option<SystemTime>, BlobError> {
        let path = self.path(hash);
        match fs::metadata(&path).and_then(|data| data.modified()) {
            Ok(time) => Ok(Some(time)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("look at", &path)(error)),
        }
    }

    fn make_young(&self, hash: BlobHash) -> Result<bool, BlobError> {
        let _named = self.naming();
        let Some(file) = self.file(hash)? else { return Ok(false) };
        match file.set_modified(SystemTime::now()) {
            Ok(()) => Ok(true),
            // Restored by another user, or mounted to be read only: it is there all the same.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                Ok(true)
            }
            Err(error) => Err(io("change the time of", &self.path(hash))(error)),
        }
    }

    fn remove_if(&self, hash: BlobHash, goes: &dyn Fn(SystemTime) -> bool) -> Result<bool, BlobError> {
        let path = self.path(hash);
        let gone = {
            let _named = self.naming();
            self.modified(hash)?.is_some_and(goes)
                && match fs::remove_file(&path) {
                    Ok(()) => true,
                    Err(error) if error.kind() == ErrorKind::NotFound => false,
                    Err(error) => return Err(io("remove", &path)(error)),
                }
        };
        if gone {
            sync_dir(&self.shard(hash))?;
        }
        Ok(gone)
    }

    fn list(&self) -> Listing<'_> {
        Box::new((0..=u8::MAX).flat_map(|first| match self.list_shard(first) {
            Ok(found) => found.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }))
    }

    /// Whoever has the data directory locked has this one, unless it was set apart.
    fn mark(&self) -> Result<Option<Noted>, BlobError> {
        Ok(None)
    }

    fn claim(&self, _: Option<Noted>, _: Mark) -> Result<bool, BlobError> {
        Ok(true)
    }

    /// Hashing is what takes the time.
    fn readers(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

/// Removes the unfinished file if `result` is an error; that error is what counts.
fn discard_on_error<T>(result: Result<T, BlobError>, unfinished: &Path) -> Result<T, BlobError> {
    if result.is_err() {
        let _ = fs::remove_file(unfinished);
    }
    result
}

fn sync_dir(dir: &Path) -> Result<(), BlobError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(io("sync", dir))
}

#[cfg(test)]
mod tests;
