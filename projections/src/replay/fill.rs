//! From things to the rows of empty tables: each row is written once, in the order of its table, many to a statement, and
//! indexes are made at the end.

use std::{collections::BTreeMap, sync::Arc};

use futures::{Stream, StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use socai_domain::ledger::Position;

use super::{Crew, agencies::Read, things::Folded};
use crate::{
    cache::Thing as _,
    db::Db,
    document::{DOCUMENT, Document},
    error::ViewsError,
    follower::move_checkpoint,
    models::{MODELS, is_of_documents},
    out::{Out, Row},
    schema::create_indexes_of,
    store::Views,
    table::Table,
    value::Value,
    writer::{Open, Writer},
};

/// Documents whose rows are made at once.
const CHUNK: usize = 256;
/// Values in one statement, at most.
const VALUES: usize = 2_000;

/// Writes the rows of all tables that are not made on demand, and where the log stood after so many records.
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
    let mut writer = Writer::begin(&views.write, Arc::new(Open)).await?;
    let mut filling = Filling::default();
    filling.take(&mut writer.tables().lock().await, by_table(few.in_order())).await?;
    let mut rows = std::pin::pin!(rows_of(crew, documents(crew, folded, until).await?));
    while let Some(rows) = rows.try_next().await? {
        filling.take(&mut writer.tables().lock().await, rows).await?;
    }
    filling.end(&mut writer.tables().lock().await).await?;
    create_indexes_of(&mut writer.tables().lock().await, |table| !is_of_documents(table)).await?;
    move_checkpoint(&mut writer, None, until, i64::try_from(read.records + records).unwrap_or(i64::MAX)).await?;
    writer.commit().await?;
    views.announce(Some(until));
    measure(views).await
}

/// Looks how much memory the tables take.
pub(super) async fn measure(views: &Views) -> Result<(), ViewsError> {
    match &views.on_demand {
        Some(on_demand) => on_demand.measure(views.write.acquire().await?.sqlite()?).await,
        None => Ok(()),
    }
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
    let made = |chunk: Vec<Document>| crew.run(move || rows_in(&chunk, &[&DOCUMENT]));
    stream::iter(chunks).map(made).buffered(2 * crew.size())
}

/// The values of rows, one row after the other, by the name of their table.
type ByTable = BTreeMap<&'static str, (&'static Table, Vec<Value>)>;

fn by_table(out: Out) -> ByTable {
    let flat = |(table, rows): (&'static Table, Vec<Row>)| (table.name, (table, rows.into_iter().flatten().collect()));
    out.into_tables().map(flat).collect()
}

/// The rows that documents have in these tables.
pub(super) fn rows_in(documents: &[Document], tables: &[&'static Table]) -> ByTable {
    let wanted = |table: &Table| tables.iter().any(|wanted| wanted.name == table.name);
    let mut out = Out::default();
    for model in MODELS.iter().filter(|model| model.tables.iter().any(|table| wanted(table))) {
        for document in documents {
            (model.of_document)(document, &mut out);
        }
    }
    out.retain(wanted);
    by_table(out)
}

/// Rows on their way: fewer than fill a statement.
#[derive(Default)]
pub(super) struct Filling(ByTable);

impl Filling {
    pub(super) async fn take(&mut self, db: impl Into<Db<'_>>, rows: ByTable) -> Result<(), ViewsError> {
        let mut db = db.into();
        for (name, (table, values)) in rows {
            let waiting = &mut self.0.entry(name).or_insert_with(|| (table, Vec::new())).1;
            waiting.extend(values);
            // Statements of one size for each table: they are prepared once.
            let full = (VALUES / table.columns.len()).max(1) * table.columns.len();
            while waiting.len() >= full {
                let rest = waiting.split_off(full);
                write(db.again(), table, std::mem::replace(waiting, rest)).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn end(self, db: impl Into<Db<'_>>) -> Result<(), ViewsError> {
        let mut db = db.into();
        for (table, values) in self.0.into_values() {
            write(db.again(), table, values).await?;
        }
        Ok(())
    }
}

async fn write(db: Db<'_>, table: &'static Table, values: Vec<Value>) -> Result<(), ViewsError> {
    let rows = values.len() / table.columns.len();
    if rows > 0 {
        db.execute(table.insert(rows).into(), values).await?;
    }
    Ok(())
}
