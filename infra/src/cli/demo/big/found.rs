//! Founding the agency, and what changes in it over the years, through the real commands.

use socai_commands::{CommandError, Envelope, Handler, Requester};
use socai_domain::{
    calendar::CalendarYear,
    deadline::Limit,
    decide::Decide,
    document_types::Urgency,
    id::UnitId,
    ledger::StreamId,
    organ::{
        self, Setting, assume_post::AssumePost, change_setting::ChangeSetting, create_post::CreatePost,
        create_unit::CreateUnit, decide_baseline::DecideBaseline, decide_calendar::DecideCalendar,
        decide_limit::DecideLimit, delegate::DelegatePost, events::Baseline, leave_post::LeavePost,
    },
    person::{self, register::RegisterPerson},
    text::OrganCode,
    time::{Date, Timestamp},
};

use super::{
    World,
    office::{Absence, CODE, NAME, Office, name, short},
};
use crate::cli::register_organ::{Registered, register};

/// The limits of the agency's regulation: for a type or an urgency, how long.
pub(super) const LIMITS: [(Option<&str>, Option<Urgency>, Limit); 6] = [
    (None, None, Limit::WorkingDays { days: 10 }),
    (None, Some(Urgency::Urgent), Limit::WorkingDays { days: 5 }),
    (None, Some(Urgency::VeryUrgent), Limit::WorkingDays { days: 2 }),
    (None, Some(Urgency::Flash), Limit::WorkingDays { days: 1 }),
    (Some("Báo cáo"), Some(Urgency::Normal), Limit::WorkingDays { days: 15 }),
    (Some("Tờ trình"), Some(Urgency::Normal), Limit::WorkingDays { days: 12 }),
];

/// Something that changes in the agency.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Somebody leaves a post, and a new person takes it.
    Holder { post: usize, left: u64, came: u64 },
    /// The holder of a post is about to be away.
    Away { post: usize, absence: Absence },
    /// The next year's days off are known.
    Calendar(CalendarYear),
}

/// All changes, in order of time.
pub(super) fn changes(world: &World) -> Vec<(Timestamp, Change)> {
    let mut changes = Vec::new();
    for (index, post) in world.office.posts.iter().enumerate() {
        for pair in post.tenures.windows(2) {
            let change = Change::Holder { post: index, left: pair[0].1, came: pair[1].1 };
            changes.push((pair[1].0, change));
        }
        changes.extend(post.absences.iter().map(|absence| {
            let change = Change::Away { post: index, absence: *absence };
            (absence.told, change)
        }));
    }
    let known = world.days.first().year() + 1;
    for year in world.days.years.iter().filter(|year| year.year > known) {
        let day = Date::new(year.year - 1, 10, 20).expect("a day in October");
        let day = world.days.calendar.next_working_day(day);
        changes.push((day.start().plus_minutes(9 * 60), Change::Calendar(year.clone())));
    }
    changes.sort_by_key(|(at, _)| *at);
    changes
}

/// Carries out the agency's own commands.
pub(super) struct Founder<'a> {
    pub(super) world: &'a World,
    pub(super) handler: &'a Handler,
}

impl Founder<'_> {
    fn office(&self) -> &Office {
        &self.world.office
    }

    fn stream(&self) -> StreamId {
        organ::stream(self.office().organ)
    }

    /// The agency with its units, posts, people, calendar and regulation.
    pub(super) async fn found(&self) -> Result<(), CommandError> {
        let code = OrganCode::new(CODE).expect("an organ code");
        let administrator = RegisterPerson { name: name(u64::MAX), email: None, phone: None };
        let Registered { organ, .. } =
            register(self.handler, code, short(NAME), short("Quản trị viên"), administrator).await?;
        let known = self.world.days.first().year() + 1;
        for calendar in self.world.days.years.iter().filter(|year| year.year <= known) {
            let calendar = calendar.clone();
            self.system(&format!("calendar {}", calendar.year), DecideCalendar { calendar }).await?;
        }
        for (number, (document_type, urgency, limit)) in LIMITS.into_iter().enumerate() {
            let limit = DecideLimit { document_type: document_type.map(short), urgency, limit };
            self.system(&format!("limit {number}"), limit).await?;
        }
        let setting = Setting::ClerkMayPassOn { on: true };
        self.system("clerks pass on", ChangeSetting { setting }).await?;
        let baseline = Baseline {
            handling_minutes: Some(5 * 480),
            page_price: Some(300),
            envelope_price: Some(12_000),
            copy_minutes: Some(4),
            hour_price: Some(60_000),
        };
        let from = self.world.days.first();
        self.system("baseline", DecideBaseline { from, baseline }).await?;
        let root = self.handler.organ(organ).await?.root.unwrap_or_else(|| UnitId::new(organ.uuid()));
        self.units(root).await?;
        for (index, post) in self.office().posts.iter().enumerate() {
            let unit = post.unit.map_or(root, |unit| self.office().units[unit].id);
            let create = CreatePost { unit, role: post.role, title: short(post.title) };
            self.system(&format!("post {index}"), create).await?;
            self.takes(index, post.tenures[0].1).await?;
        }
        Ok(())
    }

    async fn units(&self, root: UnitId) -> Result<(), CommandError> {
        for unit in &self.office().units {
            let parent = unit.parent.map_or(root, |parent| self.office().units[parent].id);
            let (name, abbreviation) = (short(&unit.name), short(&unit.abbreviation));
            let create = CreateUnit { parent, name, abbreviation };
            self.system(&format!("unit {}", unit.abbreviation), create).await?;
        }
        Ok(())
    }

    /// A new person takes a post.
    async fn takes(&self, post: usize, number: u64) -> Result<(), CommandError> {
        let person = self.office().person(number);
        let known = RegisterPerson { name: name(number), email: None, phone: None };
        let command = self.office().command(&format!("person {number}"));
        let envelope = Envelope::of(self.office().organ, Requester::System, command);
        self.handler.execute(person::stream(person), envelope, known).await?;
        let assume = AssumePost { post: self.office().posts[post].id, person, from: None };
        self.system(&format!("person {number} takes post {post}"), assume).await
    }

    /// What changes now.
    pub(super) async fn change(&self, change: Change) -> Result<(), CommandError> {
        match change {
            Change::Holder { post, left, came } => {
                let leave =
                    LeavePost { post: self.office().posts[post].id, person: self.office().person(left), from: None };
                self.system(&format!("person {left} leaves post {post}"), leave).await?;
                self.takes(post, came).await
            }
            Change::Away { post, absence } => {
                let holder = self.office().person(self.office().holder(post, absence.told));
                let id = self.office().posts[post].id;
                let Absence { from, until, substitute, .. } = absence;
                let delegate = DelegatePost { post: id, to: self.office().person(substitute), from, until };
                let command = self.office().command(&format!("post {post} is delegated from {from}"));
                let envelope =
                    Envelope::of(self.office().organ, Requester::Person(holder), command).acting_as(Some(id));
                self.handler.execute(self.stream(), envelope, delegate).await.map(drop)
            }
            Change::Calendar(calendar) => {
                self.system(&format!("calendar {}", calendar.year), DecideCalendar { calendar }).await
            }
        }
    }

    async fn system<C: Decide>(&self, name: &str, command: C) -> Result<(), CommandError> {
        let envelope = Envelope::of(self.office().organ, Requester::System, self.office().command(name));
        self.handler.execute(self.stream(), envelope, command).await.map(drop)
    }
}
