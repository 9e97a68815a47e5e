//! For tests: pasts of a document.

use uuid::Uuid;

use super::{
    Event, IncomingDocument,
    arrival::Arriving,
    assignment::{Assignment, To},
    events::{self, Assignee, Attachment, BranchRole, Details, FileRole, Holder, NewBranch},
};
use crate::{
    deadline::Limit,
    decide::{Decide, Who},
    document_types::{Channel, SecrecyLevel, Urgency},
    id::{BranchId, PostId, RegisterId, UnitId},
    register::VoidReason,
    testing::{MORNING, Past, Scene, acting},
    text::{Abstract, ArrivalNumber, CodeNotation, CodeNumber, FileName, OrganCode, PersonName, Reason, ShortText},
    time::Date,
};

/// A command with an input that is accepted of whoever may give it, wherever they may: what the table in
/// `docs/INCOMING.md` and the property tests try.
pub trait Plausible: Decide<State = IncomingDocument> + Sized {
    /// Each time is another act, which changes no state: to urge again is to urge twice.
    const IS_ANOTHER_EACH_TIME: bool = false;

    /// Such a command of this person, for this document.
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self;
}

/// `event`, done by `who`, `hours` after the scene's morning.
pub fn past(who: Who, hours: i64, event: impl Into<Event>) -> Past<Event> {
    let by = match who {
        Who::Acting(acting) => Some((acting.person, acting.post)),
        _ => None,
    };
    Past { event: event.into(), at: MORNING.plus_minutes(hours * 60), by }
}

/// A person in their post. Panics for anybody else.
pub fn holder(who: Who) -> Holder {
    match who {
        Who::Acting(acting) => Holder::of(&acting),
        other => panic!("{other:?} holds no post"),
    }
}

fn short(text: &str) -> ShortText {
    ShortText::new(text).expect("a short text")
}

fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}

