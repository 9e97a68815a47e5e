//! The views' database: opening it, its checkpoint, and snapshots to read from.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socai_domain::{
    id::OrganId,
    ledger::{Position, Recorded, StreamKind},
};
use sqlx::{
    AssertSqlSafe, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use crate::{
    error::ViewsError,
    models::{self, MODELS},
    past::Pasts,
    replay::{Crew, OnDemand},
    sql::{Source, Sql},
    table::Table,
    value::Cells,
};

/// How many readers at once.
const READERS: u32 = 8;
/// How long a connection waits for another.
pub(crate) const BUSY: Duration = Duration::from_secs(10);
/// Pages of a connection's cache, in KiB.
const CACHE_KIB: u32 = 64 * 1024;

/// The read models, in one SQLite database. A cheap handle; all clones share one database.
#[derive(Clone, Debug)]
pub struct Views {
    pub(crate) write: SqlitePool,
    pub(crate) read: SqlitePool,
    reached: Arc<watch::Sender<Option<Position>>>,
    /// Erased text may still stand in free pages of the files.
    unclean: Arc<watch::Sender<bool>>,
    pub(crate) pasts: Arc<Pasts>,
    /// Where each organ last changed since these views were opened.
    organs: Arc<Mutex<HashMap<OrganId, Position>>>,
    /// In views of a past moment: the tables that are filled when somebody asks for them.
    pub(crate) on_demand: Option<Arc<OnDemand>>,
}

/// One state of the views, and the position of the log that it reflects.
#[derive(Debug)]
pub(crate) struct Snapshot {
    db: Reading,
    pub(crate) position: Option<Position>,
}

#[derive(Debug)]
enum Reading {
    /// Of views that go on meanwhile.
    Live(Transaction<'static, Sqlite>),
    /// Of a past moment: their one connection.
    Past(PoolConnection<Sqlite>, Arc<OnDemand>),
}

impl Snapshot {
    /// A transaction that has read the checkpoint.
    pub(crate) fn new(db: Transaction<'static, Sqlite>, position: Option<Position>) -> Self {
        Self { db: Reading::Live(db), position }
    }

    pub(crate) fn db(&mut self) -> &mut Self {
        self
    }

    /// The database itself, with what it holds by now.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.db {
            Reading::Live(db) => &mut *db,
            Reading::Past(db, _) => &mut *db,
        }
    }

    /// Gives the state up.
    pub(crate) async fn end(self) -> Result<(), ViewsError> {
        match self.db {
            Reading::Live(db) => Ok(db.rollback().await?),
            Reading::Past(..) => Ok(()),
        }
    }
}

impl Source for Snapshot {
    async fn ready(&mut self, text: &str) -> Result<&mut SqliteConnection, ViewsError> {
        match &mut self.db {
            Reading::Live(db) => Ok(&mut *db),
            Reading::Past(db, on_demand) => {
                on_demand.fill(db, text).await?;
                Ok(&mut *db)
            }
        }
    }
}

