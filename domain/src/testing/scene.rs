//! An invented agency with one person in each role.

use uuid::Uuid;

use crate::{
    decide::{Acting, Aggregate, Meta, Who},
    id::{CommandId, OrganId, PersonId, PostId, UnitId},
    ledger::Revision,
    organ::{Event, Organ, Role, Setting, events},
    text::{OrganCode, ShortText},
    time::Timestamp,
};

/// Tuesday 2026-03-03, 08:00 in Viet Nam.
pub const MORNING: Timestamp = Timestamp::from_micros_const(1_772_499_600_000_000);

/// Sở Ví Dụ: a leader and a deputy, a clerk, two units with a head and two specialists each, an inspector, an
/// administrator, and somebody of no post.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The organ.
    pub organ: Organ,
    /// Its leader.
    pub leader: Who,
    /// Another leader.
    pub deputy: Who,
    /// The records clerk.
    pub clerk: Who,
    /// The head of the first unit.
    pub head: Who,
    /// A specialist of the first unit.
    pub officer: Who,
    /// Another specialist of the first unit.
    pub colleague: Who,
    /// The head of the second unit.
    pub other_head: Who,
    /// A specialist of the second unit.
    pub other_officer: Who,
    /// The inspector.
    pub inspector: Who,
    /// The administrator.
    pub administrator: Who,
    /// Somebody of no post.
    pub outsider: Who,
    /// The first unit.
    pub unit: UnitId,
    /// The second unit.
    pub other_unit: UnitId,
}

const ROOT: u128 = 1;
const UNIT: u128 = 2;
const OTHER_UNIT: u128 = 3;

/// Who stands in post number `n`.
fn post(n: u128) -> PostId {
    PostId::new(Uuid::from_u128(0x100 + n))
}

/// Person number `n`.
fn person(n: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(0x200 + n))
}

fn text(text: &str) -> ShortText {
    ShortText::new(text).expect("a short text")
}

fn happen(organ: &mut Organ, event: &Event, revision: u64) {
    let meta = Meta {
        stream: Uuid::from_u128(0xa9e),
        revision: Revision::new(revision),
        at: MORNING,
        organ: OrganId::new(Uuid::from_u128(0xa9e)),
        person: None,
        acting_as: None,
        on_behalf_of: None,
        command: CommandId::new(Uuid::from_u128(u128::from(revision))),
    };
    organ.evolve(event, &meta);
}

/// The post and person of somebody who acts.
pub fn acting(who: Who) -> crate::decide::Acting {
    match who {
        Who::Acting(acting) => acting,
        _ => panic!("{who:?} acts in no post"),
    }
}

/// What happened to the agency until it was ready.
pub fn agency_events() -> Vec<Event> {
    let unit = |n| UnitId::new(Uuid::from_u128(n));
    let code = OrganCode::new("H99.05").expect("an organ code");
    let mut happened: Vec<Event> =
        vec![events::OrganRegistered { code, name: text("Sở Ví Dụ"), root: unit(ROOT) }.into()];
    for (id, name, abbreviation) in [(UNIT, "Phòng Kế hoạch", "KH"), (OTHER_UNIT, "Phòng Pháp chế", "PC")] {
        let (unit, parent) = (unit(id), unit(ROOT));
        let (name, abbreviation) = (text(name), text(abbreviation));
        happened.push(events::UnitCreated { unit, parent, name, abbreviation }.into());
    }
    let posts = [
        (ROOT, Role::Leader, "Giám đốc"),
        (ROOT, Role::Leader, "Phó Giám đốc"),
        (ROOT, Role::RecordsClerk, "Văn thư"),
        (UNIT, Role::UnitHead, "Trưởng phòng"),
        (UNIT, Role::Specialist, "Chuyên viên"),
        (UNIT, Role::Specialist, "Chuyên viên"),
        (OTHER_UNIT, Role::UnitHead, "Trưởng phòng"),
        (OTHER_UNIT, Role::Specialist, "Chuyên viên"),
        (ROOT, Role::Inspector, "Thanh tra viên"),
        (ROOT, Role::Administrator, "Quản trị viên"),
    ];
    for (n, (of, role, title)) in (0..).zip(posts) {
        happened.push(events::PostCreated { post: post(n), unit: unit(of), role, title: text(title) }.into());
        happened.push(events::PostAssumed { post: post(n), person: person(n), from: MORNING }.into());
    }
    happened
}

