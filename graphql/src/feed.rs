//! What subscriptions are fed from: the documents that the caller sees, in the order of their last changes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use socai_domain::{ledger::Position, time::Timestamp};
use socai_projections::{ViewsError, document::DocumentRow, work_list::WorkScope};
use tokio::sync::watch;

use crate::{
    app::Services,
    error::{ApiCode, ApiError, Result},
    reading::viewer_of,
    session::Caller,
};

/// With more changes than this, the client is told to load anew.
const TOO_FAR: u32 = 1_000;
/// How long to sleep at most: the clock may be set, and the token may end.
const NAP: Duration = Duration::from_secs(1);

/// What there is to tell.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// A document changed.
    Changed(Position, Box<DocumentRow>),
    /// So much changed, or in another ledger, that the client should load anew and go on from here.
    Resync(Position),
    /// A duty of the work list passed its deadline by the clock alone.
    Due(Position),
}

/// One subscription's place in the changes.
#[derive(Debug)]
pub(crate) struct Feed {
    services: Arc<Services>,
    caller: Caller,
    after: Option<Position>,
    progress: watch::Receiver<Option<Position>>,
    waiting: VecDeque<Told>,
    scope: Option<WorkScope>,
    due: Option<Timestamp>,
    begun: bool,
    ended: bool,
}

impl Feed {
    /// What changes after `after`; without it, from now on. With `scope`, deadlines of that work list, too.
    pub(crate) fn new(
        services: Arc<Services>,
        caller: Caller,
        after: Option<Position>,
        scope: Option<WorkScope>,
    ) -> Self {
        let progress = services.views.progress();
        let (waiting, due) = (VecDeque::new(), None);
        Self { services, caller, after, progress, waiting, scope, due, begun: false, ended: false }
    }

    /// The next thing to tell; the last one is the error that ends it.
    pub(crate) async fn next(&mut self) -> Option<Result<Told>> {
        if self.ended {
            return None;
        }
        let next = self.advance().await;
        self.ended = next.is_err();
        Some(next)
    }

    async fn advance(&mut self) -> Result<Told> {
        loop {
            let now = self.services.clock().now();
            if self.caller.expires <= now {
                return Err(ApiError::new(ApiCode::Unauthenticated, "the token has expired"));
            }
            if let Some(told) = self.waiting.pop_front() {
                return Ok(told);
            }
            // Seen before the views are asked, so that what comes meanwhile wakes the next turn.
            let reached = *self.progress.borrow_and_update();
            self.look(reached, now).await?;
            if self.waiting.is_empty() {
                self.sleep(now).await?;
            }
        }
    }

    /// Asks for what changed since the last time.
    async fn look(&mut self, reached: Option<Position>, now: Timestamp) -> Result<()> {
        let Some(reached) = reached else { return Ok(()) };
        let begun = std::mem::replace(&mut self.begun, true);
        if let (Some(scope), Some(due)) = (self.scope, self.due)
            && due < now
        {
            self.due = self.next_due(scope).await?;
            self.waiting.push_back(Told::Due(reached));
        }
        let Some(after) = self.after else {
            self.after = Some(reached);
            return self.watch_due().await;
        };
        let viewer = viewer_of(&self.services, &self.caller);
        let changed = match self.services.views.documents_changed(&viewer, after, TOO_FAR).await {
            Ok(changed) => changed,
            Err(ViewsError::Foreign(_)) if !begun => {
                self.resync(reached);
                return self.watch_due().await;
            }
            Err(error) => return Err(error.into()),
        };
        if changed.len() >= TOO_FAR as usize {
            self.resync(reached);
            return self.watch_due().await;
        }
        let changed: Vec<_> = changed.into_iter().map(|(at, row)| Told::Changed(at, Box::new(row))).collect();
        if let Some(Told::Changed(at, _)) = changed.last() {
            self.after = Some(*at);
        }
        if !changed.is_empty() || !begun {
            self.watch_due().await?;
        }
        self.waiting.extend(changed);
        Ok(())
    }

    fn resync(&mut self, reached: Position) {
        self.after = Some(reached);
        self.waiting.push_back(Told::Resync(reached));
    }

    async fn watch_due(&mut self) -> Result<()> {
        if let Some(scope) = self.scope {
            self.due = self.next_due(scope).await?;
        }
        Ok(())
    }

    async fn next_due(&self, scope: WorkScope) -> Result<Option<Timestamp>> {
        Ok(self.services.views.next_due(&viewer_of(&self.services, &self.caller), scope).await?)
    }

    /// Until the views come further, a deadline passes, or a little while.
    async fn sleep(&mut self, now: Timestamp) -> Result<()> {
        let until_due = self.due.map(|due| due.as_micros().saturating_sub(now.as_micros()).saturating_add(1));
        let nap = until_due.and_then(|micros| u64::try_from(micros).ok()).map_or(NAP, Duration::from_micros).min(NAP);
        match tokio::time::timeout(nap, self.progress.changed()).await {
            Ok(Err(_)) => Err(ApiError::new(ApiCode::ShuttingDown, "the views were closed")),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}
