//! Reading segment files, from the front.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use socai_domain::{ledger::Position, time::Timestamp};

use super::{
    error::Damage,
    format::{FIRST_FRAME, FRAME_HEAD, FrameHead, SHORTEST_FRAME, SegmentHeader, checksum, segment_name, u32_at},
};
use crate::disk::{Disk, DiskFile};

/// A place to start reading from: a frame, and the time of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) place: u64,
    pub(crate) offset: u32,
    pub(crate) recorded: Timestamp,
}

/// How often a batch that is not whole is looked at again while somebody may be writing it, and how long apart.
pub(crate) const LOOKS: u32 = 200;
pub(crate) const APART: Duration = Duration::from_millis(1);

/// A mark is set at the first frame that begins at least this many records after the last one.
pub(crate) const MARK_EVERY: u64 = 1024;

/// Sets a mark if it is time for one.
pub(crate) fn mark(marks: &mut Vec<Mark>, place: u64, offset: u32, recorded: Timestamp) {
    if marks.last().is_none_or(|last| place >= last.place + MARK_EVERY) {
        marks.push(Mark { place, offset, recorded });
    }
}

/// A segment file that is open.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Places to start reading from, in order; grows while the segment is written to.
    marks: RwLock<Vec<Mark>>,
}

impl Segment {
    pub(crate) fn new(header: SegmentHeader, file: Arc<dyn DiskFile>, marks: Vec<Mark>) -> Self {
        Self { header, file, marks: RwLock::new(marks) }
    }

    /// Opens a segment file and reads its header, nothing else.
    pub(crate) fn open(disk: &dyn Disk, number: u32, write: bool) -> io::Result<Result<Self, Damage>> {
        let name = segment_name(number);
        let file = disk.open(&name, write)?;
        let mut block = vec![0; FIRST_FRAME as usize];
        let read = file.read_at(&mut block, 0)?;
        let damage = |what: &str| Damage { file: name.clone(), offset: 0, record: 0, what: what.to_owned() };
        let header = match SegmentHeader::read(&block[..read]) {
            Ok(header) => header,
            Err(what) => return Ok(Err(damage(what))),
        };
        if header.number != number {
            return Ok(Err(damage(&format!("this is segment {}, under another's name", header.number))));
        }
        if file.len()? != u64::from(header.size) {
            return Ok(Err(damage(&format!("the file does not have the {} bytes that its header says", header.size))));
        }
        Ok(Ok(Self::new(header, file, Vec::new())))
    }

    /// The position before the ledger's first record.
    pub(crate) fn begins(&self) -> Position {
        Position::new(self.header.ledger, self.header.epoch, 0)
    }

    pub(crate) fn name(&self) -> String {
        segment_name(self.header.number)
    }

    pub(crate) fn damage(&self, offset: u32, record: u64, what: impl Into<String>) -> Damage {
        Damage { file: self.name(), offset: u64::from(offset), record, what: what.into() }
    }

    pub(crate) fn set_marks(&self, marks: Vec<Mark>) {
        *self.marks.write().unwrap_or_else(PoisonError::into_inner) = marks;
    }

    /// Places to start reading from.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.marks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last marked frame of this time or before.
    pub(crate) fn marked_by(&self, then: Timestamp) -> Option<Mark> {
        let marks = self.marks.read().unwrap_or_else(PoisonError::into_inner);
        marks.partition_point(|mark| mark.recorded <= then).checked_sub(1).map(|index| marks[index])
    }

    /// Was its first frame recorded by then? Not if it has none.
    pub(crate) fn begins_by(&self, then: Timestamp) -> bool {
        let marks = self.marks.read().unwrap_or_else(PoisonError::into_inner);
        marks.first().is_some_and(|mark| mark.recorded <= then)
    }

    pub(crate) fn add_mark(&self, place: u64, offset: u32, recorded: Timestamp) {
        mark(&mut self.marks.write().unwrap_or_else(PoisonError::into_inner), place, offset, recorded);
    }

    /// The last marked frame that begins at `place` or before it; the first frame if there is none.
    pub(crate) fn seek(&self, place: u64) -> u32 {
        let marks = self.marks.read().unwrap_or_else(PoisonError::into_inner);
        let after = marks.partition_point(|mark| mark.place <= place);
        after.checked_sub(1).map_or(FIRST_FRAME, |index| marks[index].offset)
    }

    /// The offset of the last byte from `offset` on that is not zero.
    pub(crate) fn last_nonzero(&self, offset: u32) -> io::Result<Option<u32>> {
        let (mut buffer, zeros) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let (mut at, mut last) = (u64::from(offset), None);
        loop {
            let read = self.file.read_at(&mut buffer, at)?;
            if read == 0 {
                return Ok(last);
            }
            // Compared as a whole, which is many times faster than looking at each byte.
            if buffer[..read] != zeros[..read]
                && let Some(index) = buffer[..read].iter().rposition(|&byte| byte != 0)
            {
                last = u32::try_from(at + index as u64).ok();
            }
            at += read as u64;
        }
    }

