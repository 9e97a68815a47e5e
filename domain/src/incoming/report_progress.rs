//! Report progress: the assignee says how far the work is; the first act of the handler is "started".

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Branch, Event, IncomingDocument,
    events::{BranchRole, ProgressReported},
};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
    text::LongText,
};

/// Why no progress can be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who holds the open branch reports on it.
    #[error("only who holds the branch reports on it: {0}")]
    Barred(#[from] Barred),
    /// Who is informed has nothing to report.
    #[error("who is informed has nothing to report")]
    Informed,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Informed => Code::InformedOwesNothing,
        }
    }
}

/// Say how far the work is.
#[derive(Clone, Debug, Serialize)]
pub struct ReportProgress {
    /// The branch.
    pub branch: BranchId,
    /// In words.
    pub text: LongText,
}

fn owed(branch: &Branch) -> Result<(), Refusal> {
    if branch.role == BranchRole::Informed { Err(Refusal::Informed) } else { Ok(()) }
}

impl Decide for ReportProgress {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "reportProgress";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.holds_any(by, |_, branch| owed(branch))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.held(self.branch, by)?;
        branch.still_open()?;
        owed(branch)?;
        if branch.progress.as_ref() == Some(&self.text) {
            return Ok(vec![]); // already so
        }
        Ok(vec![ProgressReported { branch: self.branch, text: self.text.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::BranchReturned, testing::*},
        testing::{given, scene},
    };

    fn report(n: u128) -> ReportProgress {
        ReportProgress { branch: branch(n), text: words("Đã lấy ý kiến hai đơn vị.") }
    }

    #[test]
    fn the_handler_reports_and_has_started() {
        let scene = scene();
        let reported = given(&scene.organ, to_assigned(&scene))
            .when(scene.officer, report(OFFICER))
            .then([ProgressReported { branch: branch(OFFICER), text: report(0).text }.into()]);
        assert!(reported.state().branches[&branch(OFFICER)].started_at.is_some());
        reported.when(scene.officer, report(OFFICER)).then_nothing_happened();
    }

    #[test]
    fn nobody_reports_for_another() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "officer") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, report(OFFICER));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_assigned(&scene))
            .when(scene.deputy, report(INFORMED))
            .then_refused(Code::InformedOwesNothing);
        let returned = past(scene.officer, 6, BranchReturned { branch: branch(OFFICER), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([returned]))
            .when(scene.officer, report(OFFICER))
            .then_refused(Code::BranchEnded);
    }
}
