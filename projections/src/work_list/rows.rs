//! The open duties of a document.

use socai_domain::{
    id::{BranchId, UnitId},
    incoming::{
        BranchEnd, Stage,
        events::{Assignee, BranchRole, Holder},
    },
    organ::Role,
    time::Timestamp,
};

use crate::{
    branches::assignee,
    document::{Branch, Document},
    out::Out,
    table::{Table, bytes, index, int, null},
    value::Value,
};

pub(crate) static ITEM: Table = Table {
    name: "work_item",
    key: 2,
    columns: &[
        int("document"),
        int("place"),
        bytes("organ"),
        int("kind"),
        null(bytes("branch")),
        null(int("role")),
        null(int("or_role")),
        null(bytes("unit")),
        null(bytes("post")),
        null(bytes("person")),
        null(bytes("for_unit")),
        int("since"),
        null(int("accepted_at")),
        null(int("due")),
        null(int("binding_due")),
        int("waits"),
        // The binding deadline, the end of time where there is none: lists are sorted by it.
        int("by"),
        // Whose duty it never is, although they have the role: who proposed it, and who did so for them.
        null(bytes("but_not")),
        null(bytes("nor")),
    ],
    indexes: &[
        index("work_item_by", "organ, by, document, place"),
        index("work_item_person", "person"),
        index("work_item_unit", "for_unit"),
    ],
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkKind {
    /// Clerks: register it, or refuse it.
    Register,
    /// Clerks: submit it, or pass it on, also when the lead that they passed it on to was given or taken back.
    Submit,
    /// A leader: direct it, also when the lead was given or taken back.
    Direct,
    /// The assignee of a LEAD branch: handle it.
    Handle,
    /// The assignee of a COORDINATING branch: contribute.
    Contribute,
    /// The author of a branch: decide on more time.
    DecideExtension,
    /// The lead is done: resolve the document, or direct it anew.
    Resolve,
    /// Another leader: confirm a proposed resolution.
    Confirm,
    /// Clerks: look at what the axis brought under the document's id, and remark on it.
    LookAtOther,
    /// A second clerk or leader: confirm that a secret document is erased, or decline it.
    ConfirmExpunge,
}

crate::value::through_place! {
    WorkKind: Register, Submit, Direct, Handle, Contribute, DecideExtension, Resolve, Confirm, LookAtOther,
        ConfirmExpunge;
}

/// Whose duty it is.
#[derive(Clone, Copy)]
enum Owner {
    /// Everybody in a post of this role, or of the other one.
    Role(Role, Option<Role>),
    Assignee(Assignee),
}

struct Duty<'a> {
    kind: WorkKind,
    owner: Owner,
    for_unit: Option<UnitId>,
    since: Timestamp,
    branch: Option<&'a Branch>,
    /// The branch's own deadline is this duty's.
    due: bool,
}

/// The rows of a document.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    for (place, duty) in duties(document).iter().enumerate() {
        let ([role, or_role], [unit, post, person]) = match duty.owner {
            Owner::Role(role, or) => ([role.into(), or.into()], [Value::Null, Value::Null, Value::Null]),
            Owner::Assignee(of) => ([Value::Null, Value::Null], assignee(of)),
        };
        let dated = duty.branch.filter(|_| duty.due);
        let barred = match duty.kind {
            WorkKind::Confirm => Some(&document.proposers),
            WorkKind::ConfirmExpunge => document.expunge_asked.as_ref().map(|asked| &asked.people),
            _ => None,
        };
        let (due, binding) = match duty.kind {
            // The document's clock runs on; that of its lead stood still when the lead was done.
            WorkKind::Resolve => document.round().map(|round| (round.due, round.binding_due)),
            _ => dated.map(|branch| (branch.due, branch.binding_due)),
        }
        .unwrap_or_default();
        out.add(
            &ITEM,
            vec![
                document.ordinal.into(),
                Value::Int(i64::try_from(place).unwrap_or(i64::MAX)),
                document.organ.into(),
                duty.kind.into(),
                duty.branch.map(|branch| branch.id).into(),
                role,
                or_role,
                unit,
                post,
                person,
                duty.for_unit.into(),
                duty.since.into(),
                dated.and_then(|branch| branch.accepted).map(|(at, _)| at).into(),
                due.into(),
                binding.into(),
                dated.is_some_and(|branch| document.open_children(branch.id).next().is_some()).into(),
                binding.map_or(Value::Int(i64::MAX), Value::from),
                barred.and_then(|people| people.first()).copied().into(),
                barred.and_then(|people| people.last()).copied().into(),
            ],
        );
    }
}

