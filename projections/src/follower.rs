//! Follows the log: open the records, apply them, commit rows and checkpoint together, say how far it is.

use std::{future::Future, sync::Arc};

use futures::StreamExt as _;
use socai_domain::ledger::{EventLog, Followed, Opener, Position, Recorded};

use crate::{
    apply::apply,
    erasure,
    error::ViewsError,
    rows::Rows,
    store::{Views, checkpoint},
    writer::{Gate, Open, Writer},
};

/// Records in one commit, at most.
const CHUNK: usize = 1_000;

/// Keeps views in step with a log.
#[derive(Debug)]
pub struct Follower;

impl Follower {
    /// Follows until `shutdown` ends. What is not committed then is folded again at the next start.
    ///
    /// # Errors
    /// Those of the log, the key ring and the database. The views stay as of their last commit: calling again goes on
    /// from there.
    pub async fn run(
        log: Arc<dyn EventLog>,
        opener: Opener,
        views: Views,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ViewsError> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut builder = Builder::new(views.clone(), opener);
        let mut followed = log.follow(views.position().await?);
        let mut behind = 0_u64;
        loop {
            let next = tokio::select! {
                () = &mut shutdown => return Ok(()),
                next = followed.next() => next,
            };
            match next {
                None => return Ok(()),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Followed::CaughtUp)) => {
                    behind = 0;
                    tracing::info!("the views have caught up");
                }
                Some(Ok(Followed::Records(records))) => {
                    behind = behind.max(records.len() as u64);
                    for chunk in records.chunks(CHUNK) {
                        builder.take(chunk).await?;
                        behind = behind.saturating_sub(chunk.len() as u64);
                        metrics::counter!("socai_projection_applied_total").increment(chunk.len() as u64);
                        metrics::gauge!("socai_projection_lag_records").set(lossy(behind));
                    }
                }
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // a gauge for people
fn lossy(number: u64) -> f64 {
    number as f64
}

/// Applies records to views, chunk by chunk.
pub(crate) struct Builder {
    views: Views,
    opener: Opener,
    rows: Rows,
    gate: Arc<dyn Gate>,
    /// Erase from the file what leaves the rows.
    scrub: bool,
}

impl Builder {
    pub(crate) fn new(views: Views, opener: Opener) -> Self {
        Self { views, opener, rows: Rows::default(), gate: Arc::new(Open), scrub: true }
    }

    /// For a file that nobody has read yet and that no erased text ever reaches.
    pub(crate) fn building(views: Views, opener: Opener) -> Self {
        Self { scrub: false, ..Self::new(views, opener) }
    }

    #[cfg(test)]
    pub(crate) fn through(views: Views, opener: Opener, gate: Arc<dyn Gate>) -> Self {
        Self { gate, ..Self::new(views, opener) }
    }

    /// One chunk of records, in one transaction. Records that the views have are left out.
    pub(crate) async fn take(&mut self, records: &[Recorded]) -> Result<(), ViewsError> {
        let gate = Arc::clone(&self.gate);
        let mut writer = Writer::begin(&self.views.write, &*gate).await?;
        match self.fold(&mut writer, records).await {
            Ok(erased) => {
                writer.commit().await?;
                self.rows.settled();
                if erased && self.scrub {
                    erasure::scrub(&self.views, &*gate).await?;
                }
                self.views.announce(records.last().map(|last| last.position));
                Ok(())
            }
            Err(error) => {
                // Nothing of this chunk is in the tables; nothing of it may stay in memory.
                self.rows = Rows::default();
                Err(error)
            }
        }
    }

    async fn fold(&mut self, writer: &mut Writer<'_>, records: &[Recorded]) -> Result<bool, ViewsError> {
        let at = checkpoint(&mut writer.db).await?;
        let mut erased = false;
        for Recorded { position, record } in records {
            if let Some(at) = at {
                if !at.same_log(*position) {
                    return Err(ViewsError::Foreign(*position));
                }
                if position.place() <= at.place() {
                    continue;
                }
            }
            let opened = self.opener.open(record).await?;
            erased |= erasure::concerns(&opened);
            let place = i64::try_from(position.place()).unwrap_or(i64::MAX);
            apply(&mut self.rows, &mut writer.db, place, record.header(), &opened).await?;
        }
        self.rows.write(writer).await?;
        if let Some(last) = records.last() {
            move_checkpoint(writer, last.position).await?;
        }
        Ok(erased)
    }
}

async fn move_checkpoint(writer: &mut Writer<'_>, to: Position) -> Result<(), ViewsError> {
    let place = i64::try_from(to.place()).unwrap_or(i64::MAX);
    let args = [to.to_string().into(), place.into()];
    let sql = "UPDATE read_model SET position = $1, place = $2 WHERE place IS NULL OR place < $2";
    writer.run(sql.to_owned(), args.iter()).await
}
