//! No answer of `PostgreSQL` is waited for without end. A network may swallow one while the database gives the session up: then
//! nothing comes any more, not even an error, as nobody probes the socket on this side.
//!
//! - A question is answered within [`ANSWERED`], which is longer than the database lets one take, or its connection is given up.
//! - What may take longer, and what writes, is waited for as long as the database works on it ([`Watched`]).
//! - A connection of a pool is tried before it is given out and when it comes back. One that was given up does not come back.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, Row as _,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{runtime::Handle, time::timeout};

/// How long a question may take in the database.
pub(crate) const QUESTION: &str = if cfg!(test) { "1s" } else { "30s" };
/// How long an answer is waited for.
pub(crate) const ANSWERED: Duration = Duration::from_secs(if cfg!(test) { 6 } else { 35 });
/// How long it may take to connect.
const CONNECTED: Duration = Duration::from_secs(10);
/// How long a connection that nobody used may take to say that it is there.
const THERE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 2_000 });
/// How often it is asked whether the database still works on an answer.
const LOOK: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// So often in a row it does not, or cannot be asked: the answer was on its way meanwhile, or nothing can be connected to just now.
const LOOKS: u32 = 3;

const WORKS: &str = "SELECT wait_event_type IS DISTINCT FROM 'Client' FROM pg_stat_activity WHERE pid = $1";

/// A session that may take long for its answers: another one asks now and then whether it works on them. One that is gone, or
/// that itself waits for us while we wait for it, does not.
#[derive(Clone)]
pub struct Watched {
    at: Arc<PgConnectOptions>,
    session: i32,
}

// How it is connected to holds the password.
impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched({})", self.session)
    }
}

impl Watched {
    /// This session; another one is made `at` the same server.
    pub async fn of(db: &mut PgConnection, at: Arc<PgConnectOptions>) -> sqlx::Result<Self> {
        let session = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(db);
        Ok(Self { at, session: within(ANSWERED, session).await? })
    }

    /// Waits for its answer.
    ///
    /// # Errors
    /// [`sqlx::Error::Io`], timed out, when none will come: the connection is good for nothing any more.
    pub async fn answer<T>(&self, answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        let mut answer = pin!(answer);
        let mut idle = 0;
        while idle < LOOKS {
            if let Ok(answered) = timeout(LOOK, &mut answer).await {
                return answered;
            }
            idle = if within(LOOK, self.works()).await.unwrap_or(false) { 0 } else { idle + 1 };
        }
        Err(late())
    }

    async fn works(&self) -> sqlx::Result<bool> {
        let mut other = match self.at.connect().await {
            // The database answers, but has no connection to spare.
            Err(sqlx::Error::Database(told)) if told.code().as_deref() == Some("53300") => return Ok(true),
            other => other?,
        };
        let works = sqlx::query_scalar(WORKS).bind(self.session).fetch_optional(&mut other).await?;
        let _ = other.close().await;
        Ok(works.unwrap_or(false))
    }
}

/// How the answers of a connection are waited for.
#[derive(Debug)]
pub(crate) struct Patience {
    at: Arc<PgConnectOptions>,
    takes_long: Option<Watched>,
    /// An answer did not come.
    lost: bool,
}

impl Patience {
    fn new(at: Arc<PgConnectOptions>) -> Self {
        Self { at, takes_long: None, lost: false }
    }

    /// From now on what is asked of this connection may take as long as the database works on it.
    pub(crate) async fn takes_long(&mut self, db: &mut PgConnection) -> sqlx::Result<()> {
        let watched = Watched::of(db, Arc::clone(&self.at)).await;
        self.takes_long = Some(watched.inspect_err(|error| self.look_at(error))?);
        Ok(())
    }

    /// Waits for this answer. Boxed, as it is large and part of much.
    pub(crate) fn wait<'a, T: 'a>(
        &'a mut self,
        answer: impl Future<Output = sqlx::Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, sqlx::Result<T>> {
        Box::pin(async move {
            let waited = match &self.takes_long {
                _ if self.lost => Err(late()),
                Some(session) => session.answer(answer).await,
                None => within(ANSWERED, answer).await,
            };
            waited.inspect_err(|error| self.look_at(error))
        })
    }

    fn look_at(&mut self, error: &sqlx::Error) {
        self.lost |= matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut);
    }
}

fn late() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer in time"))
}

async fn within<T>(time: Duration, answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(time, answer).await.map_err(|_| late())?
}

/// A connection of its own, for what may take long.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) db: PgConnection,
    pub(crate) patience: Patience,
}

impl Own {
    pub(crate) async fn open(at: Arc<PgConnectOptions>) -> sqlx::Result<Self> {
        let mut db = within(CONNECTED, at.connect()).await?;
        let mut patience = Patience::new(at);
        patience.takes_long(&mut db).await?;
        Ok(Self { db, patience })
    }

    pub(crate) async fn close(mut self) -> sqlx::Result<()> {
        self.patience.wait(self.db.close()).await
    }
}

/// Makes pools of so many connections.
pub(crate) fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        // The pool's own try has no limit.
        .test_before_acquire(false)
        .before_acquire(|db, _| Box::pin(async move { within(THERE, db.ping()).await.map(|()| true) }))
}

/// A connection that a pool lent, perhaps in a transaction.
#[derive(Debug)]
pub(crate) struct Lent {
    /// Until it goes back.
    db: Option<PoolConnection<Postgres>>,
    patience: Patience,
    /// It is in a transaction.
    open: bool,
}

impl Lent {
    pub(crate) async fn by(pool: &PgPool) -> sqlx::Result<Self> {
        let db = Some(pool.acquire().await?);
        Ok(Self { db, patience: Patience::new(pool.connect_options()), open: false })
    }

    /// Both parts.
    pub(crate) fn parts(&mut self) -> (&mut PgConnection, &mut Patience) {
        (self.db.as_mut().expect("it goes back with this"), &mut self.patience)
    }

    async fn run(&mut self, text: &'static str) -> sqlx::Result<()> {
        let (db, patience) = self.parts();
        patience.wait(sqlx::raw_sql(text).execute(db)).await.map(drop)
    }

    /// Begins a transaction that reads one state.
    pub(crate) async fn begin_reading(mut self) -> sqlx::Result<Self> {
        self.open = true;
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        Ok(self)
    }

    /// Begins a transaction that writes. It is watched: while it waits for an answer, all wait that show these views.
    pub(crate) async fn begin_writing(mut self) -> sqlx::Result<Self> {
        self.open = true;
        let (db, patience) = self.parts();
        // In one message.
        let begun = patience.wait(sqlx::raw_sql("BEGIN; SELECT pg_backend_pid()").fetch_one(db)).await?;
        patience.takes_long = Some(Watched { at: Arc::clone(&patience.at), session: begun.try_get(0)? });
        Ok(self)
    }

    /// Ends it, with this statement.
    pub(crate) async fn end(mut self, end: &'static str) -> sqlx::Result<()> {
        self.run(end).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut db) = self.db.take() else { return };
        let (open, running) = (self.open, Handle::try_current().ok().filter(|_| !self.patience.lost));
        let Some(running) = running else {
            drop(db.detach());
            return;
        };
        running.spawn(async move {
            if open && within(ANSWERED, sqlx::raw_sql("ROLLBACK").execute(&mut *db)).await.is_err() {
                drop(db.detach());
                return;
            }
            // It tries whether the connection answers, and it may still answer what nobody waits for any more. Given up, its place in
            // the pool is free.
            let _ = timeout(ANSWERED, db.return_to_pool()).await;
        });
    }
}
