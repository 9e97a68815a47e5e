//! What is known of a sealed segment beside its bytes: places to start reading from, and where each of its streams ends.
//! Kept in a side file, which is never needed: it is made again from the segment where it is missing or wrong.

use std::io;

use socai_domain::{
    ledger::{Header, RecordHash, Revision, StreamId, StreamKind, log::chain_head},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    error::Damage,
    format::{Address, ENTRY_HEAD, Entries, FIRST_FRAME, NEW, array, index_name, u32_at, u64_at},
    hashing::ByStream,
    segment::{Mark, Segment, Step, Walker, mark},
};
use crate::disk::Disk;

const MAGIC: [u8; 8] = *b"socaiidx";
const VERSION: u32 = 1;
const HEAD: usize = 88;
const MARK: usize = 20;
const TIP: usize = 65;

/// The last record of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) address: Address,
    pub(crate) revision: Revision,
    pub(crate) hash: RecordHash,
}

/// Where each stream ends.
pub(crate) type Tips = ByStream<Tip>;

/// Where the frames of a segment end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The offset after the last frame.
    pub(crate) offset: u32,
    /// The place of the last record.
    pub(crate) place: u64,
    /// The log head after it; none before the first batch of the ledger.
    pub(crate) head: Option<RecordHash>,
    /// The time of the latest record, if the segment has one.
    pub(crate) recorded: Option<Timestamp>,
}

/// All that there is to know of a segment.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) marks: Vec<Mark>,
    pub(crate) tips: Tips,
    pub(crate) end: End,
    /// Where the last frame begins, if there is one.
    pub(crate) last_frame: Option<u32>,
    /// What stands after the last frame in place of zeros or another frame.
    pub(crate) bad: Option<(u32, &'static str)>,
}

impl Index {
    /// The time of a place is the latest up to there, this one of earlier segments included.
    pub(crate) fn not_before(&mut self, recorded: Option<Timestamp>) {
        if let Some(before) = recorded {
            self.marks.iter_mut().for_each(|mark| mark.recorded = mark.recorded.max(before));
        }
    }
}

/// What to look at in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Checksums of frames only.
    Checksums,
    /// Checksums of frames; finds where each stream ends. For what was just written: its hashes were computed then, so only
    /// those of the streams' last records are computed again.
    Ends,
    /// Everything, hashes and log heads too; finds where each stream ends.
    Everything,
}

/// Walks a whole segment.
pub(crate) fn scan(segment: &Segment, look: Look) -> io::Result<Result<Index, Damage>> {
    let header = &segment.header;
    let mut walker = Walker::new(segment, FIRST_FRAME, header.first, true);
    let end = End { offset: FIRST_FRAME, place: header.first - 1, head: header.head_before(), recorded: None };
    let mut index = Index { marks: Vec::new(), tips: Tips::default(), end, last_frame: None, bad: None };
    let (mut hashes, mut lens) = (Vec::new(), ByStream::<u32>::default());
    loop {
        let (offset, head, bytes) = match walker.step()? {
            Step::Frame { offset, head, bytes } => (offset, head, bytes),
            Step::End { offset } => {
                index.end.offset = offset;
                hash_ends(segment, &mut index.tips, &lens)?;
                return Ok(Ok(index));
            }
            Step::Bad { offset, what } => {
                index.end.offset = offset;
                index.bad = Some((offset, what));
                return Ok(Ok(index));
            }
        };
        let damage = |place, what: &str| Ok(Err(segment.damage(offset, place, what)));
        hashes.clear();
        for entry in Entries::new(&head, bytes) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(what) => return damage(head.first, what),
            };
            let record = match Header::read(entry.record) {
                Ok(record) => record,
                Err(error) => return damage(entry.place, &error.to_string()),
            };
            // No record of a batch is later than the first, or than what came before.
            let recorded = index.end.recorded.map_or(record.recorded, |before| before.max(record.recorded));
            if entry.place == head.first {
                mark(&mut index.marks, entry.place, offset, recorded);
            }
            index.end.recorded = Some(recorded);
            let hash = match look {
                Look::Checksums => break,
                Look::Ends => {
                    #[allow(clippy::cast_possible_truncation)] // a record's length is a u32
                    lens.insert(record.stream, entry.record.len() as u32);
                    RecordHash([0; 32])
                }
                Look::Everything => {
                    let hash = RecordHash::of(entry.record);
                    hashes.push(hash);
                    hash
                }
            };
            let address = Address::new(header.number, offset + entry.at);
            index.tips.insert(record.stream, Tip { address, revision: record.revision, hash });
        }
        if look == Look::Everything && chain_head(header.ledger, index.end.head, &hashes) != head.head {
            return damage(head.first, "the log head of a batch is wrong");
        }
        index.end.place = head.last();
        index.end.head = Some(head.head);
        index.last_frame = Some(offset);
    }
}

