//! A log that is only read, in its order, from its first record to where it ended when it was asked: files without their lock,
//! also while a server writes to them, or whatever a follower is told.

use std::{fmt, io, path::Path, sync::Arc};

use futures::StreamExt as _;
use socai_domain::{
    ledger::{EventLog, Followed, Head, LedgerId, Position, ReadError},
    proof::{leaf_hash, tree::Frontier},
    time::Timestamp,
};
use socai_kurrent::OpenKurrentError;
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

use super::{
    FileLogOptions, Known, OpenLogError,
    file::{
        Damage,
        beside::{Each, Files, Placed, ReadTo},
        building,
    },
};
use crate::{clock::SystemClock, verify::head_of};

/// So many records, or so many bytes of them, are told at once.
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = 1 << 20;
/// So many chunks wait for whoever reads.
const WAITING: usize = 2;

/// A log that is only read.
#[derive(Clone)]
pub(crate) enum Reading {
    Files(Arc<Files>),
    /// What is told, up to there.
    Events(Arc<dyn EventLog>, Head),
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading({})", self.begins())
    }
}

impl Reading {
    /// Opens what the URL names; nothing is made or changed. With `known`, the log must go on to there at least, because
    /// somebody was told so.
    pub(crate) async fn open(url: &str, known: Known) -> Result<Self, OpenLogError> {
        if let Some(dir) = super::directory(url)? {
            building::check_finished(&dir)?;
            return Self::files(&dir, known).await;
        }
        let options = FileLogOptions { create: false, known, ..FileLogOptions::new(Arc::new(SystemClock)) };
        Self::of(super::open(url, options).await?.events()).await
    }

    /// The files in this directory, whether or not they are marked as unfinished.
    pub(crate) async fn files(dir: &Path, known: Known) -> Result<Self, OpenLogError> {
        let dir = dir.to_owned();
        let opened = tokio::task::spawn_blocking(move || Files::open(&dir, known)).await;
        let stopped = |error| OpenLogError::io("opening the log")(io::Error::other(error));
        Ok(Self::Files(Arc::new(opened.map_err(stopped)??)))
    }

    /// What an open log holds now.
    pub(crate) async fn of(log: Arc<dyn EventLog>) -> Result<Self, OpenLogError> {
        let head = log.head().await.map_err(unread)?;
        Ok(Self::Events(log, head))
    }

    /// The position before the first record.
    pub(crate) fn begins(&self) -> Position {
        match self {
            Self::Files(files) => files.begins(),
            Self::Events(_, head) => head.position.with_place(0),
        }
    }

    /// The ledger.
    pub(crate) fn ledger(&self) -> LedgerId {
        self.begins().ledger()
    }

    /// How many records there are, or some fewer.
    pub(crate) fn about(&self) -> u64 {
        match self {
            Self::Files(files) => files.at_least(),
            Self::Events(_, head) => head.records,
        }
    }

    /// How much there is to be read, in what `progress` of [`Reading::read`] is told: bytes of files, or records.
    pub(crate) fn amount(&self) -> u64 {
        match self {
            Self::Files(files) => files.bytes(),
            Self::Events(_, head) => head.records,
        }
    }

    /// Tells every record that was recorded from `from` on and before `before`, in order, until `each` answers no. Waits for
    /// disk or network: call it in a thread of the runtime's for such work.
    pub(crate) fn read(
        &self,
        (from, before): (Timestamp, Timestamp),
        each: &mut Each<'_>,
        progress: impl FnMut(u64),
    ) -> Result<ReadTo, OpenLogError> {
        match self {
            Self::Files(files) => files.read(from, before, each, progress),
            Self::Events(log, head) => told(&**log, head.position, (from, before), each, progress),
        }
    }

    /// Begins to read all of it.
    pub(crate) fn records(&self) -> Records {
        let (tell, told) = mpsc::channel(WAITING);
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || this.tell(&tell));
        Records { told, task: Some(task), torn: None }
    }

    fn tell(&self, tell: &mpsc::Sender<Vec<Placed>>) -> Result<ReadTo, OpenLogError> {
        let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK), 0);
        let mut each = |placed: Placed| {
            bytes += placed.record.bytes().len();
            chunk.push(placed);
            if chunk.len() < CHUNK && bytes < CHUNK_BYTES {
                return true;
            }
            bytes = 0;
            tell.blocking_send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).is_ok()
        };
        let read = self.read(ever(), &mut each, |_| {})?;
        if !chunk.is_empty() {
            // Whoever no longer reads has no use for it.
            let _ = tell.blocking_send(chunk);
        }
        Ok(read)
    }
}

/// Whenever it was recorded.
pub(crate) fn ever() -> (Timestamp, Timestamp) {
    (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX))
}

/// The records of a log, in order.
#[derive(Debug)]
pub(crate) struct Records {
    told: mpsc::Receiver<Vec<Placed>>,
    task: Option<JoinHandle<Result<ReadTo, OpenLogError>>>,
    torn: Option<Damage>,
}

impl Records {
    /// The next ones; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Placed>>, OpenLogError> {
        if let Some(chunk) = self.told.recv().await {
            return Ok(Some(chunk));
        }
        if let Some(task) = self.task.take() {
            let stopped = |error| OpenLogError::io("reading the log")(io::Error::other(error));
            self.torn = task.await.map_err(stopped)??.torn;
        }
        Ok(None)
    }

    /// After the last: a batch at the very end that is not whole, and was left out.
    pub(crate) fn torn(&self) -> Option<&Damage> {
        self.torn.as_ref()
    }
}

/// The log had its last record there when it was asked.
fn left_out(end: Position) -> OpenLogError {
    unread(ReadError::Corrupt(format!("the record at {end} was left out when all were told")))
}

fn unread(error: ReadError) -> OpenLogError {
    OpenKurrentError::from(error).into()
}

fn told(
    log: &dyn EventLog,
    end: Position,
    (from, before): (Timestamp, Timestamp),
    each: &mut Each<'_>,
    mut progress: impl FnMut(u64),
) -> Result<ReadTo, OpenLogError> {
    let (mut followed, mut tree, runtime) = (log.follow(None), Frontier::new(), Handle::current());
    let mut read = ReadTo { position: end.with_place(0), head: None, torn: None };
    // By the time of the place in the log, which is the latest up to there: so ranges that join leave nothing out.
    let mut begun = false;
    'told: while read.position != end {
        // Nothing but this: `each` may wait itself, which is not possible within.
        let next = runtime.block_on(followed.next());
        let Some(Followed::Records(records)) = next.transpose().map_err(unread)? else {
            return Err(left_out(end));
        };
        for recorded in records {
            let (position, recorded_at) = (recorded.position, recorded.record.header().recorded);
            if recorded_at >= before {
                break 'told;
            }
            if position.place() > end.place() {
                if read.position == end {
                    break 'told;
                }
                return Err(left_out(end));
            }
            let hash = recorded.record.hash();
            tree.append(leaf_hash(&hash));
            read.position = position;
            begun |= recorded_at >= from;
            if begun && !each(Placed { position, record: recorded.record, hash }) {
                break 'told;
            }
        }
        progress(tree.size());
    }
    read.head = (tree.size() > 0).then(|| head_of(&tree));
    Ok(read)
}
