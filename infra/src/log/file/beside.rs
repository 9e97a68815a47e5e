//! Reading the files in order without the log and its lock, also while a server writes to them.
//!
//! Every checksum, every record's hash and every log head is checked on the way, and nothing is kept but the place: what was
//! told before a fault was found is what the log holds.

use std::path::Path;

use socai_domain::{
    ledger::{Header, Position, RecordHash, SealedRecord, log::chain_head, record::NotARecord},
    time::Timestamp,
};

use super::{
    closed::{self, Closed},
    error::{Damage, OpenLogError},
    format::{Entries, FIRST_FRAME, FrameHead},
    known::Known,
    segment::{APART, LOOKS, Segment, Step, Walker},
    segments,
};
use crate::disk::RealDisk;

/// The segment files of a log, opened for reading only.
#[derive(Debug)]
pub(crate) struct Files {
    disk: RealDisk,
    segments: Vec<Segment>,
    closed: Option<Closed>,
    known: Known,
}

/// A record, its place and its hash.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    pub(crate) record: SealedRecord,
    pub(crate) hash: RecordHash,
}

/// How far was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadTo {
    /// The last batch's last record.
    pub(crate) position: Position,
    /// The log head after it; none before the first batch of the ledger.
    pub(crate) head: Option<RecordHash>,
    /// A batch at the very end that is not whole, and not known to have been acknowledged.
    pub(crate) torn: Option<Damage>,
}

/// What each record is told to; reading ends when it answers no.
pub(crate) type Each<'a> = dyn FnMut(Placed) -> bool + 'a;

/// Where reading is.
struct At {
    place: u64,
    head: Option<RecordHash>,
    recorded: Option<Timestamp>,
    hashes: Vec<RecordHash>,
}

impl Files {
    /// Opens what is in the directory. With `known`, the log must go on to there at least, because somebody was told so.
    pub(crate) fn open(dir: &Path, known: Known) -> Result<Self, OpenLogError> {
        let missing = || OpenLogError::Missing(dir.display().to_string());
        if !dir.is_dir() {
            return Err(missing());
        }
        let disk = RealDisk::new(dir);
        let (_, segments) = segments::open(&disk, false)?;
        known.check(segments.first().ok_or_else(missing)?.begins())?;
        let closed = closed::look(&disk)?;
        Ok(Self { disk, segments, closed, known })
    }

    /// The position before the first record.
    pub(crate) fn begins(&self) -> Position {
        self.segments[0].begins()
    }

