//! An agency (cơ quan): its units, posts, who holds them when, delegations, calendar, settings.
//!
//! Every decision about the agency's documents is judged by this state at a named revision.

use std::collections::BTreeMap;

pub mod abolish_post;
pub mod assume_post;
pub mod change_code;
pub mod change_setting;
pub mod close_unit;
pub mod create_post;
pub mod create_unit;
pub mod decide_baseline;
pub mod decide_calendar;
pub mod decide_hand_over;
pub mod decide_limit;
pub mod delegate;
pub mod end_delegation;
pub mod events;
pub mod leave_post;
mod post;
mod refusal;
pub mod register;
pub mod rename_unit;
pub mod succeed;
#[cfg(test)]
mod testing;

pub use post::{Delegation, Post, Tenure};
pub use refusal::Refusal;

pub use crate::ledger::catalogue::OrganEvent as Event;
use crate::{
    calendar::WorkingCalendar,
    deadline::Limit,
    decide::{Acting, Aggregate, By, Meta, Who},
    document_types::Urgency,
    id::{OrganId, PersonId, PostId, UnitId},
    ledger::StreamKind,
    refusal::Denied,
    text::{OrganCode, ShortText, code_key},
    time::{Date, Timestamp},
};

stable! {
    /// What a post may do.
    #[derive(Copy)]
    pub enum Role {
        /// Directs and resolves (lãnh đạo).
        Leader,
        /// Heads a unit (thủ trưởng đơn vị).
        UnitHead,
        /// Receives, registers, submits, passes on (văn thư).
        RecordsClerk,
        /// Handles (chuyên viên).
        Specialist,
        /// Sees all, changes nothing (thanh tra, giám sát).
        Inspector,
        /// Keeps units, posts, calendar and settings.
        Administrator,
    }

    /// A setting of the agency's working regulation, with its value.
    pub enum Setting {
        /// Everybody in the organ sees all its documents. Off by default.
        OpenWithinOrgan {
            /// Is it so?
            on: bool,
        },
        /// A clerk may pass a document straight to a unit. Off by default.
        ClerkMayPassOn {
            /// Is it so?
            on: bool,
        },
        /// The addressees that share this registry, e.g. `Chính phủ`. None by default.
        Addressees {
            /// Their names.
            names: Vec<ShortText>,
        },
        /// Minutes within which an urgent document is to be registered and submitted. 30 by default.
        UrgentMinutes {
            /// How many.
            minutes: u32,
        },
        /// Working days before the deadline from which work is due soon. 2 by default.
        DueSoonDays {
            /// How many.
            days: u16,
        },
        /// The series of arrival numbers. `đến` by default.
        IncomingSeries {
            /// Its name.
            name: ShortText,
        },
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Leader, Self::UnitHead, Self::RecordsClerk, Self::Specialist, Self::Inspector, Self::Administrator];
}

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The unit it belongs to; none for the root.
    pub parent: Option<UnitId>,
    /// Its name.
    pub name: ShortText,
    /// Its abbreviation.
    pub abbreviation: Option<ShortText>,
    /// It is no more.
    pub closed: bool,
}

/// A time limit in force since an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedLimit {
    /// Since when.
    pub since: Timestamp,
    /// The type it is for; every type where there is none.
    pub document_type: Option<ShortText>,
    /// The urgency it is for; every urgency where there is none.
    pub urgency: Option<Urgency>,
    /// The limit.
    pub limit: Limit,
}

/// The agency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organ {
    /// Its id; none before it is registered.
    pub id: Option<OrganId>,
    /// Its identifiers and since when, oldest first.
    pub codes: Vec<(Date, OrganCode)>,
    /// Its name.
    pub name: Option<ShortText>,
    /// The organ that goes on in its place, and since when.
    pub succeeded_by: Option<(OrganId, Date)>,
    /// The root of the unit tree.
    pub root: Option<UnitId>,
    /// Units by id.
    pub units: BTreeMap<UnitId, Unit>,
    /// Posts by id.
    pub posts: BTreeMap<PostId, Post>,
    /// The working calendar, all years.
    pub calendar: WorkingCalendar,
    /// Time limits, oldest first.
    pub limits: Vec<DatedLimit>,
    /// What "faster" and "saved" are reckoned by, by the first day.
    pub baselines: BTreeMap<Date, events::Baseline>,
    /// Settings.
    pub settings: Settings,
    /// Other series of arrival numbers that were in force before, oldest first.
    pub earlier_series: Vec<ShortText>,
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Everybody in the organ sees all its documents.
    pub open_within_organ: bool,
    /// A clerk may pass a document straight to a unit.
    pub clerk_may_pass_on: bool,
    /// The addressees that share this registry.
    pub addressees: Vec<ShortText>,
    /// Minutes within which an urgent document is to be registered and submitted.
    pub urgent_minutes: u32,
    /// Working days before the deadline from which work is due soon.
    pub due_soon_days: u16,
    /// The series of arrival numbers.
    pub incoming_series: ShortText,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            open_within_organ: false,
            clerk_may_pass_on: false,
            addressees: Vec::new(),
            urgent_minutes: 30,
            due_soon_days: 2,
            incoming_series: ShortText::new("đến").expect("a word is a short text"),
        }
    }
}

