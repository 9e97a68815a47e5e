//! A ring that is only read, beside the program that writes to it.
//!
//! Nothing is remembered between two questions: a key that is destroyed meanwhile is gone here, too. No question lasts
//! longer than its answer, so that nothing keeps the write-ahead log from being emptied.

use std::{collections::HashSet, path::Path};

use futures::future::{BoxFuture, ready};
use socai_domain::ledger::{KeyError, KeyRing, KeyState, LedgerId, Revision, StreamId, StreamKey};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    MasterKey, opening,
    store::{self, unavailable},
};

/// The keys in the file of a ring. It opens records, and neither makes nor destroys keys.
#[derive(Clone)]
pub struct KeyRingReader {
    master: MasterKey,
    pool: SqlitePool,
}

impl std::fmt::Debug for KeyRingReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRingReader(…)")
    }
}

impl KeyRingReader {
    /// Opens the ring in this file, which is there, for reading. Another master key than the ring's is
    /// [`KeyError::WrongMaster`].
    pub async fn open(path: &Path, master: MasterKey) -> Result<Self, KeyError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).pragma("temp_store", "MEMORY");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(unavailable)?;
        store::check(&mut *pool.acquire().await.map_err(unavailable)?, &master).await?;
        Ok(Self { master, pool })
    }

    /// The ledger that it was bound to, if it was to any.
    pub async fn ledger(&self) -> Result<Option<LedgerId>, KeyError> {
        store::ledger(&mut *self.pool.acquire().await.map_err(unavailable)?).await
    }

    async fn keys(&self, places: &[(StreamId, Revision)]) -> Result<Vec<KeyState>, KeyError> {
        let streams: HashSet<StreamId> = places.iter().map(|(stream, _)| *stream).collect();
        let streams: Vec<StreamId> = streams.into_iter().collect();
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        let found = match store::load_all(&mut connection, &self.master, &streams).await {
            Ok(found) => found,
            Err(error) => {
                // Where the master key was rotated meanwhile, nothing is damaged.
                store::check(&mut connection, &self.master).await?;
                return Err(error);
            }
        };
        places.iter().map(|&(stream, revision)| opening(&found, stream, revision)).collect()
    }
}

fn only_read<T: Send + 'static>() -> BoxFuture<'static, Result<T, KeyError>> {
    Box::pin(ready(Err(KeyError::Unavailable("it was opened for reading only".into()))))
}

impl KeyRing for KeyRingReader {
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
