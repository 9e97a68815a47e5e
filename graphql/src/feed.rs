//! What subscriptions are fed from: the documents that the caller sees, in the order of their last changes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use socai_domain::{
    decide::Who,
    id::{IncomingId, PostId},
    ledger::Position,
    refusal::Code,
    time::Timestamp,
};
use socai_projections::{Standing, ViewsError, document::DocumentRow, work_list::WorkScope};
use tokio::sync::watch;

use crate::{
    app::Services,
    error::{ApiCode, ApiError, Result},
    reading::{current, viewer_of},
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
    /// The organ itself changed, and with it who owes what until when.
    Organ(Position),
}

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// One document.
    Document(IncomingId),
    /// A work list.
    WorkList(WorkScope),
    /// The register.
    Register,
}

/// One subscription's place in the changes.
#[derive(Debug)]
pub(crate) struct Feed {
    services: Arc<Services>,
    caller: Caller,
    after: Option<Position>,
    progress: watch::Receiver<Option<Position>>,
    waiting: VecDeque<Told>,
    of: Of,
    due: Option<Timestamp>,
    /// Where the organ last changed, as far as that was told.
    organ: Option<Position>,
    standing: Option<Standing>,
    /// The posts that the caller acts in; what may change by the clock alone.
    acting: Vec<PostId>,
    begun: bool,
    ended: bool,
}

impl Feed {
    /// What changes after `after`; without it, from now on. Of a work list, deadlines and changes of the organ, too.
    pub(crate) fn new(services: Arc<Services>, caller: Caller, after: Option<Position>, of: Of) -> Self {
        let progress = services.views.progress();
        // Whoever takes a work list up again may have missed such a change.
        let organ = if after.is_some() { None } else { services.views.organ_changed(caller.organ) };
        let (waiting, due, standing, acting, begun) = (VecDeque::new(), None, None, Vec::new(), false);
        Self { services, caller, after, progress, waiting, of, due, organ, standing, acting, begun, ended: false }
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
            current(&self.services).await?;
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
        self.check_rights(reached).await?;
        let begun = std::mem::replace(&mut self.begun, true);
        let organ = self.services.views.organ_changed(self.caller.organ);
        if organ != self.organ {
            self.organ = organ;
            self.watch_due().await?;
            match self.of {
                Of::WorkList(_) => self.waiting.push_back(Told::Organ(reached)),
                // Their part of the register may be another now.
                Of::Register if begun && self.sees_a_part() => self.resync(reached),
                Of::Register | Of::Document(_) => {}
            }
        }
        if let (Of::WorkList(scope), Some(due)) = (self.of, self.due)
            && due < now
        {
            self.due = self.next_due(scope).await?;
            self.waiting.push_back(Told::Due(reached));
        }
        let Some(after) = self.after else {
            self.after = Some(reached);
            return self.watch_due().await;
        };
        let (views, viewer) = (&self.services.views, viewer_of(&self.services, &self.caller));
        let changed = match views.documents_changed(&viewer, after, TOO_FAR).await {
            Ok(changed) => changed,
            Err(ViewsError::Foreign(_)) if !begun => {
                self.resync(reached);
                return self.watch_due().await;
            }
            Err(error) => return Err(error.into()),
        };
        // What was erased they see no more, so it is none of the changes.
        let erased = self.sees_a_part() && views.erased_after(self.caller.organ, after).await?;
        if erased || changed.len() >= TOO_FAR as usize {
            self.resync(reached);
            return self.watch_due().await;
        }
        let changed: Vec<_> = changed.into_iter().map(|(at, row)| Told::Changed(at, Box::new(row))).collect();
        match changed.last() {
            Some(Told::Changed(at, _)) => self.after = Some(*at),
            // What the caller does not see is looked at once.
            _ if reached.place() > after.place() => self.after = Some(reached),
            _ => {}
        }
        if !changed.is_empty() || !begun {
            self.watch_due().await?;
        }
        self.waiting.extend(changed);
        Ok(())
    }

    fn sees_a_part(&self) -> bool {
        !matches!(self.of, Of::Document(_)) && self.standing.is_some_and(|standing| !standing.sees_all)
    }

    /// Is the right still there? Looked at each time, because it may end by a change of the organ and by the clock. Whoever
    /// begins or ceases to see all, or to act in a post, loads anew.
    async fn check_rights(&mut self, reached: Position) -> Result<()> {
        let (views, viewer) = (&self.services.views, viewer_of(&self.services, &self.caller));
        if let Of::Document(id) = self.of {
            return if views.sees(&viewer, id).await? { Ok(()) } else { Err(ApiError::not_found()) };
        }
        let now = views.standing(&viewer).await?;
        let organ = self.services.handler.organ(self.caller.organ).await?;
        let acts = |post: &PostId| matches!(organ.who(self.caller.person, Some(*post), viewer.at()), Who::Acting(_));
        let acting: Vec<_> = organ.posts.keys().copied().filter(acts).collect();
        let moved = self.acting != acting;
        self.acting = acting;
        match self.standing.replace(now) {
            Some(before) if before.acts && !now.acts => {
                Err(ApiError::new(Code::NotEntitled, "no post is held any more"))
            }
            Some(before) if before.sees_all != now.sees_all || (moved && !now.sees_all) => {
                self.resync(reached);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn resync(&mut self, reached: Position) {
        self.after = Some(reached);
        self.waiting.push_back(Told::Resync(reached));
    }

    async fn watch_due(&mut self) -> Result<()> {
        if let Of::WorkList(scope) = self.of {
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
