//! Decide on an extension: who gave the branch grants more time or does not. Nobody grants beyond their own deadline.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Branch, Event, IncomingDocument, events::ExtensionDecided};
use crate::{
    deadline::Due,
    decide::{Acting, By, Decide},
    id::BranchId,
    refusal::Code,
    text::LongText,
    time::Timestamp,
};

/// Why no decision on more time can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who gave the branch decides.
    #[error("only who gave the branch decides on more time: {0}")]
    Barred(#[from] Barred),
    /// Nobody asked.
    #[error("nobody has asked for more time")]
    NotAsked,
    /// The new end lies in the past.
    #[error("the new end lies in the past")]
    InPast,
    /// The new end is not after the present deadline.
    #[error("the new end is not after the present deadline")]
    NotLater,
    /// After the author's own deadline.
    #[error("nobody grants beyond their own deadline")]
    BeyondParent,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NotAsked => Code::ExtensionNotAsked,
            Self::InPast => Code::DeadlineInPast,
            Self::NotLater => Code::ExtensionNotLater,
            Self::BeyondParent => Code::BeyondParentDeadline,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if matches!(self, Self::Barred(_) | Self::NotAsked) { &[] } else { &["until"] }
    }
}

/// Grant more time, or do not.
#[derive(Clone, Debug, Serialize)]
pub struct DecideExtension {
    /// The branch.
    pub branch: BranchId,
    /// Until when; none: not granted.
    pub until: Option<Timestamp>,
    /// Remarks.
    pub note: Option<LongText>,
}

/// Whose branch it is to give.
fn may(document: &IncomingDocument, branch: &Branch, by: &By<'_>, acting: &Acting) -> bool {
    document.is_given_by(branch, by, acting)
}

fn asked(branch: &Branch) -> Result<(), Refusal> {
    if branch.extension_asked.is_some() { Ok(()) } else { Err(Refusal::NotAsked) }
}

impl Decide for DecideExtension {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "decideExtension";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.reach_any(by, |_, branch, acting| may(document, branch, by, acting), |_, branch| asked(branch))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.reach(self.branch, by, |_, branch, acting| may(document, branch, by, acting))?;
        branch.still_open()?;
        asked(branch)?;
        if let Some(until) = self.until {
            let calendar = &by.organ.calendar;
            let whole = branch.parent.map_or(Due::Never, |parent| document.standing(parent, calendar));
            if until <= by.at {
                return Err(Refusal::InPast);
            }
            if Due::At(until) > whole {
                return Err(Refusal::BeyondParent);
            }
            if Due::At(until) <= document.standing(self.branch, calendar) {
                return Err(Refusal::NotLater);
            }
        }
        Ok(vec![ExtensionDecided { branch: self.branch, until: self.until, note: self.note.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::ExtensionRequested, testing::*},
        testing::{Given, MORNING, Scene, given, scene},
        time::Date,
    };

    fn day(day: i8) -> Timestamp {
        Date::new(2026, 3, day).unwrap().end()
    }

    fn grant(n: u128, until: i8) -> DecideExtension {
        DecideExtension { branch: branch(n), until: Some(day(until)), note: None }
    }

    /// The colleague (due on the 6th, the whole on the 17th) asked for time until the 10th; so did the unit, until the 20th.
    fn asked(scene: &Scene) -> Given<IncomingDocument> {
        let ask = |n, who, until| {
            past(who, 6, ExtensionRequested { branch: branch(n), until: day(until), reason: because() })
        };
        let asked = [ask(COLLEAGUE, scene.colleague, 10), ask(LEAD, scene.head, 20)];
        given(&scene.organ, to_assigned(scene).into_iter().chain(asked))
    }

    #[test]
    fn the_author_grants_more_time_once() {
        let scene = scene();
        let granted = asked(&scene).when(scene.head, grant(COLLEAGUE, 10)).then([ExtensionDecided {
            branch: branch(COLLEAGUE),
            until: Some(day(10)),
            note: None,
        }
        .into()]);
        assert_eq!(granted.state().due(branch(COLLEAGUE), &scene.organ.calendar), Some(day(10)));
        granted.when(scene.head, grant(COLLEAGUE, 10)).then_refused(Code::ExtensionNotAsked);
    }

    #[test]
    fn or_does_not() {
        let scene = scene();
        let no = DecideExtension { until: None, ..grant(COLLEAGUE, 10) };
        let refused = asked(&scene).when(scene.head, no).then([ExtensionDecided {
            branch: branch(COLLEAGUE),
            until: None,
            note: None,
        }
        .into()]);
        assert_eq!(refused.state().due(branch(COLLEAGUE), &scene.organ.calendar), Some(day(6)));
    }

    #[test]
    fn nobody_grants_beyond_their_own_deadline() {
        let scene = scene();
        asked(&scene).when(scene.head, grant(COLLEAGUE, 17)).happened();
        asked(&scene).when(scene.head, grant(COLLEAGUE, 18)).then_refused(Code::BeyondParentDeadline);
        asked(&scene).when(scene.leader, grant(LEAD, 25)).happened();
    }

    #[test]
    fn the_author_decides_and_nobody_else() {
        let mut scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "head") {
            let refused = asked(&scene).when(who, grant(COLLEAGUE, 10));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        asked(&scene).when(scene.head, grant(LEAD, 20)).then_refused(Code::NotEntitled);
        let substitute = scene.substitutes(scene.officer, scene.head);
        asked(&scene).when(substitute, grant(COLLEAGUE, 10)).happened();
        let successor = scene.succeeds(scene.head, MORNING.plus_minutes(400));
        asked(&scene).at(MORNING.plus_minutes(500)).when(successor, grant(COLLEAGUE, 10)).happened();
    }

    #[test]
    fn later_than_now_and_than_the_deadline_and_only_when_asked() {
        let scene = scene();
        asked(&scene).when(scene.head, grant(COLLEAGUE, 6)).then_refused(Code::ExtensionNotLater);
        asked(&scene).at(day(12)).when(scene.head, grant(COLLEAGUE, 11)).then_refused(Code::DeadlineInPast);
        asked(&scene).when(scene.head, grant(OFFICER, 16)).then_refused(Code::ExtensionNotAsked);
    }
}
