//! The things of some streams, folded from nothing, without a database.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use socai_domain::{
    decide::Meta,
    id::{IncomingId, OrganId, PersonId, RegisterId},
    ledger::{Header, Opened},
    organ,
};

use super::Fold;
use crate::{
    apply::{Things, apply},
    directory::{Agencies, Agency, Person},
    document::Document,
    erasure,
    incoming_register::{Book, Entry},
};

/// Documents, people, books and numbers.
pub(super) struct Folded {
    agencies: Arc<Agencies>,
    erased: Arc<HashSet<IncomingId>>,
    documents: HashMap<IncomingId, Known>,
    pub(super) people: HashMap<PersonId, Person>,
    pub(super) books: HashMap<RegisterId, Book>,
    pub(super) entries: HashMap<(RegisterId, u32), Entry>,
}

/// A document, and up to which place of the log its agency's calendars are counted.
struct Known {
    document: Document,
    counted: i64,
}

impl Known {
    /// Counts the calendars that were decided before `place`.
    fn count(&mut self, agencies: &Agencies, place: i64) {
        for (at, calendar) in agencies.calendars(self.document.organ, self.counted, place) {
            self.document.calendar_decided(calendar, *at);
        }
        self.counted = place;
    }
}

impl Folded {
    /// Nothing yet. Of the `erased` documents only their erasure is taken in.
    pub(super) fn new(agencies: Arc<Agencies>, erased: Arc<HashSet<IncomingId>>) -> Self {
        let (documents, people, books, entries) = Default::default();
        Self { agencies, erased, documents, people, books, entries }
    }

    /// Takes the documents out, as they are at the end of the log at `place`.
    pub(super) fn documents(&mut self, place: i64) -> Vec<Document> {
        let all = std::mem::take(&mut self.documents).into_values();
        let counted = all.map(|mut known| {
            known.count(&self.agencies, place.saturating_add(1));
            known.document
        });
        counted.collect()
    }
}

impl Fold for Folded {
    fn take(&mut self, place: i64, header: &Header, opened: &Opened) {
        let erased = Arc::clone(&self.erased);
        apply(self, place, header, erasure::shown(&erased, header, opened));
    }
}

impl Things for Folded {
    fn change_organ(&mut self, _: OrganId, _: &organ::Event, _: &Meta, _: i64) {
        // Agencies were folded before all others.
    }

    fn change_document(&mut self, header: &Header, place: i64, change: impl FnOnce(&mut Document, &dyn Agency)) {
        let (id, organ) = (IncomingId::new(header.stream.key()), OrganId::new(header.organ));
        let new = || Known { document: Document::new(place, id, organ), counted: place };
        let known = self.documents.entry(id).or_insert_with(new);
        known.count(&self.agencies, place);
        change(&mut known.document, &self.agencies.at(organ, place));
    }

    fn change_person(&mut self, header: &Header, place: i64, change: impl FnOnce(&mut Person)) {
        let id = PersonId::new(header.stream.key());
        change(self.people.entry(id).or_insert_with(|| Person::new(place, id, OrganId::new(header.organ))));
    }

    fn change_book(&mut self, header: &Header, place: i64, change: impl FnOnce(&mut Book)) {
        let id = RegisterId::new(header.stream.key());
        change(self.books.entry(id).or_insert_with(|| Book::new(place, id, OrganId::new(header.organ))));
    }

    fn change_entry(&mut self, header: &Header, place: i64, number: u32, change: impl FnOnce(&mut Entry)) {
        let register = RegisterId::new(header.stream.key());
        let mut ordinal = place;
        self.change_book(header, place, |book| ordinal = book.ordinal);
        change(self.entries.entry((register, number)).or_insert_with(|| Entry::new(ordinal, number)));
    }
}
