//! Views that several servers read, and another one may write: how far they are, and which build of them is in use.

use std::time::Duration;

use socai_domain::{
    incoming::events::ErasureCompleted,
    ledger::{Position, Recorded},
    process::EXPUNGED,
};

use super::Views;
use crate::{
    building::{NAME, Place, VIEWS_TABLE},
    error::ViewsError,
    lease::Lease,
    sql::Sql,
};

/// How often it is looked whether another build is in use.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// How soon the views are asked again how far they are, at first and at last.
const SOON: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_millis(400);

/// What came of waiting for another server to take records in.
pub(crate) enum Waited {
    /// It did.
    Taken,
    /// It is this server's turn.
    OurTurn,
    /// Another build is in use now.
    Replaced,
}

impl Views {
    /// The same, among several servers: who has the lease writes.
    #[must_use]
    pub fn led_by(self, lease: Lease) -> Self {
        Self { lease, ..self }
    }

    /// The right to write.
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Has another server put another build in the place of this one?
    pub(crate) async fn are_replaced(&self) -> Result<bool, ViewsError> {
        if !self.lease.is_shared() {
            return Ok(false);
        }
        let mut sql = Sql::plain();
        sql.push(&format!("SELECT COUNT(*) FROM {VIEWS_TABLE} WHERE CAST(current_schema() AS TEXT) "));
        sql.push(&format!("IS DISTINCT FROM '{NAME}_' || build"));
        Ok(sql.count(&mut self.reading().await?).await? > 0)
    }

    /// Leads from now on to the build in use; false if there is none that this version can read.
    pub(crate) async fn renew(&self) -> Result<bool, ViewsError> {
        let Some(Place::Schemas(schemas)) = self.place.as_deref() else { return Ok(false) };
        let Some(schema) = schemas.in_use().await? else { return Ok(false) };
        let new = match Self::in_schema(&schema, None).await {
            Err(ViewsError::Outdated(_)) => return Ok(false),
            new => new?,
        };
        let position = new.position().await?;
        let _turn = self.turn.lock().await;
        for pool in self.change(&new, position) {
            // It ends when who reads there has ended.
            tokio::spawn(async move { pool.close().await });
        }
        Ok(true)
    }

    /// Waits until another server has taken these records in. `seen` is how far it is known to be.
    pub(crate) async fn wait_for_others(
        &self,
        records: &[Recorded],
        seen: &mut Option<Position>,
    ) -> Result<Waited, ViewsError> {
        let Some(last) = records.last().map(|last| last.position) else { return Ok(Waited::Taken) };
        let mut pause = SOON;
        loop {
            if seen.is_some_and(|seen| seen.place() >= last.place()) {
                return Ok(Waited::Taken);
            }
            *seen = self.position().await?;
            if let Some(foreign) = seen.filter(|seen| !seen.same_log(last)) {
                return Err(ViewsError::Foreign(foreign));
            }
            if seen.is_some_and(|seen| seen.place() >= last.place()) {
                continue;
            }
            if pause == LATE && self.are_replaced().await? {
                return Ok(Waited::Replaced);
            }
            tokio::select! {
                () = self.lease.gained() => return Ok(Waited::OurTurn),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (2 * pause).min(LATE);
        }
    }

    /// Another server has taken these records in: what is in memory follows.
    pub(crate) fn taken_by_others(&self, records: &[Recorded]) {
        let erases = |recorded: &Recorded| {
            let kind = recorded.record.header().kind;
            kind == EXPUNGED || kind == ErasureCompleted::KIND
        };
        if records.iter().any(erases) {
            self.pasts.forget();
        }
        self.note_organs(records);
        self.announce(records.last().map(|last| last.position));
    }
}
