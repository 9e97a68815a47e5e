//! Receive: a document arrives over the axis, on paper or from inside the organ (Decree 30/2020, art. 21). Nobody has a
//! duty yet: that begins with its registration (art. 22.1).

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument,
    arrival::{Arrival, Arriving, Unacceptable, next_arrival},
    events::{Arrived, ArrivedAgain, AxisArrival},
};
use crate::{
    decide::{By, Decide, Who},
    document_types::Channel,
    id::{IncomingId, OrganId},
    organ::Role,
    refusal::{Code, Denied},
};

/// Why a document cannot be received.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk receives; the system receives what the axis brings, and nothing else.
    #[error("only a records clerk receives documents, or the exchange axis: {0}")]
    NotTheClerk(#[from] Denied),
    /// It cannot be taken in as it is.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// Only messages of the axis have its ids.
    #[error("only what came over the exchange axis has an id of the axis")]
    NotOfTheAxis,
    /// There is a document here.
    #[error("this document arrived before")]
    AlreadyArrived,
    /// The arrival before ended: this one needs its own stream.
    #[error("the earlier arrival of this message has ended: receive it as arrival {ordinal}")]
    EarlierArrivalEnded {
        /// The ordinal of the new arrival.
        ordinal: u32,
    },
    /// Another organ goes on in this one's place.
    #[error("this organ is no more: {successor} receives in its place")]
    Succeeded {
        /// The organ that goes on.
        successor: OrganId,
    },
    /// It was erased as secret.
    #[error("this document was erased because it is secret: enter it in the register of secret documents")]
    Erased,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::Unacceptable(why) => why.code(),
            Self::NotOfTheAxis => Code::InvalidInput,
            Self::AlreadyArrived => Code::AlreadyArrived,
            Self::EarlierArrivalEnded { .. } => Code::ArrivalEnded,
            Self::Succeeded { .. } => Code::OrganSucceeded,
            Self::Erased => Code::SecretItem,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Unacceptable(why) => why.fields(),
            Self::NotOfTheAxis => &["channel"],
            _ => &[],
        }
    }

    fn because_of(&self) -> Vec<uuid::Uuid> {
        match self {
            Self::Succeeded { successor } => vec![successor.uuid()],
            _ => Vec::new(),
        }
    }

    fn reload(&self) -> bool {
        matches!(self, Self::EarlierArrivalEnded { .. })
    }
}

/// Take a document in. The caller chooses the stream: [`IncomingId::of_axis`] for a message of the axis (see
/// [`next_arrival`]), else derived from the command.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiveIncoming {
    /// How it came.
    pub channel: Channel,
    /// As a message of the axis, where it is one.
    pub axis: Option<AxisArrival>,
    /// What arrives.
    pub arriving: Arriving,
    /// The refused or cancelled arrival that it follows.
    pub follows: Option<IncomingId>,
}

