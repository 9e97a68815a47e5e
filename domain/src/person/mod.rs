//! A person: name and contacts, so that one person can be erased without touching any document.

pub mod change;
pub mod events;
pub mod register;

pub use crate::ledger::catalogue::PersonEvent as Event;
use crate::{
    decide::{Aggregate, Meta},
    id::{OrganId, PersonId},
    ledger::{StreamId, StreamKind},
    refusal::{Code, Denied},
};

/// Why a person is not registered or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The administrator does this, or the person for themselves.
    #[error("the organ's administrator does this, or the person for themselves: {0}")]
    NotEntitled(#[from] Denied),
    /// The person is registered already.
    #[error("the person is registered already")]
    PersonExists,
    /// No such person in this organ.
    #[error("no such person in this organ")]
    PersonUnknown,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotEntitled(denied) => denied.code(),
            Self::PersonExists => Code::PersonExists,
            Self::PersonUnknown => Code::NotFound,
        }
    }
}

/// The stream of a person.
pub fn stream(person: PersonId) -> StreamId {
    StreamId::new(StreamKind::Person, person.uuid())
}

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

    fn organ(&self) -> Option<OrganId> {
        self.organ
    }

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
