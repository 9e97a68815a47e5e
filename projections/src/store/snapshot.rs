//! One state of the views, to read from.

use std::sync::Arc;

use socai_domain::ledger::Position;
use sqlx::{Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

use super::Views;
use crate::{
    error::ViewsError,
    replay::OnDemand,
    sql::{Source, Sql},
    value::Cells,
};

/// One state of the views, and the position of the log that it reflects.
#[derive(Debug)]
pub(crate) struct Snapshot {
    db: Reading,
    pub(crate) position: Option<Position>,
}

#[derive(Debug)]
enum Reading {
    /// Of views that go on meanwhile.
    Live(Transaction<'static, Sqlite>),
    /// Of a past moment: their one connection.
    Past(PoolConnection<Sqlite>, Arc<OnDemand>),
}

impl Snapshot {
    /// A transaction that has read the checkpoint.
    pub(crate) fn new(db: Transaction<'static, Sqlite>, position: Option<Position>) -> Self {
        Self { db: Reading::Live(db), position }
    }

    pub(crate) fn db(&mut self) -> &mut Self {
        self
    }

    /// The database itself, with what it holds by now.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.db {
            Reading::Live(db) => &mut *db,
            Reading::Past(db, _) => &mut *db,
        }
    }

    /// Gives the state up.
    pub(crate) async fn end(self) -> Result<(), ViewsError> {
        match self.db {
            Reading::Live(db) => Ok(db.rollback().await?),
            Reading::Past(..) => Ok(()),
        }
    }
}

impl Source for Snapshot {
    async fn ready(&mut self, text: &str) -> Result<&mut SqliteConnection, ViewsError> {
        match &mut self.db {
            Reading::Live(db) => Ok(&mut *db),
            Reading::Past(db, on_demand) => {
                on_demand.fill(db, text).await?;
                Ok(&mut *db)
            }
        }
    }
}

impl Views {
    /// A state to read from.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, ViewsError> {
        if let Some(on_demand) = &self.on_demand {
            let mut db = self.read.acquire().await?;
            let position = checkpoint(&mut *db).await?;
            return Ok(Snapshot { db: Reading::Past(db, Arc::clone(on_demand)), position });
        }
        let mut db = self.read.begin().await?;
        let position = checkpoint(&mut *db).await?;
        Ok(Snapshot { db: Reading::Live(db), position })
    }
}

/// The checkpoint as it is seen from here.
pub(crate) async fn checkpoint(db: &mut impl Source) -> Result<Option<Position>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT position FROM read_model ORDER BY name LIMIT 1");
    let Some(row) = sql.fetch_optional(db).await? else { return Ok(None) };
    let position: Option<String> = Cells::of(&row).next()?;
    let parse = |text: String| text.parse().map_err(|_| ViewsError::Damaged(format!("{text} is not a position")));
    position.map(parse).transpose()
}
