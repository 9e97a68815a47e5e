//! Resume: the clock of the document goes on before its pause would end.

use serde::Serialize;
use thiserror::Error;

use super::{Barred, Event, IncomingDocument, events::Resumed};
use crate::{
    decide::{By, Decide},
    refusal::Code,
    text::LongText,
};

/// Why the clock cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who gave the lead branch starts the clock again.
    #[error("only who gave the lead branch starts the clock again: {0}")]
    Barred(#[from] Barred),
    /// It does not stand.
    #[error("the clock does not stand")]
    NotPaused,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NotPaused => Code::NotPaused,
        }
    }
}

/// Let the clock go on.
#[derive(Clone, Debug, Serialize)]
pub struct ResumeIncoming {
    /// Why, or what came.
    pub note: Option<LongText>,
}

impl Decide for ResumeIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "resumeIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.rules_clock(by)?;
        document.paused(by.at).map(drop).ok_or(Refusal::NotPaused)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        match Self::permit(document, by) {
            Err(Refusal::NotPaused) => return Ok(vec![]), // already so
            permitted => permitted?,
        }
        Ok(vec![Resumed { note: self.note.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{events::Paused, testing::*},
        testing::{Given, MORNING, Scene, given, scene},
        time::Date,
    };

    fn resume() -> ResumeIncoming {
        ResumeIncoming { note: Some(words("Đã nhận văn bản bổ sung.")) }
    }

    /// Paused on the 3rd until the end of the 12th.
    fn paused(scene: &Scene) -> Given<IncomingDocument> {
        let until = Date::new(2026, 3, 12).unwrap().end();
        let paused = past(scene.leader, 5, Paused { reason: because(), until });
        given(&scene.organ, to_assigned(scene).into_iter().chain([paused]))
    }

    #[test]
    fn the_clock_goes_on_and_only_the_days_paused_are_not_counted() {
        let scene = scene();
        let thursday = MORNING.plus_minutes(2 * 24 * 60);
        let resumed =
            paused(&scene).at(thursday).when(scene.leader, resume()).then([Resumed { note: resume().note }.into()]);
        let due = resumed.state().due(branch(LEAD), &scene.organ.calendar);
        assert_eq!(due, Some(Date::new(2026, 3, 18).unwrap().end()), "of the days that count, Wednesday ended inside");
        resumed.when(scene.leader, resume()).then_nothing_happened();
    }

    #[test]
    fn nothing_to_resume_is_no_fault() {
        let scene = scene();
        given(&scene.organ, to_assigned(&scene)).when(scene.leader, resume()).then_nothing_happened();
        let after = Date::new(2026, 3, 13).unwrap().start();
        paused(&scene).at(after).when(scene.leader, resume()).then_nothing_happened();
    }

    #[test]
    fn only_who_gave_the_lead_branch() {
        let scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "leader") {
            let refused = paused(&scene).when(who, resume());
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_submitted(&scene)).when(scene.leader, resume()).then_refused(Code::WrongStage);
    }
}
