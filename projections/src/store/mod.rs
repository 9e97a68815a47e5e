//! The views' database: the handle to it, how far it is, and who is told.

mod location;
mod opening;
mod others;
mod postgres;
mod snapshot;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socai_domain::{
    id::OrganId,
    ledger::{Position, Recorded, StreamKind},
};
use tokio::sync::watch;

use crate::{
    building::{Place, Rebuilding},
    copies::Passing,
    db::{Dialect, Pool},
    door::Door,
    error::ViewsError,
    few::Many,
    lease::Lease,
    past::Pasts,
    replay::OnDemand,
    schema,
    sql::{Source as _, Sql},
};

pub(crate) use crate::db::run;
pub use location::{Location, NotAPostgresUrl, PostgresUrl};
pub(crate) use opening::BUSY;
pub(crate) use others::{LOOK, Waited};
#[cfg(test)]
pub(crate) use postgres::READERS;
pub(crate) use snapshot::{POSITION, Reading, Snapshot, checkpoint, position};

/// The read models, in one database. A cheap handle; all clones share one database.
#[derive(Clone, Debug)]
pub struct Views {
    pub(crate) write: Door,
    pub(crate) read: Door,
    /// Where the file is; none in memory.
    pub(crate) place: Option<Arc<Place>>,
    reached: Arc<watch::Sender<Option<Position>>>,
    /// Erased text may still stand in free pages of the files.
    unclean: Arc<watch::Sender<bool>>,
    pub(crate) pasts: Arc<Pasts>,
    /// Where each organ last changed since these views were opened.
    organs: Arc<Mutex<HashMap<OrganId, Position>>>,
    /// In views of a past moment: the tables that are filled when somebody asks for them.
    pub(crate) on_demand: Option<Arc<OnDemand>>,
    /// Whose turn it is: nothing is written while another file is put in the place of this one.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) rebuilding: Arc<watch::Sender<Rebuilding>>,
    /// One rebuild at a time.
    pub(crate) building: Arc<tokio::sync::Mutex<()>>,
    /// How many bytes of memory a rebuild may take.
    pub(crate) memory: usize,
    /// How many copies of earlier positions are kept.
    pub(crate) keeps: u64,
    pub(crate) many: Arc<Many>,
    /// Who has no more parts in documents sees few.
    pub(crate) few: i64,
    /// Whether this server writes.
    lease: Lease,
    /// The file that goes with the last handle.
    pub(crate) passing: Option<Arc<Passing>>,
}

impl Views {
    /// The same; a rebuild may take so many bytes of memory.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        Self { memory: bytes, ..self }
    }

    /// The same; so many copies of earlier positions are kept for questions about past moments.
    #[must_use]
    pub fn with_copies(self, most: u64) -> Self {
        Self { keeps: most, ..self }
    }

    /// The same; who has so many parts in documents sees few.
    #[cfg(test)]
    pub(crate) fn with_few(&self, few: i64) -> Self {
        Self { few, many: Arc::default(), ..self.clone() }
    }

    /// Are there none yet, because they are being built?
    pub fn are_awaited(&self) -> bool {
        !self.write.leads_somewhere()
    }

    /// Did an older version of this program fill them?
    pub(crate) fn is_older(&self) -> bool {
        self.write.is_older()
    }

    /// Which database they are in.
    pub(crate) fn dialect(&self) -> Dialect {
        self.read.dialect()
    }

    /// Makes the indexes that are not there.
    pub(crate) async fn complete(&self) -> Result<(), ViewsError> {
        let mut db = self.write.acquire().await?;
        if self.passing.is_some() && !schema::is_complete(&mut db).await? {
            for ddl in schema::remaining(db.dialect()) {
                run(&mut db, &ddl).await?;
            }
        }
        Ok(())
    }

    /// The position of the log that the views reflect; none before the first record.
    ///
    /// # Errors
    /// [`ViewsError::Building`] while there are none.
    pub async fn position(&self) -> Result<Option<Position>, ViewsError> {
        checkpoint(&mut self.reading().await?).await
    }

    /// Waits until the views reflect `position`: to read one's own writes.
    ///
    /// # Errors
    /// [`ViewsError::NotYet`] after `timeout`; [`ViewsError::Foreign`] for a position of another ledger.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), ViewsError> {
        let mut reached = self.reached.subscribe();
        let there =
            |at: &Option<Position>| at.is_some_and(|at| !at.same_log(position) || at.place() >= position.place());
        match tokio::time::timeout(timeout, reached.wait_for(there)).await {
            Ok(Ok(at)) if at.is_some_and(|at| at.same_log(position)) => Ok(()),
            Ok(Ok(_)) => Err(ViewsError::Foreign(position)),
            _ => Err(ViewsError::NotYet(position)),
        }
    }

    /// Tells each position that the views come to, the present one first: for subscriptions.
    pub fn progress(&self) -> watch::Receiver<Option<Position>> {
        self.reached.subscribe()
    }

    /// The position of the last change of the organ itself (its people, posts, units, calendar) since these views were opened.
    pub fn organ_changed(&self, organ: OrganId) -> Option<Position> {
        self.organs.lock().unwrap_or_else(PoisonError::into_inner).get(&organ).copied()
    }

    /// Notes which organs changed in these records, before they are announced.
    pub(crate) fn note_organs(&self, records: &[Recorded]) {
        let mut organs = self.organs.lock().unwrap_or_else(PoisonError::into_inner);
        let of_organs = records.iter().map(|recorded| (recorded.record.header().stream, recorded.position));
        for (stream, position) in of_organs.filter(|(stream, _)| stream.kind() == StreamKind::Organ) {
            organs.insert(OrganId::new(stream.key()), position);
        }
    }

    /// How many records of the log they have taken in.
    pub async fn records(&self) -> Result<u64, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT MIN(records) FROM read_model");
        sql.count(&mut self.reading().await?).await
    }

    /// How far they are, as far as that was told.
    pub(crate) fn reached(&self) -> Option<Position> {
        *self.reached.borrow()
    }

    pub(crate) fn announce(&self, position: Option<Position>) {
        self.reached.send_replace(position);
    }

    /// From now on these are the views in that other file, which are at `position`. What led to the old one, to be closed.
    pub(crate) fn change(&self, new: &Self, position: Option<Position>) -> Vec<Pool> {
        let old = [self.read.change(&new.read), self.write.change(&new.write)];
        self.set_unclean(*new.unclean.borrow());
        // Who follows the log may find erasures taken in here that it has not seen.
        self.pasts.forget();
        if self.reached().map(Position::place) < position.map(Position::place) {
            self.announce(position);
        }
        old.into_iter().flatten().collect()
    }

    /// Is erased text still to be cleaned from free pages of the files? Retried until it is done.
    pub fn unclean(&self) -> watch::Receiver<bool> {
        self.unclean.subscribe()
    }

    pub(crate) fn set_unclean(&self, unclean: bool) {
        self.unclean.send_replace(unclean);
    }

    /// Closes all connections; what is in the write-ahead log goes to the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}
