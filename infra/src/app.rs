//! The program's parts, put together once: log, key ring, files, views, handler, reactions, follower, notary.

mod building;
mod engines;
mod error;
mod part;
mod servers;
#[cfg(test)]
mod simulated;
mod store;

use std::{sync::Arc, time::Duration};

use socai_commands::{Handler, ReactionError, Reactions};
use socai_domain::{
    ledger::{EventLog, Following, LedgerId},
    proof::SecretKey,
    time::Clock,
};
use socai_projections::{Follower, Rebuilder, Rebuilds, Views, ViewsError};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    blobs::BlobStore,
    config::Config,
    data::DataError,
    files::make_private,
    lease,
    log_key::{self, LogKey, LogKeyError},
    notary::{Notary, NotaryError, asking::Asking},
    ports::{Erasure, Sweep, claim},
    witness::Witness,
};
pub use building::Building;
pub use error::AppError;
use part::{Part, failed_often};
use servers::{Servers, reacting};
pub use store::Store;

/// Everything that runs on a data directory. Ready when opened: the views reflect all, and every step that was begun is taken, if
/// this server is the one that takes them.
#[derive(Debug)]
pub struct App {
    /// Carries out commands.
    pub handler: Handler,
    /// The read models.
    pub views: Views,
    /// The files of documents.
    pub blobs: Arc<BlobStore>,
    /// Signs heads of the tree over all records.
    pub notary: Notary,
    /// Cosigns the checkpoints of other logs, if it is told which.
    pub witness: Option<Witness>,
    store: Store,
    servers: Servers,
    reactions: Part<ReactionError>,
    follower: Part<ViewsError>,
    notarising: Part<NotaryError>,
    asking: Option<Part<NotaryError>>,
    rebuilds: Rebuilds,
    rebuilder: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

/// At the start it may take as long as it takes, if it goes on.
const FIRST_FOLD: Duration = Duration::from_hours(24 * 365);
/// How long views and notary may take to come to the log's end at shutdown; the next start does what is missing then.
const LAST_FOLD: Duration = Duration::from_secs(10);

impl App {
    /// Opens what the configuration names and catches up; views that cannot be read are built first. Nobody else may use the
    /// data directory meanwhile.
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        Self::start(config, clock, false).await?.caught_up().await
    }

    /// The same, but does not wait for views that are to be built first: until they are there, commands are carried out and
    /// nothing is shown. What is named on other machines may come up meanwhile: that is waited for a minute.
    pub async fn open_to_serve(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        engines::answer(config).await;
        let app = Self::start(config, clock, false).await?;
        if app.views.are_awaited() { Ok(app) } else { app.caught_up().await }
    }

    /// The same, whatever there is of views: they are built from nothing.
    pub async fn open_anew(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        Self::start(config, clock, true).await
    }

