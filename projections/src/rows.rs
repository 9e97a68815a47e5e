//! The write-back cache between events and tables: things are loaded once, changed in memory, and each changed row is
//! written once, in key order. The same for live and for a rebuild.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use socai_domain::{
    id::{IncomingId, OrganId, PersonId, RegisterId},
    ledger::Header,
};
use sqlx::SqliteConnection;

use crate::{
    directory::{Organ, Person},
    document::Document,
    error::ViewsError,
    incoming_register::{Book, Entry},
    models::MODELS,
    table::Table,
    value::{Cells, Value},
    writer::Writer,
};

/// A row of a table.
type Row = (&'static Table, Vec<Value>);

/// Rows, by table and key.
#[derive(Debug, Default)]
pub(crate) struct Out(BTreeMap<(&'static str, Vec<Value>), Row>);

impl Out {
    /// One row of a table, its columns in order.
    pub(crate) fn add(&mut self, table: &'static Table, row: Vec<Value>) {
        debug_assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        self.0.insert((table.name, row[..table.key].to_vec()), (table, row));
    }
}

/// A thing that rows are made of.
pub(crate) trait Thing: Clone {
    /// Its rows in all read models.
    fn rows(&self, out: &mut Out);
}

impl Thing for Document {
    fn rows(&self, out: &mut Out) {
        for model in &MODELS {
            (model.of_document)(self, out);
        }
    }
}

struct Cached<T> {
    /// As the tables have it.
    stored: Option<T>,
    now: T,
}

struct Cache<K, T> {
    things: HashMap<K, Cached<T>>,
    /// What may differ from the tables.
    touched: HashSet<K>,
}

impl<K, T> Default for Cache<K, T> {
    fn default() -> Self {
        Self { things: HashMap::new(), touched: HashSet::new() }
    }
}

impl<K: Hash + Eq + Copy, T: Thing> Cache<K, T> {
    fn has(&self, key: K) -> bool {
        self.things.contains_key(&key)
    }

    fn put(&mut self, key: K, stored: Option<T>, otherwise: impl FnOnce() -> T) {
        let now = stored.clone().unwrap_or_else(otherwise);
        self.things.insert(key, Cached { stored, now });
    }

    /// To be changed.
    fn get(&mut self, key: K) -> Option<&mut T> {
        self.touched.insert(key);
        self.things.get_mut(&key).map(|cached| &mut cached.now)
    }

    /// What the tables have and should have, for all that changed.
    fn changes(&self, old: &mut Out, new: &mut Out) {
        for cached in self.touched.iter().filter_map(|key| self.things.get(key)) {
            if let Some(stored) = &cached.stored {
                stored.rows(old);
            }
            cached.now.rows(new);
        }
    }

    /// The changes are in the tables; forget the cache when it has grown too large.
    fn settled(&mut self, keep: usize) {
        let touched = std::mem::take(&mut self.touched);
        if self.things.len() > keep {
            self.things.clear();
            return;
        }
        for key in touched {
            if let Some(cached) = self.things.get_mut(&key) {
                cached.stored = Some(cached.now.clone());
            }
        }
    }
}

/// Everything that events change, read through and written back.
#[derive(Default)]
pub(crate) struct Rows {
    documents: Cache<IncomingId, Document>,
    organs: Cache<OrganId, Arc<Organ>>,
    people: Cache<PersonId, Person>,
    books: Cache<RegisterId, Book>,
    entries: Cache<(RegisterId, u32), Entry>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows(…)")
    }
}

impl<T: Thing> Thing for Arc<T> {
    fn rows(&self, out: &mut Out) {
        T::rows(self, out);
    }
}

/// So many documents are kept between two commits.
const KEEP: usize = 50_000;

impl Rows {
    /// The document of a record.
    pub(crate) async fn document(
        &mut self,
        db: &mut SqliteConnection,
        header: &Header,
        place: i64,
    ) -> Result<&mut Document, ViewsError> {
        let id = IncomingId::new(header.stream.key());
        if !self.documents.has(id) {
            let is_new = header.revision.before().is_none();
            let stored = if is_new { None } else { state(db, "document", id.into()).await? };
            self.documents.put(id, stored, || Document::new(place, id, OrganId::new(header.organ)));
        }
        Ok(self.documents.get(id).expect("it was put there"))
    }

    /// An organ, as known so far; a blank one before it is registered.
    pub(crate) async fn organ(&mut self, db: &mut SqliteConnection, id: OrganId) -> Result<Arc<Organ>, ViewsError> {
        if !self.organs.has(id) {
            let stored: Option<Organ> = state(db, "directory_organ", id.into()).await?;
            let stored = stored.map(|organ| Arc::new(organ.ready()));
            self.organs.put(id, stored, || Arc::new(Organ::new(0, id)));
        }
        Ok(Arc::clone(&self.organs.things[&id].now))
    }

    pub(crate) async fn change_organ(
        &mut self,
        db: &mut SqliteConnection,
        id: OrganId,
        change: impl FnOnce(&mut Organ),
    ) -> Result<(), ViewsError> {
        self.organ(db, id).await?;
        if let Some(organ) = self.organs.get(id) {
            change(Arc::make_mut(organ));
        }
        Ok(())
    }

    /// A person.
    pub(crate) async fn person(
        &mut self,
        db: &mut SqliteConnection,
        header: &Header,
        place: i64,
    ) -> Result<&mut Person, ViewsError> {
        let id = PersonId::new(header.stream.key());
        if !self.people.has(id) {
            let stored = state(db, "directory_person", id.into()).await?;
            self.people.put(id, stored, || Person::new(place, id, OrganId::new(header.organ)));
        }
        Ok(self.people.get(id).expect("it was put there"))
    }

    /// A book.
    pub(crate) async fn book(
        &mut self,
        db: &mut SqliteConnection,
        header: &Header,
        place: i64,
    ) -> Result<&mut Book, ViewsError> {
        let id = RegisterId::new(header.stream.key());
        if !self.books.has(id) {
            let stored = state(db, "register_book", id.into()).await?;
            self.books.put(id, stored, || Book::new(place, id, OrganId::new(header.organ)));
        }
        Ok(self.books.get(id).expect("it was put there"))
    }

    /// A number in a book.
    pub(crate) async fn entry(
        &mut self,
        db: &mut SqliteConnection,
        book: &Book,
        number: u32,
    ) -> Result<&mut Entry, ViewsError> {
        let key = (book.register, number);
        if !self.entries.has(key) {
            let stored = Entry::load(db, book.ordinal, number).await?;
            self.entries.put(key, stored, || Entry::new(book.ordinal, number));
        }
        Ok(self.entries.get(key).expect("it was put there"))
    }

    /// The calendar of an organ changed: the deadlines of all its open work are derived anew.
    pub(crate) async fn derive_deadlines(
        &mut self,
        db: &mut SqliteConnection,
        organ: OrganId,
        place: i64,
    ) -> Result<(), ViewsError> {
        let calendar = self.organ(db, organ).await?.calendar.clone();
        for (id, stored) in crate::document::query::open_documents(db, organ).await? {
            if !self.documents.has(id) {
                self.documents.put(id, Some(stored.clone()), || stored);
            }
        }
        let open = |document: &Document| {
            let runs = document.round().is_some_and(|round| round.ended.is_none());
            runs || document.branches.iter().any(|branch| branch.ended.is_none())
        };
        let works = |document: &Document| document.organ == organ && open(document);
        for (id, cached) in self.documents.things.iter_mut().filter(|(_, cached)| works(&cached.now)) {
            let before = cached.now.clone();
            cached.now.derive_deadlines(&calendar);
            if cached.now != before {
                cached.now.changed = place;
                self.documents.touched.insert(*id);
            }
        }
        Ok(())
    }

    /// Writes all that changed.
    pub(crate) async fn write(&mut self, writer: &mut Writer) -> Result<(), ViewsError> {
        let (mut old, mut new) = (Out::default(), Out::default());
        self.organs.changes(&mut old, &mut new);
        self.people.changes(&mut old, &mut new);
        self.books.changes(&mut old, &mut new);
        self.entries.changes(&mut old, &mut new);
        self.documents.changes(&mut old, &mut new);
        for (place, (table, row)) in &old.0 {
            if !new.0.contains_key(place) {
                writer.delete(table, &row[..table.key]).await?;
            }
        }
        let changed =
            new.0.iter().filter(|(place, (_, row))| old.0.get(*place).is_none_or(|(_, before)| before != row));
        let mut batch: Vec<&[Value]> = Vec::new();
        let mut of: Option<&'static Table> = None;
        for (_, (table, row)) in changed {
            if of.is_some_and(|of| of.name != table.name) {
                writer.upsert(of, &mut batch).await?;
            }
            of = Some(table);
            batch.push(row);
        }
        writer.upsert(of, &mut batch).await
    }

    /// What was written is committed.
    pub(crate) fn settled(&mut self) {
        self.documents.settled(KEEP);
        self.organs.settled(KEEP);
        self.people.settled(KEEP);
        self.books.settled(KEEP);
        self.entries.settled(KEEP);
    }
}

/// The folded thing that is kept beside its row.
async fn state<T: serde::de::DeserializeOwned>(
    db: &mut SqliteConnection,
    table: &'static str,
    id: Value,
) -> Result<Option<T>, ViewsError> {
    let mut sql = crate::sql::Sql::plain();
    sql.push("SELECT state FROM ").push(table).push(" WHERE id = ").bind(id);
    let Some(row) = sql.fetch_optional(db).await? else { return Ok(None) };
    let bytes: Vec<u8> = Cells::of(&row).next()?;
    decode(&bytes).map(Some)
}

/// Reads a folded thing.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ViewsError> {
    postcard::from_bytes(bytes).map_err(|error| ViewsError::Damaged(error.to_string()))
}
