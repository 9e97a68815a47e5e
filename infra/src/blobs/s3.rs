//! Blobs in S3-compatible storage.
//!
//! What is stored passes through a file of this machine that has no name: its hash is known only at its end, and so an object
//! gets its name whole or not at all, and nothing is left here by whoever is cut off. Large ones go up in parts; what would be
//! left there of them is noted under `unfinished/` first. What is fetched passes through such a file, too: it is checked before
//! the first byte of it is sent.

mod http;
mod mark;
mod probe;
mod settings;
#[cfg(test)]
pub(crate) mod testing;
mod trouble;

use std::{
    fmt,
    fs::{self, File},
    io::{ErrorKind, Read, Seek as _, Write},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{
    ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutPayload, aws::AmazonS3, multipart::MultipartStore as _,
    path::Path,
};

pub(crate) use self::probe::{Probed, probe};
pub use self::trouble::Trouble;
use super::{
    ABANDONED, BlobError, BlobHash, Bucket, Listing, Mark, Noted, Store, UNFINISHED, copy_hashing, io, measured,
};
use crate::{
    files,
    waiting::{Ended, Waiting},
};

/// Bytes of a part of a large object, and of the largest that is sent at once: S3 takes no smaller parts.
const PART: usize = 5 << 20;
/// What is older is stored anew when it is looked for, so that it is not swept before the command that wants it is in the log.
/// Whoever looks has a ticket of less than a day, so this is seldom; and there is no cheaper way: S3 refuses to copy an object
/// onto itself without other changes.
const YOUNG: Duration = Duration::from_hours(12);
/// How long the storage may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Objects that are read at once where all are.
const READERS: usize = 16;

/// A bucket of blobs.
pub(super) struct S3 {
    bucket: Bucket,
    client: Arc<AmazonS3>,
    waiting: Waiting,
    /// Makes names unique within this process.
    next: AtomicU64,
    /// Shared for the moment in which an object gets its name, alone while one is removed because it is old.
    names: RwLock<()>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3({})", self.bucket)
    }
}

impl S3 {
    /// Opens the store, and removes what was left unfinished over a day ago.
    pub(super) fn open(bucket: Bucket) -> Result<Self, BlobError> {
        let this = Self::as_it_is(bucket)?;
        this.tidy()?;
        Ok(this)
    }

    /// The store as it is: it is not even asked whether it is there.
    pub(super) fn as_it_is(bucket: Bucket) -> Result<Self, BlobError> {
        Self::with(bucket, |name| std::env::var(name).ok(), PATIENCE)
    }

    fn with(
        bucket: Bucket,
        environment: impl Fn(&str) -> Option<String>,
        patience: Duration,
    ) -> Result<Self, BlobError> {
        let begun = settings::client(&bucket, environment, patience)
            .and_then(|client| Ok((client, Waiting::new().map_err(|error| Trouble::Settings(error.to_string()))?)));
        let (client, waiting) = begun.map_err(failed("begin", &bucket))?;
        Ok(Self { bucket, client: Arc::new(client), waiting, next: AtomicU64::new(0), names: RwLock::default() })
    }

    /// What the storage says. Blocks.
    fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        question: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, BlobError> {
        self.ask_for(doing, question)?.ok_or(Trouble::Gone).map_err(failed(doing, &self.bucket))
    }

