//! Writes rows inside one transaction, many to a statement. Every statement passes one gate, so that a test can stop
//! the program before and after each.

use futures::future::BoxFuture;
use sqlx::{AssertSqlSafe, Sqlite, Transaction};

use crate::{error::ViewsError, sql::bind, table::Table, value::Value};

/// Rows in one statement. Statements of this size and of one row are prepared once and kept.
const BATCH: usize = 16;

/// Where a writer stands: tests count these and stop at each.
pub(crate) trait Gate: Send + Sync {
    /// Called before and after each statement and commit; an error is a crash at this place.
    fn pass(&self) -> Result<(), ViewsError>;
}

/// The gate of real life.
#[derive(Debug)]
pub(crate) struct Open;

impl Gate for Open {
    fn pass(&self) -> Result<(), ViewsError> {
        Ok(())
    }
}

/// An open transaction.
pub(crate) struct Writer<'a> {
    pub(crate) db: Transaction<'static, Sqlite>,
    gate: &'a dyn Gate,
}

impl<'a> Writer<'a> {
    pub(crate) async fn begin(pool: &sqlx::SqlitePool, gate: &'a dyn Gate) -> Result<Self, ViewsError> {
        gate.pass()?;
        Ok(Self { db: pool.begin_with("BEGIN IMMEDIATE").await?, gate })
    }

    /// New and changed rows of one table; empties `rows`.
    pub(crate) async fn upsert(
        &mut self,
        table: Option<&'static Table>,
        rows: &mut Vec<&[Value]>,
    ) -> Result<(), ViewsError> {
        let Some(table) = table else { return Ok(()) };
        let (many, rest) = rows.as_chunks::<BATCH>();
        for batch in many {
            self.run(table.upsert(BATCH), batch.iter().copied().flatten()).await?;
        }
        for row in rest {
            self.run(table.upsert(1), row.iter()).await?;
        }
        rows.clear();
        Ok(())
    }

    /// One row goes.
    pub(crate) async fn delete(&mut self, table: &Table, key: &[Value]) -> Result<(), ViewsError> {
        self.run(table.delete(), key.iter()).await
    }

    /// Any statement. Takes the values at once: an iterator kept while waiting would bar the future from other threads.
    pub(crate) fn run<'v>(
        &mut self,
        sql: String,
        args: impl Iterator<Item = &'v Value>,
    ) -> BoxFuture<'_, Result<(), ViewsError>> {
        let query = args.fold(sqlx::query(AssertSqlSafe(sql)), |query, value| bind(query, value.clone()));
        Box::pin(async move {
            self.gate.pass()?;
            query.execute(&mut *self.db).await?;
            self.gate.pass()
        })
    }

    pub(crate) async fn commit(self) -> Result<(), ViewsError> {
        self.gate.pass()?;
        self.db.commit().await?;
        self.gate.pass()
    }
}