    /// At least so many records are there.
    pub(crate) fn at_least(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.header.first - 1)
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.header.size)).sum()
    }

    fn position(&self, place: u64) -> Position {
        self.segments[0].begins().with_place(place)
    }

    /// Tells every record that was recorded from `from` on and before `before`, in order. Segments that hold only earlier
    /// ones are not read. `progress` is told after each batch how many bytes of segments are behind it.
    pub(crate) fn read(
        &self,
        from: Timestamp,
        before: Timestamp,
        each: &mut Each<'_>,
        mut progress: impl FnMut(u64),
    ) -> Result<ReadTo, OpenLogError> {
        let begin = self.begin(from)?;
        let header = &self.segments[begin].header;
        let mut at = At { place: header.first - 1, head: header.head_before(), recorded: None, hashes: Vec::new() };
        let mut behind = self.segments[..begin].iter().map(|segment| u64::from(segment.header.size)).sum::<u64>();
        for index in begin..self.segments.len() {
            let segment = &self.segments[index];
            if segment.header.first != at.place + 1 || segment.header.head_before() != at.head {
                let what = "the segment does not begin where the one before it ends";
                return Err(OpenLogError::Damaged(segment.damage(0, at.place + 1, what)));
            }
            let reading = || OpenLogError::io(format!("reading {}", segment.name()));
            let mut walker = Walker::new(segment, FIRST_FRAME, segment.header.first, true);
            let mut looks = 0;
            loop {
                let (offset, what) = match walker.step().map_err(reading())? {
                    Step::Frame { offset, head, bytes } => {
                        let more = self.frame(segment, offset, (&head, bytes), &mut at, (from, before), each)?;
                        progress(behind + u64::from(offset + head.len));
                        if !more {
                            return Ok(ReadTo { position: self.position(at.place), head: at.head, torn: None });
                        }
                        looks = 0;
                        continue;
                    }
                    Step::End { offset } if segment.last_nonzero(offset).map_err(reading())?.is_none() => break,
                    Step::End { offset } => (offset, "a byte after the last batch is not zero"),
                    Step::Bad { offset, what } => (offset, what),
                };
                if index + 1 < self.segments.len() {
                    return Err(OpenLogError::Damaged(segment.damage(offset, at.place + 1, what)));
                }
                if looks == LOOKS {
                    return self.torn(segment, offset, what, &at);
                }
                // A server may be writing this very batch.
                looks += 1;
                std::thread::sleep(APART);
                walker.reread();
            }
            behind += u64::from(segment.header.size);
        }
        self.ended(&at, self.known.told())?;
        Ok(ReadTo { position: self.position(at.place), head: at.head, torn: None })
    }

    /// A segment from which on all is that was recorded at `from` or later: it, and the one after it, begin before. Where
    /// several servers wrote, a record may be a little earlier than the one before it.
    fn begin(&self, from: Timestamp) -> Result<usize, OpenLogError> {
        for (index, segment) in self.segments.iter().enumerate().skip(1).rev() {
            let mut walker = Walker::new(segment, FIRST_FRAME, segment.header.first, true);
            let step = walker.step().map_err(OpenLogError::io(format!("reading {}", segment.name())))?;
            let Step::Frame { head, bytes, .. } = step else { continue };
            let first = Entries::new(&head, bytes).next().and_then(Result::ok);
            let first = first.and_then(|entry| Header::read(entry.record).ok());
            if first.is_some_and(|header| header.recorded < from) {
                return Ok(index - 1);
            }
        }
        Ok(0)
    }

    /// Checks a batch, then tells what of it is in the range. False when nothing that follows can be.
    fn frame(
        &self,
        segment: &Segment,
        offset: u32,
        (head, bytes): (&FrameHead, &[u8]),
        at: &mut At,
        (from, before): (Timestamp, Timestamp),
        each: &mut Each<'_>,
    ) -> Result<bool, OpenLogError> {
        let damage = |place, what: &str| OpenLogError::Damaged(segment.damage(offset, place, what));
        at.hashes.clear();
        for entry in Entries::new(head, bytes) {
            let entry = entry.map_err(|what| damage(head.first, what))?;
            at.hashes.push(RecordHash::of(entry.record));
        }
        let after = chain_head(segment.header.ledger, at.head, &at.hashes);
        if after != head.head {
            return Err(damage(head.first, "the log head of a batch is wrong"));
        }
        let mut more = true;
        for (entry, hash) in Entries::new(head, bytes).zip(&at.hashes) {
            let entry = entry.map_err(|what| damage(head.first, what))?;
            let unreadable = |error: NotARecord| damage(entry.place, &error.to_string());
            let recorded = Header::read(entry.record).map_err(unreadable)?.recorded;
            at.recorded = at.recorded.max(Some(recorded));
            more = more && recorded < before;
            if more && at.recorded >= Some(from) {
                let record = SealedRecord::from_bytes(entry.record).map_err(unreadable)?;
                more = each(Placed { position: self.position(entry.place), record, hash: *hash });
            }
        }
        (at.place, at.head) = (head.last(), Some(after));
        Ok(more)
    }

    /// Judges a last batch that is not whole as the next start does.
    fn torn(&self, segment: &Segment, offset: u32, what: &str, at: &At) -> Result<ReadTo, OpenLogError> {
        let damage = segment.damage(offset, at.place + 1, what);
        let follows = segment.frame_after(offset, at.place + 1);
        if follows.map_err(OpenLogError::io(format!("reading {}", segment.name())))?.is_some() {
            return Err(OpenLogError::Damaged(damage));
        }
        self.ended(at, self.known.place())?;
        if self.closed.is_some() && closed::look(&self.disk)? == self.closed {
            return Err(OpenLogError::Damaged(damage));
        }
        Ok(ReadTo { position: self.position(at.place), head: at.head, torn: Some(damage) })
    }

    /// The log does not end before `known`, and ends where a clean shutdown says.
    fn ended(&self, at: &At, known: u64) -> Result<(), OpenLogError> {
        let last = &self.segments[self.segments.len() - 1];
        if known > at.place {
            let damage = last.damage(0, at.place + 1, "nothing follows");
            return Err(OpenLogError::Short { damage, known });
        }
        let closed = self.closed.filter(|closed| (closed.place, closed.head) != (at.place, at.head));
        // A server that started meanwhile has taken the marker away.
        if let Some(closed) = closed
            && closed::look(&self.disk)? == Some(closed)
        {
            let what = format!("the log ends here, but had been closed in good order at record {}", closed.place);
            return Err(OpenLogError::Damaged(last.damage(0, at.place + 1, what)));
        }
        Ok(())
    }
}
