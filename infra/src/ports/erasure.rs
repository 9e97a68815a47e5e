//! The erasure of an erased document's files.

use std::{collections::HashSet, fmt, sync::Arc};

use futures::{StreamExt as _, future::BoxFuture};
use socai_commands::{Blobs, BlobsUnavailable};
use socai_domain::{
    id::IncomingId,
    incoming::events::{Arrived, ArrivedAgain, Attachment, BranchCompleted, ScanAttached},
    ledger::{
        DomainEvent, EventKind, EventLog, Followed, Opened, Opener, Position, Recorded, catalogue::IncomingEvent,
    },
};

use super::claim;
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
pub(crate) const WITH_FILES: [EventKind; 4] =
    [Arrived::KIND, ArrivedAgain::KIND, ScanAttached::KIND, BranchCompleted::KIND];

impl Erasure {
    /// From this store, by what the log says.
    pub fn new(blobs: Arc<BlobStore>, log: Arc<dyn EventLog>, opener: Opener) -> Self {
        Self { blobs, log, opener }
    }

    /// Takes from `left` what other documents than this hold, by the records after `after`; says where it came to.
    async fn keep_held(
        &self,
        document: IncomingId,
        left: &mut HashSet<[u8; 32]>,
        after: Option<Position>,
    ) -> Result<Option<Position>, String> {
        let mut came_to = after;
        let mut followed = self.log.follow(after);
        while let Some(next) = followed.next().await {
            let Followed::Records(records) = next.map_err(|error| error.to_string())? else { return Ok(came_to) };
            for recorded in records.iter().filter(|recorded| recorded.record.header().stream.key() != document.uuid()) {
                for hash in files_in(&self.opener, recorded).await? {
                    left.remove(&hash);
                }
            }
            came_to = records.last().map(|last| last.position).or(came_to);
        }
        // Who holds a file may stand in what was not read.
        Err("the log cannot be read to its end".into())
    }

