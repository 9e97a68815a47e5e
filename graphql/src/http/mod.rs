//! HTTP: the paths, who asks, and the limits around every request.

mod files;
mod graphiql;
mod graphql;
mod health;
mod log;
mod socket;
mod witness;

use std::{future::IntoFuture as _, io, net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, Request},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::Listener,
};
use futures::{FutureExt as _, future::BoxFuture};
use socai_domain::{proof::witness::MAX_REQUEST_LEN, refusal::Code};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::{
    app::{App, Render},
    error::{ApiCode, ApiError, ErrorCode},
    language::Language,
    session::{self, Session},
};

/// The header that joins a client's own log with ours: a UUID, taken if given, always returned.
static CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// How long connections may take to close after the time for one request is over.
const GRACE: Duration = Duration::from_secs(5);

/// Everything under one address.
pub fn router(app: &App) -> Router {
    let settings = &app.services().settings;
    let mut router = Router::new()
        .route("/graphql", get(graphql::page_or_socket).post(graphql::answer))
        .layer(DefaultBodyLimit::max(settings.body))
        // Read piece by piece and counted by the file store.
        .route("/files", post(files::upload).layer(DefaultBodyLimit::disable()))
        .route("/files/{hash}", get(files::download))
        .route("/log/checkpoint", get(log::checkpoint))
        .route("/log/checkpoint/cosigned", get(log::cosigned))
        .route("/log/checkpoint/{size}", get(log::checkpoint_of))
        .route("/log/tile/{*path}", get(log::tile))
        .route("/log/proof/{record}", get(log::proof))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    if app.services().witness.is_some() {
        let add = post(witness::add_checkpoint).layer(DefaultBodyLimit::max(MAX_REQUEST_LEN));
        router = router
            .route("/witness/add-checkpoint", add)
            .route("/witness/{origin}/checkpoint", get(witness::checkpoint));
    }
    if settings.graphiql {
        router = router.route("/graphiql", get(graphiql::page)).route("/graphiql/{name}", get(graphiql::asset));
    }
    if let Some(render) = &app.services().metrics {
        router = router.merge(metrics_router(render.clone()));
    }
    // Whoever stops sending in the middle is not waited for.
    let patience = RequestBodyTimeoutLayer::new(settings.time);
    router.layer(patience).layer(middleware::from_fn(around)).with_state(app.clone())
}

/// `/metrics` alone, for an address of its own.
pub fn metrics_router<S: Clone + Send + Sync + 'static>(render: Render) -> Router<S> {
    Router::new().route("/metrics", get(async move || render()))
}

/// Serves until `shutdown`; then takes no new connections, ends subscriptions, and finishes what was begun.
pub fn serve<L>(listener: L, app: App, shutdown: BoxFuture<'static, ()>) -> BoxFuture<'static, io::Result<()>>
where
    L: Listener<Addr = SocketAddr>,
{
    // Boxed, so that all of it is compiled here and not again by everyone who awaits it.
    until(listener, app, shutdown).boxed()
}

async fn until(
    listener: impl Listener<Addr = SocketAddr>,
    app: App,
    shutdown: BoxFuture<'static, ()>,
) -> io::Result<()> {
    let stopping = app.clone();
    let signal = async move {
        shutdown.await;
        stopping.stop();
    };
    let serving = axum::serve(listener, router(&app)).with_graceful_shutdown(signal).into_future();
    let too_late = async {
        app.stopped().await;
        tokio::time::sleep(app.services().settings.time + GRACE).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = too_late => {
            tracing::warn!("connections were cut that did not end by themselves");
            Ok(())
        }
    }
}

/// What every answer carries.
async fn around(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&CORRELATION).and_then(|value| value.to_str().ok());
    let correlation = session::correlation(given);
    request.extensions_mut().insert(correlation);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&correlation.to_string()) {
        headers.insert(CORRELATION.clone(), value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Who asks, by the headers. Never fails: a bad token makes a session without a caller.
impl FromRequestParts<App> for Session {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let correlation = parts.extensions.get().copied().unwrap_or_else(|| session::correlation(None));
        let services = app.services();
        let caller = services.verifier.verify_header(text(header::AUTHORIZATION), services.clock().now());
        let caller = caller.inspect_err(|why| tracing::debug!(%correlation, %why, "no caller")).ok();
        Ok(Self { caller, language: Language::accepted(text(header::ACCEPT_LANGUAGE)), correlation })
    }
}

/// The status that goes with an error, for clients that look no further.
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Api(ApiCode::Unauthenticated) => StatusCode::UNAUTHORIZED,
        ErrorCode::Api(ApiCode::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Api(ApiCode::BadRequest) => StatusCode::BAD_REQUEST,
        ErrorCode::Api(ApiCode::NotYet) | ErrorCode::Refusal(Code::Busy | Code::Stopped) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::Api(_) => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::Refusal(Code::NotFound) => StatusCode::NOT_FOUND,
        ErrorCode::Refusal(Code::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Refusal(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The error as an answer of its own, in the shape of a GraphQL error.
fn fail(error: &ApiError, session: &Session) -> Response {
    let body = async_graphql::Response::from_errors(vec![error.tell(session)]);
    let status = status(error.code());
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
