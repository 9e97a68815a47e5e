//! The write-back cache between events and tables: things are loaded once, changed in memory, and each changed row is
//! written once, in key order. The same for live and for a rebuild.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use socai_domain::{
    decide::Meta,
    id::{IncomingId, OrganId, PersonId, RegisterId},
    ledger::{DomainEvent, Header, Opened, StreamKind},
    organ, register,
};
use sqlx::SqliteConnection;

use crate::{
    apply::Things,
    directory::{Agency, Organ, Person},
    document::Document,
    error::ViewsError,
    incoming_register::{Book, Entry},
    models::MODELS,
    table::Table,
    value::{Cells, Value},
    writer::Writer,
};

/// A row of a table.
pub(crate) type Row = (&'static Table, Vec<Value>);

/// Rows. Of two with one key in one table, the later one counts.
#[derive(Debug, Default)]
pub(crate) struct Out(pub(crate) Vec<Row>);

impl Out {
    /// One row of a table, its columns in order.
    pub(crate) fn add(&mut self, table: &'static Table, row: Vec<Value>) {
        debug_assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        self.0.push((table, row));
    }

    /// By table and key.
    fn by_key(self) -> BTreeMap<(&'static str, Vec<Value>), Row> {
        self.0.into_iter().map(|(table, row)| ((table.name, row[..table.key].to_vec()), (table, row))).collect()
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

    /// To be looked at.
    fn look(&self, key: K) -> Option<&T> {
        self.things.get(&key).map(|cached| &cached.now)
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
    /// Has at hand whatever a record may change, as the tables have it.
    pub(crate) async fn load(
        &mut self,
        db: &mut SqliteConnection,
        place: i64,
        header: &Header,
        opened: &Opened,
    ) -> Result<(), ViewsError> {
        let of_document = match opened {
            Opened::Event(_, DomainEvent::Organ(event)) => {
                let id = OrganId::new(header.stream.key());
                self.organ(db, id).await?;
                if matches!(event, organ::Event::CalendarDecided(_)) {
                    self.documents_under_way(db, id).await?;
                }
                false
            }
            Opened::Event(_, DomainEvent::Person(_)) => return self.person(db, header, place).await,
            Opened::Event(_, DomainEvent::Register(event)) => {
                self.book(db, header, place).await?;
                match event {
                    register::Event::NumberAssigned(e) => self.entry(db, header, e.number.get()).await?,
                    register::Event::NumberVoided(e) => self.entry(db, header, e.number.get()).await?,
                    register::Event::BookOpened(_) | register::Event::FingerprintsRenewed(_) => {}
                }
                false
            }
            Opened::Event(_, DomainEvent::Incoming(_)) => true,
            Opened::Erased if header.stream.kind() == StreamKind::Person => {
                return self.person(db, header, place).await;
            }
            Opened::Erased => header.stream.kind() == StreamKind::Incoming,
        };
        if of_document {
            self.organ(db, OrganId::new(header.organ)).await?;
            self.document(db, header, place).await?;
        }
        Ok(())
    }

    async fn document(&mut self, db: &mut SqliteConnection, header: &Header, place: i64) -> Result<(), ViewsError> {
        let id = IncomingId::new(header.stream.key());
        if !self.documents.has(id) {
            let is_new = header.revision.before().is_none();
            let stored = if is_new { None } else { state(db, "document", id.into()).await? };
            self.documents.put(id, stored, || Document::new(place, id, OrganId::new(header.organ)));
        }
        Ok(())
    }

    /// An organ, as known so far; a blank one before it is registered.
    async fn organ(&mut self, db: &mut SqliteConnection, id: OrganId) -> Result<(), ViewsError> {
        if !self.organs.has(id) {
            let stored: Option<Organ> = state(db, "directory_organ", id.into()).await?;
            let stored = stored.map(|organ| Arc::new(organ.ready()));
            self.organs.put(id, stored, || Arc::new(Organ::new(0, id)));
        }
        Ok(())
    }

    async fn person(&mut self, db: &mut SqliteConnection, header: &Header, place: i64) -> Result<(), ViewsError> {
        let id = PersonId::new(header.stream.key());
        if !self.people.has(id) {
            let stored = state(db, "directory_person", id.into()).await?;
            self.people.put(id, stored, || Person::new(place, id, OrganId::new(header.organ)));
        }
        Ok(())
    }

    async fn book(&mut self, db: &mut SqliteConnection, header: &Header, place: i64) -> Result<(), ViewsError> {
        let id = RegisterId::new(header.stream.key());
        if !self.books.has(id) {
            let stored = state(db, "register_book", id.into()).await?;
            self.books.put(id, stored, || Book::new(place, id, OrganId::new(header.organ)));
        }
        Ok(())
    }

    /// A number in a book that is at hand.
    async fn entry(&mut self, db: &mut SqliteConnection, header: &Header, number: u32) -> Result<(), ViewsError> {
        let register = RegisterId::new(header.stream.key());
        let key = (register, number);
        if let Some(book) = self.books.look(register).map(|book| book.ordinal)
            && !self.entries.has(key)
        {
            let stored = Entry::load(db, book, number).await?;
            self.entries.put(key, stored, || Entry::new(book, number));
        }
        Ok(())
    }

    /// The documents of an organ whose deadlines run.
    async fn documents_under_way(&mut self, db: &mut SqliteConnection, organ: OrganId) -> Result<(), ViewsError> {
        for (id, stored) in crate::document::query::open_documents(db, organ).await? {
            if !self.documents.has(id) {
                self.documents.put(id, Some(stored.clone()), || stored);
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
        let (old, new) = (old.by_key(), new.by_key());
        for (place, (table, row)) in &old {
            if !new.contains_key(place) {
                writer.delete(table, &row[..table.key]).await?;
            }
        }
        let changed = new.iter().filter(|(place, (_, row))| old.get(*place).is_none_or(|(_, before)| before != row));
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

/// Of what was loaded.
impl Things for Rows {
    fn change_organ(&mut self, id: OrganId, event: &organ::Event, meta: &Meta, place: i64) {
        let Some(organ) = self.organs.get(id) else { return };
        Arc::make_mut(organ).apply(event, meta, place);
        if matches!(event, organ::Event::CalendarDecided(_)) {
            let calendar = organ.calendar.clone();
            let of_organ = self.documents.things.iter_mut().filter(|(_, cached)| cached.now.organ == id);
            for (id, cached) in of_organ {
                if cached.now.calendar_decided(&calendar, place) {
                    self.documents.touched.insert(*id);
                }
            }
        }
    }

    fn change_document(&mut self, header: &Header, _: i64, change: impl FnOnce(&mut Document, &dyn Agency)) {
        let organ = self.organs.look(OrganId::new(header.organ)).cloned();
        if let (Some(document), Some(organ)) = (self.documents.get(IncomingId::new(header.stream.key())), organ) {
            change(document, &*organ);
        }
    }

    fn change_person(&mut self, header: &Header, _: i64, change: impl FnOnce(&mut Person)) {
        self.people.get(PersonId::new(header.stream.key())).map(change);
    }

    fn change_book(&mut self, header: &Header, _: i64, change: impl FnOnce(&mut Book)) {
        self.books.get(RegisterId::new(header.stream.key())).map(change);
    }

    fn change_entry(&mut self, header: &Header, _: i64, number: u32, change: impl FnOnce(&mut Entry)) {
        let register = RegisterId::new(header.stream.key());
        // Its book was found or made by this record, too.
        self.books.get(register);
        self.entries.get((register, number)).map(change);
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
