//! What a witness has cosigned, in a directory: a file for each log, replaced whole; and evidence against logs.
//!
//! | file | what |
//! |---|---|
//! | `<SHA-256 of the origin>` | `seen`, the time in microseconds, a line end, and the checkpoint with the log's signature |
//! | `evidence/…` | checkpoints that contradict each other, never removed by the program |
//! | `lock` | keeps a second witness out |

use std::{fmt, io, sync::Arc};

use socai_domain::{proof::Note, time::Timestamp};

use crate::disk::Disk;

const LOCK: &str = "lock";
/// So many pieces of evidence of a kind are kept; who makes more of them tells nothing new.
const MOST: usize = 256;

/// The directory.
pub(super) struct Book {
    disk: Arc<dyn Disk>,
    evidence: Arc<dyn Disk>,
    _lock: Box<dyn Send + Sync>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Book({:?})", self.disk)
    }
}

/// The file cannot be what was written.
fn damaged(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is not what the witness wrote: restore it"))
}

impl Book {
    /// The book on these disks; none if another witness has it.
    pub(super) fn open(disk: Arc<dyn Disk>, evidence: Arc<dyn Disk>) -> io::Result<Option<Self>> {
        let lock = disk.lock(LOCK)?;
        Ok(lock.map(|lock| Self { disk, evidence, _lock: lock }))
    }

    /// What was cosigned last under this name, and when. It is durable when this returns, also if the write that put it there
    /// was said to have failed.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<(Timestamp, Note)>> {
        self.clear(name)?;
        self.disk.sync_dir()?;
        let file = match self.disk.open(name, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or_default()];
        let read = file.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        let parse = || {
            let text = str::from_utf8(&bytes).ok()?;
            let (seen, note) = text.strip_prefix("seen ")?.split_once('\n')?;
            Some((Timestamp::from_micros(seen.parse().ok()?), Note::parse(note.as_bytes()).ok()?))
        };
        parse().map(Some).ok_or_else(|| damaged(name))
    }

    /// Puts this in the place of what was cosigned before. Durable when it returns; after an error it may be there or not:
    /// read again.
    pub(super) fn write(&self, name: &str, seen: Timestamp, note: &str) -> io::Result<()> {
        self.clear(name)?;
        let beside = beside(name);
        let file = self.disk.create(&beside)?;
        file.write_at(format!("seen {}\n{note}", seen.as_micros()).as_bytes(), 0)?;
        file.sync_data()?;
        self.disk.rename(&beside, name)?;
        self.disk.sync_dir()
    }

    /// Removes what a write left behind that did not come to its end.
    fn clear(&self, name: &str) -> io::Result<()> {
        let beside = beside(name);
        if self.disk.list()?.contains(&beside) { self.disk.remove(&beside) } else { Ok(()) }
    }

    /// Keeps evidence of this kind under this name. What is there already stays.
    pub(super) fn keep(&self, kind: &str, name: &str, text: &str) -> io::Result<()> {
        let (name, there) = (format!("{kind}{name}"), self.evidence.list()?);
        if there.contains(&name) || there.iter().filter(|other| other.starts_with(kind)).count() >= MOST {
            return Ok(());
        }
        let written = self.evidence.create(&name).and_then(|file| {
            file.write_at(text.as_bytes(), 0)?;
            file.sync_data()
        });
        if written.is_err() {
            // Half of it is worth nothing; if it stays, the error is the same.
            let _ = self.evidence.remove(&name);
        }
        written?;
        self.evidence.sync_dir()
    }

    /// How many pieces of evidence there are whose names begin so.
    pub(super) fn evidence(&self, prefix: &str) -> io::Result<usize> {
        Ok(self.evidence.list()?.iter().filter(|name| name.starts_with(prefix)).count())
    }
}

fn beside(name: &str) -> String {
    format!("{name}.new")
}
