//! Is it alive, can it serve, and its figures. No token needed, and no data told.

use axum::{extract::State, http::StatusCode};

use crate::app::App;

/// The program runs.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// The ledger can be read and new requests are taken.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    if app.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    match app.services().log().head().await {
        Ok(_) => (StatusCode::OK, "ok"),
        Err(error) => {
            tracing::warn!(%error, "not ready: the ledger cannot be read");
            (StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read")
        }
    }
}

/// Prometheus text.
pub(super) async fn metrics(State(app): State<App>) -> String {
    app.services().metrics.as_ref().map(|render| render()).unwrap_or_default()
}
