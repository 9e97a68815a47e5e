//! A ledger in memory, an invented agency in it, and ways to make things fail.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::{BoxFuture, ready};
use socai_commands::{
    Blobs, BlobsUnavailable, CheckpointError, Checkpoints, CommandError, Envelope, Handler, ReactionError, Reactions,
    Receipt, Requester,
};
use socai_domain::{
    document_types::Channel,
    id::{CommandId, IncomingId, OrganId, PersonId, RegisterId},
    incoming::{
        self, IncomingDocument,
        events::{Arrived, Details},
        register::RegisterIncoming,
    },
    ledger::{
        Direction, DomainEvent, EventLog, LedgerId, Opened, Opener, Position, StreamId, StreamKind, memory::MemoryLog,
        memory_keys::MemoryKeyRing,
    },
    organ,
    testing::{MORNING, SetClock, acting, scene},
    text::CodeNumber,
};
use uuid::Uuid;

pub use socai_domain::testing::Happen;

use crate::faults::{Dying, Life};

/// Files in memory, and which documents hold them.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    pub removed: Mutex<HashSet<[u8; 32]>>,
    pub calls: AtomicUsize,
}

impl Blobs for MemoryBlobs {
    fn remove(&self, _: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let removed = u32::try_from(files.len()).unwrap();
        self.removed.lock().unwrap().extend(files);
        Box::pin(ready(Ok(removed)))
    }
}

/// Checkpoints in memory.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints {
    positions: Mutex<HashMap<String, Position>>,
    pub saves: AtomicUsize,
}

impl Checkpoints for MemoryCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Position>, CheckpointError>> {
        Box::pin(ready(Ok(self.positions.lock().unwrap().get(name).copied())))
    }

    fn save<'a>(&'a self, name: &'a str, position: Position) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        self.positions.lock().unwrap().insert(name.to_owned(), position);
        Box::pin(ready(Ok(())))
    }
}

/// A ledger with what belongs to it; survives the handlers that work on it.
pub struct World {
    pub clock: SetClock,
    pub log: MemoryLog,
    pub ring: Arc<MemoryKeyRing>,
    pub blobs: Arc<MemoryBlobs>,
    pub checkpoints: Arc<MemoryCheckpoints>,
    pub organ: OrganId,
    pub clerk: PersonId,
    pub leader: PersonId,
}

impl World {
    /// With the agency of the domain's tests in it.
    pub async fn new() -> Self {
        let clock = SetClock::at(MORNING);
        let scene = scene();
        let world = Self {
            log: MemoryLog::new(LedgerId(Uuid::from_u128(0x50ca1)), Arc::new(clock.clone())),
            clock,
            ring: Arc::default(),
            blobs: Arc::default(),
            checkpoints: Arc::default(),
            organ: scene.organ.id.unwrap(),
            clerk: acting(scene.clerk).person,
            leader: acting(scene.leader).person,
        };
        let handler = world.handler().await;
        let events = socai_domain::testing::agency_events();
        handler.execute(organ::stream(world.organ), world.system(1), Happen::<organ::Organ>(events)).await.unwrap();
        world
    }

    /// A handler that knows nothing but what is in the log.
    pub async fn handler(&self) -> Handler {
        self.handler_on(Arc::new(self.log.clone())).await
    }

    pub async fn handler_on(&self, log: Arc<dyn EventLog>) -> Handler {
        let opener = Opener::new(self.ring.clone());
        Handler::start(log, opener, self.blobs.clone(), Arc::new(self.clock.clone())).await.unwrap()
    }

    /// A handler that lives for so many writes to log, key ring and files.
    pub async fn dying_handler(&self, life: &Life) -> Handler {
        let log = Dying { life: life.clone(), inner: Arc::new(self.log.clone()) as Arc<dyn EventLog> };
        let opener = Opener::new(Arc::new(Dying { life: life.clone(), inner: self.ring.clone() }));
        let blobs = Arc::new(Dying { life: life.clone(), inner: self.blobs.clone() });
        Handler::start(Arc::new(log), opener, blobs, Arc::new(self.clock.clone())).await.unwrap()
    }

