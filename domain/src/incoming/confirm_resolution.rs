//! Confirm a resolution: another person with the right to direct agrees that no reply is needed, or that another agency is to
//! answer. Only then is the document processed.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Event, IncomingDocument, Proposal, Stage,
    events::Resolved,
    resolve::{self, Ending},
};
use crate::{
    decide::{Acting, By, Decide},
    id::BranchId,
    organ::Role,
    refusal::Code,
};

/// Why a resolution cannot be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a leader confirms.
    #[error("only a leader confirms a resolution: {0}")]
    Barred(#[from] Barred),
    /// Nothing waits.
    #[error("no resolution waits to be confirmed")]
    Nothing,
    /// Nobody confirms what they proposed.
    #[error("another person than the one who proposed confirms")]
    SamePerson,
    /// Work was given since.
    #[error("branches are open that the proposal does not close")]
    Changed(Vec<BranchId>),
}

impl From<resolve::Refusal> for Refusal {
    fn from(refusal: resolve::Refusal) -> Self {
        match refusal {
            resolve::Refusal::LeadOpen(open) | resolve::Refusal::OpenBranches(open) => Self::Changed(open),
            _ => Self::Nothing,
        }
    }
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Nothing => Code::NothingProposed,
            Self::SamePerson => Code::SecondPersonRequired,
            Self::Changed(_) => Code::OpenBranches,
        }
    }

    fn because_of(&self) -> Vec<uuid::Uuid> {
        if let Self::Changed(open) = self { open.iter().map(|branch| branch.uuid()).collect() } else { Vec::new() }
    }
}

/// Agree to the resolution that was proposed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ConfirmResolution {}

impl IncomingDocument {
    /// The resolution that waits for a leader's word.
    pub(super) fn waiting(&self, by: &By<'_>) -> Result<(&Proposal, Acting), Refusal> {
        let acting = by.require(Role::Leader).map_err(Barred::from)?;
        if self.stage != Some(Stage::Directed) {
            return Err(Barred::WrongStage.into());
        }
        self.proposed.as_ref().map(|proposal| (proposal, acting)).ok_or(Refusal::Nothing)
    }

    /// The resolution that this person may confirm, and what it does to open branches: nothing that it does not name.
    fn confirmable(&self, by: &By<'_>) -> Result<(&Proposal, Ending), Refusal> {
        let (proposal, acting) = self.waiting(by)?;
        if proposal.is_of(&acting) {
            return Err(Refusal::SamePerson);
        }
        let ending = self.ending()?;
        let surprise = |open: &BranchId| !proposal.what.closed.contains(open);
        if ending.open.iter().any(surprise) {
            return Err(Refusal::Changed(ending.open.into_iter().filter(surprise).collect()));
        }
        Ok((proposal, ending))
    }
}

impl Proposal {
    /// Did this person, or the one they substitute for, propose it?
    fn is_of(&self, acting: &Acting) -> bool {
        self.people.iter().any(|person| *person == acting.person || Some(*person) == acting.on_behalf_of)
    }
}

impl Decide for ConfirmResolution {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "confirmResolution";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.confirmable(by).map(drop)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (Proposal { what, command, .. }, ending) = document.confirmable(by)?;
        let closed = ending.open.clone();
        let closed_because = what.closed_because.clone().filter(|_| !closed.is_empty());
        let (note, transferred_to) = (what.note.clone(), what.transferred_to.clone());
        let (answers, confirms) = (Vec::new(), Some(*command));
        Ok(ending.with(Resolved { how: what.how, answers, note, transferred_to, closed, closed_because, confirms }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        decide::Who,
        id::CommandId,
        incoming::{
            events::{Assigned, Assignee, BranchCompleted, BranchRole, Resolution, ResolutionProposed},
            testing::*,
        },
        testing::{Past, Scene, given, scene},
    };

    /// The head did the work, and somebody says that no reply is needed.
    pub(in super::super) fn proposed(scene: &Scene, who: Who) -> Vec<Past<Event>> {
        let done = |n, who| {
            let result = Some(words("Đã xong."));
            past(who, 6, BranchCompleted { branch: branch(n), result, proposal: None, files: vec![] })
        };
        let proposed = ResolutionProposed {
            how: Resolution::NoReplyNeeded,
            note: Some(words("Văn bản gửi để biết.")),
            transferred_to: None,
            closed: vec![branch(COORDINATING)],
            closed_because: Some(because()),
        };
        let mut past_events = to_assigned(scene);
        past_events.extend([done(OFFICER, scene.officer), done(COLLEAGUE, scene.colleague), past(who, 7, proposed)]);
        past_events
    }

    #[test]
    fn a_leader_confirms_what_the_head_proposed() {
        let scene = scene();
        let past = proposed(&scene, scene.head);
        let index = u128::try_from(past.len() - 1).unwrap();
        let resolved = given(&scene.organ, past).when(scene.leader, ConfirmResolution {}).then([
            BranchCompleted { branch: branch(LEAD), result: None, proposal: None, files: vec![] }.into(),
            Resolved {
                how: Resolution::NoReplyNeeded,
                answers: vec![],
                note: Some(words("Văn bản gửi để biết.")),
                transferred_to: None,
                closed: vec![branch(COORDINATING)],
                closed_because: Some(because()),
                confirms: Some(CommandId::new(Uuid::from_u128(index))),
            }
            .into(),
        ]);
        assert_eq!(resolved.state().stage, Some(Stage::Resolved));
        resolved.when(scene.leader, ConfirmResolution {}).then_refused(Code::WrongStage);
    }

    #[test]
    fn nobody_confirms_what_they_proposed_not_even_as_a_substitute() {
        let mut scene = scene();
        given(&scene.organ, proposed(&scene, scene.leader))
            .when(scene.leader, ConfirmResolution {})
            .then_refused(Code::SecondPersonRequired);
        given(&scene.organ, proposed(&scene, scene.leader)).when(scene.deputy, ConfirmResolution {}).happened();
        let head_for_leader = scene.substitutes(scene.head, scene.leader);
        given(&scene.organ, proposed(&scene, scene.head))
            .when(head_for_leader, ConfirmResolution {})
            .then_refused(Code::SecondPersonRequired);
        let deputy_for_leader = scene.substitutes(scene.deputy, scene.leader);
        given(&scene.organ, proposed(&scene, scene.leader))
            .when(deputy_for_leader, ConfirmResolution {})
            .then_refused(Code::SecondPersonRequired);
    }

    #[test]
    fn only_a_leader_and_only_what_was_proposed() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !["leader", "deputy"].contains(name)) {
            let refused = given(&scene.organ, proposed(&scene, scene.head)).when(who, ConfirmResolution {});
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_assigned(&scene))
            .when(scene.leader, ConfirmResolution {})
            .then_refused(Code::NothingProposed);
    }

    #[test]
    fn work_given_since_is_not_closed_by_an_old_proposal() {
        let scene = scene();
        let coordinating = new_branch(9, Assignee::Unit { unit: scene.other_unit }, BranchRole::Coordinating, 2);
        let more = Assigned { parent: branch(LEAD), branches: vec![coordinating], note: None };
        let past = proposed(&scene, scene.head).into_iter().chain([past(scene.head, 8, more)]);
        given(&scene.organ, past).when(scene.leader, ConfirmResolution {}).then_refused(Code::OpenBranches);
    }
}
