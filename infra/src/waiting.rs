//! Using what answers in its own time from threads that may wait.

use std::{fmt, io, sync::mpsc};

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

/// A thread that speaks with a server for others who wait for it, inside of a runtime or outside.
pub(crate) struct Waiting(Option<Runtime>);

/// The thread ended before it had an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("what speaks with the server has stopped")]
pub(crate) struct Ended;

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting(…)")
    }
}

impl Waiting {
    /// Starts it.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("waiting").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// What comes of it. Blocks.
    pub(crate) fn wait<T: Send + 'static, E: From<Ended> + Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        let (answer, answered) = mpsc::sync_channel(1);
        let runtime = self.0.as_ref().ok_or(Ended)?;
        // Whoever asked waits for the answer.
        runtime.spawn(async move { drop(answer.send(work.await)) });
        answered.recv().map_err(|_| Ended)?
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A runtime may not wait for its threads inside of another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
