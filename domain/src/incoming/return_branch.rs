//! Return: the assignee gives a branch back to its author, who holds the work again while its clock runs on.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, BranchEnd, Event, IncomingDocument,
    events::{BranchReturned, BranchRole},
};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
    text::Reason,
};

/// Why a branch cannot be returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who holds the open branch returns it.
    #[error("only who holds the branch returns it: {0}")]
    Barred(#[from] Barred),
    /// Parts of it are open.
    #[error("parts of it are still open")]
    OpenChildren,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::OpenChildren => Code::OpenChildren,
        }
    }
}

/// Give a branch back, with the reason.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnBranch {
    /// The branch.
    pub branch: BranchId,
    /// Why.
    pub reason: Reason,
}

impl IncomingDocument {
    /// Does anybody still owe a part of this branch? Who is only informed blocks nothing.
    pub fn is_owed_parts(&self, branch: BranchId) -> bool {
        self.open_children(branch).any(|(_, child)| child.role != BranchRole::Informed)
    }
}

fn free(document: &IncomingDocument, branch: BranchId) -> Result<(), Refusal> {
    if document.is_owed_parts(branch) { Err(Refusal::OpenChildren) } else { Ok(()) }
}

impl Decide for ReturnBranch {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "returnBranch";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.holds_any(by, |id, _| free(document, id))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.held(self.branch, by)?;
        if matches!(branch.ended, Some((BranchEnd::Returned, _))) {
            return Ok(vec![]); // already so
        }
        branch.still_open()?;
        free(document, self.branch)?;
        Ok(vec![BranchReturned { branch: self.branch, reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{Stage, events::BranchWithdrawn, testing::*},
        testing::{given, scene},
    };

    fn give_back(n: u128) -> ReturnBranch {
        ReturnBranch { branch: branch(n), reason: because() }
    }

    #[test]
    fn the_assignee_gives_it_back_and_the_author_holds_the_work() {
        let scene = scene();
        let returned = given(&scene.organ, to_assigned(&scene))
            .when(scene.officer, give_back(OFFICER))
            .then([BranchReturned { branch: branch(OFFICER), reason: because() }.into()]);
        let document = returned.state();
        assert_eq!(document.lead_leaf().map(|(id, _)| id), Some(branch(LEAD)));
        assert_eq!(document.stage, Some(Stage::Directed));
        returned.when(scene.officer, give_back(OFFICER)).then_nothing_happened();
    }

    #[test]
    fn only_without_open_parts() {
        let scene = scene();
        given(&scene.organ, to_assigned(&scene)).when(scene.head, give_back(LEAD)).then_refused(Code::OpenChildren);
        given(&scene.organ, to_directed(&scene)).when(scene.head, give_back(LEAD)).happened();
    }

    #[test]
    fn nobody_returns_what_another_holds_or_what_ended() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "officer") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, give_back(OFFICER));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let withdrawn = past(scene.head, 6, BranchWithdrawn { branch: branch(OFFICER), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([withdrawn]))
            .when(scene.officer, give_back(OFFICER))
            .then_refused(Code::BranchEnded);
    }
}
