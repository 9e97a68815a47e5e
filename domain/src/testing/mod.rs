//! For tests: `given(events).when(command).then(events)` reads as a sentence.
//!
//! ```
//! use socai_domain::testing::{Scene, scene};
//! let Scene { clerk, leader, .. } = scene();
//! assert_ne!(clerk, leader);
//! ```

pub mod arbitrary;
mod around;
mod hand_on;
pub mod key_ring;
pub mod samples;
mod scene;

pub use around::{Happen, SetClock};
pub use scene::{MORNING, Scene, acting, agency_events, scene};

use crate::{
    decide::{Acting, Aggregate, By, Decide, Meta, Refusal, Who},
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
}

/// Begins a sentence: these events happened, in this organ, an hour apart, done by whom each says.
pub fn given<A: Aggregate>(organ: &Organ, events: impl IntoIterator<Item = Past<A::Event>>) -> Given<A> {
    let stream = Uuid::from_u128(0xd0c);
    let mut given = Given { organ: organ.clone(), state: A::default(), stream, revision: 0, at: scene::MORNING };
    for past in events {
        given.at = given.at.max(past.at);
        let by = past.by.map(|(person, post)| (person, post, None));
        given.evolve(&past.event, past.at, by, CommandId::new(Uuid::from_u128(u128::from(given.revision))));
    }
    given
}

impl<A: Aggregate> Given<A> {
    fn evolve(
        &mut self,
        event: &A::Event,
        at: Timestamp,
        by: Option<(PersonId, PostId, Option<PersonId>)>,
        command: CommandId,
    ) {
        let meta = Meta {
            stream: self.stream,
            revision: Revision::new(self.revision),
            at,
            organ: self.organ.id.unwrap_or(OrganId::new(Uuid::nil())),
            person: by.map(|(person, ..)| person),
            acting_as: by.map(|(_, post, _)| post),
            on_behalf_of: by.and_then(|(.., on_behalf_of)| on_behalf_of),
            command,
        };
        self.state.evolve(event, &meta);
        self.revision += 1;
    }

    /// The state that the events led to.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// In the organ as it is by now.
    #[must_use]
    pub fn in_organ(mut self, organ: &Organ) -> Self {
        self.organ = organ.clone();
        self
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
        let by = By { at, command: command_id(), who, organ: &self.organ };
        let decided = command.decide(&self.state, &by);
        When { given: self, who, command, at, decided }
    }

    /// Somebody asks for something, as one of many commands: what happened counts, and is answered; so is a refusal.
    pub fn attempt<C: Decide<State = A>>(
        &mut self,
        who: Who,
        at: Timestamp,
        command: &C,
    ) -> Result<Vec<A::Event>, Code> {
        self.at = self.at.max(at);
        let id = CommandId::new(Uuid::from_u128(0xc000 + u128::from(self.revision)));
        let by = By { at: self.at, command: id, who, organ: &self.organ };
        let events = command.decide(&self.state, &by).map_err(|refusal| refusal.code())?;
        for event in &events {
            self.evolve(event, self.at, actor(who), id);
        }
        Ok(events)
    }
}

/// The id of every command in a sentence.
pub fn command_id() -> CommandId {
    CommandId::new(Uuid::from_u128(0xc0))
}

fn actor(who: Who) -> Option<(PersonId, PostId, Option<PersonId>)> {
    match who {
        Who::Acting(Acting { person, post, on_behalf_of, .. }) => Some((person, post, on_behalf_of)),
        _ => None,
    }
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
        let mut given = self.given;
        for event in happened {
            given.evolve(&event, self.at, actor(self.who), command_id());
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
