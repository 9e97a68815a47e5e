//! Asking for documents.

use socai_domain::{
    deadline::SumLine,
    document_types::{Channel, Urgency},
    id::{IncomingId, OrganId, PersonId, PostId, UnitId},
    incoming::Stage,
    ledger::Position,
    time::{Date, Timestamp},
};

use super::state::{Branch, Document};
use crate::{
    db::Row,
    directory::{CALENDAR, StoredCalendar},
    error::ViewsError,
    rows::decode,
    sql::{Source, Sql},
    store::{POSITION, Views, position},
    value::Cells,
    viewer::Viewer,
};

/// A document in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its id.
    pub id: IncomingId,
    /// Whose it is.
    pub organ: OrganId,
    /// The revision of its last record.
    pub revision: u64,
    /// Where it stands; none when its content was erased before it was read.
    pub stage: Option<Stage>,
    /// Since when.
    pub stage_since: Timestamp,
    /// How it came.
    pub channel: Option<Channel>,
    /// Name of its type.
    pub type_name: Option<String>,
    /// Urgency.
    pub urgency: Urgency,
    /// The issuer's name.
    pub issuer_name: Option<String>,
    /// Number and symbol.
    pub code: Option<String>,
    /// Date of promulgation.
    pub promulgated_on: Option<Date>,
    /// Abstract.
    pub abstract_text: Option<String>,
    /// When it arrived.
    pub arrived_at: Option<Timestamp>,
    /// The year of its book.
    pub year: Option<i16>,
    /// Its arrival number.
    pub number: Option<u32>,
    /// The unit that has it.
    pub holder_unit: Option<UnitId>,
    /// The post that has it.
    pub holder_post: Option<PostId>,
    /// The person who has it.
    pub holder_person: Option<PersonId>,
    /// Since when.
    pub held_since: Timestamp,
    /// When it is due, every extension counted.
    pub due: Option<Timestamp>,
    /// The deadline by which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// Its paper is awaited.
    pub waits_for_paper: bool,
    /// Its content was erased.
    pub erased: bool,
}

/// A document with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentView {
    /// The document as folded.
    pub document: Document,
    /// The position of the log that this reflects.
    pub position: Option<Position>,
    /// Of its agency. Most who ask for a document do not ask for sums.
    calendar: StoredCalendar,
}

impl DocumentView {
    /// The sum of a branch's deadline, line by line: of an ended branch as it stood at its end; empty without a deadline.
    ///
    /// # Errors
    /// [`ViewsError::Damaged`] when the stored calendar cannot be read.
    pub fn sum_of(&self, branch: &Branch) -> Result<Vec<SumLine>, ViewsError> {
        let owed = branch.original_due.is_some() || branch.due.is_some();
        if owed { self.kept(&branch.sum_at_end, branch) } else { Ok(Vec::new()) }
    }

    /// The sum of the document's own deadline: that of the root LEAD branch of its present round.
    ///
    /// # Errors
    /// As [`sum_of`](Self::sum_of).
    pub fn sum(&self) -> Result<Option<Vec<SumLine>>, ViewsError> {
        let Some(round) = self.document.round() else { return Ok(None) };
        let lead = self.document.root_lead(round.number);
        lead.map(|lead| self.kept(&round.sum_at_end, lead)).transpose()
    }

    fn kept(&self, at_end: &[SumLine], branch: &Branch) -> Result<Vec<SumLine>, ViewsError> {
        if at_end.is_empty() {
            return Ok(branch.sum(&self.document.pauses).explain(&self.calendar.read()?));
        }
        Ok(at_end.to_vec())
    }
}

pub(crate) const COLUMNS: &str = "d.id, d.organ, d.revision, d.stage, d.stage_since, d.channel, d.type_name, d.urgency, \
    d.issuer_name, d.code, d.promulgated_on, d.abstract, d.arrived_at, d.year, d.number, d.holder_unit, d.holder_post, \
    d.holder_person, d.held_since, d.due, d.binding_due, d.waits_for_paper, d.erased";

impl Views {
    /// A document that the viewer sees; none when there is none or they do not see it.
    pub async fn document(&self, viewer: &Viewer, id: IncomingId) -> Result<Option<DocumentView>, ViewsError> {
        Ok(self.documents_by_id(viewer, &[id]).await?.pop())
    }

