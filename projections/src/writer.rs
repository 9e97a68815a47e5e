//! Writes rows inside one transaction, many to a statement. Every statement passes one gate, so that a test can stop
//! the program before and after each.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    db::{Begun, Connection, Db, Dialect, run},
    door::Door,
    error::ViewsError,
    out::Row,
    pg,
    sql::Source,
    table::Table,
    value::Value,
};

/// Rows in one statement: as many as there are of the first, then of the next. Each is prepared once and kept.
const BATCHES: [usize; 3] = [64, 8, 1];

/// So many rows are worth a `COPY`.
const COPIED: usize = 16;

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
enum Through {
    /// Nobody else has it.
    Own(Begun),
    /// Whoever folds on meanwhile reads through it, too, between two statements.
    Shared(Arc<Mutex<Connection>>),
}

/// An open transaction.
pub(crate) struct Writer {
    through: Through,
    dialect: Dialect,
    gate: Arc<dyn Gate>,
    /// Rows of a thing that an older version made may stand in places that this one does not know of.
    pub(crate) older: bool,
}

impl Writer {
    pub(crate) async fn begin(door: &Door, gate: Arc<dyn Gate>) -> Result<Self, ViewsError> {
        gate.pass()?;
        let (transaction, older) = (door.begin_writing().await?, door.is_older());
        let dialect = transaction.dialect();
        Ok(Self { through: Through::Own(transaction), dialect, gate, older })
    }

    /// On a connection that is given up when anything fails.
    pub(crate) async fn sharing(connection: Arc<Mutex<Connection>>, gate: Arc<dyn Gate>) -> Result<Self, ViewsError> {
        gate.pass()?;
        let mut db = connection.lock().await;
        begin(&mut db).await?;
        let dialect = db.dialect();
        drop(db);
        Ok(Self { through: Through::Shared(connection), dialect, gate, older: false })
    }

    /// What the tables hold, to be read.
    pub(crate) fn tables(&mut self) -> Tables<'_> {
        match &mut self.through {
            Through::Own(db) => Tables::Own(db),
            Through::Shared(db) => Tables::Shared(db),
        }
    }

    /// Which database it writes to.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// May rows be copied in? Not by who shares the tables with others who write: they make sure of every key.
    pub(crate) fn copies(&self) -> bool {
        self.dialect == Dialect::Postgres && matches!(self.through, Through::Shared(_))
    }

    /// New rows of one table, whose keys it does not have.
    pub(crate) async fn copy(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), ViewsError> {
        if rows.len() < COPIED {
            return self.upsert(table, rows).await;
        }
        self.gate.pass()?;
        if let Db::Postgres(db, patience) = Db::from(&mut self.tables().lock().await) {
            pg::copy(db, patience, table, &rows).await?;
        }
        self.gate.pass()
    }

    /// New and changed rows of one table, each key once.
    pub(crate) async fn upsert(&mut self, table: &'static Table, rows: Vec<Row>) -> Result<(), ViewsError> {
        if self.dialect == Dialect::Postgres {
            if rows.is_empty() {
                return Ok(());
            }
            self.gate.pass()?;
            if let Db::Postgres(db, patience) = Db::from(&mut self.tables().lock().await) {
                pg::upsert(db, patience, table, &rows).await?;
            }
            return self.gate.pass();
        }
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
        self.run(table.delete(key.len()).into(), key.to_vec()).await.map(drop)
    }

    /// Any statement.
    pub(crate) async fn run(&mut self, sql: Arc<str>, args: Vec<Value>) -> Result<u64, ViewsError> {
        self.gate.pass()?;
        let concerned = Db::from(&mut self.tables().lock().await).execute(sql, args).await?;
        self.gate.pass()?;
        Ok(concerned)
    }

    pub(crate) async fn commit(self) -> Result<(), ViewsError> {
        self.gate.pass()?;
        match self.through {
            Through::Own(db) => db.commit().await?,
            Through::Shared(db) => run(&mut *db.lock().await, "COMMIT").await?,
        }
        self.gate.pass()
    }
}

/// Begins a transaction that writes.
pub(crate) async fn begin(db: &mut Connection) -> Result<(), ViewsError> {
    let begin = match db.dialect() {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    run(db, begin).await
}

/// The way to what the tables hold, for what is not in memory.
pub(crate) enum Tables<'a> {
    Own(&'a mut Begun),
    Shared(&'a Mutex<Connection>),
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
    Own(&'a mut Begun),
    Shared(MutexGuard<'a, Connection>),
}

impl<'a> From<&'a mut Locked<'_>> for Db<'a> {
    fn from(locked: &'a mut Locked<'_>) -> Self {
        match locked {
            Locked::Own(db) => (&mut **db).into(),
            Locked::Shared(db) => (&mut **db).into(),
        }
    }
}

impl Source for Locked<'_> {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Own(db) => db.dialect(),
            Self::Shared(db) => db.dialect(),
        }
    }

    async fn ready(&mut self, _: &str) -> Result<Db<'_>, ViewsError> {
        Ok(self.into())
    }
}
