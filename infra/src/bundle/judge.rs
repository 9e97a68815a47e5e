//! The judgement of authority, run again: each decision on the document, by what the organ was at the revision that the record
//! names, with the rules that judged the first time.

use socai_domain::{
    decide::{By, Who},
    id::{OrganId, PersonId},
    incoming::{
        self, Event,
        rejudge::{Rejudged, rejudge},
    },
    ledger::{Context, DomainEvent, Revision, catalogue::RegisterEvent},
    process,
    refusal::Code,
};

use super::facts::{Facts, Held, take_in};

/// What became of a decision that was judged again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was theirs to do, and is what the rules make of it.
    Stands {
        /// The command, as the API names it.
        command: &'static str,
        /// A step of the system itself, which no person takes.
        system: bool,
    },
    /// It was not theirs to do, or something else would have been written.
    Falls {
        /// Why.
        why: String,
    },
    /// It cannot be judged again.
    Open {
        /// Why.
        why: &'static str,
    },
}

/// One decision on the document: the records of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its first record.
    pub first: Revision,
    /// Its last.
    pub last: Revision,
    /// What became of it.
    pub verdict: Verdict,
}

const ERASED: &str = "its content was erased";
const PAST_ERASED: &str = "what the document was before was erased";
const SEALED: &str = "the bundle has no keys";

/// Judges every decision on the document again, in order.
pub(crate) fn judge(facts: &Facts) -> Vec<Judged> {
    let (records, mut judged, mut at) = (facts.records(), Vec::new(), 0);
    let mut document = incoming::IncomingDocument::default();
    let mut past_erased = false;
    while let Some(first) = records.get(at) {
        let together = of_one_command(&records[at..]);
        let verdict = match first.opened() {
            None if facts.sealed => Verdict::Open { why: SEALED },
            None => Verdict::Open { why: ERASED },
            // The erasure says all that what follows it needs, but not what it was decided on itself.
            Some(_) if past_erased && !document.erased => Verdict::Open { why: PAST_ERASED },
            Some((context, _)) => judge_one(facts, &document, together, context),
        };
        past_erased |= first.opened().is_none();
        for held in together {
            take_in(&mut document, held);
        }
        let last = together.last().unwrap_or(first);
        judged.push(Judged { first: first.place().1, last: last.place().1, verdict });
        at += together.len().max(1);
    }
    judged
}

/// The records that one command brought together: they share all that stands around the event.
fn of_one_command(records: &[Held]) -> &[Held] {
    let around = |held: &Held| held.opened().map(|(context, _)| (context.clone(), held.record.header().person));
    let first = records.first().and_then(around);
    let more = records.iter().take_while(|held| first.is_some() && around(held) == first).count();
    &records[..more.max(1).min(records.len())]
}

fn judge_one(facts: &Facts, document: &incoming::IncomingDocument, together: &[Held], context: &Context) -> Verdict {
    let Some(first) = together.first() else { return Verdict::Open { why: ERASED } };
    let header = first.record.header();
    let organ_id = OrganId::new(header.organ);
    let falls = |why: String| Verdict::Falls { why };
    let Some(organ) = facts.organ(organ_id, context.judged_by) else {
        return falls("the bundle does not hold the organ's records by which it was judged".to_owned());
    };
    if let Some(held) = judging_record(facts, organ_id, context).filter(|held| held.leaf >= first.leaf) {
        return falls(format!("it names the organ's revision {}, which is younger", held.place().1));
    }
    if document.organ.is_some_and(|owner| owner != organ_id) {
        return falls("the document belongs to another organ".to_owned());
    }
    let system = header.person.is_nil();
    let who = if system { Who::System } else { organ.who(PersonId::new(header.person), context.acting_as, context.at) };
    let named = match who {
        Who::Acting(acting) => (Some(acting.post), acting.on_behalf_of),
        Who::System | Who::Nobody(..) => (None, None),
    };
    if named != (context.acting_as, context.on_behalf_of) {
        return falls(not_in_post(who, context));
    }
    let events: Option<Vec<Event>> = together.iter().map(event).collect();
    let Some(events) = events else { return falls("it is not an event of a document".to_owned()) };
    if let Some(Event::Registered(e)) = events.first()
        && let Some(why) = not_of_book(facts, first, e)
    {
        return falls(why);
    }
    let by = By { at: context.at, command: context.command, who, organ: &organ };
    match rejudge(document, &by, &events) {
        Rejudged::Same { command } => Verdict::Stands { command, system },
        Rejudged::Refused { command, code, why } => falls(refused(command, code, &why)),
        Rejudged::Other { command } => falls(format!("{command} would have written something else, or nothing")),
        Rejudged::NoCommand => falls("no one command writes these records together".to_owned()),
    }
}

fn refused(command: &str, code: Code, why: &str) -> String {
    format!("{command} is refused: {why} ({})", code.name())
}

fn not_in_post(who: Who, context: &Context) -> String {
    match (who, context.acting_as) {
        (Who::Nobody(_, denied), _) => format!("who acted did not act in that post then: {denied}"),
        (Who::Acting(_), None) => "it names no post, but who acted held one".to_owned(),
        (Who::Acting(_), Some(_)) => "it names another as the one whom they substituted".to_owned(),
        (Who::System, _) => "a step of the system names a post or a person".to_owned(),
    }
}

fn event(held: &Held) -> Option<Event> {
    match held.opened() {
        Some((_, DomainEvent::Incoming(event))) => Some(event.clone()),
        _ => None,
    }
}

/// The organ's record by whose revision it was judged.
fn judging_record<'a>(facts: &'a Facts, organ: OrganId, context: &Context) -> Option<&'a Held> {
    let revision = usize::try_from(context.judged_by?).ok()?;
    facts.stream(socai_domain::organ::stream(organ)).get(revision)
}

/// Why the book did not give this number to the document; none if it did, before.
fn not_of_book(facts: &Facts, registered: &Held, e: &incoming::events::Registered) -> Option<String> {
    let book = socai_domain::ledger::StreamId::new(socai_domain::ledger::StreamKind::Register, e.register.uuid());
    let gave = facts.stream(book).iter().filter(|held| held.leaf < registered.leaf).any(|held| match held.opened() {
        Some((_, DomainEvent::Register(RegisterEvent::NumberAssigned(assigned)))) => {
            assigned.number == e.number && assigned.document.uuid() == facts.document.key()
        }
        _ => false,
    });
    (!gave).then(|| format!("no record of {book} gives number {} to this document before", e.number))
}

/// Was everything before this revision erased by the records that follow: is a key withheld, or destroyed?
pub(crate) fn was_erased(facts: &Facts, revision: Revision) -> bool {
    facts.records().iter().any(|held| {
        let later = held.place().1 > revision;
        later && held.opened().is_some() && held.record.header().kind == process::EXPUNGED
    })
}
