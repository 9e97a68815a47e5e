//! One command's turn at its stream: everything between taking the stream's lock and giving it back. No waiting here.

use std::sync::Arc;

use socai_domain::{
    decide::{Aggregate, Decide, Meta, Who},
    id::{PersonId, PostId},
    ledger::{
        Append, Context, DomainEvent, Draft, EventKind, Expected, Revision, StreamId, StreamKind, body,
        catalogue::StoredEvent, keys::StreamCipher, record::MAX_RECORD_LEN,
    },
    process,
    refusal::Code,
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    Envelope, KnownOrgan, Refused,
    flight::Flight,
    gate::Pass,
    inner::Inner,
    slot::{Live, Resting, Slot},
};

/// What came of a turn.
pub(crate) enum Turn<A: Aggregate> {
    /// An append is on its way.
    Wrote { flight: Flight<A>, at: Timestamp, leads: Vec<Lead> },
    /// An answer without a write, true once what it rests on is durable; from the state of which life of the slot.
    Rests(Answer, Resting, u64),
    /// The stream is to be loaded first.
    Load,
    /// Its key is to be fetched first.
    Key,
    /// What is to be written needs the stream for itself.
    Alone,
    /// The input is too large, whatever the state.
    Refused(Refused),
}

/// An answer without a write.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It is so already.
    AlreadySo,
    /// The same command wrote this before.
    Repeated(Revision),
    /// The domain says no.
    Refused(Refused),
}

/// An event that another step follows from.
#[derive(Clone, Debug)]
pub(crate) struct Lead {
    pub(crate) event: DomainEvent,
    pub(crate) meta: Meta,
    /// Which draft of its append it is.
    pub(crate) index: usize,
}

/// A command with all that its decision needs beside the state.
pub(crate) struct Asked<'a, C> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) input: [u8; 32],
    pub(crate) command: &'a C,
    pub(crate) organ: &'a KnownOrgan,
}

/// Events decided, for whom, and when.
pub(crate) struct Decided<E> {
    pub(crate) events: Vec<E>,
    pub(crate) at: Timestamp,
    pub(crate) who: Who,
}

/// Events of these kinds erase what stood before, so the stream gets a new key first.
pub(crate) fn renews_key(kind: EventKind) -> bool {
    kind == process::EXPUNGED
}

