//! Read model: branches of the directive tree, one row each. A branch counts for the unit and person that hold it, or
//! held it at its end.

use socai_domain::{
    id::{BranchId, IncomingId, PersonId, PostId, UnitId},
    incoming::{
        BranchEnd,
        events::{Assignee, BranchRole},
    },
    time::Timestamp,
};

use crate::{
    document::{Branch, Document},
    error::ViewsError,
    out::Out,
    sql::Sql,
    store::Views,
    table::{Table, bytes, finding, index, int, null, partial},
    value::{Cells, Value},
    viewer::Viewer,
};

/// The read model's name.
pub(crate) const NAME: &str = "branches";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 4;

pub(crate) static BRANCH: Table = Table {
    name: "branch",
    key: 2,
    columns: &[
        int("document"),
        int("place"),
        bytes("organ"),
        bytes("id"),
        null(bytes("parent")),
        int("round"),
        int("role"),
        null(bytes("unit")),
        null(bytes("post")),
        null(bytes("person")),
        null(bytes("for_unit")),
        int("assigned_at"),
        int("held_since"),
        null(int("accepted_at")),
        null(int("started_at")),
        null(int("due")),
        null(int("original_due")),
        null(int("binding_due")),
        null(int("ended")),
        null(int("ended_at")),
        int("waits"),
    ],
    indexes: &[
        finding("branch_ended", "organ, ended_at"),
        index("branch_assigned", "organ, assigned_at"),
        index("branch_unit", "for_unit, ended_at"),
        index("branch_person", "person, ended_at"),
        // SQLite wants that very condition in the question.
        partial("branch_uncompleted", "organ, ended_at", "ended <> 0"),
        partial("branch_late", "organ, ended_at", "ended = 0 AND ended_at > binding_due"),
    ],
};

/// A branch in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchRow {
    /// The document.
    pub document: IncomingId,
    /// Its id.
    pub id: BranchId,
    /// The branch it is a part of.
    pub parent: Option<BranchId>,
    /// Its round.
    pub round: u32,
    /// In what role.
    pub role: BranchRole,
    /// The unit that has it.
    pub unit: Option<UnitId>,
    /// The post that has it.
    pub post: Option<PostId>,
    /// The person who has it.
    pub person: Option<PersonId>,
    /// The unit that it counts for.
    pub for_unit: Option<UnitId>,
    /// When it was given.
    pub assigned_at: Timestamp,
    /// Since when they have it.
    pub held_since: Timestamp,
    /// When it was signed for.
    pub accepted_at: Option<Timestamp>,
    /// The first act on it.
    pub started_at: Option<Timestamp>,
    /// When it is due, every extension counted.
    pub due: Option<Timestamp>,
    /// Without any extension.
    pub original_due: Option<Timestamp>,
    /// By which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<BranchEnd>,
    /// When.
    pub ended_at: Option<Timestamp>,
    /// It has open branches under it.
    pub waits: bool,
}

pub(crate) const COLUMNS: &str = "d.id, b.id, b.parent, b.round, b.role, b.unit, b.post, b.person, b.for_unit, \
    b.assigned_at, b.held_since, b.accepted_at, b.started_at, b.due, b.original_due, b.binding_due, b.ended, b.ended_at, b.waits";

/// Reads [`COLUMNS`].
pub(crate) fn read(cells: &mut Cells<'_>) -> Result<BranchRow, ViewsError> {
    Ok(BranchRow {
        document: cells.next()?,
        id: cells.next()?,
        parent: cells.next()?,
        round: cells.next()?,
        role: cells.next()?,
        unit: cells.next()?,
        post: cells.next()?,
        person: cells.next()?,
        for_unit: cells.next()?,
        assigned_at: cells.next()?,
        held_since: cells.next()?,
        accepted_at: cells.next()?,
        started_at: cells.next()?,
        due: cells.next()?,
        original_due: cells.next()?,
        binding_due: cells.next()?,
        ended: cells.next()?,
        ended_at: cells.next()?,
        waits: cells.next()?,
    })
}

impl Views {
    /// The branches of a document that the viewer sees, all rounds, in the order in which they were given.
    pub async fn branches(&self, viewer: &Viewer, document: IncomingId) -> Result<Vec<BranchRow>, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push("SELECT ").push(COLUMNS).push(" FROM branch b JOIN document d ON d.document = b.document WHERE ");
        sql.visible().push(" AND d.id = ").bind(document).push(" ORDER BY b.document, b.place");
        sql.read_all(&mut self.reading().await?, read).await
    }
}

/// Unit, post and person of an assignee.
pub(crate) fn assignee(of: Assignee) -> [Value; 3] {
    match of {
        Assignee::Unit { unit } => [unit.into(), Value::Null, Value::Null],
        Assignee::Person { holder } => [Value::Null, holder.post.into(), holder.person.into()],
    }
}

/// The rows of a document.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    for (place, branch) in document.branches.iter().enumerate() {
        out.add(&BRANCH, row(document, place, branch));
    }
}

fn row(document: &Document, place: usize, branch: &Branch) -> Vec<Value> {
    let [unit, post, person] = assignee(branch.assignee);
    vec![
        document.ordinal.into(),
        Value::Int(i64::try_from(place).unwrap_or(i64::MAX)),
        document.organ.into(),
        branch.id.into(),
        branch.parent.into(),
        branch.round.into(),
        branch.role.into(),
        unit,
        post,
        person,
        branch.unit.into(),
        branch.assigned_at.into(),
        branch.held_since.into(),
        branch.accepted.map(|(at, _)| at).into(),
        branch.started_at.into(),
        branch.due.into(),
        branch.original_due.into(),
        branch.binding_due.into(),
        branch.ended.map(|(end, _)| end).into(),
        branch.ended.map(|(_, at)| at).into(),
        document.open_children(branch.id).next().is_some().into(),
    ]
}