impl Views {
    /// Opens the views in the file at `path`, or makes an empty one there.
    ///
    /// # Errors
    /// [`ViewsError::Outdated`] when another version wrote the file: rebuild it.
    pub async fn open(path: &Path) -> Result<Self, ViewsError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that a power loss takes back is folded from the log again.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            // What is deleted is overwritten, not only forgotten.
            .pragma("secure_delete", "ON")
            .pragma("cache_size", format!("-{CACHE_KIB}"));
        let write = pool(1).connect_with(options.clone()).await?;
        prepare(&write, true).await?;
        let readers = options.pragma("query_only", "ON");
        let read = pool(READERS).connect_with(readers).await?;
        Self::with(write, read).await
    }

    /// Empty views in memory, gone with the last handle. One connection writes and reads.
    pub async fn in_memory() -> Result<Self, ViewsError> {
        Self::memory(true).await
    }

    /// The same for a past moment. Tables without indexes; those that can be made of documents are filled on demand.
    pub(crate) async fn for_past(crew: &Crew) -> Result<Self, ViewsError> {
        let on_demand = Some(Arc::new(OnDemand::new(crew)));
        Ok(Self { on_demand, ..Self::memory(false).await? })
    }

    async fn memory(indexes: bool) -> Result<Self, ViewsError> {
        let options = SqliteConnectOptions::new().in_memory(true);
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await?;
        prepare(&pool, indexes).await?;
        Self::with(pool.clone(), pool).await
    }

    /// A copy of views in memory. It goes its own way from here on.
    pub(crate) async fn copy(&self) -> Result<Self, ViewsError> {
        let bytes = self.write.acquire().await?.serialize(None).await?;
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(SqliteConnectOptions::new().in_memory(true)).await?;
        pool.acquire().await?.deserialize(None, bytes, false).await?;
        let on_demand = self.on_demand.as_ref().map(|on_demand| Arc::new(on_demand.copy()));
        Ok(Self { on_demand, ..Self::with(pool.clone(), pool).await? })
    }

    /// Empty views in a new file, as quick to fill as it gets: no journal, no syncs, indexes made at the end.
    pub(crate) async fn for_building(path: &Path) -> Result<Self, ViewsError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .pragma("secure_delete", "ON")
            .synchronous(SqliteSynchronous::Off)
            .pragma("cache_size", format!("-{}", 4 * CACHE_KIB));
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await?;
        prepare(&pool, false).await?;
        Self::with(pool.clone(), pool).await
    }

    async fn with(write: SqlitePool, read: SqlitePool) -> Result<Self, ViewsError> {
        let (reached, unclean) = (Arc::new(watch::Sender::new(None)), Arc::new(watch::Sender::new(false)));
        let (pasts, organs, on_demand) = (Arc::default(), Arc::default(), None);
        let views = Self { write, read, reached, unclean, pasts, organs, on_demand };
        let position = views.position().await?;
        views.reached.send_replace(position);
        Ok(views)
    }

    /// The position of the log that the views reflect; none before the first record.
    pub async fn position(&self) -> Result<Option<Position>, ViewsError> {
        Ok(self.snapshot().await?.position)
    }

    /// Waits until the views reflect `position`: to read one's own writes.
    ///
    /// # Errors
    /// [`ViewsError::NotYet`] after `timeout`; [`ViewsError::Foreign`] for a position of another ledger.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), ViewsError> {
        let mut reached = self.reached.subscribe();
        let there =
            |at: &Option<Position>| at.is_some_and(|at| !at.same_log(position) || at.place() >= position.place());
        match tokio::time::timeout(timeout, reached.wait_for(there)).await {
            Ok(Ok(at)) if at.is_some_and(|at| at.same_log(position)) => Ok(()),
            Ok(Ok(_)) => Err(ViewsError::Foreign(position)),
            _ => Err(ViewsError::NotYet(position)),
        }
    }

    /// Tells each position that the views come to, the present one first: for subscriptions.
    pub fn progress(&self) -> watch::Receiver<Option<Position>> {
        self.reached.subscribe()
    }

    /// The position of the last change of the organ itself (its people, posts, units, calendar) since these views were opened.
    pub fn organ_changed(&self, organ: OrganId) -> Option<Position> {
        self.organs.lock().unwrap_or_else(PoisonError::into_inner).get(&organ).copied()
    }

    /// Notes which organs changed in these records, before they are announced.
    pub(crate) fn note_organs(&self, records: &[Recorded]) {
        let mut organs = self.organs.lock().unwrap_or_else(PoisonError::into_inner);
        let of_organs = records.iter().map(|recorded| (recorded.record.header().stream, recorded.position));
        for (stream, position) in of_organs.filter(|(stream, _)| stream.kind() == StreamKind::Organ) {
            organs.insert(OrganId::new(stream.key()), position);
        }
    }

    /// How many records of the log they have taken in.
    pub async fn records(&self) -> Result<u64, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT MIN(records) FROM read_model");
        sql.count(self.snapshot().await?.db()).await
    }

    pub(crate) fn announce(&self, position: Option<Position>) {
        self.reached.send_replace(position);
    }

    /// Is erased text still to be cleaned from free pages of the files? Retried until it is done.
    pub fn unclean(&self) -> watch::Receiver<bool> {
        self.unclean.subscribe()
    }

    pub(crate) fn set_unclean(&self, unclean: bool) {
        self.unclean.send_replace(unclean);
    }

    /// A state to read from.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, ViewsError> {
        if let Some(on_demand) = &self.on_demand {
            let mut db = self.read.acquire().await?;
            let position = checkpoint(&mut db).await?;
            return Ok(Snapshot { db: Reading::Past(db, Arc::clone(on_demand)), position });
        }
        let mut db = self.read.begin().await?;
        let position = checkpoint(&mut db).await?;
        Ok(Snapshot { db: Reading::Live(db), position })
    }

    /// Closes all connections; what is in the write-ahead log goes to the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// A pool that gives no connection out again that sqlx takes for one inside a transaction. On a full disk SQLite ends the
