//! Asking who owes what, at an instant.

use socai_domain::{
    id::{BranchId, PersonId, PostId, UnitId},
    organ::Role,
    time::Timestamp,
};

use super::rows::WorkKind;
use crate::{
    directory,
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest},
    sql::{Order, Sql},
    store::{Snapshot, Views},
    value::{Cells, literal},
    viewer::Viewer,
};

/// How a duty stands. Several may hold at once: late, and waiting for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkState {
    /// A branch not yet signed for.
    New,
    /// Due within the organ's "due soon" working days.
    DueSoon,
    /// Past the deadline by which lateness is judged.
    Late,
    /// Parts of it are with others.
    WaitingForOthers,
    /// Who held it left the post, or the unit was closed or has no head. It shows with the nearest head above in the unit
    /// tree (a leader's, with the leaders).
    HolderGone,
}

impl WorkState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::New, Self::DueSoon, Self::Late, Self::WaitingForOthers, Self::HolderGone];
}

/// Whose duties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkScope {
    /// The viewer's own: in the posts they hold or substitute in, of the units they head, of their role; and those
    /// without a holder in the units they head.
    Mine,
    /// A person's, as far as the viewer sees the documents.
    Person(PersonId),
    /// A unit's and those of the people in it, sub-units included, as far as the viewer sees the documents.
    Unit(UnitId),
    /// All that the viewer sees.
    All,
}

/// Which duties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkFilter {
    /// Whose.
    pub scope: WorkScope,
    /// In this state.
    pub state: Option<WorkState>,
    /// Of this kind.
    pub kind: Option<WorkKind>,
}

/// A duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    /// What is to be done.
    pub kind: WorkKind,
    /// On which branch.
    pub branch: Option<BranchId>,
    /// Everybody in a post of one of these roles owes it.
    pub roles: Vec<Role>,
    /// The unit whose head owes it.
    pub unit: Option<UnitId>,
    /// The post that owes it.
    pub post: Option<PostId>,
    /// The person in it.
    pub person: Option<PersonId>,
    /// The unit that it counts for.
    pub for_unit: Option<UnitId>,
    /// Since when.
    pub since: Timestamp,
    /// When it was signed for.
    pub accepted_at: Option<Timestamp>,
    /// When it is due, every extension counted.
    pub due: Option<Timestamp>,
    /// By which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// How it stands now.
    pub states: Vec<WorkState>,
    /// The document.
    pub document: DocumentRow,
}

/// How many duties are in which state. Each number is the length of the list with that state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkCounts {
    /// All.
    pub all: u64,
    /// Not yet signed for.
    pub new: u64,
    /// Due soon.
    pub due_soon: u64,
    /// Late.
    pub late: u64,
    /// Waiting for others.
    pub waiting_for_others: u64,
    /// Without a holder.
    pub holder_gone: u64,
}

/// Who holds a post now.
fn holder(post: &str) -> String {
    format!(
        "(SELECT t.person FROM directory_tenure t JOIN directory_post p ON p.post = t.post \
         WHERE t.post = {post} AND p.abolished = 0 AND t.since <= $3 AND (t.till IS NULL OR t.till > $3) \
         ORDER BY t.place DESC LIMIT 1)"
    )
}

/// Nobody in office holds it, by the same rule as decisions ([`socai_domain::incoming::Branch::holder_gone`]).
fn gone() -> String {
    format!(
        "((w.person IS NOT NULL AND {} IS DISTINCT FROM w.person) OR (w.unit IS NOT NULL AND (\
         NOT EXISTS (SELECT 1 FROM directory_unit u WHERE u.unit = w.unit AND u.closed = 0) OR \
         w.unit NOT IN ({}))))",
        holder("w.post"),
        in_office(&[Role::UnitHead])
    )
}

/// The units in which somebody is in office in one of these roles.
fn in_office(roles: &[Role]) -> String {
    let roles: Vec<String> = roles.iter().map(literal).collect();
    format!(
        "SELECT p.unit FROM directory_post p JOIN directory_tenure t ON t.post = p.post WHERE p.organ = $1 \
         AND p.role IN ({}) AND p.abolished = 0 AND t.since <= $3 AND (t.till IS NULL OR t.till > $3)",
        roles.join(", ")
    )
}

