//! The columns, and a record as a row of them.

use std::fmt::{Display, Write as _};

use socai_domain::ledger::{Context, DomainEvent, Opened};
use uuid::Uuid;

use super::json;
use crate::log::file::beside::Placed;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number of 64 bits, with a sign.
    Integer,
    /// Text in UTF-8.
    Text,
    /// True or false.
    Boolean,
    /// A JSON object.
    Json,
}

/// A column of the export of events. Columns are only ever added, at the end.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, the same in every format.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row may have nothing there.
    pub nullable: bool,
    /// What it is, in a sentence or two.
    pub what: &'static str,
}

const fn column(name: &'static str, kind: Kind, what: &'static str) -> Column {
    Column { name, kind, nullable: false, what }
}

const fn nullable(name: &'static str, kind: Kind, what: &'static str) -> Column {
    Column { name, kind, nullable: true, what }
}

/// All columns, in their order.
pub const COLUMNS: &[Column] = &[
    column("sequence", Kind::Integer, "Place in the log, from 1 without gaps; rows come in this order"),
    column("position", Kind::Text, "The same as the API writes it (`atLeast`, receipts): ledger, engine epoch, place"),
    column("stream_kind", Kind::Text, "What the record is about: `organ`, `person`, `register`, `incoming`"),
    column("stream_id", Kind::Text, "Which one, a UUID; `stream_kind-stream_id` is its name in the API"),
    column("revision", Kind::Integer, "Place in the stream, from 0 without gaps"),
    column("event_kind", Kind::Integer, "The kind number of what happened, as in EVENTS.md"),
    nullable(
        "event_name",
        Kind::Text,
        "Its name; empty for a kind that this program does not know (only with `--sealed`)",
    ),
    nullable("event_version", Kind::Integer, "The version of its fields"),
    column(
        "recorded_us",
        Kind::Integer,
        "When the log took it: microseconds since 1970-01-01T00:00:00Z; never goes back",
    ),
    column("recorded_at", Kind::Text, "The same in Viet Nam: `2026-11-21T08:02:00.000000+07:00`"),
    nullable("organ_id", Kind::Text, "The organ whose it is, a UUID; empty where there is none"),
    nullable("person_id", Kind::Text, "Who acted, a UUID; empty for the system itself"),
    nullable(
        "decided_us",
        Kind::Integer,
        "The instant for which it was decided, moments before: figures count by it ◆",
    ),
    nullable("decided_at", Kind::Text, "The same in Viet Nam ◆"),
    nullable("acting_as", Kind::Text, "The post acted in ◆"),
    nullable("on_behalf_of", Kind::Text, "The person whom a substitute acted for ◆"),
    nullable("command_id", Kind::Text, "The command that it came of; all records of one command have the same ◆"),
    nullable("correlation_id", Kind::Text, "Joins the records of one request ◆"),
    nullable("causation_id", Kind::Text, "The `record_id` that led to it ◆"),
    nullable("judged_by", Kind::Integer, "By what authority: the revision of the organ's stream that was looked at ◆"),
    column("record_id", Kind::Text, "A UUID made of the hash: same id, same content after the same past"),
    column("hash", Kind::Text, "BLAKE3 of the sealed record, 64 hexadecimal digits, as receipts and trails show it"),
    nullable(
        "erased",
        Kind::Boolean,
        "True where the key was destroyed: only the header is left; empty with `--sealed`",
    ),
    nullable("event", Kind::Json, "What happened, by the fields of EVENTS.md ◆"),
];

/// The table of columns as `docs/EXPORT.md` shows it.
pub fn markdown() -> String {
    let mut table = String::from("| column | type | |\n|---|---|---|\n");
    for Column { name, kind, nullable, what } in COLUMNS {
        let kind = match kind {
            Kind::Integer => "integer",
            Kind::Text => "text",
            Kind::Boolean => "boolean",
            Kind::Json => "JSON",
        };
        let or_nothing = if *nullable { ", or nothing" } else { "" };
        let _ = writeln!(table, "| `{name}` | {kind}{or_nothing} | {what} |"); // a String takes everything
    }
    table
}

/// What stands in one column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Nothing,
    /// A number.
    Integer(i64),
    /// A text, or JSON.
    Text(String),
    /// True or false.
    Boolean(bool),
}

/// A row: a cell for each column.
pub type Row = Vec<Cell>;

fn text(value: impl Display) -> Cell {
    Cell::Text(value.to_string())
}

fn text_or_nothing(value: Option<impl Display>) -> Cell {
    value.map_or(Cell::Nothing, text)
}

