//! The log on KurrentDB: records byte for byte as events, one physical stream for each stream, one order for all.
//!
//! | of the record | in KurrentDB |
//! |---|---|
//! | stream `incoming-018f…` of the ledger `socai` | stream `socai-incoming-018f…` |
//! | revision | revision |
//! | id, made from its hash | event id: the server recognises a repetition by it |
//! | its kind's name, `IncomingArrived@1` | event type |
//! | header and sealed body | data, byte for byte; metadata stays empty |
//! | position | commit position in `$all` |
//!
//! What the ledger is, the stream `socai.ledger` says (`identity`).
//!
//! **Time.** The log stamps: the later of its clock and the last time that it has seen, so that time stands still for a
//! clock that is slow or was set back. Appends that are under way together carry the same time, and the next wait until
//! these have been answered; so one process alone writes no time that goes back, in whichever order the server takes them.
//!
//! Where several processes write, it never goes back along a stream: to append is to have seen the record before. Along
//! `$all` it may, by as much as the clocks differ, until the slower one has seen a record of the faster one, and then by
//! what is on its way. The time of a place is therefore the latest up to there, and where the log stood at an instant is
//! before the first record of a later one: the same for every process, and never less for a later instant.

mod chains;
mod follow;
mod identity;
mod look;
mod names;
mod open;
mod read;
mod restore;
mod tally;
mod turn;
mod write;

use std::{collections::HashSet, fmt, num::NonZeroUsize, sync::Arc, sync::Mutex, sync::PoisonError, time::Duration};

use futures::{
    future::{BoxFuture, ready},
    stream::BoxStream,
};
use lru::LruCache;
use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Direction, EventLog, Followed, Head, LedgerId, Position, ReadError, Recorded,
        Revision, StreamId, continuity::Standing,
    },
    time::{Clock, Timestamp},
};
use tokio::sync::mpsc;

use crate::client::{Client, Fault};
pub use look::Look;
use names::Names;
pub use open::OpenKurrentError;
use open::Wanted;
pub use restore::KurrentRestore;
use tally::Tally;
use write::Waiting;

/// How many streams' ends are kept in mind.
const HEADS: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// How to open a log.
#[derive(Clone)]
pub struct KurrentOptions {
    /// Tells the time of records.
    pub clock: Arc<dyn Clock>,
    /// Make the ledger if the cluster has none of that name.
    pub create: bool,
    /// How long the cluster may be out of reach before a call or a follower says so.
    pub patience: Duration,
    /// How long a subscription may be silent before a new one takes its place.
    pub idle: Duration,
}

impl KurrentOptions {
    /// The usual ones; no ledger is made.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, create: false, patience: Duration::from_secs(10), idle: Duration::from_secs(30) }
    }
}

impl fmt::Debug for KurrentOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KurrentOptions")
            .field("create", &self.create)
            .field("patience", &self.patience)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}

/// A ledger in a KurrentDB cluster. Clones are the same log.
#[derive(Clone)]
pub struct KurrentLog {
    shared: Arc<Shared>,
    queue: mpsc::UnboundedSender<Waiting>,
}

impl fmt::Debug for KurrentLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KurrentLog({})", self.shared.ledger)
    }
}

/// The furthest that this log has seen.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    place: u64,
    recorded: Timestamp,
}

/// What the log's clones and tasks have in common.
struct Shared {
    client: Client,
    names: Names,
    ledger: LedgerId,
    epoch: u32,
    options: KurrentOptions,
    heads: Mutex<LruCache<StreamId, Standing>>,
    /// Streams to which something may have been written without our knowing.
    doubts: Mutex<HashSet<StreamId>>,
    seen: Mutex<Seen>,
    tally: tokio::sync::Mutex<Tally>,
    runtime: tokio::runtime::Handle,
}

impl Shared {
    fn position(&self, place: u64) -> Position {
        Position::new(self.ledger, self.epoch, place)
    }

    fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record is known to be there.
    fn see(&self, place: u64, recorded: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.place = seen.place.max(place);
        seen.recorded = seen.recorded.max(recorded);
    }

    fn standing(&self, stream: StreamId) -> Option<Standing> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).copied()
    }

    /// Must the stream be looked at before it is written to?
    fn doubted(&self, stream: StreamId) -> bool {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).contains(&stream)
    }

    fn doubt(&self, stream: StreamId, doubt: bool) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        if doubt {
            doubts.insert(stream)
        } else {
            doubts.remove(&stream)
        };
    }

    fn stands(&self, stream: StreamId, standing: Option<Standing>) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => heads.put(stream, standing),
            None => heads.pop(&stream),
        };
    }
}

impl KurrentLog {
    /// Opens the ledger that the URL names. Needs a tokio runtime, which it uses as long as it lives.
    pub async fn open(url: &str, options: KurrentOptions) -> Result<Self, OpenKurrentError> {
        let (shared, _) = open::open(url.parse()?, options, Wanted::Whole).await?;
        let shared = Arc::new(shared);
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write::write(Arc::clone(&shared), waiting));
        Ok(Self { shared, queue })
    }

    /// Asks once for the ledger that the URL names, whether the cluster has it or not.
    pub async fn ask(url: &str) -> Result<(), OpenKurrentError> {
        let client = Client::new(url.parse()?)?;
        let names = Names::new(&client.address().ledger);
        identity::told(&client, &names.identity()).await?;
        Ok(())
    }
}

/// What a reader may do about a fault that it came to there.
fn read_error(at: impl fmt::Display, fault: Fault) -> ReadError {
    match fault {
        Fault::Deleted(what) => ReadError::Corrupt(what),
        fault @ Fault::Oversize(_) => ReadError::Corrupt(format!(
            "{at}: {fault}. Take its right to write from that program, and restore a backup of the cluster from before"
        )),
        fault => ReadError::Busy(fault.to_string()),
    }
}

impl EventLog for KurrentLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        if let Err(error) = write::check(&append) {
            return Box::pin(ready(Err(error)));
        }
        let (answer, answered) = tokio::sync::oneshot::channel();
        let queued = self.queue.send(Waiting { append, answer }).is_ok();
        Box::pin(async move {
            if !queued {
                return Err(AppendError::Busy("the log's writer has ended with its runtime".into()));
            }
            let lost = |_| Err(AppendError::Unknown("the log's writer ended before it was answered".into()));
            answered.await.unwrap_or_else(lost)
        })
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        Box::pin(self.shared.read(stream, direction, from, limit))
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        follow::follow(&self.shared, after)
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        Box::pin(self.shared.head())
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn ledger(&self) -> LedgerId {
        self.shared.ledger
    }

    fn engine(&self) -> &'static str {
        "kurrentdb"
    }
}
