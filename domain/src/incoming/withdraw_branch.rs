//! Withdraw: who gave a branch, or somebody above, no longer asks for it. It stays visible and is never late after that.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, BranchEnd, Event, IncomingDocument, events::BranchWithdrawn};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
    text::Reason,
};

/// Why a branch cannot be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only its author, their substitute, or somebody above on the path.
    #[error("only who gave the branch or stands above it withdraws it: {0}")]
    Barred(#[from] Barred),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        let Self::Barred(barred) = self;
        barred.code()
    }
}

/// No longer ask for a branch and all that is open under it.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawBranch {
    /// The branch.
    pub branch: BranchId,
    /// Why.
    pub reason: Reason,
}

impl Decide for WithdrawBranch {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "withdrawBranch";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        Ok(document.governs_any(by)?)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.governed(self.branch, by)?;
        if matches!(branch.ended, Some((BranchEnd::Withdrawn, _))) {
            return Ok(vec![]); // already so
        }
        branch.still_open()?;
        Ok(vec![BranchWithdrawn { branch: self.branch, reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::BranchReturned, testing::*},
        testing::{MORNING, given, scene},
    };

    fn withdraw(n: u128) -> WithdrawBranch {
        WithdrawBranch { branch: branch(n), reason: because() }
    }

    #[test]
    fn the_author_withdraws_a_branch_and_what_is_under_it() {
        let scene = scene();
        let withdrawn = given(&scene.organ, to_assigned(&scene))
            .when(scene.leader, withdraw(LEAD))
            .then([BranchWithdrawn { branch: branch(LEAD), reason: because() }.into()]);
        let open: Vec<_> = withdrawn.state().present_branches().filter(|(_, one)| one.is_open()).collect();
        assert_eq!(open.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [branch(COORDINATING), branch(INFORMED)]);
        withdrawn.when(scene.leader, withdraw(LEAD)).then_nothing_happened();
    }

    #[test]
    fn its_author_and_those_above_and_nobody_else() {
        let mut scene = scene();
        let may = ["leader", "head"];
        for (name, who) in scene.everybody() {
            let asked = given(&scene.organ, to_assigned(&scene)).when(who, withdraw(OFFICER));
            match name {
                _ if may.contains(&name) => assert_eq!(asked.happened().len(), 1),
                "outsider" => asked.then_refused(Code::NoPost),
                _ => asked.then_refused(Code::NotEntitled),
            }
        }
        given(&scene.organ, to_assigned(&scene)).when(scene.head, withdraw(LEAD)).then_refused(Code::NotEntitled);
        let substitute = scene.substitutes(scene.colleague, scene.head);
        given(&scene.organ, to_assigned(&scene)).when(substitute, withdraw(OFFICER)).happened();
    }

    #[test]
    fn authority_stays_with_the_post_and_that_of_a_gone_leader_falls_to_any_leader() {
        let mut scene = scene();
        let head = scene.succeeds(scene.head, MORNING.plus_minutes(250));
        scene.leaves_at(scene.leader, MORNING.plus_minutes(250));
        let past = || given(&scene.organ, to_assigned(&scene)).at(MORNING.plus_minutes(300));
        past().when(head, withdraw(OFFICER)).happened();
        past().when(scene.deputy, withdraw(LEAD)).happened();
    }

    #[test]
    fn what_ended_otherwise_is_not_withdrawn() {
        let scene = scene();
        let returned = past(scene.officer, 6, BranchReturned { branch: branch(OFFICER), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([returned]))
            .when(scene.head, withdraw(OFFICER))
            .then_refused(Code::BranchEnded);
        given(&scene.organ, to_assigned(&scene)).when(scene.head, withdraw(77)).then_refused(Code::NotFound);
    }
}