/// transaction by itself; sqlx does not see that, and would refuse to begin another for as long as the connection lives.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// The checkpoint as the transaction sees it.
pub(crate) async fn checkpoint(db: &mut SqliteConnection) -> Result<Option<Position>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT position FROM read_model ORDER BY name LIMIT 1");
    let Some(row) = sql.fetch_optional(db).await? else { return Ok(None) };
    let position: Option<String> = Cells::of(&row).next()?;
    let parse = |text: String| text.parse().map_err(|_| ViewsError::Damaged(format!("{text} is not a position")));
    position.map(parse).transpose()
}

/// Makes the tables, or checks that they are of this version.
async fn prepare(pool: &SqlitePool, indexes: bool) -> Result<(), ViewsError> {
    let mut db = pool.begin_with("BEGIN IMMEDIATE").await?;
    let mut sql = Sql::plain();
    sql.push("SELECT COUNT(*) FROM sqlite_master WHERE name = 'read_model'");
    if sql.count(&mut *db).await? > 0 {
        check_versions(&mut db).await?;
    } else {
        run(
            &mut db,
            "CREATE TABLE read_model (name TEXT NOT NULL, version INTEGER NOT NULL, position TEXT, place INTEGER, \
            records INTEGER CONSTRAINT read_model_records_given NOT NULL, \
            CONSTRAINT read_model_key PRIMARY KEY (name)) STRICT",
        )
        .await?;
        for table in models::tables() {
            run(&mut db, &table.create()).await?;
        }
        for model in &MODELS {
            let mut sql = Sql::plain();
            sql.push("INSERT INTO read_model (name, version, records) VALUES (").bind(model.name.to_owned()).push(", ");
            sql.bind(i64::from(model.version)).push(", 0)").execute(&mut db).await?;
        }
        if indexes {
            create_indexes(&mut db).await?;
        }
    }
    Ok(db.commit().await?)
}

/// Makes all secondary indexes.
pub(crate) async fn create_indexes(db: &mut SqliteConnection) -> Result<(), ViewsError> {
    create_indexes_of(db, |_| true).await
}

/// Makes the secondary indexes of some tables, and what else follows from them.
pub(crate) async fn create_indexes_of(
    db: &mut SqliteConnection,
    wanted: impl Fn(&Table) -> bool,
) -> Result<(), ViewsError> {
    for table in models::tables().filter(|table| wanted(table)) {
        for index in table.create_indexes() {
            run(db, &index).await?;
        }
    }
    let derived = MODELS.iter().filter(|model| model.tables.iter().any(|table| wanted(table)));
    for ddl in derived.flat_map(|model| model.derived) {
        run(db, ddl).await?;
    }
    Ok(())
}

pub(crate) async fn check_versions(db: &mut SqliteConnection) -> Result<(), ViewsError> {
    let mut sql = Sql::plain();
    let rows = sql.push("SELECT name, version FROM read_model ORDER BY name").fetch_all(db).await?;
    let read = |cells: &mut Cells<'_>| Ok((cells.next()?, cells.next()?));
    let found: Vec<(String, i64)> =
        rows.iter().map(|row| read(&mut Cells::of(row))).collect::<Result<_, ViewsError>>()?;
    let mut here: Vec<_> = MODELS.iter().map(|model| (model.name.to_owned(), i64::from(model.version))).collect();
    here.sort();
    if found == here { Ok(()) } else { Err(ViewsError::Outdated(format!("{found:?}"))) }
}

/// Runs a statement of the program.
pub(crate) async fn run(db: &mut SqliteConnection, sql: &str) -> Result<(), ViewsError> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(db).await?;
    Ok(())
}
