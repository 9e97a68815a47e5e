//! Erasure: what was expunged leaves the database's files, too, not only its rows.
//!
//! Deleted cells are overwritten (`secure_delete`) and the search index drops its terms at once (its own
//! `secure-delete`), but a page that was split may still hold an old copy. So after an erasure the file is written anew
//! (`VACUUM`) and the write-ahead log, which holds old pages, is moved into it and cut to nothing. The need for it is
//! marked in the same transaction as the rows, so that a crash in between leaves it owed.
//!
//! `PostgreSQL` keeps deleted rows until they are vacuumed: after an erasure all tables are written anew (`VACUUM FULL`),
//! which takes the old files away. Its own log (WAL), replicas and backups are its operator's.
//!
//! A reader of an old state keeps the log from being cut. New readers read the file itself once everything is in it, so
//! only those that are open now are in the way, and each ends with its query: the follower tries again until it is done.

use std::{collections::HashSet, sync::Arc, time::Duration};

use socai_domain::{
    id::IncomingId,
    incoming,
    ledger::{DomainEvent, Header, Opened},
};

use crate::{
    db::{Db, Dialect, Pooled},
    error::ViewsError,
    models,
    sql::{Source, Sql},
    store::{BUSY, Views, run},
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

/// What is shown of a record: of an erased document only its erasure, whether or not its key is destroyed yet.
pub(crate) fn shown<'a>(erased: &HashSet<IncomingId>, header: &Header, opened: &'a Opened) -> &'a Opened {
    let hidden = erased.contains(&IncomingId::new(header.stream.key())) && !concerns(opened);
    if hidden { &Opened::Erased } else { opened }
}

/// Nothing is owed.
const CLEAN: u64 = 0;
/// The file is to be written anew.
const UNWRITTEN: u64 = 1;
/// The write-ahead log is still to be cut.
const UNCUT: u64 = 2;

/// How long one try waits for readers: nothing is written to the views meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long after a try that met a reader the next one comes.
const AGAIN: Duration = Duration::from_secs(1);
/// How long after a try that failed. Writing the file anew takes as much room as it has: a disk that is too small for that
/// is not to be filled all the time.
pub(crate) const LATER: Duration = Duration::from_mins(1);

/// Notes, with the rows, that the files have to be cleaned. Where several servers do that, each debt has a number of its own.
pub(crate) async fn owe(writer: &mut Writer) -> Result<(), ViewsError> {
    let note = match writer.dialect() {
        Dialect::Sqlite => format!("PRAGMA user_version = {UNWRITTEN}"),
        Dialect::Postgres => "UPDATE erasure SET owed = txid_current()".to_owned(),
    };
    writer.run(note.into(), Vec::new()).await.map(drop)
}

/// Is erased text still to be cleaned from the files?
pub(crate) async fn is_owed(db: &mut impl Source) -> Result<bool, ViewsError> {
    Ok(owed(db).await? != CLEAN)
}

async fn owed(db: &mut impl Source) -> Result<u64, ViewsError> {
    let mut owed = Sql::plain();
    owed.push(match db.dialect() {
        Dialect::Sqlite => "PRAGMA user_version",
        Dialect::Postgres => "SELECT MAX(owed) FROM erasure",
    });
    owed.count(db).await
}

/// What [`owe`] notes in `PostgreSQL`; a file of SQLite has a number for it.
pub(crate) const POSTGRES_TABLE: &str =
    "CREATE TABLE erasure (owed BIGINT CONSTRAINT erasure_owed_given NOT NULL); INSERT INTO erasure VALUES (0)";

/// In `PostgreSQL`: this debt is paid. False where there is a newer one: whoever stood still for a while does not take that for
/// paid.
pub(crate) async fn pay(db: &mut impl Source, owed: u64) -> Result<bool, ViewsError> {
    let mut paid = Sql::plain();
    paid.push("WITH paid AS (UPDATE erasure SET owed = 0 WHERE owed = ").bind(owed.cast_signed());
    paid.push(" RETURNING 1) SELECT COUNT(*) FROM paid");
    Ok(paid.count(db).await? > 0)
}

