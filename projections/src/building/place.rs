//! Where views are, and where one build of them is: files beside each other, or schemas of one database.

use std::path::{Path, PathBuf};

use socai_domain::ledger::Position;
use sqlx::{
    ConnectOptions as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    files::{self, Files},
    schemas::{Schema, Schemas},
};
use crate::{
    copies::Copies,
    db::Connection,
    error::ViewsError,
    store::{BUSY, Views},
};

/// The place of the views.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Files(Files),
    Schemas(Schemas),
}

/// One build of them.
#[derive(Clone, Debug)]
pub(crate) enum Build {
    File(PathBuf),
    Schema(Schema),
}

impl Place {
    /// A build that was begun and did not come to its place yet.
    pub(crate) async fn begun(&self) -> Result<Option<Build>, ViewsError> {
        Ok(match self {
            Self::Files(files) => files.begun()?.map(Build::File),
            Self::Schemas(schemas) => schemas.begun().await?.map(Build::Schema),
        })
    }

    /// Makes a new one, empty.
    pub(super) async fn begin(&self) -> Result<Build, ViewsError> {
        Ok(match self {
            Self::Files(files) => Build::File(files.begin()?),
            Self::Schemas(schemas) => Build::Schema(schemas.begin().await?),
        })
    }

    /// Makes the empty one that is compared with it.
    pub(super) async fn begin_check(&self) -> Result<Build, ViewsError> {
        Ok(match self {
            Self::Files(files) => Build::File(files.begin_check()?),
            Self::Schemas(schemas) => Build::Schema(schemas.begin_check().await?),
        })
    }

    /// Puts one in the place of the one in use, if there is one that is shown: `over` it, if that is no further than there.
    pub(super) async fn put(&self, build: &Build, over: Option<Position>) -> Result<(), ViewsError> {
        match (self, build) {
            (Self::Files(files), Build::File(path)) => Ok(files.put(path)?),
            (Self::Schemas(schemas), Build::Schema(schema)) => match over {
                Some(at) => schemas.put_over(schema, i64::try_from(at.place()).unwrap_or(i64::MAX)).await,
                None => schemas.put(schema).await,
            },
            _ => Err(ViewsError::Damaged(format!("{build:?} is not of {self:?}"))),
        }
    }

    /// Removes what an interrupted rebuild left behind, but for the newest one that was begun.
    pub(crate) async fn tidy(&self) -> Result<(), ViewsError> {
        match self {
            Self::Files(files) => Ok(files.tidy()?),
            Self::Schemas(schemas) => schemas.tidy().await,
        }
    }

    /// Keeps other programs from building here, for as long as this is held; who has the lease `evicts` who had it before.
    /// Files have one program only.
    pub(super) async fn alone(&self, evicts: bool) -> Result<Option<Connection>, ViewsError> {
        match self {
            Self::Files(_) => Ok(None),
            Self::Schemas(schemas) => schemas.building(evicts).await.map(Some),
        }
    }

    /// The file in use, where there are files.
    pub(crate) fn file(&self) -> Result<Option<PathBuf>, ViewsError> {
        match self {
            Self::Files(files) => Ok(Some(files.in_use()?)),
            Self::Schemas(_) => Ok(None),
        }
    }
}

impl Build {
    /// As views.
    pub(super) async fn views(&self) -> Result<Views, ViewsError> {
        match self {
            Self::File(path) => Views::in_file(path).await,
            Self::Schema(schema) => Views::in_schema(schema, None).await,
        }
    }

    /// One connection that fills it. A file keeps so many bytes of its pages in memory.
    pub(super) async fn connect(&self, pages: usize) -> Result<Connection, ViewsError> {
        let path = match self {
            Self::File(path) => path,
            Self::Schema(schema) => return schema.connect().await,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY)
            // Pages are added at the end: the journal stays small, and each is written once.
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("secure_delete", "ON")
            .pragma("cache_size", format!("-{}", pages >> 10));
        Ok(Connection::Sqlite(options.connect().await?))
    }

    /// The file, and the copies of earlier positions that belong to it.
    pub(super) fn copies(&self, most: u64) -> Option<(&Path, Copies)> {
        match self {
            Self::File(path) => Some((path, Copies::of(path, most))),
            Self::Schema(_) => None,
        }
    }

    /// Removes it. Nobody has it open, or will again.
    pub(super) async fn remove(&self) -> Result<(), ViewsError> {
        match self {
            Self::File(path) => Ok(files::remove(path)?),
            Self::Schema(schema) => schema.remove().await,
        }
    }

    /// The same for one that holds what was erased: a file is first overwritten where it stands.
    pub(super) async fn wipe(&self) -> Result<(), ViewsError> {
        match self {
            Self::File(path) => {
                let path = path.clone();
                let wiped = tokio::task::spawn_blocking(move || files::wipe(&path)).await;
                Ok(wiped.map_err(std::io::Error::other)??)
            }
            Self::Schema(schema) => schema.remove().await,
        }
    }
}
