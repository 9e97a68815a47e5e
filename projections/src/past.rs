//! The views of past moments: replayed from the ledger into memory, kept for the next who asks, and given up as soon as
//! anything is erased, because what was read before an erasure still holds the text.

use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Opener, Position},
    time::Timestamp,
};
use tokio::sync::Semaphore;

use crate::{
    copies::Copied,
    error::ViewsError,
    replay::{Crew, cores, go_on, replay},
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
/// Of so many records of a prefix at most one is missing in another one that is gone on from: to take in the rest one by
/// one is then quicker than to read all on all cores.
const NEAR: u64 = 16;
/// What a database's `SQLITE_FULL` is called.
const FULL: &str = "13";

/// The views of one prefix of the log.
#[derive(Clone)]
struct Kept {
    /// Its last record; none before the first.
    position: Option<Position>,
    views: Views,
}

impl Kept {
    fn bytes(&self) -> u64 {
        self.views.on_demand.as_ref().map_or(0, |on_demand| on_demand.bytes())
    }
}

/// What is kept, the last one asked for at the end.
#[derive(Default)]
struct Shelf {
    kept: Vec<Kept>,
    /// Counts erasures: what was begun before one is not put here after it.
    erasures: u64,
}

impl Shelf {
    /// What is kept of this prefix.
    fn find(&mut self, position: Option<Position>) -> Option<Views> {
        let at = self.kept.iter().position(|kept| kept.position == position)?;
        let kept = self.kept.remove(at);
        self.kept.push(kept.clone());
        Some(kept.views)
    }

    /// The kept prefix that is nearest before this one, if it is near enough to go on from.
    fn near(&self, position: Position) -> Option<(Position, Views)> {
        let before =
            |kept: &&Kept| kept.position.is_some_and(|at| at.same_log(position) && at.place() < position.place());
        let nearest = self.kept.iter().filter(before).max_by_key(|kept| kept.position.map(Position::place))?;
        let from = nearest.position?;
        let near = position.place() - from.place() <= position.place() / NEAR;
        near.then(|| (from, nearest.views.clone()))
    }

    /// Keeps it, unless something was erased since `erasures` was counted. What was asked for longest ago makes room.
    fn put(&mut self, new: Kept, erasures: u64) -> bool {
        if self.erasures != erasures {
            return false;
        }
        self.kept.retain(|kept| kept.position != new.position);
        self.kept.push(new);
        while self.kept.len() > KEPT || self.kept.iter().map(Kept::bytes).sum::<u64>() > KEPT_BYTES {
            self.kept.remove(0);
        }
        true
    }
}

/// The past moments of views, and how many are read from the ledger at once: one for each core but one, which is for
/// everything else. Together they use these cores, in turn.
pub(crate) struct Pasts {
    shelf: Mutex<Shelf>,
    pub(crate) replays: Semaphore,
    pub(crate) crew: Crew,
}

impl fmt::Debug for Pasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pasts({} kept)", self.shelf().kept.len())
    }
}

impl Default for Pasts {
    fn default() -> Self {
        let crew = Crew::of(cores() - 1);
        Self { shelf: Mutex::default(), replays: Semaphore::new(crew.size()), crew }
    }
}

impl Pasts {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts erasures.
    pub(crate) fn erasures(&self) -> u64 {
        self.shelf().erasures
    }

    /// Does this unless something was erased since so many erasures were counted, and while nothing is.
    pub(crate) fn unless_erased<T, E>(
        &self,
        erasures: u64,
        then: impl FnOnce() -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let held = self.shelf();
        if held.erasures == erasures { then().map(Some) } else { Ok(None) }
    }

    /// Something was erased: nothing that was read before may be shown again.
    pub(crate) fn forget(&self) {
        let mut held = self.shelf();
        held.erasures += 1;
        held.kept.clear();
    }
}

