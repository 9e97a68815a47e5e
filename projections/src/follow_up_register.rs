//! Read model: the register that follows the handling of incoming documents (sổ theo dõi giải quyết văn bản đến), seven
//! columns (Decree 30/2020, Annex IV).

use socai_domain::{
    id::{IncomingId, PersonId, PostId, UnitId},
    incoming::{Stage, events::Assignee},
    time::{Date, Timestamp},
};

use crate::{
    branches::assignee,
    db::Dialect,
    document::Document,
    error::ViewsError,
    incoming_register::OWN_BOOKS,
    out::Out,
    page::{self, Page, PageRequest},
    sql::{Order, Sql},
    store::Views,
    table::{Table, bytes, index, int, null, text},
    value::{Cells, Value},
    viewer::Viewer,
};

/// The read model's name.
pub(crate) const NAME: &str = "follow_up_register";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 4;

pub(crate) static LINE: Table = Table {
    name: "follow_up_line",
    key: 1,
    columns: &[
        int("document"),
        bytes("register"),
        int("number"),
        null(text("type_name")),
        null(text("code")),
        null(int("promulgated_on")),
        null(text("issuer")),
        null(bytes("receiver_unit")),
        null(bytes("receiver_post")),
        null(bytes("receiver_person")),
        null(int("due")),
        null(int("binding_due")),
        null(int("stage")),
        null(text("progress")),
        null(int("ended_at")),
        null(text("answers")),
        null(text("note")),
    ],
    indexes: &[index("follow_up_line_number", "register, number, document"), index("follow_up_line_open", "ended_at")],
};

/// A line: seven columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpLine {
    /// The document.
    pub document: IncomingId,
    /// The year of its book.
    pub year: i16,
    /// Column 1: arrival number (số đến).
    pub number: u32,
    /// Column 2: type.
    pub type_name: Option<String>,
    /// Column 2: number and symbol.
    pub code: Option<String>,
    /// Column 2: date.
    pub promulgated_on: Option<Date>,
    /// Column 2: issuer.
    pub issuer: Option<String>,
    /// Column 3: the unit that has it (đơn vị hoặc người nhận).
    pub receiver_unit: Option<UnitId>,
    /// Column 3: the post.
    pub receiver_post: Option<PostId>,
    /// Column 3: the person.
    pub receiver_person: Option<PersonId>,
    /// Column 4: deadline (thời hạn giải quyết), every extension counted.
    pub due: Option<Timestamp>,
    /// The deadline by which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// Column 5: where it stands (tiến độ giải quyết).
    pub stage: Option<Stage>,
    /// Column 5: the last report, in words.
    pub progress: Option<String>,
    /// When the work ended.
    pub ended_at: Option<Timestamp>,
    /// Column 6: number and symbol of the answering documents (số, ký hiệu văn bản trả lời) of all rounds, with `; ` between.
    pub answers: Option<String>,
    /// Column 7: note (ghi chú).
    pub note: Option<String>,
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowUpFilter {
    /// Of one year.
    pub year: Option<i16>,
    /// Those on which work is open, or only others.
    pub open: Option<bool>,
    /// Only those that are late now.
    pub late: bool,
}

impl FollowUpFilter {
    /// What is open is little.
    fn is_of_few(&self) -> bool {
        self.late || self.open == Some(true)
    }
}

const LIST: &str = "followUpRegister";

impl Views {
    /// A page of the follow-up register, in the order of the books and numbers.
    pub async fn follow_up_register(
        &self,
        viewer: &Viewer,
        filter: &FollowUpFilter,
        page: &PageRequest,
    ) -> Result<Page<FollowUpLine>, ViewsError> {
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = Sql::of(&viewer);
        sql.push(
            "SELECT b.book, l.number, l.document, d.id, b.year, l.number, l.type_name, l.code, l.promulgated_on, ",
        );
        sql.push("l.issuer, l.receiver_unit, l.receiver_post, l.receiver_person, l.due, l.binding_due, l.stage, ");
        sql.push("l.progress, l.ended_at, l.answers, l.note");
        match self.dialect() {
            Dialect::Postgres if !filter.is_of_few() && !sql.sees_few() => by_book(&mut sql, filter, page)?,
            _ => condition(&mut sql, filter),
        }
        let order = Order { columns: &["b.book", "l.number", "l.document"], newest_first: false };
        sql.page(&mut db, LIST, order, page, read).await
    }

    /// How many lines that register has.
    pub async fn follow_up_register_count(&self, viewer: &Viewer, filter: &FollowUpFilter) -> Result<u64, ViewsError> {
        let (mut snapshot, viewer) =
            if filter.is_of_few() { self.judging(viewer).await? } else { self.counting(viewer).await? };
        let mut sql = Sql::of(&viewer);
        sql.push("SELECT COUNT(*)");
        if sql.sees_all() {
            // Whose a book is, its documents are: none of them is looked up.
            sql.push(" FROM register_book b CROSS JOIN follow_up_line l WHERE l.register = b.id AND ").push(OWN_BOOKS);
            sql.and_equal("b.year", filter.year);
            of_lines(&mut sql, filter);
        } else {
            condition(&mut sql, filter);
        }
        sql.count(snapshot.db()).await
    }
}

