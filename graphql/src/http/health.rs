//! Is it alive, and can it serve. No token needed, and no data told.

use axum::{extract::State, http::StatusCode};

use socai_domain::ledger::Following;

use crate::app::App;

/// The program runs.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// The ledger can be read and new requests are taken. A follower of the log that tries again is named, but reads go on as
/// long as the views have all, so nobody needs to be sent elsewhere; one that has stopped needs a person. Why, is in the
/// program's own messages only. Without views, because they are being built, commands are carried out and nothing is shown.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, String) {
    if app.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping".into());
    }
    if let Err(error) = app.services().log().head().await {
        tracing::warn!(%error, "not ready: the ledger cannot be read");
        return (StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read".into());
    }
    let (mut status, mut told) = (StatusCode::OK, "ok".to_owned());
    for (name, state) in &app.services().followers {
        match &*state.borrow() {
            Following::Well => {}
            Following::Retrying(_) => {
                told = format!("{told}\n{name}: behind, trying again; see the program's messages");
            }
            Following::Stopped(_) => {
                status = StatusCode::SERVICE_UNAVAILABLE;
                told = format!("{told}\n{name}: stopped, a person must act; see the program's messages");
            }
        }
    }
    let views = &app.services().views;
    if views.are_awaited() {
        status = StatusCode::SERVICE_UNAVAILABLE;
        let progress = views.rebuilding().borrow().progress();
        let how_far = progress.map(|progress| format!(", {}: {} %", progress.phase.name(), progress.percent()));
        told = format!("{told}\nviews: being built{}", how_far.unwrap_or_default());
    }
    if status != StatusCode::OK {
        told.replace_range(..2, "not ready");
    }
    (status, told)
}