/// Cleans the files, if that is owed. What is in the way, a reader or a full disk, delays it and nothing else:
/// [`Views::unclean`] says so, and the next try, after the time that is returned, goes on from here.
pub(crate) async fn clean(views: &Views, gate: Arc<dyn Gate>) -> Option<Duration> {
    match try_to_clean(views, gate).await {
        Ok(true) => None,
        Ok(false) => {
            tracing::warn!(
                "erased text is not cleaned from the views' files yet: a reader is in the way; trying again"
            );
            Some(AGAIN)
        }
        Err(error) => {
            views.set_unclean(true);
            tracing::warn!(
                %error,
                "erased text cannot be cleaned from the views' files; trying again every minute; see that the disk has \
                 room for a second copy of the views"
            );
            Some(LATER)
        }
    }
}

/// False: a reader is in the way.
async fn try_to_clean(views: &Views, gate: Arc<dyn Gate>) -> Result<bool, ViewsError> {
    let mut db = views.write.acquire().await?;
    let owed = owed(&mut db).await?;
    if owed == CLEAN {
        views.set_unclean(false);
        return Ok(true);
    }
    views.set_unclean(true);
    if db.dialect() == Dialect::Postgres {
        return write_anew(views, &mut db, gate, owed).await;
    }
    if owed == UNWRITTEN {
        gate.pass()?;
        if let Some(copies) = views.copies()? {
            tokio::task::spawn_blocking(move || copies.wipe()).await.map_err(std::io::Error::other)??;
        }
        gate.pass()?;
        run(&mut db, "VACUUM").await?;
        gate.pass()?;
        run(&mut db, &format!("PRAGMA user_version = {UNCUT}")).await?;
    }
    gate.pass()?;
    run(&mut db, &format!("PRAGMA busy_timeout = {}", PATIENCE.as_millis())).await?;
    let cut = cut(&mut db).await;
    run(&mut db, &format!("PRAGMA busy_timeout = {}", BUSY.as_millis())).await?;
    if !cut? {
        return Ok(false);
    }
    gate.pass()?;
    run(&mut db, &format!("PRAGMA user_version = {CLEAN}")).await?;
    views.set_unclean(false);
    gate.pass()?;
    Ok(true)
}

/// The tables of `PostgreSQL`, one after the other. False: a reader is in the way, or more was erased meanwhile.
async fn write_anew(views: &Views, db: &mut Pooled, gate: Arc<dyn Gate>, owed: u64) -> Result<bool, ViewsError> {
    gate.pass()?;
    Db::from(&mut *db).takes_long().await?;
    run(&mut *db, &format!("SET lock_timeout = {}", PATIENCE.as_millis())).await?;
    let written = async {
        for table in models::tables() {
            run(&mut *db, &format!("VACUUM (FULL, ANALYZE) {}", table.name)).await?;
        }
        Ok(())
    };
    let written = written.await;
    run(&mut *db, "RESET lock_timeout").await?;
    match written {
        Err(ViewsError::Database(sqlx::Error::Database(error))) if error.code().as_deref() == Some(LOCKED) => {
            return Ok(false);
        }
        written => written?,
    }
    gate.pass()?;
    if !pay(&mut *db, owed).await? {
        return Ok(false);
    }
    views.set_unclean(false);
    gate.pass()?;
    Ok(true)
}

/// What `lock_not_available` is called.
const LOCKED: &str = "55P03";

/// Moves the write-ahead log into the file and cuts it to nothing. False: a reader is in the way.
async fn cut(db: &mut impl Source) -> Result<bool, ViewsError> {
    let mut cut = Sql::plain();
    cut.push("PRAGMA wal_checkpoint(TRUNCATE)");
    match cut.fetch_optional(db).await? {
        Some(row) => Ok(Cells::of(&row).next::<i64>()? == 0),
        None => Ok(true),
    }
}
