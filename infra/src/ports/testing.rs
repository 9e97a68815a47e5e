//! A ledger in memory and a store of files, for the tests of who removes files.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};
use socai_commands::{Blobs, BlobsUnavailable, Envelope, Handler, Requester};
use socai_domain::{
    decide::{By, Decide},
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId},
    incoming::{self, IncomingDocument, events::Arrived},
    ledger::{EventLog, LedgerId, Opener, memory::MemoryLog, memory_keys::MemoryKeyRing},
    refusal::Denied,
};
use socai_test_s3::Server;
use uuid::Uuid;

use crate::{
    blobs::{BlobHash, BlobStore, Mark, s3_testing},
    clock::SystemClock,
};

/// Removes nothing.
struct Nothing;

impl Blobs for Nothing {
    fn remove(&self, _: IncomingId, _: Vec<[u8; 32]>) -> futures::future::BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// Lets a document arrive, whatever the state.
#[derive(Clone, Debug)]
struct Arrive(Arrived);

impl Serialize for Arrive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

impl Decide for Arrive {
    type State = IncomingDocument;
    type Refusal = Denied;
    const NAME: &'static str = "arrive";

    fn permit(_: &IncomingDocument, _: &By<'_>) -> Result<(), Denied> {
        Ok(())
    }

    fn decide(&self, _: &IncomingDocument, _: &By<'_>) -> Result<Vec<incoming::Event>, Denied> {
        Ok(vec![self.0.clone().into()])
    }
}

pub(super) struct World {
    /// Where the files lie.
    files: PathBuf,
    _folder: Option<tempfile::TempDir>,
    pub(super) blobs: Arc<BlobStore>,
    handler: Handler,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path()).unwrap();
        Self::with(folder.path().to_owned(), Some(folder), blobs).await
    }

    /// With the files in a bucket.
    pub(super) async fn in_bucket(server: &Server) -> Self {
        Self::with(server.object(s3_testing::PREFIX), None, s3_testing::store(server)).await
    }

    async fn with(files: PathBuf, folder: Option<tempfile::TempDir>, blobs: BlobStore) -> Self {
        let log = MemoryLog::new(LedgerId(Uuid::from_u128(1)), Arc::new(SystemClock));
        let opener = Opener::new(Arc::new(MemoryKeyRing::new()));
        let handler = Handler::start(Arc::new(log), opener, Arc::new(Nothing), Arc::new(SystemClock)).await.unwrap();
        Self { files, _folder: folder, blobs: Arc::new(blobs), handler }
    }

    pub(super) fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(self.handler.log())
    }

    pub(super) fn opener(&self) -> Opener {
        self.handler.opener().clone()
    }

    pub(super) fn document(n: u128) -> IncomingId {
        IncomingId::new(Uuid::from_u128(n))
    }

    pub(super) fn stored(&self, bytes: &[u8]) -> BlobHash {
        self.blobs.put(bytes).unwrap()
    }

    pub(super) fn grow_old(&self, file: BlobHash, by: Duration) {
        let path = self.files.join(&file.to_string()[..2]).join(file.to_string());
        let then = std::time::SystemTime::now() - by;
        std::fs::File::open(path).unwrap().set_modified(then).unwrap();
    }

    /// The files were last used by this ledger when it had so many records more, or by another one.
    pub(super) async fn last_used(&self, ledger: LedgerId, more: u64) {
        let records = self.log().head().await.unwrap().records + more;
        std::fs::write(self.files.join("ledger"), Mark { ledger, records }.to_string()).unwrap();
    }

    /// Document `n` arrives with this file.
    pub(super) async fn attach(&self, n: u128, file: BlobHash) {
        let mut attachment = incoming::testing::main_file();
        attachment.hash = *file.as_bytes();
        let details = incoming::testing::details();
        let arrived_at = socai_domain::testing::MORNING;
        let (channel, files) = (Channel::Axis, vec![attachment]);
        let arrived = Arrived { channel, axis: None, arrived_at, details, files, follows: None };
        let organ = OrganId::new(Uuid::from_u128(0xa));
        let envelope = Envelope::of(organ, Requester::System, CommandId::new(Uuid::from_u128(100 + n)));
        self.handler.execute(incoming::stream(Self::document(n)), envelope, Arrive(arrived)).await.unwrap();
    }
}
