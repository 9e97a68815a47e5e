//! `/witness/…`: cosigns other logs' checkpoints, as C2SP `tlog-witness` says. Public, like `/log/…`.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use socai_domain::proof::witness::write_size;

use crate::{app::App, witness::Told};

const TEXT: &str = "text/plain; charset=utf-8";
const NOT_WATCHED: &str = "this log is not watched here\n";

fn told(status: StatusCode, kind: &'static str, body: impl IntoResponse) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// A log asks for a cosignature.
pub(super) async fn add_checkpoint(State(app): State<App>, request: Bytes) -> Response {
    let Some(witness) = &app.services().witness else { return told(StatusCode::NOT_FOUND, TEXT, NOT_WATCHED) };
    match witness.add_checkpoint(request.into()).await {
        Told::Cosigned(lines) => told(StatusCode::OK, TEXT, lines),
        Told::Malformed(why) => told(StatusCode::BAD_REQUEST, TEXT, format!("{why}\n")),
        Told::NotSigned(why) => told(StatusCode::FORBIDDEN, TEXT, format!("{why}\n")),
        Told::Unknown => told(StatusCode::NOT_FOUND, TEXT, NOT_WATCHED),
        Told::Moved(size) => told(StatusCode::CONFLICT, "text/x.tlog.size", write_size(size)),
        Told::NotConsistent(why) => told(StatusCode::UNPROCESSABLE_ENTITY, TEXT, format!("{why}\n")),
        Told::Unavailable => {
            let mut answer =
                told(StatusCode::SERVICE_UNAVAILABLE, TEXT, "nothing can be cosigned now: ask again later\n");
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            answer
        }
    }
}

/// The last checkpoint that was cosigned of a log.
pub(super) async fn checkpoint(State(app): State<App>, Path(origin): Path<String>) -> Response {
    let shown = match &app.services().witness {
        Some(witness) => witness.checkpoint(origin).await,
        None => None,
    };
    match shown {
        Some(note) => told(StatusCode::OK, TEXT, note),
        None => told(StatusCode::NOT_FOUND, TEXT, "no checkpoint of such a log was cosigned here\n"),
    }
}
