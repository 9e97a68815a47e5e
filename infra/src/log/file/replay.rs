//! Replay: the log in pieces that begin at marks of the sparse index, so that it can be read in many places at once. A
//! piece reads its segment ahead and gives records where they lie; checksums of batches are checked, hashes are not.

use std::{ops::ControlFlow, sync::Arc};

use futures::{StreamExt, future::ready, stream};
use socai_domain::{
    ledger::{Block, Piece, Pieces, Position, ReadError, block::Places},
    time::Timestamp,
};

use super::{
    error::Damage,
    format::{ENTRY_HEAD, Entries, FIRST_FRAME, FrameHead, SHORTEST_FRAME, checksum, u32_at},
    segment::{Mark, Segment},
    shared::Shared,
};

/// A piece has at least this many bytes, except at a segment's end.
const PIECE: u32 = 1 << 20;

/// Batches that lie one after the other in one segment.
#[derive(Debug)]
struct Stretch {
    segment: Arc<Segment>,
    /// A batch begins here.
    offset: u32,
    /// Nothing is read from here on.
    limit: u32,
    /// The place of the first record of that batch.
    next: u64,
    /// The first record wanted.
    first: u64,
    /// The last one wanted, or the last one here.
    last: u64,
}

/// The records after `after` and up to `until`.
pub(crate) fn pieces(shared: &Arc<Shared>, after: Option<Position>, until: Position) -> Pieces {
    match plan(shared, after, until) {
        Ok(plan) => stream::iter(plan.into_iter().map(|stretch| Ok(Box::new(stretch) as Box<dyn Piece>))).boxed(),
        Err(error) => stream::once(ready(Err(error))).boxed(),
    }
}

fn plan(shared: &Shared, after: Option<Position>, until: Position) -> Result<Vec<Stretch>, ReadError> {
    let durable = *shared.durable.borrow();
    let end = shared.position(durable.tail.place);
    for given in after.into_iter().chain([until]) {
        if given.compare(end)?.is_gt() {
            return Err(ReadError::Beyond(given));
        }
    }
    let (first, last) = (after.map_or(0, Position::place) + 1, until.place());
    let mut plan: Vec<Stretch> = Vec::new();
    let mut segment = shared.segment_of(first).filter(|_| first <= last);
    while let Some(found) = segment.filter(|segment| segment.header.first <= last) {
        let following = shared.segment(found.header.number + 1);
        let (limit, end) = match &following {
            Some(next) if found.header.number < durable.segment => (found.header.size, next.header.first),
            _ => (durable.tail.offset, durable.tail.place + 1),
        };
        let mut begin = Mark { place: found.header.first, offset: FIRST_FRAME, recorded: Timestamp::default() };
        for mark in found.marks().into_iter().filter(|mark| mark.place <= last) {
            if mark.place > first && mark.offset >= begin.offset.saturating_add(PIECE) {
                plan.push(Stretch::new(&found, begin, mark.offset, (first, last.min(mark.place - 1))));
                begin = mark;
            } else if mark.place <= first {
                begin = mark;
            }
        }
        plan.push(Stretch::new(&found, begin, limit, (first, last.min(end - 1))));
        segment = following.filter(|next| next.header.number <= durable.segment);
    }
    Ok(plan)
}

fn corrupt(damage: &Damage) -> ReadError {
    ReadError::Corrupt(format!("{damage}: run `socai verify`"))
}

impl Piece for Stretch {
    fn next(&mut self, block: &mut Block, bytes: usize) -> Result<(), ReadError> {
        let (buffer, places) = block.begin();
        let mut want = bytes.max(SHORTEST_FRAME);
        while places.is_empty() && self.next <= self.last {
            let room = self.limit.saturating_sub(self.offset) as usize;
            let len = room.min(want);
            if len < SHORTEST_FRAME {
                break;
            }
            if buffer.len() < len {
                buffer.resize(len, 0);
            }
            let read = self.segment.file.read_at(&mut buffer[..len], u64::from(self.offset));
            let read = read.map_err(|error| ReadError::Busy(error.to_string()))?;
            let mut at = 0;
            while let ControlFlow::Continue(()) = self.take(&buffer[..read], &mut at, places)? {}
            if at == 0 && places.is_empty() {
                // No whole batch was there: it is longer than what was asked for, or there is none.
                match FrameHead::read(&buffer[..read]).map(|head| head.len as usize) {
                    Some(len) if len > read && len <= room && want < len => want = len,
                    Some(_) => return Err(self.damaged("a batch reaches beyond its segment")),
                    None => break,
                }
            }
        }
        if places.is_empty() && self.next <= self.last {
            return Err(self.damaged("the next batch is not there"));
        }
        Ok(())
    }
}

impl Stretch {
    fn new(segment: &Arc<Segment>, begin: Mark, limit: u32, (first, last): (u64, u64)) -> Self {
        Self { segment: Arc::clone(segment), offset: begin.offset, limit, next: begin.place, first, last }
    }

    /// Takes the batch at `at` in what was read; breaks when there is no whole one, or no more is wanted.
    fn take(&mut self, read: &[u8], at: &mut usize, places: &mut Places) -> Result<ControlFlow<()>, ReadError> {
        let rest = &read[*at..];
        if self.next > self.last || rest.len() < SHORTEST_FRAME || u32_at(rest, 0) == 0 {
            return Ok(ControlFlow::Break(()));
        }
        let Some(head) = FrameHead::read(rest) else {
            return Err(self.damaged("this is not the beginning of a batch"));
        };
        let Some(frame) = rest.get(..head.len as usize) else { return Ok(ControlFlow::Break(())) };
        if head.checksum != checksum(self.segment.header.seed(), frame) {
            return Err(self.damaged("the checksum of a batch is wrong"));
        }
        if head.first != self.next {
            return Err(self.damaged("a batch is not at its place"));
        }
        for entry in Entries::new(&head, frame) {
            let Ok(entry) = entry else { return Err(self.damaged("a batch does not hold what it says")) };
            if (self.first..=self.last).contains(&entry.place)
                && places.add(entry.place, *at + entry.at as usize + ENTRY_HEAD, entry.record).is_err()
            {
                return Err(self.damaged("a record cannot be read; perhaps a newer socai wrote it"));
            }
        }
        *at += frame.len();
        self.offset += head.len;
        self.next = head.last() + 1;
        Ok(ControlFlow::Continue(()))
    }

    fn damaged(&self, what: &str) -> ReadError {
        corrupt(&self.segment.damage(self.offset, self.next, what))
    }
}

/// The last record that was recorded by `then`. Batches bear one time each, and times never go back.
pub(crate) fn stood_at(shared: &Arc<Shared>, then: Timestamp) -> Result<Option<Position>, ReadError> {
    let tail = shared.durable.borrow().tail;
    if tail.place == 0 || tail.recorded <= then {
        return Ok((tail.place > 0).then(|| shared.position(tail.place)));
    }
    // The last marked batch of that time or before: what is looked for lies between it and the next one.
    let Some(mark) = shared.marked_by(then) else { return Ok(None) };
    let mut last = mark.place;
    let from = mark.place.checked_sub(1).filter(|place| *place > 0).map(|place| shared.position(place));
    let mut block = Block::default();
    for mut stretch in plan(shared, from, shared.position(tail.place))? {
        loop {
            stretch.next(&mut block, PIECE as usize)?;
            if block.is_empty() {
                break;
            }
            for record in block.records() {
                if record.recorded() > then {
                    return Ok(Some(shared.position(last)));
                }
                last = record.place();
            }
        }
    }
    Ok(Some(shared.position(last)))
}