    pub fn system(&self, command: u128) -> Envelope {
        Envelope::of(self.organ, Requester::System, CommandId::new(Uuid::from_u128(command)))
    }

    pub fn clerk(&self, command: u128) -> Envelope {
        Envelope::of(self.organ, Requester::Person(self.clerk), CommandId::new(Uuid::from_u128(command)))
    }

    /// The book of a year.
    pub fn book(&self, year: i16) -> StreamId {
        StreamId::new(StreamKind::Register, RegisterId::of(self.organ, "đến", year).uuid())
    }

    /// Document `n` has arrived; it is the issuer's number `n`.
    pub async fn arrived(&self, handler: &Handler, n: u128) -> StreamId {
        self.arrived_as(handler, n, n).await
    }

    /// Document `n` has arrived; it is the issuer's number `number`.
    pub async fn arrived_as(&self, handler: &Handler, n: u128, number: u128) -> StreamId {
        let number = CodeNumber::new(number.to_string()).ok();
        self.arrived_with(handler, n, Details { number, ..incoming::testing::details() }).await
    }

    /// Document `n` has arrived, and says this of itself.
    pub async fn arrived_with(&self, handler: &Handler, n: u128, details: Details) -> StreamId {
        let (channel, files) = (Channel::Axis, vec![incoming::testing::main_file()]);
        let arrived = Arrived { channel, axis: None, arrived_at: MORNING, details, files, follows: None };
        let envelope = self.system(0xa_0000_0000 + n);
        handler.execute(document(n), envelope, Happen::<IncomingDocument>(vec![arrived.into()])).await.unwrap();
        document(n)
    }

    /// Every event of a stream that can still be opened, by name, in order.
    pub async fn history(&self, stream: StreamId) -> Vec<String> {
        let opener = Opener::new(self.ring.clone());
        let mut names = Vec::new();
        for recorded in self.log.read(stream, Direction::Forwards, None, usize::MAX).await.unwrap() {
            let content = opener.open(&recorded.record).await.unwrap();
            let name = recorded.record.header().kind.entry().unwrap().name;
            names.push(if content == Opened::Erased { format!("({name})") } else { name.to_owned() });
        }
        names
    }

    /// Number and document of every assignment in a book, in order.
    pub async fn assignments(&self, year: i16) -> Vec<(u32, IncomingId)> {
        let opener = Opener::new(self.ring.clone());
        let mut assigned = Vec::new();
        for recorded in self.log.read(self.book(year), Direction::Forwards, None, usize::MAX).await.unwrap() {
            if let Opened::Event(_, DomainEvent::Register(socai_domain::register::Event::NumberAssigned(e))) =
                opener.open(&recorded.record).await.unwrap()
            {
                assigned.push((e.number.get(), e.document));
            }
        }
        assigned
    }

    /// The clerk registers document `n`.
    pub async fn register(&self, handler: &Handler, n: u128, command: u128) -> Result<Receipt, CommandError> {
        handler.execute(document(n), self.clerk(command), register()).await
    }

    /// The reactions, from their checkpoint, until all that is in the log is done.
    pub async fn catch_up(&self, handler: &Handler) -> Result<(), ReactionError> {
        Reactions::start(handler.clone(), self.checkpoints.clone()).await?.catch_up().await
    }

    /// The reactions, from the very beginning.
    pub async fn replay(&self, handler: &Handler) -> Result<(), ReactionError> {
        Reactions::start(handler.clone(), Arc::new(MemoryCheckpoints::default())).await?.catch_up().await
    }
}

/// Register, as nobody's duplicate.
pub fn register() -> RegisterIncoming {
    RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None }
}

/// The stream of document `n`.
pub fn document(n: u128) -> StreamId {
    incoming::stream(IncomingId::new(Uuid::from_u128(0xd0c_0000_0000 + n)))
}
