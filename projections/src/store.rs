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
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use crate::{
    building::{Place, Rebuilding},
    door::Door,
    error::ViewsError,
    past::Pasts,
    schema::prepare,
    sql::Sql,
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
    pub(crate) write: Door,
    pub(crate) read: Door,
    /// Where the file is; none in memory.
    pub(crate) place: Option<Arc<Place>>,
    reached: Arc<watch::Sender<Option<Position>>>,
    /// Erased text may still stand in free pages of the files.
    unclean: Arc<watch::Sender<bool>>,
    pub(crate) pasts: Arc<Pasts>,
    /// Where each organ last changed since these views were opened.
    organs: Arc<Mutex<HashMap<OrganId, Position>>>,
    /// Whose turn it is: nothing is written while another file is put in the place of this one.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) rebuilding: Arc<watch::Sender<Rebuilding>>,
    /// One rebuild at a time.
    pub(crate) building: Arc<tokio::sync::Mutex<()>>,
    /// How many bytes of memory a rebuild may take.
    pub(crate) memory: usize,
}

/// How many bytes of memory a rebuild may take, unless it is told otherwise.
const MEMORY: usize = 512 << 20;

/// One state of the views, and the position of the log that it reflects.
#[derive(Debug)]
pub(crate) struct Snapshot {
    db: Transaction<'static, Sqlite>,
    pub(crate) position: Option<Position>,
}

impl Snapshot {
    pub(crate) fn db(&mut self) -> &mut SqliteConnection {
        &mut self.db
    }
}

impl Views {
    /// Opens the views in the file at `path`, or makes an empty one there.
    ///
    /// # Errors
    /// [`ViewsError::Outdated`] when another version wrote the file, one whose tables are not these: build it anew.
    pub async fn open(path: &Path) -> Result<Self, ViewsError> {
        let place = Place::new(path);
        let options = options(&place.in_use()?);
        let write = pool(1).connect_with(options.clone()).await?;
        let older = prepare(&write).await?;
        let readers = options.pragma("query_only", "ON");
        let read = pool(READERS).connect_with(readers).await?;
        Self::with(Door::new(Some(write), older), Door::new(Some(read), older), Some(place)).await
    }

    /// No views yet, for a file that is to be built at `path`: until it is there, every question is answered by
    /// [`ViewsError::Building`].
    pub async fn awaited(path: &Path) -> Result<Self, ViewsError> {
        Self::with(Door::new(None, false), Door::new(None, false), Some(Place::new(path))).await
    }

    /// The views at `path` for a log of so many records: opened, or awaited where there are none that can be read.
    pub async fn open_or_await(path: &Path, records: u64) -> Result<Self, ViewsError> {
        Place::new(path).tidy()?;
        if records > 0 && Place::new(path).is_empty()? {
            return Self::awaited(path).await;
        }
        match Self::open(path).await {
            Err(ViewsError::Outdated(_)) => Self::awaited(path).await,
            opened => opened,
        }
    }

    /// Empty views in memory, gone with the last handle. One connection writes and reads.
    pub async fn in_memory() -> Result<Self, ViewsError> {
        let options = SqliteConnectOptions::new().in_memory(true);
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await?;
        prepare(&pool).await?;
        let door = Door::new(Some(pool), false);
        Self::with(door.clone(), door, None).await
    }

    async fn with(write: Door, read: Door, place: Option<Place>) -> Result<Self, ViewsError> {
        let views = Self {
            write,
            read,
            place: place.map(Arc::new),
            reached: Arc::new(watch::Sender::new(None)),
            unclean: Arc::new(watch::Sender::new(false)),
            pasts: Arc::default(),
            organs: Arc::default(),
            turn: Arc::default(),
            rebuilding: Arc::new(watch::Sender::new(Rebuilding::default())),
            building: Arc::default(),
            memory: MEMORY,
        };
        if !views.are_awaited() {
            views.announce(views.position().await?);
        }
        Ok(views)
    }

    /// The same; a rebuild may take so many bytes of memory.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        Self { memory: bytes, ..self }
    }

    /// Are there none yet, because they are being built?
    pub fn are_awaited(&self) -> bool {
        !self.write.leads_somewhere()
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

    /// How far they are, as far as that was told.
    pub(crate) fn reached(&self) -> Option<Position> {
        *self.reached.borrow()
    }

    /// From now on these are the views in that other file, which are at `position`. What led to the old one, to be closed.
    pub(crate) fn change(&self, new: &Self, position: Option<Position>) -> Vec<SqlitePool> {
        let old = [self.read.change(&new.read), self.write.change(&new.write)];
        self.set_unclean(*new.unclean.borrow());
        // Who follows the log may find erasures taken in here that it has not seen.
        self.pasts.forget();
        if self.reached().map(Position::place) < position.map(Position::place) {
            self.announce(position);
        }
        old.into_iter().flatten().collect()
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
        let mut db = self.read.begin().await?;
        let position = checkpoint(&mut db).await?;
        Ok(Snapshot { db, position })
    }

    /// Closes all connections; what is in the write-ahead log goes to the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// How a file is opened that is in use.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit that a power loss takes back is folded from the log again.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY)
        // What is deleted is overwritten, not only forgotten.
        .pragma("secure_delete", "ON")
        .pragma("cache_size", format!("-{CACHE_KIB}"))
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

/// Runs a statement of the program.
pub(crate) async fn run(db: &mut SqliteConnection, sql: &str) -> Result<(), ViewsError> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(db).await?;
    Ok(())
}