    /// How many of the files are gone, once that is durable.
    async fn destroy(&self, document: IncomingId, files: Vec<[u8; 32]>) -> Result<u32, String> {
        claim(&self.blobs, &*self.log).await.map_err(|error| error.to_string())?;
        let all: HashSet<[u8; 32]> = files.into_iter().collect();
        let mut left = all.clone();
        // Most of the log, without holding up anybody.
        let came_to = self.keep_held(document, &mut left, None).await?;
        // Whoever is attaching one of them is in the log now; whoever comes later finds it gone and is told.
        let removing = self.blobs.removing().await.map_err(|error| error.to_string())?;
        self.keep_held(document, &mut left, came_to).await?;
        let blobs = Arc::clone(&self.blobs);
        let work = move || -> Result<u32, crate::blobs::BlobError> {
            let _alone = removing;
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

/// The files that a record brings.
pub(super) async fn files_in(opener: &Opener, recorded: &Recorded) -> Result<Vec<[u8; 32]>, String> {
    if !WITH_FILES.contains(&recorded.record.header().kind) {
        return Ok(Vec::new());
    }
    match opener.open(&recorded.record).await.map_err(|error| error.to_string())? {
        Opened::Event(_, event) => Ok(files_of(&event).iter().map(|file| file.hash).collect()),
        Opened::Erased => Ok(Vec::new()),
    }
}

/// The files that an event brings. Whoever adds an event says here whether it does: files that no event brings are swept away.
pub(crate) fn files_of(event: &DomainEvent) -> &[Attachment] {
    use IncomingEvent as Event;
    match event {
        DomainEvent::Incoming(event) => match event {
            Event::Arrived(e) => &e.files,
            Event::ArrivedAgain(e) => &e.files,
            Event::ScanAttached(e) => &e.files,
            Event::BranchCompleted(e) => &e.files,
            Event::UnopenedLogged(_)
            | Event::AuthenticityChecked(_)
            | Event::Corrected(_)
            | Event::Annotated(_)
            | Event::PaperArrived(_)
            | Event::ReceiptRefused(_)
            | Event::RegistrationBegan(_)
            | Event::RegistrationAbandoned(_)
            | Event::Registered(_)
            | Event::Submitted(_)
            | Event::PassedToLeader(_)
            | Event::ReturnedToClerk(_)
            | Event::Directed(_)
            | Event::Assigned(_)
            | Event::BranchAccepted(_)
            | Event::ProgressReported(_)
            | Event::BranchAmended(_)
            | Event::BranchReassigned(_)
            | Event::BranchWithdrawn(_)
            | Event::BranchReturned(_)
            | Event::ExtensionRequested(_)
            | Event::ExtensionDecided(_)
            | Event::Urged(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::FollowerAppointed(_)
            | Event::WorkHandedOver(_)
            | Event::AccessGranted(_)
            | Event::ResolutionProposed(_)
            | Event::ResolutionDeclined(_)
            | Event::Resolved(_)
            | Event::Reopened(_)
            | Event::Cancelled(_)
            | Event::ExpungeRequested(_)
            | Event::Expunged(_)
            | Event::ErasureCompleted(_)
            | Event::ExpungeDeclined(_) => &[],
        },
        DomainEvent::Organ(_) | DomainEvent::Person(_) | DomainEvent::Register(_) => &[],
    }
}

impl Blobs for Erasure {
    fn remove(&self, document: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(async move { self.destroy(document, files).await.map_err(BlobsUnavailable) })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use socai_domain::ledger::{LedgerId, catalogue::CATALOGUE};
    use socai_test_s3::Server;
    use uuid::Uuid;

    use super::*;
    use crate::ports::testing::World;

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

    /// A longer copy may know another document that holds the file.
    #[tokio::test]
    async fn nothing_goes_that_a_longer_copy_or_another_ledger_used_meanwhile() {
        let server = Server::start().unwrap();
        let world = World::in_bucket(&server).await;
        let files = [b"1", b"2"].map(|bytes| world.stored(bytes));
        for (n, file) in (1..).zip(files) {
            world.attach(n, file).await;
        }
        let erasure = Erasure::new(Arc::clone(&world.blobs), world.log(), world.opener());
        assert_eq!(erasure.remove(World::document(1), vec![*files[0].as_bytes()]).await, Ok(1));
        let erase = || erasure.remove(World::document(2), vec![*files[1].as_bytes()]);
        let ledger = world.log().ledger();
        for (ledger, more, said) in [(ledger, 1, "Restore a newer one"), (LedgerId(Uuid::max()), 0, "another ledger")] {
            world.last_used(ledger, more).await;
            let BlobsUnavailable(refused) = erase().await.unwrap_err();
            assert!(refused.contains(said), "{refused}");
            assert!(world.blobs.contains(files[1]).unwrap());
        }
        world.last_used(ledger, 0).await;
        assert_eq!(erase().await, Ok(1));
    }

    #[tokio::test]
    async fn a_file_that_is_being_attached_elsewhere_meanwhile_stays() {
        let world = World::new().await;
        let file = world.stored(b"shared");
        world.attach(1, file).await;
        let erasure = Erasure::new(Arc::clone(&world.blobs), world.log(), world.opener());
        // A command has looked for the file, and its record is not in the log yet.
        let hold = world.blobs.attaching().await.unwrap();
        let mut erasing = erasure.remove(World::document(1), vec![*file.as_bytes()]);
        while !world.blobs.is_removal_waiting() {
            assert!(erasing.as_mut().now_or_never().is_none(), "waits for the command");
            tokio::task::yield_now().await;
        }
        world.attach(2, file).await;
        drop(hold);
        assert_eq!(erasing.await, Ok(0));
        assert!(world.blobs.contains(file).unwrap());
        // Once nobody else holds it, it goes; and who comes after that is told.
        let alone = world.stored(b"alone");
        world.attach(3, alone).await;
        assert_eq!(erasure.remove(World::document(3), vec![*alone.as_bytes()]).await, Ok(1));
        assert!(!world.blobs.refresh(&[alone]).unwrap());
    }
}
