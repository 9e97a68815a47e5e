//! What servers of the simulation share, and the way of each to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{BoxStream, once},
};
use socai_commands::{Blobs, BlobsUnavailable, CheckpointError, Checkpoints};
use socai_domain::{
    id::IncomingId,
    ledger::{
        Append, AppendError, Appended, Direction, EventLog, Followed, Head, LedgerId, Position, ReadError, Recorded,
        Revision, StreamId, StreamKind, memory::MemoryLog, memory_keys::MemoryKeyRing,
    },
    proof::{Checkpoint, Note, TreeHead},
    testing::{MORNING, SetClock},
};
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use crate::{
    lease::{Leases, Part, memory::MemoryLeases},
    notary::memory::{MemoryStore, Shelves},
};

/// Waits on the simulation's clock.
pub(super) async fn passes(time: Duration) {
    tokio::time::sleep(time).await; // tidy: time is paused here, and passes at once
}

/// The engines, as they are if nobody is in the way.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: SetClock,
    pub(super) log: MemoryLog,
    pub(super) ring: Arc<MemoryKeyRing>,
    pub(super) shelves: Arc<Mutex<Shelves>>,
    leases: MemoryLeases,
    reactions: Mutex<Option<Position>>,
    seen: Mutex<Seen>,
}

/// What happened, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Every tree whose head was signed.
    pub(super) signed: Vec<(Instant, TreeHead)>,
    /// Registrations that were begun and have not ended.
    pub(super) begun: BTreeMap<StreamId, Instant>,
    /// When the others were, and ended.
    pub(super) took: Vec<[Instant; 2]>,
    /// When a server got into trouble.
    pub(super) troubles: Vec<Instant>,
    /// Who got which lease from somebody else.
    pub(super) turns: usize,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(super) fn new() -> Self {
        let clock = SetClock::at(MORNING);
        let log = MemoryLog::new(LedgerId(Uuid::from_u128(0x50ca1)), Arc::new(clock.clone()));
        let (ring, shelves, leases) = (Arc::default(), Arc::default(), MemoryLeases::default());
        Self { clock, log, ring, shelves, leases, reactions: Mutex::default(), seen: Mutex::default() }
    }

    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    pub(super) fn trouble(&self) {
        lock(&self.seen).troubles.push(Instant::now());
    }

    /// All records there are.
    pub(super) async fn all(&self) -> Vec<Recorded> {
        let (mut followed, mut all) = (self.log.follow(None), Vec::new());
        while let Some(Ok(Followed::Records(records))) = followed.next().await {
            all.extend(records);
        }
        all
    }

    /// A document of the simulation arrives, its registration begins, and it ends.
    fn note(&self, stream: StreamId, appended: &Appended) {
        let mut seen = lock(&self.seen);
        for stamp in appended.stamps.iter().filter(|_| stream.kind() == StreamKind::Incoming && !appended.repeated) {
            match stamp.revision.number() {
                1 => drop(seen.begun.insert(stream, Instant::now())),
                2 => {
                    let begun = seen.begun.remove(&stream).expect("what ends was begun");
                    seen.took.push([begun, Instant::now()]);
                }
                _ => {}
            }
        }
    }
}

/// How it is with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Well,
    /// Nothing comes through, and it is told so.
    Cut,
    /// It stands still: what it asks for arrives when it goes on, and so do answers.
    Still,
    /// It was killed.
    Dead,
}

/// The way of one server to the world.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) world: Arc<World>,
    pub(super) state: Arc<watch::Sender<State>>,
    /// How long everything takes, each way.
    pub(super) slow: Duration,
}

impl Way {
    /// Goes one way: does it arrive?
    async fn pass(&self) -> bool {
        passes(self.slow).await;
        let mut state = self.state.subscribe();
        // The sender lives as long as this way.
        state.wait_for(|state| matches!(state, State::Well | State::Cut)).await.is_ok_and(|state| *state == State::Well)
    }