/// The condition of a state. `soon` is the last instant that is "soon", bound beforehand as `$4`.
fn state(state: WorkState) -> String {
    match state {
        WorkState::New => {
            format!("(w.accepted_at IS NULL AND w.kind IN ({}))", OF_BRANCHES.each_ref().map(literal).join(", "))
        }
        WorkState::DueSoon => "(w.binding_due IS NOT NULL AND w.binding_due >= $3 AND w.binding_due <= $4)".to_owned(),
        WorkState::Late => "(w.binding_due IS NOT NULL AND w.binding_due < $3)".to_owned(),
        WorkState::WaitingForOthers => "(w.waits = 1)".to_owned(),
        WorkState::HolderGone => gone(),
    }
}

/// The kinds that somebody signs for.
const OF_BRANCHES: [WorkKind; 2] = [WorkKind::Handle, WorkKind::Contribute];

const LIST: &str = "workList";

impl Views {
    /// A page of the work list, soonest due first.
    pub async fn work_list(
        &self,
        viewer: &Viewer,
        filter: &WorkFilter,
        page: &PageRequest,
    ) -> Result<Page<WorkItem>, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let mut sql = start(&mut snapshot, &viewer).await?;
        sql.push("SELECT w.by, w.document, w.place, w.kind, w.branch, w.role, w.or_role, w.unit, w.post, w.person, w.for_unit, ");
        sql.push("w.since, w.accepted_at, w.due, w.binding_due, ");
        for state in WorkState::ALL.map(state) {
            sql.push("CASE WHEN ").push(&state).push(" THEN 1 ELSE 0 END, ");
        }
        sql.push(COLUMNS);
        condition(&mut sql, filter);
        let order = Order { columns: &["w.by", "w.document", "w.place"], newest_first: false };
        sql.page(&mut snapshot, LIST, order, page, item).await
    }

    /// How long that list is.
    pub async fn work_list_count(&self, viewer: &Viewer, filter: &WorkFilter) -> Result<u64, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let mut sql = start(&mut snapshot, &viewer).await?;
        sql.push("SELECT COUNT(*)");
        condition(&mut sql, filter);
        sql.count(snapshot.db()).await
    }

    /// How many duties are in which state.
    pub async fn work_counts(&self, viewer: &Viewer, scope: WorkScope) -> Result<WorkCounts, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let mut sql = start(&mut snapshot, &viewer).await?;
        sql.push("SELECT COUNT(*)");
        for state in WorkState::ALL.map(state) {
            sql.push(", COALESCE(SUM(CASE WHEN ").push(&state).push(" THEN 1 ELSE 0 END), 0)");
        }
        condition(&mut sql, &WorkFilter { scope, state: None, kind: None });
        let Some(row) = sql.fetch_optional(snapshot.db()).await? else { return Ok(WorkCounts::default()) };
        let mut cells = Cells::of(&row);
        let mut next = || cells.next::<i64>().map(i64::unsigned_abs);
        Ok(WorkCounts {
            all: next()?,
            new: next()?,
            due_soon: next()?,
            late: next()?,
            waiting_for_others: next()?,
            holder_gone: next()?,
        })
    }

    /// The next instant at which a duty of this scope gets late by the clock alone: when to look again.
    pub async fn next_due(&self, viewer: &Viewer, scope: WorkScope) -> Result<Option<Timestamp>, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let mut sql = start(&mut snapshot, &viewer).await?;
        sql.push("SELECT MIN(w.binding_due)");
        condition(&mut sql, &WorkFilter { scope, state: None, kind: None });
        sql.push(" AND w.binding_due >= $3");
        let row = sql.fetch_optional(snapshot.db()).await?;
        row.map_or(Ok(None), |row| Cells::of(&row).next())
    }
}

