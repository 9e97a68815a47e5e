//! What the headers of the log say, which need no key: every stream with its end, what was begun, what was erased.

use std::collections::HashMap;

use socai_domain::{
    incoming::events::{Cancelled, ErasureCompleted, Registered, RegistrationAbandoned, RegistrationBegan},
    ledger::{EventKind, Header, LedgerId, Position, ReadError, Revision, StreamId},
    process::EXPUNGED,
    time::Timestamp,
};

use super::source::{Entry, NOW, Reader, Source};
use crate::log::file::{format::Address, hashing::ByStream};

const REGISTRATION_BEGAN: EventKind = RegistrationBegan::KIND;
const REGISTRATION_ENDED: [EventKind; 4] = [RegistrationAbandoned::KIND, Registered::KIND, Cancelled::KIND, EXPUNGED];
const ERASURE_COMPLETED: EventKind = ErasureCompleted::KIND;

/// A stream as the log has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    /// The place of its first record.
    pub(super) first: u64,
    /// Its last record.
    pub(super) last: Revision,
    /// Where that is in the files; nowhere in a log that is told.
    pub(super) address: Address,
}

/// An erasure of what stands in a stream below a revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Erasure {
    pub(super) below: Revision,
    pub(super) place: u64,
    /// When keys and files were said to be destroyed.
    pub(super) completed: Option<Timestamp>,
}

/// What is known of the log up to a place.
#[derive(Debug)]
pub(super) struct Facts {
    reader: Reader,
    pub(super) streams: ByStream<Stream>,
    pub(super) erasures: HashMap<StreamId, Erasure>,
    /// Registrations that were begun and did not end: the places where they began.
    pub(super) begun: HashMap<StreamId, u64>,
    /// The records up to the place that was to be counted to.
    pub(super) counted: u64,
    count_to: u64,
}

/// Records that are read between two reports.
const AT_ONCE: usize = 50_000;

impl Facts {
    /// Of the whole log, as far as it goes now; with how many records there are up to a place.
    pub(super) fn read(source: &Source, count_to: u64, progress: impl FnMut(u64)) -> Result<Self, ReadError> {
        let mut facts = Self {
            reader: source.reader()?,
            streams: ByStream::default(),
            erasures: HashMap::new(),
            begun: HashMap::new(),
            counted: 0,
            count_to,
        };
        facts.catch_up(progress)?;
        Ok(facts)
    }

    /// Takes in what came since.
    pub(super) fn catch_up(&mut self, mut progress: impl FnMut(u64)) -> Result<(), ReadError> {
        let Self { reader, streams, erasures, begun, counted, count_to } = self;
        let mut unreadable = None;
        let mut take = |entry: Entry<'_>| match Header::read(entry.record) {
            Ok(header) => {
                let address = entry.address;
                *counted += u64::from(entry.place <= *count_to);
                let stream = streams.entry(header.stream);
                let stream = stream.or_insert(Stream { first: entry.place, last: header.revision, address });
                (stream.last, stream.address) = (header.revision, address);
                note(&header, entry.place, erasures, begun);
            }
            Err(error) => {
                unreadable.get_or_insert_with(|| ReadError::Corrupt(format!("record {}: {error}", entry.place)));
            }
        };
        let mut more = true;
        while more {
            more = reader.read(NOW, AT_ONCE, &mut take)?;
            progress(reader.place());
        }
        unreadable.map_or(Ok(()), Err)
    }

    /// The ledger.
    pub(super) fn ledger(&self) -> LedgerId {
        self.reader.ledger()
    }

    /// How many records there are.
    pub(super) fn records(&self) -> u64 {
        self.reader.records()
    }

    /// Where the log ended when it was read.
    pub(super) fn end(&self) -> Position {
        self.reader.position(self.reader.place())
    }
}

fn note(header: &Header, place: u64, erasures: &mut HashMap<StreamId, Erasure>, begun: &mut HashMap<StreamId, u64>) {
    let (stream, kind) = (header.stream, header.kind);
    if kind == REGISTRATION_BEGAN {
        begun.insert(stream, place);
    } else if REGISTRATION_ENDED.contains(&kind) {
        begun.remove(&stream);
    }
    if kind == EXPUNGED {
        erasures.insert(stream, Erasure { below: header.revision, place, completed: None });
    } else if kind == ERASURE_COMPLETED
        && let Some(erasure) = erasures.get_mut(&stream)
    {
        erasure.completed = Some(header.recorded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_those_of_the_catalogue() {
        let names = |kinds: &[EventKind]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(names(&[REGISTRATION_BEGAN, ERASURE_COMPLETED]), "RegistrationBegan@1 ErasureCompleted@1");
        let ends = "RegistrationAbandoned@1 IncomingRegistered@1 IncomingCancelled@1 IncomingExpunged@1";
        assert_eq!(names(&REGISTRATION_ENDED), ends);
    }
}