/// Computes the hashes of the streams' last records, of these lengths.
fn hash_ends(segment: &Segment, tips: &mut Tips, lens: &ByStream<u32>) -> io::Result<()> {
    let mut record = Vec::new();
    for (stream, len) in lens {
        let Some(tip) = tips.get_mut(stream) else { continue };
        record.resize(*len as usize, 0);
        let read = segment.file.read_at(&mut record, u64::from(tip.address.offset()) + ENTRY_HEAD as u64)?;
        tip.hash = RecordHash::of(&record[..read]);
    }
    Ok(())
}

impl Index {
    /// The side file's bytes, for the segment with this random id.
    fn to_bytes(&self, id: Uuid) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.marks.len() * MARK + self.tips.len() * TIP + 32);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(&self.end.offset.to_le_bytes());
        bytes.extend_from_slice(&self.end.place.to_le_bytes());
        bytes.extend_from_slice(&self.end.head.unwrap_or(RecordHash([0; 32])).0);
        bytes.extend_from_slice(&(self.marks.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&(self.tips.len() as u64).to_le_bytes());
        for mark in &self.marks {
            bytes.extend_from_slice(&mark.place.to_le_bytes());
            bytes.extend_from_slice(&mark.offset.to_le_bytes());
            bytes.extend_from_slice(&mark.recorded.as_micros().to_le_bytes());
        }
        for (stream, tip) in &self.tips {
            bytes.extend_from_slice(&stream.to_bytes());
            bytes.extend_from_slice(&tip.address.number().to_le_bytes());
            bytes.extend_from_slice(&tip.revision.number().to_le_bytes());
            bytes.extend_from_slice(&tip.hash.0);
        }
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(check.as_bytes());
        bytes
    }

    /// Writes the side file of a sealed segment, whole or not at all.
    pub(crate) fn save(&self, disk: &dyn Disk, segment: &Segment) -> io::Result<()> {
        let name = index_name(segment.header.number);
        let temporary = format!("{name}{NEW}");
        if disk.list()?.contains(&temporary) {
            disk.remove(&temporary)?;
        }
        let file = disk.create(&temporary)?;
        file.write_at(&self.to_bytes(segment.header.id), 0)?;
        file.sync_data()?;
        disk.rename(&temporary, &name)?;
        disk.sync_dir()
    }

    /// The side file of a sealed segment, if it is there, whole and of this segment.
    pub(crate) fn load(disk: &dyn Disk, segment: &Segment) -> Option<Self> {
        let bytes = read_side_file(disk, segment)?;
        let SideFile { end, marks, tips } = SideFile::of(&bytes, segment.header.id)?;
        let tips = tips.chunks_exact(TIP).map(|bytes| {
            let stream = StreamId::new(StreamKind::from_number(bytes[0])?, Uuid::from_bytes(array(bytes, 1)));
            let address = Address::from_number(u64_at(bytes, 17));
            let revision = Revision::new(u64_at(bytes, 25));
            Some((stream, Tip { address, revision, hash: RecordHash(array(bytes, 33)) }))
        });
        let tips = tips.collect::<Option<_>>()?;
        Some(Self { marks: read_marks(marks), tips, end, last_frame: None, bad: None })
    }

    /// Only the marks of a side file, for those who need no streams.
    pub(crate) fn load_marks(disk: &dyn Disk, segment: &Segment) -> Option<Vec<Mark>> {
        let bytes = read_side_file(disk, segment)?;
        Some(read_marks(SideFile::of(&bytes, segment.header.id)?.marks))
    }
}

fn read_side_file(disk: &dyn Disk, segment: &Segment) -> Option<Vec<u8>> {
    let file = disk.open(&index_name(segment.header.number), false).ok()?;
    let mut bytes = vec![0; usize::try_from(file.len().ok()?).ok()?];
    let read = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(read);
    Some(bytes)
}

fn read_marks(bytes: &[u8]) -> Vec<Mark> {
    let mark = |bytes: &[u8]| Mark {
        place: u64_at(bytes, 0),
        offset: u32_at(bytes, 8),
        recorded: Timestamp::from_micros(i64::from_le_bytes(array(bytes, 12))),
    };
    bytes.chunks_exact(MARK).map(mark).collect()
}

/// The parts of a side file.
struct SideFile<'a> {
    end: End,
    marks: &'a [u8],
    tips: &'a [u8],
}

impl<'a> SideFile<'a> {
    /// None if the bytes are not whole, or of another segment than that of this id.
    fn of(bytes: &'a [u8], id: Uuid) -> Option<Self> {
        let (bytes, check) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if bytes.len() < HEAD || bytes[..8] != MAGIC || u32_at(bytes, 8) != VERSION || bytes[12..28] != *id.as_bytes() {
            return None;
        }
        if blake3::hash(bytes).as_bytes() != check {
            return None;
        }
        let head = RecordHash(array(bytes, 40));
        let end = End { offset: u32_at(bytes, 28), place: u64_at(bytes, 32), head: Some(head), recorded: None };
        let len = usize::try_from(u64_at(bytes, 72)).ok()?.checked_mul(MARK)?;
        let (marks, tips) = bytes[HEAD..].split_at_checked(len)?;
        Some(Self { end, marks, tips })
    }
}
