//! Writes rows inside one transaction, many to a statement. Every statement passes one gate, so that a test can stop
//! the program before and after each.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Mutex, MutexGuard};

use crate::{door::Door, error::ViewsError, out::Row, sql::bind, store::run, table::Table, value::Value};

/// Rows in one statement: as many as there are of the first, then of the next. Each is prepared once and kept.
const BATCHES: [usize; 3] = [64, 8, 1];

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

/// The connection of a transaction.
enum Connection {
    /// Nobody else has it.
    Own(Transaction<'static, Sqlite>),
    /// Whoever folds on meanwhile reads through it, too, between two statements.
    Shared(Arc<Mutex<SqliteConnection>>),
}

/// An open transaction.
pub(crate) struct Writer {
    connection: Connection,
    gate: Arc<dyn Gate>,
    /// Rows of a thing that an older version made may stand in places that this one does not know of.
    pub(crate) older: bool,
}

impl Writer {
    pub(crate) async fn begin(door: &Door, gate: Arc<dyn Gate>) -> Result<Self, ViewsError> {
        gate.pass()?;
        let (transaction, older) = (door.begin_with("BEGIN IMMEDIATE").await?, door.is_older());
        Ok(Self { connection: Connection::Own(transaction), gate, older })
    }

    /// On a connection that is given up when anything fails.
    pub(crate) async fn sharing(
        connection: Arc<Mutex<SqliteConnection>>,
        gate: Arc<dyn Gate>,
    ) -> Result<Self, ViewsError> {
        gate.pass()?;
        run(&mut *connection.lock().await, "BEGIN IMMEDIATE").await?;
        Ok(Self { connection: Connection::Shared(connection), gate, older: false })
    }

    /// What the tables hold, to be read.
    pub(crate) fn tables(&mut self) -> Tables<'_> {
        match &mut self.connection {
            Connection::Own(db) => Tables::Own(db),
            Connection::Shared(db) => Tables::Shared(db),
        }
    }

    /// New and changed rows of one table.
    pub(crate) async fn upsert(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), ViewsError> {
        let (mut left, mut rows) = (rows.len(), rows.into_iter());
        for batch in BATCHES {
            while left >= batch {
                let args = rows.by_ref().take(batch).flatten().collect();
                self.run(table.upsert(batch), args).await?;
                left -= batch;
            }
        }
        Ok(())
    }

    /// The rows whose keys begin so go.
    pub(crate) async fn delete(&mut self, table: &Table, key: &[Value]) -> Result<(), ViewsError> {
        self.run(table.delete(key.len()).into(), key.to_vec()).await
    }

    /// Any statement.
    pub(crate) async fn run(&mut self, sql: Arc<str>, args: Vec<Value>) -> Result<(), ViewsError> {
        self.gate.pass()?;
        let query = args.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), bind);
        query.execute(&mut *self.tables().lock().await).await?;
        self.gate.pass()
    }

    pub(crate) async fn commit(self) -> Result<(), ViewsError> {
        self.gate.pass()?;
        match self.connection {
            Connection::Own(db) => db.commit().await?,
            Connection::Shared(db) => run(&mut *db.lock().await, "COMMIT").await?,
        }
        self.gate.pass()
    }
}

/// The way to what the tables hold, for what is not in memory.
pub(crate) enum Tables<'a> {
    Own(&'a mut SqliteConnection),
    Shared(&'a Mutex<SqliteConnection>),
}

impl Tables<'_> {
    pub(crate) async fn lock(&mut self) -> Locked<'_> {
        match self {
            Self::Own(db) => Locked::Own(db),
            Self::Shared(db) => Locked::Shared(db.lock().await),
        }
    }
}

/// A connection, for one question.
pub(crate) enum Locked<'a> {
    Own(&'a mut SqliteConnection),
    Shared(MutexGuard<'a, SqliteConnection>),
}

impl Deref for Locked<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Own(db) => db,
            Self::Shared(db) => db,
        }
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Own(db) => db,
            Self::Shared(db) => db,
        }
    }
}
