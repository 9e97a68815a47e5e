//! How events change what is known of agencies and people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use socai_domain::{
    calendar::WorkingCalendar,
    decide::Meta,
    id::{OrganId, PersonId, PostId, UnitId},
    organ::{self, Role, Setting},
    person,
    text::{OrganCode, PersonName, ShortText},
    time::{Date, Timestamp},
};

/// An agency.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Organ {
    /// The place of its first record.
    pub(super) ordinal: i64,
    pub(super) id: OrganId,
    pub(super) name: Option<ShortText>,
    pub(super) codes: Vec<(Option<Date>, OrganCode)>,
    pub(super) root: Option<UnitId>,
    pub(super) units: Vec<Unit>,
    pub(super) posts: Vec<Post>,
    pub(super) open_within: bool,
    pub(super) due_soon_days: u16,
    /// What was decided, and when: what arrived is measured by what was in force then.
    pub(super) urgent_minutes: Vec<(Timestamp, u32)>,
    /// By the first day.
    pub(crate) baselines: BTreeMap<Date, organ::events::Baseline>,
    /// In a column of its own, so that whoever needs nothing else of an agency reads no more.
    #[serde(skip)]
    pub(crate) calendar: WorkingCalendar,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Unit {
    pub(super) id: UnitId,
    pub(super) parent: Option<UnitId>,
    pub(super) name: ShortText,
    pub(super) abbreviation: Option<ShortText>,
    pub(super) closed: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Post {
    pub(super) id: PostId,
    pub(super) unit: UnitId,
    pub(super) role: Role,
    pub(super) title: ShortText,
    pub(super) abolished: bool,
    pub(super) tenures: Vec<Tenure>,
    pub(super) delegations: Vec<Delegation>,
}

/// A substitute; they act only while the tenure in which it was given lasts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Delegation {
    pub(super) person: PersonId,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// The place of that tenure; none where the post was vacant.
    pub(super) given_in: Option<usize>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Tenure {
    pub(super) person: PersonId,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

impl Organ {
    pub(crate) fn new(ordinal: i64, id: OrganId) -> Self {
        let settings = organ::Settings::default();
        Self {
            ordinal,
            id,
            name: None,
            codes: Vec::new(),
            root: None,
            units: Vec::new(),
            posts: Vec::new(),
            open_within: settings.open_within_organ,
            due_soon_days: settings.due_soon_days,
            urgent_minutes: Vec::new(),
            baselines: BTreeMap::new(),
            calendar: WorkingCalendar::default(),
        }
    }

    /// The unit of a post. Posts do not move.
    pub(crate) fn unit_of(&self, post: PostId) -> Option<UnitId> {
        self.posts.iter().find(|other| other.id == post).map(|post| post.unit)
    }

    /// Those in force at an instant.
    pub(crate) fn urgent_minutes(&self, at: Timestamp) -> u32 {
        let decided = self.urgent_minutes.iter().rfind(|(from, _)| *from <= at);
        decided.map_or(organ::Settings::default().urgent_minutes, |(_, minutes)| *minutes)
    }

    fn unit(&mut self, id: UnitId) -> Option<&mut Unit> {
        self.units.iter_mut().find(|unit| unit.id == id)
    }

    fn post(&mut self, id: PostId) -> Option<&mut Post> {
        self.posts.iter_mut().find(|post| post.id == id)
    }

    /// Takes in one event; `place` is its place in the log.
    pub(crate) fn apply(&mut self, event: &organ::Event, meta: &Meta, place: i64) {
        use organ::Event;
        match event {
            Event::Registered(e) => {
                self.ordinal = place;
                self.name = Some(e.name.clone());
                self.codes.push((None, e.code.clone()));
                self.root = Some(e.root);
                self.add(Unit { id: e.root, parent: None, name: e.name.clone(), abbreviation: None, closed: false });
            }
            Event::CodeChanged(e) => self.codes.push((Some(e.from), e.code.clone())),
            Event::UnitCreated(e) => {
                let (name, abbreviation) = (e.name.clone(), Some(e.abbreviation.clone()));
                self.add(Unit { id: e.unit, parent: Some(e.parent), name, abbreviation, closed: false });
            }
            Event::UnitRenamed(e) => {
                if let Some(unit) = self.unit(e.unit) {
                    unit.name = e.name.clone();
                    unit.abbreviation = Some(e.abbreviation.clone());
                }
            }
            Event::UnitClosed(e) => {
                if let Some(unit) = self.unit(e.unit) {
                    unit.closed = true;
                }
            }
            Event::PostCreated(e) => {
                self.posts.retain(|post| post.id != e.post);
                let (tenures, delegations, title) = (Vec::new(), Vec::new(), e.title.clone());
                self.posts.push(Post {
                    id: e.post,
                    unit: e.unit,
                    role: e.role,
                    title,
                    abolished: false,
                    tenures,
                    delegations,
                });
            }
            Event::PostAbolished(e) => {
                if let Some(post) = self.post(e.post) {
                    post.abolished = true;
                }
            }
            Event::PostAssumed(e) => {
                if let Some(post) = self.post(e.post) {
                    post.tenures.push(Tenure { person: e.person, from: e.from, until: None });
                }
            }
            Event::PostLeft(e) => {
                if let Some(post) = self.post(e.post) {
                    post.leave(e.person, e.from);
                }
            }
            Event::PostDelegated(e) => {
                if let Some(post) = self.post(e.post) {
                    let given_in = post.tenures.iter().rposition(|tenure| tenure.covers(meta.at));
                    post.delegations.push(Delegation { person: e.to, from: e.from, until: e.until, given_in });
                }
            }
            Event::DelegationEnded(e) => {
                if let Some(post) = self.post(e.post) {
                    post.end_delegations(e.to, meta.at);
                }
            }
            Event::CalendarDecided(e) => {
                self.calendar.set(e.calendar.clone());
            }
            Event::BaselineDecided(e) => {
                self.baselines.insert(e.from, e.baseline.clone());
            }
            Event::SettingChanged(e) => match &e.setting {
                Setting::OpenWithinOrgan { on } => self.open_within = *on,
                Setting::UrgentMinutes { minutes } => self.urgent_minutes.push((meta.at, *minutes)),
                Setting::DueSoonDays { days } => self.due_soon_days = *days,
                _ => {}
            },
            Event::Succeeded(_) | Event::LimitDecided(_) | Event::HandOverDecided(_) => {}
        }
    }

    fn add(&mut self, unit: Unit) {
        self.units.retain(|other| other.id != unit.id);
        self.units.push(unit);
    }
}

impl Tenure {
    fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl Post {
    /// Ends the newest tenure of a person that has not ended by then.
    fn leave(&mut self, person: PersonId, at: Timestamp) {
        let open = |tenure: &&mut Tenure| tenure.person == person && tenure.until.is_none_or(|until| until > at);
        if let Some(tenure) = self.tenures.iter_mut().rev().find(open) {
            tenure.until = Some(at);
        }
    }

    /// Ends every delegation to a person that has not ended by then: they may overlap.
    fn end_delegations(&mut self, person: PersonId, at: Timestamp) {
        for delegation in self.delegations.iter_mut().filter(|delegation| delegation.person == person) {
            delegation.until = delegation.until.min(at);
        }
    }
}

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(super) ordinal: i64,
    pub(super) id: PersonId,
    pub(super) organ: OrganId,
    /// None: erased.
    pub(super) name: Option<PersonName>,
}

impl Person {
    pub(crate) fn new(ordinal: i64, id: PersonId, organ: OrganId) -> Self {
        Self { ordinal, id, organ, name: None }
    }

    /// Takes in one event.
    pub(crate) fn apply(&mut self, event: &person::Event) {
        self.name = Some(match event {
            person::Event::Registered(e) => e.name.clone(),
            person::Event::Changed(e) => e.name.clone(),
        });
    }

    /// Their key was destroyed.
    pub(crate) fn apply_erased(&mut self) {
        self.name = None;
    }
}