    /// What the storage says of an object that need not be there. Blocks.
    fn ask_for<T: Send + 'static>(
        &self,
        doing: &'static str,
        question: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<Option<T>, BlobError> {
        let answer = self.waiting.wait(async move { Ok::<_, Ended>(question.await) });
        let answer = match answer.map_err(|_: Ended| Trouble::Gone) {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(error)) if trouble::is_absent(&error) => Ok(None),
            Ok(Err(error)) => Err(Trouble::of(&error)),
            Err(trouble) => Err(trouble),
        };
        answer.map_err(failed(doing, &self.bucket))
    }

    fn name(&self, hash: BlobHash) -> Path {
        let text = hash.to_string();
        self.bucket.within(&format!("{}/{text}", &text[..2]))
    }

    /// A name for what is not finished, which no other process gives.
    fn unfinished(&self, what: impl fmt::Display) -> Path {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.bucket.within(&format!("{UNFINISHED}/{what}-{}-{number}", uuid::Uuid::now_v7()))
    }

    /// Asked for by its head, which is quick; but an answer that it is not there has no content, and so does not say whether it
    /// is the storage's own.
    fn look(&self, hash: BlobHash) -> Result<Option<ObjectMeta>, BlobError> {
        let (client, name) = (Arc::clone(&self.client), self.name(hash));
        self.ask_for("look for a file", async move {
            match client.head(&name).await {
                Err(object_store::Error::NotFound { .. }) => Ok(client.get(&name).await?.meta),
                found => found,
            }
        })
    }

    /// Stores what stands in this file.
    fn upload(&self, hash: BlobHash, mut file: &File, size: u64) -> Result<(), BlobError> {
        file.rewind().map_err(io("read", PASSING.as_ref()))?;
        if size <= PART as u64 {
            let (client, name, bytes) = (Arc::clone(&self.client), self.name(hash), part_of(file)?);
            let _named = self.names.read().unwrap_or_else(PoisonError::into_inner);
            return self.ask("store a file", async move { client.put(&name, bytes.into()).await.map(drop) });
        }
        let (client, name) = (Arc::clone(&self.client), self.name(hash));
        let id = self.ask("begin to store a file", async move { client.create_multipart(&name).await })?;
        let note = self.unfinished(hash);
        let (client, at, bytes) = (Arc::clone(&self.client), note.clone(), PutPayload::from(id.clone()));
        let noted = self.ask("note what is begun", async move { client.put(&at, bytes).await.map(drop) });
        let stored = noted.and_then(|()| self.upload_parts(hash, &id, file));
        // What cannot be tidied now is when the store is next opened: the note tells of it.
        match &stored {
            Ok(()) => drop(self.forget(&note)),
            Err(_) => drop(self.give_up(hash, id).and_then(|()| self.forget(&note))),
        }
        stored
    }

    fn upload_parts(&self, hash: BlobHash, id: &str, file: &File) -> Result<(), BlobError> {
        let mut parts = Vec::new();
        loop {
            let bytes = part_of(file)?;
            let (client, name, id) = (Arc::clone(&self.client), self.name(hash), id.to_owned());
            if bytes.is_empty() {
                let whole = async move { client.complete_multipart(&name, &id, parts).await.map(drop) };
                let _named = self.names.read().unwrap_or_else(PoisonError::into_inner);
                return self.ask("finish a file", whole);
            }
            let number = parts.len();
            let part = async move { client.put_part(&name, &id, number, bytes.into()).await };
            parts.push(self.ask("store a part of a file", part)?);
        }
    }

    /// Nothing is left of the parts that were stored.
    fn give_up(&self, hash: BlobHash, id: String) -> Result<(), BlobError> {
        let (client, name) = (Arc::clone(&self.client), self.name(hash));
        // It may be finished, or given up before.
        self.ask_for("give up a file", async move { client.abort_multipart(&name, &id).await }).map(drop)
    }

    fn forget(&self, note: &Path) -> Result<(), BlobError> {
        let (client, note) = (Arc::clone(&self.client), note.clone());
        self.ask_for("remove a note", async move { client.delete(&note).await }).map(drop)
    }

    /// Removes what was left unfinished over a day ago. The first question to the storage: does it know us, and the bucket?
    fn tidy(&self) -> Result<(), BlobError> {
        let (client, notes) = (Arc::clone(&self.client), self.bucket.within(UNFINISHED));
        let notes = self
            .ask("list what is unfinished", async move { client.list(Some(&notes)).try_collect::<Vec<_>>().await })?;
        for note in notes {
            let modified = SystemTime::from(note.last_modified);
            if modified.elapsed().is_ok_and(|age| age > ABANDONED) {
                // It stands in the way of nothing.
                if let Err(error) = self.tidy_away(&note.location) {
                    tracing::warn!(%error, "what was begun and not finished could not be removed; tried again at the next start");
                }
            }
        }
        Ok(())
    }

    fn tidy_away(&self, note: &Path) -> Result<(), BlobError> {
        let hash = note.filename().and_then(|name| name.get(..64)?.parse::<BlobHash>().ok());
        if let Some(hash) = hash {
            let (client, at) = (Arc::clone(&self.client), note.clone());
            let read = async move { client.get(&at).await?.bytes().await };
            let id = self.ask_for("read a note", read)?;
            if let Some(id) = id.and_then(|id| String::from_utf8(id.into()).ok()) {
                self.give_up(hash, id)?;
            }
        }
        self.forget(note)
    }

    /// A file of this machine that nobody else sees and that goes with us.
    fn passing(&self) -> Result<File, BlobError> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("socai-{}-{number}", std::process::id()));
            match files::private().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    fs::remove_file(&path).map_err(io("remove", &path))?;
                    return Ok(file);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io("make", &path)(error)),
            }
        }
    }
}

/// How a file that passes through is called in messages: it has no name.
const PASSING: &str = "a file on its way (see TMPDIR)";

/// The next part of a file.
fn part_of(mut file: &File) -> Result<Vec<u8>, BlobError> {
    let mut bytes = Vec::with_capacity(PART);
    Read::take(&mut file, PART as u64).read_to_end(&mut bytes).map_err(io("read", PASSING.as_ref()))?;
    Ok(bytes)
}

