//! The one that writes: takes all that waits, writes one frame, syncs once, then answers everyone.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use socai_domain::ledger::{AppendError, RestoreError, SealedRecord, log::chain_head};

use super::{
    FileLogOptions,
    batch::{Batch, len_in_frame},
    closed::Closed,
    error::OpenLogError,
    format::{ALIGN, Address, ENTRY_HEAD, FIRST_FRAME, FRAME_HEAD},
    keeper::Keeper,
    queue::{LastTurn, Pending, Queue, Turn},
    recover::{Loaded, Tail, load},
    segment::Segment,
    shared::{Durable, Shared},
};
use crate::disk::Disk;

/// A frame grows no longer than this by further appends; one append alone may fill a segment.
const LONGEST_BATCH: usize = 4 << 20;

/// How far the writer may trust what it has in memory.
#[derive(Debug)]
enum Trust {
    /// It is what the disk has.
    Sound,
    /// A write or a sync failed: the files have to be read again first.
    Lost { why: String, tried: Option<Instant> },
    /// The files were read again and are damaged.
    Damaged(String),
}

/// The writer's own state. It runs in a thread of its own; the tests that lose power take its turns by hand.
#[derive(Debug)]
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    options: FileLogOptions,
    shared: Arc<Shared>,
    keeper: Keeper,
    segment: Arc<Segment>,
    tail: Tail,
    batch: Batch,
    begun: bool,
    trust: Trust,
    /// Why there was no room for another segment, and when that was tried.
    no_room: Option<(String, Instant)>,
    /// Something was written to the segment and not synced: only while a log is copied into.
    unsynced: bool,
}

impl Writer {
    pub(crate) fn new(disk: Arc<dyn Disk>, options: FileLogOptions, shared: Arc<Shared>, keeper: Keeper) -> Self {
        let Durable { segment, tail, .. } = *shared.durable.borrow();
        let segment = shared.segment(segment).expect("a log that was opened has its last segment");
        let (batch, begun, trust) = (Batch::default(), false, Trust::Sound);
        Self { disk, options, shared, keeper, segment, tail, batch, begun, trust, no_room: None, unsynced: false }
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self, queue: &Queue) {
        let (mut waiting, mut last) = (Vec::new(), LastTurn::default());
        let finish = loop {
            match queue.take(&mut waiting, last) {
                Turn::Write => {
                    let (answered, begun) = (waiting.len(), Instant::now());
                    self.turn(&mut waiting);
                    last = LastTurn { answered, took: begun.elapsed() };
                }
                Turn::End(finish) => break finish,
            }
        };
        self.keeper.finish();
        let closed = self.close();
        if let Some(finish) = finish {
            // Whoever asked may have gone; the marker is there all the same.
            let _ = finish.send(closed);
        }
    }

    /// Takes all of this, in order.
    pub(crate) fn turn(&mut self, waiting: &mut Vec<Pending>) {
        for pending in waiting.drain(..) {
            self.accept(pending);
        }
        self.flush();
    }

    fn accept(&mut self, pending: Pending) {
        let len = len_in_frame(&pending.append) + ALIGN;
        let used = if self.begun { self.batch.frame.bytes().len() } else { FRAME_HEAD };
        if self.begun && self.batch.frame.count() > 0 && (used + len > self.room() || used + len > LONGEST_BATCH) {
            self.flush();
        }
        if let Err(error) = self.make_sound().and_then(|()| self.make_room(FRAME_HEAD + len)) {
            // Whoever no longer waits has no use for the answer.
            let _ = pending.reply.send(Err(error));
            return;
        }
        if !self.begun {
            let recorded = self.options.clock.now().max(self.tail.recorded);
            let base = Address::new(self.segment.header.number, self.tail.offset);
            self.batch.begin(base, self.tail.place + 1, recorded);
            self.begun = true;
        }
        self.batch.take(&self.shared, pending);
    }

    /// Bytes left in the segment.
    fn room(&self) -> usize {
        (self.segment.header.size - self.tail.offset) as usize
    }

