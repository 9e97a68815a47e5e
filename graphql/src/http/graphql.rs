//! `/graphql`: queries and mutations by POST, subscriptions by WebSocket, and a page to try queries on.

use async_graphql::Request;
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequestParts, State, WebSocketUpgrade, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use socai_domain::refusal::Code;

use super::{fail, socket};
use crate::{
    app::App,
    error::{ApiCode, ApiError, Hint},
    session::Session,
};

/// One operation, as `application/json`. Other types are refused, so that no web page can make a browser send one unasked.
pub(super) async fn answer(
    State(app): State<App>,
    session: Session,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    // Whoever has no token learns nothing, not even whether the request could be read.
    if let Err(error) = app.admit(&session) {
        return fail(&error, &session);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        let why = "application/json: {\"query\": …, \"variables\": …}";
        return fail(&ApiError::new(ApiCode::BadRequest, "not JSON").hint(Hint::of_parser(why)), &session);
    }
    let body = match body {
        Ok(body) => body,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return fail(&ApiError::new(Code::TooLarge, error), &session);
        }
        Err(error) => return fail(&ApiError::new(ApiCode::BadRequest, error), &session),
    };
    match serde_json::from_slice::<Request>(&body) {
        Ok(request) => Json(app.execute(session, request).await).into_response(),
        Err(error) => fail(&ApiError::new(ApiCode::BadRequest, &error).hint(Hint::of_parser(&error)), &session),
    }
}

/// A WebSocket if asked for; else the way to the page, where it is served.
pub(super) async fn page_or_socket(State(app): State<App>, mut parts: Parts) -> Response {
    let Ok(session) = Session::from_request_parts(&mut parts, &app).await;
    match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => socket::accept(app, session, upgrade),
        Err(_) if app.services().settings.graphiql => Redirect::to("/graphiql").into_response(),
        Err(_) => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response(),
    }
}