    async fn start(config: &Config, clock: Arc<dyn Clock>, anew: bool) -> Result<Self, AppError> {
        // Before a log is made whose records nobody could sign for.
        let key = LogKey::load(&config.log_key)?;
        let store = Store::open(config, Arc::clone(&clock)).await?;
        let (events, opener) = (store.log(), store.opener.clone());
        let servers = Servers::join(config, events.is_shared()).await?;
        if anew && servers.only_reads() {
            return Err(AppError::OnlyReads(config.views.clone()));
        }
        let notary = match servers.notary() {
            Some(at) => {
                let (at, clock) = (at.clone(), Arc::clone(&clock));
                let open = move |key, within, records| Notary::among_several(&at, key, within, records, clock);
                notary(config, &key, &*events, open).await?
            }
            None => open_notary(config, &key, &*events, Arc::clone(&clock)).await?,
        };
        let (telling, asked_how) = watch::channel(Following::default());
        let asking = config.witnesses.as_ref().map(|policy| {
            let between = Duration::from_secs(config.witness_pause.into());
            Asking::open(notary.clone(), policy, between, telling)
        });
        let asking = asking.transpose()?;
        let witness = open_witness(config, events.ledger(), Arc::clone(&clock)).await?;
        let blobs = Arc::new(BlobStore::open(&config.blobs)?.among(servers.files()));
        claim(&blobs, &*events).await?;
        let erasure = Erasure::new(Arc::clone(&blobs), Arc::clone(&events), opener.clone());
        let handler = Handler::start(Arc::clone(&events), opener.clone(), Arc::new(erasure), clock).await?;

        // What may fail comes before what runs by itself.
        if let Some(file) = config.views.path() {
            make_private(file).map_err(|source| DataError::Io { path: file.to_owned(), source })?;
        }
        let views = if anew {
            Views::awaited(&config.views)
        } else {
            Views::open_or_await(&config.views, events.head().await?.records).await?
        };
        let views = views.with_memory(config.views_memory()).with_copies(config.views_copies);
        let views = views.led_by(servers.lease(lease::Part::Views));
        let lease = servers.lease(lease::Part::Reactions);
        let mut reactions = Reactions::start(handler.clone(), servers.checkpoints(config)).await?;
        if lease.is_held() {
            let trying = reactions.state();
            tokio::select! {
                done = reactions.catch_up() => done?,
                () = lease.lost() => {}
                why = failed_often(trying) => return Err(AppError::Behind("reactions", why)),
            }
        }
        let state = reactions.state();
        let reactions =
            Part::new(state.clone(), servers.run(lease::Part::Reactions, state, reacting(reactions, lease)));

        let (stop, stopping) = watch::channel(false);
        let (state, following) = watch::channel(Following::default());
        let follower =
            Follower::run(Arc::clone(&events), opener.clone(), views.clone(), state, asked(stopping.clone()));
        let follower = Part::new(following.clone(), servers.run(lease::Part::Views, following, follower));
        let (rebuilder, rebuilds) = Rebuilder::new(views.clone(), opener);
        let rebuilder = tokio::spawn(rebuilder.run(events, asked(stopping.clone())));
        // Nobody waits for it: a record that no checkpoint covers yet has its promise.
        let (state, following) = watch::channel(Following::default());
        let lease = servers.lease(lease::Part::Notary);
        let notarising = notary.clone().run(handler.log().clone(), state, lease.clone(), asked(stopping.clone()));
        let notarising = Part::new(following.clone(), servers.run(lease::Part::Notary, following, notarising));
        let asking = asking.map(|asking| Part::new(asked_how, tokio::spawn(asking.run(lease, asked(stopping)))));
        Ok(Self {
            handler,
            views,
            blobs,
            notary,
            witness,
            store,
            servers,
            reactions,
            follower,
            notarising,
            asking,
            rebuilds,
            rebuilder,
            stop,
        })
    }

    async fn caught_up(mut self) -> Result<Self, AppError> {
        match self.fold(FIRST_FOLD).await {
            Ok(()) => Ok(self),
            Err(error) => {
                // The first error is the one to tell.
                let _ = self.close().await;
                Err(error)
            }
        }
    }

    /// Rebuilds of the views beside those in use, to be asked for.
    pub fn rebuilds(&self) -> &Rebuilds {
        &self.rebuilds
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        self.handler.log()
    }

    /// What removes files that no document has, for who serves: a program that runs once sweeps nothing.
    pub fn sweep(&self) -> Sweep {
        Sweep::new(Arc::clone(&self.blobs), Arc::clone(self.log()), self.store.opener.clone())
    }

    /// Waits until the views reflect all that is in the log now, if the follower lives.
    async fn fold(&mut self, at_most: Duration) -> Result<(), AppError> {
        let head = self.log().head().await?;
        if head.records == 0 {
            return Ok(());
        }
        let trying = self.follower.state();
        tokio::select! {
            reached = self.views.wait_for(head.position, at_most) => Ok(reached?),
            () = self.follower.end() => self.follower.outcome(false).await,
            why = failed_often(trying) => Err(AppError::Behind("views", why)),
        }
    }

    /// Waits until the views reflect all that is in the log now, without an eye on the parts of the program.
    pub async fn settle(&self) -> Result<(), AppError> {
        let head = self.log().head().await?;
        if head.records == 0 { Ok(()) } else { Ok(self.views.wait_for(head.position, LAST_FOLD).await?) }
    }

    /// Ready when a part of the program has panicked. The others go on until the app is closed. One that met damage has
    /// raised its alarm (see [`App::followers`]): commands go on without it, and the API shows nothing of views that stopped.
    pub async fn failed(&mut self) -> AppError {
        tokio::select! {
            error = self.reactions.panicked() => error,
            error = self.follower.panicked() => error,
            error = self.notarising.panicked() => error,
            error = panicked(self.asking.as_mut()) => error,
        }
    }

