//! Refuse: the clerk does not take in a document that came to the wrong agency, is damaged or not authentic (Decree
//! 30/2020, art. 21).

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, Stage, events::ReceiptRefused};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::Reason,
};

/// Why the receipt of an incoming document cannot be refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk of the receiving agency refuses receipt.
    #[error("only a records clerk of the receiving agency refuses receipt: {0}")]
    NotTheClerk(#[from] Denied),
    /// A number is on its way.
    #[error("a number is being given to the document")]
    Underway,
    /// It has a number.
    #[error("the document is registered: cancel it instead")]
    Registered,
    /// It never arrived, or it ended.
    #[error("only a document that has arrived is refused")]
    WrongStage,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::Underway => Code::RegistrationUnderway,
            Self::Registered => Code::AlreadyRegistered,
            Self::WrongStage => Code::WrongStage,
        }
    }

    fn reload(&self) -> bool {
        *self == Self::Underway
    }
}

/// Send the document back to its issuer, with the reason.
#[derive(Clone, Debug, Serialize)]
pub struct RefuseIncoming {
    /// Why.
    pub reason: Reason,
}

impl Decide for RefuseIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "refuseIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived) if document.registering.is_some() => Err(Refusal::Underway),
            Some(Stage::Arrived) => Ok(()),
            Some(Stage::Registered | Stage::Submitted | Stage::Directed) => Err(Refusal::Registered),
            _ => Err(Refusal::WrongStage),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        by.require(Role::RecordsClerk)?;
        if document.stage == Some(Stage::Refused) {
            return Ok(vec![]); // already so
        }
        Self::permit(document, by)?;
        Ok(vec![ReceiptRefused { reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived, registered, registration_began},
        testing::{Scene, given, scene},
    };

    impl Plausible for RefuseIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            refuse()
        }
    }

    fn refuse() -> RefuseIncoming {
        RefuseIncoming { reason: Reason::new("Văn bản gửi nhầm cơ quan").unwrap() }
    }

    #[test]
    fn the_clerk_refuses_what_has_arrived() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)])
            .when(scene.clerk, refuse())
            .then([ReceiptRefused { reason: refuse().reason }.into()])
            .when(scene.clerk, refuse())
            .then_nothing_happened();
    }

    #[test]
    fn a_document_with_a_number_is_not_refused() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene), registration_began(&scene)])
            .when(scene.clerk, refuse())
            .then_refused(Code::RegistrationUnderway);
        given(&scene.organ, [arrived(&scene), registration_began(&scene), registered(&scene)])
            .when(scene.clerk, refuse())
            .then_refused(Code::AlreadyRegistered);
    }

    #[test]
    fn nobody_but_the_clerk_refuses() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "clerk") {
            let refused = given(&scene.organ, [arrived(&scene)]).when(who, refuse());
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
    }
}
