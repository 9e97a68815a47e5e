//! Pause: who gave the lead branch lets the clock stand, until when at the latest. Working days inside do not count.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, events::Paused};
use crate::{
    deadline::Pause,
    decide::{By, Decide},
    refusal::{Code, Denied},
    text::Reason,
    time::Timestamp,
};

/// Why the clock cannot be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who gave the lead branch stops the clock.
    #[error("only who gave the lead branch stops the clock: {0}")]
    Barred(#[from] Barred),
    /// The end lies in the past.
    #[error("the end of the pause lies in the past")]
    InPast,
    /// It stands already, until another time.
    #[error("the clock stands already, until another time")]
    AlreadyPaused,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::InPast => Code::DeadlineInPast,
            Self::AlreadyPaused => Code::AlreadyPaused,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::InPast { &["until"] } else { &[] }
    }
}

/// Let the clock of the document stand.
#[derive(Clone, Debug, Serialize)]
pub struct PauseIncoming {
    /// Why.
    pub reason: Reason,
    /// Until when at the latest.
    pub until: Timestamp,
}

impl IncomingDocument {
    /// The pause in which the clock stands at `at`.
    pub fn paused(&self, at: Timestamp) -> Option<&Pause> {
        self.pauses.last().filter(|pause| pause.from <= at && pause.until.is_none_or(|until| at < until))
    }

    /// Who gave the lead branch rules the clock.
    pub(super) fn rules_clock(&self, by: &By<'_>) -> Result<(), Barred> {
        let acting = self.at_work(by)?;
        let lead = self.root_lead().filter(|(_, lead)| lead.is_live());
        let given = lead.is_some_and(|(_, lead)| self.is_given_by(lead, by, &acting));
        if given { Ok(()) } else { Err(Denied::NotInPath.into()) }
    }
}

impl Decide for PauseIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "pauseIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.rules_clock(by)?;
        if document.paused(by.at).is_some() { Err(Refusal::AlreadyPaused) } else { Ok(()) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        document.rules_clock(by)?;
        if document.paused(by.at).is_some_and(|pause| pause.until == Some(self.until)) {
            return Ok(vec![]); // already so
        }
        Self::permit(document, by)?;
        if self.until <= by.at {
            return Err(Refusal::InPast);
        }
        Ok(vec![Paused { reason: self.reason.clone(), until: self.until }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::testing::*,
        testing::{MORNING, given, scene},
        time::Date,
    };

    fn pause(day: i8) -> PauseIncoming {
        PauseIncoming { reason: because(), until: Date::new(2026, 3, day).unwrap().end() }
    }

    #[test]
    fn the_clock_stands_and_the_working_days_inside_do_not_count() {
        let scene = scene();
        let due =
            |given: &crate::testing::Given<IncomingDocument>| given.state().due(branch(LEAD), &scene.organ.calendar);
        let before = due(&given(&scene.organ, to_assigned(&scene)));
        assert_eq!(before, Some(Date::new(2026, 3, 17).unwrap().end()));
        let paused = given(&scene.organ, to_assigned(&scene)).when(scene.leader, pause(5)).then([Paused {
            reason: because(),
            until: pause(5).until,
        }
        .into()]);
        assert_eq!(
            due(&paused),
            Some(Date::new(2026, 3, 19).unwrap().end()),
            "two days that count end inside the pause"
        );
        paused.clone().when(scene.leader, pause(5)).then_nothing_happened();
        paused.clone().when(scene.leader, pause(9)).then_refused(Code::AlreadyPaused);
        paused.at(pause(5).until).when(scene.leader, pause(9)).happened();
    }

    #[test]
    fn only_who_gave_the_lead_branch_and_only_while_it_is_handled() {
        let mut scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "leader") {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, pause(5));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let substitute = scene.substitutes(scene.colleague, scene.leader);
        given(&scene.organ, to_assigned(&scene)).when(substitute, pause(5)).happened();
        given(&scene.organ, to_submitted(&scene)).when(scene.leader, pause(5)).then_refused(Code::WrongStage);
    }

    #[test]
    fn not_into_the_past() {
        let scene = scene();
        let past = PauseIncoming { until: MORNING, ..pause(5) };
        given(&scene.organ, to_assigned(&scene)).when(scene.leader, past).then_refused(Code::DeadlineInPast);
    }
}
