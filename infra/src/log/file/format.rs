//! The bytes of segment files. `docs/FILE_FORMAT.md` describes them for other languages.

use std::fmt;

use socai_domain::ledger::{Draft, Header, LedgerId, RecordHash, record::HEADER_LEN};
use uuid::Uuid;

/// Bytes before the first frame: the header alone in a block of its own, so that no append ever rewrites its sectors.
pub(crate) const FIRST_FRAME: u32 = 4096;
/// Bytes of a frame before its first entry.
pub(crate) const FRAME_HEAD: usize = 56;
/// Bytes of an entry before its record.
pub(crate) const ENTRY_HEAD: usize = 20;
/// The shortest frame that can be: one record without a body.
pub(crate) const SHORTEST_FRAME: usize = FRAME_HEAD + ENTRY_HEAD + HEADER_LEN;
/// Frames begin at multiples of this.
pub(crate) const ALIGN: usize = 8;

/// No ledger has more records: places can be counted on without overflow.
const MOST_RECORDS: u64 = 1 << 62;
const MAGIC: [u8; 8] = *b"socailog";
const VERSION: u32 = 1;
const CHECKED: usize = 96;

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

/// Where a record's entry begins: segment number and offset in that file. Zero is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(u64);

impl Address {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn new(segment: u32, offset: u32) -> Self {
        Self(u64::from(segment) << 32 | u64::from(offset))
    }

    pub(crate) fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }

    pub(crate) fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[allow(clippy::cast_possible_truncation)] // the low half is the offset
    pub(crate) fn offset(self) -> u32 {
        self.0 as u32
    }
}

/// The name of a segment's file.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:08}.segment")
}

/// How names of side files end.
pub(crate) const INDEX: &str = ".index";
/// How names of files end that are not yet what they will be.
pub(crate) const NEW: &str = ".new";

/// The name of a sealed segment's side file.
pub(crate) fn index_name(number: u32) -> String {
    format!("{number:08}{INDEX}")
}

/// The number in a segment's file name.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".segment")?.parse().ok()?;
    (segment_name(number) == name && number > 0).then_some(number)
}

/// What a segment says of itself in its first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// From 1, without gaps.
    pub(crate) number: u32,
    pub(crate) ledger: LedgerId,
    pub(crate) epoch: u32,
    /// Length of the file in bytes.
    pub(crate) size: u32,
    /// Random; seeds the frames' checksums, so that frames of another file are no frames here.
    pub(crate) id: Uuid,
    /// The place of the first record.
    pub(crate) first: u64,
    /// The log head before it; zero before the first batch of the ledger.
    pub(crate) before: RecordHash,
}

impl SegmentHeader {
    pub(crate) fn to_bytes(&self) -> [u8; FIRST_FRAME as usize] {
        let mut bytes = [0; FIRST_FRAME as usize];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..32].copy_from_slice(self.ledger.0.as_bytes());
        bytes[32..36].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.size.to_le_bytes());
        bytes[40..56].copy_from_slice(self.id.as_bytes());
        bytes[56..64].copy_from_slice(&self.first.to_le_bytes());
        bytes[64..96].copy_from_slice(&self.before.0);
        let crc = crc32c::crc32c(&bytes[..CHECKED]);
        bytes[CHECKED..CHECKED + 4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() < FIRST_FRAME as usize {
            return Err("the file is shorter than a segment's header");
        }
        if bytes[..8] != MAGIC {
            return Err("this is not a segment file");
        }
        if crc32c::crc32c(&bytes[..CHECKED]) != u32_at(bytes, CHECKED) {
            return Err("the header's checksum is wrong");
        }
        if u32_at(bytes, 8) != VERSION {
            return Err("the format version is unknown; a newer socai wrote it");
        }
        if bytes[CHECKED + 4..FIRST_FRAME as usize].iter().any(|&byte| byte != 0) {
            return Err("a byte after the header is not zero");
        }
        if !(1..=MOST_RECORDS).contains(&u64_at(bytes, 56)) {
            return Err("the place of the first record makes no sense");
        }
        if u64_at(bytes, 56) == 1 && bytes[64..CHECKED].iter().any(|&byte| byte != 0) {
            return Err("there is no log head before the ledger's first record, but the header names one");
        }
        Ok(Self {
            number: u32_at(bytes, 12),
            ledger: LedgerId(Uuid::from_bytes(array(bytes, 16))),
            epoch: u32_at(bytes, 32),
            size: u32_at(bytes, 36),
            id: Uuid::from_bytes(array(bytes, 40)),
            first: u64_at(bytes, 56),
            before: RecordHash(array(bytes, 64)),
        })
    }

    /// What the frames' checksums begin with.
    pub(crate) fn seed(&self) -> u32 {
        crc32c::crc32c(self.id.as_bytes())
    }

    /// The head before the first frame, as `chain_head` wants it.
    pub(crate) fn head_before(&self) -> Option<RecordHash> {
        (self.first > 1).then_some(self.before)
    }
}

/// What stands before a frame's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    /// Length of the whole frame in bytes, padding included.
    pub(crate) len: u32,
    pub(crate) checksum: u32,
    /// The place of its first record.
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// The log head after it.
    pub(crate) head: RecordHash,
}

