//! Making histories.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use futures::{FutureExt as _, StreamExt as _};
use socai_domain::{
    deadline::Limit,
    document_types::Channel,
    id::{BranchId, CommandId, CorrelationId, IncomingId, OrganId, PersonId, PostId, RegisterId, UnitId},
    incoming::{
        self,
        events::{self as on, Assignee, BranchRole, Holder},
        testing::details,
    },
    ledger::{
        Append, Context, DomainEvent, EventLog, Expected, Followed, KeyRing, LedgerId, Opener, Position, Revision,
        StreamId, StreamKind, memory::MemoryLog, memory_keys::MemoryKeyRing,
    },
    person, register,
    testing::agency_events,
    text::{Abstract, ArrivalNumber, CodeNotation, CodeNumber, LongText, PersonName, Reason, ShortText},
    time::{Clock, Timestamp},
};
use uuid::Uuid;

use crate::{Rebuilt, Viewer, Views, ViewsError, follower::Builder};

/// A clock that is set by hand.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The people of the agency, by what they are. Post and person have one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Leader = 0,
    Deputy = 1,
    Clerk = 2,
    Head = 3,
    Officer = 4,
    Colleague = 5,
    OtherHead = 6,
    OtherOfficer = 7,
    Inspector = 8,
    Administrator = 9,
    Outsider = 99,
}

impl Who {
    pub(super) const ALL: [Self; 11] = [
        Self::Leader,
        Self::Deputy,
        Self::Clerk,
        Self::Head,
        Self::Officer,
        Self::Colleague,
        Self::OtherHead,
        Self::OtherOfficer,
        Self::Inspector,
        Self::Administrator,
        Self::Outsider,
    ];

    pub(super) fn person(self) -> PersonId {
        PersonId::new(Uuid::from_u128(0x200 + self as u128))
    }

    pub(super) fn post(self) -> PostId {
        PostId::new(Uuid::from_u128(0x100 + self as u128))
    }

    pub(super) fn holder(self) -> Holder {
        Holder { post: self.post(), person: self.person() }
    }

    pub(super) fn assignee(self) -> Assignee {
        Assignee::Person { holder: self.holder() }
    }
}

pub(super) const UNIT: u128 = 2;
pub(super) const OTHER_UNIT: u128 = 3;

pub(super) fn unit(n: u128) -> UnitId {
    UnitId::new(Uuid::from_u128(n))
}

pub(super) fn organ() -> OrganId {
    OrganId::new(Uuid::from_u128(0xa9e))
}

pub(super) fn reason() -> Reason {
    Reason::new("vì một lý do ví dụ").unwrap()
}

pub(super) fn words(text: &str) -> LongText {
    LongText::new(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}+07:00")).unwrap()
}

pub(super) fn branch(n: u128) -> BranchId {
    BranchId::new(Uuid::from_u128(0xb000 + n))
}

pub(super) fn new_branch(n: u128, assignee: Assignee, role: BranchRole, limit: Limit) -> on::NewBranch {
    on::NewBranch { branch: branch(n), assignee, role, limit, note: None }
}

pub(super) const DAYS: fn(u16) -> Limit = |days| Limit::WorkingDays { days };

/// A log with an agency in it, and who acts in it now.
pub(super) struct History {
    pub(super) log: MemoryLog,
    pub(super) ring: Arc<MemoryKeyRing>,
    clock: Arc<Hand>,
    revisions: HashMap<StreamId, Revision>,
    acting: Option<Who>,
    count: u128,
    numbers: u32,
}

