//! The one way from an event to things, which rows are made of: live, in a rebuild and in a replay of the past; record by
//! record, in the order of the log or of the stream alone.

use socai_domain::{
    decide::Meta,
    id::OrganId,
    ledger::{DomainEvent, Header, Opened, StreamKind},
    organ, register,
};

use crate::{
    directory::{Agency, Person},
    document::Document,
    incoming_register::{Book, Entry},
};

/// The things that records change. One that is not there yet is made as its first record says.
pub(crate) trait Things {
    /// Lets an agency take in an event; if it decides the calendar, the deadlines of all open work are derived anew.
    fn change_organ(&mut self, id: OrganId, event: &organ::Event, meta: &Meta, place: i64);
    /// The document of a record, and its agency as known at this record.
    fn change_document(&mut self, header: &Header, place: i64, change: impl FnOnce(&mut Document, &dyn Agency));
    /// The person of a record.
    fn change_person(&mut self, header: &Header, place: i64, change: impl FnOnce(&mut Person));
    /// The book of a record.
    fn change_book(&mut self, header: &Header, place: i64, change: impl FnOnce(&mut Book));
    /// A number in the book of a record.
    fn change_entry(&mut self, header: &Header, place: i64, number: u32, change: impl FnOnce(&mut Entry));
}

/// Takes in one record.
pub(crate) fn apply(things: &mut impl Things, place: i64, header: &Header, opened: &Opened) {
    let Opened::Event(context, event) = opened else { return apply_erased(things, place, header) };
    let meta = Meta::of(header, context);
    match event {
        DomainEvent::Organ(event) => things.change_organ(OrganId::new(header.stream.key()), event, &meta, place),
        DomainEvent::Person(event) => things.change_person(header, place, |person| person.apply(event)),
        DomainEvent::Register(event) => match event {
            register::Event::BookOpened(e) => things.change_book(header, place, |book| book.open(e)),
            register::Event::NumberAssigned(e) => {
                things.change_entry(header, place, e.number.get(), |entry| entry.give(e.document, &meta));
            }
            register::Event::NumberVoided(e) => {
                things.change_entry(header, place, e.number.get(), |entry| entry.void(e, &meta));
            }
            register::Event::FingerprintsRenewed(_) => things.change_book(header, place, |_| ()),
        },
        DomainEvent::Incoming(event) => {
            things.change_document(header, place, |document, agency| document.apply(event, &meta, agency, place));
        }
    }
}

/// Of a record whose key was destroyed only the header is left.
fn apply_erased(things: &mut impl Things, place: i64, header: &Header) {
    match header.stream.kind() {
        StreamKind::Incoming => {
            things.change_document(header, place, |document, _| document.apply_erased(header, place));
        }
        StreamKind::Person => things.change_person(header, place, Person::apply_erased),
        // Agencies and books hold nothing that is ever erased.
        StreamKind::Organ | StreamKind::Register => {}
    }
}
