//! The log engines, chosen by URL.

pub mod file;
pub(crate) mod reading;
pub(crate) mod restoring;
pub(crate) mod walk;

use std::{io, path::PathBuf, sync::Arc};

use socai_domain::ledger::EventLog;
use socai_kurrent::{Address, KurrentLog, KurrentOptions, OpenKurrentError};

pub use file::building;
pub use file::{FileLog, FileLogOptions, Known, OpenLogError, OpenReport};

/// An open log of whichever engine.
#[derive(Clone, Debug)]
pub enum Engine {
    /// On files.
    File(FileLog),
    /// In a KurrentDB cluster.
    Kurrent(KurrentLog),
}

impl Engine {
    /// The log, as everything else sees it.
    pub fn events(&self) -> Arc<dyn EventLog> {
        match self {
            Self::File(log) => Arc::new(log.clone()),
            Self::Kurrent(log) => Arc::new(log.clone()),
        }
    }

    /// Ends the log in good order; the error says what was not done.
    pub async fn close(&self) -> Result<(), String> {
        match self {
            Self::File(log) => log.close().await,
            // What was acknowledged is with the cluster; there is nothing to end.
            Self::Kurrent(_) => Ok(()),
        }
    }
}

/// Opens the log that the URL names: `file:DIR` or `kurrentdb://HOST`. Of the options, those that are about files count for
/// files only.
pub async fn open(url: &str, options: FileLogOptions) -> Result<Engine, OpenLogError> {
    let Some(dir) = directory(url)? else { return open_kurrent(url, options).await.map(Engine::Kurrent) };
    let opening = tokio::task::spawn_blocking(move || FileLog::open(&dir, options)).await;
    let stopped = |error| OpenLogError::Io { what: "opening the log".into(), source: io::Error::other(error) };
    opening.map_err(stopped)?.map(Engine::File)
}

/// The directory of files that the URL names; none where it is a cluster's. Nothing is opened.
pub(crate) fn directory(url: &str) -> Result<Option<PathBuf>, OpenLogError> {
    // The rest may hold a password.
    let shown = url.split_once("://").map_or(url, |(scheme, _)| scheme);
    let refuse = |hint| Err(OpenLogError::Url { url: shown.to_owned(), hint });
    match url.split_once(':') {
        Some(("file", "")) => refuse("name the directory, as in file:/var/lib/socai/log"),
        Some(("file", dir)) => Ok(Some(PathBuf::from(dir))),
        Some((scheme, _)) if is_kurrent(scheme) => {
            url.parse::<Address>().map_err(OpenKurrentError::from)?;
            Ok(None)
        }
        _ => refuse("write file:DIR, or kurrentdb://HOST:2113?ledger=NAME"),
    }
}

/// Does this scheme name a KurrentDB cluster?
pub(crate) fn is_kurrent(scheme: &str) -> bool {
    matches!(scheme.trim_end_matches("+discover"), "kurrentdb" | "kurrent" | "kdb" | "esdb")
}

async fn open_kurrent(url: &str, options: FileLogOptions) -> Result<KurrentLog, OpenLogError> {
    let FileLogOptions { clock, create, known, .. } = options;
    let log = KurrentLog::open(url, KurrentOptions { create, ..KurrentOptions::new(clock) }).await?;
    let end = log.head().await.map_err(OpenKurrentError::from)?;
    known.check(end.position)?;
    // Positions of a cluster have gaps, so what was signed is compared by count.
    if known.told() > end.position.place() || known.signed > end.records {
        let (told, signed) = (known.told(), known.signed);
        return Err(OpenLogError::Ends { records: end.records, place: end.position.place(), told, signed });
    }
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn only_what_keeps_records_is_a_log() {
        for url in ["memory:", "file:", "/var/lib/socai", ""] {
            let error = open(url, FileLogOptions::new(Arc::new(SystemClock))).await.unwrap_err();
            assert!(matches!(error, OpenLogError::Url { .. }), "{url}: {error}");
            assert!(error.to_string().contains("file:"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_cluster_is_named_as_its_own_url_says() {
        for url in ["kurrentdb://", "esdb://h?shiny=1", "kurrentdb+discover://u:secret@h?ledger=A-b"] {
            let error = open(url, FileLogOptions::new(Arc::new(SystemClock))).await.unwrap_err();
            assert!(matches!(error, OpenLogError::Kurrent(_)), "{url}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