impl FrameHead {
    /// Reads a frame's head where there may be one: the length is plausible, nothing else is checked.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < FRAME_HEAD {
            return None;
        }
        let head = Self {
            len: u32_at(bytes, 0),
            checksum: u32_at(bytes, 4),
            first: u64_at(bytes, 8),
            count: u32_at(bytes, 16),
            head: RecordHash(array(bytes, 24)),
        };
        let plausible = head.len as usize >= SHORTEST_FRAME
            && (head.len as usize).is_multiple_of(ALIGN)
            && head.count > 0
            && head.count as usize <= head.len as usize / (SHORTEST_FRAME - FRAME_HEAD);
        plausible.then_some(head)
    }

    /// The place of its last record.
    pub(crate) fn last(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count) - 1)
    }
}

/// The checksum of a whole frame: CRC32C of segment id, length, and all after the checksum (first place included).
pub(crate) fn checksum(seed: u32, frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &frame[..4]), &frame[8..])
}

/// One record as a frame holds it.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Its offset in the frame.
    pub(crate) at: u32,
    /// Its place in the log.
    pub(crate) place: u64,
    /// Where the stream's previous record is.
    pub(crate) previous: Address,
    /// The record.
    pub(crate) record: &'a [u8],
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} at {})", self.place, self.at)
    }
}

/// The head of an entry: record length, place, predecessor.
pub(crate) fn entry_head(bytes: &[u8]) -> (u32, u64, Address) {
    (u32_at(bytes, 0), u64_at(bytes, 4), Address(u64_at(bytes, 12)))
}

/// Walks the entries of a frame.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    frame: &'a [u8],
    at: usize,
    next: u64,
    left: u32,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(head: &FrameHead, frame: &'a [u8]) -> Self {
        Self { frame, at: FRAME_HEAD, next: head.first, left: head.count }
    }

    fn step(&mut self) -> Result<Entry<'a>, &'static str> {
        let (at, rest) = (self.at, &self.frame[self.at..]);
        if at == FRAME_HEAD && u32_at(self.frame, 20) != 0 {
            return Err("a byte after the frame's number of records is not zero");
        }
        if rest.len() < ENTRY_HEAD {
            return Err("an entry reaches beyond its frame");
        }
        let (len, place, previous) = entry_head(rest);
        let Some(record) = rest.get(ENTRY_HEAD..ENTRY_HEAD.saturating_add(len as usize)) else {
            return Err("a record reaches beyond its frame");
        };
        if place != self.next {
            return Err("a record is not at its place");
        }
        self.at += ENTRY_HEAD + record.len();
        self.next += 1;
        self.left -= 1;
        if self.left == 0 {
            let padding = &self.frame[self.at..];
            if padding.len() >= ALIGN || padding.iter().any(|&byte| byte != 0) {
                return Err("a frame does not end with its last record");
            }
        }
        #[allow(clippy::cast_possible_truncation)] // a frame's length is a u32
        Ok(Entry { at: at as u32, place, previous, record })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.left = 0;
        }
        Some(step)
    }
}

/// A frame in the making. Its buffer is used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct FrameBuilder {
    bytes: Vec<u8>,
    first: u64,
    count: u32,
}

impl FrameBuilder {
    /// Begins anew, with the record of place `first`.
    pub(crate) fn begin(&mut self, first: u64) {
        self.bytes.clear();
        self.bytes.resize(FRAME_HEAD, 0);
        self.first = first;
        self.count = 0;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place of the next record.
    pub(crate) fn next(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// Takes a record; returns the offset of its entry in the frame, and its hash.
    pub(crate) fn push(&mut self, draft: &Draft, header: Header, previous: Address) -> (u32, RecordHash) {
        let at = self.begin_entry(draft.record_len(), previous);
        let Header { stream, revision, recorded, previous, .. } = header;
        let hash = draft.stamp(stream, revision, recorded, previous, &mut self.bytes);
        (at, hash)
    }

    /// Takes a whole record as it is; returns the offset of its entry in the frame.
    pub(crate) fn push_whole(&mut self, record: &[u8], previous: Address) -> u32 {
        let at = self.begin_entry(record.len(), previous);
        self.bytes.extend_from_slice(record);
        at
    }

    fn begin_entry(&mut self, len: usize, previous: Address) -> u32 {
        let (at, place) = (self.bytes.len(), self.next());
        self.bytes.extend_from_slice(&(len as u64).to_le_bytes()[..4]);
        self.bytes.extend_from_slice(&place.to_le_bytes());
        self.bytes.extend_from_slice(&previous.0.to_le_bytes());
        self.count += 1;
        #[allow(clippy::cast_possible_truncation)] // a frame fits a segment, whose size is a u32
        let at = at as u32;
        at
    }

    /// Closes the frame with the log head after it; its bytes are then ready to be written.
    pub(crate) fn finish(&mut self, seed: u32, head: RecordHash) {
        let len = self.bytes.len().next_multiple_of(ALIGN);
        self.bytes.resize(len, 0);
        self.bytes[0..4].copy_from_slice(&(len as u64).to_le_bytes()[..4]);
        self.bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        self.bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[24..56].copy_from_slice(&head.0);
        let crc = checksum(seed, &self.bytes);
        self.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    }
}
