//! Reading the register.

use socai_domain::{
    id::{IncomingId, OrganId, PersonId, PostId, RegisterId, UnitId},
    register::VoidReason,
    time::{Date, Timestamp},
};

use crate::{
    db::Dialect,
    error::ViewsError,
    page::{self, Page, PageRequest},
    sql::{Order, Sql},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

/// A book of an organ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookRow {
    /// Its id.
    pub id: RegisterId,
    /// Whose.
    pub organ: OrganId,
    /// Its series.
    pub series: Option<String>,
    /// Its year.
    pub year: Option<i16>,
}

/// Which lines of the register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisterFilter {
    /// Of one year.
    pub year: Option<i16>,
    /// Of one series.
    pub series: Option<String>,
    /// Of documents that arrived on or after this day.
    pub arrived_from: Option<Date>,
    /// Of documents that arrived on or before this day.
    pub arrived_to: Option<Date>,
    /// Void numbers only, or only others.
    pub void: Option<bool>,
}

impl RegisterFilter {
    fn is_of_days(&self) -> bool {
        self.arrived_from.is_some() || self.arrived_to.is_some()
    }

    /// Void numbers are few, and so is what comes within a month.
    fn is_of_few(&self) -> bool {
        let month = |(from, to): (Date, Date)| to.as_days() - from.as_days() <= 31;
        self.void == Some(true) || self.arrived_from.zip(self.arrived_to).is_some_and(month)
    }
}

/// A line of the register: the ten columns of Annex IV, and what the number became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterLine {
    /// The book's year.
    pub year: Option<i16>,
    /// The book's series.
    pub series: Option<String>,
    /// Column 2: arrival number (số đến).
    pub number: u32,
    /// The document.
    pub document: IncomingId,
    /// Column 1: arrival date (ngày đến).
    pub arrived_on: Option<Date>,
    /// Column 3: author (tác giả).
    pub issuer: Option<String>,
    /// Column 4: number and symbol (số, ký hiệu).
    pub code: Option<String>,
    /// Column 5: the document's date (ngày tháng).
    pub promulgated_on: Option<Date>,
    /// Column 6: type (tên loại).
    pub type_name: Option<String>,
    /// Column 6: abstract (trích yếu).
    pub abstract_text: Option<String>,
    /// Column 7: the unit that received it (đơn vị hoặc người nhận).
    pub receiver_unit: Option<UnitId>,
    /// Column 7: the post, where a person received it.
    pub receiver_post: Option<PostId>,
    /// Column 7: the person.
    pub receiver_person: Option<PersonId>,
    /// Column 8: when it was passed on (ngày chuyển).
    pub passed_on_at: Option<Timestamp>,
    /// Column 9: signed for when (ký nhận).
    pub signed_at: Option<Timestamp>,
    /// Column 9: by whom.
    pub signed_by: Option<PersonId>,
    /// Column 10: note (ghi chú).
    pub note: Option<String>,
    /// Why the number is void.
    pub void: Option<VoidReason>,
    /// Why, in words.
    pub void_note: Option<String>,
    /// Since when.
    pub voided_at: Option<Timestamp>,
    /// By whom.
    pub voided_by: Option<PersonId>,
}

const LIST: &str = "incomingRegister";

const LINES: &str = "SELECT b.book, e.number, b.year, b.series, e.number, e.document_id, l.arrived_on, l.issuer, l.code, \
    l.promulgated_on, l.type_name, l.abstract, l.receiver_unit, l.receiver_post, l.receiver_person, \
    l.passed_on_at, l.signed_at, l.signed_by, l.note, e.void, e.void_note, e.voided_at, e.voided_by";

