//! Asking for agencies and people, for display.

use socai_domain::{
    calendar::{CalendarYear, WorkingCalendar},
    id::{OrganId, PersonId, PostId, UnitId},
    organ::Role,
    time::Timestamp,
};

use super::fold::Organ;
use crate::{
    error::ViewsError,
    rows::decode,
    sql::{Source, Sql},
    store::Views,
    value::Cells,
};

/// An agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganRow {
    /// Its id.
    pub id: OrganId,
    /// Its name.
    pub name: Option<String>,
    /// Its newest identifier.
    pub code: Option<String>,
    /// The root of its unit tree.
    pub root: Option<UnitId>,
    /// Everybody in it sees all its documents.
    pub open_within_organ: bool,
    /// Working days before the deadline from which work is due soon.
    pub due_soon_days: u16,
    /// Minutes within which urgent documents are registered and submitted.
    pub urgent_minutes: u32,
}

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// Its id.
    pub id: UnitId,
    /// Its organ.
    pub organ: OrganId,
    /// The unit it belongs to.
    pub parent: Option<UnitId>,
    /// Its name.
    pub name: String,
    /// Its abbreviation.
    pub abbreviation: Option<String>,
    /// It is no more.
    pub closed: bool,
}

/// A post, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostRow {
    /// Its id.
    pub id: PostId,
    /// Its organ.
    pub organ: OrganId,
    /// Where it is.
    pub unit: UnitId,
    /// What it may do.
    pub role: Role,
    /// Its title.
    pub title: String,
    /// It is no more.
    pub abolished: bool,
    /// Who holds it at the instant asked about.
    pub holder: Option<PersonId>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Their id.
    pub id: PersonId,
    /// The organ that registered them.
    pub organ: OrganId,
    /// Their name; none once erased.
    pub name: Option<String>,
}

const UNITS: &str = "SELECT unit, organ, parent, name, abbreviation, closed FROM directory_unit";
const PEOPLE: &str = "SELECT id, organ, name FROM directory_person";

impl Views {
    /// An agency.
    pub async fn organ(&self, id: OrganId) -> Result<Option<OrganRow>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT id, name, code, root, open_within_organ, due_soon_days, urgent_minutes FROM directory_organ");
        sql.push(" WHERE id = ").bind(id);
        sql.read_optional(&mut self.reading().await?, organ).await
    }

    /// An agency's units, in the order in which they were made: parents before children.
    pub async fn units(&self, organ: OrganId) -> Result<Vec<UnitRow>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push(UNITS).push(" WHERE organ = ").bind(organ).push(" ORDER BY organ_no, place");
        sql.read_all(&mut self.reading().await?, unit).await
    }

    /// A unit and all under it, by the tree of the moment that these views reflect.
    pub async fn with_sub_units(&self, unit: UnitId) -> Result<Vec<UnitId>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT DISTINCT u.unit FROM directory_unit u WHERE ").within("u.unit", unit).push(" ORDER BY u.unit");
        let rows = sql.fetch_all(&mut self.reading().await?).await?;
        rows.iter().map(|row| Cells::of(row).next()).collect()
    }

    /// Some units. Those that nobody knows are left out.
    pub async fn units_by_id(&self, ids: &[UnitId]) -> Result<Vec<UnitRow>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push(UNITS).push(" WHERE unit IN (").bind_all(ids.iter().copied()).push(")");
        sql.read_all(&mut self.reading().await?, unit).await
    }

    /// An agency's posts, with who holds them at `at`.
    pub async fn posts(&self, organ: OrganId, at: Timestamp) -> Result<Vec<PostRow>, ViewsError> {
        let mut sql = Sql::plain();
        posts(&mut sql, at).push("p.organ = ").bind(organ).push(" ORDER BY p.organ_no, p.place");
        sql.read_all(&mut self.reading().await?, post).await
    }

    /// Some posts, with who holds them at `at`. Those that nobody knows are left out.
    pub async fn posts_by_id(&self, ids: &[PostId], at: Timestamp) -> Result<Vec<PostRow>, ViewsError> {
        let mut sql = Sql::plain();
        posts(&mut sql, at).push("p.post IN (").bind_all(ids.iter().copied()).push(")");
        sql.read_all(&mut self.reading().await?, post).await
    }

    /// An agency's people, by given name.
    pub async fn people(&self, organ: OrganId) -> Result<Vec<PersonRow>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push(PEOPLE).push(" WHERE organ = ").bind(organ).push(" ORDER BY sort NULLS FIRST, person");
        sql.read_all(&mut self.reading().await?, person).await
    }

    /// Some people. Those that nobody knows are left out.
    pub async fn people_by_id(&self, ids: &[PersonId]) -> Result<Vec<PersonRow>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push(PEOPLE).push(" WHERE id IN (").bind_all(ids.iter().copied()).push(")");
        sql.read_all(&mut self.reading().await?, person).await
    }
}

