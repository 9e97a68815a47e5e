//! A part of the program that runs by itself, and how it is doing.

use socai_domain::ledger::Following;
use tokio::{sync::watch, task::JoinHandle};

use super::{AppError, stopped};

/// A follower of the log in a task of its own.
#[derive(Debug)]
pub(super) struct Part<E> {
    state: watch::Receiver<Following>,
    running: Option<JoinHandle<Result<(), E>>>,
    /// What it ended with, once it has.
    ended: Option<Result<Result<(), E>, tokio::task::JoinError>>,
}

impl<E: Into<AppError>> Part<E> {
    pub(super) fn new(state: watch::Receiver<Following>, running: JoinHandle<Result<(), E>>) -> Self {
        Self { state, running: Some(running), ended: None }
    }

    pub(super) fn state(&self) -> watch::Receiver<Following> {
        self.state.clone()
    }

    /// Waits until it ends; may be dropped and called again.
    pub(super) async fn end(&mut self) {
        if let Some(running) = &mut self.running {
            self.ended = Some(running.await);
            self.running = None;
        }
    }

    /// Waits until it panics: for that, the whole program starts again. One that stopped at damage has raised its alarm,
    /// and the others go on without it.
    pub(super) async fn panicked(&mut self) -> AppError {
        self.end().await;
        match self.ended.take_if(|ended| ended.is_err()) {
            Some(Err(error)) => stopped(error),
            _ => std::future::pending().await,
        }
    }

    /// Waits until it ends, and says how, once. An end that nobody `asked` for is an error, too.
    pub(super) async fn outcome(&mut self, asked: bool) -> Result<(), AppError> {
        self.end().await;
        match self.ended.take() {
            Some(Ok(Ok(()))) if !asked => Err(AppError::Stopped("it ended without being asked".into())),
            Some(Ok(ended)) => ended.map_err(Into::into),
            Some(Err(error)) => Err(stopped(error)),
            None => Ok(()),
        }
    }
}

/// So often is tried what may pass, about a minute, before a start is given up: nobody is served before it has passed.
const ATTEMPTS: u32 = 12;

/// Ready with the reason when a follower has failed so often without coming to the log's end.
pub(super) async fn failed_often(mut state: watch::Receiver<Following>) -> String {
    let mut failures = 0;
    while state.changed().await.is_ok() {
        match &*state.borrow_and_update() {
            Following::Well => failures = 0,
            Following::Retrying(why) if failures + 1 == ATTEMPTS => return why.clone(),
            Following::Retrying(_) => failures += 1,
            Following::Stopped(_) => break, // told by the follower's own end
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_start_is_given_up_after_so_many_failures_in_a_row() {
        let (sender, state) = watch::channel(Following::default());
        let mut given_up = Box::pin(failed_often(state));
        let why = "the disk is full".to_owned();
        for failures in [ATTEMPTS - 1, ATTEMPTS] {
            sender.send_replace(Following::Well);
            let mut last = futures::poll!(&mut given_up);
            for _ in 0..failures {
                assert_eq!(last, Poll::Pending);
                sender.send_replace(Following::Retrying(why.clone()));
                last = futures::poll!(&mut given_up);
            }
            assert_eq!(last.is_ready(), failures == ATTEMPTS);
        }
    }
}
