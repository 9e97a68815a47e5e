//! The tables of a past moment that are made of documents alone: each is filled when a query names it, from the documents as
//! they are kept. A question costs the rows that it looks at, and no others.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::try_join;
use sqlx::{Connection as _, SqliteConnection};

use super::{
    Crew,
    fill::{Filling, rows_in},
};
use crate::{
    error::ViewsError,
    models::{is_named, is_of_documents, tables},
    past::too_large,
    rows::decode,
    schema::create_indexes_of,
    sql::Sql,
    table::Table,
    value::Cells,
};

/// Documents that are read at once.
const CHUNK: usize = 512;

/// Tables that are not filled yet, by name.
type Empty = BTreeMap<&'static str, &'static Table>;

/// What is filled on demand, and by whom.
pub(crate) struct OnDemand {
    crew: Crew,
    empty: Mutex<Empty>,
    /// What all tables take together.
    bytes: AtomicU64,
}

impl fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.empty().keys()).finish()
    }
}

impl OnDemand {
    /// None of the tables is filled yet.
    pub(crate) fn new(crew: &Crew) -> Self {
        let empty = tables().filter(|table| is_of_documents(table)).map(|table| (table.name, table)).collect();
        Self { crew: crew.clone(), empty: Mutex::new(empty), bytes: AtomicU64::new(0) }
    }

    /// For a copy of the tables.
    pub(crate) fn copy(&self) -> Self {
        Self { crew: self.crew.clone(), empty: Mutex::new(self.empty().clone()), bytes: AtomicU64::new(self.bytes()) }
    }

    /// Bytes that the tables take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// They take so many bytes now.
    pub(crate) fn weigh(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Looks how many bytes they take.
    pub(crate) async fn measure(&self, db: &mut SqliteConnection) -> Result<(), ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
        self.weigh(sql.count(db).await?);
        Ok(())
    }

    fn empty(&self) -> MutexGuard<'_, Empty> {
        self.empty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the tables that a query's text names. All of them or, when this fails or is dropped, none.
    pub(crate) async fn fill(&self, db: &mut SqliteConnection, text: &str) -> Result<(), ViewsError> {
        let named: Vec<&'static Table> = self.empty().values().copied().filter(|table| is_named(table, text)).collect();
        if named.is_empty() { Ok(()) } else { self.fill_all(db, named).await.map_err(too_large) }
    }

    async fn fill_all(&self, db: &mut SqliteConnection, named: Vec<&'static Table>) -> Result<(), ViewsError> {
        let mut transaction = db.begin().await?;
        let (mut filling, mut rows) = (Filling::default(), BTreeMap::new());
        let mut documents = next(&mut transaction, i64::MIN).await?;
        while !documents.is_empty() {
            let last = documents.last().map_or(i64::MAX, |(ordinal, _)| *ordinal);
            let (reading, named) = (std::mem::take(&mut documents), named.clone());
            let read = self.crew.run(move || {
                let read = reading.iter().map(|(_, state)| decode(state)).collect::<Result<Vec<_>, _>>()?;
                Ok::<_, ViewsError>(rows_in(&read, &named))
            });
            // While these are read, those before are written.
            let written = async {
                filling.take(&mut *transaction, std::mem::take(&mut rows)).await?;
                next(&mut transaction, last).await
            };
            let (read, following) = try_join(read, written).await?;
            (rows, documents) = (read?, following);
        }
        filling.take(&mut *transaction, rows).await?;
        filling.end(&mut *transaction).await?;
        let is_named = |table: &Table| named.iter().any(|named| named.name == table.name);
        create_indexes_of(&mut *transaction, is_named).await?;
        transaction.commit().await?;
        self.empty().retain(|_, table| !is_named(table));
        self.measure(db).await
    }
}

/// The next documents, as they are kept.
async fn next(db: &mut SqliteConnection, after: i64) -> Result<Vec<(i64, Vec<u8>)>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT document, state FROM document WHERE document > ").bind(after);
    sql.push(&format!(" ORDER BY document LIMIT {CHUNK}"));
    sql.read_all(db, |cells: &mut Cells<'_>| Ok((cells.next()?, cells.next()?))).await
}
