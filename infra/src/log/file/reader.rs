//! Reading the log's files from outside: without its lock, changing nothing, also while another process writes to them.

use std::{collections::HashMap, io, path::Path};

use socai_domain::ledger::{LedgerId, Position, ReadError, SealedRecord, record::MAX_RECORD_LEN};

use crate::disk::RealDisk;

use super::{
    error::Damage,
    format::{Address, ENTRY_HEAD, Entries, Entry, FIRST_FRAME, entry_head, segment_name},
    segment::{Segment, Step, Walker},
};

/// Reads records in the order of the log. Trusts checksums, as replay does.
#[derive(Debug)]
pub(crate) struct Reader {
    disk: RealDisk,
    segment: Segment,
    /// Where the next frame begins, and the place of its first record.
    offset: u32,
    first: u64,
    /// The place of the next record: in the middle of that frame, if it was not wanted whole.
    next: u64,
}

/// What is given each record: where its entry is, and the entry.
pub(crate) type Take<'a> = dyn FnMut(Address, &Entry<'_>) + 'a;

fn busy(error: &io::Error) -> ReadError {
    ReadError::Busy(error.to_string())
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn corrupt(damage: Damage) -> ReadError {
    ReadError::Corrupt(damage.to_string())
}

impl Reader {
    /// At the beginning of the log in this directory.
    pub(crate) fn open(dir: &Path) -> Result<Self, ReadError> {
        let disk = RealDisk::new(dir);
        let segment = Segment::open(&disk, 1, false).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::Busy(format!("{} holds no ledger: check the path", dir.display())),
            _ => busy(&error),
        })?;
        let segment = segment.map_err(corrupt)?;
        if segment.header.first != 1 {
            return Err(corrupt(segment.damage(0, 1, "the first segment does not begin with the first record")));
        }
        Ok(Self { disk, segment, offset: FIRST_FRAME, first: 1, next: 1 })
    }

    /// The ledger.
    pub(crate) fn ledger(&self) -> LedgerId {
        self.segment.header.ledger
    }

    /// The position of a place.
    pub(crate) fn position(&self, place: u64) -> Position {
        Position::new(self.ledger(), self.segment.header.epoch, place)
    }

    /// The place of the last record that was read.
    pub(crate) fn place(&self) -> u64 {
        self.next - 1
    }

    /// Gives the next records, at least so many, none behind place `until`. False: there are no more up to there. What is
    /// not whole at the log's end is not there yet.
    pub(crate) fn read(&mut self, until: u64, at_least: usize, take: &mut Take<'_>) -> Result<bool, ReadError> {
        let mut taken = 0;
        while taken < at_least && self.next <= until {
            let mut ended = self.frames(until, at_least, &mut taken, take)?;
            if !ended {
                continue;
            }
            let Some(following) = self.following()? else { return Ok(false) };
            // The writer may have gone on in this one before it sealed it.
            ended = self.frames(until, at_least, &mut taken, take)?;
            if !ended {
                continue;
            }
            let same = (following.header.ledger, following.header.epoch) == (self.ledger(), self.segment.header.epoch);
            if !same || following.header.first != self.first {
                let what = "the next segment does not begin where this one ends";
                return Err(corrupt(self.segment.damage(self.offset, self.first, what)));
            }
            self.segment = following;
            self.offset = FIRST_FRAME;
        }
        Ok(self.next <= until)
    }

    /// Records of this segment; true when it has no more.
    fn frames(
        &mut self,
        until: u64,
        at_least: usize,
        taken: &mut usize,
        take: &mut Take<'_>,
    ) -> Result<bool, ReadError> {
        let mut walker = Walker::new(&self.segment, self.offset, self.first, true);
        while *taken < at_least && self.next <= until {
            let Step::Frame { offset, head, bytes } = walker.step().map_err(|error| busy(&error))? else {
                return Ok(true);
            };
            for entry in Entries::new(&head, bytes) {
                let entry = entry.map_err(|what| corrupt(self.segment.damage(offset, head.first, what)))?;
                if entry.place > until {
                    return Ok(false);
                }
                if entry.place >= self.next {
                    take(Address::new(self.segment.header.number, offset + entry.at), &entry);
                    self.next = entry.place + 1;
                    *taken += 1;
                }
            }
            self.offset = offset + head.len;
            self.first = head.last() + 1;
        }
        Ok(false)
    }

    fn following(&self) -> Result<Option<Segment>, ReadError> {
        let number = self.segment.header.number + 1;
        match Segment::open(&self.disk, number, false) {
            Ok(Ok(segment)) => Ok(Some(segment)),
            Ok(Err(damage)) => Err(corrupt(damage)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadError::Busy(format!("{}: {error}", segment_name(number)))),
        }
    }
}