/// The agency, ready since the morning.
pub fn scene() -> Scene {
    let mut organ = Organ::default();
    for (revision, event) in (0..).zip(agency_events()) {
        happen(&mut organ, &event, revision);
    }
    let unit = |n| UnitId::new(Uuid::from_u128(n));
    let who = |n| organ.who(person(n), None, MORNING);
    Scene {
        leader: who(0),
        deputy: who(1),
        clerk: who(2),
        head: who(3),
        officer: who(4),
        colleague: who(5),
        other_head: who(6),
        other_officer: who(7),
        inspector: who(8),
        administrator: who(9),
        outsider: who(99),
        unit: unit(UNIT),
        other_unit: unit(OTHER_UNIT),
        organ,
    }
}

impl Scene {
    /// Changes a setting of the organ.
    pub fn set(&mut self, setting: Setting) {
        self.happen(&Event::SettingChanged(events::SettingChanged { setting }));
    }

    /// `who` leaves the post that they act in; nobody follows.
    pub fn leaves(&mut self, who: Who) {
        if let Who::Acting(Acting { person, post, .. }) = who {
            self.happen(&Event::PostLeft(events::PostLeft { post, person, from: MORNING }));
        }
    }

    fn happen(&mut self, event: &Event) {
        happen(&mut self.organ, event, 1_000);
    }

    /// Something more happens in the agency.
    pub fn happens(&mut self, at: Timestamp, event: &Event) {
        let id = OrganId::new(Uuid::from_u128(0xa9e));
        let meta = Meta {
            stream: id.uuid(),
            revision: Revision::new(1_000),
            at,
            organ: id,
            person: None,
            acting_as: None,
            on_behalf_of: None,
            command: CommandId::new(Uuid::nil()),
        };
        self.organ.evolve(event, &meta);
    }

    /// Somebody leaves their post.
    pub fn leaves_at(&mut self, who: Who, at: Timestamp) {
        let acting = acting(who);
        let left = events::PostLeft { post: acting.post, person: acting.person, from: at };
        self.happens(at, &Event::PostLeft(left));
    }

    /// `substitute` as the substitute of `holder`, for a hundred days.
    pub fn substitutes(&mut self, substitute: Who, holder: Who) -> Who {
        let (to, post) = (acting(substitute).person, acting(holder).post);
        let until = MORNING.plus_minutes(100 * 24 * 60);
        self.happens(MORNING, &Event::PostDelegated(events::PostDelegated { post, to, from: MORNING, until }));
        self.organ.who(to, Some(post), MORNING)
    }

    /// A newcomer takes the post that somebody held; they act in it from `at` on.
    pub fn succeeds(&mut self, holder: Who, at: Timestamp) -> Who {
        let (post, newcomer) = (acting(holder).post, person(50));
        self.leaves_at(holder, at);
        self.happens(at, &Event::PostAssumed(events::PostAssumed { post, person: newcomer, from: at }));
        self.organ.who(newcomer, Some(post), at)
    }

    /// A unit below `parent`, with a head.
    pub fn sub_unit(&mut self, parent: UnitId) -> (UnitId, Who) {
        let unit = UnitId::new(Uuid::from_u128(10 + u128::try_from(self.organ.units.len()).unwrap_or_default()));
        let (name, abbreviation) = (text("Tổ Tổng hợp"), text("TH"));
        self.happens(MORNING, &Event::UnitCreated(events::UnitCreated { unit, parent, name, abbreviation }));
        let n = 20 + u128::try_from(self.organ.posts.len()).unwrap_or_default();
        let (post, person, title) = (post(n), person(n), text("Tổ trưởng"));
        self.happens(MORNING, &Event::PostCreated(events::PostCreated { post, unit, role: Role::UnitHead, title }));
        self.happens(MORNING, &Event::PostAssumed(events::PostAssumed { post, person, from: MORNING }));
        (unit, self.organ.who(person, None, MORNING))
    }

    /// Everybody, with what to call them.
    pub fn everybody(&self) -> [(&'static str, Who); 11] {
        [
            ("leader", self.leader),
            ("deputy", self.deputy),
            ("clerk", self.clerk),
            ("head", self.head),
            ("officer", self.officer),
            ("colleague", self.colleague),
            ("other head", self.other_head),
            ("other officer", self.other_officer),
            ("inspector", self.inspector),
            ("administrator", self.administrator),
            ("outsider", self.outsider),
        ]
    }
}
