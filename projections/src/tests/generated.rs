//! Histories made by chance: plausible enough to reach every table, wild enough to surprise. The same seed, the same history.

use socai_domain::{
    calendar::{CalendarYear, Holiday},
    deadline::Limit,
    document_types::{Channel, SecrecyLevel, Urgency},
    id::{IncomingId, RegisterId},
    incoming::{
        Event,
        events::{self as on, Assignee, BranchRole},
        testing::details,
    },
    ledger::Revision,
    organ::{Setting, events as agency},
    register::VoidReason,
    text::{Abstract, ArrivalNumber, ShortText},
    time::Date,
};

use super::history::{DAYS, History, OTHER_UNIT, UNIT, Who, branch, new_branch, organ, reason, unit, words};

/// Chance, repeatable.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    /// Less than `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

struct Known {
    id: IncomingId,
    number: Option<u32>,
    branches: Vec<u128>,
    gone: bool,
}

/// A history in the making.
pub(super) struct Generated {
    pub(super) history: History,
    pub(super) chance: Chance,
    /// Whether documents are expunged, too.
    pub(super) erases: bool,
    known: Vec<Known>,
    branches: u128,
    numbers: u32,
}

const PEOPLE: [Who; 6] = [Who::Head, Who::Officer, Who::Colleague, Who::OtherHead, Who::OtherOfficer, Who::Deputy];

impl Generated {
    pub(super) fn new(seed: u64) -> Self {
        let (history, chance) = (History::new(), Chance::new(seed));
        Self { history, chance, erases: true, known: Vec::new(), branches: 0, numbers: 0 }
    }

    /// So many more things happen.
    pub(super) fn steps(&mut self, steps: usize) -> &mut Self {
        for _ in 0..steps {
            let minutes = i64::try_from(self.chance.below(600)).unwrap();
            self.history.set(self.history.now().plus_minutes(minutes));
            match self.chance.below(20) {
                0..4 => self.arrives(),
                4 => self.agency(),
                _ if self.known.is_empty() => self.arrives(),
                _ => self.document(),
            }
        }
        self
    }

    fn arrives(&mut self) {
        let n = self.known.len() as u128;
        // Left unopened; some of it turns out to be the agency's and is brought back.
        if self.chance.below(6) == 0 {
            let id = self.history.stays_unopened(n);
            let gone = self.chance.below(3) == 0;
            if !gone {
                let later = i64::try_from(self.chance.below(3_000)).unwrap();
                self.history.set(self.history.now().plus_minutes(later));
                self.history.arrives(n, |arrived| arrived.channel = Channel::Paper);
            }
            self.known.push(Known { id, number: gone.then_some(0), branches: Vec::new(), gone });
            return;
        }
        let (channel, paper) = (self.chance.one(&[Channel::Axis, Channel::Paper]), self.chance.below(3) == 0);
        let type_name = self.chance.one(&["Công văn", "Quyết định", "Tờ trình"]);
        let id = self.history.arrives(n, |arrived| {
            arrived.channel = channel;
            arrived.details.paper_follows = paper;
            arrived.details.type_name = ShortText::new(type_name).unwrap();
            arrived.details.abstract_text = Abstract::new(format!("Về việc thứ {n} của tỉnh Ví Dụ")).unwrap();
            arrived.details.urgency = if n.is_multiple_of(5) { Urgency::Urgent } else { Urgency::Normal };
        });
        self.known.push(Known { id, number: None, branches: Vec::new(), gone: false });
    }