/// `$4` is the last instant that is soon, by the organ's calendar.
async fn start(snapshot: &mut Snapshot, viewer: &Viewer) -> Result<Sql, ViewsError> {
    let soon = directory::due_soon(snapshot.db(), viewer.organ(), viewer.at()).await?;
    let mut sql = Sql::of(viewer);
    sql.fourth(soon);
    Ok(sql)
}

fn condition(sql: &mut Sql, filter: &WorkFilter) {
    sql.from("work_item w JOIN document d ON d.document = w.document WHERE w.organ = $1 AND ").visible();
    match filter.scope {
        WorkScope::All => {}
        WorkScope::Person(person) => {
            sql.push(" AND w.person = ").bind(person);
        }
        WorkScope::Unit(unit) => {
            sql.push(" AND ").within("w.for_unit", unit);
        }
        WorkScope::Mine => {
            mine(sql);
        }
    }
    if let Some(of) = filter.state {
        sql.push(" AND ").push(&state(of));
    }
    sql.and_equal("w.kind", filter.kind);
}

/// Of every unit the nearest one, itself or above, that has a head in office (at the root, a leader).
fn falls() -> String {
    format!(
        "WITH RECURSIVE manned(unit) AS ({}), falls(unit, headed_in) AS (SELECT unit, unit FROM manned UNION \
         SELECT u.unit, f.headed_in FROM directory_unit u JOIN falls f ON u.parent = f.unit \
         WHERE u.unit NOT IN (SELECT unit FROM manned)) ",
        in_office(&[Role::Leader, Role::UnitHead])
    )
}

fn mine(sql: &mut Sql) -> &mut Sql {
    let [leader, head] = [Role::Leader, Role::UnitHead].each_ref().map(literal);
    let falls = falls();
    // A leader's work is never a head's.
    let of_leader = format!("w.post IN (SELECT post FROM directory_post WHERE role = {leader})");
    let to = |role: &str| {
        format!(
            "w.for_unit IN ({falls}SELECT f.unit FROM falls f JOIN acting a ON a.unit = f.headed_in WHERE a.role = {role})"
        )
    };
    let nobody_above = format!("(w.for_unit IS NULL OR w.for_unit NOT IN ({falls}SELECT unit FROM falls))");
    let leads = format!("EXISTS (SELECT 1 FROM acting a WHERE a.role = {leader})");
    // Nobody confirms what they, or whom they substitute for, proposed.
    sql.push(" AND (($2 IS NULL) OR ((w.but_not IS NULL OR $2 NOT IN (w.but_not, w.nor))")
        .push(&format!(
            " AND (EXISTS (SELECT 1 FROM acting a WHERE a.role IN (w.role, w.or_role) \
             AND (w.but_not IS NULL OR {} NOT IN (w.but_not, w.nor)))",
            holder("a.post")
        ))
        .push(&format!(" OR (w.post IN (SELECT post FROM acting) AND {} = w.person)", holder("w.post")))
        .push(&format!(
            " OR (w.unit IN (SELECT a.unit FROM acting a WHERE a.role IN ({leader}, {head})))"
        ))
        .push(&format!(
            " OR ({} AND ({} OR (({of_leader}) IS NOT TRUE AND {}) OR (({nobody_above} OR ({of_leader}) IS TRUE) AND {leads}))))))",
            gone(),
            to(&leader),
            to(&head),
        ))
}

fn item(cells: &mut Cells<'_>) -> Result<WorkItem, ViewsError> {
    Ok(WorkItem {
        kind: cells.next()?,
        branch: cells.next()?,
        roles: {
            let (role, or): (Option<Role>, Option<Role>) = (cells.next()?, cells.next()?);
            role.into_iter().chain(or).collect()
        },
        unit: cells.next()?,
        post: cells.next()?,
        person: cells.next()?,
        for_unit: cells.next()?,
        since: cells.next()?,
        accepted_at: cells.next()?,
        due: cells.next()?,
        binding_due: cells.next()?,
        states: {
            let mut states = Vec::new();
            for state in WorkState::ALL {
                if cells.next()? {
                    states.push(state);
                }
            }
            states
        },
        document: read(cells)?,
    })
}
