//! Void: a number cannot be used. It stays in the book, with the reason, and is never given again. A step of a
//! cancellation or an erasure, taken by the system alone.

use serde::Serialize;
use thiserror::Error;

use super::{Event, Register, VoidReason, events::NumberVoided};
use crate::{
    decide::{By, Decide},
    id::IncomingId,
    refusal::{Code, Denied},
    text::{ArrivalNumber, Reason},
};

/// Why a number is not voided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the system takes this step.
    #[error(transparent)]
    NotTheSystem(#[from] Denied),
    /// The book did not give this number to this document.
    #[error("the book did not give number {0} to this document")]
    NotItsNumber(ArrivalNumber),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheSystem(denied) => denied.code(),
            Self::NotItsNumber(_) => Code::NotFound,
        }
    }
}

/// Void the number of a document.
#[derive(Clone, Debug, Serialize)]
pub struct VoidNumber {
    /// The document.
    pub document: IncomingId,
    /// Its number.
    pub number: ArrivalNumber,
    /// Why.
    pub reason: VoidReason,
    /// In words.
    pub note: Option<Reason>,
}

impl Decide for VoidNumber {
    type State = Register;
    type Refusal = Refusal;
    const NAME: &'static str = "voidNumber";

    fn permit(_: &Register, by: &By<'_>) -> Result<(), Refusal> {
        Ok(by.require_system()?)
    }

    fn decide(&self, register: &Register, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(register, by)?;
        match register.numbers.get(&self.document).filter(|entry| entry.number == self.number) {
            None => Err(Refusal::NotItsNumber(self.number)),
            Some(entry) if entry.void.is_some() => Ok(vec![]), // already so
            Some(_) => {
                let (number, reason, note) = (self.number, self.reason, self.note.clone());
                Ok(vec![NumberVoided { number, reason, note }.into()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        register::testing::{assigned, document, number, opened, voided},
        testing::{given, scene},
    };

    fn void(of: u32) -> VoidNumber {
        VoidNumber { document: document(of), number: number(of), reason: VoidReason::Error, note: None }
    }

    #[test]
    fn a_number_is_voided_once() {
        let scene = scene();
        given(&scene.organ, [opened(), assigned(1, 1)])
            .when(Who::System, void(1))
            .then([voided(1).event])
            .when(Who::System, void(1))
            .then_nothing_happened();
    }

    #[test]
    fn only_the_documents_own_number_is_voided() {
        let scene = scene();
        let wrong = VoidNumber { number: number(2), ..void(1) };
        given(&scene.organ, [opened(), assigned(1, 1), assigned(2, 2)])
            .when(Who::System, wrong)
            .then_refused(Code::NotFound);
    }

    #[test]
    fn no_person_voids() {
        let scene = scene();
        for (_, who) in scene.everybody() {
            given(&scene.organ, [opened(), assigned(1, 1)]).when(who, void(1)).then_refused(Code::NotEntitled);
        }
    }
}
