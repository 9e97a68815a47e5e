//! An incoming document (văn bản đến): what decisions on it need to know, and how events change that.
//!
//! Stages: `ARRIVED → REGISTERED → SUBMITTED → DIRECTED → RESOLVED`; ends `REFUSED` and `CANCELLED`. "Late", "due soon",
//! "waiting for paper" are derived, never kept.

pub mod abandon_registration;
pub mod accept_branch;
pub mod amend_branch;
pub mod annotate;
pub mod appoint_follower;
pub mod arrival;
pub mod assign;
pub mod assignment;
pub mod attach_scan;
mod authority;
pub mod available;
pub mod branch;
pub mod bring_back;
pub mod cancel;
pub mod check_authenticity;
pub mod complete_branch;
pub mod complete_erasure;
pub mod confirm_expunge;
pub mod confirm_resolution;
pub mod correct;
pub mod decide_extension;
pub mod decline_expunge;
pub mod decline_resolution;
pub mod direct;
pub mod events;
pub mod expunge;
pub mod finish_registration;
mod fold;
pub mod grant_access;
pub mod hand_over;
pub mod log_unopened;
pub mod pass_on;
pub mod pass_to_leader;
pub mod pause;
pub mod reassign_branch;
pub mod receive;
pub mod record_paper;
pub mod refuse;
pub mod register;
pub mod rejudge;
pub mod reopen;
pub mod report_progress;
pub mod request_extension;
pub mod resolve;
pub mod resume;
pub mod return_branch;
pub mod return_to_clerk;
pub mod submit;
#[cfg(test)]
mod table;
pub mod testing;
#[cfg(test)]
mod tree_tests;
pub mod urge;
pub mod withdraw_branch;

pub use authority::Barred;
pub use branch::{Branch, BranchEnd};
use events::{Attachment, AxisArrival, Details, Holder, RegistrationBegan, ResolutionProposed};

pub use crate::ledger::catalogue::IncomingEvent as Event;
use crate::{
    calendar::WorkingCalendar,
    deadline::{Due, Pause},
    document_types::{Channel, SecrecyLevel},
    id::{BranchId, CauseId, CommandId, IncomingId, OrganId, PersonId},
    ledger::{StreamId, StreamKind},
    register::VoidReason,
    text::ArrivalNumber,
    time::Timestamp,
};
use std::collections::BTreeMap;

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    /// Paper addressed to a person by name, logged unopened.
    Unopened,
    /// It is here; nobody has a duty yet (art. 22.1).
    Arrived,
    /// It has its arrival number.
    Registered,
    /// It lies with the leader who directs.
    Submitted,
    /// It is being handled.
    Directed,
    /// It is resolved.
    Resolved,
    /// It was not taken in.
    Refused,
    /// It ended without being resolved.
    Cancelled,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 8] = [
        Self::Unopened,
        Self::Arrived,
        Self::Registered,
        Self::Submitted,
        Self::Directed,
        Self::Resolved,
        Self::Refused,
        Self::Cancelled,
    ];

    /// Nothing more is owed.
    pub fn ended(self) -> bool {
        matches!(self, Self::Resolved | Self::Refused | Self::Cancelled)
    }
}

/// A resolution that somebody proposed and another person must confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What.
    pub what: ResolutionProposed,
    /// Who proposed it, and for whom: neither confirms it.
    pub people: Vec<PersonId>,
    /// The command.
    pub command: CommandId,
}

/// Somebody asked to have the document erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpungeRequest {
    /// Who asked.
    pub person: PersonId,
    /// For whom they asked, as a substitute. Neither confirms it.
    pub on_behalf_of: Option<PersonId>,
    /// The level that it bears.
    pub level: SecrecyLevel,
}

/// The document, as decisions see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingDocument {
    /// Its id.
    pub id: Option<IncomingId>,
    /// Whose it is.
    pub organ: Option<OrganId>,
    /// Where it stands; none before it arrives.
    pub stage: Option<Stage>,
    /// How it came.
    pub channel: Option<Channel>,
    /// Which message of the axis it is.
    pub axis: Option<AxisArrival>,
    /// Digests of every content that the axis brought under this id.
    pub contents: Vec<[u8; 32]>,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// What it says of itself.
    pub details: Option<Details>,
    /// What it first said of itself, where a machine read that and a clerk has added to it since.
    pub as_given: Option<Details>,
    /// A machine read the details from a message of the axis: they are annotated, not corrected.
    pub given_by_axis: bool,
    /// Its files.
    pub files: Vec<Attachment>,
    /// Files of other content that the axis brought: not the document's, but erased with it.
    pub other_files: Vec<[u8; 32]>,
    /// The last check of its authenticity.
    pub authenticity: Option<events::AuthenticityChecked>,
    /// Remarks on what the axis gave.
    pub annotations: Vec<crate::text::LongText>,
    /// When its paper came.
    pub paper_arrived_at: Option<Timestamp>,
    /// A number has been asked for and not yet come.
    pub registering: Option<RegistrationBegan>,
    /// The command that last began a registration.
    pub began_by: Option<CommandId>,
    /// Its book and number.
    pub registered: Option<(crate::id::RegisterId, ArrivalNumber)>,
    /// The leader it lies with, or who directed it.
    pub leader: Option<Holder>,
    /// The tree of the present and earlier rounds.
    pub branches: BTreeMap<BranchId, Branch>,
    /// Which round of work it is, from 1; 0 before the first.
    pub round: u32,
    /// Who follows.
    pub follower: Option<events::Assignee>,
    /// When the clock stood still.
    pub pauses: Vec<Pause>,
    /// A resolution that waits for another person's word.
    pub proposed: Option<Proposal>,
    /// Somebody asked to have it erased.
    pub expunge_requested: Option<ExpungeRequest>,
    /// It was erased; the record of the erasure came.
    pub erased: bool,
    /// Keys and files are gone.
    pub erasure_completed: bool,
    /// Who was granted access.
    pub granted: Vec<PersonId>,
    /// Why it was cancelled.
    pub cancelled: Option<VoidReason>,
}

