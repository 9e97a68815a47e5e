//! Trying a bucket out, for `socai doctor`: nothing of what is there is changed.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutPayload};

use super::{BlobError, Bucket, S3, Trouble, UNFINISHED, failed};

/// How a bucket took what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    /// It keeps what is removed or replaced.
    pub(crate) keeps_versions: bool,
}

/// Lists, stores, reads and removes an object there.
pub(crate) fn probe(bucket: Bucket) -> Result<Probed, BlobError> {
    S3::as_it_is(bucket)?.probe()
}

impl S3 {
    pub(super) fn probe(&self) -> Result<Probed, BlobError> {
        const PROBE: &[u8] = b"socai was here";
        let (client, at) = (Arc::clone(&self.client), self.bucket.within(UNFINISHED));
        self.ask("list what is unfinished", async move { client.list(Some(&at)).try_next().await })?;
        let (client, name) = (Arc::clone(&self.client), self.unfinished("probe"));
        let at = name.clone();
        let stored = self.ask("store a probe", async move { client.put(&at, PutPayload::from_static(PROBE)).await })?;
        let (client, at) = (Arc::clone(&self.client), name.clone());
        let read = self.ask("read a probe", async move { client.get(&at).await?.bytes().await })?;
        let (client, at) = (Arc::clone(&self.client), name.clone());
        self.ask("remove a probe", async move { client.delete(&at).await })?;
        let (client, at) = (Arc::clone(&self.client), name);
        let left = self.ask_for("look for a probe", async move { client.get(&at).await })?;
        if read != PROBE || left.is_some() {
            return Err(failed("store, read and remove a probe", &self.bucket)(Trouble::Answered(
                "with something else".into(),
            )));
        }
        Ok(Probed { keeps_versions: stored.version.is_some() })
    }
}