impl Views {
    /// The views as they were at an instant: of the log's prefix before the first record whose recorded time is after
    /// `until`, in memory, read on all cores. Ask them with a viewer of that instant.
    pub async fn build_until(log: &dyn EventLog, opener: Opener, until: Timestamp) -> Result<Self, ViewsError> {
        let crew = Crew::all();
        let views = Self::for_past(&crew).await?;
        replay(&crew, log, &opener, &views, log.stood_at(until).await?, HashSet::new()).await?;
        Ok(views)
    }

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
        let position = log.stood_at(then).await?;
        if let Some(views) = self.pasts.shelf().find(position) {
            return Ok(views);
        }
        let room = tokio::time::timeout(patience, self.pasts.replays.acquire()).await;
        let _room = room.ok().and_then(Result::ok).ok_or(ViewsError::PastBusy)?;
        // Those before may have read the same.
        if let Some(views) = self.pasts.shelf().find(position) {
            return Ok(views);
        }
        let erasures = self.pasts.shelf().erasures;
        let views = self.past(log, opener, position).await.map_err(too_large)?;
        let kept = Kept { position, views: views.clone() };
        if self.pasts.shelf().put(kept, erasures) { Ok(views) } else { Err(ViewsError::PastBusy) }
    }

    /// The views of a prefix of the log: gone on with from what is kept of one before it, or from a copy, or replayed.
    async fn past(&self, log: &dyn EventLog, opener: Opener, until: Option<Position>) -> Result<Self, ViewsError> {
        let (crew, erased) = (&self.pasts.crew, self.erased().await?);
        let replayed = async |until| {
            let views = Self::for_past(crew).await?;
            limit(&views).await?;
            replay(crew, log, &opener, &views, until, erased.clone()).await.map_err(too_large)?;
            Ok(views)
        };
        let Some(until) = until else { return replayed(None).await };
        let near = self.pasts.shelf().near(until);
        let copy = self.copy_before(until)?;
        let (from, views) = if let Some((from, kept)) = near {
            (Some(from), kept.copy().await?)
        } else if let Some(copy) = copy.as_ref().filter(|copy| copy.is_worth(until)) {
            Self::opened(copy).await?
        } else {
            match (replayed(Some(until)).await, copy) {
                (Err(ViewsError::PastTooLarge), Some(copy)) => Self::opened(&copy).await?,
                (replayed, _) => return replayed,
            }
        };
        if views.passing.is_none() {
            limit(&views).await?;
        }
        go_on(crew, log, opener.clone(), &views, from, until, &erased).await?;
        views.complete().await?;
        Ok(views)
    }

    /// The nearest copy before a position, if copies may be read.
    fn copy_before(&self, until: Position) -> Result<Option<Copied>, ViewsError> {
        // What is owed to an erasure is owed by the copies, too.
        if *self.unclean().borrow() || self.is_older() {
            return Ok(None);
        }
        let copies = self.copies()?;
        Ok(copies.map(|copies| copies.before(until.place())).transpose()?.flatten())
    }

    /// Views in a copy of that copy, and where they stand.
    async fn opened(copy: &Copied) -> Result<(Option<Position>, Self), ViewsError> {
        let views = Self::in_copy_of(&copy.path).await?;
        let views = views.ok_or_else(|| ViewsError::Outdated(copy.path.display().to_string()))?;
        Ok((views.position().await?, views))
    }

    /// The documents that are erased by now, even if their keys are not destroyed yet.
    async fn erased(&self) -> Result<HashSet<IncomingId>, ViewsError> {
        let mut sql = Sql::plain();
        sql.push("SELECT id FROM document WHERE erased = 1");
        let rows = sql.fetch_all(&mut self.reading().await?).await?;
        rows.iter().map(|row| Cells::of(row).next()).collect()
    }
}

async fn limit(views: &Views) -> Result<(), ViewsError> {
    let mut db = views.write.acquire().await?;
    let mut size = Sql::plain();
    let size = size.push("PRAGMA page_size").count(&mut db).await?.max(1);
    run(&mut db, &format!("PRAGMA max_page_count = {}", ONE_BYTES / size)).await
}

/// An error, by what it means of a past moment.
pub(crate) fn too_large(error: ViewsError) -> ViewsError {
    match &error {
        ViewsError::Database(sqlx::Error::Database(of)) if of.code().as_deref() == Some(FULL) => {
            ViewsError::PastTooLarge
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::replay::OnDemand;

    #[allow(clippy::unnecessary_wraps)] // as views say where they stand
    fn at(place: u64) -> Option<Position> {
        Some(Position::new(socai_domain::ledger::LedgerId(uuid::Uuid::nil()), 1, place))
    }

    #[test]
    fn a_core_is_left_for_everything_else() {
        let (pasts, left) = (Pasts::default(), (cores() - 1).max(1));
        assert_eq!((pasts.replays.available_permits(), pasts.crew.size()), (left, left));
    }

    #[tokio::test]
    async fn what_was_asked_for_longest_ago_makes_room() {
        let (views, mut shelf) = (Views::in_memory().await.unwrap(), Shelf::default());
        let kept = |place, bytes| {
            let (mut views, on_demand) = (views.clone(), OnDemand::new(&Crew::of(1)));
            on_demand.weigh(bytes);
            views.on_demand = Some(Arc::new(on_demand));
            Kept { position: at(place), views }
        };
        let left = |shelf: &Shelf| shelf.kept.iter().map(|kept| kept.position.unwrap().place()).collect::<Vec<_>>();
        for place in 1..=4 {
            assert!(shelf.put(kept(place, 1), 0));
        }
        assert!(shelf.find(at(1)).is_some());
        shelf.put(kept(5, 1), 0);
        assert_eq!(left(&shelf), [3, 4, 1, 5]);
        shelf.put(kept(6, KEPT_BYTES - 1), 0);
        assert_eq!(left(&shelf), [5, 6], "they are bounded in bytes, too");
        assert!(shelf.find(at(4)).is_none() && shelf.find(None).is_none());
        shelf.erasures += 1;
        assert!(!shelf.put(kept(7, 1), 0), "read before an erasure");
    }
}
