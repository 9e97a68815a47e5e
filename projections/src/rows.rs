//! The write-back cache between events and tables: things are loaded once, changed in memory, and each changed row is
//! written once, in key order. The same for live and for a rebuild.

use std::{collections::HashMap, sync::Arc};

use socai_domain::{
    decide::Meta,
    id::{IncomingId, OrganId, PersonId, RegisterId},
    ledger::{DomainEvent, Header, Opened, StreamKind},
    organ, register,
};

use crate::{
    apply::Things,
    cache::{Cache, Take},
    changes::Changes,
    directory::{self, Agency, Organ, Person},
    document::Document,
    error::ViewsError,
    incoming_register::{Book, Entry},
    sql::{Source, Sql},
    value::{Cells, Value},
    writer::Tables,
};

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
    /// Has at hand whatever a record may change, as the tables have it.
    pub(crate) async fn load(
        &mut self,
        tables: &mut Tables<'_>,
        place: i64,
        header: &Header,
        opened: &Opened,
    ) -> Result<(), ViewsError> {
        let of_document = match opened {
            Opened::Event(_, DomainEvent::Organ(event)) => {
                let id = OrganId::new(header.stream.key());
                self.organ(tables, id).await?;
                if matches!(event, organ::Event::CalendarDecided(_)) {
                    self.documents_under_way(tables, id).await?;
                }
                false
            }
            Opened::Event(_, DomainEvent::Person(_)) => return self.person(tables, header, place).await,
            Opened::Event(_, DomainEvent::Register(event)) => {
                self.book(tables, header, place).await?;
                match event {
                    register::Event::NumberAssigned(e) => self.entry(tables, header, e.number.get()).await?,
                    register::Event::NumberVoided(e) => self.entry(tables, header, e.number.get()).await?,
                    register::Event::BookOpened(_) | register::Event::FingerprintsRenewed(_) => {}
                }
                false
            }
            Opened::Event(_, DomainEvent::Incoming(_)) => true,
            Opened::Erased if header.stream.kind() == StreamKind::Person => {
                return self.person(tables, header, place).await;
            }
            Opened::Erased => header.stream.kind() == StreamKind::Incoming,
        };
        if of_document {
            self.organ(tables, OrganId::new(header.organ)).await?;
            self.document(tables, header, place).await?;
        }
        Ok(())
    }

    async fn document(&mut self, tables: &mut Tables<'_>, header: &Header, place: i64) -> Result<(), ViewsError> {
        let id = IncomingId::new(header.stream.key());
        if !self.documents.has(id) {
            let stored = stored(tables, header, "document").await?;
            self.documents.put(id, stored, || Document::new(place, id, OrganId::new(header.organ)));
        }
        Ok(())
    }

    /// An organ, as known so far; a blank one before it is registered.
    async fn organ(&mut self, tables: &mut Tables<'_>, id: OrganId) -> Result<(), ViewsError> {
        if !self.organs.has(id) {
            let stored = directory::folded(&mut tables.lock().await, id).await?;
            self.organs.put(id, stored, || Organ::new(0, id));
        }
        Ok(())
    }

    async fn person(&mut self, tables: &mut Tables<'_>, header: &Header, place: i64) -> Result<(), ViewsError> {
        let id = PersonId::new(header.stream.key());
        if !self.people.has(id) {
            let stored = stored(tables, header, "directory_person").await?;
            self.people.put(id, stored, || Person::new(place, id, OrganId::new(header.organ)));
        }
        Ok(())
    }

    async fn book(&mut self, tables: &mut Tables<'_>, header: &Header, place: i64) -> Result<(), ViewsError> {
        let id = RegisterId::new(header.stream.key());
        if !self.books.has(id) {
            let stored = stored(tables, header, "register_book").await?;
            self.books.put(id, stored, || Book::new(place, id, OrganId::new(header.organ)));
        }
        Ok(())
    }

    /// A number in a book that is at hand.
    async fn entry(&mut self, tables: &mut Tables<'_>, header: &Header, number: u32) -> Result<(), ViewsError> {
        let register = RegisterId::new(header.stream.key());
        let key = (register, number);
        let Some(book) = self.books.look(register).map(|book| book.ordinal) else { return Ok(()) };
        if !self.entries.has(key) {
            let highest = match self.numbers.get(&register) {
                Some(highest) => *highest,
                None => Entry::highest(&mut tables.lock().await, book).await?,
            };
            let stored = match number {
                number if number > highest => None,
                number => Entry::load(&mut tables.lock().await, book, number).await?,
            };
            self.numbers.insert(register, highest.max(number));
            self.entries.put(key, stored, || Entry::new(book, number));
        }
        Ok(())
    }

    /// The documents of an organ whose deadlines run.
    async fn documents_under_way(&mut self, tables: &mut Tables<'_>, organ: OrganId) -> Result<(), ViewsError> {
        for (id, stored) in crate::document::query::open_documents(&mut tables.lock().await, organ).await? {
            if !self.documents.has(id) {
                self.documents.put(id, Some(stored), || Document::new(0, id, organ));
            }
        }
        Ok(())
    }

    /// All that changed since the last time. From now on it counts as written; if it is not, these rows are worth nothing.
    pub(crate) fn take_changes(&mut self) -> Changes {
        self.take(Take::All)
    }

    /// The same of what has ended. What goes on may change again before all is committed.
    pub(crate) fn take_ended(&mut self) -> Changes {
        self.take(Take::Ended)
    }

    fn take(&mut self, which: Take) -> Changes {
        Changes {
            organs: self.organs.take_changes(which),
            people: self.people.take_changes(which),
            books: self.books.take_changes(which),
            entries: self.entries.take_changes(which),
            documents: self.documents.take_changes(which),
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

/// Of what was loaded.
impl Things for Rows {
    fn change_organ(&mut self, id: OrganId, event: &organ::Event, meta: &Meta, place: i64) {
        let Some(organ) = self.organs.get(id) else { return };
        organ.apply(event, meta, place);
        if matches!(event, organ::Event::CalendarDecided(_)) {
            let calendar = organ.calendar.clone();
            for of_organ in self.documents.those(|document| document.organ == id && document.is_under_way()) {
                self.documents.change_if(of_organ, |document| document.calendar_decided(&calendar, place));
            }
        }
    }

    fn change_document(&mut self, header: &Header, _: i64, change: impl FnOnce(&mut Document, &dyn Agency)) {
        let organ = self.organs.look(OrganId::new(header.organ)).map(Arc::clone);
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
    state(&mut tables.lock().await, table, id).await
}

/// The folded thing that is kept beside its row.
async fn state<T: serde::de::DeserializeOwned>(
    db: &mut impl Source,
    table: &'static str,
    id: Value,
) -> Result<Option<T>, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT state FROM ").push(table).push(" WHERE id = ").bind(id);
    let Some(row) = sql.fetch_optional(db).await? else { return Ok(None) };
    let bytes: Vec<u8> = Cells::of(&row).next()?;
    decode(&bytes).map(Some)
}

/// Reads a folded thing.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ViewsError> {
    postcard::from_bytes(bytes).map_err(|error| ViewsError::Damaged(error.to_string()))
}
