//! Writes rows inside one transaction, many to a statement. Every statement passes one gate, so that a test can stop
//! the program before and after each.

use std::sync::Arc;

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
pub(crate) struct Writer {
    pub(crate) db: Transaction<'static, Sqlite>,
    gate: Arc<dyn Gate>,
}

impl Writer {
    pub(crate) async fn begin(pool: &sqlx::SqlitePool, gate: Arc<dyn Gate>) -> Result<Self, ViewsError> {
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
            self.run(table.upsert(BATCH), batch.concat()).await?;
        }
        for row in rest {
            self.run(table.upsert(1), row.to_vec()).await?;
        }
        rows.clear();
        Ok(())
    }

    /// One row goes.
    pub(crate) async fn delete(&mut self, table: &Table, key: &[Value]) -> Result<(), ViewsError> {
        self.run(table.delete(), key.to_vec()).await
    }

    /// Any statement.
    pub(crate) async fn run(&mut self, sql: String, args: Vec<Value>) -> Result<(), ViewsError> {
        self.gate.pass()?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in args {
            query = bind(query, value);
        }
        query.execute(&mut *self.db).await?;
        self.gate.pass()
    }

    pub(crate) async fn commit(self) -> Result<(), ViewsError> {
        self.gate.pass()?;
        self.db.commit().await?;
        self.gate.pass()
    }
}
