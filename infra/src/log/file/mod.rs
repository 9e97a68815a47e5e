//! The log on plain files: segments of fixed size, one writer, one sync per batch.
//!
//! ```text
//! append ──► queue ──► writer: stamp, one frame, one sync ──► acknowledge ──► readers may see it
//! ```
//!
//! - `format`: the bytes; `segment`: walking them; `index`: what is known of a segment beside them.
//! - `writer`, `batch`, `queue`, `keeper`: the way in.
//! - `read`, `follow`, `replay`: the ways out. None ever sees what is not durable. `reader`: from outside, for checks.
//! - `recover`, `create`, `closed`: the beginning and the end of a run.
//! - `beside`: reading the files without the log, also while a server writes to them.
//! - `building`: a whole ledger at once, which nobody may open before it is complete; `restoring`: a copy of another log.
//!
//! The files are reached through [`crate::disk`], where the tests lose power.

mod batch;
pub(crate) mod beside;
pub mod building;
pub(crate) mod closed;
mod create;
pub(crate) mod error;
mod follow;
pub(crate) mod format;
pub(crate) mod hashing;
pub(crate) mod index;
mod keeper;
mod known;
mod queue;
mod read;
pub(crate) mod reader;
mod recover;
mod replay;
pub(crate) mod restoring;
pub(crate) mod segment;
pub(crate) mod segments;
mod shared;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, ready},
    stream::BoxStream,
};
use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Direction, Draft, EventLog, Followed, Head, LedgerId, Pieces, Position,
        ReadError, Recorded, Revision, StreamId, memory::MAX_APPEND, record::MAX_RECORD_LEN,
    },
    time::{Clock, Timestamp},
};
use tokio::sync::{oneshot, watch};

pub use self::{
    error::{Damage, OpenLogError},
    known::Known,
    recover::OpenReport,
};
use self::{
    format::{ALIGN, FIRST_FRAME, FRAME_HEAD},
    keeper::Keeper,
    queue::{Pending, Queue},
    recover::{Loaded, load},
    shared::{Durable, Shared},
    writer::Writer,
};
use crate::disk::{Disk, RealDisk};

/// The file that keeps a second process out.
const LOCK: &str = "lock";
/// The smallest segment: it holds the longest record.
const SMALLEST: u32 = 72 << 10;
/// The largest segment.
const LARGEST: u32 = 1 << 30;

/// How a log is opened.
#[derive(Clone)]
pub struct FileLogOptions {
    /// Length of new segments in bytes, 72 KiB to 1 GiB; also the most that one append can take. Default 64 MiB.
    pub segment_size: u32,
    /// Tells the recorded time.
    pub clock: Arc<dyn Clock>,
    /// Make a ledger if the directory has none. Default yes.
    pub create: bool,
    /// The ledger that this must be, and the id of a new one. Default: any, and a random one.
    pub ledger: Option<LedgerId>,
    /// The engine epoch of a new ledger: another one for each log that gives its records other positions. Default 1.
    pub epoch: u32,
    /// It is being copied into: what a crash left at its end is cut, whatever follows, for whence it came it is still
    /// there. Default no.
    pub copying: bool,
    /// How far the log is known to go: if it ends before, it is damaged. Default: nothing is known.
    pub known: Known,
    /// How long until the writer tries again what failed twice: to read the files after a failed write or sync, or to make
    /// room for another segment on a full disk. Default 1 s.
    pub retry_after: Duration,
}

impl FileLogOptions {
    /// The defaults, with this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            segment_size: 64 << 20,
            clock,
            create: true,
            ledger: None,
            epoch: 1,
            copying: false,
            known: Known::default(),
            retry_after: Duration::from_secs(1),
        }
    }

    fn check(&self) -> Result<(), OpenLogError> {
        if (SMALLEST..=LARGEST).contains(&self.segment_size) {
            return Ok(());
        }
        Err(OpenLogError::SegmentSize { size: self.segment_size, min: SMALLEST, max: LARGEST })
    }
}

impl fmt::Debug for FileLogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLogOptions")
            .field("segment_size", &self.segment_size)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// A log on files. Clones are handles of the same log; when the last one is dropped, what was accepted is still written,
