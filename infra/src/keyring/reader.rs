//! A ring that is only read: by who checks it, while another process may be using it. It keeps no key in memory: whoever
//! renews or destroys one does not know of this process.

use std::collections::HashSet;

use futures::future::BoxFuture;
use socai_domain::ledger::{KeyError, KeyRing, KeyState, LedgerId, Revision, StreamId, StreamKey};
use sqlx::{
    Sqlite, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    MasterKey,
    master::{KeyPlace, WRAPPED_LEN},
    opening, store,
    store::unavailable,
};

/// A ring that is only read. It makes, renews and destroys no key.
#[derive(Clone)]
pub struct RingReader {
    master: MasterKey,
    readers: SqlitePool,
}

impl std::fmt::Debug for RingReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RingReader(…)")
    }
}

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
    /// Is nothing left of it?
    pub(crate) fn is_overwritten(&self) -> bool {
        self.bytes.as_deref() == Some([0; WRAPPED_LEN].as_slice())
    }
}

/// So many keys are read at once: whoever destroys one never waits for long.
const PAGE: u32 = 2_000;

impl RingReader {
    /// Opens the ring as `options` say. Another master key than the one it was made with is [`KeyError::WrongMaster`].
    pub async fn open(options: SqliteConnectOptions, master: MasterKey) -> Result<Self, KeyError> {
        // One, and for good: nothing beside the file is opened again when its writer may have gone.
        let readers = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let readers = readers.connect_lazy_with(options);
        let reader = Self { master, readers };
        store::check(&mut *reader.acquire().await?, &reader.master).await?;
        Ok(reader)
    }

    async fn acquire(&self) -> Result<PoolConnection<Sqlite>, KeyError> {
        self.readers.acquire().await.map_err(unavailable)
    }

    /// The ledger that it was bound to, if it was to any.
    pub async fn ledger(&self) -> Result<Option<LedgerId>, KeyError> {
        store::ledger(&mut *self.acquire().await?).await
    }

    /// Is it still wrapped by the master key that it was opened with?
    pub(crate) async fn has_its_master(&self) -> bool {
        match self.acquire().await {
            Ok(mut connection) => store::check(&mut connection, &self.master).await.is_ok(),
            Err(_) => false,
        }
    }

    /// What the database itself finds wrong with the file.
    pub(crate) async fn damage(&self) -> Result<Option<String>, KeyError> {
        let mut connection = self.acquire().await?;
        let found: String =
            sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await.map_err(unavailable)?;
        Ok((found != "ok").then_some(found))
    }

    /// The next keys after this one, in the order of streams and revisions; an empty page is the end.
    pub(crate) async fn page(&self, after: Option<&Kept>) -> Result<Vec<Kept>, KeyError> {
        let mut connection = self.acquire().await?;
        store::page(&mut connection, after.map(|kept| (kept.stream, kept.from)), PAGE).await
    }

    /// The key itself; none if it was changed.
    pub(crate) fn key(&self, kept: &Kept) -> Option<StreamKey> {
        let place = KeyPlace { stream: kept.stream, from: kept.from };
        self.master.unwrap(place, kept.bytes.as_deref()?)
    }

    /// Lets go of the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
    }
}

impl Kept {
    pub(super) fn new(stream: StreamId, from: Revision, destroyed: bool, bytes: Option<Vec<u8>>) -> Self {
        Self { stream, from, destroyed, bytes }
    }
}

fn only_read<T: Send + 'static>() -> BoxFuture<'static, Result<T, KeyError>> {
    Box::pin(std::future::ready(Err(KeyError::Unavailable("it was opened to be read only".into()))))
}

impl KeyRing for RingReader {
    fn sealing(&self, _: StreamId, _: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        only_read()
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        Box::pin(async move {
            let found = store::load_all(&mut *self.acquire().await?, &self.master, &[stream]).await?;
            opening(&found, stream, revision)
        })
    }

    fn opening_all<'a>(&'a self, places: &'a [(StreamId, Revision)]) -> BoxFuture<'a, Result<Vec<KeyState>, KeyError>> {
        Box::pin(async move {
            let streams: HashSet<StreamId> = places.iter().map(|(stream, _)| *stream).collect();
            let streams: Vec<StreamId> = streams.into_iter().collect();
            let found = store::load_all(&mut *self.acquire().await?, &self.master, &streams).await?;
            places.iter().map(|&(stream, revision)| opening(&found, stream, revision)).collect()
        })
    }

    fn renew(&self, _: StreamId, _: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        only_read()
    }

    fn destroy(&self, _: StreamId, _: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        only_read()
    }
}
