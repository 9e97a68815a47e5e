//! The key ring of a ledger that is built as a whole: its keys are on the disk when it is complete, and not before.

use std::{fs::File, io, path::Path};

use socai_domain::ledger::KeyError;
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteSynchronous};

use super::{MasterKey, SqliteKeyRing, options, store::unavailable};
use crate::files::sync_parent;

/// Pages of the file that are kept in memory, in KiB: new keys go to places all over the index.
const PAGES_KIB: &str = "-131072";

impl SqliteKeyRing {
    /// Makes a ring where there is none, for a ledger that is built as a whole: **a key that it gave is not durable** before
    /// [`SqliteKeyRing::complete`].
    pub async fn build(path: &Path, master: MasterKey) -> Result<Self, KeyError> {
        if path.exists() {
            return Err(KeyError::Unavailable(format!("there is a key ring {} already", path.display())));
        }
        let options = options(path).synchronous(SqliteSynchronous::Off).pragma("cache_size", PAGES_KIB);
        Self::open_as(path, options, master).await
    }

    /// Closes the ring that was built in this file, brings all of it to the disk, checks the file, and says how many streams
    /// have a key.
    pub async fn complete(self, path: &Path) -> Result<u64, KeyError> {
        self.close().await?;
        sync(path).map_err(|error| KeyError::Unavailable(format!("{}: {error}", path.display())))?;
        let mut connection = options(path).connect().await.map_err(unavailable)?;
        let found: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await.map_err(unavailable)?;
        if found != "ok" {
            return Err(KeyError::Damaged(found));
        }
        let streams: i64 = sqlx::query_scalar("SELECT count(DISTINCT stream) FROM generation")
            .fetch_one(&mut connection)
            .await
            .map_err(unavailable)?;
        connection.close().await.map_err(unavailable)?;
        Ok(streams.unsigned_abs())
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_parent(path)
}