/// and the log ends in good order, as by [`FileLog::close`], but nobody is told if it did not.
#[derive(Clone, Debug)]
pub struct FileLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    report: OpenReport,
    largest_append: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl FileLog {
    /// Opens the log in `dir`, after checking its files (see `docs/FILE_FORMAT.md`); makes one if there is none. Blocks while it
    /// reads them.
    pub fn open(dir: &Path, options: FileLogOptions) -> Result<Self, OpenLogError> {
        options.check()?;
        building::check_finished(dir)?;
        let disk = if options.create {
            RealDisk::make(dir).map_err(OpenLogError::io(format!("making {}", dir.display())))?
        } else if dir.is_dir() {
            RealDisk::new(dir)
        } else {
            return Err(OpenLogError::Missing(dir.display().to_string()));
        };
        Self::open_on(Arc::new(disk), &dir.display().to_string(), options)
    }

    fn open_on(disk: Arc<dyn Disk>, name: &str, options: FileLogOptions) -> Result<Self, OpenLogError> {
        let guard = disk.lock(LOCK).map_err(OpenLogError::io(format!("locking {name}")))?;
        let guard = guard.ok_or_else(|| OpenLogError::InUse(name.to_owned()))?;
        let largest_append = options.segment_size as usize - FIRST_FRAME as usize - FRAME_HEAD - ALIGN;
        let (writer, shared, report) = start(disk, options, Keeper::new(true))?;
        if let Some(cut) = &report.cut {
            tracing::warn!(%cut, "a batch at the end of the log had not been written whole and was cut");
        }
        tracing::info!(log = name, ledger = %shared.ledger, records = report.records, segments = report.segments, "log opened");
        let queue = Arc::new(Queue::default());
        let writing = Arc::clone(&queue);
        let run = move || {
            let abandon = Abandon(&writing);
            writer.run(&writing);
            // The next process may come in only now.
            drop(abandon);
            drop(guard);
        };
        let thread = std::thread::Builder::new().name("socai-log-writer".into());
        let thread = thread.spawn(run).map_err(OpenLogError::io("starting the log's writer"))?;
        let thread = Mutex::new(Some(thread));
        Ok(Self { inner: Arc::new(Inner { shared, queue, report, largest_append, thread }) })
    }

    /// What was found and done when the log was opened.
    pub fn report(&self) -> &OpenReport {
        &self.inner.report
    }

    /// Ends the log in good order: takes nothing more, writes what was accepted, leaves the marker of a clean shutdown
    /// and lets the next process in. The error says what was not done; acknowledged records are safe in any case.
    pub async fn close(&self) -> Result<(), String> {
        let (sender, receiver) = oneshot::channel();
        self.inner.queue.close(Some(sender));
        let closed = receiver.await.unwrap_or_else(|_| Err("the log was closed before".into()));
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.join()).await.map_err(|error| error.to_string())?;
        closed
    }
}

/// Checks and opens the files.
fn start(
    disk: Arc<dyn Disk>,
    options: FileLogOptions,
    keeper: Keeper,
) -> Result<(Writer, Arc<Shared>, OpenReport), OpenLogError> {
    let Loaded { segments, tips, tail, report } = load(&*disk, &options)?;
    let last = &segments.last().expect("a log that was opened has a segment").header;
    let durable = watch::Sender::new(Durable { segment: last.number, tail, ended: false });
    let (ledger, epoch) = (last.ledger, last.epoch);
    let shared = Shared { ledger, epoch, segments: RwLock::new(segments), tips: RwLock::new(tips), durable };
    let shared = Arc::new(shared);
    Ok((Writer::new(disk, options, Arc::clone(&shared), keeper), shared, report))
}

/// However the writer ends, nobody waits for it in vain.
struct Abandon<'a>(&'a Queue);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Inner {
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the log's writer panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close(None);
        self.join();
    }
}

/// Runs what may wait for the disk where it holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.map_err(|error| ReadError::Busy(error.to_string())),
        Err(_) => Ok(work()),
    }
}

impl EventLog for FileLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        let (reply, answer) = oneshot::channel();
        let pushed =
            check(&append, self.inner.largest_append).and_then(|()| self.inner.queue.push(Pending { append, reply }));
        match pushed {
            Ok(()) => answer
                .map(|answer| answer.unwrap_or_else(|_| Err(AppendError::Unknown("the log's writer ended".into()))))
                .boxed(),
            Err(error) => ready(Err(error)).boxed(),
        }
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        let shared = Arc::clone(&self.inner.shared);
        blocking(move || read::stream(&shared, stream, direction, from, limit))
            .map(|result| result.and_then(|r| r))
            .boxed()
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        follow::follow(&self.inner.shared, after)
    }

    fn pieces(&self, after: Option<Position>, until: Position) -> Pieces {
        replay::pieces(&self.inner.shared, after, until)
    }

    fn stood_at(&self, then: Timestamp) -> BoxFuture<'_, Result<Option<Position>, ReadError>> {
        let shared = Arc::clone(&self.inner.shared);
        blocking(move || replay::stood_at(&shared, then)).map(|result| result.and_then(|r| r)).boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        ready(Ok(self.inner.shared.head())).boxed()
    }

    fn ledger(&self) -> LedgerId {
        self.inner.shared.ledger
    }

    fn engine(&self) -> &'static str {
        "file"
    }
}

/// Refuses what can never be taken.
fn check(append: &Append, largest: usize) -> Result<(), AppendError> {
    let count = append.drafts.len();
    if count == 0 || count > MAX_APPEND {
        return Err(AppendError::Count { count, max: MAX_APPEND });
    }
    let len = append.drafts.iter().map(Draft::record_len).max().unwrap_or_default();
    if len > MAX_RECORD_LEN {
        return Err(AppendError::TooLarge { len, max: MAX_RECORD_LEN });
    }
    let len = batch::len_in_frame(append);
    if len > largest { Err(AppendError::TooLarge { len, max: largest }) } else { Ok(()) }
}
