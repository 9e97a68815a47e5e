//! Where the views are in `PostgreSQL`, and where another build of them is made.
//!
//! Each build is a schema of its own, `socai_views_1`, then `socai_views_2`; which of them is in use says one row of
//! `socai_views.in_use`. What changes, in one statement, is that row. So there is one valid schema at every moment, whatever
//! stops the program.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgConnectOptions;

use crate::{
    answer::{self, Own, QUESTION},
    db::{Connection, Db, Pool, run},
    error::ViewsError,
    pg::EVICT,
    sql::Sql,
    store::{BUSY, PostgresUrl},
    value::{Cells, Column},
};

/// The schema that says which one is in use; the others are called after it.
pub(crate) const NAME: &str = "socai_views";
/// The table that says which schema is in use: where it is, there are views.
pub const VIEWS_TABLE: &str = "socai_views.in_use";
/// The suffix of the build that is compared with.
const CHECK: &str = "check";
/// How long somebody waits for a connection that others use.
const PATIENCE: Duration = if cfg!(test) { Duration::from_secs(1) } else { BUSY };
/// The database notices within a quarter of a minute that the other end is gone, and lets go of what it had locked.
const GONE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "3"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15s"),
];
/// Who stands still in the middle of a write holds up no other server: its transaction ends after so long.
const STILL: &str = "5s";
/// How long the lock of somebody else is waited for.
const LOCKED: &str = "10s";
/// How questions are answered: each planned for its own values, as how rare a word or a day is decides how it is found; on one
/// core, without a compiler, as they take milliseconds.
const READING: [(&str, &str); 4] = [
    ("default_transaction_read_only", "on"),
    ("plan_cache_mode", "force_custom_plan"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
];
/// How many prepared statements a connection keeps: as there are queries, about.
const STATEMENTS: usize = 500;
/// Held while it is looked which schema is in use and the first one is made, and while another one is built.
const OPENING: i64 = 0x736f_6361_6900;
const BUILDING: i64 = OPENING + 1;

/// A database of views.
#[derive(Clone)]
pub(crate) struct Schemas(Arc<PgConnectOptions>);

/// A schema with one build.
#[derive(Clone)]
pub(crate) struct Schema {
    database: Arc<PgConnectOptions>,
    name: String,
}

// What a connection is made with holds the password.
impl std::fmt::Debug for Schemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schemas(…)")
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Schema({})", self.name)
    }
}

impl Schemas {
    /// At this URL.
    pub(crate) fn new(url: &PostgresUrl) -> Self {
        Self(Arc::new(url.options().application_name("socai").statement_cache_capacity(STATEMENTS).options(GONE)))
    }

    async fn connect(&self) -> Result<Connection, ViewsError> {
        Ok(Connection::Postgres(Own::open(Arc::clone(&self.0)).await?))
    }

    /// Does this server of the database only repeat what another one is told? Then nothing can be written here.
    pub(crate) async fn are_on_standby(&self) -> Result<bool, ViewsError> {
        let mut db = self.connect().await?;
        let standby = one(&mut db, "SELECT pg_is_in_recovery()").await?.unwrap_or(false);
        db.close().await?;
        Ok(standby)
    }

    /// A connection that is the only one to look which schema is in use; others wait for it to be closed.
    pub(crate) async fn alone(&self) -> Result<Connection, ViewsError> {
        let mut db = self.connect().await?;
        run(&mut db, &format!("SET lock_timeout = '{LOCKED}'; SELECT pg_advisory_lock({OPENING})")).await?;
        Ok(db)
    }

    /// A connection while which nobody else builds; who has the lease `evicts` a server that had it before.
    ///
    /// # Errors
    /// [`ViewsError::Overtaken`] when somebody does already.
    pub(crate) async fn building(&self, evicts: bool) -> Result<Connection, ViewsError> {
        let mut db = self.connect().await?;
        if evicts {
            Db::from(&mut db).execute(EVICT.into(), vec![BUILDING.into()]).await?;
        }
        let ours = one(&mut db, &format!("SELECT pg_try_advisory_lock({BUILDING})")).await?;
        if ours.unwrap_or(false) { Ok(db) } else { Err(ViewsError::Overtaken) }
    }

