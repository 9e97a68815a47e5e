//! The views of past moments: replayed from the ledger into memory, kept for the next who asks, and given up as soon as
//! anything is erased, because what was read before an erasure still holds the text.

use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
    time::Duration,
};

use futures::StreamExt as _;
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Followed, Opener, Position},
    time::Timestamp,
};
use tokio::sync::Semaphore;

use crate::{
    error::ViewsError,
    rebuild::replay,
    sql::Sql,
    store::{Views, run},
    value::Cells,
};

/// So many past moments are kept, at most.
const KEPT: usize = 4;
/// So many bytes they take together, at most.
const KEPT_BYTES: u64 = 1 << 30;
/// So many bytes one of them may take.
const ONE_BYTES: u64 = 512 << 20;
/// What a database's `SQLITE_FULL` is called.
const FULL: &str = "13";

/// The views of one prefix of the log: as they stood at every moment from its last record on and before the next one.
#[derive(Clone)]
struct Kept {
    from: Timestamp,
    /// When the record after the prefix was recorded; none while there is none.
    before: Option<Timestamp>,
    position: Option<Position>,
    views: Views,
    bytes: u64,
}

/// What is kept, the last one asked for at the end.
#[derive(Default)]
struct Shelf {
    kept: Vec<Kept>,
    /// Counts erasures: what was begun before one is not put here after it.
    erasures: u64,
}

impl Shelf {
    /// The newest prefix that ends at or before this moment. It need not be the one that is meant.
    fn nearest(&mut self, then: Timestamp) -> Option<Kept> {
        let before = self.kept.iter().enumerate().filter(|(_, kept)| kept.from <= then);
        let (at, _) = before.max_by_key(|(_, kept)| kept.from)?;
        let kept = self.kept.remove(at);
        self.kept.push(kept.clone());
        Some(kept)
    }

    /// Keeps it, unless something was erased since `erasures` was counted. What was asked for longest ago makes room.
    fn put(&mut self, new: Kept, erasures: u64) -> bool {
        if self.erasures != erasures {
            return false;
        }
        self.kept.retain(|kept| kept.position != new.position);
        self.kept.push(new);
        while self.kept.len() > KEPT || self.kept.iter().map(|kept| kept.bytes).sum::<u64>() > KEPT_BYTES {
            self.kept.remove(0);
        }
        true
    }
}

/// The past moments of views, and how many are read from the ledger at once: one for each core but one, which is for
/// everything else.
pub(crate) struct Pasts {
    shelf: Mutex<Shelf>,
    pub(crate) replays: Semaphore,
}

impl fmt::Debug for Pasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pasts({} kept)", self.shelf().kept.len())
    }
}

impl Default for Pasts {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Self { shelf: Mutex::default(), replays: Semaphore::new(cores.saturating_sub(1).max(1)) }
    }
}

impl Pasts {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was erased: nothing that was read before may be shown again.
    pub(crate) fn forget(&self) {
        let mut held = self.shelf();
        held.erasures += 1;
        held.kept.clear();
    }

    /// What is kept for this moment.
    async fn find(&self, log: &dyn EventLog, then: Timestamp) -> Result<Option<Views>, ViewsError> {
        let nearest = self.shelf().nearest(then);
        let Some(mut kept) = nearest else { return Ok(None) };
        if kept.before.is_none() {
            kept.before = first_after(log, kept.position).await?;
            if let Some(there) = self.shelf().kept.iter_mut().find(|there| there.position == kept.position) {
                there.before = kept.before;
            }
        }
        Ok(kept.before.is_none_or(|before| then < before).then_some(kept.views))
    }
}

/// When the first record after a position was recorded.
async fn first_after(log: &dyn EventLog, position: Option<Position>) -> Result<Option<Timestamp>, ViewsError> {
    match log.follow(position).next().await {
        Some(Err(error)) => Err(error.into()),
        Some(Ok(Followed::Records(records))) => Ok(records.first().map(|first| first.record.header().recorded)),
        None | Some(Ok(Followed::CaughtUp)) => Ok(None),
    }
}

