//! The register book (sổ đăng ký): one number series of one year. It alone gives numbers.

use std::collections::HashMap;

pub mod assign;
pub mod events;
pub mod renew;
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
    fingerprints: HashMap<Fingerprint, Vec<IncomingId>>,
}

/// A number in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number.
    pub number: ArrivalNumber,
    /// It cannot be used.
    pub void: Option<VoidReason>,
    /// By what its document is compared: by the issuer's code, where that is known, then by the issuer's name.
    pub fingerprints: Vec<Fingerprint>,
    /// The revision of the document that says so.
    pub as_of: u64,
}

impl Register {
    /// The documents that one with these fingerprints may be a duplicate of.
    pub fn alike(&self, fingerprints: &[Fingerprint]) -> Vec<IncomingId> {
        let found = fingerprints.iter().filter_map(|fingerprint| self.fingerprints.get(fingerprint)).flatten();
        let mut alike: Vec<_> =
            found.filter(|document| !self.is_of_another(**document, fingerprints)).copied().collect();
        alike.sort_unstable();
        alike.dedup();
        alike
    }

    /// Are both issuers' codes known, and not the same? Then equal names mean nothing.
    fn is_of_another(&self, document: IncomingId, fingerprints: &[Fingerprint]) -> bool {
        let known = self.numbers.get(&document).map(|entry| entry.fingerprints.as_slice());
        matches!((known, fingerprints), (Some([one, _]), [other, _]) if one != other)
    }

    /// From now on the document is compared by these.
    fn compare(&mut self, document: IncomingId, fingerprints: &[Fingerprint], as_of: u64) {
        self.forget(document);
        if let Some(entry) = self.numbers.get_mut(&document) {
            entry.fingerprints = fingerprints.to_vec();
            entry.as_of = as_of;
            for fingerprint in fingerprints {
                self.fingerprints.entry(*fingerprint).or_default().push(document);
            }
        }
    }

    /// The document is compared with no other any more.
    fn forget(&mut self, document: IncomingId) {
        let entry = self.numbers.get_mut(&document);
        for fingerprint in entry.map(|entry| std::mem::take(&mut entry.fingerprints)).unwrap_or_default() {
            if let Some(documents) = self.fingerprints.get_mut(&fingerprint) {
                documents.retain(|other| *other != document);
            }
        }
    }
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
                let (number, void, fingerprints) = (e.number, None, Vec::new());
                self.forget(e.document);
                self.numbers.insert(e.document, Entry { number, void, fingerprints, as_of: 0 });
                self.compare(e.document, e.fingerprint.as_slice(), 0);
            }
            Event::NumberVoided(e) => {
                let of_number = self.numbers.iter_mut().find(|(_, entry)| entry.number == e.number);
                if let Some((document, entry)) = of_number {
                    entry.void = Some(e.reason);
                    let document = *document;
                    self.forget(document);
                }
            }
            Event::FingerprintsRenewed(e) => self.compare(e.document, &e.fingerprints, e.as_of),
        }
    }
}
