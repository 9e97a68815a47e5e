//! The files of documents, as far as the write side is concerned with them.

use futures::future::BoxFuture;
use socai_domain::id::IncomingId;
use thiserror::Error;

/// The files cannot be reached now; try again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("files cannot be removed now: {0}")]
pub struct BlobsUnavailable(pub String);

/// Destroys the files of an erased document.
pub trait Blobs: Send + Sync + 'static {
    /// Removes these files of the document, by content hash; one that another document holds, too, stays. Answers, once it
    /// is durable, how many of them are gone, those removed by an earlier call included: doing it again answers the same.
    fn remove(&self, document: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>>;
}
