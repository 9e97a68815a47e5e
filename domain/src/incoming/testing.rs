//! For tests: pasts of a document.

use uuid::Uuid;

use super::{
    Event,
    events::{self, Attachment, Details, FileRole},
};
use crate::{
    decide::Who,
    document_types::{Channel, Urgency},
    id::RegisterId,
    testing::{Past, Scene},
    text::{Abstract, ArrivalNumber, CodeNotation, CodeNumber, FileName, OrganCode, ShortText},
    time::{Date, Timestamp},
};

/// `event`, done by `who`, `hours` after the scene's morning.
pub fn past(who: Who, hours: i64, event: impl Into<Event>) -> Past<Event> {
    let by = match who {
        Who::Acting(acting) => Some((acting.person, acting.post)),
        _ => None,
    };
    Past { event: event.into(), at: crate::testing::MORNING.plus_minutes(hours * 60), by }
}

/// What the document of the tests says of itself.
pub fn details() -> Details {
    let short = |text| ShortText::new(text).expect("a short text");
    Details {
        issuer_code: Some(OrganCode::new("000.00.00.H99").expect("an organ code")),
        issuer_name: short("Văn phòng UBND tỉnh Ví Dụ"),
        number: Some(CodeNumber::new("12").expect("a number")),
        notation: Some(CodeNotation::new("UBND-VP").expect("a symbol")),
        place: None,
        promulgated_on: Some(Date::new(2026, 3, 2).expect("a date")),
        type_name: short("Công văn"),
        abstract_text: Abstract::new("V/v góp ý dự thảo kế hoạch ví dụ").expect("an abstract"),
        language: None,
        page_count: Some(3),
        copy_count: None,
        signer: None,
        due_on: None,
        urgency: Urgency::Normal,
        due_at: None,
        addressee: None,
        to_places: Vec::new(),
        response_for: None,
        paper_follows: false,
        note: None,
    }
}

/// A main file.
pub fn main_file() -> Attachment {
    let name = FileName::new("cong-van.pdf").expect("a file name");
    Attachment { hash: [7; 32], name, size: 1_000, role: FileRole::Main }
}

/// It arrived over the axis at 08:00, with its file.
pub fn arrived(_scene: &Scene) -> Past<Event> {
    let arrived_at: Timestamp = crate::testing::MORNING;
    let (details, files) = (details(), vec![main_file()]);
    past(
        Who::System,
        0,
        events::Arrived { channel: Channel::Axis, axis: None, arrived_at, details, files, follows: None },
    )
}

/// The book of the tests.
pub fn book(scene: &Scene) -> RegisterId {
    let organ = scene.organ.id.unwrap_or(crate::id::OrganId::new(Uuid::nil()));
    RegisterId::of(organ, "đến", 2026)
}

/// A number was asked for at 09:00.
pub fn registration_began(scene: &Scene) -> Past<Event> {
    let (register, series) = (book(scene), ShortText::new("đến").expect("a short text"));
    let (accepted_duplicates, accepted_because) = (Vec::new(), None);
    let event = events::RegistrationBegan {
        register,
        series,
        year: 2026,
        fingerprint: None,
        accepted_duplicates,
        accepted_because,
    };
    past(scene.clerk, 1, event)
}

/// It has the number 1.
pub fn registered(scene: &Scene) -> Past<Event> {
    let number = ArrivalNumber::new(1).expect("a number");
    past(Who::System, 1, events::Registered { register: book(scene), number })
}
