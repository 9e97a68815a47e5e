//! Accept: the assignee signs for a branch (column 9 of the register), for paper, too.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, events::BranchAccepted};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
};

/// Why a branch cannot be signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who holds the open branch signs for it.
    #[error("only who holds the branch signs for it: {0}")]
    Barred(#[from] Barred),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        let Self::Barred(barred) = self;
        barred.code()
    }
}

/// Sign for a branch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AcceptBranch {
    /// The branch.
    pub branch: BranchId,
}

impl Decide for AcceptBranch {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "acceptBranch";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.holds_any(by, |_, _| Ok(()))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.held(self.branch, by)?;
        if branch.accepted_at.is_some() {
            return Ok(vec![]); // already so
        }
        branch.still_open()?;
        Ok(vec![BranchAccepted { branch: self.branch }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::BranchReturned, testing::*},
        testing::{MORNING, given, scene},
    };

    fn accept(n: u128) -> AcceptBranch {
        AcceptBranch { branch: branch(n) }
    }

    #[test]
    fn who_holds_a_branch_signs_for_it_once() {
        let scene = scene();
        let holders = [
            (LEAD, scene.head),
            (COORDINATING, scene.other_head),
            (INFORMED, scene.deputy),
            (OFFICER, scene.officer),
            (COLLEAGUE, scene.colleague),
        ];
        for (n, who) in holders {
            given(&scene.organ, to_assigned(&scene))
                .when(who, accept(n))
                .then([BranchAccepted { branch: branch(n) }.into()])
                .when(who, accept(n))
                .then_nothing_happened();
        }
    }

    #[test]
    fn nobody_signs_for_another_but_a_substitute() {
        let mut scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "officer") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, accept(OFFICER));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let substitute = scene.substitutes(scene.colleague, scene.officer);
        given(&scene.organ, to_assigned(&scene)).when(substitute, accept(OFFICER)).happened();
    }

    #[test]
    fn for_a_gone_officer_the_head_signs_and_for_a_gone_leader_a_leader() {
        let mut scene = scene();
        scene.leaves_at(scene.officer, MORNING.plus_minutes(250));
        let newcomer = scene.succeeds(scene.deputy, MORNING.plus_minutes(250));
        let at = MORNING.plus_minutes(300);
        let past = || given(&scene.organ, to_assigned(&scene)).at(at);
        past().when(scene.head, accept(OFFICER)).happened();
        past().when(scene.other_head, accept(OFFICER)).then_refused(Code::NotEntitled);
        past().when(scene.head, accept(INFORMED)).then_refused(Code::NotEntitled);
        past().when(scene.leader, accept(INFORMED)).happened();
        past().when(newcomer, accept(INFORMED)).happened();
    }

    #[test]
    fn an_ended_branch_or_none_at_all_is_not_signed_for() {
        let scene = scene();
        let returned = past(scene.officer, 6, BranchReturned { branch: branch(OFFICER), reason: because() });
        let past = to_assigned(&scene).into_iter().chain([returned]);
        given(&scene.organ, past).when(scene.officer, accept(OFFICER)).then_refused(Code::BranchEnded);
        given(&scene.organ, to_assigned(&scene)).when(scene.officer, accept(77)).then_refused(Code::NotFound);
        given(&scene.organ, to_submitted(&scene)).when(scene.head, accept(LEAD)).then_refused(Code::WrongStage);
    }
}