impl Views {
    /// The views as they were at a moment: kept from an earlier question, or replayed from the log, which takes as long as
    /// reading it up to there does. Drop the future and the replay ends. Ask them with a viewer of that moment who has the
    /// rights of today ([`crate::Viewer::seeing`]).
    ///
    /// # Errors
    /// [`ViewsError::PastBusy`] when others' replays leave no room within `patience`, or something was erased meanwhile;
    /// [`ViewsError::PastTooLarge`] when they take more memory than one past moment may.
    pub async fn as_of(
        &self,
        log: &dyn EventLog,
        opener: Opener,
        then: Timestamp,
        patience: Duration,
    ) -> Result<Self, ViewsError> {
        if let Some(views) = self.pasts.find(log, then).await? {
            return Ok(views);
        }
        let room = tokio::time::timeout(patience, self.pasts.replays.acquire()).await;
        let _room = room.ok().and_then(Result::ok).ok_or(ViewsError::PastBusy)?;
        // Those before may have read the same.
        if let Some(views) = self.pasts.find(log, then).await? {
            return Ok(views);
        }
        let erasures = self.pasts.shelf().erasures;
        let views = Self::in_memory().await?;
        limit(&views).await?;
        let erased = self.erased().await?;
        let (from, before) = replay(log, opener, &views, then, &erased).await.map_err(too_large)?;
        let (position, bytes) = (views.position().await?, bytes(&views).await?);
        let kept = Kept { from, before, position, views: views.clone(), bytes };
        if self.pasts.shelf().put(kept, erasures) { Ok(views) } else { Err(ViewsError::PastBusy) }
    }

    /// The documents that are erased by now, even if their keys are not destroyed yet.
    async fn erased(&self) -> Result<HashSet<IncomingId>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT id FROM document WHERE erased = 1");
        let rows = sql.fetch_all(self.snapshot().await?.db()).await?;
        rows.iter().map(|row| Cells::of(row).next()).collect()
    }
}

async fn limit(views: &Views) -> Result<(), ViewsError> {
    let mut db = views.write.acquire().await?;
    let mut size = Sql::plain();
    let size = size.push("PRAGMA page_size").count(&mut db).await?.max(1);
    run(&mut db, &format!("PRAGMA max_page_count = {}", ONE_BYTES / size)).await
}

async fn bytes(views: &Views) -> Result<u64, ViewsError> {
    let mut sql = Sql::plain();
    sql.push("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    sql.count(views.snapshot().await?.db()).await
}

fn too_large(error: ViewsError) -> ViewsError {
    match &error {
        ViewsError::Database(sqlx::Error::Database(of)) if of.code().as_deref() == Some(FULL) => {
            ViewsError::PastTooLarge
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(views: &Views, from: i64, bytes: u64) -> Kept {
        let position = Some(Position::new(socai_domain::ledger::LedgerId(uuid::Uuid::nil()), 1, from.unsigned_abs()));
        Kept { from: Timestamp::from_micros(from), before: None, position, views: views.clone(), bytes }
    }

    #[test]
    fn a_core_is_left_for_everything_else() {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        assert_eq!(Pasts::default().replays.available_permits(), if cores == 1 { 1 } else { cores - 1 });
    }

    #[tokio::test]
    async fn what_was_asked_for_longest_ago_makes_room() {
        let (views, mut shelf) = (Views::in_memory().await.unwrap(), Shelf::default());
        let at = Timestamp::from_micros;
        let left = |shelf: &Shelf| shelf.kept.iter().map(|kept| kept.from.as_micros()).collect::<Vec<_>>();
        for from in 1..=4 {
            assert!(shelf.put(kept(&views, from, 1), 0));
        }
        assert_eq!(shelf.nearest(at(1)).unwrap().from, at(1));
        shelf.put(kept(&views, 5, 1), 0);
        assert_eq!(left(&shelf), [3, 4, 1, 5]);
        shelf.put(kept(&views, 6, KEPT_BYTES - 1), 0);
        assert_eq!(left(&shelf), [5, 6], "they are bounded in bytes, too");
        assert!(shelf.nearest(at(4)).is_none());
        shelf.erasures += 1;
        assert!(!shelf.put(kept(&views, 7, 1), 0), "read before an erasure");
    }
}