impl IncomingDocument {
    /// Does it wait for the number that this command asked for?
    pub fn is_registering(&self, began_by: CommandId) -> bool {
        self.registering.is_some() && self.began_by == Some(began_by)
    }

    /// Has it a file that is the document itself (S1-31, S1-32)?
    pub fn has_main_file(&self) -> bool {
        self.files.iter().any(|file| file.role == events::FileRole::Main)
    }

    /// The branches of the present round, open or ended.
    pub fn present_branches(&self) -> impl Iterator<Item = (BranchId, &Branch)> {
        self.branches.iter().filter(|(_, branch)| branch.round == self.round).map(|(id, branch)| (*id, branch))
    }

    /// The root LEAD branch of the present round: its deadline is the document's.
    pub fn root_lead(&self) -> Option<(BranchId, &Branch)> {
        self.lead_of(None)
    }

    /// The LEAD among the children of a branch (of the document itself where there is none): the open one, else the last
    /// one that was not given back or withdrawn, else the last.
    pub fn lead_of(&self, parent: Option<BranchId>) -> Option<(BranchId, &Branch)> {
        let leads = |branch: &Branch| branch.parent == parent && branch.role == events::BranchRole::Lead;
        let rank = |(id, branch): &(BranchId, &Branch)| (branch.is_open(), branch.is_live(), branch.assigned_at, *id);
        self.present_branches().filter(|(_, branch)| leads(branch)).max_by_key(rank)
    }

    /// Where the deadline of a branch stands: its own sum, never after that of the branches above it.
    pub fn standing(&self, branch: BranchId, calendar: &WorkingCalendar) -> Due {
        let path = self.path_up(branch);
        let informed = path.first().is_none_or(|(_, branch)| branch.role == events::BranchRole::Informed);
        let own = |(_, branch): &(BranchId, &Branch)| branch.sum(&self.pauses).standing(calendar);
        if informed { Due::Never } else { path.iter().map(own).min().unwrap_or(Due::Never) }
    }

    /// When a branch is due, by the calendar as known now, capped by the branches above it. None: no deadline.
    pub fn due(&self, branch: BranchId, calendar: &WorkingCalendar) -> Option<Timestamp> {
        self.standing(branch, calendar).at()
    }

    /// The branch that carries the lead now: from the root along open LEAD children.
    pub fn lead_leaf(&self) -> Option<(BranchId, &Branch)> {
        let mut at = self.root_lead()?;
        for _ in 0..self.branches.len() {
            let child = self.open_children(at.0).find(|(_, branch)| branch.role == events::BranchRole::Lead);
            match child {
                Some(child) => at = child,
                None => break,
            }
        }
        Some(at)
    }

    /// The open children of a branch.
    pub fn open_children(&self, parent: BranchId) -> impl Iterator<Item = (BranchId, &Branch)> {
        self.present_branches().filter(move |(_, branch)| branch.parent == Some(parent) && branch.is_open())
    }

    /// A branch and all above it, nearest first. Ends whatever the tree looks like.
    pub fn path_up(&self, branch: BranchId) -> Vec<(BranchId, &Branch)> {
        let mut path = Vec::new();
        let mut next = Some(branch);
        while let Some((id, found)) = next.and_then(|id| self.branches.get(&id).map(|found| (id, found))) {
            if path.len() > self.branches.len() {
                break;
            }
            path.push((id, found));
            next = found.parent;
        }
        path
    }
}

/// The record that a later one refers to.
pub fn cause(hash: crate::ledger::RecordHash) -> CauseId {
    CauseId::new(hash.id().0)
}

/// The stream of a document.
pub fn stream(document: IncomingId) -> StreamId {
    StreamId::new(StreamKind::Incoming, document.uuid())
}