fn number(value: u64) -> Cell {
    Cell::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The row of a record, with what it turned out to hold, if anybody looked.
pub(super) fn row(placed: &Placed, opened: Option<Opened>) -> Row {
    let header = placed.record.header();
    let entry = header.kind.entry();
    let uuid = |id: Uuid| if id.is_nil() { Cell::Nothing } else { text(id) };
    let (erased, content) = match opened {
        None => (Cell::Nothing, None),
        Some(Opened::Erased) => (Cell::Boolean(true), None),
        Some(Opened::Event(context, event)) => (Cell::Boolean(false), Some((context, event))),
    };
    let mut row = vec![
        number(placed.position.place()),
        text(placed.position),
        text(header.stream.kind().name()),
        text(header.stream.key()),
        number(header.revision.number()),
        Cell::Integer(header.kind.number().into()),
        text_or_nothing(entry.map(|entry| entry.name)),
        entry.map_or(Cell::Nothing, |entry| Cell::Integer(entry.version.into())),
        Cell::Integer(header.recorded.as_micros()),
        text(header.recorded),
        uuid(header.organ),
        uuid(header.person),
    ];
    row.extend(of_context(content.as_ref()));
    row.extend([text(placed.hash.id()), text(placed.hash), erased]);
    row.push(content.map_or(Cell::Nothing, |(_, event)| Cell::Text(json::text(&event))));
    row
}

/// What the context says.
fn of_context(opened: Option<&(Context, DomainEvent)>) -> [Cell; 8] {
    let Some((context, _)) = opened else { return [const { Cell::Nothing }; 8] };
    [
        Cell::Integer(context.at.as_micros()),
        text(context.at),
        text_or_nothing(context.acting_as),
        text_or_nothing(context.on_behalf_of),
        text(context.command),
        text(context.correlation),
        text_or_nothing(context.causation),
        context.judged_by.map_or(Cell::Nothing, number),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use socai_domain::{
        id::{CommandId, CorrelationId},
        ledger::{
            EventKind, LedgerId, Position, RecordHash, Revision, SealedRecord, StreamId, StreamKey, StreamKind,
            catalogue::StoredEvent as _,
        },
        register::events::BookOpened,
        text::ShortText,
        time::Timestamp,
    };

    use super::*;

    /// A record of the book's opening, and what it holds.
    pub(crate) fn opened() -> (Placed, Opened) {
        let (stream, revision) = (StreamId::new(StreamKind::Register, Uuid::from_u128(3)), Revision::FIRST);
        let (organ, series) =
            (socai_domain::id::OrganId::new(Uuid::from_u128(1)), ShortText::new("Văn, \"bản\"").unwrap());
        let event = socai_domain::ledger::catalogue::RegisterEvent::from(BookOpened { organ, series, year: 2026 });
        let context = Context {
            at: Timestamp::from_micros(1_795_000_000_000_000),
            acting_as: None,
            on_behalf_of: None,
            command: CommandId::new(Uuid::from_u128(9)),
            input: [0; 32],
            correlation: CorrelationId::new(Uuid::from_u128(8)),
            causation: None,
            judged_by: Some(4),
        };
        let body = socai_domain::ledger::body::encode(&context, &event);
        let cipher = StreamKey::new([1; 32]).cipher();
        let draft = cipher.seal(stream, revision, event.kind(), organ.uuid(), Uuid::nil(), &body);
        let (ledger, mut bytes) = (LedgerId(Uuid::from_u128(7)), Vec::new());
        let hash = draft.stamp(stream, revision, context.at, RecordHash::genesis(ledger, stream), &mut bytes);
        let record = SealedRecord::from_bytes(bytes).unwrap();
        (Placed { position: Position::new(ledger, 1, 5), record, hash }, Opened::Event(context, event.into()))
    }

    fn fits(column: &Column, cell: &Cell) -> bool {
        match cell {
            Cell::Nothing => column.nullable,
            Cell::Integer(_) => column.kind == Kind::Integer,
            Cell::Text(_) => matches!(column.kind, Kind::Text | Kind::Json),
            Cell::Boolean(_) => column.kind == Kind::Boolean,
        }
    }

    #[test]
    fn every_cell_is_what_its_column_says() {
        let (placed, opened) = opened();
        for opened in [Some(opened), Some(Opened::Erased), None] {
            let row = row(&placed, opened);
            assert_eq!(row.len(), COLUMNS.len());
            for (column, cell) in COLUMNS.iter().zip(&row) {
                assert!(fits(column, cell), "{}: {cell:?}", column.name);
            }
        }
    }

    #[test]
    fn an_erased_record_tells_its_header_and_that_it_is_erased() {
        let (placed, opened) = opened();
        let cell =
            |body, name| row(&placed, body)[COLUMNS.iter().position(|column| column.name == name).unwrap()].clone();
        assert_eq!(cell(Some(Opened::Erased), "erased"), Cell::Boolean(true));
        assert_eq!(cell(Some(Opened::Erased), "event_name"), Cell::Text("BookOpened".into()));
        for empty in ["event", "decided_us", "command_id", "judged_by"] {
            assert_eq!(cell(Some(Opened::Erased), empty), Cell::Nothing, "{empty}");
        }
        assert_eq!(cell(Some(opened.clone()), "erased"), Cell::Boolean(false));
        assert_eq!(cell(Some(opened), "judged_by"), Cell::Integer(4));
        assert_eq!(cell(None, "erased"), Cell::Nothing);
        assert_eq!(EventKind::new(300), placed.record.header().kind);
    }

    #[test]
    fn the_documentation_shows_these_columns() {
        let page = include_str!("../../../../docs/EXPORT.md");
        assert!(page.contains(&markdown()), "put this table into docs/EXPORT.md:\n{}", markdown());
    }
}
