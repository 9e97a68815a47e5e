//! What the entries of a bundle are called.

use std::fmt::Write as _;

use socai_domain::ledger::{Revision, StreamId};

/// How to check it.
pub(crate) const README: &str = "README.txt";
/// What is in it.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The signed checkpoint that all proofs lead to.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The log's verifier key, for information: a checker has it from elsewhere.
pub(crate) const LOG_KEY: &str = "log.pub";
/// What opens each record.
pub(crate) const KEYS: &str = "keys.json";
/// That the tree grew from an earlier one.
pub(crate) const CONSISTENCY: &str = "consistency";
/// The trail for programs.
pub(crate) const TRAIL_JSON: &str = "trail.json";
/// The trail for people.
pub(crate) const TRAIL_HTML: &str = "trail.html";
/// Where contents of files are.
pub(crate) const FILES: &str = "files/";
/// Where records are.
pub(crate) const RECORDS: &str = "records/";
const RECORD: &str = ".record";
const PROOF: &str = ".tlog-proof";

/// Eight digits, so that names sort like revisions.
fn place(folder: &str, stream: StreamId, revision: Revision, extension: &str) -> String {
    format!("{folder}{stream}/{:08}{extension}", revision.number())
}

/// The entry of a record.
pub(crate) fn record(stream: StreamId, revision: Revision) -> String {
    place(RECORDS, stream, revision, RECORD)
}

/// The entry of a record's proof.
pub(crate) fn proof(stream: StreamId, revision: Revision) -> String {
    place("proofs/", stream, revision, PROOF)
}

/// The entry of a file's content.
pub(crate) fn file(hash: [u8; 32]) -> String {
    format!("{FILES}{}", hex(&hash))
}

/// Small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
    }
    text
}

/// The bytes of small hexadecimal digits.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; N];
    if text.len() != 2 * N || !digits {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
