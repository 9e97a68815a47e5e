//! The leases, and how far the reactions have come, in the notary's database: schema `socai_servers`.

use std::{collections::BTreeSet, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use socai_commands::{CheckpointError, Checkpoints};
use socai_domain::ledger::Position;
use socai_projections::PostgresUrl;
use uuid::Uuid;

use super::{Leases, Part};
use crate::{
    ports::Unread,
    postgres::{Connections, has_table, in_time, twice},
};

/// Two servers that begin at once make it once: the lock is let go of with the transaction.
const SCHEMA: &str = "
    SELECT pg_advisory_xact_lock(x'736f6361695f7376'::bigint);
    CREATE SCHEMA IF NOT EXISTS socai_servers;
    CREATE TABLE IF NOT EXISTS socai_servers.lease (
        part text COLLATE \"C\" CONSTRAINT lease_key PRIMARY KEY,
        holder bytea NOT NULL,
        until timestamptz NOT NULL
    );
    CREATE TABLE IF NOT EXISTS socai_servers.checkpoint (
        name text COLLATE \"C\" CONSTRAINT checkpoint_key PRIMARY KEY,
        position text NOT NULL
    )";
const TAKE: &str = "
    INSERT INTO socai_servers.lease AS lease (part, holder, until)
    SELECT part, $2, clock_timestamp() + $3 * interval '1 microsecond' FROM unnest($1::text[]) AS part ORDER BY part
    ON CONFLICT (part) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()
    RETURNING part";
const RELEASE: &str = "UPDATE socai_servers.lease SET until = '-infinity' WHERE holder = $1";
/// The table of how far reactions have come.
pub(crate) const CHECKPOINTS: &str = "socai_servers.checkpoint";

const LOAD: &str = "SELECT position FROM socai_servers.checkpoint WHERE name = $1";
const SAVE: &str = "
    INSERT INTO socai_servers.checkpoint (name, position) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position";

/// Leases in a database.
#[derive(Debug)]
pub(crate) struct PostgresLeases(Connections);

impl PostgresLeases {
    /// Those in this database; the schema is made if it is missing.
    pub(crate) async fn open(at: &PostgresUrl) -> sqlx::Result<Self> {
        let connections = Connections::new(at, 1);
        let mut session = connections.take().await?;
        // Only the first one needs the right to make it.
        if !(has_table(&mut session, "socai_servers.lease").await?
            && has_table(&mut session, "socai_servers.checkpoint").await?)
        {
            // All of it is one transaction: it is one message.
            in_time(sqlx::raw_sql(SCHEMA).execute(&mut *session)).await?;
        }
        session.keep();
        Ok(Self(connections))
    }
}

impl Leases for PostgresLeases {
    fn take<'a>(
        &'a self,
        parts: &'a [Part],
        holder: Uuid,
        lasts: Duration,
    ) -> BoxFuture<'a, Result<BTreeSet<Part>, String>> {
        let names: Vec<&str> = parts.iter().map(|part| part.name()).collect();
        let lasts = i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX);
        async move {
            let once = || async {
                let mut session = self.0.take().await?;
                let take =
                    sqlx::query_scalar::<_, String>(TAKE).bind(&names).bind(holder.as_bytes().as_slice()).bind(lasts);
                let held = in_time(take.fetch_all(&mut *session)).await?;
                session.keep();
                Ok(held)
            };
            let held = twice(&self.0, once).await.map_err(|error| error.to_string())?;
            Ok(parts.iter().copied().filter(|part| held.iter().any(|held| held == part.name())).collect())
        }
        .boxed()
    }

    fn release(&self, holder: Uuid) -> BoxFuture<'_, Result<(), String>> {
        async move {
            let released = async {
                let mut session = self.0.take().await?;
                in_time(sqlx::query(RELEASE).bind(holder.as_bytes().as_slice()).execute(&mut *session)).await
            };
            released.await.map(drop).map_err(|error| error.to_string())
        }
        .boxed()
    }
}

/// Checkpoints that all servers share.
#[derive(Debug)]
pub(crate) struct PostgresCheckpoints(Connections);

impl PostgresCheckpoints {
    /// In the database of the [leases](PostgresLeases), which are opened before.
    pub(crate) fn new(at: &PostgresUrl) -> Self {
        Self(Connections::new(at, 1))
    }

    /// What [`Checkpoints::load`] gives.
    pub(crate) async fn read(&self, name: &str) -> Result<Option<Position>, Unread> {
        let once = || async {
            let mut session = self.0.take().await?;
            let load = sqlx::query_scalar::<_, String>(LOAD).bind(name);
            let found = in_time(load.fetch_optional(&mut *session)).await?;
            session.keep();
            Ok(found)
        };
        let found = twice(&self.0, once).await.map_err(|why| Unread::Unanswered(why.to_string()))?;
        let told = |why| {
            Unread::Damaged(format!(
                "{why}; stop all servers and delete its row of {CHECKPOINTS}: everything is looked at once more, nothing is \
                 done twice"
            ))
        };
        found.map(|text| text.parse().map_err(told)).transpose()
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn error(name: &str, why: impl ToString) -> CheckpointError {
    CheckpointError { name: name.to_owned(), why: why.to_string() }
}

impl Checkpoints for PostgresCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Position>, CheckpointError>> {
        async move { self.read(name).await.map_err(|why| error(name, why)) }.boxed()
    }

    fn save<'a>(&'a self, name: &'a str, position: Position) -> BoxFuture<'a, Result<(), CheckpointError>> {
        async move {
            let once = || async {
                let mut session = self.0.take().await?;
                let save = sqlx::query(SAVE).bind(name).bind(position.to_string());
                in_time(save.execute(&mut *session)).await?;
                session.keep();
                Ok(())
            };
            twice(&self.0, once).await.map_err(|why| error(name, why))
        }
        .boxed()
    }
}
