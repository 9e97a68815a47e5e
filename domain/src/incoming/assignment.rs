//! How work is given to units and people, whoever gives it: the rules that directing, passing on and assigning share.

use serde::Serialize;
use thiserror::Error;

use super::{
    IncomingDocument,
    events::{Assignee, BranchRole, Holder, NewBranch},
};
use crate::{
    deadline::{DeadlineSum, Due, Limit},
    decide::By,
    id::{BranchId, PostId, UnitId},
    organ::{Organ, Role},
    refusal::Code,
    text::LongText,
    time::Timestamp,
};

/// To whom work is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum To {
    /// A unit: its head acts.
    Unit(UnitId),
    /// The person who holds this post now.
    Post(PostId),
}

/// One part of the work, as its author gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// To whom.
    pub to: To,
    /// In what role.
    pub role: BranchRole,
    /// The author's time limit; none: the default.
    pub limit: Option<Limit>,
    /// What to do.
    pub note: Option<LongText>,
}

/// Why work cannot be given like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Misassigned {
    /// Nobody is named.
    #[error("nobody is named")]
    Nothing,
    /// No LEAD, or more than one, would be among the children of the node.
    #[error("exactly one leads among the parts of one piece of work")]
    NotOneLead,
    /// The unit is closed or unknown; the post is abolished, empty, unknown, or does not handle documents.
    #[error("not an open unit, or not a post that somebody holds and that handles documents")]
    NotAssignable,
    /// The same assignee twice.
    #[error("the same unit or person twice")]
    Twice,
    /// Who is informed has no deadline.
    #[error("who is informed has no deadline")]
    InformedWithLimit,
    /// The deadline is past.
    #[error("the deadline lies in the past")]
    InPast,
    /// Due after the whole.
    #[error("due after the work that it is a part of")]
    BeyondParent,
    /// Not inside the unit that gives it on.
    #[error("not inside the unit that gives it on")]
    OutsideUnit,
    /// A clerk passes on to units.
    #[error("a clerk passes on to units only")]
    NotAUnit,
}

impl Misassigned {
    /// Its code.
    pub fn code(self) -> Code {
        match self {
            Self::Nothing => Code::NothingAssigned,
            Self::NotOneLead => Code::ExactlyOneLead,
            Self::NotAssignable => Code::NotAssignable,
            Self::Twice => Code::AssignedTwice,
            Self::InformedWithLimit => Code::InformedOwesNothing,
            Self::InPast => Code::DeadlineInPast,
            Self::BeyondParent => Code::BeyondParentDeadline,
            Self::OutsideUnit => Code::OutsideUnit,
            Self::NotAUnit => Code::UnitsOnly,
        }
    }

    /// The fields of an [`Assignment`] that are wrong.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &["branches"],
            Self::NotOneLead => &["branches.role"],
            Self::InformedWithLimit | Self::InPast | Self::BeyondParent => &["branches.limit"],
            Self::NotAssignable | Self::Twice | Self::OutsideUnit | Self::NotAUnit => &["branches.to"],
        }
    }
}

/// The role of a post that may be given work.
fn handles(role: Role) -> bool {
    !matches!(role, Role::Inspector | Role::Administrator)
}

impl To {
    /// The assignee, if work may be given to it now.
    pub fn assignee(self, organ: &Organ, at: Timestamp) -> Result<Assignee, Misassigned> {
        let found = match self {
            Self::Unit(unit) => {
                let open = organ.units.get(&unit).is_some_and(|unit| !unit.closed) && Some(unit) != organ.root;
                open.then_some(Assignee::Unit { unit })
            }
            Self::Post(id) => {
                let post = organ.posts.get(&id).filter(|post| handles(post.role));
                let person = post.and_then(|_| organ.holder(id, at));
                person.map(|person| Assignee::Person { holder: Holder { post: id, person } })
            }
        };
        found.ok_or(Misassigned::NotAssignable)
    }

    /// The leader who holds this post now.
    pub fn leader(post: PostId, organ: &Organ, at: Timestamp) -> Option<Holder> {
        let leads = organ.posts.get(&post).is_some_and(|post| post.role == Role::Leader);
        organ.holder(post, at).filter(|_| leads).map(|person| Holder { post, person })
    }
}

