//! A ring that is only read, beside the program that writes to it.
//!
//! Nothing is remembered between two questions: a key that is destroyed meanwhile is gone here, too. No question lasts
//! longer than its answer, so that nothing keeps SQLite's write-ahead log from being emptied.

use std::{collections::HashSet, sync::Arc};

use futures::future::{BoxFuture, ready};
use socai_domain::ledger::{KeyError, KeyRing, KeyState, LedgerId, Revision, StreamId, StreamKey};
use sqlx::{
    Sqlite, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    Generation, MasterKey,
    master::{KeyPlace, WRAPPED_LEN},
    opening, postgres,
    store::{self, unavailable},
};
use crate::{
    config::Location,
    postgres::{Connections, twice},
};

/// One key of a stream, as it lies in the ring.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) stream: StreamId,
    /// The first revision that it seals.
    pub(crate) from: Revision,
    /// Marked as destroyed.
    pub(crate) destroyed: bool,
    /// The wrapped key; none if the ring lost it.
    bytes: Option<Vec<u8>>,
}

impl Kept {
    /// The wrapped key.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// Is nothing left of it?
    pub(crate) fn is_overwritten(&self) -> bool {
        self.bytes.as_deref() == Some([0; WRAPPED_LEN].as_slice())
    }
}

/// So many keys are read at once: whoever destroys one never waits for long.
const PAGE: u32 = 2_000;

/// The keys of a ring. It opens records, and neither makes nor destroys keys.
#[derive(Clone)]
pub struct RingReader {
    master: MasterKey,
    source: Source,
}

/// Where the ring is.
#[derive(Clone)]
enum Source {
    Sqlite(SqlitePool),
    Postgres(Arc<Connections>),
}

/// Connections of a reader to a ring in a database.
const CONNECTIONS: usize = 4;

impl std::fmt::Debug for RingReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RingReader(…)")
    }
}

impl RingReader {
    /// Opens the ring that is kept there. Another master key than the ring's is [`KeyError::WrongMaster`].
    pub async fn open(at: impl Into<Location>, master: MasterKey) -> Result<Self, KeyError> {
        match at.into() {
            Location::Path(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                Self::open_as(options.pragma("temp_store", "MEMORY"), master).await
            }
            Location::Postgres(address) => {
                let source = Source::Postgres(Arc::new(Connections::new(&address, CONNECTIONS)));
                let reader = Self { master, source };
                reader.check().await?;
                Ok(reader)
            }
        }
    }

    /// The same, of a database that is opened as these `options` say.
    pub async fn open_as(options: SqliteConnectOptions, master: MasterKey) -> Result<Self, KeyError> {
        // One, and for good: nothing beside the file is opened again when its writer may have gone.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_lazy_with(options);
        let reader = Self { master, source: Source::Sqlite(pool) };
        reader.check().await?;
        Ok(reader)
    }

    async fn check(&self) -> Result<(), KeyError> {
        match &self.source {
            Source::Sqlite(pool) => store::check(&mut *acquire(pool).await?, &self.master).await,
            Source::Postgres(connections) => postgres::load(connections, &self.master, &[]).await.map(drop),
        }
    }

    /// The ledger that it was bound to, if it was to any.
    pub async fn ledger(&self) -> Result<Option<LedgerId>, KeyError> {
        match &self.source {
            Source::Sqlite(pool) => store::ledger(&mut *acquire(pool).await?).await,
            Source::Postgres(connections) => postgres::ledger(connections).await,
        }
    }

    /// Is it still wrapped by the master key that it was opened with?
    pub(crate) async fn has_its_master(&self) -> bool {
        self.check().await.is_ok()
    }

    /// What the database itself finds wrong with the file. A server of PostgreSQL looks after its files alone.
    pub(crate) async fn damage(&self) -> Result<Option<String>, KeyError> {
        let Source::Sqlite(pool) = &self.source else { return Ok(None) };
        let mut connection = acquire(pool).await?;
        let found: String =
            sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await.map_err(unavailable)?;
        Ok((found != "ok").then_some(found))
    }

    /// The next keys after this one, in the order of streams and revisions; an empty page is the end.
    pub(crate) async fn page(&self, after: Option<&Kept>) -> Result<Vec<Kept>, KeyError> {
        let after = after.map(|kept| (kept.stream, kept.from));
        match &self.source {
            Source::Sqlite(pool) => store::page(&mut *acquire(pool).await?, after, PAGE).await,
            Source::Postgres(connections) => {
                let page = twice(connections, || async {
                    let mut at = connections.take().await?;
                    let page = postgres::store::page(&mut at, after, PAGE).await?;
                    at.keep();
                    Ok(page)
                });
                page.await.map_err(postgres::store::unavailable)?
            }
        }
    }

    /// The key itself; none if it was changed.
    pub(crate) fn key(&self, kept: &Kept) -> Option<StreamKey> {
        let place = KeyPlace { stream: kept.stream, from: kept.from };
        self.master.unwrap(place, kept.bytes.as_deref()?)
    }

    /// Lets go of the file.
    pub(crate) async fn close(&self) {
        match &self.source {
            Source::Sqlite(pool) => pool.close().await,
            Source::Postgres(connections) => connections.close(),
        }
    }

    async fn keys(&self, places: &[(StreamId, Revision)]) -> Result<Vec<KeyState>, KeyError> {
        let streams: HashSet<StreamId> = places.iter().map(|(stream, _)| *stream).collect();
        let streams: Vec<StreamId> = streams.into_iter().collect();
        let found = match &self.source {
            Source::Sqlite(pool) => {
                let mut connection = acquire(pool).await?;
                match store::load_all(&mut connection, &self.master, &streams).await {
                    Ok(found) => found,
                    Err(error) => {
                        // Where the master key was rotated meanwhile, nothing is damaged.
                        store::check(&mut connection, &self.master).await?;
                        return Err(error);
                    }
                }
            }
            Source::Postgres(connections) => {
                let found = postgres::load(connections, &self.master, &streams).await?.streams.into_iter();
                found.map(|(stream, generations)| (stream, Arc::<[Generation]>::from(generations))).collect()
            }
        };
        places.iter().map(|&(stream, revision)| opening(found.get(&stream), stream, revision)).collect()
    }
}

async fn acquire(pool: &SqlitePool) -> Result<PoolConnection<Sqlite>, KeyError> {
    pool.acquire().await.map_err(unavailable)
}

impl Kept {
    pub(super) fn new(stream: StreamId, from: Revision, destroyed: bool, bytes: Option<Vec<u8>>) -> Self {
        Self { stream, from, destroyed, bytes }
    }
}

fn only_read<T: Send + 'static>() -> BoxFuture<'static, Result<T, KeyError>> {
    Box::pin(ready(Err(KeyError::Unavailable("it was opened for reading only".into()))))
}

impl KeyRing for RingReader {
    fn sealing(&self, _: StreamId, _: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        only_read()
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        Box::pin(async move {
            let mut keys = self.keys(&[(stream, revision)]).await?;
            keys.pop().ok_or(KeyError::Missing(stream))
        })
    }

    fn opening_all<'a>(&'a self, places: &'a [(StreamId, Revision)]) -> BoxFuture<'a, Result<Vec<KeyState>, KeyError>> {
        Box::pin(self.keys(places))
    }

    fn renew(&self, _: StreamId, _: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        only_read()
    }

    fn destroy(&self, _: StreamId, _: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        only_read()
    }
}
