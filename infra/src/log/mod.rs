//! The log engines, chosen by URL.

pub mod file;

use std::{path::Path, sync::Arc};

use socai_domain::{
    ledger::{EventLog, LedgerId, memory::MemoryLog},
    time::Clock,
};

pub use file::{FileLog, FileLogOptions, OpenLogError, OpenReport};

/// An open log of either engine.
#[derive(Clone, Debug)]
pub enum Engine {
    /// On files.
    File(FileLog),
    /// In memory, gone with the process.
    Memory(MemoryLog),
}

impl Engine {
    /// The log, as everything else sees it.
    pub fn events(&self) -> Arc<dyn EventLog> {
        match self {
            Self::File(log) => Arc::new(log.clone()),
            Self::Memory(log) => Arc::new(log.clone()),
        }
    }

    /// Ends the log in good order; the error says what was not done.
    pub async fn close(&self) -> Result<(), String> {
        match self {
            Self::File(log) => log.close().await,
            Self::Memory(_) => Ok(()),
        }
    }
}

/// Opens the log that the URL names: `file:DIR` or `memory:`.
pub fn open(url: &str, options: FileLogOptions) -> Result<Engine, OpenLogError> {
    let refuse = |hint| Err(OpenLogError::Url { url: url.to_owned(), hint });
    match url.split_once(':') {
        Some(("file", "")) => refuse("name the directory, as in file:/var/lib/socai/log"),
        Some(("file", dir)) => FileLog::open(Path::new(dir), options).map(Engine::File),
        Some(("memory", "")) => Ok(Engine::Memory(memory(options.ledger, options.clock)?)),
        Some(("kurrentdb", _)) => refuse("this build has no KurrentDB engine yet; use file:DIR"),
        _ => refuse("write file:DIR or memory:"),
    }
}

fn memory(ledger: Option<LedgerId>, clock: Arc<dyn Clock>) -> Result<MemoryLog, OpenLogError> {
    let ledger = match ledger {
        Some(ledger) => ledger,
        None => LedgerId(file::random().map_err(OpenLogError::io("asking the system for random bytes"))?),
    };
    Ok(MemoryLog::new(ledger, clock))
}
