//! Views in memory, as of a past moment.

use std::collections::HashSet;

use futures::StreamExt as _;
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Followed, Opener, Recorded},
    time::Timestamp,
};

use crate::{error::ViewsError, follower::Builder, store::Views};

/// Records in one transaction of a replay: other work is let in between two.
const REPLAYED: usize = 1_000;

impl Views {
    /// The views as they were at an instant: of the log's prefix before the first record whose recorded time is after
    /// `until`, in memory. Takes as long as reading that prefix does. Ask them with a viewer of that instant.
    pub async fn build_until(log: &dyn EventLog, opener: Opener, until: Timestamp) -> Result<Self, ViewsError> {
        let views = Self::in_memory().await?;
        replay(log, opener, &views, until, &HashSet::new()).await?;
        Ok(views)
    }
}

/// Takes the prefix of the log up to an instant into empty views, without what was said in the `erased` documents. Tells
/// when its last record was recorded (without one, the beginning of time) and when the record after it was, if there is one.
pub(crate) async fn replay(
    log: &dyn EventLog,
    opener: Opener,
    views: &Views,
    until: Timestamp,
    erased: &HashSet<IncomingId>,
) -> Result<(Timestamp, Option<Timestamp>), ViewsError> {
    let mut builder = Builder::building(views.clone(), opener).without(erased);
    let (mut last, mut next) = (Timestamp::from_micros(i64::MIN), None);
    let wanted = |recorded: &Recorded| {
        let at = recorded.record.header().recorded;
        if at <= until {
            last = at;
        } else {
            next = Some(at);
        }
        at <= until
    };
    fill(log, &mut builder, REPLAYED, wanted, &mut |_| {}).await?;
    Ok((last, next))
}

/// Takes in all that is in the log now, while `wanted` holds; says how many records.
pub(crate) async fn fill(
    log: &dyn EventLog,
    builder: &mut Builder,
    chunk: usize,
    mut wanted: impl FnMut(&Recorded) -> bool + Send,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ViewsError> {
    let mut followed = log.follow(None);
    let (mut taken, mut waiting, mut more) = (0, Vec::new(), true);
    while more {
        match followed.next().await {
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(Followed::Records(records))) => {
                let before = waiting.len();
                let count = records.len();
                waiting.extend(records.into_iter().take_while(&mut wanted));
                more = waiting.len() - before == count;
            }
            None | Some(Ok(Followed::CaughtUp)) => more = false,
        }
        while waiting.len() >= chunk || (!more && !waiting.is_empty()) {
            let rest = waiting.split_off(waiting.len().min(chunk));
            builder.take(&waiting).await?;
            taken += waiting.len() as u64;
            progress(taken);
            waiting = rest;
        }
    }
    Ok(taken)
}