    fn agency(&mut self) {
        let now = self.history.now();
        match self.chance.below(7) {
            0 => {
                let date = Date::new(2026, 3, 3).unwrap().plus_days(i32::try_from(self.chance.below(60)).unwrap());
                let name = ShortText::new("Ngày lễ ví dụ").unwrap();
                let calendar = CalendarYear { holidays: vec![Holiday { date, name }], ..CalendarYear::plain(2026) };
                self.history.agency(agency::CalendarDecided { calendar });
            }
            1 => {
                let until = now.plus_minutes(4_000);
                self.history.agency(agency::PostDelegated {
                    post: Who::Officer.post(),
                    to: Who::Colleague.person(),
                    from: now,
                    until,
                });
            }
            2 => {
                let (post, person) = (Who::OtherOfficer.post(), Who::OtherOfficer.person());
                self.history.agency(agency::PostLeft { post, person, from: now });
            }
            3 => {
                let (post, person) = (Who::OtherOfficer.post(), Who::OtherOfficer.person());
                self.history.agency(agency::PostAssumed { post, person, from: now });
            }
            4 => {
                let (post, person) = (Who::OtherHead.post(), Who::OtherHead.person());
                self.history.agency(agency::PostLeft { post, person, from: now });
            }
            5 => {
                let (post, person) = (Who::OtherHead.post(), Who::OtherHead.person());
                self.history.agency(agency::PostAssumed { post, person, from: now });
            }
            _ => {
                let days = u16::try_from(self.chance.below(4)).unwrap();
                self.history.agency(agency::SettingChanged { setting: Setting::DueSoonDays { days } });
            }
        }
    }

    fn new_branches(&mut self) -> Vec<on::NewBranch> {
        let mut branches = Vec::new();
        for role in [BranchRole::Lead, BranchRole::Coordinating, BranchRole::Informed] {
            if role != BranchRole::Lead && self.chance.below(2) == 0 {
                continue;
            }
            self.branches += 1;
            let limit = match self.chance.below(5) {
                0 => Limit::None,
                1 => Limit::Minutes { minutes: 300 },
                n => DAYS(u16::try_from(n).unwrap()),
            };
            let assignee = self.assignee();
            branches.push(new_branch(self.branches, assignee, role, limit));
        }
        branches
    }

    fn assignee(&mut self) -> Assignee {
        match self.chance.below(3) {
            0 => Assignee::Unit { unit: unit(self.chance.one(&[UNIT, OTHER_UNIT])) },
            _ => self.chance.one(&PEOPLE).assignee(),
        }
    }

