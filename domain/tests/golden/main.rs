//! The storage format, held by files: what is stored today is read for ever.
//!
//! - `domain/golden/schema.txt`: every stored event with all nested fields, variants and ordinals.
//! - `domain/golden/bytes.txt`: samples of every event in which every variant stands.
//! - `docs/EVENTS.md`: the same for people and other languages.
//!
//! `SOCAI_UPDATE_GOLDEN=1` writes them anew; what changed in a line that was there before breaks old ledgers.

#![allow(clippy::unwrap_used)] // a test, helpers included

mod bytes;
mod describe;
mod document;
mod mutants;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

use describe::{catalogue, describe};

/// Compares with a file of the repository, or writes it.
fn golden(path: &str, now: &str) {
    let stored = stored(path, now);
    if updating() {
        fs::write(in_repository(path), now).unwrap();
    }
    if let Err(difference) = same(&stored, now) {
        panic!("{path}: {difference}\nIf that is meant: SOCAI_UPDATE_GOLDEN=1");
    }
}

fn updating() -> bool {
    std::env::var_os("SOCAI_UPDATE_GOLDEN").is_some_and(|value| value == "1")
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What the file holds, or is about to hold.
fn stored(path: &str, now: &str) -> String {
    if updating() { now.to_owned() } else { fs::read_to_string(in_repository(path)).unwrap_or_default() }
}

/// The first line that differs.
fn same(stored: &str, now: &str) -> Result<(), String> {
    if stored == now {
        return Ok(());
    }
    let mut lines = (1..).zip(
        stored
            .lines()
            .map(Some)
            .chain(std::iter::repeat(None))
            .zip(now.lines().map(Some).chain(std::iter::repeat(None))),
    );
    let differs = lines.find(|(_, (stored, now))| stored != now || stored.is_none());
    let (line, (stored, now)) = differs.unwrap_or((0, (None, None)));
    Err(format!("line {line} was {stored:?} and is {now:?}"))
}

#[test]
fn schema_is_golden() {
    golden("golden/schema.txt", &describe(&catalogue()).unwrap());
}

#[test]
fn bytes_are_golden() {
    golden("golden/bytes.txt", &bytes::lines());
}

#[test]
fn document_is_golden() {
    golden("../docs/EVENTS.md", &document::markdown());
}
