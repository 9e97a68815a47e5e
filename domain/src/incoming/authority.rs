//! Who may touch which part of a document's work.
//!
//! Work is held by a person *in a post*: their substitute does what the post may. Authority over a branch belongs to the post
//! that gave it, so whoever holds that post now has it. What a gone holder left open is acted on by the heads above them.

use thiserror::Error;

use super::{Branch, IncomingDocument, Stage, events::Assignee};
use crate::{
    decide::{Acting, By},
    id::{BranchId, UnitId},
    organ::{Organ, Role},
    refusal::{Code, Denied},
    time::Timestamp,
};

/// Why a branch is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Barred {
    /// Not for this person.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// The document is not being handled.
    #[error("the document is not being handled")]
    WrongStage,
    /// No such branch in the present round.
    #[error("there is no such branch in the present round of work")]
    NoSuchBranch,
    /// It has ended.
    #[error("the branch has ended")]
    Ended,
}

impl Barred {
    /// Its code.
    pub fn code(self) -> Code {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::WrongStage => Code::WrongStage,
            Self::NoSuchBranch => Code::NotFound,
            Self::Ended => Code::BranchEnded,
        }
    }
}

impl Assignee {
    /// The unit that the work is in.
    pub fn unit(self, organ: &Organ) -> Option<UnitId> {
        match self {
            Self::Unit { unit } => Some(unit),
            Self::Person { holder } => organ.posts.get(&holder.post).map(|post| post.unit),
        }
    }
}

impl Branch {
    /// May this person act for the assignee: as the assignee, their substitute, the head of the unit; or, when the holder is
    /// gone, as a head above (for a leader's work: as a leader)?
    pub fn may_be_handled_by(&self, acting: &Acting, organ: &Organ, at: Timestamp) -> bool {
        self.is_assigned_to(acting) || (self.holder_gone(organ, at) && self.falls_to(acting, organ))
    }

    /// Is this person a head above the assignee?
    fn falls_to(&self, acting: &Acting, organ: &Organ) -> bool {
        let of_leader = match self.assignee {
            Assignee::Person { holder } => organ.posts.get(&holder.post).is_some_and(|post| post.role == Role::Leader),
            Assignee::Unit { .. } => false,
        };
        let above = self.assignee.unit(organ).is_some_and(|unit| organ.is_within(unit, acting.unit));
        above && (acting.role == Role::Leader || (acting.role == Role::UnitHead && !of_leader))
    }

    pub(super) fn still_open(&self) -> Result<(), Barred> {
        if self.is_open() { Ok(()) } else { Err(Barred::Ended) }
    }
}

impl IncomingDocument {
    /// Is it this person who directs: the leader it lies with, in that post, or their substitute? Any leader, when that one is
    /// gone or a clerk passed it on by regulation.
    pub fn is_directed_by(&self, acting: &Acting, organ: &Organ, at: Timestamp) -> bool {
        let mine =
            |leader: super::Holder| leader.post == acting.post || organ.holder(leader.post, at) != Some(leader.person);
        acting.role == Role::Leader && self.leader.is_none_or(mine)
    }

    /// Is a branch this person's to give: in the post of its author, as who holds the branch above it, or as the leader who
    /// directs when nothing is above it?
    pub fn is_given_by(&self, branch: &Branch, by: &By<'_>, acting: &Acting) -> bool {
        let holds = |id| self.branches.get(&id).is_some_and(|above| above.may_be_handled_by(acting, by.organ, by.at));
        let above = match branch.parent {
            Some(parent) => holds(parent),
            None => self.is_directed_by(acting, by.organ, by.at),
        };
        above || branch.author.is_some_and(|author| author.post == acting.post)
    }

    /// Does this person stand above a branch: is it, or one above it, theirs to give, or do they direct?
    pub fn is_above(&self, branch: BranchId, by: &By<'_>, acting: &Acting) -> bool {
        let path = self.path_up(branch);
        let gave = path.iter().any(|(_, branch)| self.is_given_by(branch, by, acting));
        gave || self.is_directed_by(acting, by.organ, by.at)
    }

    /// The leader with whom the document lies, waiting to be directed.
    pub(super) fn directing(&self, by: &By<'_>) -> Result<Acting, Barred> {
        let acting = by.require(Role::Leader)?;
        if self.stage != Some(Stage::Submitted) {
            return Err(Barred::WrongStage);
        }
        if self.is_directed_by(&acting, by.organ, by.at) { Ok(acting) } else { Err(Denied::NotInPath.into()) }
    }

    /// A branch, open or ended, that this person holds.
    pub(super) fn held(&self, branch: BranchId, by: &By<'_>) -> Result<(&Branch, Acting), Barred> {
        self.reach(branch, by, |_, found, acting| found.may_be_handled_by(acting, by.organ, by.at))
    }

    /// A branch, open or ended, that this person stands above.
    pub(super) fn governed(&self, branch: BranchId, by: &By<'_>) -> Result<(&Branch, Acting), Barred> {
        self.reach(branch, by, |id, _, acting| self.is_above(id, by, acting))
    }

    /// Does this person hold an open branch that fits?
    pub(super) fn holds_any<R: From<Barred>>(
        &self,
        by: &By<'_>,
        fits: impl Fn(BranchId, &Branch) -> Result<(), R>,
    ) -> Result<(), R> {
        self.reach_any(by, |_, found, acting| found.may_be_handled_by(acting, by.organ, by.at), fits)
    }

    /// Does this person stand above any open branch?
    pub(super) fn governs_any(&self, by: &By<'_>) -> Result<(), Barred> {
        self.reach_any(by, |id, _, acting| self.is_above(id, by, acting), |_, _| Ok(()))
    }

    pub(super) fn reach(
        &self,
        branch: BranchId,
        by: &By<'_>,
        may: impl Fn(BranchId, &Branch, &Acting) -> bool,
    ) -> Result<(&Branch, Acting), Barred> {
        let acting = self.at_work(by)?;
        let found = self.branches.get(&branch).filter(|found| found.round == self.round).ok_or(Barred::NoSuchBranch)?;
        if may(branch, found, &acting) { Ok((found, acting)) } else { Err(Denied::NotInPath.into()) }
    }

    /// Is an open branch within this person's reach that fits? Else why the first open one within reach does not.
    pub(super) fn reach_any<R: From<Barred>>(
        &self,
        by: &By<'_>,
        may: impl Fn(BranchId, &Branch, &Acting) -> bool,
        fits: impl Fn(BranchId, &Branch) -> Result<(), R>,
    ) -> Result<(), R> {
        let acting = self.at_work(by)?;
        let (mut why, mut ended) = (None, false);
        for (id, branch) in self.present_branches().filter(|(id, branch)| may(*id, branch, &acting)) {
            match branch.is_open().then(|| fits(id, branch)) {
                Some(Ok(())) => return Ok(()),
                Some(Err(refusal)) => why = why.or(Some(refusal)),
                None => ended = true,
            }
        }
        let out_of_reach = if ended { Barred::Ended } else { Denied::NotInPath.into() };
        Err(why.unwrap_or_else(|| out_of_reach.into()))
    }

    /// Somebody in a post, while the document is being handled.
    pub(super) fn at_work(&self, by: &By<'_>) -> Result<Acting, Barred> {
        let acting = by.acting()?;
        if self.stage == Some(Stage::Directed) { Ok(acting) } else { Err(Barred::WrongStage) }
    }
}
