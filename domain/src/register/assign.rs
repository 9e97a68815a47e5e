//! Assign: the book gives its next number to a document (Decree 30/2020, art. 22.2). A step of a registration, taken by
//! the system alone: the clerk's part is the document's `RegistrationBegan`.
//!
//! The book is the one that the document names, whatever the clock says by now. Numbers go up by one with time.

use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;

use super::{
    Event, Fingerprint, Register,
    events::{BookOpened, FingerprintsRenewed, NumberAssigned},
};
use crate::{
    decide::{By, Decide},
    id::{IncomingId, OrganId},
    refusal::{Code, Denied},
    text::{ArrivalNumber, Reason, ShortText},
};

/// Why no number is given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the system takes this step.
    #[error(transparent)]
    NotTheSystem(#[from] Denied),
    /// Documents with the same issuer, number, symbol and year stand in this book or the neighbouring one.
    #[error("{} documents with the same issuer, number, symbol and year are registered", .0.len())]
    PossibleDuplicate(Vec<IncomingId>),
    /// It had a number in this book, which was voided.
    #[error("the document's number {0} in this book is void")]
    NumberVoid(ArrivalNumber),
    /// No number is left.
    #[error("the book has no more numbers")]
    BookFull,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheSystem(denied) => denied.code(),
            Self::PossibleDuplicate(_) => Code::PossibleDuplicate,
            Self::NumberVoid(_) => Code::NumberVoid,
            Self::BookFull => Code::BookFull,
        }
    }

    fn because_of(&self) -> Vec<Uuid> {
        match self {
            Self::PossibleDuplicate(candidates) => candidates.iter().map(|document| document.uuid()).collect(),
            _ => Vec::new(),
        }
    }
}

/// Give the next number to a document.
#[derive(Clone, Debug, Serialize)]
pub struct AssignNumber {
    /// Whose book.
    pub organ: OrganId,
    /// Its series.
    pub series: ShortText,
    /// Its year.
    pub year: i16,
    /// The document.
    pub document: IncomingId,
    /// What duplicates are found by: by the issuer's code, where that is known, then by the issuer's name.
    pub fingerprints: Vec<Fingerprint>,
    /// The revision of the document that says so.
    pub as_of: u64,
    /// Documents that look the same in the neighbouring years' books.
    pub elsewhere: Vec<IncomingId>,
    /// Documents that the clerk saw and accepted as duplicates.
    pub accepted_duplicates: Vec<IncomingId>,
    /// Why they were accepted.
    pub accepted_because: Option<Reason>,
}

impl AssignNumber {
    /// What the document may be a duplicate of, and nobody accepted.
    fn candidates(&self, register: &Register) -> Vec<IncomingId> {
        let here = register.alike(&self.fingerprints);
        let open = |document: &&IncomingId| **document != self.document && !self.accepted_duplicates.contains(document);
        let mut candidates: Vec<_> = here.iter().chain(&self.elsewhere).filter(open).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }
}

impl Decide for AssignNumber {
    type State = Register;
    type Refusal = Refusal;
    const NAME: &'static str = "assignNumber";

    fn permit(_: &Register, by: &By<'_>) -> Result<(), Refusal> {
        Ok(by.require_system()?)
    }

    fn decide(&self, register: &Register, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(register, by)?;
        match register.numbers.get(&self.document) {
            Some(entry) if entry.void.is_some() => return Err(Refusal::NumberVoid(entry.number)),
            Some(_) => return Ok(vec![]), // already so
            None => {}
        }
        let candidates = self.candidates(register);
        if !candidates.is_empty() {
            return Err(Refusal::PossibleDuplicate(candidates));
        }
        let next = register.last.checked_add(1).and_then(|next| ArrivalNumber::new(next).ok());
        let assigned = NumberAssigned {
            number: next.ok_or(Refusal::BookFull)?,
            document: self.document,
            fingerprint: self.fingerprints.first().copied(),
            accepted_duplicates: self.accepted_duplicates.clone(),
            accepted_because: self.accepted_because.clone(),
        };
        let opened = BookOpened { organ: self.organ, series: self.series.clone(), year: self.year };
        let mut events = match register.organ {
            None => vec![opened.into(), assigned.into()],
            Some(_) => vec![assigned.into()],
        };
        if self.fingerprints.len() > 1 {
            let (document, fingerprints, as_of) = (self.document, self.fingerprints.clone(), self.as_of);
            events.push(FingerprintsRenewed { document, fingerprints, as_of }.into());
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        register::testing::{assign, assigned, document, opened, voided},
        testing::{MORNING, given, scene},
    };

    #[test]
    fn the_first_number_opens_the_book() {
        let scene = scene();
        given(&scene.organ, [])
            .when(Who::System, assign(1))
            .then([opened().event, assigned(1, 1).event])
            .when(Who::System, assign(1))
            .then_nothing_happened();
    }

    #[test]
    fn numbers_have_no_gap_and_a_void_one_stays() {
        let scene = scene();
        let book = [opened(), assigned(1, 1), assigned(2, 2), voided(2)];
        given(&scene.organ, book.clone()).when(Who::System, assign(3)).then([assigned(3, 3).event]);
        given(&scene.organ, book).when(Who::System, assign(2)).then_refused(Code::NumberVoid);
    }

    #[test]
    fn a_possible_duplicate_is_refused_until_it_is_accepted_or_voided() {
        let scene = scene();
        let same = || AssignNumber { fingerprints: assign(1).fingerprints, ..assign(2) };
        let refused = given(&scene.organ, [opened(), assigned(1, 1)]).when(Who::System, same());
        refused.then_refused(Code::PossibleDuplicate);
        let accepted = AssignNumber { accepted_duplicates: vec![document(1)], ..same() };
        let events = given(&scene.organ, [opened(), assigned(1, 1)]).when(Who::System, accepted).happened();
        assert_eq!(events.len(), 1);
        given(&scene.organ, [opened(), assigned(1, 1), voided(1)]).when(Who::System, same()).happened();
        let elsewhere = AssignNumber { elsewhere: vec![document(7)], ..assign(2) };
        given(&scene.organ, [opened(), assigned(1, 1)])
            .when(Who::System, elsewhere)
            .then_refused(Code::PossibleDuplicate);
    }

    #[test]
    fn a_duplicate_is_found_by_code_or_name_but_not_where_two_codes_differ() {
        let scene = scene();
        let of = |issuer: &str| Fingerprint::of(issuer, "1", "UBND-VP", 2026);
        let (code, other, name) = (of("code:H99"), of("code:H98"), of("name:uy ban"));
        let looks_like =
            |n, fingerprints: &[Fingerprint]| AssignNumber { fingerprints: fingerprints.to_vec(), ..assign(n) };
        let after = |first: &[Fingerprint], second: &[Fingerprint]| {
            let mut book = given(&scene.organ, [opened()]);
            book.attempt(Who::System, MORNING, &looks_like(1, first)).unwrap();
            book.attempt(Who::System, MORNING, &looks_like(2, second)).map(|_| ())
        };
        let duplicate = Err(Code::PossibleDuplicate);
        assert_eq!(after(&[code, name], &[name]), duplicate);
        assert_eq!(after(&[name], &[code, name]), duplicate);
        assert_eq!(after(&[code, name], &[code, name]), duplicate);
        assert_eq!(after(&[code, name], &[other, name]), Ok(()));
    }

    #[test]
    fn no_person_assigns() {
        let scene = scene();
        for (_, who) in scene.everybody() {
            given(&scene.organ, [opened()]).when(who, assign(1)).then_refused(Code::NotEntitled);
        }
    }
}