impl<C: Decide> Asked<'_, C> {
    /// What happens at `at`, or why not.
    pub(crate) fn decide(
        &self,
        live: &Live<C::State>,
        at: Timestamp,
    ) -> Result<Decided<<C::State as Aggregate>::Event>, Answer> {
        let Envelope { command_id, expected_revision, .. } = *self.envelope;
        self.envelope.concerns(&live.state).map_err(Answer::Refused)?;
        if let Some(before) = live.commands.get(&command_id) {
            return Err(if before.input == self.input {
                Answer::Repeated(before.revision)
            } else {
                Answer::Refused(Refused::new(Code::CommandIdReused, "the command id was used for another command"))
            });
        }
        if expected_revision.is_some() && expected_revision != live.revision {
            let now = live.revision.map_or_else(|| "empty".to_owned(), |now| format!("at revision {now}"));
            return Err(Answer::Refused(Refused::new(Code::ChangedSince, format!("the stream is {now}"))));
        }
        let by = self.envelope.by(&self.organ.organ, at);
        match self.command.decide(&live.state, &by) {
            Ok(events) if events.is_empty() => Err(Answer::AlreadySo),
            Ok(events) => Ok(Decided { events, at, who: by.who }),
            Err(refusal) => Err(Answer::Refused(Refused::by(&refusal))),
        }
    }

    /// Decides, and sends what was decided on its way, in the order in which turns are taken.
    pub(crate) fn turn(&self, inner: &Arc<Inner>, slot: &Arc<Slot<C::State>>, pass: &Pass) -> Turn<C::State> {
        let mut locked = slot.lock();
        let Some(live) = locked.as_mut() else { return Turn::Load };
        let decided = match self.decide(live, inner.now()) {
            Ok(decided) => decided,
            Err(answer) => {
                let rests_on = if let Answer::Repeated(revision) = answer { Some(revision) } else { live.revision };
                let resting = live.rests_on(rests_on);
                return Turn::Rests(answer, resting, live.incarnation);
            }
        };
        let alone = C::State::KIND == StreamKind::Organ || decided.events.iter().any(|event| renews_key(event.kind()));
        if alone {
            return Turn::Alone;
        }
        let Some(cipher) = &live.cipher else { return Turn::Key };
        match self.seal(slot.stream, live.revision, &decided, cipher) {
            Ok(append) => {
                let last = live.revision.filter(|_| inner.lookout.is_some());
                let before = live.rests_on(last);
                let leads = self.take_in(live, &decided, slot.stream);
                let (incarnation, at) = (live.incarnation, decided.at);
                let flight = Flight::start(inner, slot, incarnation, at, append, before, pass.again());
                Turn::Wrote { flight, at, leads }
            }
            Err(refused) => Turn::Refused(refused),
        }
    }

    /// Seals the events for the places after `last`.
    pub(crate) fn seal(
        &self,
        stream: StreamId,
        last: Option<Revision>,
        decided: &Decided<<C::State as Aggregate>::Event>,
        cipher: &StreamCipher,
    ) -> Result<Append, Refused> {
        let (person, acting_as, on_behalf_of) = decided.acting();
        let context = Context {
            at: decided.at,
            acting_as,
            on_behalf_of,
            command: self.envelope.command_id,
            input: self.input,
            correlation: self.envelope.correlation,
            causation: self.envelope.causation,
            judged_by: self.organ.revision.map(Revision::number),
        };
        let (organ, person) = (self.envelope.organ.uuid(), person.map_or(Uuid::nil(), PersonId::uuid));
        let expected = Expected::after(last);
        let mut revision = expected.next();
        let mut drafts = Vec::with_capacity(decided.events.len());
        for event in &decided.events {
            let body = body::encode(&context, event);
            let draft = cipher.seal(stream, revision, event.kind(), organ, person, &body);
            check_size(&draft)?;
            drafts.push(draft);
            revision = revision.next();
        }
        Ok(Append { stream, expected, drafts })
    }

    /// Takes the events into the state; answers with those that another step follows from.
    pub(crate) fn take_in(
        &self,
        live: &mut Live<C::State>,
        decided: &Decided<<C::State as Aggregate>::Event>,
        stream: StreamId,
    ) -> Vec<Lead> {
        let (person, acting_as, on_behalf_of) = decided.acting();
        let mut meta = Meta {
            stream: stream.key(),
            revision: Expected::after(live.revision).next(),
            at: decided.at,
            organ: self.envelope.organ,
            person,
            acting_as,
            on_behalf_of,
            command: self.envelope.command_id,
        };
        let mut leads = Vec::new();
        for (index, event) in decided.events.iter().enumerate() {
            live.evolve(event, &meta, self.input);
            if process::leads_on(event.kind()) {
                leads.push(Lead { event: event.clone().into(), meta, index });
            }
            meta.revision = meta.revision.next();
        }
        leads
    }
}

impl<E> Decided<E> {
    /// Person, post, and whom they substitute for, as records name them.
    fn acting(&self) -> (Option<PersonId>, Option<PostId>, Option<PersonId>) {
        match self.who {
            Who::System => (None, None, None),
            Who::Acting(acting) => (Some(acting.person), Some(acting.post), acting.on_behalf_of),
            Who::Nobody(person, _) => (Some(person), None, None),
        }
    }
}

fn check_size(draft: &Draft) -> Result<(), Refused> {
    match draft.record_len() {
        len if len > MAX_RECORD_LEN => {
            Err(Refused::new(Code::TooLarge, format!("a record of {len} bytes does not fit: at most {MAX_RECORD_LEN}")))
        }
        _ => Ok(()),
    }
}
