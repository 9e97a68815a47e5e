//! The reference engine: the log's contract as plain data, kept in memory and nowhere else. For tests, and to read what
//! an engine has to do.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    StreamExt,
    channel::oneshot,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};

use super::{
    Append, AppendError, Appended, Direction, EventLog, Followed, Head, LedgerId, Position, ReadError, RecordHash,
    Recorded, Revision, SealedRecord, StreamId, log::Stamp, record::MAX_RECORD_LEN,
};
use crate::time::{Clock, Timestamp};

/// The most events that one append may have.
pub const MAX_APPEND: usize = 1_000;

/// A log in memory.
#[derive(Clone)]
pub struct MemoryLog {
    ledger: LedgerId,
    clock: Arc<dyn Clock>,
    shared: Arc<Mutex<Shared>>,
}

impl std::fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryLog({})", self.ledger)
    }
}

#[derive(Default)]
struct Shared {
    records: Vec<SealedRecord>,
    streams: HashMap<StreamId, Vec<usize>>,
    head: Option<RecordHash>,
    recorded: Timestamp,
    waiting: Vec<oneshot::Sender<()>>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(ledger: LedgerId, clock: Arc<dyn Clock>) -> Self {
        Self { ledger, clock, shared: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn position(&self, index: usize) -> Position {
        Position::new(self.ledger, 1, index as u64 + 1)
    }

    fn recorded(&self, shared: &Shared, index: usize) -> Recorded {
        Recorded { position: self.position(index), record: shared.records[index].clone() }
    }

    fn take(&self, append: &Append) -> Result<Appended, AppendError> {
        check_size(append)?;
        let mut shared = self.lock();
        let places = shared.streams.get(&append.stream).cloned().unwrap_or_default();
        let next = usize::try_from(append.expected.next().number()).unwrap_or(usize::MAX);
        if next != places.len() {
            let before = places.get(next..next.saturating_add(append.drafts.len())).unwrap_or_default();
            let same = before.len() == append.drafts.len()
                && append.drafts.iter().zip(before).all(|(draft, &index)| draft.became(&shared.records[index]));
            return if same {
                let stamps = before.iter().map(|&index| self.stamp(&shared, index)).collect();
                Ok(Appended { stamps, repeated: true })
            } else {
                let actual = (places.len() as u64).checked_sub(1).map(Revision::new);
                Err(AppendError::Conflict { stream: append.stream, actual })
            };
        }
        let recorded = self.clock.now().max(shared.recorded);
        let mut previous = match places.last() {
            Some(&index) => shared.records[index].hash(),
            None => RecordHash::genesis(self.ledger, append.stream),
        };
        let mut stamps = Vec::with_capacity(append.drafts.len());
        let mut revision = append.expected.next();
        for draft in &append.drafts {
            let mut bytes = Vec::with_capacity(draft.record_len());
            previous = draft.stamp(append.stream, revision, recorded, previous, &mut bytes);
            let record = SealedRecord::from_bytes(bytes).map_err(|e| AppendError::Corrupt(e.to_string()))?;
            let index = shared.records.len();
            shared.records.push(record);
            shared.streams.entry(append.stream).or_default().push(index);
            stamps.push(Stamp { position: self.position(index), revision, recorded, hash: previous });
            revision = revision.next();
        }
        shared.recorded = recorded;
        let hashes: Vec<RecordHash> = stamps.iter().map(|stamp| stamp.hash).collect();
        shared.head = Some(super::log::chain_head(self.ledger, shared.head, &hashes));
        for waiting in shared.waiting.drain(..) {
            let _ = waiting.send(());
        }
        Ok(Appended { stamps, repeated: false })
    }

    fn stamp(&self, shared: &Shared, index: usize) -> Stamp {
        let record = &shared.records[index];
        let header = record.header();
        Stamp {
            position: self.position(index),
            revision: header.revision,
            recorded: header.recorded,
            hash: record.hash(),
        }
    }

    /// The index of the first record after `after`.
    fn start(&self, after: Option<Position>) -> Result<usize, ReadError> {
        let Some(after) = after else { return Ok(0) };
        after.compare(self.position(0))?;
        let start = usize::try_from(after.place()).unwrap_or(usize::MAX);
        if start > self.lock().records.len() { Err(ReadError::Beyond(after)) } else { Ok(start) }
    }
}

fn check_size(append: &Append) -> Result<(), AppendError> {
    let count = append.drafts.len();
    if count == 0 || count > MAX_APPEND {
        return Err(AppendError::Count { count, max: MAX_APPEND });
    }
    let len = append.drafts.iter().map(super::Draft::record_len).max().unwrap_or_default();
    if len > MAX_RECORD_LEN { Err(AppendError::TooLarge { len, max: MAX_RECORD_LEN }) } else { Ok(()) }
}

impl EventLog for MemoryLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        Box::pin(ready(self.take(&append)))
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        let shared = self.lock();
        let places = shared.streams.get(&stream).map_or(&[][..], Vec::as_slice);
        let from = from.map(|revision| usize::try_from(revision.number()).unwrap_or(usize::MAX));
        let record = |&index: &usize| self.recorded(&shared, index);
        let records = match direction {
            Direction::Forwards => places.iter().skip(from.unwrap_or(0)).take(limit).map(record).collect(),
            Direction::Backwards => {
                let end = from.map_or(places.len(), |from| places.len().min(from.saturating_add(1)));
                places[..end].iter().rev().take(limit).map(record).collect()
            }
        };
        Box::pin(ready(Ok(records)))
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        let start = match self.start(after) {
            Ok(start) => start,
            Err(error) => return stream::once(ready(Err(error))).boxed(),
        };
        let log = self.clone();
        let caught_up_at = log.lock().records.len();
        stream::unfold((log, start, false), move |(log, next, mut said)| async move {
            loop {
                let wait = {
                    let mut shared = log.lock();
                    if next >= caught_up_at && !said {
                        said = true;
                        drop(shared);
                        return Some((Ok(Followed::CaughtUp), (log, next, said)));
                    }
                    let end = if said { shared.records.len() } else { caught_up_at }.min(next + 256);
                    if next < end {
                        let records = (next..end).map(|index| log.recorded(&shared, index)).collect();
                        drop(shared);
                        return Some((Ok(Followed::Records(records)), (log, end, said)));
                    }
                    let (sender, receiver) = oneshot::channel();
                    shared.waiting.push(sender);
                    receiver
                };
                let _ = wait.await;
            }
        })
        .boxed()
    }

    fn stood_at(&self, then: Timestamp) -> BoxFuture<'_, Result<Option<Position>, ReadError>> {
        let by_then = self.lock().records.partition_point(|record| record.header().recorded <= then);
        Box::pin(ready(Ok(by_then.checked_sub(1).map(|index| self.position(index)))))
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        let shared = self.lock();
        let records = shared.records.len() as u64;
        Box::pin(ready(Ok(Head {
            position: Position::new(self.ledger, 1, records),
            records,
            hash: shared.head.unwrap_or(RecordHash([0; 32])),
            recorded: shared.recorded,
        })))
    }

    fn ledger(&self) -> LedgerId {
        self.ledger
    }

    fn engine(&self) -> &'static str {
        "memory"
    }
}