fn condition(sql: &mut Sql, filter: &FollowUpFilter) {
    // The book knows its year also where an erasure took it from the document.
    sql.from(match filter.is_of_few() {
        _ if sql.sees_few() => "document d CROSS JOIN follow_up_line l CROSS JOIN register_book b",
        // Sorted quickly.
        true => "follow_up_line l CROSS JOIN register_book b CROSS JOIN document d",
        false => "register_book b CROSS JOIN follow_up_line l CROSS JOIN document d",
    });
    sql.push(" WHERE l.register = b.id AND d.document = l.document AND ").push(OWN_BOOKS).push(" AND ").visible();
    sql.and_equal("b.year", filter.year);
    of_lines(sql, filter);
}

/// `PostgreSQL` would sort a whole book for each page: so it gets no more of each than a page needs.
fn by_book(sql: &mut Sql, filter: &FollowUpFilter, page: &PageRequest) -> Result<(), ViewsError> {
    let after = page.after.as_ref().map(|after| page::keys(LIST, after, 3)).transpose()?;
    sql.push(" FROM register_book b CROSS JOIN LATERAL (SELECT l.* FROM follow_up_line l JOIN document d ");
    sql.push("ON d.document = l.document WHERE l.register = b.id AND ").visible();
    of_lines(sql, filter);
    if let Some([book, number, document]) = after.as_deref() {
        sql.push(" AND (l.number, l.document) > (");
        for (key, end) in [(number, ", "), (document, ")")] {
            sql.push("CASE WHEN b.book = ").bind(book.clone()).push(" THEN ").bind(key.clone());
            sql.push(" ELSE -1 END").push(end);
        }
    }
    sql.push(&format!(" ORDER BY l.number, l.document LIMIT {}) l ", u64::from(page.first) + 1));
    sql.push("JOIN document d ON d.document = l.document WHERE ").push(OWN_BOOKS).push(" AND d.organ = $1");
    sql.and_equal("b.year", filter.year);
    Ok(())
}

fn of_lines(sql: &mut Sql, filter: &FollowUpFilter) {
    match filter.open {
        Some(true) => sql.push(" AND l.ended_at IS NULL"),
        Some(false) => sql.push(" AND l.ended_at IS NOT NULL"),
        None => sql,
    };
    if filter.late {
        sql.push(" AND l.ended_at IS NULL AND l.binding_due < $3");
    }
}

fn read(cells: &mut Cells<'_>) -> Result<FollowUpLine, ViewsError> {
    Ok(FollowUpLine {
        document: cells.next()?,
        year: cells.next::<Option<i16>>()?.unwrap_or_default(),
        number: cells.next()?,
        type_name: cells.next()?,
        code: cells.next()?,
        promulgated_on: cells.next()?,
        issuer: cells.next()?,
        receiver_unit: cells.next()?,
        receiver_post: cells.next()?,
        receiver_person: cells.next()?,
        due: cells.next()?,
        binding_due: cells.next()?,
        stage: cells.next()?,
        progress: cells.next()?,
        ended_at: cells.next()?,
        answers: cells.next()?,
        note: cells.next()?,
    })
}

/// The row of a registered document.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    let (Some(registration), Some(round)) = (&document.registration, document.round()) else { return };
    let details = document.details.as_ref();
    let receiver = document.root_lead(round.number).map(|lead| lead.assignee);
    let receiver = receiver.or(document.leader.map(|holder| Assignee::Person { holder }));
    let [unit, post, person] = receiver.map_or([Value::Null, Value::Null, Value::Null], assignee);
    let progress = document.branches.iter().flat_map(|branch| &branch.progress).max_by_key(|progress| progress.at);
    let resolution = round.resolution.as_ref();
    // Of every round: an answer that went out stays one when the document is reopened.
    let made = document.rounds.iter().filter_map(|round| round.resolution.as_ref());
    let answers: Vec<&str> = made.flat_map(|made| &made.answers).map(|answer| answer.code.as_str()).collect();
    let note = resolution.and_then(|made| made.note.as_ref()).map(ToString::to_string);
    let cancelled = document.cancelled.as_ref().and_then(|(_, reason)| reason.as_ref()).map(ToString::to_string);
    out.add(
        &LINE,
        vec![
            document.ordinal.into(),
            registration.register.into(),
            registration.number.get().into(),
            details.map(|details| details.type_name.to_string()).into(),
            document.code().into(),
            details.and_then(|details| details.promulgated_on).into(),
            details.map(|details| details.issuer_name.to_string()).into(),
            unit,
            post,
            person,
            round.due.into(),
            round.binding_due.into(),
            document.stage.into(),
            progress.map(|progress| progress.text.to_string()).into(),
            round.ended.map(|(_, at)| at).into(),
            (!answers.is_empty()).then(|| answers.join("; ")).into(),
            note.or(cancelled).into(),
        ],
    );
}
