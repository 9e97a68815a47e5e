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
    use socai_test_s3::Server;

    use super::*;
    use crate::{blobs::s3_testing, ports::testing::World};

    /// Two servers of one ledger, which goes on meanwhile.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn what_two_note_at_once_never_goes_back() {
        let server = Server::start().unwrap();
        let world = World::in_bucket(&server).await;
        let file = world.stored(b"file");
        let one = |servers: u128| {
            let (world, blobs) = (&world, Arc::new(s3_testing::store(&server)));
            async move {
                for n in 0..50 {
                    world.attach(100 * servers + n, file).await;
                    let had = world.log().head().await.unwrap().records;
                    claim(&blobs, &*world.log()).await.unwrap();
                    let noted = blobs.mark().unwrap().unwrap().mark.records;
                    assert!(noted >= had, "{noted} after {had}");
                }
            }
        };
        tokio::join!(one(1), one(2));
        let records = world.log().head().await.unwrap().records;
        let mark = Mark { ledger: world.log().ledger(), records };
        assert_eq!(world.blobs.mark().unwrap().unwrap().mark, mark);
    }
}
