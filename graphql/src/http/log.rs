//! `/log/…`: the notary's tree, as C2SP `tlog-tiles` lays it out, and proofs. Public: it holds hashes of ciphertext only, and
//! whoever mirrors, witnesses or verifies it needs no token.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use socai_domain::{ledger::RecordId, proof::Tile};
use uuid::Uuid;

use crate::{
    app::App,
    notary::{NotaryError, Proof, Voice, Wanted},
};

/// What a path names never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A newer one takes its place soon.
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// Ask each time whether it is still the newest.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

fn found(cache: HeaderValue, kind: HeaderValue, body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, cache), (header::CONTENT_TYPE, kind)], body).into_response()
}

fn absent(why: &'static str) -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, ASK)], why).into_response()
}

fn later(error: &NotaryError) -> Response {
    tracing::warn!(%error, "the notary does not answer");
    let told = match error {
        NotaryError::Nothing(_) => "the notary of this log shows nothing now: its operator must act\n",
        NotaryError::Unavailable(_) => "the notary cannot answer now: ask again a little later\n",
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], told).into_response()
}

/// The newest checkpoint.
pub(super) async fn checkpoint(State(app): State<App>, headers: HeaderMap) -> Response {
    let standing = app.services().notary.standing();
    let Some(signed) = standing.signed else {
        return later(&match standing.voice {
            Voice::Starting | Voice::Signing => NotaryError::Unavailable("it has not read its store yet".into()),
            Voice::Silent | Voice::Alarm(_) => NotaryError::Nothing("it does not sign".into()),
        });
    };
    // Cosignatures may be added to a checkpoint: the tag is of its bytes, not of its size.
    let tag = format!("\"{}\"", &blake3::hash(signed.note.as_bytes()).to_hex()[..32]);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        (StatusCode::NOT_MODIFIED, [(header::CACHE_CONTROL, ASK)]).into_response()
    } else {
        found(ASK, TEXT, signed.note.to_string())
    };
    if let Ok(tag) = tag.parse() {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The newest checkpoint that has the cosignatures that the operator asks for.
pub(super) async fn cosigned(State(app): State<App>) -> Response {
    match app.services().notary.cosigned() {
        Some(signed) => found(ASK, TEXT, signed.note.to_string()),
        None => absent("no checkpoint was cosigned yet; the newest one is /log/checkpoint\n"),
    }
}

/// The checkpoint of a tree of so many records: signed again, to the very same bytes.
pub(super) async fn checkpoint_of(State(app): State<App>, Path(size): Path<String>) -> Response {
    let Some(size) = size.parse().ok().filter(|number: &u64| number.to_string() == size) else {
        return absent("write the number of records, as in /log/checkpoint/1234\n");
    };
    match app.services().notary.signed(size).await {
        Ok(Some(signed)) => found(FOR_EVER, TEXT, signed.note.to_string()),
        Ok(None) => absent("the newest checkpoint, /log/checkpoint, covers fewer records\n"),
        Err(error) => later(&error),
    }
}

/// A tile of hashes or a bundle of entries.
pub(super) async fn tile(State(app): State<App>, Path(path): Path<String>) -> Response {
    let Ok(tile) = format!("tile/{path}").parse::<Tile>() else {
        return absent(
            "write the path as C2SP tlog-tiles has it, as in /log/tile/0/x001/234 or /log/tile/entries/000.p/7\n",
        );
    };
    match app.services().notary.tile(tile).await {
        Ok(Some(bytes)) => found(if tile.is_partial() { SHORT } else { FOR_EVER }, BYTES, bytes),
        Ok(None) => absent("the newest checkpoint, /log/checkpoint, covers fewer records than this tile\n"),
        Err(error) => later(&error),
    }
}

/// The proof of a record, by its id: a C2SP `tlog-proof` file.
pub(super) async fn proof(State(app): State<App>, Path(id): Path<String>) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else {
        return absent("write the record's id, a UUID, as its receipt says\n");
    };
    match app.services().notary.prove(Wanted::Record(RecordId(id))).await {
        Ok(Proof::Covered { text, .. }) => {
            let mut response = found(ASK, TEXT, text);
            if let Ok(name) = format!("attachment; filename=\"{id}.tlog-proof\"").parse() {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            }
            response
        }
        Ok(Proof::NotYet { by }) => {
            let told =
                format!("no checkpoint covers this record yet: one will by {by}; ask again then, or in a second\n");
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], told).into_response()
        }
        Ok(Proof::Unknown) => {
            absent("the notary knows no record of this id; if it was written just now, ask again in a second\n")
        }
        Err(error) => later(&error),
    }
}
