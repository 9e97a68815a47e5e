//! Erasure: what was expunged leaves the database file, too, not only its rows.
//!
//! Deleted cells and freed pages are overwritten (`secure_delete`), the search index drops its terms at once (its own
//! `secure-delete`), and the write-ahead log, which still holds the old pages, is moved into the file and cut to nothing.

use socai_domain::{
    incoming,
    ledger::{DomainEvent, Opened},
};

use crate::{
    error::ViewsError,
    store::{Views, run},
    writer::Gate,
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

/// Leaves nothing of deleted rows in the files. Repeated at each start, as a crash may come between commit and this.
pub(crate) async fn scrub(views: &Views, gate: &dyn Gate) -> Result<(), ViewsError> {
    gate.pass()?;
    let mut db = views.write.acquire().await?;
    run(&mut db, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    gate.pass()
}