impl History {
    /// The agency of the domain's tests since Tuesday 2026-03-03 08:00, its people with their names.
    pub(super) fn new() -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(at("2026-03-03T08:00:00").as_micros())));
        let log = MemoryLog::new(LedgerId(Uuid::from_u128(0x1ed9)), clock.clone());
        let ring = Arc::new(MemoryKeyRing::new());
        let mut history = Self { log, ring, clock, revisions: HashMap::new(), acting: None, count: 0, numbers: 0 };
        let agency = StreamId::new(StreamKind::Organ, organ().uuid());
        for event in agency_events() {
            history.happen(agency, event);
        }
        for who in Who::ALL {
            let name = PersonName::new(format!("Nguyễn Văn {who:?}")).unwrap();
            let stream = StreamId::new(StreamKind::Person, who.person().uuid());
            history.happen(
                stream,
                person::Event::Registered(person::events::PersonRegistered { name, email: None, phone: None }),
            );
        }
        history
    }

    pub(super) fn opener(&self) -> Opener {
        Opener::new(self.ring.clone())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// It is now this time.
    pub(super) fn at(&mut self, text: &str) -> &mut Self {
        self.set(at(text))
    }

    pub(super) fn set(&mut self, now: Timestamp) -> &mut Self {
        self.clock.0.fetch_max(now.as_micros(), Ordering::SeqCst);
        self
    }

    /// What follows is done by them.
    pub(super) fn by(&mut self, who: Who) -> &mut Self {
        self.acting = Some(who);
        self
    }

    /// One record. Returns its position.
    pub(super) fn happen(&mut self, stream: StreamId, event: impl Into<DomainEvent>) -> Position {
        let event = event.into();
        let last = self.revisions.get(&stream).copied();
        let expected = Expected::after(last);
        let revision = expected.next();
        self.count += 1;
        let context = Context {
            at: self.now(),
            acting_as: self.acting.map(Who::post),
            on_behalf_of: None,
            command: CommandId::new(Uuid::from_u128(0xc000_0000 + self.count)),
            input: [0; 32],
            correlation: CorrelationId::new(Uuid::nil()),
            causation: None,
            judged_by: None,
        };
        let mut bytes = Vec::new();
        event.encode(&mut bytes);
        let mut sealed = postcard::to_stdvec(&context).unwrap();
        sealed.extend(bytes);
        let cipher = self.ring.sealing(stream, revision).now_or_never().unwrap().unwrap().cipher();
        let person = self.acting.map_or(Uuid::nil(), |who| who.person().uuid());
        let draft = cipher.seal(stream, revision, event.kind(), organ().uuid(), person, &sealed);
        let appended =
            self.log.append(Append { stream, expected, drafts: vec![draft] }).now_or_never().unwrap().unwrap();
        self.revisions.insert(stream, revision);
        appended.last().position
    }

    /// Something happens to the agency.
    pub(super) fn agency(&mut self, event: impl Into<socai_domain::organ::Event>) -> Position {
        self.happen(StreamId::new(StreamKind::Organ, organ().uuid()), event.into())
    }

    /// Something happens to a document.
    pub(super) fn on(&mut self, document: IncomingId, event: impl Into<incoming::Event>) -> Position {
        self.happen(incoming::stream(document), event.into())
    }

    /// `on(…)` where nobody asks for the position.
    pub(super) fn then(&mut self, document: IncomingId, event: impl Into<incoming::Event>) -> &mut Self {
        self.on(document, event);
        self
    }

    /// A document arrives.
    pub(super) fn arrives(&mut self, n: u128, change: impl FnOnce(&mut on::Arrived)) -> IncomingId {
        let id = IncomingId::new(Uuid::from_u128(0xd0c_0000 + n));
        let mut arrived = on::Arrived {
            channel: Channel::Axis,
            axis: None,
            arrived_at: self.now(),
            details: details(),
            files: Vec::new(),
            follows: None,
        };
        change(&mut arrived);
        self.by(Who::Clerk).on(id, arrived);
        id
    }

    /// Mail to somebody by name is logged unopened.
    pub(super) fn stays_unopened(&mut self, n: u128) -> IncomingId {
        let id = IncomingId::new(Uuid::from_u128(0xd0c_0000 + n));
        let logged = on::UnopenedLogged {
            sender: ShortText::new("Một người gửi ví dụ").unwrap(),
            envelope: ShortText::new("VD-01").unwrap(),
            addressed_to: PersonName::new("Nguyễn Văn Ví Dụ").unwrap(),
            arrived_at: self.now(),
        };
        self.by(Who::Clerk).on(id, logged);
        id
    }

    /// It gets the next number of the year's book.
    pub(super) fn registers(&mut self, document: IncomingId) -> &mut Self {
        let (series, year) = (ShortText::new("đến").unwrap(), self.now().year());
        let register = RegisterId::of(organ(), "đến", year);
        let book = StreamId::new(StreamKind::Register, register.uuid());
        if !self.revisions.contains_key(&book) {
            let series = series.clone();
            let opened = register::events::BookOpened { organ: organ(), series, year };
            self.happen(book, register::Event::from(opened));
        }
        self.numbers += 1;
        let number = ArrivalNumber::new(self.numbers).unwrap();
        let (fingerprint, accepted_duplicates, accepted_because) = (None, Vec::new(), None);
        let began = on::RegistrationBegan {
            register,
            series,
            year,
            fingerprint,
            accepted_duplicates: accepted_duplicates.clone(),
            accepted_because,
        };
        self.on(document, began);
        let accepted_because = None;
        let given =
            register::events::NumberAssigned { number, document, fingerprint, accepted_duplicates, accepted_because };
        self.happen(book, register::Event::from(given));
        self.then(document, on::Registered { register, number })
    }

    /// The clerk submits it to the leader.
    pub(super) fn submits(&mut self, document: IncomingId) -> &mut Self {
        self.by(Who::Clerk).then(document, on::Submitted { to: Who::Leader.holder(), note: None })
    }

    /// The leader directs it.
    pub(super) fn directs(&mut self, document: IncomingId, branches: Vec<on::NewBranch>) -> &mut Self {
        let directed =
            on::Directed { note: Some(words("Giao chủ trì")), branches, follower: None, by_regulation: false };
        self.by(Who::Leader).then(document, directed)
    }

    pub(super) fn completes(&mut self, document: IncomingId, n: u128) -> &mut Self {
        let (result, files) = (words("Đã xong"), Vec::new());
        self.then(document, on::BranchCompleted { branch: branch(n), result: Some(result), proposal: None, files })
    }

    pub(super) fn resolves(&mut self, document: IncomingId) -> &mut Self {
        let resolved = on::Resolved {
            how: on::Resolution::Noted,
            answers: Vec::new(),
            note: None,
            transferred_to: None,
            closed: Vec::new(),
            closed_because: None,
            confirms: None,
        };
        self.by(Who::Leader).then(document, resolved)
    }

    /// What a person sees now.
    pub(super) fn sight(&self, who: Who) -> Viewer {
        Viewer::person(organ(), who.person(), self.now())
    }

    /// Brings views in step with the log, `chunk` records to a commit.
    pub(super) async fn fill(&self, views: &Views, chunk: usize) {
        let mut builder = Builder::new(views.clone(), self.opener());
        self.take(&mut builder, chunk).await.unwrap();
    }

    /// Takes in all that is in the log, `chunk` records to a commit.
    pub(super) async fn take(&self, builder: &mut Builder, chunk: usize) -> Result<(), ViewsError> {
        let (mut followed, mut all) = (self.log.follow(None), Vec::new());
        while let Some(Ok(Followed::Records(records))) = followed.next().await {
            all.extend(records);
        }
        for records in all.chunks(chunk) {
            builder.take(records).await?;
        }
        Ok(())
    }

    /// Views built from nothing where there are none.
    pub(super) async fn rebuild(&self, path: &Path) -> Rebuilt {
        let views = Views::awaited(path);
        let rebuilt = views.rebuild(&self.log, &self.opener()).await.unwrap();
        views.close().await;
        rebuilt
    }

    /// Views in memory, in step with the log.
    pub(super) async fn views(&self) -> Views {
        let views = Views::in_memory().await.unwrap();
        self.fill(&views, 1_000).await;
        views
    }
}

/// A document with a number and symbol and an abstract.
pub(super) fn says(number: &str, notation: &str, about: &str) -> impl FnOnce(&mut on::Arrived) {
    move |arrived| {
        arrived.details.number = Some(CodeNumber::new(number).unwrap());
        arrived.details.notation = Some(CodeNotation::new(notation).unwrap());
        arrived.details.abstract_text = Abstract::new(about).unwrap();
    }
}

/// Erasing.
impl History {
    /// What is recorded from now on has another key.
    pub(super) fn begins_anew(&mut self, document: IncomingId) -> Revision {
        let stream = incoming::stream(document);
        let next = Expected::after(self.revisions.get(&stream).copied()).next();
        self.ring.renew(stream, next).now_or_never().unwrap().unwrap();
        next
    }

    /// The old key goes.
    pub(super) fn destroys(&mut self, document: IncomingId, below: Revision) {
        self.ring.destroy(incoming::stream(document), below).now_or_never().unwrap().unwrap();
    }
}
