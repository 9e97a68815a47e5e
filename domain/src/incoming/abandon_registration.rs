//! Abandon a registration: the book gave no number, most often because the document may be a duplicate. A step of
//! `registerIncoming`, taken by the system alone; the document is as it was before.

use serde::Serialize;

use super::{Event, IncomingDocument, events::RegistrationAbandoned};
use crate::{
    decide::{By, Decide},
    id::{CommandId, IncomingId},
    refusal::{Code, Denied},
};

impl crate::decide::Refusal for Denied {
    fn code(&self) -> Code {
        Denied::code(*self)
    }
}

/// Wait no longer for a number.
#[derive(Clone, Debug, Serialize)]
pub struct AbandonRegistration {
    /// The command that began the registration: a later one is not meant.
    pub began_by: CommandId,
    /// What the document may be a duplicate of.
    pub candidates: Vec<IncomingId>,
}

impl Decide for AbandonRegistration {
    type State = IncomingDocument;
    type Refusal = Denied;
    const NAME: &'static str = "abandonRegistration";

    fn permit(_: &IncomingDocument, by: &By<'_>) -> Result<(), Denied> {
        by.require_system()
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Denied> {
        Self::permit(document, by)?;
        if document.is_registering(self.began_by) {
            Ok(vec![RegistrationAbandoned { candidates: self.candidates.clone() }.into()])
        } else {
            Ok(vec![]) // it ended already, or another began
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{arrived, registered, registration_began},
        testing::{given, scene},
    };

    /// The command that the second event of a past came of.
    fn abandon(second: u128) -> AbandonRegistration {
        let candidates = vec![IncomingId::new(Uuid::from_u128(7))];
        AbandonRegistration { began_by: CommandId::new(Uuid::from_u128(second)), candidates }
    }

    #[test]
    fn the_registration_ends_and_may_begin_again() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(Who::System, abandon(1))
            .then([RegistrationAbandoned { candidates: abandon(1).candidates }.into()])
            .when(Who::System, abandon(1))
            .then_nothing_happened();
    }

    #[test]
    fn only_the_one_meant_is_abandoned() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(Who::System, abandon(5))
            .then_nothing_happened();
        given(&scene.organ, [arrived(&scene), registration_began(&scene), registered(&scene)])
            .when(Who::System, abandon(1))
            .then_nothing_happened();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(scene.clerk, abandon(1))
            .then_refused(Code::NotEntitled);
    }
}