impl Organ {
    /// In which post `person` acts at `at`: the one they name, or the only one they hold. A substitute names the post.
    pub fn who(&self, person: PersonId, acting_as: Option<PostId>, at: Timestamp) -> Who {
        if let Some(post) = acting_as {
            return self.acting_in(person, post, at).map_or(Who::Nobody(person, Denied::NotYourPost), Who::Acting);
        }
        let mut held = self.posts.iter().filter(|(_, post)| post.held_by(person, at));
        match (held.next(), held.next()) {
            (Some((id, post)), None) => Who::Acting(post.acting(*id, person, None)),
            (Some(_), Some(_)) => Who::Nobody(person, Denied::ActingAsRequired),
            (None, _) => Who::Nobody(person, Denied::NoPost),
        }
    }

    fn acting_in(&self, person: PersonId, id: PostId, at: Timestamp) -> Option<Acting> {
        let post = self.posts.get(&id).filter(|post| !post.abolished)?;
        if post.held_by(person, at) {
            return Some(post.acting(id, person, None));
        }
        let holder = post.delegated_to(person, at)?;
        Some(post.acting(id, person, Some(holder)))
    }

    /// Who holds the post at `at`; nobody holds an abolished one.
    pub fn holder(&self, post: PostId, at: Timestamp) -> Option<PersonId> {
        self.posts.get(&post).and_then(|post| post.holder(at))
    }

    /// Is `unit` the unit `above` or somewhere under it? Ends whatever the tree looks like.
    pub fn is_within(&self, unit: UnitId, above: UnitId) -> bool {
        let mut at = Some(unit);
        for _ in 0..=self.units.len() {
            match at {
                Some(unit) if unit == above => return true,
                Some(unit) => at = self.units.get(&unit).and_then(|unit| unit.parent),
                None => return false,
            }
        }
        false
    }

    /// The organ's id; refused where it is not registered.
    pub fn known(&self) -> Result<OrganId, Refusal> {
        self.id.ok_or(Refusal::OrganUnknown)
    }

    /// Its administrator asks, or the operator at the console.
    fn administered(&self, by: &By<'_>) -> Result<(), Refusal> {
        by.require_or_system(Role::Administrator)?;
        self.known().map(|_| ())
    }

    /// A unit that is not closed.
    pub fn open_unit(&self, unit: UnitId) -> Result<&Unit, Refusal> {
        let unit = self.units.get(&unit).ok_or(Refusal::NoSuchUnit)?;
        if unit.closed { Err(Refusal::UnitClosed) } else { Ok(unit) }
    }

    /// A post that is not abolished.
    pub fn open_post(&self, post: PostId) -> Result<&Post, Refusal> {
        let post = self.posts.get(&post).ok_or(Refusal::NoSuchPost)?;
        if post.abolished { Err(Refusal::PostAbolished) } else { Ok(post) }
    }

    /// Every series of arrival numbers that is or was in force.
    pub fn series(&self) -> impl Iterator<Item = &ShortText> {
        let now = &self.settings.incoming_series;
        self.earlier_series.iter().filter(move |series| *series != now).chain([now])
    }

    /// The organ that goes on in this one's place at `at`.
    pub fn successor(&self, at: Timestamp) -> Option<OrganId> {
        self.succeeded_by.filter(|(_, from)| *from <= at.date()).map(|(by, _)| by)
    }

