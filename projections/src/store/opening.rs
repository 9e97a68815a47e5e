//! Opening views: in the file in use, in memory, of a past moment, or none yet.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use super::{Location, Views};
use crate::{
    building::{Files, Place, Rebuilding, Schemas},
    copies::{Copies, Passing},
    db::Pool,
    door::Door,
    erasure,
    error::ViewsError,
    few::FEW,
    lease::Lease,
    replay::{Crew, OnDemand},
    schema::{Indexes, prepare},
};

/// How many readers at once.
const READERS: u32 = 8;
/// How long a connection waits for another.
pub(crate) const BUSY: Duration = Duration::from_secs(10);
/// Pages of a connection's cache, in KiB.
const CACHE_KIB: u32 = 64 * 1024;
/// How many bytes of memory a rebuild may take, unless it is told otherwise.
const MEMORY: usize = 512 << 20;

impl Views {
    /// Opens the views in a file or database, or makes empty ones there.
    ///
    /// # Errors
    /// [`ViewsError::Outdated`] when another version wrote them, one whose tables are not these: build them anew.
    pub async fn open(at: impl Into<Location>) -> Result<Self, ViewsError> {
        match at.into() {
            Location::Path(path) => Self::in_file(&path).await,
            Location::Postgres(url) => Self::in_database(&url).await,
        }
    }

    pub(crate) async fn in_file(path: &Path) -> Result<Self, ViewsError> {
        let place = Files::new(path);
        let file = place.in_use()?;
        if place.is_empty()? {
            // Of views that were here before.
            Copies::of(&file, 0).remove()?;
        }
        let options = options(&file);
        let write = Pool::Sqlite(pool(1).connect_with(options.clone()).await?);
        let older = prepare(&write, Indexes::All).await?;
        let readers = options.pragma("query_only", "ON");
        let read = Pool::Sqlite(pool(READERS).connect_with(readers).await?);
        let views =
            Self::with(Door::new(Some(write), older), Door::new(Some(read), older), Some(Place::Files(place))).await?;
        // Before the follower begins with it.
        let owed = erasure::is_owed(&mut views.write.acquire().await?).await?;
        views.set_unclean(owed);
        if let Some(Err(error)) = views.copies()?.map(|copies| copies.tidy()) {
            tracing::warn!(%error, "what was left of copies of the views is not removed");
        }
        Ok(views)
    }

    /// A copy of a file of views that nobody writes. It goes its own way from here on; none if an older version made it.
    pub(crate) async fn in_copy_of(file: &Path) -> Result<Option<Self>, ViewsError> {
        let file = file.to_owned();
        let copied = tokio::task::spawn_blocking(move || Passing::copy_of(&file)).await;
        let passing = copied.map_err(std::io::Error::other)??;
        let pool = alone(unjournaled(passing.path())).await?;
        let older = prepare(&pool, Indexes::Finding).await?;
        let views = Self { passing: Some(Arc::new(passing)), ..Self::of_one(pool).await? };
        Ok((!older).then_some(views))
    }

    /// A connection to the file in use that shares nothing with the others.
    pub(crate) async fn apart(&self) -> Result<SqliteConnection, ViewsError> {
        match self.place.as_ref().map(|place| place.file()).transpose()?.flatten() {
            Some(file) => Ok(options(&file).connect().await?),
            None => Err(std::io::Error::other("these views have no file").into()),
        }
    }

    /// No views yet, where some are to be built: until they are there, every question is answered by
    /// [`ViewsError::Building`].
    pub fn awaited(at: impl Into<Location>) -> Self {
        Self::awaited_at(match at.into() {
            Location::Path(path) => Place::Files(Files::new(&path)),
            Location::Postgres(url) => Place::Schemas(Schemas::new(&url)),
        })
    }

    pub(super) fn awaited_at(place: Place) -> Self {
        Self::behind(Door::new(None, false), Door::new(None, false), Some(place))
    }

