//! From things to the rows of empty views: each row is written once, in the order of its table, many to a statement, and
//! the indexes are made at the end.

use std::{collections::BTreeMap, sync::Arc};

use futures::{Stream, StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use socai_domain::ledger::Position;

use super::{Crew, agencies::Read, things::Folded};
use crate::{
    document::Document,
    error::ViewsError,
    follower::move_checkpoint,
    rows::{Out, Thing},
    store::{Views, create_indexes},
    table::Table,
    value::Value,
    writer::{Open, Writer},
};

/// Documents whose rows are made at once.
const CHUNK: usize = 256;
/// Values in one statement, at most.
const VALUES: usize = 2_000;

/// Writes all rows, and where the log stood after so many records.
pub(super) async fn fill(
    crew: &Crew,
    views: &Views,
    read: Read,
    folded: Vec<Folded>,
    until: Position,
    records: u64,
) -> Result<(), ViewsError> {
    let mut few = Out::default();
    read.organs.values().for_each(|organ| organ.rows(&mut few));
    for folded in &folded {
        folded.people.values().for_each(|person| person.rows(&mut few));
        folded.books.values().for_each(|book| book.rows(&mut few));
        folded.entries.values().for_each(|entry| entry.rows(&mut few));
    }
    few.0.sort_by(|(table, row), (other, than)| (table.name, &row[..table.key]).cmp(&(other.name, &than[..other.key])));
    let mut filling = Filling::begin(views).await?;
    filling.take(by_table(few)).await?;
    let mut rows = std::pin::pin!(rows_of(crew, documents(crew, folded, until).await?));
    while let Some(rows) = rows.try_next().await? {
        filling.take(rows).await?;
    }
    filling.end(until, read.records + records).await?;
    let mut db = views.write.acquire().await?;
    create_indexes(&mut db).await?;
    drop(db);
    views.announce(Some(until));
    Ok(())
}

/// All documents, in the order of their arrival.
async fn documents(crew: &Crew, folded: Vec<Folded>, until: Position) -> Result<Vec<Document>, ViewsError> {
    let end = i64::try_from(until.place()).unwrap_or(i64::MAX);
    let counted = folded.into_iter().map(|mut folded| crew.run(move || folded.documents(end)));
    let mut documents: Vec<Document> = try_join_all(counted).await?.into_iter().flatten().collect();
    documents.sort_unstable_by_key(|document| document.ordinal);
    Ok(documents)
}

/// The rows of all documents, some documents at once.
fn rows_of(crew: &Crew, documents: Vec<Document>) -> impl Stream<Item = Result<ByTable, ViewsError>> + Send {
    let mut documents = documents.into_iter();
    let chunks = std::iter::from_fn(move || {
        let chunk: Vec<Document> = documents.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then_some(chunk)
    });
    let made = |chunk: Vec<Document>| {
        crew.run(move || {
            let mut out = Out::default();
            chunk.iter().for_each(|document| document.rows(&mut out));
            by_table(out)
        })
    };
    stream::iter(chunks).map(made).buffered(2 * crew.size())
}

/// The values of rows, one row after the other, by the name of their table.
type ByTable = BTreeMap<&'static str, (&'static Table, Vec<Value>)>;

fn by_table(out: Out) -> ByTable {
    let mut tables = ByTable::new();
    for (table, row) in out.0 {
        tables.entry(table.name).or_insert_with(|| (table, Vec::new())).1.extend(row);
    }
    tables
}

/// Rows on their way.
struct Filling {
    writer: Writer,
    /// Fewer than fill a statement.
    waiting: ByTable,
}

impl Filling {
    async fn begin(views: &Views) -> Result<Self, ViewsError> {
        let writer = Writer::begin(&views.write, Arc::new(Open)).await?;
        Ok(Self { writer, waiting: ByTable::new() })
    }

    async fn take(&mut self, rows: ByTable) -> Result<(), ViewsError> {
        for (name, (table, values)) in rows {
            let waiting = &mut self.waiting.entry(name).or_insert_with(|| (table, Vec::new())).1;
            waiting.extend(values);
            // Statements of one size for each table: they are prepared once.
            let full = (VALUES / table.columns.len()).max(1) * table.columns.len();
            while waiting.len() >= full {
                let rest = waiting.split_off(full);
                write(&mut self.writer, table, std::mem::replace(waiting, rest)).await?;
            }
        }
        Ok(())
    }

    async fn end(mut self, until: Position, records: u64) -> Result<(), ViewsError> {
        for (table, values) in self.waiting.into_values() {
            write(&mut self.writer, table, values).await?;
        }
        move_checkpoint(&mut self.writer, until, i64::try_from(records).unwrap_or(i64::MAX)).await?;
        self.writer.commit().await
    }
}

async fn write(writer: &mut Writer, table: &'static Table, values: Vec<Value>) -> Result<(), ViewsError> {
    let rows = values.len() / table.columns.len();
    if rows == 0 { Ok(()) } else { writer.run(table.insert(rows), values).await }
}
