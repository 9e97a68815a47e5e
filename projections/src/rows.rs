//! The write-back cache between events and tables: things are loaded once, changed in memory, and each changed row is
//! written once, in key order. The same for live and for a rebuild.

use std::{collections::HashMap, sync::Arc};

use socai_domain::{
    id::{IncomingId, OrganId, PersonId, RegisterId},
    ledger::Header,
};
use sqlx::SqliteConnection;

use crate::{
    cache::{Cache, Change, Thing},
    directory::{Organ, Person},
    document::Document,
    error::ViewsError,
    incoming_register::{Book, Entry},
    models::{self, MODELS},
    out::{self, Out},
    value::{Cells, Value},
    writer::{Tables, Writer},
};

impl Thing for Document {
    fn rows(&self, out: &mut Out) {
        for model in &MODELS {
            (model.of_document)(self, out);
        }
    }

    fn place(&self) -> (i64, u32) {
        (self.ordinal, 0)
    }

    fn weight(&self) -> usize {
        self.bytes()
    }

    fn goes_on(&self) -> bool {
        self.round().is_none_or(|round| round.ended.is_none())
    }
}

/// Everything that events change, read through and written back.
#[derive(Default)]
pub(crate) struct Rows {
    documents: Cache<IncomingId, Document>,
    organs: Cache<OrganId, Organ>,
    people: Cache<PersonId, Person>,
    books: Cache<RegisterId, Book>,
    entries: Cache<(RegisterId, u32), Entry>,
    /// The highest number that each book has or had: above it nothing needs to be looked up.
    numbers: HashMap<RegisterId, u32>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows(…)")
    }
}

impl Rows {
    /// The document of a record.
    pub(crate) async fn document(
        &mut self,
        tables: &mut Tables<'_>,
        header: &Header,
        place: i64,
    ) -> Result<&mut Document, ViewsError> {
        let id = IncomingId::new(header.stream.key());
        if !self.documents.has(id) {
            let stored = stored(tables, header, "document").await?;
            self.documents.put(id, stored, || Document::new(place, id, OrganId::new(header.organ)));
        }
        Ok(self.documents.get(id).expect("it was put there"))
    }

    /// An organ, as known so far; a blank one before it is registered.
    pub(crate) async fn organ(&mut self, tables: &mut Tables<'_>, id: OrganId) -> Result<Arc<Organ>, ViewsError> {
        if !self.organs.has(id) {
            let stored: Option<Organ> = state(&mut *tables.lock().await, "directory_organ", id.into()).await?;
            self.organs.put(id, stored.map(Organ::ready), || Organ::new(0, id));
        }
        Ok(Arc::clone(self.organs.peek(id).expect("it was put there")))
    }

    pub(crate) async fn change_organ(
        &mut self,
        tables: &mut Tables<'_>,
        id: OrganId,
        change: impl FnOnce(&mut Organ),
    ) -> Result<(), ViewsError> {
        self.organ(tables, id).await?;
        if let Some(organ) = self.organs.get(id) {
            change(organ);
        }
        Ok(())
    }

    /// A person.
    pub(crate) async fn person(
        &mut self,
        tables: &mut Tables<'_>,
        header: &Header,
        place: i64,
    ) -> Result<&mut Person, ViewsError> {
        let id = PersonId::new(header.stream.key());
        if !self.people.has(id) {
            let stored = stored(tables, header, "directory_person").await?;
            self.people.put(id, stored, || Person::new(place, id, OrganId::new(header.organ)));
        }
        Ok(self.people.get(id).expect("it was put there"))
    }

    /// A book.
    pub(crate) async fn book(
        &mut self,
        tables: &mut Tables<'_>,
        header: &Header,
        place: i64,
    ) -> Result<&mut Book, ViewsError> {
        let id = RegisterId::new(header.stream.key());
        if !self.books.has(id) {
            let stored = stored(tables, header, "register_book").await?;
            self.books.put(id, stored, || Book::new(place, id, OrganId::new(header.organ)));
        }
        Ok(self.books.get(id).expect("it was put there"))
    }

    /// A number in a book.
    pub(crate) async fn entry(
        &mut self,
        tables: &mut Tables<'_>,
        book: &Book,
        number: u32,
    ) -> Result<&mut Entry, ViewsError> {
        let key = (book.register, number);
        if !self.entries.has(key) {
            let highest = match self.numbers.get(&book.register) {
                Some(highest) => *highest,
                None => Entry::highest(&mut *tables.lock().await, book.ordinal).await?,
            };
            let stored = match number {
                number if number > highest => None,
                number => Entry::load(&mut *tables.lock().await, book.ordinal, number).await?,
            };
            self.numbers.insert(book.register, highest.max(number));
            self.entries.put(key, stored, || Entry::new(book.ordinal, number));
        }
        Ok(self.entries.get(key).expect("it was put there"))
    }

