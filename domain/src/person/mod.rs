//! A person: name and contacts, so that one person can be erased without touching any document.

pub mod events;

pub use crate::ledger::catalogue::PersonEvent as Event;
use crate::{
    decide::{Aggregate, Meta},
    id::OrganId,
    ledger::StreamKind,
};

/// What decisions on a person need to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The organ that registered them.
    pub organ: Option<OrganId>,
    /// What is known now.
    pub known: Option<events::PersonChanged>,
}

impl Aggregate for Person {
    const KIND: StreamKind = StreamKind::Person;
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        self.organ = Some(meta.organ);
        self.known = Some(match event {
            Event::Registered(e) => {
                let (name, email, phone) = (e.name.clone(), e.email.clone(), e.phone.clone());
                events::PersonChanged { name, email, phone }
            }
            Event::Changed(e) => e.clone(),
        });
    }
}