    fn schema(&self, suffix: impl std::fmt::Display) -> Schema {
        Schema { database: Arc::clone(&self.0), name: format!("{NAME}_{suffix}") }
    }

    /// The number of the schema in use (0 for none), and those of the others, the newest first.
    async fn look(db: &mut Connection) -> Result<(u64, Vec<u64>), ViewsError> {
        let mut names = Sql::plain();
        names.push("SELECT CAST(nspname AS TEXT) FROM pg_namespace WHERE starts_with(nspname, ");
        names.bind(format!("{NAME}_")).push(")");
        let names: Vec<String> = names.read_all(db, first).await?;
        let number = |name: &String| name.strip_prefix(NAME)?.strip_prefix('_')?.parse::<u64>().ok();
        let mut there: Vec<_> = names.iter().filter_map(number).collect();
        let points = one(db, &format!("SELECT to_regclass('{VIEWS_TABLE}') IS NOT NULL")).await?.unwrap_or(false);
        let in_use = if points { one(db, &format!("SELECT build FROM {VIEWS_TABLE}")).await? } else { None };
        let in_use = in_use.map_or(0, i64::unsigned_abs);
        // One that somebody removed is in use no more.
        let in_use = if there.contains(&in_use) { in_use } else { 0 };
        there.retain(|number| *number != in_use);
        there.sort_unstable_by(|a, b| b.cmp(a));
        Ok((in_use, there))
    }

    /// The schema in use.
    pub(crate) async fn in_use(&self) -> Result<Option<Schema>, ViewsError> {
        let mut db = self.connect().await?;
        let (in_use, _) = Self::look(&mut db).await?;
        db.close().await?;
        Ok((in_use > 0).then(|| self.schema(in_use)))
    }

    /// A schema that was begun and did not come to its place yet.
    pub(crate) async fn begun(&self) -> Result<Option<Schema>, ViewsError> {
        let mut db = self.connect().await?;
        let (in_use, others) = Self::look(&mut db).await?;
        db.close().await?;
        Ok(others.first().filter(|number| **number > in_use).map(|number| self.schema(number)))
    }

    /// Makes a new empty schema.
    pub(crate) async fn begin(&self) -> Result<Schema, ViewsError> {
        let mut db = self.connect().await?;
        let (in_use, others) = Self::look(&mut db).await?;
        let newest = others.first().map_or(in_use, |number| in_use.max(*number));
        let schema = self.schema(newest + 1);
        let make = format!(
            "CREATE SCHEMA IF NOT EXISTS {NAME}; CREATE TABLE IF NOT EXISTS {VIEWS_TABLE} (one BIGINT \
             CONSTRAINT in_use_one CHECK (one = 1), build BIGINT CONSTRAINT in_use_build_given NOT NULL, \
             CONSTRAINT in_use_key PRIMARY KEY (one)); CREATE SCHEMA {}",
            schema.name
        );
        run(&mut db, &make).await?;
        db.close().await?;
        Ok(schema)
    }

    /// Makes the empty schema for the build that is compared with it.
    pub(crate) async fn begin_check(&self) -> Result<Schema, ViewsError> {
        let schema = self.schema(CHECK);
        schema.remove().await?;
        let mut db = self.connect().await?;
        run(&mut db, &format!("CREATE SCHEMA {}", schema.name)).await?;
        db.close().await?;
        Ok(schema)
    }

