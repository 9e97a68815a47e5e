//! A log that is copied into, of whichever engine.

use std::{
    io,
    path::{Path, PathBuf},
};

use socai_domain::ledger::{LedgerId, RestoreError, SealedRecord};
use socai_kurrent::{KurrentOptions, KurrentRestore};

use super::{FileLogOptions, Known, OpenLogError, file::restoring::FileRestore, reading::Reading};

/// A log that is copied into.
#[derive(Debug)]
pub(crate) enum Restoring {
    /// Files, and their directory. Elsewhere while a thread writes to them.
    Files(PathBuf, Option<Box<FileRestore>>),
    Cluster(KurrentRestore),
}

impl Restoring {
    /// Opens what the URL names; where nothing is, it is begun with the ledger and the engine epoch of the options.
    pub(crate) async fn open(url: &str, ledger: LedgerId, options: FileLogOptions) -> Result<Self, OpenLogError> {
        let Some(dir) = super::directory(url)? else {
            let FileLogOptions { clock, epoch, .. } = options;
            let restore = KurrentRestore::open(url, ledger, epoch, KurrentOptions::new(clock)).await?;
            return Ok(Self::Cluster(restore));
        };
        let options = FileLogOptions { ledger: Some(ledger), ..options };
        let place = dir.clone();
        let opened = tokio::task::spawn_blocking(move || FileRestore::open(&dir, options)).await;
        let stopped = |error| OpenLogError::io("opening the log")(io::Error::other(error));
        Ok(Self::Files(place, Some(Box::new(opened.map_err(stopped)??))))
    }

    /// The directory, where it is one of files.
    pub(crate) fn files(&self) -> Option<&Path> {
        match self {
            Self::Files(dir, _) => Some(dir),
            Self::Cluster(_) => None,
        }
    }

    /// What it holds now.
    pub(crate) async fn reading(&self) -> Result<Reading, OpenLogError> {
        match self {
            Self::Files(dir, _) => Reading::files(dir, Known::default()).await,
            Self::Cluster(restore) => Reading::of(restore.log()).await,
        }
    }

    /// Takes the next records, durable when this returns.
    pub(crate) async fn take(&mut self, records: Vec<SealedRecord>) -> Result<(), RestoreError> {
        let files = match self {
            Self::Cluster(restore) => return restore.take(&records).await,
            Self::Files(_, files) => files,
        };
        let mut restore = files.take().ok_or_else(gone)?;
        let work = move || {
            let taken = restore.take(&records);
            (restore, taken)
        };
        let (restore, taken) = tokio::task::spawn_blocking(work).await.map_err(|_| gone())?;
        *files = Some(restore);
        taken
    }

    /// Ends it in good order; if it is `whole`, others may open it from now on.
    pub(crate) async fn end(self, whole: bool) -> Result<(), RestoreError> {
        match self {
            Self::Files(_, files) => {
                let restore = files.ok_or_else(gone)?;
                tokio::task::spawn_blocking(move || restore.end(whole)).await.map_err(|_| gone())?
            }
            Self::Cluster(restore) if whole => restore.complete().await,
            Self::Cluster(_) => Ok(()),
        }
    }
}

fn gone() -> RestoreError {
    RestoreError::Busy("the log's writer ended".into())
}
