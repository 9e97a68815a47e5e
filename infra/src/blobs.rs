//! Files by the hash of their content, in a directory.
//!
//! A blob at `ab/abcd…` is whole or is not there: it is written under another name, synced, renamed, and the directories are
//! synced, so that a blob whose hash was handed out survives a loss of power. Blobs never change; the same content is kept
//! once. One process uses a store at a time; within it, any number of threads.
//!
//! The calls block: from async code, run them where blocking is allowed.

mod content_type;
mod hash;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::files;

pub(crate) use content_type::zip_entries;
pub use content_type::{sniff, usual_extension};
pub use hash::{BlobHash, NotABlobHash};

/// Where blobs are written before they have their name.
const UNFINISHED: &str = "unfinished";

/// Unfinished files older than this belong to no one: they are removed when the store is opened.
const ABANDONED: Duration = Duration::from_hours(24);

/// Why a blob cannot be stored or read.
#[derive(Debug, Error)]
pub enum BlobError {
    /// The file system refuses. Nothing was stored under the hash that was not there before.
    #[error("cannot {doing} {}: {source}; check that the disk is there, writable and not full", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file under this hash has other content: the disk is failing or someone changed it.
    #[error("blob {hash} is damaged on disk; restore it from a backup, or put the file again")]
    Damaged {
        /// The hash that the content should have.
        hash: BlobHash,
    },
    /// More bytes than allowed. Nothing was stored.
    #[error("the file is larger than {limit} bytes; send a smaller one, or raise the limit")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
}

/// Whether a stored blob is what its hash says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The content has this hash.
    Whole,
    /// The content has another hash.
    Damaged,
    /// There is no such blob.
    Missing,
}

/// A directory of blobs.
#[derive(Debug)]
pub struct BlobStore {
    dir: PathBuf,
    /// Makes names of unfinished files unique within this process.
    next: AtomicU64,
    /// Shared by commands that attach files, alone for whoever removes files.
    attaching: Arc<RwLock<()>>,
    /// Held while a name is given, made young again, or taken from a file that is old; never while the disk is waited for.
    names: Mutex<()>,
}

/// While it is held, no file is removed.
pub type Attaching = OwnedRwLockReadGuard<()>;
/// While it is held, no command attaches a file, and what was attached before is in the log.
pub type Removing = OwnedRwLockWriteGuard<()>;