    /// There and back; `None` if it did not arrive, or its answer did not.
    async fn ask<T>(&self, work: impl FnOnce(&World) -> T) -> Option<T> {
        if !self.pass().await {
            return None;
        }
        let answer = work(&self.world);
        self.pass().await.then_some(answer)
    }

    /// This server's way to the notary's store.
    pub(super) fn store(&self) -> MemoryStore {
        let (state, world) = (Arc::clone(&self.state), Arc::clone(&self.world));
        let told = move |note: &[u8]| {
            let key = crate::notary::memory::key();
            let note = Note::parse(note).expect("it is a note");
            let head = Checkpoint::open(&note, key.public()).expect("it is signed").head();
            lock(&world.seen).signed.push((Instant::now(), head));
        };
        MemoryStore::new(&self.world.shelves, Arc::new(move || *state.borrow() == State::Well), Arc::new(told))
    }
}

const AWAY: &str = "nothing comes through";

impl EventLog for Way {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let way = self.clone();
        async move {
            if !way.pass().await {
                return Err(AppendError::Busy(AWAY.into()));
            }
            let stream = append.stream;
            let appended = way.world.log.append(append).await;
            if let Ok(appended) = &appended {
                way.world.note(stream, appended);
            }
            if way.pass().await { appended } else { Err(AppendError::Unknown(AWAY.into())) }
        }
        .boxed()
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        async move {
            let read = self.ask(|world| world.log.read(stream, direction, from, limit).now_or_never()).await;
            read.flatten().unwrap_or_else(|| Err(ReadError::Busy(AWAY.into())))
        }
        .boxed()
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        let way = self.clone();
        let log = self.world.log.clone();
        let following = async move {
            if !way.pass().await {
                return once(async { Err(ReadError::Busy(AWAY.into())) }).boxed();
            }
            let told = log.follow(after).then(move |told| {
                let way = way.clone();
                async move { if way.pass().await { told } else { Err(ReadError::Busy(AWAY.into())) } }
            });
            told.boxed()
        };
        once(following).flatten().boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        async move {
            let head = self.ask(|world| world.log.head().now_or_never()).await;
            head.flatten().unwrap_or_else(|| Err(ReadError::Busy(AWAY.into())))
        }
        .boxed()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn ledger(&self) -> LedgerId {
        self.world.log.ledger()
    }

    fn engine(&self) -> &'static str {
        self.world.log.engine()
    }
}

impl Leases for Way {
    fn take<'a>(
        &'a self,
        parts: &'a [Part],
        holder: Uuid,
        lasts: Duration,
    ) -> BoxFuture<'a, Result<BTreeSet<Part>, String>> {
        async move {
            let given = self.ask(|world| {
                let (given, turns) = world.leases.take(parts, holder, lasts);
                lock(&world.seen).turns += turns;
                given
            });
            given.await.ok_or_else(|| AWAY.to_owned())
        }
        .boxed()
    }

    fn release(&self, holder: Uuid) -> BoxFuture<'_, Result<(), String>> {
        if *self.state.borrow() == State::Well {
            self.world.leases.release(holder);
        }
        async { Ok(()) }.boxed()
    }
}

fn away(name: &str) -> CheckpointError {
    CheckpointError { name: name.to_owned(), why: AWAY.to_owned() }
}

impl Checkpoints for Way {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Position>, CheckpointError>> {
        async move { self.ask(|world| *lock(&world.reactions)).await.ok_or_else(|| away(name)) }.boxed()
    }

    fn save<'a>(&'a self, name: &'a str, position: Position) -> BoxFuture<'a, Result<(), CheckpointError>> {
        async move { self.ask(|world| *lock(&world.reactions) = Some(position)).await.ok_or_else(|| away(name)) }
            .boxed()
    }
}

impl Blobs for Way {
    fn remove(&self, _: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        let removed = u32::try_from(files.len()).unwrap_or(u32::MAX);
        async move { Ok(removed) }.boxed()
    }
}
