//! A ledger that is built as a whole, for samples and measurements: through the same handler and reactions as any other, but
//! nothing of it is on the disk for sure before [`Building::finish`]. Until then no program opens it.

use std::sync::Arc;

use futures::future::try_join_all;
use socai_commands::{Blobs, Handler, Reactions};
use socai_domain::{
    ledger::{Opener, Revision, StreamId},
    time::Clock,
};

use super::AppError;
use crate::{
    blobs::{BlobStore, Place},
    config::Config,
    data::DataLock,
    keyring::{MasterKey, SqliteKeyRing},
    keys::KeysError,
    log::{FileLog, FileLogOptions, Known, building},
    log_key::LogKey,
    ports::FileCheckpoints,
    verify::{Progress, VerifyReport, verify},
};

/// A ledger in the making. Views are built when it is finished: see `socai_projections::Views::rebuild`.
#[derive(Debug)]
pub struct Building {
    /// Carries out commands.
    pub handler: Handler,
    /// The files of documents.
    pub blobs: Arc<BlobStore>,
    config: Config,
    log: FileLog,
    ring: SqliteKeyRing,
    _lock: DataLock,
}

impl Building {
    /// Begins one where the configuration says, with the keys that are there and nothing else. `blobs` makes what removes
    /// the files of erased documents.
    pub async fn begin(
        config: &Config,
        clock: Arc<dyn Clock>,
        blobs: impl FnOnce(Arc<BlobStore>) -> Arc<dyn Blobs>,
    ) -> Result<Self, AppError> {
        let lock = DataLock::take(&config.data)?;
        // Before a log is made whose records nobody could sign for.
        let key = LogKey::load(&config.log_key)?;
        let master = MasterKey::load(&config.master_key).map_err(KeysError::from)?;
        let directory =
            config.log_directory().ok_or_else(|| not_built("a ledger is built in files: --log file:DIR"))?;
        if let Place::S3(_) = config.blobs {
            return Err(not_built("a ledger is built with its files in a directory: --blobs DIR"));
        }
        let options =
            FileLogOptions { segment_size: config.segment_mib << 20, ..FileLogOptions::new(Arc::clone(&clock)) };
        let log = tokio::task::spawn_blocking(move || FileLog::build(&directory, options)).await;
        let log = log.map_err(super::stopped)??;
        // Begun before the first record: whoever opens the ledger later finds nothing lost, and its notary catches up.
        super::open_notary(config, &key, &log, Arc::clone(&clock)).await?;
        let ring = SqliteKeyRing::build(ring_file(config)?, master).await.map_err(KeysError::from)?;
        ring.bind(socai_domain::ledger::EventLog::ledger(&log)).await.map_err(KeysError::from)?;
        let store = Arc::new(BlobStore::open(&config.blobs)?);
        let (events, opener) = (Arc::new(log.clone()), Opener::new(Arc::new(ring.clone())));
        let handler = Handler::start(events, opener, blobs(Arc::clone(&store)), clock).await?;
        Ok(Self { handler, blobs: store, config: config.clone(), log, ring, _lock: lock })
    }

    /// Makes the keys of these new streams at once.
    pub async fn make_keys(&self, streams: impl IntoIterator<Item = StreamId>) -> Result<(), AppError> {
        let ring = self.handler.opener().ring();
        let keys = streams.into_iter().map(|stream| ring.sealing(stream, Revision::FIRST));
        try_join_all(keys).await.map_err(KeysError::from)?;
        Ok(())
    }

    /// Takes every step that was begun and not finished, as the program does when it starts. To be called now and then: what
    /// was written lately is still in memory.
    pub async fn react(&self) -> Result<(), AppError> {
        let checkpoints = Arc::new(FileCheckpoints::new(&self.config.data));
        let mut reactions = Reactions::start(self.handler.clone(), checkpoints).await?;
        Ok(reactions.catch_up().await?)
    }

    /// Brings all of it to the disk, checks it, and lets others open it. What goes wrong leaves it unfinished.
    pub async fn finish(self, on_progress: impl FnMut(Progress) + Send + 'static) -> Result<VerifyReport, AppError> {
        self.handler.close().await;
        let directory = self.config.log_directory().ok_or_else(|| not_built("the log is not in files"))?;
        self.log.close().await.map_err(not_built)?;
        let keys = self.ring.complete(ring_file(&self.config)?).await.map_err(KeysError::from)?;
        let check = move || -> Result<VerifyReport, AppError> {
            let io = |error: std::io::Error| not_built(format!("{}: {error}", directory.display()));
            building::sync_all(&directory).map_err(io)?;
            let report = verify(&directory, None, Known::default(), on_progress)
                .map_err(|fault| not_built(fault.to_string()))?;
            if report.streams as u64 != keys {
                return Err(not_built(format!("{} streams have {keys} keys", report.streams)));
            }
            building::complete(&directory).map_err(io)?;
            Ok(report)
        };
        tokio::task::spawn_blocking(check).await.map_err(super::stopped)?
    }
}

fn ring_file(config: &Config) -> Result<&std::path::Path, AppError> {
    config.key_ring.path().ok_or_else(|| not_built("a ledger is built with its key ring in a file: --key-ring FILE"))
}

fn not_built(why: impl Into<String>) -> AppError {
    AppError::NotBuilt(why.into())
}
