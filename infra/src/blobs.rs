//! Files by the hash of their content, in a directory or in S3-compatible storage.
//!
//! A blob is called `ab/abcd…`, is whole or is not there, and stays once its hash was handed out. Blobs never change; the same
//! content is kept once. Any number of threads may use a store.
//!
//! The calls block: from async code, run them where blocking is allowed.

mod content_type;
mod directory;
mod hash;
mod mark;
mod place;
mod s3;

use std::{
    fmt,
    fs::File,
    io::{self, ErrorKind, Read, Seek as _, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::future::BoxFuture;
use thiserror::Error;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

pub(crate) use content_type::zip_entries;
pub use content_type::{sniff, usual_extension};
pub use hash::{BlobHash, NotABlobHash};
pub use mark::{Mark, NotAMark, Noted};
pub use place::{Bucket, NotABucket, Place};
pub use s3::Trouble;
#[cfg(test)]
pub(crate) use s3::testing as s3_testing;
pub(crate) use s3::{Probed, probe};

/// What is not finished stands under this name until it has its own.
const UNFINISHED: &str = "unfinished";

/// What is unfinished and older belongs to no one: it is removed when the store is opened.
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
    /// The storage refuses, or does not answer. What was asked may have been done: doing it again does no harm.
    #[error("cannot {doing} in {bucket}: {trouble}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// In which bucket.
        bucket: Bucket,
        /// What is the matter.
        trouble: Trouble,
    },
    /// What is kept under this hash has other content: the disk is failing or someone changed it.
    #[error("blob {hash} is damaged where it is kept; restore it from a backup, or put the file again")]
    Damaged {
        /// The hash that the content should have.
        hash: BlobHash,
    },
    /// Another server may be removing what is attached here, or attaching what is removed.
    #[error("the servers that share these files cannot agree who has a turn: {0}")]
    Others(String),
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

/// Blobs, and when each was stored or last made young.
type Listing<'a> = Box<dyn Iterator<Item = Result<(BlobHash, SystemTime), BlobError>> + 'a>;

/// How blobs are kept.
trait Store: fmt::Debug + Send + Sync {
    /// Stores `bytes` for good. Storing the same again makes it young, and mends a damaged blob.
    fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError>;

    /// Stores all that `reader` gives, for good, if it is not more than `limit` bytes; says how many.
    fn put_from(&self, reader: &mut dyn Read, limit: u64) -> Result<(BlobHash, u64), BlobError>;

    /// The content of a blob from its beginning, *not* checked against its hash.
    fn file(&self, hash: BlobHash) -> Result<Option<File>, BlobError>;

    /// Writes the content of a blob, *not* checked against its hash. False if there is no such blob.
    fn copy_to(&self, hash: BlobHash, to: &mut dyn Write) -> Result<bool, BlobError>;

    /// When it was stored or last made young.
    fn modified(&self, hash: BlobHash) -> Result<Option<SystemTime>, BlobError>;

    /// From now on it is as if it had been stored not long ago. False if there is no such blob.
    fn make_young(&self, hash: BlobHash) -> Result<bool, BlobError>;

    /// Removes a blob, for good, if its time is one that goes. True if it was there and is gone.
    fn remove_if(&self, hash: BlobHash, goes: &dyn Fn(SystemTime) -> bool) -> Result<bool, BlobError>;

    /// All blobs. What is no blob is passed over; what is stored or removed meanwhile may or may not be seen.
    fn list(&self) -> Listing<'_>;

    /// Whose the files are; none where that is not noted.
    fn mark(&self) -> Result<Option<Noted>, BlobError>;

    /// Notes whose they are, in the place of what was noted `before`. False if that is not what stands there any more.
    ///
    /// # Errors
    /// They are another ledger's, or this one has fewer records than it had.
    fn claim(&self, before: Option<Noted>, now: Mark) -> Result<bool, BlobError>;

    /// How many blobs are best read at once.
    fn readers(&self) -> usize;
}

/// The files of documents.
#[derive(Debug)]
pub struct BlobStore {
    store: Box<dyn Store>,
    /// Shared by commands that attach files, alone for whoever removes files.
    attaching: Arc<RwLock<()>>,
    /// The same among servers.
    others: Option<Arc<dyn Others>>,
}

/// While it is held, no file is removed.
#[derive(Debug)]
#[must_use]
pub struct Attaching {
    _others: Option<Held>,
    _here: OwnedRwLockReadGuard<()>,
}

/// While it is held, no command attaches a file, and what was attached before is in the log.
#[derive(Debug)]
#[must_use]
pub struct Removing {
    _others: Option<Held>,
    _here: OwnedRwLockWriteGuard<()>,
}

/// What other servers on the same files do, if there may be any.
pub(crate) trait Others: fmt::Debug + Send + Sync {
    /// While what it gives is held, none of them removes files.
    fn attaching(&self) -> BoxFuture<'_, Result<Held, String>>;

    /// While what it gives is held, none of them attaches or removes files.
    fn removing(&self) -> BoxFuture<'_, Result<Held, String>>;
}

/// A turn, until it is dropped.
pub(crate) type Held = Arc<dyn std::any::Any + Send + Sync>;

impl BlobStore {
    /// Opens the store; a directory is made if it is not there, and what was left unfinished over a day ago is removed.
    pub fn open(place: impl Into<Place>) -> Result<Self, BlobError> {
        Ok(match place.into() {
            Place::Directory(dir) => Self::of(directory::Directory::open(dir)?),
            Place::S3(bucket) => Self::of(s3::S3::open(bucket)?),
        })
    }

    /// The store as it is, for whoever only reads: nothing is made there, nothing tidied.
    pub fn as_it_is(place: impl Into<Place>) -> Result<Self, BlobError> {
        Ok(match place.into() {
            Place::Directory(dir) => Self::of(directory::Directory::as_it_is(dir)),
            Place::S3(bucket) => Self::of(s3::S3::as_it_is(bucket)?),
        })
    }

    fn of(store: impl Store + 'static) -> Self {
        Self { store: Box::new(store), attaching: Arc::default(), others: None }
    }

    /// Among servers that have the same files.
    pub(crate) fn among(self, others: Option<Arc<dyn Others>>) -> Self {
        Self { others, ..self }
    }

    /// Whose the files are, where that is noted: to be read before the log is asked how many records it has.
    pub fn mark(&self) -> Result<Option<Noted>, BlobError> {
        self.store.mark()
    }

    /// Makes them this ledger's, or refuses where they are another's or of a longer copy of this one. To be called before
    /// anything is removed. False if another server noted something since `before` was read: then it is to be read again.
    pub fn claim(&self, before: Option<Noted>, now: Mark) -> Result<bool, BlobError> {
        self.store.claim(before, now)
    }

    /// To be held from before a command's files are stored or looked for until nothing of the command is on its way.
    pub async fn attaching(&self) -> Result<Attaching, BlobError> {
        let others = match &self.others {
            Some(others) => Some(others.attaching().await.map_err(BlobError::Others)?),
            None => None,
        };
        Ok(Attaching { _others: others, _here: Arc::clone(&self.attaching).read_owned().await })
    }

    /// To be held while files are removed, from before it is read in the log which documents have them.
    pub async fn removing(&self) -> Result<Removing, BlobError> {
        // First this: it may be refused after a while, and nobody here waits for it meanwhile.
        let others = match &self.others {
            Some(others) => Some(others.removing().await.map_err(BlobError::Others)?),
            None => None,
        };
        Ok(Removing { _others: others, _here: Arc::clone(&self.attaching).write_owned().await })
    }

    /// Does somebody wait to remove, or remove, files? Nobody attaches any more until that is done.
    #[cfg(test)]
    pub(crate) fn is_removal_waiting(&self) -> bool {
        self.attaching.try_read().is_err()
    }

    /// Are all of these there? If so, they are young again. To be asked while [`BlobStore::attaching`] is held.
    pub fn refresh(&self, hashes: &[BlobHash]) -> Result<bool, BlobError> {
        for &hash in hashes {
            if !self.store.make_young(hash)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Was it stored, or last attached, before this? False if there is no such blob.
    pub fn is_older(&self, hash: BlobHash, than: SystemTime) -> Result<bool, BlobError> {
        Ok(self.store.modified(hash)?.is_some_and(|time| time < than))
    }

    /// Removes a blob if it is that old. `true` if it was there and is gone.
    pub fn remove_if_older(&self, hash: BlobHash, than: SystemTime) -> Result<bool, BlobError> {
        self.store.remove_if(hash, &|time| time < than)
    }

    /// Stores `bytes`; when this returns, they are there for good. Storing the same again changes nothing, but mends a damaged
    /// blob.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        self.store.put(bytes)
    }

    /// Stores all that `reader` gives, without holding it in memory; refuses more than `limit` bytes. Returns also the size.
    pub fn put_from(&self, mut reader: impl Read, limit: u64) -> Result<(BlobHash, u64), BlobError> {
        self.store.put_from(&mut reader, limit)
    }

    /// A blob as a file on this machine, from its beginning, with its length and type; checked against its hash. `None` if there
    /// is no such blob.
    pub fn open_checked(&self, hash: BlobHash) -> Result<Option<(File, u64, &'static str)>, BlobError> {
        let Some(mut file) = self.store.file(hash)? else { return Ok(None) };
        let name = PathBuf::from(hash.to_string());
        let (found, size) = measured(&mut file).map_err(io("read", &name))?;
        if found != hash {
            return Err(BlobError::Damaged { hash });
        }
        let content_type = content_type::sniff_file(&mut file).map_err(io("read", &name))?;
        Ok(Some((file, size, content_type)))
    }

    /// The content of a blob, checked against its hash.
    pub fn read(&self, hash: BlobHash) -> Result<Option<Vec<u8>>, BlobError> {
        let mut bytes = Vec::new();
        match self.store.copy_to(hash, &mut bytes)? {
            true if BlobHash::of(&bytes) != hash => Err(BlobError::Damaged { hash }),
            there => Ok(there.then_some(bytes)),
        }
    }

    /// Reads a blob through: the hash and the length of what is kept under this hash.
    pub fn measure(&self, hash: BlobHash) -> Result<Option<(BlobHash, u64)>, BlobError> {
        let mut hasher = blake3::Hasher::new();
        let there = self.store.copy_to(hash, &mut hasher)?;
        Ok(there.then(|| (BlobHash::from(*hasher.finalize().as_bytes()), hasher.count())))
    }

    /// Reads a blob through and compares its hash.
    pub fn verify(&self, hash: BlobHash) -> Result<Verdict, BlobError> {
        Ok(match self.measure(hash)? {
            None => Verdict::Missing,
            Some((found, _)) if found == hash => Verdict::Whole,
            Some(_) => Verdict::Damaged,
        })
    }

    /// How many blobs are best read at once: by [`BlobStore::measure`] and the like, each in a thread of its own.
    pub fn readers(&self) -> usize {
        self.store.readers()
    }

    /// Whether there is a blob with this hash. Its content is not looked at.
    pub fn contains(&self, hash: BlobHash) -> Result<bool, BlobError> {
        Ok(self.store.modified(hash)?.is_some())
    }

    /// Removes a blob; when this returns, it is gone for good. `false` if there was none.
    pub fn remove(&self, hash: BlobHash) -> Result<bool, BlobError> {
        self.store.remove_if(hash, &|_| true)
    }

    /// All blobs. What is no blob is passed over; what is stored or removed meanwhile may or may not be seen.
    pub fn list(&self) -> impl Iterator<Item = Result<BlobHash, BlobError>> + '_ {
        self.store.list().map(|found| found.map(|(hash, _)| hash))
    }

    /// Those of them that were stored, or last attached, before this.
    pub fn older(&self, than: SystemTime) -> impl Iterator<Item = Result<BlobHash, BlobError>> + '_ {
        let is_old = move |found: &Result<(_, SystemTime), _>| !matches!(found, Ok((_, time)) if *time >= than);
        self.store.list().filter(is_old).map(|found| found.map(|(hash, _)| hash))
    }
}

fn copy_hashing(reader: &mut dyn Read, mut file: &File, path: &Path, limit: u64) -> Result<(BlobHash, u64), BlobError> {
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

/// Hash and length of a file, which is read from its beginning and left there.
fn measured(file: &mut File) -> io::Result<(BlobHash, u64)> {
    let mut hasher = blake3::Hasher::new();
    file.rewind()?;
    hasher.update_reader(&mut *file)?;
    file.rewind()?;
    Ok((BlobHash::from(*hasher.finalize().as_bytes()), hasher.count()))
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.to_owned();
    move |source| BlobError::Io { doing, path, source }
}

#[cfg(test)]
mod tests;
