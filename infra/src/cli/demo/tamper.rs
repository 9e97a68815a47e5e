//! A byte flipped in a copy of the log, and what `verify` says of both.

use std::{fs, io, path::Path};

use anyhow::{Context as _, bail};
use socai::{
    log::Known,
    verify::{Fault, VerifyReport, verify},
};
use socai_domain::ledger::{Direction, EventLog, Revision, StreamId};

/// Verifies the log, then a copy of it in which one byte of a record's sealed body was changed.
pub(crate) async fn tamper(
    log: &dyn EventLog,
    directory: &Path,
    copy: &Path,
    stream: StreamId,
    revision: Revision,
) -> anyhow::Result<(VerifyReport, Fault)> {
    let records = log.read(stream, Direction::Forwards, Some(revision), 1).await?;
    let bytes = records.first().context("the record")?.record.bytes().to_vec();
    let (directory, copy) = (directory.to_owned(), copy.to_owned());
    tokio::task::spawn_blocking(move || {
        let whole = verify(&directory, None, Known::default(), |_| {}).context("the log of the demo")?;
        flip(&directory, &copy, &bytes)?;
        // Against the head of the whole one: at the very end of a log that is open, a changed batch looks like a torn one.
        match verify(&copy, Some((whole.head.position, whole.head.hash)), Known::default(), |_| {}) {
            Ok(_) => bail!("a changed byte was not found"),
            Err(fault) => Ok((whole, fault)),
        }
    })
    .await?
}

/// Copies the segments, and changes the last byte of this record in the copy.
fn flip(directory: &Path, copy: &Path, record: &[u8]) -> io::Result<()> {
    fs::create_dir_all(copy)?;
    let mut flipped = false;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // The lock is the server's, a spare is no part of the log.
        if entry.path().extension().is_none_or(|extension| extension != "segment") {
            continue;
        }
        let mut bytes = fs::read(entry.path())?;
        if let Some(at) = find(&bytes, record) {
            bytes[at + record.len() - 1] ^= 1;
            flipped = true;
        }
        fs::write(copy.join(entry.file_name()), bytes)?;
    }
    if flipped { Ok(()) } else { Err(io::Error::other("the record is in no segment")) }
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    let start = sought.get(..16)?;
    bytes
        .windows(16)
        .enumerate()
        .find(|(at, window)| *window == start && bytes[*at..].starts_with(sought))
        .map(|(at, _)| at)
}
