//! Decline a resolution: a leader does not agree to what was proposed; the work goes on.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, confirm_resolution, events::ResolutionDeclined};
use crate::{
    decide::{By, Decide},
    refusal::Code,
    text::Reason,
};

/// Why a resolution cannot be declined.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a leader, and only one that waits.
    #[error("{0}")]
    NotWaiting(#[from] confirm_resolution::Refusal),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        let Self::NotWaiting(refusal) = self;
        refusal.code()
    }
}

/// Do not agree to the resolution that was proposed.
#[derive(Clone, Debug, Serialize)]
pub struct DeclineResolution {
    /// Why.
    pub reason: Reason,
}

impl Decide for DeclineResolution {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "declineResolution";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        Ok(document.waiting(by).map(|_| ())?)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        Ok(vec![ResolutionDeclined { reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{Stage, confirm_resolution::tests::proposed, testing::*},
        testing::{given, scene},
    };

    fn decline() -> DeclineResolution {
        DeclineResolution { reason: because() }
    }

    #[test]
    fn a_leader_declines_and_the_work_goes_on() {
        let scene = scene();
        let declined = given(&scene.organ, proposed(&scene, scene.head))
            .when(scene.leader, decline())
            .then([ResolutionDeclined { reason: because() }.into()]);
        assert_eq!(declined.state().stage, Some(Stage::Directed));
        assert!(declined.state().branches[&branch(LEAD)].is_open());
        declined.when(scene.leader, decline()).then_refused(Code::NothingProposed);
    }

    #[test]
    fn only_a_leader_and_only_what_was_proposed() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !["leader", "deputy"].contains(name)) {
            let refused = given(&scene.organ, proposed(&scene, scene.head)).when(who, decline());
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_assigned(&scene)).when(scene.leader, decline()).then_refused(Code::NothingProposed);
        given(&scene.organ, to_submitted(&scene)).when(scene.leader, decline()).then_refused(Code::WrongStage);
    }
}
