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
    /// The program is ending.
    #[error("{0}")]
    Ended(String),
}

/// Makes the files this ledger's, or says why they are not. To be called before anything is removed.
pub(crate) async fn claim(blobs: &Arc<BlobStore>, log: &dyn EventLog) -> Result<(), NotClaimed> {
    let ended = |error: tokio::task::JoinError| NotClaimed::Ended(error.to_string());
    // First this: other servers go on, and with them the log and what is noted.
    let store = Arc::clone(blobs);
    let before = tokio::task::spawn_blocking(move || store.mark()).await.map_err(ended)??;
    let now = Mark { ledger: log.ledger(), records: log.head().await?.records };
    let store = Arc::clone(blobs);
    Ok(tokio::task::spawn_blocking(move || store.claim(before, now)).await.map_err(ended)??)
}
