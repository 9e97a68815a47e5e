//! The register book (sổ đăng ký): one number series of one year. It alone gives numbers.

use std::collections::HashMap;

pub mod assign;
pub mod events;
pub mod testing;
pub mod void;

pub use events::{Fingerprint, VoidReason};

pub use crate::ledger::catalogue::RegisterEvent as Event;
use crate::{
    decide::{Aggregate, Meta},
    id::{IncomingId, OrganId},
    ledger::StreamKind,
    text::ArrivalNumber,
};

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// Whose book; none before it is opened.
    pub organ: Option<OrganId>,
    /// The year.
    pub year: i16,
    /// The last number given; 0 before the first.
    pub last: u32,
    /// Which number each document has.
    pub numbers: HashMap<IncomingId, Entry>,
    /// The documents with each fingerprint, voided ones left out.
    pub fingerprints: HashMap<Fingerprint, Vec<IncomingId>>,
}

/// A number in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number.
    pub number: ArrivalNumber,
    /// It cannot be used.
    pub void: Option<VoidReason>,
}

impl Aggregate for Register {
    const KIND: StreamKind = StreamKind::Register;
    type Event = Event;

    fn organ(&self) -> Option<OrganId> {
        self.organ
    }

    fn evolve(&mut self, event: &Event, _meta: &Meta) {
        match event {
            Event::BookOpened(e) => {
                self.organ = Some(e.organ);
                self.year = e.year;
            }
            Event::NumberAssigned(e) => {
                self.last = self.last.max(e.number.get());
                self.numbers.insert(e.document, Entry { number: e.number, void: None });
                if let Some(fingerprint) = e.fingerprint {
                    self.fingerprints.entry(fingerprint).or_default().push(e.document);
                }
            }
            Event::NumberVoided(e) => {
                let of_number = self.numbers.iter_mut().find(|(_, entry)| entry.number == e.number);
                if let Some((document, entry)) = of_number {
                    entry.void = Some(e.reason);
                    let document = *document;
                    for documents in self.fingerprints.values_mut() {
                        documents.retain(|other| *other != document);
                    }
                }
            }
        }
    }
}