/// Posts with their holders, up to the condition.
fn posts(sql: &mut Sql, at: Timestamp) -> &mut Sql {
    sql.push("SELECT p.post, p.organ, p.unit, p.role, p.title, p.abolished, (SELECT t.person FROM directory_tenure t")
        .push(" WHERE t.post = p.post AND p.abolished = 0 AND t.since <= ")
        .bind(at)
        .push(" AND (t.till IS NULL OR t.till > ")
        .bind(at)
        .push(") ORDER BY t.place DESC LIMIT 1) FROM directory_post p WHERE ")
}

fn organ(cells: &mut Cells<'_>) -> Result<OrganRow, ViewsError> {
    Ok(OrganRow {
        id: cells.next()?,
        name: cells.next()?,
        code: cells.next()?,
        root: cells.next()?,
        open_within_organ: cells.next()?,
        due_soon_days: cells.next()?,
        urgent_minutes: cells.next()?,
    })
}

fn unit(cells: &mut Cells<'_>) -> Result<UnitRow, ViewsError> {
    Ok(UnitRow {
        id: cells.next()?,
        organ: cells.next()?,
        parent: cells.next()?,
        name: cells.next()?,
        abbreviation: cells.next()?,
        closed: cells.next()?,
    })
}

fn post(cells: &mut Cells<'_>) -> Result<PostRow, ViewsError> {
    Ok(PostRow {
        id: cells.next()?,
        organ: cells.next()?,
        unit: cells.next()?,
        role: cells.next()?,
        title: cells.next()?,
        abolished: cells.next()?,
        holder: cells.next()?,
    })
}

fn person(cells: &mut Cells<'_>) -> Result<PersonRow, ViewsError> {
    Ok(PersonRow { id: cells.next()?, organ: cells.next()?, name: cells.next()? })
}

/// An agency as folded, its calendar ready.
pub(crate) async fn folded(db: &mut impl Source, id: OrganId) -> Result<Option<Organ>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT calendar, state FROM directory_organ WHERE id = ").bind(id);
    let read = |cells: &mut Cells<'_>| {
        let calendar = read_calendar(cells)?;
        Ok(Organ { calendar, ..decode(&cells.next::<Vec<u8>>()?)? })
    };
    sql.read_optional(db, read).await
}

/// The calendar of an organ, as a query that ends where its id goes: a [`StoredCalendar`].
pub(crate) const CALENDAR: &str = "SELECT calendar FROM directory_organ WHERE id = ";

/// A calendar as it is stored; none where nobody knows the agency.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredCalendar(pub(crate) Option<Vec<u8>>);

impl StoredCalendar {
    /// The calendar; weekends only where there is none.
    pub(crate) fn read(&self) -> Result<WorkingCalendar, ViewsError> {
        let years: Vec<CalendarYear> = self.0.as_deref().map_or(Ok(Vec::new()), decode)?;
        Ok(WorkingCalendar::new(years))
    }
}

fn read_calendar(cells: &mut Cells<'_>) -> Result<WorkingCalendar, ViewsError> {
    StoredCalendar(cells.next()?).read()
}

/// An agency's calendar; weekends only where nobody knows the agency.
pub(crate) async fn calendar(db: &mut impl Source, id: OrganId) -> Result<WorkingCalendar, ViewsError> {
    let mut sql = Sql::plain();
    sql.push(CALENDAR).bind(id);
    Ok(sql.read_optional(db, read_calendar).await?.unwrap_or_default())
}

/// The last instant that is "soon" for an agency, seen from `at`: by its calendar and its setting.
pub(crate) async fn due_soon(db: &mut impl Source, id: OrganId, at: Timestamp) -> Result<Timestamp, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT calendar, due_soon_days FROM directory_organ WHERE id = ").bind(id);
    let read = |cells: &mut Cells<'_>| {
        let (calendar, days) = (read_calendar(cells)?, cells.next::<i64>()?);
        Ok(calendar.add_working_days(at.date(), u32::try_from(days).unwrap_or_default()).end())
    };
    Ok(sql.read_optional(db, read).await?.unwrap_or(at))
}
