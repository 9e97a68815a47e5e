//! Rebuilds for as long as the program runs: what a start finds to be done, and what somebody asks for.

use std::{future::Future, sync::Arc};

use socai_domain::ledger::{EventLog, Opener, following::wait_after};
use tokio::sync::{mpsc, oneshot};

use super::{Rebuilding, Rebuilt};
use crate::store::Views;

type Answer = oneshot::Sender<Result<Rebuilt, String>>;

/// What is told where another server writes the views.
const ELSEWHERE: &str = "another server keeps these views in step: ask that one (its metric socai_lease_held is 1); if there is none, start one anew";

/// Rebuilds, to be asked for.
#[derive(Clone, Debug)]
pub struct Rebuilds(mpsc::Sender<Answer>);

impl Rebuilds {
    /// Has the views built anew, or waits for the rebuild that runs. The error is for people.
    pub async fn ask(&self) -> Result<Rebuilt, String> {
        let stopped = || "the program stops; an interrupted rebuild goes on at the next start".to_owned();
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

/// Rebuilds views beside the server.
#[derive(Debug)]
pub struct Rebuilder {
    views: Views,
    opener: Opener,
    asked: mpsc::Receiver<Answer>,
}

impl Rebuilder {
    /// Of these views.
    pub fn new(views: Views, opener: Opener) -> (Self, Rebuilds) {
        let (rebuilds, asked) = mpsc::channel(16);
        (Self { views, opener, asked }, Rebuilds(rebuilds))
    }

    /// Rebuilds views that an older version filled, goes on with a rebuild that was interrupted, and does what is asked for,
    /// until `shutdown` ends.
    pub async fn run(mut self, log: Arc<dyn EventLog>, shutdown: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = shutdown => {}
            () = self.keep(&*log) => {}
        }
    }

    async fn keep(&mut self, log: &dyn EventLog) {
        let mut waiting = Vec::new();
        let mut wanted = !self.views.are_awaited() && self.is_owed().await;
        loop {
            let leads = self.views.lease().is_held();
            if !(wanted && leads) {
                tokio::select! {
                    answer = self.asked.recv() => match answer {
                        Some(answer) if leads => waiting.push(answer),
                        // Who asked may have gone.
                        Some(answer) => {
                            let _ = answer.send(Err(ELSEWHERE.to_owned()));
                            continue;
                        }
                        None => return,
                    },
                    () = self.views.lease().gained(), if !leads => {
                        wanted = !self.views.are_awaited() && self.is_owed().await;
                        continue;
                    }
                }
            }
            let outcome = if self.views.are_awaited() { self.first().await } else { self.rebuild(log).await };
            while let Ok(answer) = self.asked.try_recv() {
                waiting.push(answer);
            }
            for answer in waiting.drain(..) {
                // Who asked may have gone.
                let _ = answer.send(outcome.clone());
            }
            wanted = false;
        }
    }

    async fn is_owed(&self) -> bool {
        let begun = match &self.views.place {
            Some(place) => place.begun().await.is_ok_and(|begun| begun.is_some()),
            None => false,
        };
        begun || self.views.write.is_older()
    }

    /// Whoever follows the log makes the first ones.
    async fn first(&self) -> Result<Rebuilt, String> {
        let mut state = self.views.rebuilding();
        let ended = |state: &Rebuilding| !matches!(state, Rebuilding::Running(_) | Rebuilding::No);
        match state.wait_for(ended).await.map(|state| state.clone()) {
            Ok(Rebuilding::Done(rebuilt)) => Ok(rebuilt),
            Ok(Rebuilding::Failed(why)) => Err(why),
            _ => Err("the program stops".to_owned()),
        }
    }

    /// What may pass is tried again until it has passed.
    async fn rebuild(&self, log: &dyn EventLog) -> Result<Rebuilt, String> {
        let mut failures = 0;
        loop {
            if !self.views.lease().is_held() {
                return Err(ELSEWHERE.to_owned());
            }
            match self.views.rebuild(log, &self.opener).await {
                Ok(rebuilt) => return Ok(rebuilt),
                Err(error) if error.may_pass() => {
                    failures += 1;
                    tracing::warn!(%error, "the rebuild cannot go on and is tried again; the views are as before");
                    tokio::time::sleep(wait_after(failures)).await;
                }
                Err(error) => {
                    tracing::error!(%error, "ALARM: the views are not built anew and are as before; do what the error says");
                    return Err(error.to_string());
                }
            }
        }
    }
}
