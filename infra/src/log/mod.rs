//! The log engines, chosen by URL.

pub mod file;

use std::{path::Path, sync::Arc};

use socai_domain::ledger::EventLog;

pub use file::building;
pub use file::{FileLog, FileLogOptions, Known, OpenLogError, OpenReport};

/// An open log of whichever engine.
#[derive(Clone, Debug)]
pub enum Engine {
    /// On files.
    File(FileLog),
}

impl Engine {
    /// The log, as everything else sees it.
    pub fn events(&self) -> Arc<dyn EventLog> {
        match self {
            Self::File(log) => Arc::new(log.clone()),
        }
    }

    /// Ends the log in good order; the error says what was not done.
    pub async fn close(&self) -> Result<(), String> {
        match self {
            Self::File(log) => log.close().await,
        }
    }
}

/// Opens the log that the URL names: `file:DIR`.
pub fn open(url: &str, options: FileLogOptions) -> Result<Engine, OpenLogError> {
    let refuse = |hint| Err(OpenLogError::Url { url: url.to_owned(), hint });
    match url.split_once(':') {
        Some(("file", "")) => refuse("name the directory, as in file:/var/lib/socai/log"),
        Some(("file", dir)) => FileLog::open(Path::new(dir), options).map(Engine::File),
        Some(("kurrentdb", _)) => refuse("this build has no KurrentDB engine yet; use file:DIR"),
        _ => refuse("write file:DIR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn only_what_keeps_records_is_a_log() {
        for url in ["memory:", "file:", "kurrentdb://h", "/var/lib/socai", ""] {
            let error = open(url, FileLogOptions::new(Arc::new(SystemClock))).unwrap_err();
            assert!(matches!(error, OpenLogError::Url { .. }), "{url}: {error}");
            assert!(error.to_string().contains("file:"), "{error}");
        }
    }
}
