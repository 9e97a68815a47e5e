//! The program's parts, put together once: log, key ring, files, views, handler, reactions, follower.

use std::{io, sync::Arc, time::Duration};

use socai_commands::{CHECKPOINT, Checkpoints as _, CommandError, Handler, ReactionError, Reactions};
use socai_domain::{
    ledger::{EventLog, OpenError, Opener, Position, ReadError},
    time::Clock,
};
use socai_projections::{Follower, Views, ViewsError};
use thiserror::Error;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    blobs::{BlobError, BlobStore},
    config::Config,
    data::{DataError, DataLock},
    files::make_private,
    keyring::{MasterKey, SqliteKeyRing},
    keys::{self, KeysError},
    log::{self, Engine, FileLogOptions, OpenLogError},
    ports::{Erasure, FileCheckpoints},
};

/// Everything that runs on a data directory. Ready when opened: every step that was begun is taken, the views reflect all.
#[derive(Debug)]
pub struct App {
    /// Carries out commands.
    pub handler: Handler,
    /// The read models.
    pub views: Views,
    /// The files of documents.
    pub blobs: Arc<BlobStore>,
    store: Store,
    reactions: JoinHandle<Result<(), ReactionError>>,
    follower: JoinHandle<Result<(), ViewsError>>,
    stop: watch::Sender<bool>,
}

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
        let engine = tokio::task::spawn_blocking(move || log::open(&url, options)).await.map_err(stopped)??;
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

/// Why the program does not start, or does not go on.
#[derive(Debug, Error)]
pub enum AppError {
    /// The data directory.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// Reading the log.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The handler.
    #[error(transparent)]
    Handler(#[from] CommandError),
    /// The reactions.
    #[error(transparent)]
    Reactions(#[from] ReactionError),
    /// The views.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// A record.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A task ended that should not have.
    #[error("a part of the program stopped: {0}")]
    Stopped(String),
    /// Not all was put in order at the end; nothing acknowledged is lost.
    #[error("the end was not in order: {0}; nothing that was acknowledged is lost")]
    NotClosed(String),
    /// The network.
    #[error("{0}: {1}")]
    Network(String, io::Error),
}

/// How long the views may take to come to the log's end at shutdown; what is missing then is folded at the next start.
const LAST_FOLD: Duration = Duration::from_secs(10);

impl App {
    /// Opens what the configuration names and catches up. Nobody else may use the data directory meanwhile.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let store = Store::open(config, Arc::clone(&clock)).await?;
        let (events, opener) = (store.log(), store.opener.clone());
        let blobs = Arc::new(BlobStore::open(&config.blobs)?);
        let erasure = Erasure::new(Arc::clone(&blobs), Arc::clone(&events), opener.clone());
        let handler = Handler::start(Arc::clone(&events), opener.clone(), Arc::new(erasure), clock).await?;

        // What may fail comes before what runs by itself.
        make_private(&config.views).map_err(|source| DataError::Io { path: config.views.clone(), source })?;
        let views = Views::open(&config.views).await?;
        let checkpoints = Arc::new(FileCheckpoints::new(&config.data));
        let mut reactions = Reactions::start(handler.clone(), checkpoints).await?;
        reactions.catch_up().await?;
        let reactions = tokio::spawn(reactions.run());

        let (stop, mut stopping) = watch::channel(false);
        let shutdown = async move {
            // The sender lives as long as the app.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let follower = tokio::spawn(Follower::run(events, opener, views.clone(), shutdown));
        let mut app = Self { handler, views, blobs, store, reactions, follower, stop };
        match app.fold(None).await {
            Ok(()) => Ok(app),
            Err(error) => {
                // The first error is the one to tell.
                let _ = app.close().await;
                Err(error)
            }
        }
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        self.handler.log()
    }

    /// Waits until the views reflect all that is in the log now.
    pub async fn fold(&mut self, at_most: Option<Duration>) -> Result<(), AppError> {
        let head = self.log().head().await?;
        if head.records == 0 {
            return Ok(());
        }
        // Without a limit: as long as the follower lives.
        let timeout = at_most.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
        tokio::select! {
            reached = self.views.wait_for(head.position, timeout) => Ok(reached?),
            ended = &mut self.follower => Err(of_task(ended)),
        }
    }

    /// Waits until the views reflect all that is in the log now, without an eye on the parts of the program.
    pub async fn settle(&self) -> Result<(), AppError> {
        let head = self.log().head().await?;
        if head.records == 0 { Ok(()) } else { Ok(self.views.wait_for(head.position, LAST_FOLD).await?) }
    }

    /// Ready when a part of the program has failed and a person must look. The others go on until the app is closed.
    pub async fn failed(&mut self) -> AppError {
        tokio::select! {
            ended = &mut self.reactions => of_task(ended),
            ended = &mut self.follower => of_task(ended),
        }
    }

    /// Takes no new commands from now on.
    pub fn refuse_commands(&self) -> impl Future<Output = ()> + Send + 'static {
        let handler = self.handler.clone();
        async move { handler.close().await }
    }

    /// Finishes what was accepted, brings the views and checkpoints up to date, and marks the log as ended in good order.
    pub async fn close(mut self) -> Result<(), AppError> {
        self.handler.close().await;
        let mut wrong = Vec::new();
        if !self.reactions.is_finished()
            && let Err(error) = (&mut self.reactions).await.map_err(stopped).and_then(|ended| Ok(ended?))
        {
            wrong.push(error.to_string());
        }
        if !self.follower.is_finished() {
            if let Err(error) = self.fold(Some(LAST_FOLD)).await {
                tracing::warn!(%error, "the views are behind; the next start folds the rest");
            }
            self.stop.send_replace(true);
            if !self.follower.is_finished()
                && let Err(error) = (&mut self.follower).await.map_err(stopped).and_then(|ended| Ok(ended?))
            {
                wrong.push(error.to_string());
            }
        }
        self.views.close().await;
        if let Err(error) = self.store.close().await {
            wrong.push(error.to_string());
        }
        if wrong.is_empty() { Ok(()) } else { Err(AppError::NotClosed(wrong.join("; "))) }
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn stopped(error: tokio::task::JoinError) -> AppError {
    AppError::Stopped(error.to_string())
}

fn of_task<E: Into<AppError>>(ended: Result<Result<(), E>, tokio::task::JoinError>) -> AppError {
    match ended {
        Ok(Ok(())) => AppError::Stopped("it ended without being asked".into()),
        Ok(Err(error)) => error.into(),
        Err(error) => stopped(error),
    }
}

#[cfg(test)]
mod tests;
