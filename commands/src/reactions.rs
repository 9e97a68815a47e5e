//! The reactions: follow the log and take every next step that whoever carried out the command did not live to take.

use std::{sync::Arc, time::Duration};

use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use socai_domain::{
    decide::Meta,
    id::CorrelationId,
    incoming,
    ledger::{Followed, Following, OpenError, Opened, Position, ReadError, Recorded, following::wait_after},
    process::{self, Step},
};
use thiserror::Error;
use tokio::{sync::watch, time::Instant};

use crate::{CommandError, Handler, gate::Pass};

/// The name of the reactions' checkpoint.
pub const CHECKPOINT: &str = "reactions";

/// How many streams' steps are taken at once.
const CONCURRENT: usize = 64;
/// How long the checkpoint may lag behind. What is looked at again after a crash does nothing the second time.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// A checkpoint could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("checkpoint {name}: {why}")]
pub struct CheckpointError {
    /// Whose.
    pub name: String,
    /// What is in the way.
    pub why: String,
}

/// Keeps, for each follower of the log, the position up to which it has done its work.
pub trait Checkpoints: Send + Sync + 'static {
    /// The position; none before the first.
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Position>, CheckpointError>>;

    /// Replaces the position, all or nothing; durable when this answers.
    fn save<'a>(&'a self, name: &'a str, position: Position) -> BoxFuture<'a, Result<(), CheckpointError>>;
}

/// Why the reactions cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReactionError {
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log.
    #[error("the reactions cannot follow the log: {0}")]
    Log(#[from] ReadError),
    /// A record.
    #[error("the reactions cannot read a record: {0}")]
    Record(#[from] OpenError),
    /// A step.
    #[error("the reactions cannot take a step: {0}")]
    Step(#[from] CommandError),
}

impl ReactionError {
    /// May it pass by itself? If not, a person must act.
    fn may_pass(&self) -> bool {
        match self {
            Self::Checkpoint(_) => true,
            Self::Log(error) => error.may_pass(),
            Self::Record(error) => error.may_pass(),
            Self::Step(error) => matches!(error, CommandError::Busy(_) | CommandError::Unknown(_)),
        }
    }
}

/// Why the reactions ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The handler closes.
    Closed,
    /// It was over, as was asked.
    Over,
}

/// Follows the log and takes the next steps. Each record is looked at at least once; a step taken before is not taken again.
pub struct Reactions {
    handler: Handler,
    checkpoints: Arc<dyn Checkpoints>,
    /// Every step of the records up to here was taken.
    after: Option<Position>,
    /// None while they rest.
    followed: Option<BoxStream<'static, Result<Followed, ReadError>>>,
    saved: Option<Position>,
    /// When the checkpoint is to be saved again, if it is behind.
    save_at: Instant,
    state: Arc<watch::Sender<Following>>,
    /// In a row, of following and taking steps; and of saving.
    failures: u32,
    not_saved: u32,
}

impl std::fmt::Debug for Reactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactions").field("after", &self.after).finish_non_exhaustive()
    }
}

impl Reactions {
    /// From where the checkpoint stands. Takes no step yet.
    pub async fn start(handler: Handler, checkpoints: Arc<dyn Checkpoints>) -> Result<Self, ReactionError> {
        let after = checkpoints.load(CHECKPOINT).await?;
        let followed = Some(handler.log().follow(after));
        let (save_at, state) = (Instant::now(), Arc::new(watch::Sender::default()));
        Ok(Self { handler, checkpoints, after, followed, saved: after, save_at, state, failures: 0, not_saved: 0 })
    }

    /// How they are doing, from now on.
    pub fn state(&self) -> watch::Receiver<Following> {
        self.state.subscribe()
    }

    /// Works through all that is in the log now. To be called before the program serves. What may pass is tried again.
    ///
    /// # Errors
    /// What does not pass by itself.
    pub async fn catch_up(&mut self) -> Result<(), ReactionError> {
        while !self.turn().await? {}
        self.save().await;
        Ok(())
    }

    /// Goes on as the log grows, until the handler closes (`Ok`) or a person must look. What may pass is tried again, for
    /// as long as it takes.
    pub async fn run(mut self) -> Result<(), ReactionError> {
        self.run_until(std::future::pending()).await.map(drop)
    }

    /// The same, also until it is `over`.
    pub async fn run_until(&mut self, over: impl Future<Output = ()> + Send) -> Result<Ended, ReactionError> {
        let gate = self.handler.0.gate.clone();
        let mut over = std::pin::pin!(over);
        let ended = loop {
            let turn = tokio::select! {
                turn = self.turn() => turn,
                // What was not finished is done again after the next start.
                () = gate.closing() => break Ended::Closed,
                () = &mut over => break Ended::Over,
            };
            match turn {
                Ok(_) => {}
                Err(ReactionError::Step(CommandError::Closed)) => break Ended::Closed,
                Err(error) => return Err(error),
            }
        };
        if let Some(after) = self.after.filter(|_| self.saved != self.after) {
            match (self.checkpoints.save(CHECKPOINT, after).await, ended) {
                (Err(error), Ended::Closed) => return Err(error.into()),
                (Err(error), Ended::Over) => tracing::debug!(%error, "the next one looks at some records once more"),
                (Ok(()), _) => self.saved = self.after,
            }
        }
        Ok(ended)
    }

    /// Takes no steps until it is `over`, since another server does; then they go on from where that one came to.
    pub async fn rest_until(&mut self, over: impl Future<Output = ()> + Send) -> Ended {
        self.followed = None;
        (self.failures, self.not_saved) = (0, 0);
        self.well();
        let gate = self.handler.0.gate.clone();
        tokio::select! {
            () = gate.closing() => Ended::Closed,
            () = over => Ended::Over,
        }
    }

