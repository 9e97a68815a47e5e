//! Record that the paper of an electronic document came. Nobody needs to wait for it (Decision 28/2018, art. 6; S4-18 to
//! S4-20), but how long it took is measured.

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, Stage, events::PaperArrived};
use crate::{
    decide::{By, Decide},
    document_types::Channel,
    organ::Role,
    refusal::{Code, Denied},
    time::Timestamp,
};

/// Why it cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk receives paper.
    #[error("only a records clerk receives paper: {0}")]
    NotTheClerk(#[from] Denied),
    /// Nothing has arrived, or it was refused or cancelled.
    #[error("paper belongs to a document that is here and was taken in")]
    WrongStage,
    /// The document itself came on paper.
    #[error("the document itself came on paper")]
    CameOnPaper,
    /// It cannot arrive later than it is recorded.
    #[error("it cannot have arrived later than now")]
    ArrivesLater,
    /// It came before.
    #[error("the paper arrived at {0}")]
    ArrivedBefore(Timestamp),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::WrongStage => Code::WrongStage,
            Self::CameOnPaper => Code::NotElectronic,
            Self::ArrivesLater => Code::InTheFuture,
            Self::ArrivedBefore(_) => Code::PaperAlreadyArrived,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if matches!(self, Self::ArrivesLater | Self::ArrivedBefore(_)) { &["arrivedAt"] } else { &[] }
    }
}

/// Record that the paper came.
#[derive(Clone, Debug, Serialize)]
pub struct RecordPaperArrival {
    /// When: never later than now. It may be before the electronic document came.
    pub arrived_at: Timestamp,
}

impl Decide for RecordPaperArrival {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "recordPaperArrival";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        match document.stage {
            Some(Stage::Arrived | Stage::Registered | Stage::Submitted | Stage::Directed | Stage::Resolved) => {}
            _ => return Err(Refusal::WrongStage),
        }
        if document.channel == Some(Channel::Paper) { Err(Refusal::CameOnPaper) } else { Ok(()) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        match document.paper_arrived_at {
            Some(at) if at == self.arrived_at => Ok(vec![]), // already so
            Some(at) => Err(Refusal::ArrivedBefore(at)),
            None if self.arrived_at > by.at => Err(Refusal::ArrivesLater),
            None => Ok(vec![PaperArrived { arrived_at: self.arrived_at }.into()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::testing::{Plausible, arrived, arrived_on_paper},
        testing::{MORNING, Scene, given, scene},
    };

    impl Plausible for RecordPaperArrival {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            came(0)
        }
    }

    fn came(minutes: i64) -> RecordPaperArrival {
        RecordPaperArrival { arrived_at: MORNING.plus_minutes(minutes) }
    }

    #[test]
    fn paper_comes_once() {
        let scene = scene();
        let given = given(&scene.organ, [arrived(&scene)])
            .at(MORNING.plus_minutes(60))
            .when(scene.clerk, came(60))
            .then([PaperArrived { arrived_at: came(60).arrived_at }.into()]);
        given.clone().when(scene.clerk, came(60)).then_nothing_happened();
        given.when(scene.clerk, came(59)).then_refused(Code::PaperAlreadyArrived);
    }

    #[test]
    fn it_comes_at_the_latest_now_and_not_for_paper() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)]).at(MORNING).when(scene.clerk, came(1)).then_refused(Code::InTheFuture);
        given(&scene.organ, [arrived_on_paper(&scene)]).when(scene.clerk, came(0)).then_refused(Code::NotElectronic);
    }
}
