//! Reassign: who gave a branch, or somebody above, gives it to another; so do the heads above a holder who is gone.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Branch, Event, IncomingDocument,
    assignment::{Misassigned, To},
    events::{Assignee, BranchReassigned},
};
use crate::{
    decide::{Acting, By, Decide},
    id::BranchId,
    refusal::Code,
    text::Reason,
};

/// Why a branch cannot be reassigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only its author, their substitute, somebody above on the path, or the head above a gone holder.
    #[error("only who gave the branch or stands above it reassigns it: {0}")]
    Barred(#[from] Barred),
    /// Not to this assignee.
    #[error(transparent)]
    Misassigned(#[from] Misassigned),
    /// Its open parts belong to the unit that had it.
    #[error("its open parts belong to the unit that had it")]
    OpenChildren,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Misassigned(misassigned) => misassigned.code(),
            Self::OpenChildren => Code::OpenChildren,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if matches!(self, Self::Misassigned(_)) { &["to"] } else { &[] }
    }
}

/// Give a branch to another; its deadline stays.
#[derive(Clone, Debug, Serialize)]
pub struct ReassignBranch {
    /// The branch.
    pub branch: BranchId,
    /// To whom.
    pub to: To,
    /// Why.
    pub reason: Reason,
}

/// Somebody above the branch, or the head above its gone holder.
fn may(document: &IncomingDocument, id: BranchId, branch: &Branch, by: &By<'_>, acting: &Acting) -> bool {
    let falls = branch.holder_gone(by.organ, by.at) && branch.may_be_handled_by(acting, by.organ, by.at);
    falls || document.is_above(id, by, acting)
}

impl ReassignBranch {
    fn check(&self, document: &IncomingDocument, branch: &Branch, to: Assignee, by: &By<'_>) -> Result<(), Refusal> {
        let within = |parent| document.is_in_reach(parent, to, branch.role, by.organ);
        if !branch.parent.is_none_or(within) {
            return Err(Misassigned::OutsideUnit.into());
        }
        let siblings = document.present_branches().filter(|(_, has)| has.parent == branch.parent && has.is_open());
        if siblings.into_iter().any(|(_, has)| has.assignee == to) {
            return Err(Misassigned::Twice.into());
        }
        let same_unit = to.unit(by.organ) == branch.assignee.unit(by.organ);
        let heads = Branch { assignee: to, ..branch.clone() }.is_above_handlers(by.organ);
        if document.is_owed_parts(self.branch) && !(same_unit && heads) {
            return Err(Refusal::OpenChildren);
        }
        Ok(())
    }
}

impl Decide for ReassignBranch {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "reassignBranch";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.reach_any(by, |id, branch, acting| may(document, id, branch, by, acting), |_, _| Ok(()))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) =
            document.reach(self.branch, by, |id, branch, acting| may(document, id, branch, by, acting))?;
        branch.still_open()?;
        let to = self.to.assignee(by.organ, by.at)?;
        let from = branch.assignee;
        if to == from {
            return Ok(vec![]); // already so
        }
        self.check(document, branch, to, by)?;
        Ok(vec![BranchReassigned { branch: self.branch, from, to, reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{
            events::{BranchReturned, BranchRole},
            testing::*,
        },
        testing::{MORNING, given, scene},
    };

    fn to_person(n: u128, who: crate::decide::Who) -> ReassignBranch {
        ReassignBranch { branch: branch(n), to: To::Post(post(who)), reason: because() }
    }

    #[test]
    fn the_author_gives_it_to_another_who_signs_anew_under_the_same_deadline() {
        let scene = scene();
        let before =
            given::<IncomingDocument>(&scene.organ, to_assigned(&scene)).state().branches[&branch(OFFICER)].clone();
        let (from, to) = (person(scene.officer), person(scene.head));
        let reassigned = given(&scene.organ, to_assigned(&scene))
            .when(scene.head, to_person(OFFICER, scene.head))
            .then([BranchReassigned { branch: branch(OFFICER), from, to, reason: because() }.into()]);
        let after = &reassigned.state().branches[&branch(OFFICER)];
        assert_eq!((after.assigned_at, after.limit, after.accepted_at), (before.assigned_at, before.limit, None));
        reassigned.when(scene.head, to_person(OFFICER, scene.head)).then_nothing_happened();
    }

    #[test]
    fn nobody_else_gives_it_away() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !["leader", "head"].contains(name)) {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, to_person(OFFICER, scene.head));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
    }

    #[test]
    fn when_the_holder_is_gone_the_head_above_gives_it_to_another() {
        let mut scene = scene();
        let direct = crate::incoming::events::Directed {
            note: None,
            branches: vec![new_branch(LEAD, person(scene.officer), BranchRole::Lead, 10)],
            follower: None,
            by_regulation: false,
        };
        let past =
            || to_submitted(&scene).into_iter().chain([past(scene.leader, 3, direct.clone())]).collect::<Vec<_>>();
        let (past_then, head) = (past(), scene.head);
        given(&scene.organ, past()).when(head, to_person(LEAD, scene.colleague)).then_refused(Code::NotEntitled);
        scene.leaves_at(scene.officer, MORNING.plus_minutes(200));
        let at = MORNING.plus_minutes(300);
        given(&scene.organ, past_then.clone()).at(at).when(head, to_person(LEAD, scene.colleague)).happened();
        given(&scene.organ, past_then.clone())
            .at(at)
            .when(scene.other_head, to_person(LEAD, scene.colleague))
            .then_refused(Code::NotEntitled);
        given(&scene.organ, past_then)
            .at(at)
            .when(scene.leader, to_person(LEAD, scene.officer))
            .then_refused(Code::NotAssignable);
    }

    #[test]
    fn to_whom_it_may_go_and_not_away_from_its_open_parts() {
        let scene = scene();
        let past = || given(&scene.organ, to_assigned(&scene));
        past().when(scene.head, to_person(OFFICER, scene.colleague)).then_refused(Code::AssignedTwice);
        past().when(scene.head, to_person(OFFICER, scene.other_officer)).then_refused(Code::OutsideUnit);
        past().when(scene.leader, to_person(LEAD, scene.other_officer)).then_refused(Code::OpenChildren);
        past().when(scene.leader, to_person(LEAD, scene.colleague)).then_refused(Code::OpenChildren);
        past().when(scene.leader, to_person(LEAD, scene.head)).happened();
        past().when(scene.leader, to_person(COORDINATING, scene.other_officer)).happened();
    }

    #[test]
    fn what_has_ended_is_not_reassigned() {
        let scene = scene();
        let returned = past(scene.officer, 6, BranchReturned { branch: branch(OFFICER), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([returned]))
            .when(scene.head, to_person(OFFICER, scene.head))
            .then_refused(Code::BranchEnded);
    }
}
