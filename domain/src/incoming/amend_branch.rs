//! Amend: who gave a branch, or somebody above, changes its deadline or what is asked.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Branch, Event, IncomingDocument, assignment::Misassigned, events::BranchAmended};
use crate::{
    deadline::{DeadlineSum, Due, Limit},
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
    text::{LongText, Reason},
};

/// Why a branch cannot be amended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only its author, their substitute, or somebody above on the path.
    #[error("only who gave the branch or stands above it amends it: {0}")]
    Barred(#[from] Barred),
    /// Neither a limit nor a note.
    #[error("nothing is to change")]
    Nothing,
    /// Not this deadline.
    #[error(transparent)]
    Misassigned(#[from] Misassigned),
    /// More time after the deadline is an extension, which does not undo the delay.
    #[error("the deadline has passed: only an extension gives more time")]
    Passed,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Nothing => Code::NothingToChange,
            Self::Misassigned(misassigned) => misassigned.code(),
            Self::Passed => Code::DeadlinePassed,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &["limit", "note"],
            Self::Misassigned(_) | Self::Passed => &["limit"],
            Self::Barred(_) => &[],
        }
    }
}

/// Change the deadline or what is asked.
#[derive(Clone, Debug, Serialize)]
pub struct AmendDirective {
    /// The branch.
    pub branch: BranchId,
    /// The new limit, reckoned from the day of assignment; it takes the place of the limit and the extensions so far.
    pub limit: Option<Limit>,
    /// The new note.
    pub note: Option<LongText>,
    /// Why.
    pub reason: Reason,
}

impl AmendDirective {
    fn check(&self, limit: Limit, document: &IncomingDocument, branch: &Branch, by: &By<'_>) -> Result<(), Refusal> {
        if branch.role == super::events::BranchRole::Informed {
            return Err(Misassigned::InformedWithLimit.into());
        }
        document.check_limit(branch.parent, limit, branch.assigned_at, by)?;
        let sum = DeadlineSum { pauses: document.pauses.clone(), ..DeadlineSum::new(branch.assigned_at, limit) };
        let now = document.standing(self.branch, &by.organ.calendar);
        let more_time = sum.standing(&by.organ.calendar) > now;
        if now < Due::At(by.at) && more_time { Err(Refusal::Passed) } else { Ok(()) }
    }
}

impl Decide for AmendDirective {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "amendDirective";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        Ok(document.governs_any(by)?)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.governed(self.branch, by)?;
        branch.still_open()?;
        if self.limit.is_none() && self.note.is_none() {
            return Err(Refusal::Nothing);
        }
        let limit = self.limit.filter(|limit| *limit != branch.limit || !branch.extensions.is_empty());
        let note = self.note.clone().filter(|note| branch.note.as_ref() != Some(note));
        if limit.is_none() && note.is_none() {
            return Ok(vec![]); // already so
        }
        if let Some(limit) = limit {
            self.check(limit, document, branch, by)?;
        }
        Ok(vec![BranchAmended { branch: self.branch, limit, note, reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::BranchReturned, testing::*},
        testing::{MORNING, given, scene},
    };

    fn within(n: u128, days: u16) -> AmendDirective {
        let limit = Some(Limit::WorkingDays { days });
        AmendDirective { branch: branch(n), limit, note: None, reason: because() }
    }

    #[test]
    fn the_author_changes_deadline_and_note() {
        let scene = scene();
        let note = Some(words("Lấy thêm ý kiến Sở Mẫu."));
        let command = || AmendDirective { note: note.clone(), ..within(OFFICER, 9) };
        let limit = Some(Limit::WorkingDays { days: 9 });
        let expected = BranchAmended { branch: branch(OFFICER), limit, note: note.clone(), reason: because() };
        let amended = given(&scene.organ, to_assigned(&scene)).when(scene.head, command()).then([expected.into()]);
        assert_eq!(amended.state().branches[&branch(OFFICER)].limit, Limit::WorkingDays { days: 9 });
        amended.clone().when(scene.head, command()).then_nothing_happened();
        amended.when(scene.leader, within(OFFICER, 8)).happened();
    }

    #[test]
    fn nobody_else_changes_it() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !["leader", "head"].contains(name)) {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, within(OFFICER, 9));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_assigned(&scene)).when(scene.head, within(LEAD, 9)).then_refused(Code::NotEntitled);
    }

    #[test]
    fn not_beyond_the_whole_not_into_the_past_and_not_for_the_informed() {
        let scene = scene();
        let past = || given(&scene.organ, to_assigned(&scene));
        past().when(scene.head, within(OFFICER, 11)).then_refused(Code::BeyondParentDeadline);
        past().when(scene.leader, within(LEAD, 30)).happened();
        let yesterday = AmendDirective { limit: Some(Limit::At { at: MORNING }), ..within(OFFICER, 1) };
        past().when(scene.head, yesterday).then_refused(Code::DeadlineInPast);
        past().when(scene.leader, within(INFORMED, 5)).then_refused(Code::InformedOwesNothing);
        let nothing = AmendDirective { limit: None, ..within(OFFICER, 1) };
        past().when(scene.head, nothing).then_refused(Code::NothingToChange);
    }

    #[test]
    fn no_new_deadline_undoes_a_delay() {
        let scene = scene();
        let late = MORNING.plus_minutes(8 * 24 * 60); // branch 2 had five working days
        given(&scene.organ, to_assigned(&scene))
            .at(late)
            .when(scene.leader, within(COORDINATING, 20))
            .then_refused(Code::DeadlinePassed);
    }

    #[test]
    fn an_ended_branch_is_not_amended() {
        let scene = scene();
        let returned = past(scene.officer, 6, BranchReturned { branch: branch(OFFICER), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([returned]))
            .when(scene.head, within(OFFICER, 9))
            .then_refused(Code::BranchEnded);
    }
}
