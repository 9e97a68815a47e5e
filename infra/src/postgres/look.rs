//! Looking at a database without changing it.

use socai_projections::PostgresUrl;
use sqlx::Connection as _;

use super::{has_table, in_time, session};

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Its version, as a number: 15 for 15.4.
    pub(crate) version: i32,
    /// Does it wait for its disk before it says that something is on it?
    pub(crate) syncs: bool,
    /// Is it a standby, to which nothing can be written?
    pub(crate) standby: bool,
    /// Is the table there that was asked for?
    pub(crate) there: bool,
}

/// Asks the server about itself and whether this table is there, by schema and name.
pub(crate) async fn look(url: &PostgresUrl, table: &str) -> sqlx::Result<Look> {
    let mut session = session(url).await?;
    let asked = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('fsync')::bool,
            pg_is_in_recovery()",
    );
    let (version, syncs, standby) = in_time(asked.fetch_one(&mut session)).await?;
    let there = has_table(&mut session, table).await?;
    in_time(session.close()).await?;
    Ok(Look { version, syncs, standby, there })
}

/// Is this table there, by schema and name?
pub(crate) async fn is_there(url: &PostgresUrl, table: &str) -> sqlx::Result<bool> {
    Ok(look(url, table).await?.there)
}