    /// Those of these documents that the viewer sees, in any order: all as of one moment.
    pub async fn documents_by_id(&self, viewer: &Viewer, ids: &[IncomingId]) -> Result<Vec<DocumentView>, ViewsError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut db = self.reading().await?;
        let mut sql = Sql::of(viewer);
        // What a viewer sees is of their organ, and so is the calendar.
        sql.push("SELECT (").push(POSITION).push("), (").push(CALENDAR).push("$1), d.state");
        // SQLite never turns a cross join round: for many ids it would go through the organ's documents.
        sql.push(" FROM (VALUES (NULL)");
        for id in ids {
            sql.push(", (").bind(*id).push(")");
        }
        sql.push(") asked CROSS JOIN document d WHERE d.id = asked.column1 AND ").visible();
        #[cfg(test)]
        sql.assert_looked_up("documents by id", &mut db).await;
        let read = |cells: &mut Cells<'_>| {
            let (position, calendar) = (position(cells)?, StoredCalendar(cells.next()?));
            Ok(DocumentView { document: decode(&cells.next::<Vec<u8>>()?)?, position, calendar })
        };
        sql.read_all(&mut db, read).await
    }

    /// A document as lists show it, if the viewer sees it.
    pub async fn document_row(&self, viewer: &Viewer, id: IncomingId) -> Result<Option<DocumentRow>, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push("SELECT ").push(COLUMNS).push(" FROM document d WHERE ").visible().push(" AND d.id = ").bind(id);
        sql.read_optional(&mut self.reading().await?, read).await
    }

    /// Does the viewer see it? For trails, files and subscriptions.
    pub async fn sees(&self, viewer: &Viewer, id: IncomingId) -> Result<bool, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push("SELECT COUNT(*) FROM document d WHERE ").visible().push(" AND d.id = ").bind(id);
        Ok(sql.count(&mut self.reading().await?).await? > 0)
    }

    /// Was a document of the organ erased after a position, or changed since its erasure? Whoever had a part in it does not see
    /// it any more, so it is none of their [changed documents](Self::documents_changed).
    pub async fn erased_after(&self, organ: OrganId, after: Position) -> Result<bool, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT COUNT(*) FROM (SELECT 1 FROM document d WHERE d.organ = ").bind(organ);
        sql.push(" AND d.changed > ").bind(i64::try_from(after.place()).unwrap_or(i64::MAX));
        sql.push(" AND d.erased <> 0 LIMIT 1) found");
        Ok(sql.count(&mut self.reading().await?).await? > 0)
    }

    /// The documents that the viewer sees and that changed after a position, each once, in the order of their last
    /// changes; about `limit` of them (all that one record changed come together). Goes on from the position of the last one,
    /// which is given with it: so nobody misses a change, and one that changed again comes again.
    pub async fn documents_changed(
        &self,
        viewer: &Viewer,
        after: Position,
        limit: u32,
    ) -> Result<Vec<(Position, DocumentRow)>, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        if snapshot.position.is_some_and(|at| !at.same_log(after)) {
            return Err(ViewsError::Foreign(after));
        }
        let changed = |condition: &str, place: u64| {
            let mut sql = Sql::of(viewer);
            sql.push("SELECT d.changed, ").push(COLUMNS).push(" FROM document d WHERE ").visible().push(condition);
            sql.bind(i64::try_from(place).unwrap_or(i64::MAX)).push(" ORDER BY d.changed, d.document");
            sql
        };
        let mut sql = changed(" AND d.changed > ", after.place());
        sql.push(" LIMIT ").bind(i64::from(limit));
        let mut rows = sql.fetch_all(snapshot.db()).await?;
        // One record may change many documents (a calendar): those of the last record come together.
        if rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX)
            && let Some(last) = rows.last()
        {
            let last: i64 = Cells::of(last).next()?;
            let of = |row: &Row| Cells::of(row).next::<i64>();
            while rows.last().is_some_and(|row| of(row).is_ok_and(|place| place == last)) {
                rows.pop();
            }
            rows.extend(changed(" AND d.changed = ", last.unsigned_abs()).fetch_all(snapshot.db()).await?);
        }
        let item = |cells: &mut Cells<'_>| {
            let place: i64 = cells.next()?;
            Ok((after.with_place(place.unsigned_abs()), read(cells)?))
        };
        rows.iter().map(|row| item(&mut Cells::of(row))).collect()
    }
}

/// Reads [`COLUMNS`].
pub(crate) fn read(cells: &mut Cells<'_>) -> Result<DocumentRow, ViewsError> {
    Ok(DocumentRow {
        id: cells.next()?,
        organ: cells.next()?,
        revision: cells.next::<i64>()?.unsigned_abs(),
        stage: cells.next()?,
        stage_since: cells.next()?,
        channel: cells.next()?,
        type_name: cells.next()?,
        urgency: cells.next()?,
        issuer_name: cells.next()?,
        code: cells.next()?,
        promulgated_on: cells.next()?,
        abstract_text: cells.next()?,
        arrived_at: cells.next()?,
        year: cells.next()?,
        number: cells.next()?,
        holder_unit: cells.next()?,
        holder_post: cells.next()?,
        holder_person: cells.next()?,
        held_since: cells.next()?,
        due: cells.next()?,
        binding_due: cells.next()?,
        waits_for_paper: cells.next()?,
        erased: cells.next()?,
    })
}

/// The documents of an organ whose clock runs.
pub(crate) async fn open_documents(
    db: &mut impl Source,
    organ: OrganId,
) -> Result<Vec<(IncomingId, Document)>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT id, state FROM document WHERE document IN (SELECT b.document FROM branch b WHERE b.organ = ");
    sql.bind(organ).push(" AND b.ended_at IS NULL UNION SELECT f.document FROM document_fact f WHERE f.organ = ");
    sql.bind(organ).push(" AND f.ended_at IS NULL)");
    let rows = sql.fetch_all(db).await?;
    let read = |cells: &mut Cells<'_>| Ok((cells.next()?, decode(&cells.next::<Vec<u8>>()?)?));
    rows.iter().map(|row| read(&mut Cells::of(row))).collect()
}