impl Views {
    /// The books of the viewer's organ, oldest first.
    pub async fn books(&self, organ: OrganId) -> Result<Vec<BookRow>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT id, organ, series, year FROM register_book WHERE organ = ").bind(organ).push(" ORDER BY book");
        let rows = sql.fetch_all(&mut self.reading().await?).await?;
        let book = |cells: &mut Cells<'_>| {
            Ok(BookRow { id: cells.next()?, organ: cells.next()?, series: cells.next()?, year: cells.next()? })
        };
        rows.iter().map(|row| book(&mut Cells::of(row))).collect()
    }

    /// A page of the register, in the order of the books and numbers.
    pub async fn incoming_register(
        &self,
        viewer: &Viewer,
        filter: &RegisterFilter,
        page: &PageRequest,
    ) -> Result<Page<RegisterLine>, ViewsError> {
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = Sql::of(&viewer);
        sql.push(LINES);
        match self.dialect() {
            Dialect::Postgres if filter.is_of_days() && !sql.sees_few() => days_by_book(&mut sql, filter, page)?,
            dialect => condition(&mut sql, dialect, filter, "COALESCE(l.arrived_on, NULL)"), // no index leads to it
        }
        // The same book and number by different names: each list is in the order of these.
        let columns = match self.dialect() {
            _ if filter.is_of_days() => ["b.book", "l.number"],
            Dialect::Sqlite => ["b.book", "e.number"],
            Dialect::Postgres => ["e.book", "e.number"],
        };
        let order = Order { columns: &columns, newest_first: false };
        sql.page(&mut db, LIST, order, page, line).await
    }

    /// How many lines that register has.
    pub async fn incoming_register_count(&self, viewer: &Viewer, filter: &RegisterFilter) -> Result<u64, ViewsError> {
        let (mut snapshot, viewer) =
            if filter.is_of_few() { self.judging(viewer).await? } else { self.counting(viewer).await? };
        let mut sql = Sql::of(&viewer);
        sql.push("SELECT COUNT(*)");
        if sql.sees_all() {
            of_all(&mut sql, filter);
        } else {
            condition(&mut sql, self.dialect(), filter, "l.arrived_on");
        }
        sql.count(snapshot.db()).await
    }

    /// The line of one document.
    pub async fn register_line(&self, viewer: &Viewer, id: IncomingId) -> Result<Option<RegisterLine>, ViewsError> {
        let mut sql = Sql::of(viewer);
        sql.push(LINES);
        condition(&mut sql, self.dialect(), &RegisterFilter::default(), "l.arrived_on");
        sql.push(" AND e.document_id = ").bind(id).push(" ORDER BY b.book, e.number LIMIT 1");
        let row = sql.fetch_optional(&mut self.reading().await?).await?;
        row.map(|row| line(&mut Cells::skipping(&row, 2))).transpose()
    }
}

/// In the order of books and numbers. SQLite never turns cross joins round: it would begin with the organ's documents, and sort all
/// of them for each page.
const BOOKS: &str = "register_book b CROSS JOIN register_entry e CROSS JOIN document d \
    LEFT JOIN register_line l ON l.document = d.document WHERE e.book = b.book AND d.id = e.document_id AND ";
/// In the same order, what arrived on some days: along the lines, which know it.
const DAYS: &str = "register_book b CROSS JOIN register_line l CROSS JOIN register_entry e CROSS JOIN document d \
    WHERE l.register = b.id AND e.book = b.book AND e.number = l.number AND d.document = l.document AND ";
/// What few documents have there.
const THEIRS: &str = "document d CROSS JOIN register_entry e CROSS JOIN register_book b \
    LEFT JOIN register_line l ON l.document = d.document WHERE e.document_id = d.id AND b.book = e.book AND ";
/// The viewer's books, found by going through the few books in their order, and not by an index with another one.
pub(crate) const OWN_BOOKS: &str = "COALESCE(b.organ, NULL) = $1";

fn condition(sql: &mut Sql, dialect: Dialect, filter: &RegisterFilter, arrived_on: &str) {
    sql.from(match filter.is_of_days() {
        _ if sql.sees_few() => THEIRS,
        true => DAYS,
        false => BOOKS,
    });
    of_books(sql, filter);
    sql.push(" AND ").visible();
    of_lines(sql, filter, arrived_on);
    if let (Dialect::Postgres, Some(year)) = (dialect, filter.year) {
        // It goes along the numbers, not the books: no need to begin with those of the years before.
        sql.push(" AND e.book >= (SELECT MIN(f.book) FROM register_book f WHERE f.organ = $1 AND f.year >= ");
        sql.bind(year).push(")");
    }
}

