//! The files are this ledger's, and it is as long as it was.

use std::sync::Arc;

use socai_domain::ledger::{EventLog, ReadError};
use thiserror::Error;

use crate::blobs::{BlobError, BlobStore, Mark};

/// Why nothing may be removed.
#[derive(Debug, Error)]
pub enum NotClaimed {
    /// They are another's, or of a longer copy; or the store does not say.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The log does not say how long it is.
    #[error("the log cannot be asked how long it is: {0}")]
    Log(#[from] ReadError),
    /// Other servers were quicker each time.
    #[error("other servers note again and again whose the files are; try again")]
    Busy,
    /// The program is ending.
    #[error("{0}")]
    Ended(String),
}

/// So often another server may be quicker. Each starts, sweeps and erases seldom.
const TRIES: u32 = 20;

/// Makes the files this ledger's, or says why they are not. To be called before anything is removed.
pub(crate) async fn claim(blobs: &Arc<BlobStore>, log: &dyn EventLog) -> Result<(), NotClaimed> {
    let ended = |error: tokio::task::JoinError| NotClaimed::Ended(error.to_string());
    for _ in 0..TRIES {
        // First this: other servers go on, and with them the log and what is noted.
        let store = Arc::clone(blobs);
        let before = tokio::task::spawn_blocking(move || store.mark()).await.map_err(ended)??;
        let now = Mark { ledger: log.ledger(), records: log.head().await?.records };
        let store = Arc::clone(blobs);
        if tokio::task::spawn_blocking(move || store.claim(before, now)).await.map_err(ended)?? {
            return Ok(());
        }
    }
    Err(NotClaimed::Busy)
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::mpsc};

    use futures::poll;
    use socai_test_s3::Server;
    use tokio::{runtime::Builder, task::spawn_blocking};

    use super::*;
    use crate::{blobs::s3_testing, ports::testing::World};

    /// One is held up between its look at the log and its note, while the ledger goes on and another notes that.
    #[test]
    fn of_two_at_once_none_takes_the_mark_back() {
        let server = Server::start().unwrap();
        let one = Arc::new(s3_testing::store(&server));
        // What blocks is done one after the other.
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let world = World::in_bucket(&server).await;
            let (log, other, file) = (world.log(), &world.blobs, world.stored(b"file"));
            world.attach(1, file).await;
            let mut claiming = pin!(claim(&one, &*log));
            assert!(poll!(&mut claiming).is_pending());
            spawn_blocking(|| ()).await.unwrap(); // it has seen what was noted: nothing
            let (go_on, held) = mpsc::channel::<()>();
            spawn_blocking(move || held.recv());
            assert!(poll!(&mut claiming).is_pending()); // it knows of one record

            world.attach(2, file).await;
            let now = Mark { ledger: log.ledger(), records: log.head().await.unwrap().records };
            assert!(other.claim(None, now).unwrap());
            world.attach(3, file).await;
            drop(go_on);
            claiming.await.unwrap();
            assert_eq!(other.mark().unwrap().unwrap().mark, Mark { records: now.records + 1, ..now });
        });
    }
}
