//! A branch of the directive tree: one duty, with its author, assignee and deadline.

use super::events::{Assignee, BranchRole, Holder, NewBranch};
use crate::{
    calendar::WorkingCalendar,
    deadline::{DeadlineSum, ExtendBy, Extension, Limit, Pause},
    decide::{Acting, Meta},
    id::BranchId,
    organ::{Organ, Role},
    time::Timestamp,
};

/// How a branch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum BranchEnd {
    /// The duty was done.
    Completed,
    /// Its author no longer asks for it. Never late after that.
    Withdrawn,
    /// Its assignee gave it back.
    Returned,
    /// The document ended first: neither on time nor late.
    ClosedWithDocument,
}

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The branch it is a part of; none for those that the directive itself gave.
    pub parent: Option<BranchId>,
    /// Who gave it.
    pub author: Option<Holder>,
    /// Who has it.
    pub assignee: Assignee,
    /// In what role.
    pub role: BranchRole,
    /// The limit.
    pub limit: Limit,
    /// When it was given: day 0 of the limit.
    pub assigned_at: Timestamp,
    /// When it was signed for.
    pub accepted_at: Option<Timestamp>,
    /// The first act of its handler.
    pub started_at: Option<Timestamp>,
    /// More time is asked for, until then.
    pub extension_asked: Option<Timestamp>,
    /// Extensions, in the order in which they were granted.
    pub extensions: Vec<Extension>,
    /// How and when it ended.
    pub ended: Option<(BranchEnd, Timestamp)>,
    /// The round of work it belongs to.
    pub round: u32,
}

impl Branch {
    pub(super) fn new(parent: Option<BranchId>, new: &NewBranch, round: u32, meta: &Meta) -> Self {
        Self {
            parent,
            author: meta.on_behalf_of.or(meta.person).zip(meta.acting_as).map(|(person, post)| Holder { post, person }),
            assignee: new.assignee,
            role: new.role,
            limit: new.limit,
            assigned_at: meta.at,
            accepted_at: None,
            started_at: None,
            extension_asked: None,
            extensions: Vec::new(),
            ended: None,
            round,
        }
    }

    pub(super) fn extend(&mut self, granted_at: Timestamp, until: Option<Timestamp>) {
        self.extension_asked = None;
        self.extensions.extend(until.map(|at| Extension { granted_at, by: ExtendBy::Until { at } }));
    }

    pub(super) fn reassign(&mut self, to: Assignee) {
        self.assignee = to;
        self.accepted_at = None;
        self.started_at = None;
    }

    /// Is it still owed?
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// The sum that its deadline comes from.
    pub fn sum(&self, pauses: &[Pause]) -> DeadlineSum {
        DeadlineSum {
            start: self.assigned_at,
            limit: self.limit,
            pauses: pauses.to_vec(),
            extensions: self.extensions.clone(),
            parent_due: None,
        }
    }

    /// When it is due, by the calendar as known now. None: no deadline.
    pub fn due(&self, calendar: &WorkingCalendar, pauses: &[Pause]) -> Option<Timestamp> {
        if self.role == BranchRole::Informed { None } else { self.sum(pauses).due(calendar) }
    }

    /// May this person act as the assignee: the person in that post (or their substitute), or the unit's head?
    pub fn is_assigned_to(&self, acting: &Acting) -> bool {
        match self.assignee {
            Assignee::Person { holder } => holder.is(acting),
            Assignee::Unit { unit } => acting.unit == unit && matches!(acting.role, Role::UnitHead | Role::Leader),
        }
    }

    /// Has the person who held it left the post (or the post or unit gone)?
    pub fn holder_gone(&self, organ: &Organ, at: Timestamp) -> bool {
        match self.assignee {
            Assignee::Person { holder } => organ.holder(holder.post, at) != Some(holder.person),
            Assignee::Unit { unit } => organ.units.get(&unit).is_none_or(|unit| unit.closed),
        }
    }
}

impl Holder {
    /// Is this the person acting, or the one they substitute for, in that post?
    pub fn is(&self, acting: &Acting) -> bool {
        self.post == acting.post && (self.person == acting.person || Some(self.person) == acting.on_behalf_of)
    }

    /// The acting person's post, held by its holder (not the substitute).
    pub fn of(acting: &Acting) -> Self {
        Self { post: acting.post, person: acting.on_behalf_of.unwrap_or(acting.person) }
    }
}
