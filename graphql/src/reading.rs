//! What every read goes through: who looks, how fresh the views must be, and as of which moment.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_graphql::{Context, QueryPathSegment, dataloader::DataLoader};
use socai_domain::{
    id::PersonId,
    ledger::{self, Following},
    refusal::Code,
    time::{Clock, Timestamp},
};
use socai_projections::{Viewer, Views, ViewsError};

use crate::{
    app::Services,
    error::{ApiCode, ApiError, Hint, Result},
    scalars::{DateTime, Position},
    schema::{Directory, Documents, together},
    session::{Caller, session},
};

/// A record may still be on its way to the disk with a time that has just passed.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The services of a resolver.
pub(crate) fn services<'a>(ctx: &Context<'a>) -> &'a Services {
    ctx.data_unchecked::<Arc<Services>>()
}

/// Who looks, now.
pub(crate) fn viewer_of(services: &Services, caller: &Caller) -> Viewer {
    Viewer::person(caller.organ, caller.person, services.clock().now())
}

/// The moment as of which a field and all under it are read: a root field's `asOf`, or now.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) views: Views,
    pub(crate) people: Arc<DataLoader<Directory>>,
    pub(crate) documents: Arc<DataLoader<Documents>>,
    /// The past moment with the caller's rights of today; none for now.
    past: Option<Viewer>,
    clock: Arc<dyn Clock>,
}

impl Moment {
    /// Now, by that moment's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.past.as_ref().map_or_else(|| self.clock.now(), Viewer::at)
    }

    /// Who looks, by that moment's clock and with the rights of today.
    pub(crate) fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let caller = session(ctx).caller()?;
        Ok(self.past.clone().unwrap_or_else(|| Viewer::person(caller.organ, caller.person, self.clock.now())))
    }

    pub(crate) fn is_past(&self) -> bool {
        self.past.is_some()
    }
}

/// The past moments of one request, by the response key of the root field that named them: everything under that field is
/// read there.
pub(crate) struct Moments {
    past: Mutex<HashMap<String, Moment>>,
    replays: AtomicUsize,
    turns: Arc<Turns>,
}

impl Moments {
    pub(crate) fn new(turns: Arc<Turns>) -> Self {
        Self { past: Mutex::default(), replays: AtomicUsize::new(0), turns }
    }

    /// Is the ledger being read for this request?
    pub(crate) fn replaying(&self) -> bool {
        self.replays.load(Ordering::SeqCst) > 0
    }
}

/// Lets each person read one past moment at a time, so that nobody takes all the room there is.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<PersonId, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    fn of(&self, person: PersonId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&person).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(person, Arc::downgrade(&turn));
        turn
    }
}

/// Counts a replay until it ends or is dropped.
struct Replay<'a>(&'a AtomicUsize);

impl<'a> Replay<'a> {
    fn of(moments: &'a Moments) -> Self {
        moments.replays.fetch_add(1, Ordering::SeqCst);
        Self(&moments.replays)
    }
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The response key of the root field that this one is under.
fn root<'a>(ctx: &Context<'a>) -> Option<&'a str> {
    let node = ctx.path_node?;
    let last = std::iter::successors(Some(&node), |node| node.parent).last()?;
    match last.segment {
        QueryPathSegment::Name(name) => Some(name),
        QueryPathSegment::Index(_) => None,
    }
}

/// The moment at which a resolver reads.
pub(crate) fn moment(ctx: &Context<'_>) -> Moment {
    let named = ctx
        .data_opt::<Arc<Moments>>()
        .zip(root(ctx))
        .and_then(|(moments, root)| moments.past.lock().unwrap_or_else(PoisonError::into_inner).get(root).cloned());
    named.unwrap_or_else(|| Moment {
        views: services(ctx).views.clone(),
        people: Arc::clone(ctx.data_unchecked()),
        documents: Arc::clone(ctx.data_unchecked()),
        past: None,
        clock: Arc::clone(services(ctx).clock()),
    })
}