    /// The position up to which every step was taken.
    pub fn position(&self) -> Option<Position> {
        self.after
    }

    /// Takes the steps of the next records, or saves the checkpoint, or waits after a failure. True when all that was in
    /// the log at the start is done.
    async fn turn(&mut self) -> Result<bool, ReactionError> {
        // Put back when its records are done. Whoever drops this turn has begun with some of them: it is begun again from the
        // checkpoint then.
        let mut followed = match self.followed.take() {
            Some(followed) => followed,
            None => match self.checkpoints.load(CHECKPOINT).await {
                Ok(after) => {
                    (self.after, self.saved) = (after, after);
                    self.handler.log().follow(after)
                }
                Err(error) => return self.again(error.into()).await,
            },
        };
        let next = tokio::select! {
            next = followed.next() => next,
            () = tokio::time::sleep_until(self.save_at), if self.saved != self.after => {
                self.followed = Some(followed);
                self.save().await;
                return Ok(false);
            }
        };
        let taken = match next.unwrap_or_else(|| Err(ReadError::Busy("the log cannot be followed".into()))) {
            Ok(Followed::CaughtUp) => Ok(true),
            Ok(Followed::Records(records)) => self.take(&records).await.map(|()| false),
            Err(error) => Err(error.into()),
        };
        match taken {
            Ok(caught_up) => {
                self.followed = Some(followed);
                self.failures = 0;
                self.well();
                Ok(caught_up)
            }
            Err(error) if error.may_pass() => {
                let again = self.again(error).await;
                // From the records that were not finished: steps that were taken are not taken again.
                self.followed = Some(self.handler.log().follow(self.after));
                again
            }
            Err(ReactionError::Step(CommandError::Closed)) => Err(CommandError::Closed.into()),
            Err(error) => {
                self.tell(Following::Stopped(error.to_string()));
                Err(error)
            }
        }
    }

    /// What may pass is waited for.
    async fn again(&mut self, error: ReactionError) -> Result<bool, ReactionError> {
        self.failures += 1;
        self.tell(Following::Retrying(error.to_string()));
        tokio::time::sleep(wait_after(self.failures)).await;
        Ok(false)
    }

    async fn take(&mut self, records: &[Recorded]) -> Result<(), ReactionError> {
        react(&self.handler, records).await?;
        if let Some(last) = records.last() {
            self.after = Some(last.position);
        }
        // A log that never rests must not keep it from being saved.
        if Instant::now() >= self.save_at {
            self.save().await;
        }
        Ok(())
    }

    /// Saves the checkpoint if it is behind. Steps are taken meanwhile even if it cannot be.
    async fn save(&mut self) {
        let Some(after) = self.after.filter(|_| self.saved != self.after) else { return };
        match self.checkpoints.save(CHECKPOINT, after).await {
            Ok(()) => {
                (self.saved, self.not_saved, self.save_at) = (self.after, 0, Instant::now() + SAVE_EVERY);
                self.well();
            }
            Err(error) => {
                self.not_saved += 1;
                self.save_at = Instant::now() + SAVE_EVERY.max(wait_after(self.not_saved));
                self.tell(Following::Retrying(error.to_string()));
            }
        }
    }

    /// Nothing is in the way any more.
    fn well(&self) {
        if self.failures == 0 && self.not_saved == 0 {
            self.tell(Following::Well);
        }
    }

    /// Says how it is going: once for each change.
    fn tell(&self, now: Following) {
        metrics::gauge!("socai_follower_state", "follower" => "reactions").set(f64::from(now.level()));
        if matches!(now, Following::Retrying(_)) {
            metrics::counter!("socai_follower_retries_total", "follower" => "reactions").increment(1);
        }
        let before = self.state.send_replace(now.clone());
        if before.level() == now.level() {
            return;
        }
        match now {
            Following::Well => tracing::info!("the reactions go on"),
            Following::Retrying(why) => {
                tracing::warn!(why, "the reactions cannot go on and are tried again until they can; reads go on");
            }
            Following::Stopped(why) => tracing::error!(
                why,
                "ALARM: the reactions stopped: what was begun is not finished by itself; reads go on; do what the error \
                 says, then start the program again"
            ),
        }
    }
}

async fn react(handler: &Handler, records: &[Recorded]) -> Result<(), ReactionError> {
    let mut leading: Vec<BoxFuture<'_, Result<(), ReactionError>>> = Vec::new();
    for recorded in records {
        if process::leads_on(recorded.record.header().kind) {
            leading.push(Box::pin(react_to(handler, recorded)));
        }
    }
    let mut reacting = stream::iter(leading).buffer_unordered(CONCURRENT);
    while let Some(reacted) = reacting.next().await {
        reacted?;
    }
    Ok(())
}

async fn react_to(handler: &Handler, recorded: &Recorded) -> Result<(), ReactionError> {
    // Of an erased record nothing follows any more: the erasure itself carries all that is still to be done.
    let Opened::Event(context, event) = handler.opener().open(&recorded.record).await? else { return Ok(()) };
    let meta = Meta::of(recorded.record.header(), &context);
    for step in process::next_steps(&event, &meta, incoming::cause(recorded.record.hash())) {
        take(handler, &step, context.correlation).await?;
    }
    Ok(())
}

/// Once. Refused is done, too: there is nothing to try again.
async fn take(handler: &Handler, step: &Step, correlation: CorrelationId) -> Result<(), ReactionError> {
    let pass: Pass = handler.0.gate.enter().ok_or(CommandError::Closed)?;
    match handler.0.take(&pass, step, correlation).await {
        Ok(_) => Ok(()),
        Err(CommandError::Refused(refused)) => {
            tracing::error!(%correlation, step = %step.command, %refused, "a step was refused");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