impl BlobStore {
    /// Opens the store in `dir`, made if it is not there, and removes what an earlier process left unfinished over a day ago.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let dir = dir.into();
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
        Ok(Self { dir, next: AtomicU64::new(0), attaching: Arc::default(), names: Mutex::default() })
    }

    /// The store in `dir` as it is, for whoever only reads: nothing is made there, nothing tidied.
    pub fn as_it_is(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), next: AtomicU64::new(0), attaching: Arc::default(), names: Mutex::default() }
    }

    /// To be held from before a command's files are stored or looked for until nothing of the command is on its way.
    pub async fn attaching(&self) -> Attaching {
        Arc::clone(&self.attaching).read_owned().await
    }

    /// To be held while files are removed, from before it is read in the log which documents have them.
    pub async fn removing(&self) -> Removing {
        Arc::clone(&self.attaching).write_owned().await
    }

    /// Does somebody wait to remove, or remove, files? Nobody attaches any more until that is done.
    #[cfg(test)]
    pub(crate) fn is_removal_waiting(&self) -> bool {
        self.attaching.try_read().is_err()
    }

    /// Are all of these there? If so, they are young again. To be asked while [`BlobStore::attaching`] is held.
    pub fn refresh(&self, hashes: &[BlobHash]) -> Result<bool, BlobError> {
        for &hash in hashes {
            if !self.make_young(hash)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// False if there is no such blob.
    fn make_young(&self, hash: BlobHash) -> Result<bool, BlobError> {
        let _named = self.naming();
        let Some(file) = self.open_blob(hash)? else { return Ok(false) };
        match file.set_modified(SystemTime::now()) {
            Ok(()) => Ok(true),
            // Restored by another user, or mounted to be read only: it is there all the same.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                Ok(true)
            }
            Err(error) => Err(io("change the time of", &self.path(hash))(error)),
        }
    }

    fn naming(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Was it stored, or last attached, before this? False if there is no such blob.
    pub fn is_older(&self, hash: BlobHash, than: SystemTime) -> Result<bool, BlobError> {
        let path = self.path(hash);
        match fs::metadata(&path).and_then(|data| data.modified()) {
            Ok(time) => Ok(time < than),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io("look at", &path)(error)),
        }
    }

    /// Removes a blob if it is that old. `true` if it was there and is gone.
    pub fn remove_if_older(&self, hash: BlobHash, than: SystemTime) -> Result<bool, BlobError> {
        let gone = {
            let _named = self.naming();
            self.is_older(hash, than)? && self.unlink(hash)?
        };
        self.sync_gone(hash, gone)
    }

    /// Stores `bytes`; when this returns, they are on disk. Storing the same again changes nothing, but mends a damaged blob.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        let hash = BlobHash::of(bytes);
        if self.verify(hash)? == Verdict::Whole {
            // An earlier put may have been cut off between rename and sync. If it was swept just now, it is stored anew.
            if self.make_young(hash)? {
                self.sync_name(hash)?;
                return Ok(hash);
            }
        }
        let (mut file, path) = self.begin()?;
        let written = file.write_all(bytes).map_err(io("write", &path)).and_then(|()| self.finish(&file, &path, hash));
        discard_on_error(written, &path)?;
        Ok(hash)
    }

    /// Stores all that `reader` gives, without holding it in memory; refuses more than `limit` bytes. Returns also the size.
    pub fn put_from(&self, mut reader: impl Read, limit: u64) -> Result<(BlobHash, u64), BlobError> {
        let (file, path) = self.begin()?;
        let stored = (|| {
            let (hash, size) = copy_hashing(&mut reader, &file, &path, limit)?;
            self.finish(&file, &path, hash)?;
            Ok((hash, size))
        })();
        discard_on_error(stored, &path)
    }

    /// The file of a blob, from its beginning, with its length and type; checked against its hash, for which it is read into
    /// memory once. `None` if there is no such blob.
    pub fn open_checked(&self, hash: BlobHash) -> Result<Option<(File, u64, &'static str)>, BlobError> {
        let Some(mut file) = self.open_blob(hash)? else { return Ok(None) };
        let path = self.path(hash);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).and_then(|_| file.rewind()).map_err(io("read", &path))?;
        if BlobHash::of(&bytes) != hash {
            return Err(BlobError::Damaged { hash });
        }
        Ok(Some((file, bytes.len() as u64, sniff(&bytes))))
    }

    /// The file of a blob, for streaming, *not* checked against its hash; `None` if there is no such blob.
    pub fn open_blob(&self, hash: BlobHash) -> Result<Option<File>, BlobError> {
        let path = self.path(hash);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("open", &path)(error)),
        }
    }

    /// Reads a blob through and compares its hash.
    pub fn verify(&self, hash: BlobHash) -> Result<Verdict, BlobError> {
        let Some(file) = self.open_blob(hash)? else { return Ok(Verdict::Missing) };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(io("read", &self.path(hash)))?;
        Ok(if BlobHash::from(*hasher.finalize().as_bytes()) == hash { Verdict::Whole } else { Verdict::Damaged })
    }

    /// Whether there is a blob with this hash. Its content is not looked at.
    pub fn contains(&self, hash: BlobHash) -> Result<bool, BlobError> {
        let path = self.path(hash);
        path.try_exists().map_err(io("look for", &path))
    }

    /// Removes a blob; when this returns, it is gone from the directory on disk. `false` if there was none.
    pub fn remove(&self, hash: BlobHash) -> Result<bool, BlobError> {
        let gone = self.unlink(hash)?;
        self.sync_gone(hash, gone)
    }

    fn unlink(&self, hash: BlobHash) -> Result<bool, BlobError> {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io("remove", &path)(error)),
        }
    }

    fn sync_gone(&self, hash: BlobHash, gone: bool) -> Result<bool, BlobError> {
        if gone {
            sync_dir(&self.shard(hash))?;
        }
        Ok(gone)
    }

    /// All blobs, for sweeps: in order of their first byte, else in none. Files that are no blobs are passed over. Blobs stored
    /// or removed meanwhile may or may not be seen.
    pub fn list(&self) -> impl Iterator<Item = Result<BlobHash, BlobError>> + '_ {
        (0..=u8::MAX).flat_map(|first| match self.list_shard(first) {
            Ok(hashes) => hashes.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }

    fn list_shard(&self, first: u8) -> Result<Vec<BlobHash>, BlobError> {
        let shard = self.dir.join(format!("{first:02x}"));
        let entries = match fs::read_dir(&shard) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("list", &shard)(error)),
        };
        let mut hashes = Vec::new();
        for entry in entries {
            let name = entry.map_err(io("list", &shard))?.file_name();
            hashes.extend(
                name.to_str().and_then(|name| name.parse::<BlobHash>().ok()).filter(|hash| hash.as_bytes()[0] == first),
            );
        }
        Ok(hashes)
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
}

fn copy_hashing(
    reader: &mut impl Read,
    mut file: &File,
    path: &Path,
    limit: u64,
) -> Result<(BlobHash, u64), BlobError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0_u64;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok((BlobHash::from(*hasher.finalize().as_bytes()), size)),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(io("read what is to go into", path)(error)),
        };
        size += count as u64;
        if size > limit {
            return Err(BlobError::TooLarge { limit });
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(io("write", path))?;
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

fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.to_owned();
    move |source| BlobError::Io { doing, path, source }
}

#[cfg(test)]
mod tests;
