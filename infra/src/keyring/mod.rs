//! The key ring: the keys of all streams in an SQLite file of their own (or in a database that several servers share, see
//! [`postgres`]), outside the log and outside its backups, each wrapped by the [`MasterKey`].
//!
//! - **Durable first.** A stream's key is on disk before it seals anything. One writer takes all that is waiting into one
//!   transaction, so that many new streams cost one sync.
//! - **Destroyed is gone.** Wrapped keys stand in a table that only grows at its end and are all equally long: destroying
//!   one overwrites it where it stands, no page split ever leaves a copy, and the write-ahead log is emptied at once. What
//!   a disk, a file system snapshot or a backup of the ring keeps beyond that, the ring cannot reach. A tombstone stays.
//! - **Lost is lost.** Without the ring, or without its master key, no content of the ledger can be read again. Back the
//!   ring up apart from the log; a backup older than an erasure brings the erased key back, so keep few.

mod building;
mod cache;
mod master;
mod postgres;
mod reader;
mod ring;
mod store;
mod writer;

use std::{collections::HashSet, path::Path, sync::Arc};

use futures::future::BoxFuture;
use socai_domain::ledger::{KeyError, KeyRing, KeyState, LedgerId, Revision, StreamId, StreamKey};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{RwLock, mpsc, oneshot};

use cache::Cache;
pub use master::{MasterKey, MasterKeyError};
pub use postgres::PostgresKeyRing;
pub(crate) use postgres::store::TABLE;
pub(crate) use reader::Kept;
pub use reader::RingReader;
pub use ring::Ring;
use store::unavailable;
use writer::{Request, Writer};

/// A ring in an SQLite file.
#[derive(Clone)]
pub struct SqliteKeyRing {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
}

/// What readers and the writer have in common.
struct Shared {
    /// Read by whoever reads rows and unwraps them; written while rows change that others may hold: renewal, destruction,
    /// rotation. So nobody caches what was just destroyed, and no reader keeps the write-ahead log from being emptied.
    master: RwLock<MasterKey>,
    cache: Cache,
    readers: SqlitePool,
}

impl std::fmt::Debug for SqliteKeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteKeyRing(…)")
    }
}

/// How many streams' keys are kept unwrapped in memory.
const CACHED: usize = 65_536;
/// How many requests wait for the writer before callers do.
const QUEUE: usize = 4_096;

impl SqliteKeyRing {
    /// Opens the ring in this file, made anew where there is none. Another master key than the one it was made with (or
    /// rotated to) is [`KeyError::WrongMaster`], and nothing is changed.
    pub async fn open(path: &Path, master: MasterKey) -> Result<Self, KeyError> {
        Self::open_as(path, options(path), master).await
    }

    async fn open_as(path: &Path, options: SqliteConnectOptions, master: MasterKey) -> Result<Self, KeyError> {
        let connection = store::create(path, &options.clone().create_if_missing(true), &master).await?;
        let readers = SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options.clone());
        let shared = Arc::new(Shared { master: RwLock::new(master), cache: Cache::new(CACHED), readers });
        let (requests, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(Writer::new(connection, options, Arc::clone(&shared)).run(waiting));
        Ok(Self { shared, requests })
    }

    /// The ledger that it was bound to, if it was to any.
    pub async fn ledger(&self) -> Result<Option<LedgerId>, KeyError> {
        store::ledger(&mut *self.shared.readers.acquire().await.map_err(unavailable)?).await
    }

    /// Makes it the ring of this ledger, unless it is one's already.
    pub async fn bind(&self, ledger: LedgerId) -> Result<(), KeyError> {
        store::bind(&mut *self.shared.readers.acquire().await.map_err(unavailable)?, ledger).await
    }

    /// Wraps every key by another master key, in one transaction: afterwards the ring opens with the new one only.
    pub async fn rotate(&self, to: MasterKey) -> Result<(), KeyError> {
        self.ask(|reply| Request::Rotate { to, reply }).await
    }

