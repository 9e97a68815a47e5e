//! What every read goes through: who looks, and how fresh the views must be.

use async_graphql::Context;
use socai_domain::{ledger, refusal::Code};
use socai_projections::{Viewer, ViewsError};

use crate::{
    app::Services,
    error::{ApiCode, ApiError, Hint, Result},
    scalars::Position,
    session::{Caller, session},
};

/// The services of a resolver.
pub(crate) fn services<'a>(ctx: &Context<'a>) -> &'a Services {
    ctx.data_unchecked::<std::sync::Arc<Services>>()
}

/// Who looks, now.
pub(crate) fn viewer_of(services: &Services, caller: &Caller) -> Viewer {
    Viewer::person(caller.organ, caller.person, services.clock().now())
}

/// Who looks, in a resolver.
pub(crate) fn viewer(ctx: &Context<'_>) -> Result<Viewer> {
    Ok(viewer_of(services(ctx), &session(ctx).caller()?))
}

/// Waits briefly until the views reflect what the client knows of.
pub(crate) async fn at_least(ctx: &Context<'_>, position: Option<Position>) -> Result<()> {
    match position {
        Some(Position(position)) => reached(services(ctx), position).await,
        None => Ok(()),
    }
}

/// Waits briefly until the views have come to `position`.
pub(crate) async fn reached(services: &Services, position: ledger::Position) -> Result<()> {
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
            ViewsError::Log(error) => error.into(),
            ViewsError::Open(error) => error.into(),
            ViewsError::Database(_) => Self::new(Code::Busy, error),
            error => Self::new(ApiCode::Internal, error),
        }
    }
}