/// Reads single records by where they are.
#[derive(Debug)]
pub(crate) struct RecordsAt {
    disk: RealDisk,
    segments: HashMap<u32, Segment>,
}

impl RecordsAt {
    /// Of the log in this directory.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { disk: RealDisk::new(dir), segments: HashMap::new() }
    }

    /// The record whose entry is there.
    pub(crate) fn read(&mut self, address: Address) -> Result<SealedRecord, ReadError> {
        let number = address.segment();
        if !self.segments.contains_key(&number) {
            let segment = Segment::open(&self.disk, number, false).map_err(|error| busy(&error))?;
            self.segments.insert(number, segment.map_err(corrupt)?);
        }
        let segment = &self.segments[&number];
        let read = |len: usize| {
            let mut bytes = vec![0; len];
            let read = segment.file.read_at(&mut bytes, u64::from(address.offset())).map_err(|error| busy(&error))?;
            bytes.truncate(read);
            Ok::<_, ReadError>(bytes)
        };
        let wrong = |what: String| corrupt(segment.damage(address.offset(), 0, what));
        let mut bytes = read(GUESS)?;
        let len = bytes.get(..ENTRY_HEAD).map_or(0, |head| entry_head(head).0 as usize);
        if len > MAX_RECORD_LEN {
            return Err(wrong("a record's length is wrong".into()));
        }
        if ENTRY_HEAD + len > bytes.len() {
            bytes = read(ENTRY_HEAD + len)?;
        }
        let record = bytes.get(ENTRY_HEAD..ENTRY_HEAD + len).ok_or_else(|| wrong("there is no record".into()))?;
        SealedRecord::from_bytes(record).map_err(|error| wrong(error.to_string()))
    }
}

/// Most records are shorter; a longer one costs a second read.
const GUESS: usize = 1024;

#[cfg(test)]
mod tests {
    use socai_domain::ledger::EventLog as _;

    use super::super::{
        FileLog,
        tests::{append, options, stream},
    };
    use super::*;

    fn places(reader: &mut Reader, until: u64, at_least: usize) -> (Vec<u64>, bool) {
        let mut places = Vec::new();
        let more = reader.read(until, at_least, &mut |_, entry| places.push(entry.place)).unwrap();
        (places, more)
    }

    #[tokio::test]
    async fn every_record_is_read_once_while_the_log_grows_over_several_segments() {
        let dir = tempfile::tempdir().unwrap();
        let log = FileLog::open(dir.path(), options()).unwrap();
        let mut reader = Reader::open(dir.path()).unwrap();
        let mut read = Vec::new();
        for round in 0..60 {
            log.append(append(stream(u128::from(round % 3)), round / 3 * 5, 5, 900)).await.unwrap();
            // In the middle of the batch, then to its end; and every fifth batch with the next ones.
            if round % 5 != 0 {
                for until in [reader.place() + 2, u64::MAX] {
                    while {
                        let (places, more) = places(&mut reader, until, 3);
                        read.extend(places);
                        more
                    } {}
                }
            }
        }
        assert_eq!(read, (1..=300).collect::<Vec<_>>());
        assert!(reader.segment.header.number > 2);
        log.close().await.unwrap();
        assert_eq!(places(&mut reader, u64::MAX, 1), (Vec::new(), false));
    }

    #[tokio::test]
    async fn a_batch_that_is_not_whole_ends_the_log_and_one_that_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let log = FileLog::open(dir.path(), options()).unwrap();
        for round in 0..30 {
            log.append(append(stream(1), round * 5, 5, 900)).await.unwrap();
        }
        log.close().await.unwrap();
        let change = |number: u32, at: usize| {
            let path = dir.path().join(segment_name(number));
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[at] ^= 1;
            std::fs::write(path, bytes).unwrap();
        };
        let count = || {
            let mut reader = Reader::open(dir.path())?;
            let mut count = 0;
            while reader.read(u64::MAX, 100, &mut |_, _| count += 1)? {}
            Ok::<_, ReadError>(count)
        };
        let last = (1..9).rev().find(|number| dir.path().join(segment_name(*number)).exists()).unwrap();
        assert!(last > 1);
        assert_eq!(count(), Ok(150));
        change(last, FIRST_FRAME as usize + 100);
        assert!(count().unwrap() < 150);
        change(1, FIRST_FRAME as usize + 100);
        let error = count().unwrap_err().to_string();
        assert!(error.contains("00000001.segment, offset 4096, record 1"), "{error}");
    }
}