fn failed(doing: &'static str, bucket: &Bucket) -> impl FnOnce(Trouble) -> BlobError {
    let bucket = bucket.clone();
    move |trouble| BlobError::Storage { doing, bucket, trouble }
}

impl Store for S3 {
    fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        self.put_from(&mut &*bytes, u64::MAX).map(|(hash, _)| hash)
    }

    /// Always stored, whether it is there or not: so it is young, and whole if it was damaged.
    fn put_from(&self, reader: &mut dyn Read, limit: u64) -> Result<(BlobHash, u64), BlobError> {
        let file = self.passing()?;
        let (hash, size) = copy_hashing(reader, &file, PASSING.as_ref(), limit)?;
        self.upload(hash, &file, size)?;
        Ok((hash, size))
    }

    fn file(&self, hash: BlobHash) -> Result<Option<File>, BlobError> {
        let mut file = self.passing()?;
        if !self.copy_to(hash, &mut file)? {
            return Ok(None);
        }
        file.rewind().map_err(io("read", PASSING.as_ref()))?;
        Ok(Some(file))
    }

    fn copy_to(&self, hash: BlobHash, to: &mut dyn Write) -> Result<bool, BlobError> {
        let (client, name) = (Arc::clone(&self.client), self.name(hash));
        let begun = async move { Ok(client.get(&name).await?.into_stream()) };
        let Some(mut pieces) = self.ask_for("fetch a file", begun)? else { return Ok(false) };
        loop {
            let next = async move { Ok((pieces.try_next().await?, pieces)) };
            let (piece, rest) = self.ask("fetch a file", next)?;
            let Some(piece) = piece else { return Ok(true) };
            to.write_all(&piece).map_err(io("write", PASSING.as_ref()))?;
            pieces = rest;
        }
    }

    fn modified(&self, hash: BlobHash) -> Result<Option<SystemTime>, BlobError> {
        Ok(self.look(hash)?.map(|object| object.last_modified.into()))
    }

    fn make_young(&self, hash: BlobHash) -> Result<bool, BlobError> {
        let Some(modified) = self.modified(hash)? else { return Ok(false) };
        // A clock that is behind the storage's finds it from the future: young.
        if modified.elapsed().is_ok_and(|age| age > YOUNG) {
            let Some(mut file) = self.file(hash)? else { return Ok(false) };
            let (found, size) = measured(&mut file).map_err(io("read", PASSING.as_ref()))?;
            if found != hash {
                return Err(BlobError::Damaged { hash });
            }
            self.upload(hash, &file, size)?;
        }
        Ok(true)
    }

    fn remove_if(&self, hash: BlobHash, goes: &dyn Fn(SystemTime) -> bool) -> Result<bool, BlobError> {
        let _alone = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if !self.modified(hash)?.is_some_and(goes) {
            return Ok(false);
        }
        let (client, name) = (Arc::clone(&self.client), self.name(hash));
        Ok(self.ask_for("remove a file", async move { client.delete(&name).await })?.is_some())
    }

    fn list(&self) -> Listing<'_> {
        let (client, all) = (Arc::clone(&self.client), self.bucket.within(""));
        let begun = async move { Ok(client.list(Some(&all)).ready_chunks(1000)) };
        let mut pages = Some(self.ask("list the files", begun));
        let pages = std::iter::from_fn(move || {
            let mut page = match pages.take()? {
                Ok(page) => page,
                Err(error) => return Some(vec![Err(error)]),
            };
            let next = async move { Ok((page.next().await, page)) };
            match self.ask("list the files", next) {
                Ok((None, _)) => None,
                Ok((Some(found), rest)) => {
                    pages = Some(Ok(rest));
                    let seen = found.into_iter().filter_map(|object| match object {
                        Ok(object) => blob(&object).map(Ok),
                        Err(error) => Some(Err(failed("list the files", &self.bucket)(Trouble::of(&error)))),
                    });
                    Some(seen.collect())
                }
                Err(error) => Some(vec![Err(error)]),
            }
        });
        Box::new(pages.flatten())
    }

    /// Noted in an object, which is read before anything else happens there.
    fn mark(&self) -> Result<Option<Noted>, BlobError> {
        self.noted()
    }

    fn claim(&self, before: Option<Noted>, now: Mark) -> Result<bool, BlobError> {
        self.note(before, now)
    }

    /// Most of the time is the way to the storage, whatever this machine has.
    fn readers(&self) -> usize {
        READERS
    }
}

/// The blob that an object is, if it is one in its place.
fn blob(object: &ObjectMeta) -> Option<(BlobHash, SystemTime)> {
    let mut steps = object.location.as_ref().rsplit('/');
    let (name, shard) = (steps.next()?, steps.next()?);
    let hash = name.parse().ok().filter(|_| name.get(..2) == Some(shard))?;
    Some((hash, object.last_modified.into()))
}

#[cfg(test)]
mod tests;
