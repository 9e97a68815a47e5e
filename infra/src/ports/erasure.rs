//! The erasure of an erased document's files.

use std::{collections::HashSet, fmt, sync::Arc};

use futures::{StreamExt as _, future::BoxFuture};
use socai_commands::{Blobs, BlobsUnavailable};
use socai_domain::{
    id::IncomingId,
    incoming::events::Attachment,
    ledger::{DomainEvent, EventKind, EventLog, Followed, Opened, Opener, Recorded, catalogue::IncomingEvent},
};

use crate::blobs::{BlobHash, BlobStore};

/// Removes files from the store, unless another document holds them: that is read from the ledger itself, whatever the
/// views know. It takes seconds for a million documents, and happens once in years.
#[derive(Clone)]
pub struct Erasure {
    blobs: Arc<BlobStore>,
    log: Arc<dyn EventLog>,
    opener: Opener,
}

impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Erasure(…)")
    }
}

/// The kinds of events that bring files.
const WITH_FILES: [EventKind; 4] = [EventKind::new(400), EventKind::new(401), EventKind::new(406), EventKind::new(436)];

impl Erasure {
    /// From this store, by what the log says.
    pub fn new(blobs: Arc<BlobStore>, log: Arc<dyn EventLog>, opener: Opener) -> Self {
        Self { blobs, log, opener }
    }

    /// Those of the files that no other document holds.
    async fn held_by_none(&self, document: IncomingId, files: Vec<[u8; 32]>) -> Result<HashSet<[u8; 32]>, String> {
        let mut left: HashSet<[u8; 32]> = files.into_iter().collect();
        let mut followed = self.log.follow(None);
        while let Some(next) = followed.next().await {
            match next.map_err(|error| error.to_string())? {
                Followed::CaughtUp => break,
                Followed::Records(records) => {
                    for recorded in &records {
                        for hash in self.files_in(document, recorded).await? {
                            left.remove(&hash);
                        }
                    }
                }
            }
        }
        Ok(left)
    }

    /// The files that a record brings to another document than this.
    async fn files_in(&self, document: IncomingId, recorded: &Recorded) -> Result<Vec<[u8; 32]>, String> {
        let header = recorded.record.header();
        if header.stream.key() == document.uuid() || !WITH_FILES.contains(&header.kind) {
            return Ok(Vec::new());
        }
        match self.opener.open(&recorded.record).await.map_err(|error| error.to_string())? {
            Opened::Event(_, event) => Ok(files(&event).iter().map(|file| file.hash).collect()),
            Opened::Erased => Ok(Vec::new()),
        }
    }

    /// How many of the files are gone, once that is durable.
    async fn destroy(&self, document: IncomingId, files: Vec<[u8; 32]>) -> Result<u32, String> {
        let all: HashSet<[u8; 32]> = files.into_iter().collect();
        let left = self.held_by_none(document, all.iter().copied().collect()).await?;
        let blobs = Arc::clone(&self.blobs);
        let work = move || -> Result<u32, crate::blobs::BlobError> {
            let mut gone = 0;
            for hash in all {
                let hash: BlobHash = hash.into();
                if left.contains(hash.as_bytes()) {
                    blobs.remove(hash)?;
                }
                gone += u32::from(!blobs.contains(hash)?);
            }
            Ok(gone)
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        done.map_err(|error| error.to_string())
    }
}

fn files(event: &DomainEvent) -> &[Attachment] {
    match event {
        DomainEvent::Incoming(IncomingEvent::Arrived(e)) => &e.files,
        DomainEvent::Incoming(IncomingEvent::ArrivedAgain(e)) => &e.files,
        DomainEvent::Incoming(IncomingEvent::ScanAttached(e)) => &e.files,
        DomainEvent::Incoming(IncomingEvent::BranchCompleted(e)) => &e.files,
        _ => &[],
    }
}

impl Blobs for Erasure {
    fn remove(&self, document: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(async move { self.destroy(document, files).await.map_err(BlobsUnavailable) })
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::ledger::catalogue::CATALOGUE;

    use super::*;

    #[test]
    fn every_event_with_files_is_looked_at() {
        let with_files = |schema: String| schema.contains("\"Attachment\"");
        let kinds: Vec<_> = CATALOGUE
            .iter()
            .filter(|entry| with_files(format!("{:?}", entry.schema)))
            .map(|entry| entry.kind)
            .collect();
        assert_eq!(kinds, WITH_FILES);
    }
}
