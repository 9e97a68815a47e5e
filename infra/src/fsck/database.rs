//! Opening an SQLite file of which not a byte may change, whoever has it open.
//!
//! SQLite writes beside a file even where it only reads: a write-ahead log needs an index in shared memory. So:
//!
//! - **Nothing waits in a write-ahead log**: the file alone is read, as one that never changes; whether it did is asked
//!   afterwards.
//! - **Somebody has it open**: it is read beside them, through the shared memory that is there.
//! - **A killed process left a write-ahead log**: both are copied, and the copy is read.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sqlx::sqlite::SqliteConnectOptions;

use super::scratch::{self, Scratch};
use crate::data;

/// A file as it is to be read.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) options: SqliteConnectOptions,
    /// The file, and how it looked, if it was taken for one that nobody writes to.
    still: Option<(PathBuf, Look)>,
    copy: Option<PathBuf>,
}

/// Length and time of the file and of its write-ahead log: they change when somebody writes.
type Look = [Option<(u64, Option<SystemTime>)>; 2];

fn look(path: &Path) -> io::Result<Look> {
    let of = |path: &Path| match fs::metadata(path) {
        Ok(data) => Ok(Some((data.len(), data.modified().ok()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok([of(path)?, of(&wal(path))?])
}

fn wal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// How often a file is looked at that changes while it is being copied.
const LOOKS: u32 = 5;

impl Database {
    /// Prepares to read a file that is there. `data` is the directory of whoever may be writing to it.
    pub(super) fn prepare(path: &Path, data: &Path, scratch: &mut Scratch) -> io::Result<Self> {
        let mut last = None;
        for _ in 0..LOOKS {
            let before = look(path)?;
            let in_use = data::is_in_use(data)?;
            let waiting = before[1].is_some_and(|(len, _)| len > 0);
            let options = SqliteConnectOptions::new().filename(path).read_only(true);
            if before[1].is_some() && in_use {
                return Ok(Self { options, still: None, copy: None });
            }
            if !waiting {
                return Ok(Self {
                    options: options.immutable(true),
                    still: Some((path.to_owned(), before)),
                    copy: None,
                });
            }
            let copy = scratch.file("copy.sqlite")?;
            let copied = Scratch::copy(path, &copy).and_then(|()| Scratch::copy(&wal(path), &wal(&copy)));
            if copied.is_ok() && look(path)? == before && !data::is_in_use(data)? {
                return Ok(Self {
                    options: SqliteConnectOptions::new().filename(&copy),
                    still: None,
                    copy: Some(copy),
                });
            }
            scratch::remove(&copy);
            last = copied.err();
        }
        Err(last.unwrap_or_else(|| io::Error::other("it changes all the time")))
    }

    /// Was it taken for one that nobody writes to, and somebody wrote to it? Then what was read of it says nothing.
    pub(super) fn has_changed(&self) -> bool {
        self.still.as_ref().is_some_and(|(path, before)| look(path).ok().as_ref() != Some(before))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            scratch::remove(copy);
        }
    }
}
