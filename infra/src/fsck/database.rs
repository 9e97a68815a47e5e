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
    /// Where it was looked for, which may be a link, and the file that it was then.
    link: PathBuf,
    path: PathBuf,
    data: PathBuf,
    way: Way,
}

/// How a file is read.
#[derive(Debug)]
enum Way {
    /// As one that nobody writes to; how it looked then.
    Alone(Look),
    /// Beside somebody who has it open.
    Beside,
    /// As a copy.
    Copy(PathBuf),
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
        let link = path;
        for _ in 0..LOOKS {
            let path = &fs::canonicalize(link)?;
            let this = |options, way| {
                Ok(Self { options, link: link.to_owned(), path: path.clone(), data: data.to_owned(), way })
            };
            let before = look(path)?;
            let in_use = data::is_in_use(data)?;
            let options = SqliteConnectOptions::new().filename(path).read_only(true);
            match before[1] {
                Some(_) if in_use => return this(options, Way::Beside),
                None | Some((0, _)) => return this(options.immutable(true), Way::Alone(before)),
                Some(_) => {}
            }
            let copy = scratch.file("copy.sqlite")?;
            let copied = Scratch::copy(path, &copy).and_then(|()| Scratch::copy(&wal(path), &wal(&copy)));
            if copied.is_ok() && look(path)? == before && !data::is_in_use(data)? {
                return this(SqliteConnectOptions::new().filename(&copy), Way::Copy(copy));
            }
            scratch::remove(&copy);
            last = copied.err();
        }
        Err(last.unwrap_or_else(|| io::Error::other("it changes all the time")))
    }

    /// Did somebody come or go, so that it should have been read in another way? Then what was read of it says nothing.
    pub(super) fn has_changed(&self) -> bool {
        if fs::canonicalize(&self.link).ok().as_ref() != Some(&self.path) {
            return true;
        }
        match &self.way {
            Way::Alone(before) => look(&self.path).ok().as_ref() != Some(before),
            Way::Beside => !wal(&self.path).exists() || !data::is_in_use(&self.data).unwrap_or(true),
            Way::Copy(_) => false,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Way::Copy(copy) = &self.way {
            scratch::remove(copy);
        }
    }
}
