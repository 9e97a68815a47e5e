//! Finish a registration: the document takes the number that the book gave (Decree 30/2020, art. 22). The last step of
//! `registerIncoming`, taken by the system alone.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, Stage, events::Registered};
use crate::{
    decide::{By, Decide},
    id::RegisterId,
    refusal::{Code, Denied},
    text::ArrivalNumber,
};

/// Why the document does not take the number. The number is voided then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the system takes this step.
    #[error(transparent)]
    NotTheSystem(#[from] Denied),
    /// It ended, it has another number, or it never arrived.
    #[error("the document does not wait for a number")]
    NotWaiting,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheSystem(denied) => denied.code(),
            Self::NotWaiting => Code::WrongStage,
        }
    }
}

/// Take the number that the book gave.
#[derive(Clone, Debug, Serialize)]
pub struct FinishRegistration {
    /// The book.
    pub register: RegisterId,
    /// The number.
    pub number: ArrivalNumber,
}

impl Decide for FinishRegistration {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "finishRegistration";

    fn permit(_: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        Ok(by.require_system()?)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        match document.registered {
            Some(registered) if registered == (self.register, self.number) => Ok(vec![]), // already so
            // Even if the registration was given up in the meantime: the book has given the number, so it is used.
            None if document.stage == Some(Stage::Arrived) => {
                Ok(vec![Registered { register: self.register, number: self.number }.into()])
            }
            _ => Err(Refusal::NotWaiting),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{
            events::{ReceiptRefused, RegistrationAbandoned},
            testing::{arrived, book, past, registered, registration_began},
        },
        testing::{Scene, given, scene},
        text::Reason,
    };

    fn finish(scene: &Scene, number: u32) -> FinishRegistration {
        FinishRegistration { register: book(scene), number: ArrivalNumber::new(number).unwrap() }
    }

    #[test]
    fn the_number_is_taken_once() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(Who::System, finish(&scene, 1))
            .then([registered(&scene).event])
            .when(Who::System, finish(&scene, 1))
            .then_nothing_happened();
    }

    #[test]
    fn a_number_that_was_given_is_used_even_if_the_registration_was_given_up() {
        let scene = scene();
        let given_up = past(Who::System, 2, RegistrationAbandoned { candidates: vec![] });
        given(&scene.organ, [arrived(&scene), registration_began(&scene), given_up])
            .when(Who::System, finish(&scene, 1))
            .then([registered(&scene).event]);
    }

    #[test]
    fn who_has_another_number_or_ended_takes_none() {
        let scene = scene();
        let refused = past(scene.clerk, 1, ReceiptRefused { reason: Reason::new("Gửi nhầm cơ quan").unwrap() });
        for past in [vec![], vec![arrived(&scene), refused], vec![arrived(&scene), registered(&scene)]] {
            given(&scene.organ, past).when(Who::System, finish(&scene, 2)).then_refused(Code::WrongStage);
        }
        given(&scene.organ, [arrived(&scene)]).when(scene.clerk, finish(&scene, 1)).then_refused(Code::NotEntitled);
    }
}
