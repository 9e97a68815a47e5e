//! Reading what a notary keeps in a database: proofs, and what the other servers sign.

use std::sync::Arc;

use socai_projections::PostgresUrl;

use super::{ROW, place};
use crate::{
    notary::store::{Column, Shelf, StoreError, Text},
    postgres::{Connections, Waiting, in_time, says_absent, says_damaged, twice},
};

const READ: &str = "SELECT number, substr(bytes, $4, $5) FROM socai_notary.piece
    WHERE name = $1 AND number BETWEEN $2 AND $3 ORDER BY number";

/// The store in a database, for reading only.
#[derive(Debug)]
pub(in super::super) struct PostgresShelf {
    waiting: Waiting,
    connections: Arc<Connections>,
    pub(super) name: String,
}

/// Proofs that are read at once.
const READERS: usize = 4;

impl PostgresShelf {
    pub(in super::super) fn open(address: &PostgresUrl) -> Result<Self, StoreError> {
        let name = format!("{address} (socai_notary)");
        let waiting = Waiting::new().map_err(|error| StoreError::Unavailable(format!("{name}: {error}")))?;
        Ok(Self { waiting, connections: Arc::new(Connections::new(address, READERS)), name })
    }

    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = sqlx::Result<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.waiting.wait(work).map_err(|error| {
            let what = format!("{}: {error}", self.name);
            if says_damaged(&error) { StoreError::Damaged(what) } else { StoreError::Unavailable(what) }
        })
    }

    /// A value of one row, as this statement gives it; none where there is nothing.
    fn one(&self, sql: &'static str, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        let connections = Arc::clone(&self.connections);
        let once = move || {
            let connections = Arc::clone(&connections);
            async move {
                let mut at = connections.take().await?;
                let found = sqlx::query_scalar::<_, Option<Vec<u8>>>(sql).bind(name).fetch_optional(&mut *at);
                let found = absent_is_none(in_time(found).await)?;
                at.keep();
                Ok(found.flatten())
            }
        };
        let connections = Arc::clone(&self.connections);
        self.wait(async move { twice(&connections, once).await })
    }
}

/// Where there is no store, nothing is found.
fn absent_is_none<T: Default>(found: sqlx::Result<T>) -> sqlx::Result<T> {
    match found {
        Err(error) if says_absent(&error) => Ok(T::default()),
        found => found,
    }
}

impl Shelf for PostgresShelf {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.one("SELECT note FROM socai_notary.checkpoint WHERE $1 <> ''", "any")
    }

    fn text(&self, text: Text) -> Result<Option<Vec<u8>>, StoreError> {
        self.one("SELECT bytes FROM socai_notary.text WHERE name = $1", text.name())
    }

    fn part(&self, column: Column, first: u64, count: usize) -> Result<Vec<u8>, StoreError> {
        let wanted = count.saturating_mul(column.width());
        let Some(last) = (first + count as u64).checked_sub(1).filter(|_| wanted > 0) else { return Ok(Vec::new()) };
        let ((from, skip), (to, _)) = (place(column, first), place(column, last));
        // Of one row only what is wanted; of several all.
        let (start, length) = if from == to { (skip, wanted) } else { (0, ROW) };
        let [start, length] = [start + 1, length].map(|number| i32::try_from(number).unwrap_or(i32::MAX));
        let connections = Arc::clone(&self.connections);
        let once = move || {
            let connections = Arc::clone(&connections);
            async move {
                let mut at = connections.take().await?;
                let rows = sqlx::query_as::<_, (i64, Vec<u8>)>(READ).bind(column.to_string());
                let rows = rows.bind(from).bind(to).bind(start).bind(length).fetch_all(&mut *at);
                let rows = absent_is_none(in_time(rows).await)?;
                at.keep();
                Ok(rows)
            }
        };
        let connections = Arc::clone(&self.connections);
        let rows = self.wait(async move { twice(&connections, once).await })?;
        let mut bytes = Vec::with_capacity(rows.len() * ROW);
        for (row, (number, part)) in (from..).zip(rows) {
            if number != row || bytes.len() % ROW != 0 {
                break;
            }
            bytes.extend_from_slice(&part);
        }
        if from != to {
            bytes.drain(..skip.min(bytes.len()));
        }
        bytes.truncate(wanted);
        bytes.truncate(bytes.len() - bytes.len() % column.width());
        Ok(bytes)
    }
}