    fn document(&mut self) {
        let at = usize::try_from(self.chance.below(self.known.len() as u64)).unwrap();
        let (id, number) = (self.known[at].id, self.known[at].number);
        let Some(number) = number else { return self.before_number(at) };
        if self.known[at].gone {
            return;
        }
        let some = self.known[at].branches.last().copied();
        let who = self.chance.one(&PEOPLE);
        self.history.by(who);
        let until = self.history.now().plus_minutes(2_000);
        let event: Event = match (self.chance.below(24), some.map(branch)) {
            (0, _) => on::Submitted { to: Who::Leader.holder(), note: None }.into(),
            (1, _) => on::ReturnedToClerk { reason: reason() }.into(),
            (2 | 3, _) | (_, None) => {
                let branches = self.new_branches();
                self.remember(at, &branches);
                self.history.by(Who::Leader);
                let by_regulation = self.chance.below(6) == 0;
                on::Directed { note: None, branches, follower: Some(Who::Colleague.assignee()), by_regulation }.into()
            }
            (4 | 5, Some(parent)) => {
                let branches = self.new_branches();
                self.remember(at, &branches);
                on::Assigned { parent, branches, note: None }.into()
            }
            (6, Some(branch)) => on::BranchAccepted { branch }.into(),
            (7, Some(branch)) => on::ProgressReported { branch, text: words("Đang làm") }.into(),
            (8, Some(branch)) => {
                let from = Who::Head.assignee();
                on::BranchReassigned { branch, from, to: self.assignee(), reason: reason() }.into()
            }
            (9, Some(branch)) => on::BranchReturned { branch, reason: reason() }.into(),
            (10, Some(branch)) => on::ExtensionRequested { branch, until, reason: reason() }.into(),
            (11, Some(branch)) => on::ExtensionDecided { branch, until: Some(until), note: None }.into(),
            (12, _) => on::Paused { reason: reason(), until }.into(),
            (13, _) => on::Resumed { note: None }.into(),
            (14 | 15, Some(branch)) => {
                on::BranchCompleted { branch, result: Some(words("Xong")), proposal: None, files: Vec::new() }.into()
            }
            (16, Some(branch)) => {
                on::BranchAmended { branch, limit: Some(DAYS(1)), note: None, reason: reason() }.into()
            }
            (17, _) => {
                self.history.resolves(id);
                return;
            }
            (18, _) => {
                // What is reopened was resolved.
                self.history.resolves(id);
                on::Reopened { reason: reason(), limit: DAYS(2), on_word_of: None }.into()
            }
            (19, _) => on::PaperArrived { arrived_at: self.history.now() }.into(),
            (20, _) => on::AccessGranted { to: Who::Outsider.person() }.into(),
            (21, _) => match self.chance.below(2) {
                0 => on::ArrivedAgain { content: [9; 32], details: details(), files: Vec::new() }.into(),
                _ => on::Annotated { note: words("Đã xem") }.into(),
            },
            (22, _) => match self.chance.below(2) {
                0 => on::ExpungeRequested { level: SecrecyLevel::Secret }.into(),
                _ => on::ExpungeDeclined { reason: reason() }.into(),
            },
            (_, Some(branch)) => match self.chance.below(4) {
                0 if self.erases => return self.expunge(at, number),
                0 | 1 => on::BranchWithdrawn { branch, reason: reason() }.into(),
                2 => on::Cancelled {
                    kind: VoidReason::Error,
                    reason: reason(),
                    void_number: ArrivalNumber::new(number).ok(),
                    register: Some(RegisterId::of(organ(), "đến", 2026)),
                }
                .into(),
                _ => {
                    let (from, to) = (Who::Officer.holder(), Who::Colleague.holder());
                    on::WorkHandedOver { from, to, branches: vec![branch] }.into()
                }
            },
        };
        self.history.on(id, event);
    }

    fn before_number(&mut self, at: usize) {
        let id = self.known[at].id;
        self.history.by(Who::Clerk);
        if self.chance.below(6) == 0 {
            self.known[at].number = Some(0);
            self.known[at].gone = true;
            self.history.on(id, on::ReceiptRefused { reason: reason() });
        } else {
            self.numbers += 1;
            self.known[at].number = Some(self.numbers);
            self.history.registers(id);
        }
    }

    fn remember(&mut self, at: usize, new: &[on::NewBranch]) {
        let first = self.branches + 1 - new.len() as u128;
        self.known[at].branches.extend(first..=self.branches);
    }

    fn expunge(&mut self, at: usize, number: u32) {
        self.known[at].gone = true;
        self.history.by(Who::Clerk).expunges(self.known[at].id, number);
    }
}

impl History {
    /// The document turns out to be secret: its key is destroyed.
    pub(super) fn expunges(&mut self, document: IncomingId, number: u32) {
        self.erases(document, ArrivalNumber::new(number).ok());
    }

    /// The same, before it had a number.
    pub(super) fn expunges_unregistered(&mut self, document: IncomingId) {
        self.erases(document, None);
    }

    fn erases(&mut self, document: IncomingId, void_number: Option<ArrivalNumber>) {
        let below = self.begins_to_erase(document, void_number);
        self.destroys(document, below);
        self.on(document, on::ErasureCompleted { below: below.number(), files_removed: 0 });
    }

    /// It is expunged, and its old key is still there. Returns up to where that key reaches.
    pub(super) fn begins_to_erase(&mut self, document: IncomingId, void_number: Option<ArrivalNumber>) -> Revision {
        let expunged = on::Expunged {
            level: SecrecyLevel::Secret,
            requested_by: Who::Clerk.person(),
            organ: organ(),
            void_number,
            register: void_number.map(|_| RegisterId::of(organ(), "đến", 2026)),
            files: Vec::new(),
        };
        let below = self.begins_anew(document);
        self.on(document, expunged);
        below
    }
}