    /// The offset of a whole frame somewhere at or after `offset`, of records from `place` on.
    pub(crate) fn frame_after(&self, offset: u32, place: u64) -> io::Result<Option<u32>> {
        let mut rest = vec![0; (self.header.size - offset.min(self.header.size)) as usize];
        let read = self.file.read_at(&mut rest, u64::from(offset))?;
        let rest = &rest[..read];
        for at in (0..read).step_by(super::format::ALIGN) {
            let Some(head) = FrameHead::read(&rest[at..]) else { continue };
            let plausible = head.first >= place && head.first <= place + u64::from(self.header.size);
            if let Some(frame) = rest.get(at..at + head.len as usize)
                && plausible
                && checksum(self.header.seed(), frame) == head.checksum
            {
                return Ok(u32::try_from(at).ok().map(|at| offset + at));
            }
        }
        Ok(None)
    }
}

/// What stands next in a segment.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A whole frame.
    Frame { offset: u32, head: FrameHead, bytes: &'a [u8] },
    /// No frame: zeros, or no room for one.
    End { offset: u32 },
    /// Neither.
    Bad { offset: u32, what: &'static str },
}

/// Walks the frames of a segment in file order, reading ahead.
#[derive(Debug)]
pub(crate) struct Walker<'a> {
    segment: &'a Segment,
    check: bool,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold file content.
    filled: usize,
    /// File offset of the buffer's first byte.
    base: u32,
    offset: u32,
    /// Nothing is read from here on.
    limit: u32,
    next: u64,
    /// How much is read at once.
    ahead: usize,
}

/// What is read is looked at while it is still in the processor's cache.
const READ_AHEAD: usize = 1 << 17;

impl<'a> Walker<'a> {
    /// From the frame at `offset`, whose first record has the place `next`. Without `check`, checksums are not looked at.
    pub(crate) fn new(segment: &'a Segment, offset: u32, next: u64, check: bool) -> Self {
        let limit = segment.header.size;
        Self { segment, check, buffer: Vec::new(), filled: 0, base: offset, offset, limit, next, ahead: READ_AHEAD }
    }

    /// Stops at this offset, which is a frame's beginning or the file's end.
    pub(crate) fn until(mut self, limit: u32) -> Self {
        self.limit = limit.min(self.limit);
        self
    }

    /// Reads this much at once.
    pub(crate) fn reading(mut self, ahead: usize) -> Self {
        self.ahead = ahead;
        self
    }

    /// The place of the record that comes next.
    pub(crate) fn next_place(&self) -> u64 {
        self.next
    }

    /// Has at least `len` bytes from the current offset in the buffer, if the file has them.
    fn fill(&mut self, len: usize) -> io::Result<usize> {
        let start = (self.offset - self.base) as usize;
        if self.filled - start < len {
            self.buffer.copy_within(start..self.filled, 0);
            self.filled -= start;
            self.base = self.offset;
            self.buffer.resize(self.buffer.len().max(len).max(self.ahead), 0);
            let at = u64::from(self.base) + self.filled as u64;
            let room = usize::try_from(u64::from(self.limit).saturating_sub(at)).unwrap_or(usize::MAX);
            let end = self.buffer.len().min(self.filled.saturating_add(room));
            self.filled += self.segment.file.read_at(&mut self.buffer[self.filled..end], at)?;
            return Ok(self.filled);
        }
        Ok(self.filled - start)
    }

    /// Forgets what was read ahead, so that the next step reads the file again.
    pub(crate) fn reread(&mut self) {
        self.base = self.offset;
        self.filled = 0;
    }

    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        let offset = self.offset;
        if u64::from(offset) + SHORTEST_FRAME as u64 > u64::from(self.limit) || self.fill(FRAME_HEAD)? < FRAME_HEAD {
            return Ok(Step::End { offset });
        }
        let start = (offset - self.base) as usize;
        if u32_at(&self.buffer, start) == 0 {
            return Ok(Step::End { offset });
        }
        let Some(head) = FrameHead::read(&self.buffer[start..self.filled]) else {
            return Ok(Step::Bad { offset, what: "this is not the beginning of a batch" });
        };
        let len = head.len as usize;
        if u64::from(offset) + u64::from(head.len) > u64::from(self.limit) || self.fill(len)? < len {
            return Ok(Step::Bad { offset, what: "a batch reaches beyond its segment" });
        }
        let start = (offset - self.base) as usize;
        let bytes = &self.buffer[start..start + len];
        if self.check && checksum(self.segment.header.seed(), bytes) != head.checksum {
            return Ok(Step::Bad { offset, what: "the checksum of a batch is wrong" });
        }
        if head.first != self.next {
            return Ok(Step::Bad { offset, what: "a batch is not at its place" });
        }
        self.offset += head.len;
        self.next = head.last() + 1;
        Ok(Step::Frame { offset, head, bytes })
    }
}
