//! Log unopened: mail addressed to a person by name goes to them as it is; the clerk notes the envelope (Decree 30/2020,
//! art. 21.1).

use serde::Serialize;
use thiserror::Error;

use super::{Event, IncomingDocument, events::UnopenedLogged};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::{PersonName, ShortText},
    time::Timestamp,
};

/// Why an envelope cannot be logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk logs envelopes.
    #[error("only a records clerk logs envelopes: {0}")]
    NotTheClerk(#[from] Denied),
    /// There is a document here.
    #[error("this arrived before")]
    AlreadyArrived,
    /// It cannot arrive later than it is recorded.
    #[error("it cannot have arrived later than now")]
    ArrivesLater,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::AlreadyArrived => Code::AlreadyArrived,
            Self::ArrivesLater => Code::InTheFuture,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if *self == Self::ArrivesLater { &["arrivedAt"] } else { &[] }
    }
}

/// Note an envelope and hand it over unopened.
#[derive(Clone, Debug, Serialize)]
pub struct LogUnopened {
    /// The sender on the envelope.
    pub sender: ShortText,
    /// The envelope's number or marks.
    pub envelope: ShortText,
    /// To whom it is addressed.
    pub addressed_to: PersonName,
    /// When it arrived: never later than now.
    pub arrived_at: Timestamp,
}

impl Decide for LogUnopened {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "logUnopened";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        if document.stage.is_none() { Ok(()) } else { Err(Refusal::AlreadyArrived) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        if self.arrived_at > by.at {
            return Err(Refusal::ArrivesLater);
        }
        let Self { sender, envelope, addressed_to, arrived_at } = self.clone();
        Ok(vec![UnopenedLogged { sender, envelope, addressed_to, arrived_at }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{
            Stage,
            testing::{Plausible, unopened},
        },
        testing::{MORNING, Scene, given, scene},
    };

    impl Plausible for LogUnopened {
        fn plausible(scene: &Scene, _: &IncomingDocument, _: Who) -> Self {
            match unopened(scene).event {
                Event::UnopenedLogged(UnopenedLogged { sender, envelope, addressed_to, arrived_at }) => {
                    LogUnopened { sender, envelope, addressed_to, arrived_at }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_envelope_is_noted_and_stays_closed() {
        let scene = scene();
        let log = LogUnopened::plausible(&scene, &IncomingDocument::default(), scene.clerk);
        let given = given(&scene.organ, []).when(scene.clerk, log.clone()).then([unopened(&scene).event]);
        assert_eq!(given.state().stage, Some(Stage::Unopened));
        assert_eq!(given.state().details, None);
        given.when(scene.clerk, log).then_refused(Code::AlreadyArrived);
    }

    #[test]
    fn it_arrives_at_the_latest_now() {
        let scene = scene();
        let log = LogUnopened::plausible(&scene, &IncomingDocument::default(), scene.clerk);
        let log = LogUnopened { arrived_at: MORNING.plus_micros(1), ..log };
        given(&scene.organ, []).at(MORNING).when(scene.clerk, log).then_refused(Code::InTheFuture);
    }
}