impl IncomingDocument {
    /// The default limit of the first branches: the sender's due date while it lies ahead, else the organ's limit for type and
    /// urgency, else none.
    pub fn default_limit(&self, organ: &Organ, at: Timestamp) -> Limit {
        let Some(details) = &self.details else { return Limit::None };
        let asked = details.due_at.or(details.due_on.map(crate::time::Date::end)).filter(|due| *due > at);
        let by_rule = || organ.limit(&details.type_name, details.urgency, at);
        asked.map(|at| Limit::At { at }).or_else(by_rule).unwrap_or(Limit::None)
    }

    /// New branches under `parent` (none: of the directive itself). Afterwards exactly one LEAD stands among the node's
    /// children, nobody has the same work twice, and no part is due after the whole.
    pub(super) fn branch_out(
        &self,
        parent: Option<BranchId>,
        given: &[Assignment],
        by: &By<'_>,
    ) -> Result<Vec<NewBranch>, Misassigned> {
        if given.is_empty() {
            return Err(Misassigned::Nothing);
        }
        self.check_leads(parent, given)?;
        let mut branches: Vec<NewBranch> = Vec::with_capacity(given.len());
        for (index, one) in given.iter().enumerate() {
            let assignee = one.to.assignee(by.organ, by.at)?;
            let mut siblings = self.present_branches().filter(|(_, has)| has.parent == parent && has.is_open());
            if siblings.any(|(_, has)| has.assignee == assignee) || branches.iter().any(|has| has.assignee == assignee)
            {
                return Err(Misassigned::Twice);
            }
            let limit = self.limit_of(parent, one, by)?;
            let branch = BranchId::of(by.command, index);
            branches.push(NewBranch { branch, assignee, role: one.role, limit, note: one.note.clone() });
        }
        Ok(branches)
    }

    /// One LEAD is given where none is open; none where one is. A done LEAD may be followed by another, or stand.
    fn check_leads(&self, parent: Option<BranchId>, given: &[Assignment]) -> Result<(), Misassigned> {
        let lead = self.lead_of(parent).map(|(_, lead)| lead).filter(|lead| lead.is_live());
        let fits = match given.iter().filter(|one| one.role == BranchRole::Lead).count() {
            0 => lead.is_some(),
            1 => lead.is_none_or(|lead| !lead.is_open()),
            _ => false,
        };
        if fits { Ok(()) } else { Err(Misassigned::NotOneLead) }
    }

    fn limit_of(&self, parent: Option<BranchId>, one: &Assignment, by: &By<'_>) -> Result<Limit, Misassigned> {
        match (one.role, one.limit, parent) {
            (_, Some(Limit::None), _) => Ok(Limit::None),
            (BranchRole::Informed, Some(_), _) => Err(Misassigned::InformedWithLimit),
            (_, Some(limit), _) => self.check_limit(parent, limit, by.at, by).map(|()| limit),
            (BranchRole::Lead | BranchRole::Coordinating, None, None) => Ok(self.default_limit(by.organ, by.at)),
            (_, None, _) => Ok(Limit::None), // informed, or due with the whole
        }
    }

    /// A limit that runs from `start`: neither past now, nor after the whole. No limit means due with the whole.
    pub(super) fn check_limit(
        &self,
        parent: Option<BranchId>,
        limit: Limit,
        start: Timestamp,
        by: &By<'_>,
    ) -> Result<(), Misassigned> {
        let sum = DeadlineSum { pauses: self.pauses.clone(), ..DeadlineSum::new(start, limit) };
        let due = sum.standing(&by.organ.calendar);
        let whole = parent.map_or(Due::Never, |parent| self.standing(parent, &by.organ.calendar));
        match limit {
            Limit::None => Ok(()),
            _ if due <= Due::At(by.at) => Err(Misassigned::InPast),
            _ if due > whole => Err(Misassigned::BeyondParent),
            _ => Ok(()),
        }
    }
}
