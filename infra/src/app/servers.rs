//! This server among those that share its log, or alone.

use std::{sync::Arc, time::Duration};

use socai_commands::{Checkpoints, Ended, ReactionError, Reactions};
use socai_domain::ledger::Following;
use socai_projections::{Lease, PostgresUrl, Views};
use tokio::{sync::watch, task::JoinHandle};

use super::AppError;
use crate::{
    blobs::Others,
    config::{Config, Location},
    lease::{Keeper, Part, PostgresCheckpoints, PostgresHolds, PostgresLeases},
    notary::{NotaryError, StoreError},
    ports::FileCheckpoints,
};

/// Shares the log with others, if there may be any.
#[derive(Debug)]
pub(super) struct Servers {
    /// Where the notary is that they share, and what keeps this one's leases.
    shared: Option<(PostgresUrl, Keeper)>,
    /// Its views are on a standby of their database: others keep them in step.
    only_reads: bool,
}

impl Servers {
    /// Joins those whose notary has the same database; alone where the log is nobody else's, or the notary's store is a
    /// directory.
    pub(super) async fn join(config: &Config, shared: bool) -> Result<Self, AppError> {
        let only_reads = Views::are_on_standby(&config.views).await?;
        let (Location::Postgres(at), true) = (&config.notary, shared) else {
            let alone = Self { shared: None, only_reads };
            return if only_reads { Err(AppError::OnlyReads(config.views.clone())) } else { Ok(alone) };
        };
        let leases = PostgresLeases::open(at)
            .await
            .map_err(|error| NotaryError::from(StoreError::Unavailable(format!("{at} (socai_servers): {error}"))))?;
        let parts: &[Part] = match config.views {
            Location::Postgres(_) if !only_reads => &[Part::Views, Part::Notary, Part::Reactions],
            // Each server has its own, or this one leaves them to others.
            _ => &[Part::Notary, Part::Reactions],
        };
        Ok(Self { shared: Some((at.clone(), Keeper::start(leases, parts).await)), only_reads })
    }

    /// Those of a simulation.
    #[cfg(test)]
    pub(super) fn simulated(keeper: Keeper) -> Self {
        let nowhere = "postgres://nowhere/simulated".parse().expect("an address");
        Self { shared: Some((nowhere, keeper)), only_reads: false }
    }

    /// The database of the notary that they share.
    pub(super) fn notary(&self) -> Option<&PostgresUrl> {
        self.shared.as_ref().map(|(at, _)| at)
    }

    /// Are its views kept in step by others alone?
    pub(super) fn only_reads(&self) -> bool {
        self.only_reads
    }

    /// The right to run a part.
    pub(super) fn lease(&self, part: Part) -> Lease {
        match &self.shared {
            _ if part == Part::Views && self.only_reads => Lease::never(),
            Some((_, keeper)) => keeper.lease(part),
            None => Lease::unshared(),
        }
    }

    /// Runs a part. Where it ends with an error, or does not come on for long, another server may try.
    pub(super) fn run<E: Send + 'static>(
        &self,
        part: Part,
        state: watch::Receiver<Following>,
        running: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> JoinHandle<Result<(), E>> {
        let shared = self.shared.as_ref().map(|(_, keeper)| (self.lease(part), keeper.giving_up(part)));
        tokio::spawn(async move {
            let Some((lease, give_up)) = shared else { return running.await };
            let ended = tokio::select! {
                ended = running => ended,
                () = resting(state, &lease, &give_up) => Ok(()),
            };
            give_up(ended.is_err());
            ended
        })
    }

    /// Who has a turn with the files.
    pub(super) fn files(&self) -> Option<Arc<dyn Others>> {
        self.shared.as_ref().map(|(at, _)| Arc::new(PostgresHolds::new(at)) as _)
    }

    /// How far the reactions have come.
    pub(super) fn checkpoints(&self, config: &Config) -> Arc<dyn Checkpoints> {
        match &self.shared {
            Some((at, _)) => Arc::new(PostgresCheckpoints::new(at)),
            None => Arc::new(FileCheckpoints::new(&config.data)),
        }
    }

    /// Lets the others go on at once.
    pub(super) async fn leave(self) {
        if let Some((_, keeper)) = self.shared {
            keeper.end().await;
        }
    }
}

/// A part that is stuck here for so long is left to the others for as long.
const STUCK: Duration = Duration::from_secs(10);

/// Lets others try, now and then, what is stuck here while it is this server's turn. Never ready.
async fn resting(mut state: watch::Receiver<Following>, lease: &Lease, give_up: impl Fn(bool)) {
    let stuck = |state: &Following| matches!(state, Following::Retrying(_));
    while state.wait_for(stuck).await.is_ok() {
        if tokio::time::timeout(STUCK, state.wait_for(|state| !stuck(state))).await.is_err() && lease.is_held() {
            give_up(true);
            tokio::time::sleep(STUCK).await;
            give_up(false);
        }
    }
    // Who tells the state is about to end the part.
    std::future::pending::<()>().await;
}

/// Runs the reactions while this server has their lease, until the handler closes.
pub(super) async fn reacting(mut reactions: Reactions, lease: Lease) -> Result<(), ReactionError> {
    loop {
        let ended = if lease.is_held() {
            reactions.run_until(lease.lost()).await?
        } else {
            reactions.rest_until(lease.gained()).await
        };
        if let Ended::Closed = ended {
            return Ok(());
        }
    }
}
