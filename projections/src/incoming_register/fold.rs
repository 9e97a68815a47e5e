//! The register's tables, and how events change them.

use serde::{Deserialize, Serialize};
use socai_domain::{
    decide::Meta,
    id::{IncomingId, OrganId, PersonId, RegisterId},
    incoming::events::Assignee,
    register::{VoidReason, events::NumberVoided},
    text::ShortText,
    time::Timestamp,
};

use crate::{
    cache::Thing,
    document::Document,
    error::ViewsError,
    out::Out,
    sql::{Source, Sql},
    table::{Table, bytes, index, int, null, partial, text, unique},
    value::{Cells, Column as _, Value},
};

/// The books.
pub(crate) static BOOK: Table = Table {
    name: "register_book",
    key: 1,
    columns: &[int("book"), bytes("id"), bytes("organ"), null(text("series")), null(int("year")), bytes("state")],
    indexes: &[unique("register_book_id", "id"), index("register_book_organ", "organ, year")],
};

/// The numbers given.
pub(crate) static ENTRY: Table = Table {
    name: "register_entry",
    key: 2,
    columns: &[
        int("book"),
        int("number"),
        null(bytes("document_id")),
        null(int("given_at")),
        null(int("void")),
        null(text("void_note")),
        null(int("voided_at")),
        null(bytes("voided_by")),
    ],
    indexes: &[
        index("register_entry_document", "document_id"),
        partial("register_entry_void", "book, number", "void IS NOT NULL"),
    ],
};

/// What stands in the columns beside the number.
pub(crate) static LINE: Table = Table {
    name: "register_line",
    key: 1,
    columns: &[
        int("document"),
        bytes("register"),
        int("number"),
        null(int("arrived_on")),
        null(text("issuer")),
        null(text("code")),
        null(int("promulgated_on")),
        null(text("type_name")),
        null(text("abstract")),
        null(bytes("receiver_unit")),
        null(bytes("receiver_post")),
        null(bytes("receiver_person")),
        null(int("passed_on_at")),
        null(int("signed_at")),
        null(bytes("signed_by")),
        null(text("note")),
    ],
    indexes: &[
        index("register_line_arrived", "register, arrived_on"),
        index("register_line_number", "register, number, arrived_on"),
    ],
};

/// A book.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) ordinal: i64,
    pub(crate) register: RegisterId,
    organ: OrganId,
    series: Option<ShortText>,
    year: Option<i16>,
}

impl Book {
    pub(crate) fn new(ordinal: i64, register: RegisterId, organ: OrganId) -> Self {
        Self { ordinal, register, organ, series: None, year: None }
    }

    pub(crate) fn open(&mut self, e: &socai_domain::register::events::BookOpened) {
        self.organ = e.organ;
        self.series = Some(e.series.clone());
        self.year = Some(e.year);
    }
}

impl Thing for Book {
    fn rows(&self, out: &mut Out) {
        let state = postcard::to_stdvec(self).expect("writing to memory does not fail");
        let series = self.series.as_ref().map(ToString::to_string);
        let (id, organ) = (self.register.into(), self.organ.into());
        out.add(&BOOK, vec![self.ordinal.into(), id, organ, series.into(), self.year.into(), state.to_value()]);
    }

    fn place(&self) -> (i64, u32) {
        (self.ordinal, 0)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 96
    }
}

/// A number.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    book: i64,
    number: u32,
    document: Option<IncomingId>,
    given_at: Option<Timestamp>,
    void: Option<(VoidReason, Option<String>, Timestamp, Option<PersonId>)>,
}

impl Entry {
    pub(crate) fn new(book: i64, number: u32) -> Self {
        Self { book, number, document: None, given_at: None, void: None }
    }

    pub(crate) async fn load(db: &mut impl Source, book: i64, number: u32) -> Result<Option<Self>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push(
            "SELECT document_id, given_at, void, void_note, voided_at, voided_by FROM register_entry WHERE book = ",
        );
        sql.bind(book).push(" AND number = ").bind(number);
        let Some(row) = sql.fetch_optional(db).await? else { return Ok(None) };
        let mut cells = Cells::of(&row);
        let (document, given_at) = (cells.next()?, cells.next()?);
        let reason: Option<VoidReason> = cells.next()?;
        let (note, at, by) = (cells.next()?, cells.next::<Option<Timestamp>>()?, cells.next()?);
        let void = reason.zip(at).map(|(reason, at)| (reason, note, at, by));
        Ok(Some(Self { book, number, document, given_at, void }))
    }

    /// The highest number that a book has.
    pub(crate) async fn highest(db: &mut impl Source, book: i64) -> Result<u32, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT COALESCE(MAX(number), 0) FROM register_entry WHERE book = ").bind(book);
        Ok(u32::try_from(sql.count(db).await?).unwrap_or(u32::MAX))
    }

    pub(crate) fn give(&mut self, document: IncomingId, meta: &Meta) {
        self.document = Some(document);
        self.given_at = Some(meta.at);
    }

    pub(crate) fn void(&mut self, e: &NumberVoided, meta: &Meta) {
        self.void = Some((e.reason, e.note.as_ref().map(ToString::to_string), meta.at, meta.person));
    }
}

impl Thing for Entry {
    fn rows(&self, out: &mut Out) {
        let void = self.void.as_ref();
        out.add(
            &ENTRY,
            vec![
                self.book.into(),
                self.number.into(),
                self.document.into(),
                self.given_at.into(),
                void.map(|void| void.0).into(),
                void.and_then(|void| void.1.clone()).into(),
                void.map(|void| void.2).into(),
                void.and_then(|void| void.3).into(),
            ],
        );
    }

    fn place(&self) -> (i64, u32) {
        (self.book, self.number)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 96
    }

    fn goes_on(&self) -> bool {
        false
    }
}

/// The rows of a document: columns 1, 3 to 10.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    let Some(registration) = &document.registration else { return };
    let details = document.details.as_ref();
    let lead = document.round().and_then(|round| document.root_lead(round.number));
    // Before anybody leads, the leader has it.
    let receiver = lead.map(|lead| lead.assignee);
    let receiver = receiver.or(document.leader.map(|holder| Assignee::Person { holder }));
    let (unit, holder) = match receiver {
        Some(Assignee::Unit { unit }) => (Some(unit), None),
        Some(Assignee::Person { holder }) => (None, Some(holder)),
        None => (None, None),
    };
    // The first who signed for the lead: what stands in the book stays, whoever has it later. A coordinating branch does
    // not speak for the lead.
    let leads = document.rounds.iter().filter_map(|round| document.root_lead(round.number));
    let signed = leads.into_iter().find_map(|lead| lead.first_accepted);
    out.add(
        &LINE,
        vec![
            document.ordinal.into(),
            registration.register.into(),
            registration.number.get().into(),
            document.arrived_at.map(Timestamp::date).into(),
            details.map(|details| details.issuer_name.to_string()).into(),
            document.code().into(),
            details.and_then(|details| details.promulgated_on).into(),
            details.map(|details| details.type_name.to_string()).into(),
            details.map(|details| details.abstract_text.to_string()).into(),
            unit.into(),
            holder.map(|holder| holder.post).into(),
            holder.map(|holder| holder.person).into(),
            document.directed_at.or(document.submitted_at).into(),
            signed.map(|(at, _)| at).into(),
            signed.and_then(|(_, by)| by).into(),
            details.and_then(|details| details.note.as_ref()).map(ToString::to_string).map_or(Value::Null, Value::Text),
        ],
    );
}
