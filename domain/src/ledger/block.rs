//! Records as they lie in memory one after the other: for those who read much of a log and copy none of it.

use uuid::Uuid;

use super::{
    EventKind, Header, Revision, StreamId, StreamKind,
    record::{HEADER_LEN, NotARecord, SealedRecord},
};
use crate::time::Timestamp;

/// A record where it lies. Fields of its header are read when asked for; its body stays sealed.
#[derive(Clone, Copy)]
pub struct RecordRef<'a> {
    place: u64,
    kind: StreamKind,
    bytes: &'a [u8],
}

impl std::fmt::Debug for RecordRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordRef({} of {} at {})", self.revision(), self.stream(), self.place)
    }
}

impl<'a> RecordRef<'a> {
    /// The record of this place in the log, in these bytes. Only its header is looked at.
    pub fn new(place: u64, bytes: &'a [u8]) -> Result<Self, NotARecord> {
        Ok(Self { place, kind: Header::check(bytes)?, bytes })
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[at..at + N]);
        array
    }

    /// Its place in the log.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// What happened.
    pub fn kind(&self) -> EventKind {
        EventKind::new(u16::from_le_bytes(self.array(2)))
    }

    /// To what sort of thing.
    pub fn stream_kind(&self) -> StreamKind {
        self.kind
    }

    /// To what.
    pub fn stream(&self) -> StreamId {
        StreamId::new(self.kind, Uuid::from_bytes(self.array(20)))
    }

    /// Where in its history.
    pub fn revision(&self) -> Revision {
        Revision::new(u64::from_le_bytes(self.array(4)))
    }

    /// When the log took it.
    pub fn recorded(&self) -> Timestamp {
        Timestamp::from_micros(i64::from_le_bytes(self.array(12)))
    }

    /// The organ concerned; nil where there is none.
    pub fn organ(&self) -> Uuid {
        Uuid::from_bytes(self.array(36))
    }

    /// The whole header.
    pub fn header(&self) -> Header {
        Header::of(self.kind, self.bytes)
    }

    /// The sealed body.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// Header and sealed body.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl SealedRecord {
    /// The record, which has this place in the log.
    pub fn at(&self, place: u64) -> RecordRef<'_> {
        RecordRef { place, kind: self.header().stream.kind(), bytes: self.bytes() }
    }
}

/// Where a record lies in a block.
#[derive(Clone, Copy, Debug)]
struct Lies {
    place: u64,
    kind: StreamKind,
    at: usize,
    len: usize,
}

/// Records in the order of the log, read into memory that is used again for the next ones.
#[derive(Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    index: Places,
}

/// Where the records of a block lie in its bytes.
#[derive(Debug, Default)]
pub struct Places(Vec<Lies>);

impl Places {
    /// For engines: a record that lies at `at` in the block's bytes. Only its header is looked at.
    pub fn add(&mut self, place: u64, at: usize, record: &[u8]) -> Result<(), NotARecord> {
        let kind = Header::check(record)?;
        self.0.push(Lies { place, kind, at, len: record.len() });
        Ok(())
    }

    /// Is there no record?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Block {
    /// For engines: the bytes, to be written over, and no records in them yet. The bytes may be longer than what is used.
    pub fn begin(&mut self) -> (&mut Vec<u8>, &mut Places) {
        self.index.0.clear();
        (&mut self.bytes, &mut self.index)
    }

    /// For engines that have records one by one: copies one in.
    pub fn push(&mut self, record: RecordRef<'_>) {
        let at = self.index.0.last().map_or(0, |last| last.at + last.len);
        self.bytes.truncate(at);
        self.bytes.extend_from_slice(record.bytes);
        self.index.0.push(Lies { place: record.place, kind: record.kind, at, len: record.bytes.len() });
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.index.0.len()
    }

    /// Is there no record?
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The records, in the order of the log.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = RecordRef<'_>> + Clone {
        self.index.0.iter().filter_map(|&Lies { place, kind, at, len }| {
            let bytes = self.bytes.get(at..at + len)?;
            Some(RecordRef { place, kind, bytes })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Draft, RecordHash};

    fn record(stream: u128) -> SealedRecord {
        let (organ, person) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let draft = Draft { kind: EventKind::new(412), organ, person, body: stream.to_string().into_bytes() };
        let stream = StreamId::new(StreamKind::Register, Uuid::from_u128(stream));
        let mut bytes = Vec::new();
        draft.stamp(stream, Revision::new(7), Timestamp::from_micros(-5), RecordHash([9; 32]), &mut bytes);
        SealedRecord::from_bytes(bytes).unwrap()
    }

    #[test]
    fn what_lies_in_a_block_is_what_the_header_says() {
        let records: Vec<_> = (0..40).map(|number| record(number * 1_000_000)).collect();
        let mut block = Block::default();
        for round in 0..3 {
            block.begin();
            assert!(block.is_empty());
            for (place, record) in (round..).zip(&records) {
                block.push(record.at(place));
            }
            assert_eq!(block.len(), records.len());
            for ((place, record), lying) in (round..).zip(&records).zip(block.records()) {
                let header = record.header();
                assert_eq!((lying.header(), lying.body(), lying.bytes()), (*header, record.body(), record.bytes()));
                assert_eq!((lying.place(), lying.kind(), lying.stream()), (place, header.kind, header.stream));
                assert_eq!((lying.revision(), lying.recorded()), (header.revision, header.recorded));
                assert_eq!((lying.organ(), lying.stream_kind()), (header.organ, header.stream.kind()));
            }
        }
    }

    #[test]
    fn other_bytes_are_no_record() {
        let (mut block, whole) = (Block::default(), record(1));
        let (_, places) = block.begin();
        assert_eq!(places.add(1, 0, &whole.bytes()[..99]), Err(NotARecord::TooShort(99)));
        assert_eq!(places.add(1, 0, &[2; 120]), Err(NotARecord::Version(2)));
        assert!(places.is_empty());
        // A place that is not in the bytes gives no record, and no panic.
        places.add(1, 1 << 40, whole.bytes()).unwrap();
        assert_eq!(block.records().count(), 0);
        assert!(RecordRef::new(1, &whole.bytes()[..40]).is_err());
    }
}