impl Decide for ReceiveIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "receiveIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_or_system(Role::RecordsClerk)?;
        match document.stage {
            None => by.organ.successor(by.at).map_or(Ok(()), |successor| Err(Refusal::Succeeded { successor })),
            Some(_) if document.erased => Err(Refusal::Erased),
            Some(_) => Err(Refusal::AlreadyArrived),
        }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        by.require_or_system(Role::RecordsClerk)?;
        if by.who == Who::System && self.channel != Channel::Axis {
            return Err(Denied::NeedsAPerson.into());
        }
        if self.axis.is_some() && self.channel != Channel::Axis {
            return Err(Refusal::NotOfTheAxis);
        }
        self.arriving.check(by)?;
        let (details, files) = (self.arriving.details.clone(), self.arriving.files());
        match self.axis.as_ref().map(|axis| (axis, next_arrival(document, axis.content))) {
            Some((_, Arrival::Known)) => Ok(vec![]), // already so
            Some((axis, Arrival::Again)) => Ok(vec![ArrivedAgain { content: axis.content, details, files }.into()]),
            Some((_, Arrival::After { ordinal })) => Err(Refusal::EarlierArrivalEnded { ordinal }),
            Some((_, Arrival::First | Arrival::Erased)) | None => {
                Self::permit(document, by)?;
                let (arrived_at, follows) = (self.arriving.arrived_at, self.follows);
                let (channel, axis) = (self.channel, self.axis.clone());
                Ok(vec![Arrived { channel, axis, arrived_at, details, files, follows }.into()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        document_types::SecrecyLevel,
        incoming::{
            arrival::Arrival,
            events::{FileRole, ReceiptRefused},
            testing::{Plausible, arriving, cancelled, expunged, main_file, past},
        },
        organ::Setting,
        testing::{MORNING, Scene, given, scene},
        text::{AxisDocumentId, Reason, ShortText},
        time::Date,
    };

    impl Plausible for ReceiveIncoming {
        fn plausible(_: &Scene, _: &IncomingDocument, who: Who) -> Self {
            let channel = if who == Who::System { Channel::Axis } else { Channel::Paper };
            ReceiveIncoming { channel, axis: None, arriving: arriving(), follows: None }
        }
    }

    fn message(content: u8) -> ReceiveIncoming {
        let document_id = AxisDocumentId::new("000.00.00.H99,2026/03/02,12/UBND-VP").unwrap();
        let axis = Some(AxisArrival { document_id, ordinal: 0, content: [content; 32] });
        ReceiveIncoming { channel: Channel::Axis, axis, arriving: arriving(), follows: None }
    }

    fn arrived(command: &ReceiveIncoming) -> Event {
        let ReceiveIncoming { channel, axis, arriving, follows } = command.clone();
        let Arriving { arrived_at, details, files, .. } = arriving;
        Arrived { channel, axis, arrived_at, details, files, follows }.into()
    }

    fn refused(scene: &Scene) -> crate::testing::Past<Event> {
        past(scene.clerk, 1, ReceiptRefused { reason: Reason::new("Văn bản gửi nhầm cơ quan").unwrap() })
    }

    #[test]
    fn the_same_message_arrives_once_and_another_content_is_shown() {
        let scene = scene();
        let again = ArrivedAgain { content: [2; 32], details: arriving().details, files: arriving().files };
        let given = given(&scene.organ, [])
            .when(Who::System, message(1))
            .then([arrived(&message(1))])
            .when(Who::System, message(2))
            .then([again.into()]);
        for known in [1, 2] {
            given.clone().when(Who::System, message(known)).then_nothing_happened();
        }
        assert_eq!(next_arrival(given.state(), [3; 32]), Arrival::Again);
    }

    #[test]
    fn from_its_date_a_succeeded_organ_receives_nothing_more() {
        let mut scene = scene();
        let (by, from) = (OrganId::of_code("H98"), MORNING.date());
        scene.happens(MORNING, &crate::organ::Event::Succeeded(crate::organ::events::OrganSucceeded { by, from }));
        let paper = ReceiveIncoming { axis: None, channel: Channel::Paper, ..message(1) };
        let mut before = paper.clone();
        before.arriving.arrived_at = from.start().plus_micros(-1);
        given(&scene.organ, []).at(from.start().plus_micros(-1)).when(scene.clerk, before).happened();
        given(&scene.organ, []).when(scene.clerk, paper).then_refused(Code::OrganSucceeded);
        given(&scene.organ, []).when(Who::System, message(1)).then_refused(Code::OrganSucceeded);
        let told = crate::decide::Refusal::because_of(&Refusal::Succeeded { successor: by });
        assert_eq!(told, [by.uuid()], "the refusal names who receives now");
        // What is here already is known, and changed content is shown.
        let here = given(&scene.organ, [past(Who::System, 0, arrived(&message(1)))]);
        here.clone().when(Who::System, message(1)).then_nothing_happened();
        here.when(Who::System, message(2)).happened();
    }

    #[test]
    fn after_a_refusal_other_content_is_a_new_arrival() {
        let scene = scene();
        let first = past(Who::System, 0, arrived(&message(1)));
        let given = given(&scene.organ, [first, refused(&scene)]);
        assert_eq!(next_arrival(given.state(), [1; 32]), Arrival::Known);
        assert_eq!(next_arrival(given.state(), [2; 32]), Arrival::After { ordinal: 1 });
        given.clone().when(Who::System, message(1)).then_nothing_happened();
        given.clone().when(Who::System, message(2)).then_refused(Code::ArrivalEnded);
        let axis = message(2).axis.map(|axis| AxisArrival { ordinal: 1, ..axis });
        let follows = given.state().id;
        let second = ReceiveIncoming { axis, follows, ..message(2) };
        crate::testing::given(&scene.organ, []).when(Who::System, second.clone()).then([arrived(&second)]);
    }

    #[test]
    fn what_was_erased_is_not_taken_in_again() {
        let scene = scene();
        let given = given(&scene.organ, [past(Who::System, 0, arrived(&message(1))), expunged(&scene)]);
        assert_eq!(next_arrival(given.state(), [1; 32]), Arrival::Erased);
        given.clone().when(Who::System, message(1)).then_refused(Code::SecretItem);
        given.when(Who::System, message(2)).then_refused(Code::SecretItem);
    }

    #[test]
    fn what_was_cancelled_is_followed_by_a_new_arrival() {
        let scene = scene();
        let given = given(&scene.organ, [past(Who::System, 0, arrived(&message(1))), cancelled(&scene)]);
        assert_eq!(next_arrival(given.state(), [2; 32]), Arrival::After { ordinal: 1 });
    }

    #[test]
    fn paper_is_received_by_the_clerk_only() {
        let scene = scene();
        let paper = ReceiveIncoming { axis: None, channel: Channel::Paper, ..message(1) };
        let given = given(&scene.organ, []);
        given.clone().when(Who::System, paper.clone()).then_refused(Code::NotEntitled);
        given.clone().when(scene.officer, paper.clone()).then_refused(Code::NotEntitled);
        given.clone().when(scene.clerk, paper.clone()).then([arrived(&paper)]);
        let mixed = ReceiveIncoming { channel: Channel::Paper, ..message(1) };
        given.when(scene.clerk, mixed).then_refused(Code::InvalidInput);
    }

    #[test]
    fn a_secret_document_is_told_where_it_belongs() {
        let scene = scene();
        for level in SecrecyLevel::ALL {
            let mut secret = message(1);
            secret.arriving.secrecy = Some(level);
            given(&scene.organ, []).when(scene.clerk, secret.clone()).then_refused(Code::SecretItem);
            given(&scene.organ, []).when(Who::System, secret).then_refused(Code::SecretItem);
        }
    }

    #[test]
    fn it_arrives_at_the_latest_now() {
        let scene = scene();
        let at = |micros| {
            let mut command = message(1);
            command.arriving.arrived_at = MORNING.plus_micros(micros);
            given(&scene.organ, []).at(MORNING).when(scene.clerk, command)
        };
        assert_eq!(at(0).happened().len(), 1);
        at(1).then_refused(Code::InTheFuture);
    }

    #[test]
    fn a_wrong_date_on_the_axis_loses_no_message_but_a_clerk_is_told() {
        let scene = scene();
        let mut tomorrow = message(1);
        tomorrow.arriving.details.promulgated_on = Some(Date::new(2026, 3, 4).unwrap());
        given(&scene.organ, []).when(scene.clerk, tomorrow.clone()).then_refused(Code::InTheFuture);
        given(&scene.organ, []).when(Who::System, tomorrow.clone()).then([arrived(&tomorrow)]);
    }

    #[test]
    fn the_addressee_is_one_of_those_that_share_the_registry() {
        let mut scene = scene();
        let name = |name| Some(ShortText::new(name).unwrap());
        let addressed = |to: Option<ShortText>| {
            let mut command = message(1);
            command.arriving.details.addressee = to;
            command
        };
        given(&scene.organ, []).when(scene.clerk, addressed(None)).then([arrived(&addressed(None))]);
        let names = vec![ShortText::new("Chính phủ").unwrap(), ShortText::new("Văn phòng Chính phủ").unwrap()];
        scene.set(Setting::Addressees { names });
        let given = given(&scene.organ, []);
        given.clone().when(scene.clerk, addressed(None)).then_refused(Code::UnknownAddressee);
        given.clone().when(scene.clerk, addressed(name("Bộ Ví Dụ"))).then_refused(Code::UnknownAddressee);
        given.clone().when(Who::System, addressed(None)).then([arrived(&addressed(None))]);
        let known = addressed(name("Chính phủ"));
        given.when(scene.clerk, known.clone()).then([arrived(&known)]);
    }

    #[test]
    fn a_file_is_kept_once_and_is_no_contribution() {
        let scene = scene();
        let mut twice = message(1);
        twice.arriving.files = vec![main_file(), main_file()];
        given(&scene.organ, []).when(scene.clerk, twice).then([arrived(&message(1))]);
        let mut contributed = message(1);
        contributed.arriving.files[0].role = FileRole::Contribution;
        given(&scene.organ, []).when(scene.clerk, contributed).then_refused(Code::InvalidInput);
    }
}
