//! From changed things to changed rows: some things at a time, in the order in which they stand in the tables.

use crate::{
    cache::{Change, Thing},
    directory::{Organ, Person},
    document::Document,
    error::ViewsError,
    incoming_register::{Book, Entry},
    models,
    out::{self, Out},
    writer::Writer,
};

/// What differs from the tables, to be written.
pub(crate) struct Changes {
    pub(crate) organs: Vec<Change<Organ>>,
    pub(crate) people: Vec<Change<Person>>,
    pub(crate) books: Vec<Change<Book>>,
    pub(crate) entries: Vec<Change<Entry>>,
    pub(crate) documents: Vec<Change<Document>>,
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