    /// Puts a schema, whose views are at this place of the log, in the place of the one in use.
    ///
    /// # Errors
    /// [`ViewsError::Overtaken`] when another server has brought that one further, or has put another one there.
    pub(crate) async fn put_over(&self, schema: &Schema, place: i64) -> Result<(), ViewsError> {
        let mut db = self.connect().await?;
        let (in_use, _) = Self::look(&mut db).await?;
        if in_use == 0 {
            db.close().await?;
            return self.put(schema).await;
        }
        // Whoever writes there waits, and then finds that it is not in use any more.
        run(&mut db, "BEGIN").await?;
        let mut there = Sql::plain();
        there.push(&format!("SELECT place FROM {}.read_model FOR UPDATE", self.schema(in_use).name));
        let places: Vec<Option<i64>> = there.read_all(&mut db, first).await?;
        let put = format!("UPDATE {VIEWS_TABLE} SET build = $1 WHERE build = $2");
        let (put, builds) = (put.into(), vec![schema.number()?.into(), in_use.cast_signed().into()]);
        if places.into_iter().flatten().any(|there| there > place) || Db::from(&mut db).execute(put, builds).await? != 1
        {
            return Err(ViewsError::Overtaken);
        }
        run(&mut db, "COMMIT").await?;
        Ok(db.close().await?)
    }

    /// Puts the first schema in its place.
    pub(crate) async fn put(&self, schema: &Schema) -> Result<(), ViewsError> {
        let put = format!(
            "INSERT INTO {VIEWS_TABLE} (one, build) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET build = excluded.build"
        );
        let mut db = self.connect().await?;
        Db::from(&mut db).execute(put.into(), vec![schema.number()?.into()]).await?;
        Ok(db.close().await?)
    }

    /// Removes what an interrupted rebuild left behind, but for the newest schema that was begun.
    pub(crate) async fn tidy(&self) -> Result<(), ViewsError> {
        let mut db = self.connect().await?;
        let (in_use, others) = Self::look(&mut db).await?;
        db.close().await?;
        for number in others.iter().enumerate().filter(|(at, of)| *at > 0 || **of < in_use).map(|(_, of)| of) {
            self.schema(number).remove().await?;
        }
        self.schema(CHECK).remove().await
    }
}

impl Schema {
    fn number(&self) -> Result<i64, ViewsError> {
        let number = self.name.rsplit('_').next().and_then(|number| number.parse().ok());
        number.ok_or_else(|| ViewsError::Damaged(format!("{} has no number", self.name)))
    }

    /// How it is connected to. A commit that a loss of power takes back is folded from the log again.
    fn options(&self) -> PgConnectOptions {
        (*self.database).clone().options([("search_path", self.name.as_str()), ("synchronous_commit", "off")])
    }

    /// For the one who writes. What it has told somebody is there after a crash, too; a build may be lost.
    pub(crate) async fn write(&self) -> Result<Pool, ViewsError> {
        let options = self.options().options([
            ("synchronous_commit", "on"),
            ("idle_in_transaction_session_timeout", STILL),
            ("lock_timeout", LOCKED),
        ]);
        let pool = answer::pool(1).acquire_timeout(PATIENCE);
        Ok(Pool::Postgres(pool.connect_with(options).await?))
    }

    /// For so many readers at once.
    pub(crate) async fn read(&self, readers: u32) -> Result<Pool, ViewsError> {
        let options = self.options().options(READING).options([("statement_timeout", QUESTION)]);
        let pool = answer::pool(readers).acquire_timeout(PATIENCE);
        Ok(Pool::Postgres(pool.connect_with(options).await?))
    }

    /// For a build.
    pub(crate) async fn connect(&self) -> Result<Connection, ViewsError> {
        Ok(Connection::Postgres(Own::open(Arc::new(self.options())).await?))
    }

    /// Removes it with all that is in it.
    pub(crate) async fn remove(&self) -> Result<(), ViewsError> {
        let mut db = Connection::Postgres(Own::open(Arc::clone(&self.database)).await?);
        run(&mut db, &format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name)).await?;
        Ok(db.close().await?)
    }
}

/// The first value of the first row.
async fn one<T: Column>(db: &mut Connection, text: &str) -> Result<Option<T>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push(text);
    sql.read_optional(db, first).await
}

fn first<T: Column>(cells: &mut Cells<'_>) -> Result<T, ViewsError> {
    cells.next()
}
