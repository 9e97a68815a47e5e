//! Files: upload gives a ticket, download is checked like the document it is asked for.

use std::fmt::Write as _;

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use socai_domain::{ledger::RecordHash, refusal::Code};

use super::fail;
use crate::{
    app::App,
    error::{ApiCode, ApiError, Result},
    files::FilesError,
    session::Session,
    visible,
};

/// What an uploader gets. Says nothing of whether the content was known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    ticket: String,
    expires_at: String,
    hash: String,
    size: u64,
}

/// Takes a file, as the body; the name comes with the command that attaches it.
pub(super) async fn upload(State(app): State<App>, session: Session, body: Body) -> Response {
    match keep(&app, &session, body).await {
        Ok(uploaded) => (StatusCode::CREATED, Json(uploaded)).into_response(),
        Err(error) => fail(&error, &session),
    }
}

async fn keep(app: &App, session: &Session, body: Body) -> Result<Uploaded> {
    app.admit(session)?;
    let (caller, services) = (session.caller()?, app.services());
    let bytes = body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other)).boxed();
    let kept = services.files.put(bytes, services.settings.upload).await?;
    if kept.size == 0 {
        return Err(ApiError::field(
            "file",
            ("tệp rỗng; hãy kiểm tra rồi gửi lại", "the file is empty; look at it and send it again"),
        ));
    }
    let (ticket, until) = services.tickets.issue(&caller, kept, services.clock().now());
    let hash = RecordHash(kept.hash).to_string();
    Ok(Uploaded { ticket, expires_at: until.to_string(), hash, size: kept.size })
}

#[derive(Deserialize)]
pub(super) struct Of {
    of: Option<String>,
}

/// Sends a file of a document to whoever sees the document. Absent and invisible are one answer.
pub(super) async fn download(
    State(app): State<App>,
    session: Session,
    Path(hash): Path<String>,
    Query(Of { of }): Query<Of>,
) -> Response {
    match send(&app, &session, &hash, of.as_deref()).await {
        Ok(response) => response,
        Err(error) => fail(&error, &session),
    }
}

async fn send(app: &App, session: &Session, hash: &str, of: Option<&str>) -> Result<Response> {
    app.admit(session)?;
    let services = app.services();
    let hash = hash.parse::<RecordHash>().map_err(|_| ApiError::not_found())?.0;
    let document = visible::document_id(of.unwrap_or_default())?;
    let file = visible::file(services, &session.caller()?, document, hash).await?;
    let found = services.files.get(hash).await?.ok_or_else(|| ApiError::new(ApiCode::Internal, "a file is missing"))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(found.content_type));
    headers.insert(header::CONTENT_LENGTH, found.size.into());
    if let Ok(value) = disposition(file.name.as_str()).parse() {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    // Should a browser show it after all, nothing in it runs.
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-store"));
    Ok((headers, Body::from_stream(found.bytes)).into_response())
}

/// Always an attachment, with its name in UTF-8 (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    let mut value = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            value.push(byte.into());
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

impl From<FilesError> for ApiError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::TooLarge(_) => Self::new(Code::TooLarge, error),
            FilesError::BrokeOff(_) => Self::new(ApiCode::BadRequest, error),
            FilesError::Unavailable(_) => Self::new(Code::Busy, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(disposition("Công văn 1.pdf"), "attachment; filename*=UTF-8''C%C3%B4ng%20v%C4%83n%201.pdf");
        assert_eq!(disposition("a\"; x=\r\ny"), "attachment; filename*=UTF-8''a%22%3B%20x%3D%0D%0Ay");
    }
}