    /// Writes and syncs the batch, then answers.
    pub(crate) fn flush(&mut self) {
        if !std::mem::take(&mut self.begun) {
            return;
        }
        if self.batch.frame.count() == 0 {
            self.batch.answer(None);
            return;
        }
        match self.write() {
            Ok(()) => self.batch.answer(None),
            Err(error) => {
                tracing::error!(%error, "writing to the log failed; nothing more is written before its files were read again");
                self.trust = Trust::Lost { why: error.to_string(), tried: None };
                self.batch.answer(Some(&AppendError::Unknown(error.to_string())));
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.write_frame(true)
    }

    fn write_frame(&mut self, sync: bool) -> io::Result<()> {
        let head = chain_head(self.shared.ledger, self.tail.head, &self.batch.hashes);
        let count = self.batch.frame.count();
        self.batch.frame.finish(self.segment.header.seed(), head);
        let frame = self.batch.frame.bytes();
        let started = Instant::now();
        self.segment.file.write_at(frame, u64::from(self.tail.offset))?;
        if sync {
            self.segment.file.sync_data()?;
        }
        self.unsynced = !sync;
        histogram!("socai_log_sync_seconds").record(started.elapsed());
        histogram!("socai_log_batch_records").record(f64::from(count));
        counter!("socai_log_appends_total").increment(self.batch.answers() as u64);
        self.segment.add_mark(self.tail.place + 1, self.tail.offset, self.batch.recorded);
        #[allow(clippy::cast_possible_truncation)] // a frame fits the segment, whose size is a u32
        let offset = self.tail.offset + frame.len() as u32;
        let place = self.tail.place + u64::from(count);
        self.tail = Tail { offset, place, head: Some(head), recorded: self.batch.recorded };
        self.batch.publish(&mut self.shared.tips.write().unwrap_or_else(PoisonError::into_inner));
        self.publish();
        if self.tail.offset > self.segment.header.size / 2 {
            self.keeper.prepare(&self.disk, self.options.segment_size);
        }
        Ok(())
    }

    /// Lets readers see up to the tail.
    fn publish(&self) {
        let durable = Durable { segment: self.segment.header.number, tail: self.tail, ended: false };
        self.shared.durable.send_replace(durable);
    }

    /// Goes on to the next segment if an empty batch does not have this much room.
    fn make_room(&mut self, len: usize) -> Result<(), AppendError> {
        if (self.begun && self.batch.frame.count() > 0) || len <= self.room() {
            return Ok(());
        }
        // An empty one is never left: its first record would be the next one's, too.
        if self.tail.offset == FIRST_FRAME {
            let frame = FRAME_HEAD + ALIGN;
            return Err(AppendError::TooLarge { len: len - frame, max: self.room() - frame });
        }
        self.flush();
        // A full disk is not filled with zeros again for each append.
        if let Some((why, tried)) = &self.no_room
            && let Some(left) = self.options.retry_after.checked_sub(tried.elapsed()).filter(|left| !left.is_zero())
        {
            return Err(no_room(why, left));
        }
        let spare = match self.keeper.spare(&*self.disk, self.options.segment_size) {
            Ok(spare) => spare,
            Err(error) => {
                tracing::error!(%error, "no room for another segment; smaller appends may still fit into this one");
                self.no_room = Some((error.to_string(), Instant::now()));
                return Err(no_room(&error.to_string(), self.options.retry_after));
            }
        };
        self.no_room = None;
        self.sync().map_err(|error| AppendError::Busy(error.to_string()))?;
        let header = &self.segment.header;
        let made = spare.become_segment(
            &*self.disk,
            header.ledger,
            header.epoch,
            header.number + 1,
            self.tail.place,
            self.tail.head,
        );
        let segment = match made {
            Ok(segment) => Arc::new(segment),
            Err(error) => {
                self.trust = Trust::Lost { why: error.to_string(), tried: None };
                return Err(AppendError::Busy(format!("no other segment could be made: {error}")));
            }
        };
        let sealed = std::mem::replace(&mut self.segment, Arc::clone(&segment));
        self.shared.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
        self.tail.offset = FIRST_FRAME;
        self.publish();
        self.keeper.sealed(&self.disk, sealed);
        Ok(())
    }

    /// Takes whole records as they are, in this order, or those before the first that does not belong there. All that were
    /// taken are durable when this returns.
    pub(crate) fn restore(&mut self, records: &[SealedRecord]) -> Result<(), RestoreError> {
        let taken = records.iter().try_for_each(|record| self.restore_one(record));
        let written = self.flush_whole().and_then(|()| self.sync().map_err(busy));
        taken.and(written)
    }

    fn restore_one(&mut self, record: &SealedRecord) -> Result<(), RestoreError> {
        let header = record.header();
        let len = ENTRY_HEAD + record.bytes().len() + ALIGN;
        let used = self.batch.frame.bytes().len();
        // A batch bears one time, as every batch does: that of its place, which is the latest up to there.
        if self.begun
            && (self.batch.recorded < header.recorded || used + len > self.room() || used + len > LONGEST_BATCH)
        {
            self.flush_whole()?;
        }
        let refused = |error: AppendError| match error {
            AppendError::Corrupt(what) => RestoreError::Corrupt(what),
            other => RestoreError::Busy(other.to_string()),
        };
        self.make_sound().and_then(|()| self.make_room(FRAME_HEAD + len)).map_err(refused)?;
        let not_next = |broken| {
            let (stream, revision) = (header.stream, header.revision);
            RestoreError::NotNext { stream, revision, broken }
        };
        if !self.begun {
            let base = Address::new(self.segment.header.number, self.tail.offset);
            self.batch.begin(base, self.tail.place + 1, header.recorded.max(self.tail.recorded));
            self.begun = true;
        }
        self.batch.restore(&self.shared, record).map_err(not_next)
    }

    /// Writes the batch of whole records, if there is one, and leaves the sync to whoever wants it durable.
    fn flush_whole(&mut self) -> Result<(), RestoreError> {
        if !std::mem::take(&mut self.begun) || self.batch.frame.count() == 0 {
            return Ok(());
        }
        self.write_frame(false).map_err(|error| {
            self.trust = Trust::Lost { why: error.to_string(), tried: None };
            busy(error)
        })
    }

    /// Makes durable what was written without a sync.
    fn sync(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.unsynced) {
            return Ok(());
        }
        self.segment.file.sync_data().inspect_err(|error| {
            self.trust = Trust::Lost { why: error.to_string(), tried: None };
        })
    }

    /// After a failure, reads the files again, the same way as at the start, before anything more is written.
    fn make_sound(&mut self) -> Result<(), AppendError> {
        let why = match &self.trust {
            Trust::Sound => return Ok(()),
            Trust::Damaged(why) => return Err(AppendError::Corrupt(why.clone())),
            Trust::Lost { why, tried } if tried.is_some_and(|tried| tried.elapsed() < self.options.retry_after) => {
                return Err(AppendError::Busy(format!("the log stopped writing: {why}")));
            }
            Trust::Lost { why, .. } => why.clone(),
        };
        self.keeper.finish();
        let mut options = self.options.clone();
        options.create = false;
        options.known = self.shared.position(self.tail.place).into();
        match load(&*self.disk, &options) {
            Ok(loaded) => self.resume(loaded),
            Err(
                error @ (OpenLogError::Damaged(_)
                | OpenLogError::Short { .. }
                | OpenLogError::OtherLedger { .. }
                | OpenLogError::OtherLog { .. }
                | OpenLogError::Missing(_)),
            ) => {
                tracing::error!(%error, "the log is damaged; nothing more is written");
                self.trust = Trust::Damaged(error.to_string());
                Err(AppendError::Corrupt(error.to_string()))
            }
            Err(error) => {
                self.trust = Trust::Lost { why: why.clone(), tried: Some(Instant::now()) };
                Err(AppendError::Busy(format!("the log stopped writing: {why}; and reading it again failed: {error}")))
            }
        }
    }

    fn resume(&mut self, loaded: Loaded) -> Result<(), AppendError> {
        let Loaded { segments, tips, tail, report } = loaded;
        if tail.place == self.tail.place && tail.head != self.tail.head {
            let why = "the log does not hold what was acknowledged".to_owned();
            self.trust = Trust::Damaged(why.clone());
            return Err(AppendError::Corrupt(why));
        }
        tracing::warn!(records = tail.place, cut = ?report.cut, "the log was read again after a failure and writes on");
        self.segment = Arc::clone(segments.last().expect("a log that was read has its last segment"));
        self.tail = tail;
        *self.shared.segments.write().unwrap_or_else(PoisonError::into_inner) = segments;
        *self.shared.tips.write().unwrap_or_else(PoisonError::into_inner) = tips;
        self.trust = Trust::Sound;
        self.publish();
        Ok(())
    }

    /// Ends in good order.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.keeper.finish();
        self.close()
    }

    /// Leaves the marker of a clean shutdown.
    fn close(&mut self) -> Result<(), String> {
        match &self.trust {
            Trust::Sound => {
                let closed = Closed { place: self.tail.place, head: self.tail.head };
                closed
                    .write(&*self.disk)
                    .map_err(|error| format!("the marker of a clean shutdown was not written: {error}"))
            }
            Trust::Lost { why, .. } | Trust::Damaged(why) => Err(format!("the log had stopped writing: {why}")),
        }
    }

    #[cfg(test)]
    pub(crate) fn wait_for_room(&mut self, retry_after: Duration) {
        self.options.retry_after = retry_after;
    }

    #[cfg(test)]
    pub(crate) fn close_for_test(&mut self) -> Result<(), String> {
        self.keeper.finish();
        self.close()
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn busy(error: io::Error) -> RestoreError {
    RestoreError::Busy(error.to_string())
}

fn no_room(why: &str, retry_after: Duration) -> AppendError {
    let seconds = retry_after.as_secs_f32().ceil();
    AppendError::Busy(format!("no room for another segment: {why}; make room on the disk; tried again in {seconds} s"))
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.keeper.finish();
        self.shared.durable.send_modify(|durable| durable.ended = true);
    }
}
