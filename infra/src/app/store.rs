//! The ledger of a data directory, opened alone: what everything else stands on.

use std::{path::PathBuf, sync::Arc};

use socai_commands::CHECKPOINT;
use socai_domain::{
    ledger::{EventLog, Opener},
    time::Clock,
};

use super::{AppError, stopped};
use crate::{
    config::Config,
    data::DataLock,
    keyring::{MasterKey, Ring},
    keys::{self, KeysError},
    known,
    log::{self, Engine, FileLogOptions, Known, OpenLogError},
};

/// The ledger of a data directory with its keys, and nobody else in the directory.
#[derive(Debug)]
pub struct Store {
    /// Opens records.
    pub opener: Opener,
    engine: Engine,
    ring: Ring,
    _lock: DataLock,
}

impl Store {
    /// Opens what the configuration names.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let lock = DataLock::take(&config.data)?;
        // Before a log is made that nothing could be written to.
        MasterKey::load(&config.master_key).map_err(KeysError::from)?;
        // What they name was durable: a log that ends before it was damaged, not torn, and is not begun anew.
        let told = config.clone();
        let known = tokio::task::spawn_blocking(move || known(&told)).await.map_err(stopped)?;
        let known = known.map_err(AppError::Known)?;
        let options = FileLogOptions {
            segment_size: config.segment_mib << 20,
            create: known == Known::default(),
            known,
            ..FileLogOptions::new(clock)
        };
        let engine = log::open(&config.log, options).await.map_err(|source| match source {
            OpenLogError::Short { .. }
            | OpenLogError::Ends { .. }
            | OpenLogError::OtherLog { .. }
            | OpenLogError::Missing(_)
                if known != Known::default() =>
            {
                let checkpoint = config.data.join(format!("{CHECKPOINT}.checkpoint")).into();
                let (views, notary) = (PathBuf::from(config.views.to_string()).into(), config.notary.clone().into());
                match source {
                    OpenLogError::OtherLog { found, wanted } if found.ledger() == wanted.ledger() => {
                        AppError::Copied { source, checkpoint, views, notary }
                    }
                    source => AppError::NotThisLog { source, checkpoint, views, notary },
                }
            }
            source => source.into(),
        })?;
        let events = engine.events();
        let records = events.head().await?.records;
        let ring = match keys::open_ring_of(config, events.ledger(), records).await {
            Ok(ring) => ring,
            Err(error) => {
                // The first error is the one to tell.
                let _ = engine.close().await;
                return Err(error.into());
            }
        };
        let opener = Opener::new(ring.keys());
        Ok(Self { opener, engine, ring, _lock: lock })
    }

    /// The log.
    pub fn log(&self) -> Arc<dyn EventLog> {
        self.engine.events()
    }

    /// Marks the log as ended in good order and closes the key ring.
    pub async fn close(self) -> Result<(), AppError> {
        let log = self.engine.close().await.map_err(AppError::NotClosed);
        log.and(self.ring.close().await.map_err(|error| AppError::NotClosed(error.to_string())))
    }
}