/// What the document of the tests says of itself.
pub fn details() -> Details {
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

/// A scan of the document.
pub fn scan() -> Attachment {
    let name = FileName::new("ban-quet.pdf").expect("a file name");
    Attachment { hash: [8; 32], name, size: 2_000, role: FileRole::Main }
}

/// The document of the tests, with its file, as it arrives at 08:00.
pub fn arriving() -> Arriving {
    Arriving { arrived_at: MORNING, details: details(), files: vec![main_file()], secrecy: None }
}

fn arrived_by(who: Who, channel: Channel, files: Vec<Attachment>) -> Past<Event> {
    let Arriving { arrived_at, details, .. } = arriving();
    past(who, 0, events::Arrived { channel, axis: None, arrived_at, details, files, follows: None })
}

/// It arrived over the axis at 08:00, with its file.
pub fn arrived(_scene: &Scene) -> Past<Event> {
    arrived_by(Who::System, Channel::Axis, vec![main_file()])
}

/// It arrived on paper at 08:00; nobody has scanned it.
pub fn arrived_on_paper(scene: &Scene) -> Past<Event> {
    arrived_by(scene.clerk, Channel::Paper, Vec::new())
}

/// An envelope arrived at 08:00 and went unopened to the head of the first unit.
pub fn unopened(scene: &Scene) -> Past<Event> {
    let addressed_to = PersonName::new("Trần Thị Ví Dụ").expect("a name");
    let (sender, envelope) = (short("Hội Ví Dụ"), short("Thư bảo đảm số 0001"));
    past(scene.clerk, 0, events::UnopenedLogged { sender, envelope, addressed_to, arrived_at: MORNING })
}

/// Its receipt was refused at 09:00.
pub fn receipt_refused(scene: &Scene) -> Past<Event> {
    past(scene.clerk, 1, events::ReceiptRefused { reason: reason("Văn bản gửi nhầm cơ quan") })
}

/// Its scan was attached at 09:00.
pub fn scan_attached(scene: &Scene) -> Past<Event> {
    past(scene.clerk, 1, events::ScanAttached { files: vec![scan()] })
}

/// The book of the tests.
pub fn book(scene: &Scene) -> RegisterId {
    let organ = scene.organ.id.unwrap_or(crate::id::OrganId::new(Uuid::nil()));
    RegisterId::of(organ, "đến", 2026)
}

/// A number was asked for at 09:00.
pub fn registration_began(scene: &Scene) -> Past<Event> {
    let (register, series) = (book(scene), short("đến"));
    let (accepted_duplicates, accepted_because) = (Vec::new(), None);
    let event = events::RegistrationBegan {
        register,
        series,
        year: 2026,
        fingerprint: super::register::fingerprints(&details()).first().copied(),
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

/// The post that somebody acts in.
pub fn post(who: Who) -> PostId {
    acting(who).post
}

/// Somebody as an assignee.
pub fn person(who: Who) -> Assignee {
    Assignee::Person { holder: holder(who) }
}

/// Submitted to the leader at 10:00.
pub fn submitted(scene: &Scene) -> Past<Event> {
    past(scene.clerk, 2, events::Submitted { to: holder(scene.leader), note: None })
}

/// The leader resolved it at 15:00: noted.
pub fn resolved(scene: &Scene) -> Past<Event> {
    let how = events::Resolution::Noted;
    let event = events::Resolved {
        how,
        answers: Vec::new(),
        note: None,
        transferred_to: None,
        closed: Vec::new(),
        closed_because: None,
        confirms: None,
    };
    past(scene.leader, 7, event)
}

/// It was cancelled at 16:00, in error. It had no number.
pub fn cancelled(scene: &Scene) -> Past<Event> {
    let reason = reason("Văn thư tiếp nhận nhầm");
    past(scene.clerk, 8, events::Cancelled { kind: VoidReason::Error, reason, void_number: None, register: None })
}

/// The clerk asked at 16:00 to have it erased as secret.
pub fn expunge_requested(scene: &Scene) -> Past<Event> {
    past(scene.clerk, 8, events::ExpungeRequested { level: SecrecyLevel::Secret })
}

/// The leader confirmed its erasure at 17:00. It had no number.
pub fn expunged(scene: &Scene) -> Past<Event> {
    let organ = scene.organ.id.unwrap_or(crate::id::OrganId::new(Uuid::nil()));
    let event = events::Expunged {
        level: SecrecyLevel::Secret,
        requested_by: holder(scene.clerk).person,
        organ,
        void_number: None,
        register: None,
        files: vec![main_file().hash],
    };
    past(scene.leader, 9, event)
}

/// All that happens until it is registered.
pub fn to_registered(scene: &Scene) -> Vec<Past<Event>> {
    vec![arrived(scene), registration_began(scene), registered(scene)]
}

/// All that happens until it lies with the leader.
pub fn to_submitted(scene: &Scene) -> Vec<Past<Event>> {
    to_registered(scene).into_iter().chain([submitted(scene)]).collect()
}

/// Branch number `n` of the tests.
pub fn branch(n: u128) -> BranchId {
    BranchId::new(Uuid::from_u128(0xb00 + n))
}

/// Branch number `n`, of so many working days.
pub fn new_branch(n: u128, assignee: Assignee, role: BranchRole, days: u16) -> NewBranch {
    let limit = if role == BranchRole::Informed { Limit::None } else { Limit::WorkingDays { days } };
    NewBranch { branch: branch(n), assignee, role, limit, note: None }
}

/// The unit that leads: branch 1 of the tests.
pub const LEAD: u128 = 1;
/// The unit that coordinates: branch 2.
pub const COORDINATING: u128 = 2;
/// The deputy, who is informed: branch 3.
pub const INFORMED: u128 = 3;
/// The officer who leads inside the first unit: branch 4, a part of branch 1.
pub const OFFICER: u128 = 4;
/// Their colleague, who coordinates: branch 5, a part of branch 1.
pub const COLLEAGUE: u128 = 5;

/// Directed by the leader at 11:00: the first unit leads (10 days), the second coordinates (5), the deputy is informed.
pub fn tree_directed(scene: &Scene) -> Past<Event> {
    let branches = vec![
        new_branch(LEAD, Assignee::Unit { unit: scene.unit }, BranchRole::Lead, 10),
        new_branch(COORDINATING, Assignee::Unit { unit: scene.other_unit }, BranchRole::Coordinating, 5),
        new_branch(INFORMED, person(scene.deputy), BranchRole::Informed, 0),
    ];
    past(scene.leader, 3, events::Directed { note: None, branches, follower: None, by_regulation: false })
}

/// Assigned by the head of the first unit at 12:00: the officer leads (8 days), a colleague coordinates (3).
pub fn assigned(scene: &Scene) -> Past<Event> {
    let branches = vec![
        new_branch(OFFICER, person(scene.officer), BranchRole::Lead, 8),
        new_branch(COLLEAGUE, person(scene.colleague), BranchRole::Coordinating, 3),
    ];
    past(scene.head, 4, events::Assigned { parent: branch(LEAD), branches, note: None })
}

/// All that happens until it is directed.
pub fn to_directed(scene: &Scene) -> Vec<Past<Event>> {
    to_submitted(scene).into_iter().chain([tree_directed(scene)]).collect()
}

/// All that happens until the officer has it.
pub fn to_assigned(scene: &Scene) -> Vec<Past<Event>> {
    to_directed(scene).into_iter().chain([assigned(scene)]).collect()
}

/// A part of the work without a limit of its own.
pub fn part(to: To, role: BranchRole) -> Assignment {
    Assignment { to, role, limit: None, note: None }
}

/// Work for a unit.
pub fn for_unit(unit: UnitId, role: BranchRole) -> Assignment {
    part(To::Unit(unit), role)
}

/// Work for somebody in their post.
pub fn for_person(who: Who, role: BranchRole) -> Assignment {
    part(To::Post(post(who)), role)
}

/// A reason.
pub fn because() -> crate::text::Reason {
    crate::text::Reason::new("Lý do ví dụ, đủ dài").expect("a reason")
}

/// A text.
pub fn words(text: &str) -> crate::text::LongText {
    crate::text::LongText::new(text).expect("a text")
}