/// The moment of a root field, by its arguments.
pub(crate) async fn read_at(ctx: &Context<'_>, as_of: Option<DateTime>, at_least: Option<Position>) -> Result<Moment> {
    let Some(DateTime(then)) = as_of else {
        self::at_least(ctx, at_least).await?;
        return Ok(moment(ctx));
    };
    if at_least.is_some() {
        return Err(ApiError::new(ApiCode::AsOfAndAtLeast, "both are given").of(&["asOf", "atLeast"]));
    }
    let (services, caller) = (services(ctx), session(ctx).caller()?);
    let now = services.clock().now();
    if then > now {
        return Err(ApiError::new(ApiCode::AsOfFuture, format!("{then} is after {now}")).of(&["asOf"]));
    }
    // Asked again, the same question is to have the same answer.
    let young = Duration::from_micros(u64::try_from(now.as_micros() - then.as_micros()).unwrap_or(0));
    tokio::time::sleep(ON_ITS_WAY.saturating_sub(young)).await;
    let moments = ctx.data_unchecked::<Arc<Moments>>();
    let views = {
        let (_replay, turn) = (Replay::of(moments), moments.turns.of(caller.person));
        let _turn = turn.lock().await;
        let (settings, opener) = (&services.settings, services.handler.opener().clone());
        let replay = services.views.as_of(&**services.log(), opener, then, settings.wait);
        let Ok(views) = tokio::time::timeout(settings.replay, replay).await else {
            return Err(ApiError::new(ApiCode::PastTooLarge, "not read in time"));
        };
        views?
    };
    // Of now, and not of before the replay.
    let rights = services.views.rights(&viewer_of(services, &caller)).await?;
    let clock = Arc::clone(services.clock());
    let people = together(Directory { views: views.clone(), clock: Arc::new(At(then)) });
    let past = Some(Viewer::person(caller.organ, caller.person, then).seeing(rights));
    let documents = together(Documents { views: views.clone(), clock: Arc::clone(&clock), past: past.clone() });
    let moment = Moment { views, people, documents, past, clock };
    if let Some(root) = root(ctx) {
        moments.past.lock().unwrap_or_else(PoisonError::into_inner).insert(root.to_owned(), moment.clone());
    }
    Ok(moment)
}

/// A clock that stands.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Waits briefly until the views reflect what the client knows of.
pub(crate) async fn at_least(ctx: &Context<'_>, position: Option<Position>) -> Result<()> {
    match position {
        Some(Position(position)) => reached(services(ctx), position).await,
        None => Ok(()),
    }
}

/// Nothing, if the views may be shown. Views that cannot go on hold rights that may have ended and text that may be erased
/// by now: while they are tried again they must have all that is in the ledger, and stopped ones show nothing.
pub(crate) async fn current(services: &Services) -> Result<()> {
    let state = services.following.borrow().clone();
    match state {
        Following::Well => Ok(()),
        Following::Retrying(_) => {
            let head = services.log().head().await?.position;
            Ok(services.views.wait_for(head, services.settings.wait).await?)
        }
        Following::Stopped(why) => Err(ApiError::new(Code::Stopped, why).hint((
            "Dữ liệu tra cứu đã dừng nên không được hiển thị: hãy báo quản trị viên.",
            "The views have stopped and are not shown: tell the operator.",
        ))),
    }
}

/// Waits briefly until the views have come to `position`, if they may be shown.
pub(crate) async fn reached(services: &Services, position: ledger::Position) -> Result<()> {
    current(services).await?;
    // A position that the ledger never gave is no reason to wait.
    let head = services.log().head().await?.position;
    match position.compare(head) {
        Ok(order) if order.is_le() => Ok(services.views.wait_for(position, services.settings.wait).await?),
        Ok(_) => Err(ApiError::new(ApiCode::ForeignPosition, format!("{position} is beyond {head}"))),
        Err(foreign) => Err(ApiError::new(ApiCode::ForeignPosition, foreign)),
    }
}

impl From<ViewsError> for ApiError {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::BadCursor => Self::field(
                "after",
                Hint::new(
                    "không phải con trỏ của danh sách này: hãy gửi lại `endCursor` của trang trước",
                    error.to_string(),
                ),
            ),
            ViewsError::PageSize { max, .. } => {
                Self::field("first", Hint::new(format!("mỗi trang có 1 đến {max} mục"), error.to_string()))
            }
            ViewsError::NotYet(_) => Self::new(ApiCode::NotYet, error),
            ViewsError::Building => Self::new(ApiCode::NotYet, error).hint((
                "Dữ liệu tra cứu đang được dựng lại từ sổ cái: xem tiến độ ở `ledger { rebuild { … } }`.",
                "The views are being built from the ledger: `ledger { rebuild { … } }` tells how far they are.",
            )),
            ViewsError::PastBusy => Self::new(ApiCode::PastBusy, error),
            ViewsError::PastTooLarge => Self::new(ApiCode::PastTooLarge, error),
            ViewsError::Log(error) => error.into(),
            ViewsError::Open(error) => error.into(),
            ViewsError::Database(_) => Self::new(Code::Busy, error),
            error => Self::new(ApiCode::Internal, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_reads_one_past_moment_at_a_time() {
        let (turns, person) = (Turns::default(), |n| PersonId::new(uuid::Uuid::from_u128(n)));
        let first = turns.of(person(1));
        let reading = first.try_lock().unwrap();
        assert!(turns.of(person(1)).try_lock().is_err());
        assert!(turns.of(person(2)).try_lock().is_ok());
        drop(reading);
        assert!(turns.of(person(1)).try_lock().is_ok());
        drop(first);
        turns.of(person(3));
        assert_eq!(turns.0.lock().unwrap().len(), 1, "only those who read are remembered");
    }
}
