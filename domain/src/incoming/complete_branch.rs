//! Complete: the assignee has done their duty. A coordinating branch is the request for a contribution, so the contribution
//! completes it; who leads may propose how to resolve the document.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Branch, BranchEnd, Event, IncomingDocument,
    events::{Attachment, BranchCompleted, BranchRole, FileRole, Resolution},
};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
    text::LongText,
};

/// Why a branch cannot be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who holds the open branch completes it.
    #[error("only who holds the branch completes it: {0}")]
    Barred(#[from] Barred),
    /// Who is informed owes nothing.
    #[error("who is informed owes nothing")]
    Informed,
    /// Parts of it are open.
    #[error("parts of it are still open")]
    OpenChildren,
    /// Only who leads proposes how to resolve the document.
    #[error("only who leads proposes how to resolve the document")]
    NotTheLead,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Informed => Code::InformedOwesNothing,
            Self::OpenChildren => Code::OpenChildren,
            Self::NotTheLead => Code::OnlyLeadProposes,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::NotTheLead { &["proposal"] } else { &[] }
    }
}

/// Hand in what was done.
#[derive(Clone, Debug, Serialize)]
pub struct CompleteBranch {
    /// The branch.
    pub branch: BranchId,
    /// The contribution, or what was done.
    pub result: LongText,
    /// How the lead proposes to resolve the document.
    pub proposal: Option<Resolution>,
    /// What is contributed; kept as contributions, whatever role they name.
    pub files: Vec<Attachment>,
}

impl IncomingDocument {
    /// Does the lead of the document run through this branch: LEAD all the way up?
    pub fn is_on_lead(&self, branch: BranchId) -> bool {
        let path = self.path_up(branch);
        !path.is_empty() && path.iter().all(|(_, branch)| branch.role == BranchRole::Lead)
    }

    fn completable(&self, id: BranchId, branch: &Branch) -> Result<(), Refusal> {
        if branch.role == BranchRole::Informed {
            return Err(Refusal::Informed);
        }
        if self.is_owed_parts(id) { Err(Refusal::OpenChildren) } else { Ok(()) }
    }
}

impl Decide for CompleteBranch {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "completeBranch";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.holds_any(by, |id, branch| document.completable(id, branch))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.held(self.branch, by)?;
        if matches!(branch.ended, Some((BranchEnd::Completed, _))) {
            return Ok(vec![]); // already so
        }
        branch.still_open()?;
        document.completable(self.branch, branch)?;
        if self.proposal.is_some() && !document.is_on_lead(self.branch) {
            return Err(Refusal::NotTheLead);
        }
        let contribution = |file: &Attachment| Attachment { role: FileRole::Contribution, ..file.clone() };
        let files = self.files.iter().map(contribution).collect();
        let (result, proposal) = (Some(self.result.clone()), self.proposal);
        Ok(vec![BranchCompleted { branch: self.branch, result, proposal, files }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{Stage, events::BranchReturned, testing::*},
        testing::{given, scene},
    };

    fn complete(n: u128) -> CompleteBranch {
        let result = words("Đã dự thảo văn bản trả lời.");
        CompleteBranch { branch: branch(n), result, proposal: None, files: vec![] }
    }

    #[test]
    fn the_lead_officer_hands_in_a_draft_and_proposes_the_resolution() {
        let scene = scene();
        let proposal = Some(Resolution::Answered);
        let command = || CompleteBranch { proposal, files: vec![main_file()], ..complete(OFFICER) };
        let files = vec![Attachment { role: FileRole::Contribution, ..main_file() }];
        let expected = BranchCompleted { branch: branch(OFFICER), result: Some(complete(0).result), proposal, files };
        let completed = given(&scene.organ, to_assigned(&scene)).when(scene.officer, command()).then([expected.into()]);
        let document = completed.state();
        assert_eq!(document.stage, Some(Stage::Directed), "one duty is done, not the document");
        assert_eq!(document.files.iter().filter(|file| file.role == FileRole::Main).count(), 1);
        completed.when(scene.officer, command()).then_nothing_happened();
    }

    #[test]
    fn a_contribution_completes_a_coordinating_branch() {
        let scene = scene();
        given(&scene.organ, to_assigned(&scene)).when(scene.other_head, complete(COORDINATING)).happened();
        let proposing = CompleteBranch { proposal: Some(Resolution::Noted), ..complete(COORDINATING) };
        given(&scene.organ, to_assigned(&scene)).when(scene.other_head, proposing).then_refused(Code::OnlyLeadProposes);
    }

    #[test]
    fn nobody_completes_for_another() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "officer") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, complete(OFFICER));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
    }

    #[test]
    fn open_parts_come_first_and_the_informed_owe_nothing() {
        let scene = scene();
        let past = || given(&scene.organ, to_assigned(&scene));
        past().when(scene.head, complete(LEAD)).then_refused(Code::OpenChildren);
        past().when(scene.deputy, complete(INFORMED)).then_refused(Code::InformedOwesNothing);
        let returned =
            |n, who| crate::incoming::testing::past(who, 6, BranchReturned { branch: branch(n), reason: because() });
        let ended = [returned(OFFICER, scene.officer), returned(COLLEAGUE, scene.colleague)];
        given(&scene.organ, to_assigned(&scene).into_iter().chain(ended.clone()))
            .when(scene.head, complete(LEAD))
            .happened();
        given(&scene.organ, to_assigned(&scene).into_iter().chain(ended))
            .when(scene.officer, complete(OFFICER))
            .then_refused(Code::BranchEnded);
    }

    #[test]
    fn the_informed_stay_informed_when_the_work_is_done() {
        let scene = scene();
        let branches = vec![
            new_branch(OFFICER, person(scene.officer), BranchRole::Lead, 8),
            new_branch(COLLEAGUE, person(scene.colleague), BranchRole::Informed, 0),
        ];
        let assigned = crate::incoming::events::Assigned { parent: branch(LEAD), branches, note: None };
        let done = given(&scene.organ, to_directed(&scene).into_iter().chain([past(scene.head, 4, assigned)]))
            .when(scene.officer, complete(OFFICER))
            .happened();
        assert_eq!(done.len(), 1);
    }
}