    /// The views there, for a log of so many records: opened, or awaited where there are none that can be read.
    ///
    /// # Errors
    /// Those of [`Views::open`], but for views of another version.
    pub async fn open_or_await(at: impl Into<Location>, records: u64) -> Result<Self, ViewsError> {
        let path = match at.into() {
            Location::Path(path) => path,
            Location::Postgres(url) => return Self::in_database_or_awaited(&url, records).await,
        };
        let place = Files::new(&path);
        place.tidy()?;
        if records > 0 && place.is_empty()? {
            return Ok(Self::awaited_at(Place::Files(place)));
        }
        match Self::in_file(&path).await {
            Err(ViewsError::Outdated(_)) => Ok(Self::awaited_at(Place::Files(place))),
            opened => opened,
        }
    }

    /// Empty views in memory, gone with the last handle. One connection writes and reads.
    pub async fn in_memory() -> Result<Self, ViewsError> {
        let pool = alone(SqliteConnectOptions::new().in_memory(true)).await?;
        prepare(&pool, Indexes::All).await?;
        Self::of_one(pool).await
    }

    /// The same for a past moment. Tables without indexes; those that can be made of documents are filled on demand.
    pub(crate) async fn for_past(crew: &Crew) -> Result<Self, ViewsError> {
        let pool = alone(SqliteConnectOptions::new().in_memory(true)).await?;
        prepare(&pool, Indexes::No).await?;
        let on_demand = Some(Arc::new(OnDemand::new(crew)));
        Ok(Self { on_demand, ..Self::of_one(pool).await? })
    }

    /// A copy of views in memory. It goes its own way from here on.
    pub(crate) async fn copy(&self) -> Result<Self, ViewsError> {
        if let Some(passing) = &self.passing {
            let copy = Self::in_copy_of(passing.path()).await?;
            return copy.ok_or_else(|| ViewsError::Outdated("a copy of another version".to_owned()));
        }
        let bytes = self.write.acquire().await?.sqlite()?.serialize(None).await?;
        let pool = alone(SqliteConnectOptions::new().in_memory(true)).await?;
        pool.acquire().await?.sqlite()?.deserialize(None, bytes, false).await?;
        let on_demand = self.on_demand.as_ref().map(|on_demand| Arc::new(on_demand.copy()));
        Ok(Self { on_demand, ..Self::of_one(pool).await? })
    }

    /// Empty views in a new file that is only compared with and then thrown away: no journal, no syncs, only the indexes by
    /// which things are found.
    pub(crate) async fn for_comparing(path: &Path) -> Result<Self, ViewsError> {
        let pool = alone(unjournaled(path).pragma("cache_size", format!("-{}", 4 * CACHE_KIB))).await?;
        prepare(&pool, Indexes::Finding).await?;
        Self::of_one(pool).await
    }

    async fn of_one(pool: Pool) -> Result<Self, ViewsError> {
        let door = Door::new(Some(pool), false);
        Self::with(door.clone(), door, None).await
    }

    pub(super) async fn with(write: Door, read: Door, place: Option<Place>) -> Result<Self, ViewsError> {
        let views = Self::behind(write, read, place);
        views.announce(views.position().await?);
        Ok(views)
    }

    fn behind(write: Door, read: Door, place: Option<Place>) -> Self {
        Self {
            write,
            read,
            place: place.map(Arc::new),
            reached: Arc::new(watch::Sender::new(None)),
            unclean: Arc::new(watch::Sender::new(false)),
            pasts: Arc::default(),
            organs: Arc::default(),
            on_demand: None,
            turn: Arc::default(),
            rebuilding: Arc::new(watch::Sender::new(Rebuilding::default())),
            building: Arc::default(),
            memory: MEMORY,
            keeps: 0,
            many: Arc::default(),
            few: FEW,
            lease: Lease::unshared(),
            passing: None,
        }
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

/// How a file is opened that nobody needs after this process.
fn unjournaled(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .pragma("secure_delete", "ON")
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", format!("-{CACHE_KIB}"))
}

/// The one connection to what nobody else has open.
async fn alone(options: SqliteConnectOptions) -> Result<Pool, ViewsError> {
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    Ok(Pool::Sqlite(pool.connect_with(options).await?))
}

/// A pool that gives no connection out again that sqlx takes for one inside a transaction. On a full disk SQLite ends the
/// transaction by itself; sqlx does not see that, and would refuse to begin another for as long as the connection lives.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // There is no network between that could have gone.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}
