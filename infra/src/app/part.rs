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
