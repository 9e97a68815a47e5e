//! For tests: `given(events).when(command).then(events)` reads as a sentence.
//!
//! ```
//! use socai_domain::testing::{Scene, scene};
//! let Scene { clerk, leader, .. } = scene();
//! assert_ne!(clerk, leader);
//! ```

pub mod arbitrary;
pub mod key_ring;
pub mod samples;
mod scene;

pub use scene::{MORNING, Scene, agency_events, scene};

use crate::{
    decide::{Aggregate, By, Decide, Meta, Refusal, Who},
    id::{CommandId, OrganId, PersonId, PostId},
    ledger::Revision,
    organ::Organ,
    refusal::Code,
    time::Timestamp,
};
use uuid::Uuid;

/// An event with who did it and when.
#[derive(Clone, Debug)]
pub struct Past<E> {
    /// What happened.
    pub event: E,
    /// When.
    pub at: Timestamp,
    /// Who did it, in which post; the system where there is none.
    pub by: Option<(PersonId, PostId)>,
}

/// What happened before.
#[derive(Clone, Debug)]
pub struct Given<A: Aggregate> {
    organ: Organ,
    state: A,
    stream: Uuid,
    revision: u64,
    at: Timestamp,
    history: Vec<A::Event>,
}

/// Begins a sentence: these events happened, in this organ, an hour apart, done by whom each says.
pub fn given<A: Aggregate>(organ: &Organ, events: impl IntoIterator<Item = Past<A::Event>>) -> Given<A> {
    let stream = Uuid::from_u128(0xd0c);
    let mut given = Given {
        organ: organ.clone(),
        state: A::default(),
        stream,
        revision: 0,
        at: scene::MORNING,
        history: Vec::new(),
    };
    for past in events {
        given.at = given.at.max(past.at);
        given.evolve(past.event, past.at, past.by, CommandId::new(Uuid::from_u128(u128::from(given.revision))));
    }
    given
}

impl<A: Aggregate> Given<A> {
    fn evolve(&mut self, event: A::Event, at: Timestamp, by: Option<(PersonId, PostId)>, command: CommandId) {
        let meta = Meta {
            stream: self.stream,
            revision: Revision::new(self.revision),
            at,
            organ: self.organ.id.unwrap_or(OrganId::new(Uuid::nil())),
            person: by.map(|(person, _)| person),
            acting_as: by.map(|(_, post)| post),
            on_behalf_of: None,
            command,
        };
        self.state.evolve(&event, &meta);
        self.history.push(event);
        self.revision += 1;
    }

    /// The state that the events led to.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// At another instant than an hour after the last event.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// Somebody asks for something now.
    pub fn when<C: Decide<State = A>>(self, who: Who, command: C) -> When<C> {
        let at = self.at;
        let decided = command.decide(&self.state, &by(&self.organ, who, at));
        When { given: self, who, command, at, decided }
    }
}

fn by(organ: &Organ, who: Who, at: Timestamp) -> By<'_> {
    By { at, command: CommandId::new(Uuid::from_u128(0xc0)), who, organ }
}

/// What was asked for, and what came of it.
#[derive(Debug)]
pub struct When<C: Decide> {
    given: Given<C::State>,
    who: Who,
    command: C,
    at: Timestamp,
    decided: Result<Vec<<C::State as Aggregate>::Event>, C::Refusal>,
}

impl<C: Decide> When<C> {
    /// These events happened; and asking again afterwards changes nothing or is refused, but never happens twice.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = <C::State as Aggregate>::Event>) -> Given<C::State>
    where
        <C::State as Aggregate>::Event: PartialEq,
    {
        let expected: Vec<_> = expected.into_iter().collect();
        let happened = match &self.decided {
            Ok(events) => events.clone(),
            Err(refusal) => panic!("refused: {refusal} ({})", refusal.code().name()),
        };
        assert_eq!(happened, expected);
        let who = match self.who {
            Who::Acting(acting) => Some((acting.person, acting.post)),
            _ => None,
        };
        let mut given = self.given;
        for event in happened {
            given.evolve(event, self.at, who, CommandId::new(Uuid::from_u128(0xc0)));
        }
        given
    }

    /// The events, for a closer look.
    #[track_caller]
    pub fn happened(self) -> Vec<<C::State as Aggregate>::Event> {
        match self.decided {
            Ok(events) => events,
            Err(refusal) => panic!("refused: {refusal} ({})", refusal.code().name()),
        }
    }

    /// It was so already: success without an event.
    #[track_caller]
    pub fn then_nothing_happened(self) {
        match &self.decided {
            Ok(events) => assert!(events.is_empty(), "happened: {events:?}"),
            Err(refusal) => panic!("refused: {refusal} ({})", refusal.code().name()),
        }
    }

    /// Refused, with this code.
    #[track_caller]
    pub fn then_refused(self, code: Code) {
        match &self.decided {
            Ok(events) => panic!("{:?} was not refused: {events:?}", self.command),
            Err(refusal) => assert_eq!(refusal.code(), code, "{refusal}"),
        }
    }
}