    /// The calendar of an organ changed: the deadlines of all its open work are derived anew.
    pub(crate) async fn derive_deadlines(
        &mut self,
        tables: &mut Tables<'_>,
        organ: OrganId,
        place: i64,
    ) -> Result<(), ViewsError> {
        let calendar = self.organ(tables, organ).await?.calendar.clone();
        let stored = crate::document::query::open_documents(&mut *tables.lock().await, organ).await?;
        for (id, stored) in stored {
            if !self.documents.has(id) {
                self.documents.put(id, Some(stored), || Document::new(place, id, organ));
            }
        }
        let open = |document: &Document| {
            let runs = document.round().is_some_and(|round| round.ended.is_none());
            runs || document.branches.iter().any(|branch| branch.ended.is_none())
        };
        for id in self.documents.those(|document| document.organ == organ && open(document)) {
            let Some(before) = self.documents.peek(id) else { continue };
            let mut now = Document::clone(before);
            now.derive_deadlines(&calendar);
            if now != **before {
                now.changed = place;
                if let Some(document) = self.documents.get(id) {
                    *document = now;
                }
            }
        }
        Ok(())
    }

    /// All that changed since the last time. From now on it counts as written; if it is not, these rows are worth nothing.
    pub(crate) fn take_changes(&mut self) -> Changes {
        Changes {
            organs: self.organs.take_changes(),
            people: self.people.take_changes(),
            books: self.books.take_changes(),
            entries: self.entries.take_changes(),
            documents: self.documents.take_changes(),
        }
    }

    /// About how many bytes those take that may differ from the tables.
    pub(crate) fn unwritten(&self) -> usize {
        let few = self.organs.unwritten() + self.people.unwritten() + self.books.unwritten();
        few + self.entries.unwritten() + self.documents.unwritten()
    }

    /// What was written is committed: only so many bytes are kept of it, nine tenths for documents.
    pub(crate) fn settled(&mut self, most: usize) {
        self.documents.forget(most / 10 * 9);
        self.people.forget(most / 20);
        self.entries.forget(most / 40);
        self.books.forget(most / 40);
    }
}

/// What differs from the tables, to be written.
pub(crate) struct Changes {
    organs: Vec<Change<Organ>>,
    people: Vec<Change<Person>>,
    books: Vec<Change<Book>>,
    entries: Vec<Change<Entry>>,
    documents: Vec<Change<Document>>,
}

/// Things whose rows are made and written together.
const TOGETHER: usize = 256;

impl Changes {
    /// Writes all of it.
    pub(crate) async fn write(self, writer: &mut Writer) -> Result<(), ViewsError> {
        write(self.organs, writer).await?;
        write(self.people, writer).await?;
        write(self.books, writer).await?;
        write(self.entries, writer).await?;
        if writer.older {
            remove(&self.documents, writer).await?;
            let anew = self.documents.into_iter().map(|change| Change { stored: None, ..change });
            return write(anew.collect(), writer).await;
        }
        write(self.documents, writer).await
    }
}

/// What an older version made of documents is not known any more: all of it goes.
async fn remove(documents: &[Change<Document>], writer: &mut Writer) -> Result<(), ViewsError> {
    for document in documents.iter().filter_map(|change| change.stored.as_ref()) {
        for table in models::tables().filter(|table| table.columns[0].name == "document") {
            writer.delete(table, &[document.ordinal.into()]).await?;
        }
    }
    Ok(())
}

async fn write<T: Thing>(mut changes: Vec<Change<T>>, writer: &mut Writer) -> Result<(), ViewsError> {
    changes.sort_unstable_by_key(|change| change.now.place());
    for together in changes.chunks(TOGETHER) {
        let (mut old, mut new) = (Out::default(), Out::default());
        for change in together {
            if let Some(stored) = &change.stored {
                stored.rows(&mut old);
            }
            change.now.rows(&mut new);
        }
        out::replace(old, new, writer).await?;
    }
    Ok(())
}

/// The thing of a record, if the tables have it. With the first record of its stream it is new.
async fn stored<T: serde::de::DeserializeOwned>(
    tables: &mut Tables<'_>,
    header: &Header,
    table: &'static str,
) -> Result<Option<T>, ViewsError> {
    if header.revision.before().is_none() {
        return Ok(None);
    }
    let id = Value::Bytes(header.stream.key().as_bytes().to_vec());
    state(&mut *tables.lock().await, table, id).await
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
