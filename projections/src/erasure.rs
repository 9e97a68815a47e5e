//! Erasure: what was expunged leaves the database's files, too, not only its rows.
//!
//! Deleted cells are overwritten (`secure_delete`) and the search index drops its terms at once (its own
//! `secure-delete`), but a page that was split may still hold an old copy. So after an erasure the file is written anew
//! (`VACUUM`) and the write-ahead log, which holds old pages, is moved into it and cut to nothing. The need for it is
//! marked in the same transaction as the rows, so that a crash in between leaves it owed.

use std::sync::Arc;

use socai_domain::{
    incoming,
    ledger::{DomainEvent, Opened},
};

use crate::{
    error::ViewsError,
    sql::Sql,
    store::{Views, run},
    value::Cells,
    writer::{Gate, Writer},
};

/// Does this record take text away?
pub(crate) fn concerns(opened: &Opened) -> bool {
    match opened {
        Opened::Erased => true,
        Opened::Event(_, DomainEvent::Incoming(event)) => {
            matches!(event, incoming::Event::Expunged(_) | incoming::Event::ErasureCompleted(_))
        }
        Opened::Event(..) => false,
    }
}

/// Notes, with the rows, that the files have to be cleaned.
pub(crate) async fn owe(writer: &mut Writer) -> Result<(), ViewsError> {
    writer.run("PRAGMA user_version = 1".to_owned(), Vec::new()).await
}

/// Cleans the files, if that is owed.
pub(crate) async fn clean(views: &Views, gate: Arc<dyn Gate>) -> Result<(), ViewsError> {
    let mut db = views.write.acquire().await?;
    let mut owed = Sql::plain();
    owed.push("PRAGMA user_version");
    if owed.count(&mut db).await? == 0 {
        return Ok(());
    }
    gate.pass()?;
    run(&mut db, "VACUUM").await?;
    gate.pass()?;
    let mut cut = Sql::plain();
    cut.push("PRAGMA wal_checkpoint(TRUNCATE)");
    let row = cut.fetch_optional(&mut db).await?;
    // A reader of an old state holds the log; it stays owed until the next erasure or start.
    if row.is_some_and(|row| Cells::of(&row).next::<i64>().is_ok_and(|busy| busy != 0)) {
        tracing::warn!("the views' files could not be cleaned of erased text yet: a reader is in the way");
        return Ok(());
    }
    gate.pass()?;
    run(&mut db, "PRAGMA user_version = 0").await?;
    gate.pass()
}
