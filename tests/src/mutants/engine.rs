//! An engine in memory with one fault. Without it, it keeps the contract.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    channel::oneshot,
    future::{BoxFuture, ready},
    stream::BoxStream,
};
use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Direction, EventLog, Followed, Head, LedgerId, Pieces, Position, ReadError,
        RecordHash, Recorded, Revision, SealedRecord, StreamId,
    },
    time::{Clock, Timestamp},
};

use super::{Fault, follow, pieces, take};

/// A log that is wrong in one way.
#[derive(Clone)]
pub(super) struct WrongLog {
    pub(super) fault: Fault,
    ledger: LedgerId,
    epoch: u32,
    pub(super) clock: Arc<dyn Clock>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
pub(super) struct Shared {
    pub(super) records: Vec<SealedRecord>,
    pub(super) streams: HashMap<StreamId, Vec<usize>>,
    pub(super) appends: u64,
    pub(super) head: Option<RecordHash>,
    pub(super) recorded: Timestamp,
    pub(super) waiting: Vec<oneshot::Sender<()>>,
    /// Appends of a stream that are under way, and where the stream stood before them.
    pub(super) groups: HashMap<StreamId, (usize, usize)>,
}

impl std::fmt::Debug for WrongLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WrongLog({:?})", self.fault)
    }
}

impl WrongLog {
    pub(super) fn new(fault: Fault, ledger: LedgerId, clock: Arc<dyn Clock>) -> Self {
        Self { fault, ledger, epoch: 1, clock, shared: Arc::default() }
    }

    /// The same ledger after a restart.
    pub(super) fn reopened(&self, clock: Arc<dyn Clock>) -> Self {
        if self.is(Fault::LosesTheLastRecord) {
            self.cut(1);
        }
        Self { clock, epoch: self.epoch + u32::from(self.is(Fault::ForgetsItsEpoch)), ..self.clone() }
    }

    pub(super) fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn position(&self, index: usize) -> Position {
        Position::new(self.ledger, self.epoch, index as u64 + 1)
    }

    pub(super) fn recorded(&self, shared: &Shared, index: usize) -> Recorded {
        Recorded { position: self.position(index), record: shared.records[index].clone() }
    }

    /// Forgets the last records of the log.
    pub(super) fn cut(&self, count: usize) {
        let mut shared = self.lock();
        let len = shared.records.len().saturating_sub(count);
        shared.records.truncate(len);
        for places in shared.streams.values_mut() {
            places.retain(|place| *place < len);
        }
    }

    /// How the engine tells streams apart.
    pub(super) fn key(&self, stream: StreamId) -> StreamId {
        if self.is(Fault::MixesKinds) {
            StreamId::new(socai_domain::ledger::StreamKind::Organ, stream.key())
        } else {
            stream
        }
    }
}

impl EventLog for WrongLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        take::append(self, append)
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        let shared = self.lock();
        let places = shared.streams.get(&self.key(stream)).map_or(&[][..], Vec::as_slice);
        let mut from = from.map(|revision| usize::try_from(revision.number()).unwrap_or(usize::MAX));
        let record = |&index: &usize| self.recorded(&shared, index);
        let records = match direction {
            Direction::Forwards => {
                if self.is(Fault::ReadsAfterFrom) {
                    from = from.map(|from| from.saturating_add(1));
                }
                places.iter().skip(from.unwrap_or(0)).take(limit).map(record).collect()
            }
            Direction::Backwards => {
                if self.is(Fault::ReadsBackFromTheEnd) {
                    from = None;
                }
                let end = from.map_or(places.len(), |from| places.len().min(from.saturating_add(1)));
                places[..end].iter().rev().take(limit).map(record).collect()
            }
        };
        Box::pin(ready(Ok(records)))
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        follow::follow(self, after)
    }

    fn pieces(&self, after: Option<Position>, until: Position) -> Pieces {
        pieces::pieces(self, after, until)
    }

    fn stood_at(&self, then: Timestamp) -> BoxFuture<'_, Result<Option<Position>, ReadError>> {
        Box::pin(ready(Ok(pieces::stood_at(self, then))))
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        let shared = self.lock();
        let count = shared.records.len() as u64;
        Box::pin(ready(Ok(Head {
            position: Position::new(self.ledger, self.epoch, count),
            records: if self.is(Fault::CountsAppends) { shared.appends } else { count },
            hash: shared.head.unwrap_or(RecordHash([0; 32])),
            recorded: shared.recorded,
        })))
    }

    fn ledger(&self) -> LedgerId {
        self.ledger
    }

    fn engine(&self) -> &'static str {
        "wrong"
    }
}
