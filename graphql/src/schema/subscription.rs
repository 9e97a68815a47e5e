//! What can be followed. Each change is told at least once and in order; a change told again says the same.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription as Follow};
use futures::{Stream, StreamExt, stream};
use socai_domain::{id::IncomingId, ledger};

use super::{
    query::work::{WorkOf, scope},
    types::{document::IncomingDocument, register::RegisterLine, work::WorkCounts},
};
use crate::{
    app::Services,
    error::{ApiError, Result},
    feed::{Feed, Of, Told},
    reading::viewer_of,
    scalars::Position,
    session::{Caller, session},
    visible,
};

/// What a change is (loại thay đổi).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ChangeKind {
    /// The node changed (thay đổi).
    Changed,
    /// A deadline passed by the clock alone (đến hạn).
    Due,
    /// You are too far behind: load anew, and go on from this position (tải lại).
    Resync,
}

/// A document changed (văn bản thay đổi).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DocumentChange {
    /// Give it back as `after` to go on from here.
    position: Position,
    /// What it is.
    kind: ChangeKind,
    /// The document as it is now; none with RESYNC.
    node: Option<IncomingDocument>,
}

/// A work list changed (danh sách việc thay đổi).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WorkListChange {
    /// Give it back as `after` to go on from here.
    position: Position,
    /// What it is.
    kind: ChangeKind,
    /// The document that changed; none with DUE and RESYNC, and when the organ changed: a post, a unit, a holiday.
    node: Option<IncomingDocument>,
    /// How many duties are in which state now.
    counts: WorkCounts,
}

/// The register changed (sổ đăng ký thay đổi).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RegisterChange {
    /// Give it back as `after` to go on from here.
    position: Position,
    /// What it is.
    kind: ChangeKind,
    /// The line as it is now; none with RESYNC.
    node: Option<RegisterLine>,
}

#[derive(Debug, Default)]
pub(crate) struct Subscription;

/// Changes as they happen (theo dõi thay đổi), over the protocol `graphql-transport-ws`. They end when the token ends or the
/// right to see is lost.
#[Follow]
impl Subscription {
    /// A document that you see (một văn bản).
    async fn document(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Tell what changed after this position; without it, from now on.")] after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<DocumentChange>> + use<>> {
        let (services, caller) = begin(ctx, after).await?;
        let id = visible::document_id(&id)?;
        visible::require(&services, &caller, id).await?;
        let feed = Feed::new(Arc::clone(&services), caller, after.map(|after| after.0), Of::Document(id));
        Ok(follow(feed, move |told| one(Arc::clone(&services), caller, id, told)))
    }

    /// A work list (danh sách việc): every change of a document that you see and of the organ itself, and deadlines as they
    /// pass.
    async fn work_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose; without it your own.")] of: Option<WorkOf>,
        #[graphql(desc = "Tell what changed after this position; without it, from now on.")] after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<WorkListChange>> + use<>> {
        let (services, caller) = begin(ctx, after).await?;
        let scope = scope(of)?;
        let feed = Feed::new(Arc::clone(&services), caller, after.map(|after| after.0), Of::WorkList(scope));
        Ok(follow(feed, move |told| {
            let services = Arc::clone(&services);
            async move {
                let counts = services.views.work_counts(&viewer_of(&services, &caller), scope).await?.into();
                let (position, kind, node) = shown(&services, &caller, told).await?;
                Ok(Some(WorkListChange { position, kind, node, counts }))
            }
        }))
    }

    /// The register of incoming documents (sổ đăng ký văn bản đến): every line that is new or changed.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Tell what changed after this position; without it, from now on.")] after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<RegisterChange>> + use<>> {
        let (services, caller) = begin(ctx, after).await?;
        let feed = Feed::new(Arc::clone(&services), caller, after.map(|after| after.0), Of::Register);
        Ok(follow(feed, move |told| line(Arc::clone(&services), caller, told)))
    }
}

/// Who follows; a position of another ledger is told RESYNC, one beyond the end is refused.
async fn begin(ctx: &Context<'_>, after: Option<Position>) -> Result<(Arc<Services>, Caller)> {
    let services = ctx.data_unchecked::<Arc<Services>>();
    if let Some(Position(after)) = after {
        let head = services.log().head().await?.position;
        if after.compare(head).is_ok_and(std::cmp::Ordering::is_gt) {
            return Err(ApiError::from(ledger::ReadError::Beyond(after)));
        }
    }
    Ok((Arc::clone(services), session(ctx).caller()?))
}

/// What the feed tells, as `show` makes it; what `show` makes nothing of is passed over. An error is the end.
fn follow<T: Send + 'static, F>(feed: Feed, show: impl Fn(Told) -> F + Send + 'static) -> impl Stream<Item = Result<T>>
where
    F: Future<Output = Result<Option<T>>> + Send,
{
    let told = stream::unfold((feed, show, false), |(mut feed, show, ended)| async move {
        if ended {
            return None;
        }
        let item = match feed.next().await? {
            Ok(told) => show(told).await,
            Err(error) => Err(error),
        };
        let ended = item.is_err();
        Some((item.transpose(), (feed, show, ended)))
    });
    told.filter_map(futures::future::ready).boxed()
}

async fn shown(
    services: &Services,
    caller: &Caller,
    told: Told,
) -> Result<(Position, ChangeKind, Option<IncomingDocument>)> {
    Ok(match told {
        Told::Changed(at, row) => {
            let node = visible::document(services, caller, row.id).await?.map(IncomingDocument::from);
            (Position(at), ChangeKind::Changed, node)
        }
        Told::Resync(at) => (Position(at), ChangeKind::Resync, None),
        Told::Due(at) => (Position(at), ChangeKind::Due, None),
        Told::Organ(at) => (Position(at), ChangeKind::Changed, None),
    })
}

/// Only what concerns this document. Whoever does not see it any more is told so, and that is the end.
async fn one(services: Arc<Services>, caller: Caller, id: IncomingId, told: Told) -> Result<Option<DocumentChange>> {
    if matches!(&told, Told::Changed(_, row) if row.id != id) {
        return Ok(None);
    }
    let (position, kind, node) = shown(&services, &caller, told).await?;
    match (kind, &node) {
        (ChangeKind::Changed, None) => Err(ApiError::not_found()),
        _ => Ok(Some(DocumentChange { position, kind, node })),
    }
}

async fn line(services: Arc<Services>, caller: Caller, told: Told) -> Result<Option<RegisterChange>> {
    let (position, kind, node) = match told {
        Told::Changed(_, row) if row.number.is_none() => return Ok(None),
        Told::Changed(at, row) => {
            let line = services.views.register_line(&viewer_of(&services, &caller), row.id).await?;
            (at, ChangeKind::Changed, line.map(RegisterLine))
        }
        Told::Resync(at) => (at, ChangeKind::Resync, None),
        Told::Due(_) | Told::Organ(_) => return Ok(None),
    };
    Ok(Some(RegisterChange { position: Position(position), kind, node }))
}