fn duties(document: &Document) -> Vec<Duty<'_>> {
    let since = document.stage_since;
    let whole = |kind, owner| Duty { kind, owner, for_unit: None, since, branch: None, due: false };
    let clerks = Owner::Role(Role::RecordsClerk, None);
    let mut duties = match document.stage {
        Some(Stage::Arrived) => vec![whole(WorkKind::Register, clerks)],
        Some(Stage::Registered) => vec![whole(WorkKind::Submit, clerks)],
        Some(Stage::Submitted) => vec![whole(WorkKind::Direct, leader(document.leader))],
        Some(Stage::Directed) => of_branches(document),
        Some(Stage::Unopened | Stage::Resolved | Stage::Refused | Stage::Cancelled) | None => Vec::new(),
    };
    if let Some(since) = document.to_look_at_since() {
        duties.push(Duty { since, ..whole(WorkKind::LookAtOther, clerks) });
    }
    if let Some(asked) = &document.expunge_asked {
        let owner = Owner::Role(Role::RecordsClerk, Some(Role::Leader));
        duties.push(Duty { since: asked.at, ..whole(WorkKind::ConfirmExpunge, owner) });
    }
    duties
}

fn leader(of: Option<Holder>) -> Owner {
    of.map_or(Owner::Role(Role::Leader, None), |holder| Owner::Assignee(Assignee::Person { holder }))
}

fn of_branches(document: &Document) -> Vec<Duty<'_>> {
    let mut duties = Vec::new();
    for branch in document.branches.iter().filter(|branch| branch.ended.is_none()) {
        let kind = match branch.role {
            BranchRole::Lead => WorkKind::Handle,
            BranchRole::Coordinating => WorkKind::Contribute,
            BranchRole::Informed => continue,
        };
        let (owner, for_unit, since) = (Owner::Assignee(branch.assignee), branch.unit, branch.held_since);
        duties.push(Duty { kind, owner, for_unit, since, branch: Some(branch), due: true });
        if branch.extension_asked.is_some() {
            duties.push(decide_extension(document, branch));
        }
    }
    let lead = document.round().and_then(|round| document.root_lead(round.number));
    if let Some((since, ..)) = &document.proposed {
        // Never the person who proposed it.
        let owner = leader(document.leader.filter(|leader| !document.proposers.contains(&leader.person)));
        duties.push(Duty { kind: WorkKind::Confirm, owner, for_unit: None, since: *since, branch: lead, due: false });
    } else if let Some((lead, (how, since))) = lead.and_then(|lead| lead.ended.map(|ended| (lead, ended))) {
        // Given or taken back, it is nobody's: whoever gave it gives it anew. What was a clerk's to pass on still is.
        let (kind, owner, due) = match (how, document.leader) {
            (BranchEnd::Completed | BranchEnd::ClosedWithDocument, of) => (WorkKind::Resolve, leader(of), true),
            (BranchEnd::Returned | BranchEnd::Withdrawn, Some(_)) => (WorkKind::Direct, leader(document.leader), false),
            (BranchEnd::Returned | BranchEnd::Withdrawn, None) => {
                (WorkKind::Submit, Owner::Role(Role::RecordsClerk, None), false)
            }
        };
        duties.push(Duty { kind, owner, for_unit: None, since, branch: Some(lead), due });
    }
    duties
}

/// The author decides: whoever holds the branch above now, else who gave it.
fn decide_extension<'a>(document: &Document, branch: &'a Branch) -> Duty<'a> {
    let above: Option<BranchId> = branch.parent;
    let above = above.and_then(|id| document.branches.iter().find(|other| other.id == id));
    let owner = match above {
        Some(above) => Owner::Assignee(above.assignee),
        None => leader(branch.author.or(document.leader)),
    };
    let for_unit = above.and_then(|above| above.unit);
    let (kind, since) = (WorkKind::DecideExtension, branch.held_since);
    Duty { kind, owner, for_unit, since, branch: Some(branch), due: false }
}
