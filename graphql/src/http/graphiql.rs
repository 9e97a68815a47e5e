//! GraphiQL, a page to try queries on. All of it is in the program: it loads nothing from elsewhere.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!("../../assets/graphiql/", $name))
    };
}

/// Only what this server sends is run, asked, or shown.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub(super) async fn page() -> Response {
    let page = include_str!("../../assets/graphiql/page.html");
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

/// What the page loads. The libraries are kept compressed, and every browser takes them so.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let (kind, bytes): (_, &[u8]) = match name.as_str() {
        "start.js" => return ([(header::CONTENT_TYPE, SCRIPT)], asset!("start.js")).into_response(),
        "graphiql.js" => (SCRIPT, asset!("graphiql.js.gz")),
        "react.js" => (SCRIPT, asset!("react.js.gz")),
        "react-dom.js" => (SCRIPT, asset!("react-dom.js.gz")),
        "graphiql.css" => ("text/css; charset=utf-8", asset!("graphiql.css.gz")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip")], bytes).into_response()
}