    /// How the views are doing.
    pub fn following(&self) -> watch::Receiver<Following> {
        self.follower.state()
    }

    /// Who follows the log, by name, and how they are doing.
    pub fn followers(&self) -> Vec<(&'static str, watch::Receiver<Following>)> {
        let asking = self.asking.as_ref().map(|asking| ("witnesses", asking.state()));
        let all =
            [("views", self.following()), ("reactions", self.reactions.state()), ("notary", self.notarising.state())];
        all.into_iter().chain(asking).collect()
    }

    /// Waits until a checkpoint covers all that is in the log now, where anything is signed.
    async fn sign_all(&self) -> Result<(), AppError> {
        let records = self.log().head().await?.records;
        if tokio::time::timeout(LAST_FOLD, self.notary.covers(records)).await.is_err() {
            tracing::warn!("the notary is behind; the next start signs the rest");
        }
        Ok(())
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
        if let Err(error) = self.reactions.outcome(true).await {
            wrong.push(error.to_string());
        }
        let folded = if self.views.are_awaited() { Ok(()) } else { self.fold(LAST_FOLD).await };
        match folded {
            Ok(()) => {}
            Err(AppError::Views(error @ ViewsError::NotYet(_))) => {
                tracing::warn!(%error, "the views are behind; the next start folds the rest");
            }
            Err(error) => wrong.push(error.to_string()),
        }
        if let Err(error) = self.sign_all().await {
            wrong.push(error.to_string());
        }
        self.stop.send_replace(true);
        for outcome in [self.follower.outcome(true).await, self.notarising.outcome(true).await] {
            if let Err(error) = outcome {
                wrong.push(error.to_string());
            }
        }
        if let Err(error) = self.rebuilder.await {
            wrong.push(error.to_string());
        }
        self.servers.leave().await;
        self.views.close().await;
        if let Err(error) = self.store.close().await {
            wrong.push(error.to_string());
        }
        if wrong.is_empty() { Ok(()) } else { Err(AppError::NotClosed(wrong.join("; "))) }
    }
}

/// Waits until a part panics that there need not be.
async fn panicked(part: Option<&mut Part<NotaryError>>) -> AppError {
    match part {
        Some(part) => part.panicked().await,
        None => std::future::pending().await,
    }
}

/// Ready when the app is told to stop.
async fn asked(mut stopping: watch::Receiver<bool>) {
    // The sender lives as long as the app.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// The notary of this log, which nobody else has.
pub async fn open_notary(
    config: &Config,
    key: &LogKey,
    log: &dyn EventLog,
    clock: Arc<dyn Clock>,
) -> Result<Notary, AppError> {
    let at = config.notary.clone();
    notary(config, key, log, move |key, within, records| Notary::open(at, key, within, records, clock)).await
}

/// A notary, opened with the log's named key, the longest time until a checkpoint, and how many records the log has.
async fn notary(
    config: &Config,
    key: &LogKey,
    log: &dyn EventLog,
    open: impl FnOnce(SecretKey, u32, u64) -> Result<Notary, NotaryError> + Send + 'static,
) -> Result<Notary, AppError> {
    let origin = log_key::origin(&config.origin, log.ledger()).map_err(LogKeyError::from)?;
    let (key, within, records) = (key.named(origin), config.merge_delay, log.head().await?.records);
    Ok(tokio::task::spawn_blocking(move || open(key, within, records)).await.map_err(stopped)??)
}

/// The witness of other logs, if any are to be watched.
async fn open_witness(config: &Config, ledger: LedgerId, clock: Arc<dyn Clock>) -> Result<Option<Witness>, AppError> {
    let Some(logs) = config.witness_for.clone() else { return Ok(None) };
    let key = LogKey::load(&config.witness_key)?;
    let key = key.of_witness(log_key::origin(&config.witness_name, ledger).map_err(LogKeyError::from)?);
    let dir = config.witness.clone();
    let open = move || Witness::open(&dir, &logs, key, clock);
    Ok(Some(tokio::task::spawn_blocking(open).await.map_err(stopped)??))
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn stopped(error: tokio::task::JoinError) -> AppError {
    AppError::Stopped(error.to_string())
}

#[cfg(test)]
mod tests;
