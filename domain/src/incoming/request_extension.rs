//! Request an extension: the assignee asks for more time; nobody grants it by silence.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, events::ExtensionRequested};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    refusal::Code,
    text::Reason,
    time::Timestamp,
};

/// Why more time cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who holds the open branch asks.
    #[error("only who holds the branch asks for more time: {0}")]
    Barred(#[from] Barred),
    /// Without a deadline there is nothing to extend.
    #[error("the branch has no deadline")]
    NoDeadline,
    /// The new end lies in the past.
    #[error("the new end lies in the past")]
    InPast,
    /// The new end is not after the present deadline.
    #[error("the new end is not after the present deadline")]
    NotLater,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NoDeadline => Code::NoDeadline,
            Self::InPast => Code::DeadlineInPast,
            Self::NotLater => Code::ExtensionNotLater,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if matches!(self, Self::InPast | Self::NotLater) { &["until"] } else { &[] }
    }
}

/// Ask for more time.
#[derive(Clone, Debug, Serialize)]
pub struct RequestExtension {
    /// The branch.
    pub branch: BranchId,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Decide for RequestExtension {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "requestExtension";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        let due = |id| document.due(id, &by.organ.calendar).ok_or(Refusal::NoDeadline);
        document.holds_any(by, |id, _| due(id).map(drop))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.held(self.branch, by)?;
        branch.still_open()?;
        if branch.extension_asked == Some(self.until) {
            return Ok(vec![]); // already so
        }
        let due = document.due(self.branch, &by.organ.calendar).ok_or(Refusal::NoDeadline)?;
        if self.until <= by.at {
            return Err(Refusal::InPast);
        }
        if self.until <= due {
            return Err(Refusal::NotLater);
        }
        Ok(vec![ExtensionRequested { branch: self.branch, until: self.until, reason: self.reason.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::BranchReturned, testing::*},
        testing::{MORNING, given, scene},
        time::Date,
    };

    fn ask(n: u128, day: i8) -> RequestExtension {
        let until = Date::new(2026, 3, day).unwrap().end();
        RequestExtension { branch: branch(n), until, reason: because() }
    }

    #[test]
    fn the_assignee_asks_and_the_deadline_stays_until_the_author_decides() {
        let scene = scene();
        let due = |given: &crate::testing::Given<IncomingDocument>| {
            given.state().due(branch(COLLEAGUE), &scene.organ.calendar)
        };
        let before = due(&given(&scene.organ, to_assigned(&scene)));
        let ExtensionRequested { branch, until, reason } =
            ExtensionRequested { branch: ask(COLLEAGUE, 10).branch, until: ask(0, 10).until, reason: because() };
        let asked = given(&scene.organ, to_assigned(&scene))
            .when(scene.colleague, ask(COLLEAGUE, 10))
            .then([ExtensionRequested { branch, until, reason }.into()]);
        assert_eq!(due(&asked), before);
        asked.when(scene.colleague, ask(COLLEAGUE, 10)).then_nothing_happened();
    }

    #[test]
    fn later_than_now_and_than_the_deadline_which_there_must_be() {
        let scene = scene();
        let past = || given(&scene.organ, to_assigned(&scene));
        past().when(scene.colleague, ask(COLLEAGUE, 6)).then_refused(Code::ExtensionNotLater);
        past().when(scene.colleague, ask(COLLEAGUE, 7)).happened();
        let late = MORNING.plus_minutes(10 * 24 * 60);
        past().at(late).when(scene.colleague, ask(COLLEAGUE, 7)).then_refused(Code::DeadlineInPast);
        past().when(scene.deputy, ask(INFORMED, 20)).then_refused(Code::NoDeadline);
    }

    #[test]
    fn nobody_asks_for_another() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "colleague") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, ask(COLLEAGUE, 10));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let returned = past(scene.colleague, 6, BranchReturned { branch: branch(COLLEAGUE), reason: because() });
        given(&scene.organ, to_assigned(&scene).into_iter().chain([returned]))
            .when(scene.colleague, ask(COLLEAGUE, 10))
            .then_refused(Code::BranchEnded);
    }
}
