//! One state of the views, to read from.

use std::sync::Arc;

use socai_domain::ledger::Position;

use super::Views;
use crate::{
    db::{Begun, Db, Dialect, Pooled},
    error::ViewsError,
    replay::OnDemand,
    sql::{Source, Sql},
    value::Cells,
};

/// One state of the views for several statements, and the position of the log that it reflects.
#[derive(Debug)]
pub(crate) struct Snapshot {
    db: Reading,
    pub(crate) position: Option<Position>,
}

/// To read from.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Views that go on meanwhile: each statement sees one state of them.
    Going(Pooled),
    /// One state of those.
    Live(Begun),
    /// Views of a past moment: their one connection.
    Past(Pooled, Arc<OnDemand>),
}

impl Reading {
    fn connection(&mut self) -> Db<'_> {
        match self {
            Self::Going(db) | Self::Past(db, _) => db.into(),
            Self::Live(db) => db.into(),
        }
    }
}

impl Source for Reading {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Going(db) | Self::Past(db, _) => db.dialect(),
            Self::Live(db) => db.dialect(),
        }
    }

    async fn ready(&mut self, text: &str) -> Result<Db<'_>, ViewsError> {
        if let Self::Past(db, on_demand) = self {
            on_demand.fill(db.sqlite()?, text).await?;
        }
        Ok(self.connection())
    }
}

impl Snapshot {
    /// A transaction that has read the checkpoint.
    pub(crate) fn new(db: Begun, position: Option<Position>) -> Self {
        Self { db: Reading::Live(db), position }
    }

    pub(crate) fn db(&mut self) -> &mut Self {
        self
    }

    /// The database itself, with what it holds by now.
    pub(crate) fn connection(&mut self) -> Db<'_> {
        self.db.connection()
    }

    /// The same, where its position is not asked for.
    pub(crate) fn into_reading(self) -> Reading {
        self.db
    }

    /// Gives the state up.
    pub(crate) async fn end(self) -> Result<(), ViewsError> {
        match self.db {
            Reading::Live(db) => Ok(db.rollback().await?),
            Reading::Going(_) | Reading::Past(..) => Ok(()),
        }
    }
}

impl Source for Snapshot {
    fn dialect(&self) -> Dialect {
        self.db.dialect()
    }

    async fn ready(&mut self, text: &str) -> Result<Db<'_>, ViewsError> {
        self.db.ready(text).await
    }
}

impl Views {
    /// To read with one statement, without the cost of a transaction. [`POSITION`] tells which state it saw.
    pub(crate) async fn reading(&self) -> Result<Reading, ViewsError> {
        let db = self.read.acquire().await?;
        Ok(match &self.on_demand {
            Some(on_demand) => Reading::Past(db, Arc::clone(on_demand)),
            None => Reading::Going(db),
        })
    }

    /// A state to read from with several statements.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, ViewsError> {
        if let Some(on_demand) = &self.on_demand {
            let mut db = self.read.acquire().await?;
            let position = checkpoint(&mut db).await?;
            return Ok(Snapshot { db: Reading::Past(db, Arc::clone(on_demand)), position });
        }
        let mut db = self.read.begin_reading().await?;
        let position = checkpoint(&mut db).await?;
        Ok(Snapshot { db: Reading::Live(db), position })
    }
}

/// The checkpoint, as a query: read it with [`position`].
pub(crate) const POSITION: &str = "SELECT position FROM read_model ORDER BY name LIMIT 1";

/// Reads [`POSITION`].
pub(crate) fn position(cells: &mut Cells<'_>) -> Result<Option<Position>, ViewsError> {
    let position: Option<String> = cells.next()?;
    let parse = |text: String| text.parse().map_err(|_| ViewsError::Damaged(format!("{text} is not a position")));
    position.map(parse).transpose()
}

/// The checkpoint as it is seen from here.
pub(crate) async fn checkpoint(db: &mut impl Source) -> Result<Option<Position>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push(POSITION);
    Ok(sql.read_optional(db, position).await?.flatten())
}
