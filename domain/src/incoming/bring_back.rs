//! Bring back: an envelope that went unopened to a person turns out to be agency business; they bring it back to be
//! registered (Decree 30/2020, art. 21.1).

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    arrival::{Arriving, Unacceptable},
    events::Arrived,
};
use crate::{
    decide::{By, Decide},
    document_types::Channel,
    organ::Role,
    refusal::{Code, Denied},
};

/// Why it cannot be brought back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk takes it back.
    #[error("only a records clerk takes back what went unopened: {0}")]
    NotTheClerk(#[from] Denied),
    /// Only an unopened envelope is brought back.
    #[error("only what was logged unopened is brought back")]
    NotUnopened,
    /// The opened document cannot be taken in as it is.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// It came back before it came.
    #[error("it cannot have been brought back before the envelope arrived")]
    BeforeTheEnvelope,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::NotUnopened => Code::WrongStage,
            Self::Unacceptable(why) => why.code(),
            Self::BeforeTheEnvelope => Code::InvalidInput,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Unacceptable(why) => why.fields(),
            Self::BeforeTheEnvelope => &["arrivedAt"],
            _ => &[],
        }
    }
}

/// Take in the opened document. This is its arrival.
#[derive(Clone, Debug, Serialize)]
pub struct BringBackIncoming {
    /// What was in the envelope.
    pub arriving: Arriving,
}

impl Decide for BringBackIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "bringBackIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        if document.stage == Some(Stage::Unopened) { Ok(()) } else { Err(Refusal::NotUnopened) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        self.arriving.check(by)?;
        let Arriving { arrived_at, details, .. } = self.arriving.clone();
        if arrived_at < document.arrived_at {
            return Err(Refusal::BeforeTheEnvelope);
        }
        let files = self.arriving.files();
        Ok(vec![Arrived { channel: Channel::Paper, axis: None, arrived_at, details, files, follows: None }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        document_types::SecrecyLevel,
        incoming::testing::{Plausible, arrived, arriving, unopened},
        testing::{MORNING, Scene, given, scene},
    };

    impl Plausible for BringBackIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
            BringBackIncoming { arriving: arriving() }
        }
    }

    fn at(minutes: i64) -> BringBackIncoming {
        BringBackIncoming { arriving: Arriving { arrived_at: MORNING.plus_minutes(minutes), ..arriving() } }
    }

    #[test]
    fn the_opened_document_arrives_on_paper() {
        let scene = scene();
        let Arriving { arrived_at, details, files, .. } = at(30).arriving;
        let event = Arrived { channel: Channel::Paper, axis: None, arrived_at, details, files, follows: None };
        given(&scene.organ, [unopened(&scene)])
            .at(MORNING.plus_minutes(60))
            .when(scene.clerk, at(30))
            .then([event.into()])
            .when(scene.clerk, at(30))
            .then_refused(Code::WrongStage);
    }

    #[test]
    fn it_comes_back_between_its_arrival_and_now() {
        let scene = scene();
        let given = given(&scene.organ, [unopened(&scene)]).at(MORNING.plus_minutes(60));
        given.clone().when(scene.clerk, at(-1)).then_refused(Code::InvalidInput);
        given.when(scene.clerk, at(61)).then_refused(Code::InTheFuture);
    }

    #[test]
    fn only_an_envelope_is_brought_back_and_nothing_secret() {
        let scene = scene();
        given(&scene.organ, [arrived(&scene)]).when(scene.clerk, at(0)).then_refused(Code::WrongStage);
        let mut secret = at(0);
        secret.arriving.secrecy = Some(SecrecyLevel::Secret);
        given(&scene.organ, [unopened(&scene)]).when(scene.clerk, secret).then_refused(Code::SecretItem);
    }
}