/// The numbers of whoever sees all, to be counted: whose a book is, its documents are, and none of them is looked up.
fn of_all(sql: &mut Sql, filter: &RegisterFilter) {
    sql.push(" FROM register_book b CROSS JOIN ").push(if filter.is_of_days() {
        "register_line l CROSS JOIN register_entry e WHERE l.register = b.id AND e.number = l.number AND "
    } else {
        "register_entry e WHERE "
    });
    sql.push("e.book = b.book AND e.document_id IS NOT NULL AND ");
    of_books(sql, filter);
    of_lines(sql, filter, "l.arrived_on");
}

/// `PostgreSQL` would sort all that came on those days for each page: so it gets no more of each book than a page needs.
fn days_by_book(sql: &mut Sql, filter: &RegisterFilter, page: &PageRequest) -> Result<(), ViewsError> {
    let after = page.after.as_ref().map(|after| page::keys(LIST, after, 2)).transpose()?;
    sql.push(" FROM register_book b CROSS JOIN LATERAL (SELECT l.* FROM register_line l CROSS JOIN register_entry e ");
    sql.push("CROSS JOIN document d WHERE l.register = b.id AND e.book = b.book AND e.number = l.number ");
    sql.push("AND d.document = l.document AND ").visible();
    of_lines(sql, filter, "l.arrived_on");
    if let Some([book, number]) = after.as_deref() {
        sql.push(" AND l.number > CASE WHEN b.book = ").bind(book.clone()).push(" THEN ").bind(number.clone());
        sql.push(" ELSE 0 END");
    }
    sql.push(&format!(" ORDER BY l.number LIMIT {}) l ", u64::from(page.first) + 1));
    sql.push("JOIN register_entry e ON e.book = b.book AND e.number = l.number WHERE ");
    of_books(sql, filter);
    Ok(())
}

/// The viewer's books in which there may be such lines.
fn of_books(sql: &mut Sql, filter: &RegisterFilter) {
    sql.push(OWN_BOOKS).and_equal("b.year", filter.year).and_equal("b.series", filter.series.clone());
    if filter.is_of_days() && !sql.sees_few() {
        // Not EXISTS, which SQLite makes a join of: it would look for it last, after it went through a book for nothing.
        sql.push(" AND (SELECT 1 FROM register_line o WHERE o.register = b.id");
        of_days(sql, filter, "o.arrived_on").push(" LIMIT 1) = 1");
    }
}

fn of_lines(sql: &mut Sql, filter: &RegisterFilter, arrived_on: &str) {
    of_days(sql, filter, arrived_on);
    match filter.void {
        Some(true) => sql.push(" AND e.void IS NOT NULL"),
        Some(false) => sql.push(" AND e.void IS NULL"),
        None => sql,
    };
}

fn of_days<'a>(sql: &'a mut Sql, filter: &RegisterFilter, arrived_on: &str) -> &'a mut Sql {
    if let Some(from) = filter.arrived_from {
        sql.push(" AND ").push(arrived_on).push(" >= ").bind(from);
    }
    if let Some(to) = filter.arrived_to {
        sql.push(" AND ").push(arrived_on).push(" <= ").bind(to);
    }
    sql
}

fn line(cells: &mut Cells<'_>) -> Result<RegisterLine, ViewsError> {
    Ok(RegisterLine {
        year: cells.next()?,
        series: cells.next()?,
        number: cells.next()?,
        document: cells.next()?,
        arrived_on: cells.next()?,
        issuer: cells.next()?,
        code: cells.next()?,
        promulgated_on: cells.next()?,
        type_name: cells.next()?,
        abstract_text: cells.next()?,
        receiver_unit: cells.next()?,
        receiver_post: cells.next()?,
        receiver_person: cells.next()?,
        passed_on_at: cells.next()?,
        signed_at: cells.next()?,
        signed_by: cells.next()?,
        note: cells.next()?,
        void: cells.next()?,
        void_note: cells.next()?,
        voided_at: cells.next()?,
        voided_by: cells.next()?,
    })
}
