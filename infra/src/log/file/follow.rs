//! Following the log: from the files, in chunks, up to where it is durable; then the same again whenever the writer has
//! moved that mark. Catching up and live are one path, so there is no seam between them.

use std::sync::Arc;

use futures::{StreamExt, future::ready, stream, stream::BoxStream};
use socai_domain::ledger::{Followed, Position, ReadError, Recorded, SealedRecord};
use tokio::sync::watch;

use super::{
    blocking,
    error::Damage,
    format::{Entries, FIRST_FRAME, FrameHead, checksum},
    segment::Segment,
    shared::{Durable, Shared},
};

/// How much is read at once.
const CHUNK: usize = 1 << 19;

/// A reader's place.
#[derive(Debug)]
struct Cursor {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    /// A frame begins here, at or before the next record.
    offset: u32,
    /// The place of the next record.
    next: u64,
    buffer: Vec<u8>,
}

fn corrupt(damage: &Damage) -> ReadError {
    ReadError::Corrupt(format!("{damage}: run `socai verify`"))
}

impl Cursor {
    fn new(shared: Arc<Shared>, next: u64) -> Result<Self, ReadError> {
        let segment = shared.segment_of(next).ok_or_else(|| ReadError::Busy("the log has no segment".into()))?;
        let offset = segment.seek(next);
        Ok(Self { shared, segment, offset, next, buffer: Vec::new() })
    }

    /// The next records up to place `end`, at least one of them.
    fn read(&mut self, end: u64, durable: Durable) -> Result<Vec<Recorded>, ReadError> {
        let mut records = Vec::new();
        let mut want = CHUNK;
        while records.is_empty() {
            if let Some(segment) = self.shared.segment(self.segment.header.number + 1)
                && segment.header.first <= self.next
            {
                self.segment = segment;
                self.offset = FIRST_FRAME;
            }
            let header = &self.segment.header;
            let limit = if header.number == durable.segment { durable.tail.offset } else { header.size };
            let room = limit.saturating_sub(self.offset) as usize;
            let len = room.min(want);
            if self.buffer.len() < len {
                self.buffer.resize(len, 0);
            }
            let read = self.segment.file.read_at(&mut self.buffer[..len], u64::from(self.offset));
            let read = read.map_err(|error| ReadError::Busy(error.to_string()))?;
            let damage = |cursor: &Self, what| Err(corrupt(&cursor.segment.damage(cursor.offset, cursor.next, what)));
            let mut at = 0;
            loop {
                let rest = &self.buffer[at..read];
                let Some(head) = FrameHead::read(rest).filter(|head| head.first <= end) else { break };
                let Some(frame) = rest.get(..head.len as usize) else {
                    want = want.max(head.len as usize);
                    break;
                };
                if head.checksum != checksum(header.seed(), frame) {
                    return damage(self, "the checksum of a batch is wrong");
                }
                for entry in Entries::new(&head, frame) {
                    let Ok(entry) = entry else { return damage(self, "a batch does not hold what it says") };
                    if entry.place < self.next || entry.place > end {
                        continue;
                    }
                    let Ok(record) = SealedRecord::from_bytes(entry.record) else {
                        return damage(self, "a record cannot be read; perhaps a newer socai wrote it");
                    };
                    if entry.place != self.next {
                        return damage(self, "a batch is not at its place");
                    }
                    records.push(Recorded { position: self.shared.position(entry.place), record });
                    self.next += 1;
                }
                if head.last() > end {
                    break;
                }
                at += frame.len();
                self.offset += head.len;
            }
            if at == 0 && records.is_empty() && (want <= len || len == room) {
                return damage(self, "the next batch is not there");
            }
        }
        Ok(records)
    }
}

struct Follower {
    cursor: Cursor,
    durable: watch::Receiver<Durable>,
    /// Where the log stood when the question was asked.
    asked_at: u64,
    caught_up: bool,
}

/// Every record after `after`, then live.
pub(crate) fn follow(shared: &Arc<Shared>, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
    match start(shared, after) {
        Ok(follower) => stream::unfold(Some(follower), |follower| async { step(follower?).await }).boxed(),
        Err(error) => stream::once(ready(Err(error))).boxed(),
    }
}

fn start(shared: &Arc<Shared>, after: Option<Position>) -> Result<Follower, ReadError> {
    let durable = shared.durable.subscribe();
    let asked_at = durable.borrow().tail.place;
    let after = match after {
        None => 0,
        Some(after) => {
            after.compare(shared.position(asked_at))?;
            if after.place() > asked_at {
                return Err(ReadError::Beyond(after));
            }
            after.place()
        }
    };
    let cursor = Cursor::new(Arc::clone(shared), after + 1)?;
    Ok(Follower { cursor, durable, asked_at, caught_up: false })
}

type Told = (Result<Followed, ReadError>, Option<Follower>);

async fn step(mut follower: Follower) -> Option<Told> {
    let next = follower.cursor.next;
    if next > follower.asked_at && !follower.caught_up {
        follower.caught_up = true;
        return Some((Ok(Followed::CaughtUp), Some(follower)));
    }
    let wanted = |durable: &Durable| durable.tail.place >= next || durable.ended;
    let durable = match follower.durable.wait_for(wanted).await {
        Ok(durable) => *durable,
        Err(_) => return Some((Err(ReadError::Busy("the log was closed".into())), None)),
    };
    if durable.tail.place < next {
        return Some((Err(ReadError::Busy("the log was closed".into())), None));
    }
    let end = if follower.caught_up { durable.tail.place } else { follower.asked_at };
    let read = blocking(move || (follower.cursor.read(end, durable), follower));
    Some(match read.await {
        Ok((Ok(records), follower)) => (Ok(Followed::Records(records)), Some(follower)),
        Ok((Err(error), _)) | Err(error) => (Err(error), None),
    })
}
