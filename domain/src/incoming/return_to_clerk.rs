//! Return to the clerk: the leader gives a submitted document back, because it is not for them or something is missing.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, events::ReturnedToClerk};
use crate::{
    decide::{By, Decide},
    refusal::Code,
    text::Reason,
};

/// Why a document cannot be returned to the clerk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the leader it lies with returns it, before it is directed.
    #[error("only the leader with whom the document lies returns it, before directing: {0}")]
    Barred(#[from] Barred),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        let Self::Barred(barred) = self;
        barred.code()
    }
}

/// Give the document back to the clerk, with the reason.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnToClerk {
    /// Why.
    pub reason: Reason,
}

impl Decide for ReturnToClerk {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "returnToClerk";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        Ok(document.directing(by).map(|_| ())?)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        Ok(vec![ReturnedToClerk { reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        incoming::{Stage, testing::to_submitted},
        testing::{given, scene},
    };

    pub(in super::super) fn return_it() -> ReturnToClerk {
        ReturnToClerk { reason: Reason::new("Văn bản còn thiếu phụ lục").unwrap() }
    }

    #[test]
    fn the_leader_returns_it_and_it_lies_with_the_clerk_again() {
        let scene = scene();
        let returned = given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, return_it())
            .then([ReturnedToClerk { reason: return_it().reason }.into()]);
        assert_eq!(returned.state().stage, Some(Stage::Registered));
        assert_eq!(returned.state().leader, None);
        returned.when(scene.leader, return_it()).then_refused(Code::WrongStage);
    }

    #[test]
    fn only_the_leader_it_lies_with_or_their_substitute_returns_it() {
        let mut scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "leader") {
            let refused = given(&scene.organ, to_submitted(&scene)).when(who, return_it());
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let substitute = scene.substitutes(scene.head, scene.leader);
        given(&scene.organ, to_submitted(&scene)).when(substitute, return_it()).happened();
    }
}