    /// Finishes what is waiting and closes the file, its write-ahead log emptied. A ring dropped without it loses nothing.
    pub async fn close(self) -> Result<(), KeyError> {
        self.shared.readers.close().await;
        self.ask(|reply| Request::Close { reply }).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, KeyError>>) -> Request,
    ) -> Result<T, KeyError> {
        let closed = || KeyError::Unavailable("the key ring is closed".into());
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// How the file is opened: what was committed is on the disk.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
}

/// One key of a stream, and from which revision on it seals. The last one that begins at or before a revision is its own.
#[derive(Clone, Debug)]
struct Generation {
    from: Revision,
    key: KeyState,
}

/// What those generations hold that begin at `revision` or before. The last one seals.
fn until(generations: &[Generation], revision: Revision) -> impl DoubleEndedIterator<Item = &KeyState> {
    generations.iter().filter(move |generation| generation.from <= revision).map(|generation| &generation.key)
}

fn sealing(stream: StreamId, generations: &[Generation], revision: Revision) -> Result<StreamKey, KeyError> {
    let last = until(generations, revision).next_back().ok_or(KeyError::Missing(stream))?;
    last.keys().next().cloned().ok_or(KeyError::Destroyed(stream))
}

impl Shared {
    /// The generations of each of these streams, in their order: from memory, else all at once from the file. None: it has
    /// no key.
    async fn generations(
        &self,
        streams: impl Iterator<Item = StreamId> + Clone,
    ) -> Result<Vec<Option<Arc<[Generation]>>>, KeyError> {
        let mut found = self.cache.get_all(streams.clone());
        let missing = found.iter().zip(streams.clone()).filter(|(found, _)| found.is_none());
        let missing: HashSet<StreamId> = missing.map(|(_, stream)| stream).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let missing: Vec<StreamId> = missing.into_iter().collect();
        let loaded = {
            let master = self.master.read().await;
            let mut connection = self.readers.acquire().await.map_err(unavailable)?;
            let loaded = store::load_all(&mut connection, &master, &missing).await?;
            for (stream, generations) in &loaded {
                self.cache.put(*stream, Arc::clone(generations));
            }
            loaded
        };
        for (found, stream) in found.iter_mut().zip(streams).filter(|(found, _)| found.is_none()) {
            *found = loaded.get(&stream).cloned();
        }
        Ok(found)
    }
}

fn opening(
    generations: Option<&Arc<[Generation]>>,
    stream: StreamId,
    revision: Revision,
) -> Result<KeyState, KeyError> {
    let found = generations.and_then(|generations| KeyState::of(until(generations, revision)));
    found.ok_or(KeyError::Missing(stream))
}

impl KeyRing for SqliteKeyRing {
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        Box::pin(async move {
            if let Some(generations) = self.shared.cache.get(stream) {
                return sealing(stream, &generations, revision);
            }
            self.ask(|reply| Request::Seal { stream, revision, reply }).await
        })
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        Box::pin(async move {
            let found = self.shared.generations(std::iter::once(stream)).await?;
            opening(found.first().and_then(Option::as_ref), stream, revision)
        })
    }

    fn opening_all<'a>(&'a self, places: &'a [(StreamId, Revision)]) -> BoxFuture<'a, Result<Vec<KeyState>, KeyError>> {
        Box::pin(async move {
            let found = self.shared.generations(places.iter().map(|(stream, _)| *stream)).await?;
            let all = places.iter().zip(&found);
            all.map(|(&(stream, revision), found)| opening(found.as_ref(), stream, revision)).collect()
        })
    }

    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        Box::pin(self.ask(move |reply| Request::Renew { stream, revision, reply }))
    }

    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        Box::pin(self.ask(move |reply| Request::Destroy { stream, revision, reply }))
    }
}

#[cfg(test)]
mod tests;
