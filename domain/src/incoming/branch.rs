//! A branch of the directive tree: one duty, with its author, assignee and deadline.

use super::events::{Assignee, BranchRole, Holder, NewBranch};
use crate::{
    deadline::{DeadlineSum, ExtendBy, Extension, Limit, Pause},
    decide::{Acting, Meta},
    id::BranchId,
    organ::{Organ, Post, Role},
    text::LongText,
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
    /// What to do.
    pub note: Option<LongText>,
    /// When it was given: day 0 of the limit.
    pub assigned_at: Timestamp,
    /// When it was signed for.
    pub accepted_at: Option<Timestamp>,
    /// The first act of its handler.
    pub started_at: Option<Timestamp>,
    /// What its handler last said of the progress.
    pub progress: Option<LongText>,
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
            author: Holder::who_acted(meta),
            assignee: new.assignee,
            role: new.role,
            limit: new.limit,
            note: new.note.clone(),
            assigned_at: meta.at,
            accepted_at: None,
            started_at: None,
            progress: None,
            extension_asked: None,
            extensions: Vec::new(),
            ended: None,
            round,
        }
    }

    pub(super) fn amend(&mut self, limit: Option<Limit>, note: Option<&LongText>) {
        if let Some(limit) = limit {
            self.limit = limit;
            self.extensions.clear();
        }
        if let Some(note) = note {
            self.note = Some(note.clone());
        }
    }

    pub(super) fn report(&mut self, text: &LongText, at: Timestamp) {
        self.started_at = self.started_at.or(Some(at));
        self.progress = Some(text.clone());
    }

    pub(super) fn extend(&mut self, granted_at: Timestamp, until: Option<Timestamp>) {
        self.extension_asked = None;
        self.extensions.extend(until.map(|at| Extension { granted_at, by: ExtendBy::Until { at } }));
    }

    /// Ends it alone: those who were only informed of a part stay informed.
    pub(super) fn complete(&mut self, at: Timestamp) {
        self.started_at = self.started_at.or(Some(at));
        self.ended = self.ended.or(Some((BranchEnd::Completed, at)));
    }

    pub(super) fn reassign(&mut self, to: Assignee) {
        self.assignee = to;
        self.accepted_at = None;
        self.started_at = None;
        self.progress = None;
    }

    /// Is it still owed?
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Does it still stand in the tree: open, or done, neither withdrawn nor given back?
    pub fn is_live(&self) -> bool {
        !matches!(self.ended, Some((BranchEnd::Withdrawn | BranchEnd::Returned, _)))
    }

    /// The sum that its own deadline comes from; [`super::IncomingDocument::due`] caps it by the branches above.
    pub fn sum(&self, pauses: &[Pause]) -> DeadlineSum {
        DeadlineSum {
            pauses: pauses.to_vec(),
            extensions: self.extensions.clone(),
            ..DeadlineSum::new(self.assigned_at, self.limit)
        }
    }

    /// May this person act as the assignee: the person in that post (or their substitute), or the unit's head?
    pub fn is_assigned_to(&self, acting: &Acting) -> bool {
        match self.assignee {
            Assignee::Person { holder } => holder.is(acting),
            Assignee::Unit { unit } => acting.unit == unit && matches!(acting.role, Role::UnitHead | Role::Leader),
        }
    }

    /// Has the person who held it left the post, or is the post or unit gone, or does nobody head the unit?
    pub fn holder_gone(&self, organ: &Organ, at: Timestamp) -> bool {
        match self.assignee {
            Assignee::Person { holder } => organ.holder(holder.post, at) != Some(holder.person),
            Assignee::Unit { unit } => {
                let heads = |id, post: &Post| post.role == Role::UnitHead && organ.holder(id, at).is_some();
                let headed = organ.posts.iter().any(|(id, post)| post.unit == unit && heads(*id, post));
                !headed || organ.units.get(&unit).is_none_or(|unit| unit.closed)
            }
        }
    }
}

impl Holder {
    /// Is this the person acting, or the one they substitute for, in that post?
    pub fn is(&self, acting: &Acting) -> bool {
        self.post == acting.post && (self.person == acting.person || Some(self.person) == acting.on_behalf_of)
    }

    /// The post in which something was done, held by its holder (not the substitute).
    pub fn who_acted(meta: &Meta) -> Option<Self> {
        meta.on_behalf_of.or(meta.person).zip(meta.acting_as).map(|(person, post)| Self { post, person })
    }

    /// The acting person's post, held by its holder (not the substitute).
    pub fn of(acting: &Acting) -> Self {
        Self { post: acting.post, person: acting.on_behalf_of.unwrap_or(acting.person) }
    }
}