    /// The limit in force at `at` for a type, however it is written, and urgency: the newest of the most particular. An
    /// instant, which early builds stored, is none.
    pub fn limit(&self, type_name: &ShortText, urgency: Urgency, at: Timestamp) -> Option<Limit> {
        let key = code_key(type_name.as_str());
        let fits = |limit: &&DatedLimit| {
            limit.since <= at
                && limit.limit.stands()
                && limit.document_type.as_ref().is_none_or(|name| code_key(name.as_str()) == key)
                && limit.urgency.as_ref().is_none_or(|of| *of == urgency)
        };
        let rank = |limit: &&DatedLimit| (limit.document_type.is_some(), limit.urgency.is_some(), limit.since);
        self.limits.iter().filter(fits).max_by_key(rank).map(|limit| limit.limit)
    }
}

impl Aggregate for Organ {
    const KIND: StreamKind = StreamKind::Organ;
    type Event = Event;

    fn organ(&self) -> Option<OrganId> {
        self.id
    }

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::Registered(e) => {
                self.id = Some(OrganId::new(meta.stream));
                self.codes.push((Date::from_days(i32::MIN), e.code.clone()));
                self.name = Some(e.name.clone());
                self.root = Some(e.root);
                let root = Unit { parent: None, name: e.name.clone(), abbreviation: None, closed: false };
                self.units.insert(e.root, root);
            }
            Event::CodeChanged(e) => self.codes.push((e.from, e.code.clone())),
            Event::Succeeded(e) => self.succeeded_by = Some((e.by, e.from)),
            Event::UnitCreated(e) => {
                let (name, abbreviation) = (e.name.clone(), Some(e.abbreviation.clone()));
                self.units.insert(e.unit, Unit { parent: Some(e.parent), name, abbreviation, closed: false });
            }
            Event::UnitRenamed(e) => {
                if let Some(unit) = self.units.get_mut(&e.unit) {
                    unit.name = e.name.clone();
                    unit.abbreviation = Some(e.abbreviation.clone());
                }
            }
            Event::UnitClosed(e) => {
                if let Some(unit) = self.units.get_mut(&e.unit) {
                    unit.closed = true;
                }
            }
            Event::PostCreated(e) => {
                let (tenures, delegations) = (Vec::new(), Vec::new());
                let post =
                    Post { unit: e.unit, role: e.role, title: e.title.clone(), abolished: false, tenures, delegations };
                self.posts.insert(e.post, post);
            }
            Event::PostAbolished(e) => {
                if let Some(post) = self.posts.get_mut(&e.post) {
                    post.abolished = true;
                }
            }
            Event::PostAssumed(e) => {
                if let Some(post) = self.posts.get_mut(&e.post) {
                    post.tenures.push(Tenure { person: e.person, from: e.from, until: None });
                }
            }
            Event::PostLeft(e) => {
                if let Some(post) = self.posts.get_mut(&e.post) {
                    post.leave(e.person, e.from);
                }
            }
            Event::PostDelegated(e) => {
                if let Some(post) = self.posts.get_mut(&e.post) {
                    let given_in = post.tenure(meta.at).map(|(place, _)| place);
                    post.delegations.push(Delegation { person: e.to, from: e.from, until: e.until, given_in });
                }
            }
            Event::DelegationEnded(e) => {
                if let Some(post) = self.posts.get_mut(&e.post) {
                    post.end_delegations(e.to, meta.at);
                }
            }
            Event::CalendarDecided(e) => self.calendar.set(e.calendar.clone()),
            Event::LimitDecided(e) => self.limits.push(DatedLimit {
                since: meta.at,
                document_type: e.document_type.clone(),
                urgency: e.urgency,
                limit: e.limit,
            }),
            Event::HandOverDecided(_) => {} // its documents know it
            Event::BaselineDecided(e) => {
                self.baselines.insert(e.from, e.baseline.clone());
            }
            Event::SettingChanged(e) => {
                let before = self.settings.incoming_series.clone();
                self.settings.change(e.setting.clone());
                if self.settings.incoming_series != before && !self.earlier_series.contains(&before) {
                    self.earlier_series.push(before);
                }
            }
        }
    }
}

impl Settings {
    fn change(&mut self, setting: Setting) {
        match setting {
            Setting::OpenWithinOrgan { on } => self.open_within_organ = on,
            Setting::ClerkMayPassOn { on } => self.clerk_may_pass_on = on,
            Setting::Addressees { names } => self.addressees = names,
            Setting::UrgentMinutes { minutes } => self.urgent_minutes = minutes,
            Setting::DueSoonDays { days } => self.due_soon_days = days,
            Setting::IncomingSeries { name } => self.incoming_series = name,
        }
    }
}

/// The key of an organ's stream.
pub fn stream(organ: OrganId) -> crate::ledger::StreamId {
    crate::ledger::StreamId::new(StreamKind::Organ, organ.uuid())
}
