//! Databases of `PostgreSQL` for what is no view: the notary's store and the key ring.

mod connections;
mod look;
#[cfg(test)]
pub(crate) mod testing;

use std::{io, time::Duration};

use socai_projections::PostgresUrl;
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};

pub(crate) use self::{
    connections::{Connections, Taken, twice},
    look::{Look, is_there, look},
};
pub(crate) use crate::waiting::Waiting;

use crate::waiting::Ended;

/// How long the server may take to answer; what may take longer is not asked through [`in_time`].
const PATIENCE: Duration = Duration::from_secs(15);

/// What every session is told:
///
/// - What was committed is on the server's disk when it says so, and on those of its synchronous standbys, whatever the
///   server's default is.
/// - Who waits for a lock gives up before we do, and who stands still in the middle of a write holds up no other server.
/// - The server notices within a quarter of a minute that we are gone, and lets go of what we had locked. (On sockets of one
///   machine, which it notices at once, these settings do nothing.)
const SESSION: &str = "
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') <> 'remote_apply';
    SET lock_timeout = '2s';
    SET idle_in_transaction_session_timeout = '15s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 3;
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = '15s'";

/// How to connect. Statements are not logged: what is bound to them is secret.
fn options(url: &PostgresUrl) -> PgConnectOptions {
    url.options().disable_statement_logging()
}

/// Opens a session.
async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    in_time(async {
        let mut connection = options.connect().await?;
        sqlx::raw_sql(SESSION).execute(&mut connection).await?;
        Ok(connection)
    })
    .await
}

/// Opens a session that is kept apart from all others.
pub(crate) async fn session(url: &PostgresUrl) -> sqlx::Result<PgConnection> {
    connect(&options(url)).await
}

impl From<Ended> for sqlx::Error {
    fn from(_: Ended) -> Self {
        Self::WorkerCrashed
    }
}

/// Waits for the server, but not for ever.
pub(crate) async fn in_time<T>(answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let late = |_| sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer in time"));
    tokio::time::timeout(PATIENCE, answer).await.map_err(late)?
}

/// Is this table there, by schema and name? Asked of the catalogue itself: what a session remembers of names may be old.
pub(crate) async fn has_table(at: &mut PgConnection, table: &str) -> sqlx::Result<bool> {
    let there = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname || '.' || c.relname = $1)",
    );
    in_time(there.bind(table).fetch_one(at)).await
}

/// The code that the server gives to its error, if it is one of the server's.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(Into::into)
}

/// Is there no server yet, or is it still starting?
pub(crate) fn is_coming_up(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || code(error).as_deref() == Some("57P03")
}

/// Does the server say that what it holds is damaged?
pub(crate) fn says_damaged(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("XX001" | "XX002"))
}

/// Is what was asked for not there at all: no such table, no such schema?
pub(crate) fn says_absent(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("42P01" | "3F000"))
}
