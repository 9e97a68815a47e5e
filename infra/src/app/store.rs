//! The ledger of a data directory, opened alone: what everything else stands on.

use std::sync::Arc;

use socai_commands::{CHECKPOINT, Checkpoints as _, ReactionError};
use socai_domain::{
    ledger::{EventLog, Opener, Position},
    time::Clock,
};

use super::{AppError, stopped};
use crate::{
    config::Config,
    data::DataLock,
    keyring::{MasterKey, SqliteKeyRing},
    keys::{self, KeysError},
    log::{self, Engine, FileLogOptions, OpenLogError},
    ports::FileCheckpoints,
};

/// The ledger of a data directory with its keys, and nobody else in the directory.
#[derive(Debug)]
pub struct Store {
    /// Opens records.
    pub opener: Opener,
    engine: Engine,
    ring: SqliteKeyRing,
    _lock: DataLock,
}

impl Store {
    /// Opens what the configuration names.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let lock = DataLock::take(&config.data)?;
        // Before a log is made that nothing could be written to.
        MasterKey::load(&config.master_key).map_err(KeysError::from)?;
        // What the checkpoint names was durable: a log that ends before it was damaged, not torn, and is not begun anew.
        let known = FileCheckpoints::new(&config.data).load(CHECKPOINT).await.map_err(ReactionError::from)?;
        let options = FileLogOptions {
            segment_size: config.segment_mib << 20,
            create: known.is_none(),
            ledger: known.map(Position::ledger),
            at_least: known.map(Position::place),
            ..FileLogOptions::new(clock)
        };
        let url = config.log.clone();
        let engine = tokio::task::spawn_blocking(move || log::open(&url, options)).await.map_err(stopped)?;
        let engine = engine.map_err(|source| match source {
            OpenLogError::Short { .. } | OpenLogError::OtherLedger { .. } | OpenLogError::Missing(_)
                if known.is_some() =>
            {
                let checkpoint = config.data.join(format!("{CHECKPOINT}.checkpoint"));
                AppError::NotThisLog { source, checkpoint, views: config.views.clone() }
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
        let opener = Opener::new(Arc::new(ring.clone()));
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
