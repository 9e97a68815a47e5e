//! Ways to make things fail: a life that ends between two writes, and a log whose answers are held back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{
    channel::oneshot,
    future::{BoxFuture, FutureExt, ready},
    stream::{self, BoxStream, StreamExt},
};
use socai_commands::{Blobs, BlobsUnavailable, CheckpointError, Checkpoints};
use socai_domain::{
    id::IncomingId,
    ledger::{
        Append, AppendError, Appended, EventLog, Followed, KeyError, KeyRing, KeyState, Position, ReadError, Revision,
        StreamId, StreamKey, memory::MemoryLog, memory_keys::MemoryKeyRing,
    },
};
use tokio::sync::Notify;

use crate::world::{MemoryBlobs, MemoryCheckpoints};

/// How many more writes a process lives to do. What it writes after that reaches nothing.
#[derive(Clone, Debug)]
pub struct Life(Arc<AtomicUsize>);

impl Life {
    pub fn of(writes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(writes)))
    }

    /// It ended before it wanted to.
    pub fn ended(&self) -> bool {
        self.0.load(Ordering::SeqCst) == usize::MAX
    }

    fn lives(&self) -> bool {
        let left = self.0.load(Ordering::SeqCst);
        let lives = left > 0 && left < usize::MAX;
        self.0.store(if lives { left - 1 } else { usize::MAX }, Ordering::SeqCst);
        lives
    }
}

/// Works as long as the process lives.
pub struct Dying<T: ?Sized> {
    pub life: Life,
    pub inner: Arc<T>,
}

const DEAD: &str = "the process is dead";

impl EventLog for Dying<dyn EventLog> {
    socai_domain::hand_on!(inner: read, follow, head, ledger, engine);

    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        if self.life.lives() {
            self.inner.append(append)
        } else {
            ready(Err(AppendError::Corrupt(DEAD.to_owned()))).boxed()
        }
    }
}

impl KeyRing for Dying<MemoryKeyRing> {
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        self.inner.sealing(stream, revision)
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        self.inner.opening(stream, revision)
    }

    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        if self.life.lives() { self.inner.renew(stream, revision) } else { ready(Err(KeyError::WrongMaster)).boxed() }
    }

    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        if self.life.lives() { self.inner.destroy(stream, revision) } else { ready(Err(KeyError::WrongMaster)).boxed() }
    }
}

impl Blobs for Dying<MemoryBlobs> {
    fn remove(&self, document: IncomingId, files: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        if self.life.lives() {
            self.inner.remove(document, files)
        } else {
            ready(Err(BlobsUnavailable(DEAD.to_owned()))).boxed()
        }
    }
}

/// What becomes of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, and said so.
    Taken,
    /// Not taken, and said so.
    Busy,
    /// Taken, but the answer was lost.
    UnknownTaken,
    /// Not taken, and the answer was lost.
    UnknownLost,
}

type Held = (Append, oneshot::Sender<Result<Appended, AppendError>>);

/// A log whose appends wait, in their order, until the test lets them go.
#[derive(Clone)]
pub struct HeldLog {
    inner: MemoryLog,
    shared: bool,
    held: Arc<Mutex<VecDeque<Held>>>,
    changed: Arc<Notify>,
}

impl HeldLog {
    pub fn new(inner: MemoryLog) -> Self {
        Self { inner, shared: false, held: Arc::default(), changed: Arc::default() }
    }

    /// Others write to it, too.
    pub fn shared(inner: MemoryLog) -> Self {
        Self { shared: true, ..Self::new(inner) }
    }

    /// Waits until so many appends wait; answers where each expects its stream.
    pub async fn holding(&self, count: usize) -> Vec<Revision> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let held = self.held.lock().unwrap();
                if held.len() >= count {
                    return held.iter().map(|(append, _)| append.expected.next()).collect();
                }
            }
            changed.await;
        }
    }

    /// Lets the first waiting append go.
    pub async fn release(&self, outcome: Outcome) {
        self.holding(1).await;
        let (append, answer) = self.held.lock().unwrap().pop_front().unwrap();
        let taken = match outcome {
            Outcome::Taken | Outcome::UnknownTaken => self.inner.append(append).await,
            Outcome::Busy => Err(AppendError::Busy("full".to_owned())),
            Outcome::UnknownLost => Err(AppendError::Unknown("no answer".to_owned())),
        };
        let unknown = outcome == Outcome::UnknownTaken;
        let _ = answer.send(if unknown { Err(AppendError::Unknown("no answer".to_owned())) } else { taken });
    }
}

impl EventLog for HeldLog {
    socai_domain::hand_on!(inner: read, follow, head, ledger);

    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let (answer, answered) = oneshot::channel();
        self.held.lock().unwrap().push_back((append, answer));
        self.changed.notify_waiters();
        Box::pin(async move { answered.await.unwrap_or(Err(AppendError::Unknown("the test is over".to_owned()))) })
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    fn engine(&self) -> &'static str {
        "held"
    }
}

/// What fails, until it heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The log cannot be followed.
    Follow,
    /// The log takes nothing: its disk is full.
    Append,
    /// The key ring does not answer.
    Key,
    /// A key does not open.
    DamagedKey,
    /// The checkpoint cannot be saved.
    Checkpoint,
}

/// Works but for one fault.
#[derive(Clone)]
pub struct Flaky<T: ?Sized> {
    pub fault: Arc<Mutex<Option<Fault>>>,
    pub inner: Arc<T>,
}

impl<T: ?Sized> Flaky<T> {
    fn has(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == Some(fault)
    }
}

impl EventLog for Flaky<dyn EventLog> {
    socai_domain::hand_on!(inner: read, head, ledger, engine);

    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        if self.has(Fault::Append) {
            return ready(Err(AppendError::Busy("the disk is full".to_owned()))).boxed();
        }
        self.inner.append(append)
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        if self.has(Fault::Follow) {
            return stream::iter([Err(ReadError::Busy("the disk does not answer".to_owned()))]).boxed();
        }
        self.inner.follow(after)
    }
}

impl KeyRing for Flaky<MemoryKeyRing> {
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        self.inner.sealing(stream, revision)
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        match *self.fault.lock().unwrap() {
            Some(Fault::Key) => ready(Err(KeyError::Unavailable("the disk is full".to_owned()))).boxed(),
            Some(Fault::DamagedKey) => ready(Err(KeyError::Damaged("a key was changed".to_owned()))).boxed(),
            _ => self.inner.opening(stream, revision),
        }
    }

    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        self.inner.renew(stream, revision)
    }

    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        self.inner.destroy(stream, revision)
    }
}

impl Checkpoints for Flaky<MemoryCheckpoints> {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Position>, CheckpointError>> {
        self.inner.load(name)
    }

    fn save<'a>(&'a self, name: &'a str, position: Position) -> BoxFuture<'a, Result<(), CheckpointError>> {
        if self.has(Fault::Checkpoint) {
            let error = CheckpointError { name: name.to_owned(), why: "the disk is full".to_owned() };
            return ready(Err(error)).boxed();
        }
        self.inner.save(name, position)
    }
}
