//! Expunge: a clerk finds that a secret document slipped in and asks to have it erased (Decree 63/2026: an ordinary system
//! holds none). A second person confirms: see [`super::confirm_expunge`].

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, events::ExpungeRequested};
use crate::{
    decide::{By, Decide},
    document_types::SecrecyLevel,
    organ::Role,
    refusal::{Code, Denied},
};

/// Why its erasure cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk asks.
    #[error("only a records clerk asks for an erasure: {0}")]
    NotTheClerk(#[from] Denied),
    /// Nothing has arrived.
    #[error("there is no document here")]
    NothingHere,
    /// The number that comes would have no use.
    #[error("a number is being given to the document")]
    Underway,
    /// It was erased.
    #[error("the document was erased")]
    Erased,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::NothingHere => Code::WrongStage,
            Self::Underway => Code::RegistrationUnderway,
            Self::Erased => Code::Erased,
        }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// Ask to have the document erased, at whatever stage it is: ended ones hold content, too.
#[derive(Clone, Debug, Serialize)]
pub struct ExpungeIncoming {
    /// The level that it bears.
    pub level: SecrecyLevel,
}

impl Decide for ExpungeIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "expungeIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            None => Err(Refusal::NothingHere),
            Some(_) if document.erased => Err(Refusal::Erased),
            Some(_) if document.registering.is_some() => Err(Refusal::Underway),
            Some(_) => Ok(()),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let asked = document.expunge_requested.is_some_and(|request| request.level == self.level);
        Ok(if asked { vec![] } else { vec![ExpungeRequested { level: self.level }.into()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived, expunge_requested, expunged, receipt_refused, registration_began},
        testing::{Scene, given, scene},
    };

    impl Plausible for ExpungeIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            ExpungeIncoming { level: SecrecyLevel::Confidential }
        }
    }

    fn expunge(level: SecrecyLevel) -> ExpungeIncoming {
        ExpungeIncoming { level }
    }

    #[test]
    fn it_is_asked_for_once_a_level_also_at_an_end() {
        let scene = scene();
        let confidential = ExpungeRequested { level: SecrecyLevel::Confidential };
        let secret = ExpungeRequested { level: SecrecyLevel::Secret };
        given(&scene.organ, [arrived(&scene), receipt_refused(&scene)])
            .when(scene.clerk, expunge(SecrecyLevel::Confidential))
            .then([confidential.into()])
            .when(scene.clerk, expunge(SecrecyLevel::Secret))
            .then([secret.into()])
            .when(scene.clerk, expunge(SecrecyLevel::Secret))
            .then_nothing_happened();
    }

    #[test]
    fn not_while_a_number_is_on_its_way_and_not_twice() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(scene.clerk, expunge(SecrecyLevel::Secret))
            .then_refused(Code::RegistrationUnderway);
        given(&scene.organ, [arrived(&scene), expunge_requested(&scene), expunged(&scene)])
            .when(scene.clerk, expunge(SecrecyLevel::Secret))
            .then_refused(Code::Erased);
    }
}
