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
    ledger::{Followed, OpenError, Opened, Position, ReadError, Recorded},
    process::{self, Step},
};
use thiserror::Error;

use crate::{CommandError, Handler, gate::Pass};

/// The name of the reactions' checkpoint.
pub const CHECKPOINT: &str = "reactions";

/// How many streams' steps are taken at once.
const CONCURRENT: usize = 64;
/// The longest wait before a step is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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

/// Why the reactions stopped. A person must look.
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

/// Follows the log and takes the next steps. Each record is looked at at least once; a step taken before is not taken again.
pub struct Reactions {
    handler: Handler,
    checkpoints: Arc<dyn Checkpoints>,
    after: Option<Position>,
    followed: BoxStream<'static, Result<Followed, ReadError>>,
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
        let followed = handler.log().follow(after);
        Ok(Self { handler, checkpoints, after, followed })
    }

    /// Works through all that is in the log now. To be called before the program serves.
    pub async fn catch_up(&mut self) -> Result<(), ReactionError> {
        while !self.turn().await? {}
        Ok(())
    }

    /// Goes on as the log grows, until the handler closes (`Ok`) or a person must look.
    pub async fn run(mut self) -> Result<(), ReactionError> {
        let gate = self.handler.0.gate.clone();
        loop {
            let turn = tokio::select! {
                turn = self.turn() => turn,
                // What was not finished is done again after the next start.
                () = gate.closing() => return Ok(()),
            };
            match turn {
                Ok(_) => {}
                Err(ReactionError::Step(CommandError::Closed)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The position up to which every step was taken.
    pub fn position(&self) -> Option<Position> {
        self.after
    }

    /// Takes the steps of the next records. True when all that was in the log at the start is done.
    async fn turn(&mut self) -> Result<bool, ReactionError> {
        match self.followed.next().await {
            Some(Ok(Followed::Records(records))) => {
                react(&self.handler, &records).await?;
                if let Some(last) = records.last() {
                    self.checkpoints.save(CHECKPOINT, last.position).await?;
                    self.after = Some(last.position);
                }
                Ok(false)
            }
            Some(Ok(Followed::CaughtUp)) => Ok(true),
            Some(Err(ReadError::Busy(why))) => {
                tracing::warn!(why, "the log cannot be followed now");
                self.again().await;
                Ok(false)
            }
            Some(Err(error)) => Err(error.into()),
            None => {
                self.again().await;
                Ok(false)
            }
        }
    }

    async fn again(&mut self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.followed = self.handler.log().follow(self.after);
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

/// Until it is taken, or refused, or a person must look.
async fn take(handler: &Handler, step: &Step, correlation: CorrelationId) -> Result<(), ReactionError> {
    let mut wait = Duration::from_millis(10);
    loop {
        let pass: Pass = handler.0.gate.enter().ok_or(CommandError::Closed)?;
        match handler.0.take(&pass, step, correlation).await {
            Ok(_) => return Ok(()),
            Err(CommandError::Refused(refused)) => {
                tracing::error!(%correlation, step = %step.command, %refused, "a step was refused");
                return Ok(());
            }
            Err(error @ (CommandError::Busy(_) | CommandError::Unknown(_))) => {
                tracing::warn!(%correlation, step = %step.command, %error, "a step is tried again");
            }
            Err(error @ (CommandError::Closed | CommandError::Stopped(_))) => return Err(error.into()),
        }
        drop(pass);
        tokio::time::sleep(wait).await;
        wait = LONGEST_WAIT.min(wait * 2);
    }
}
