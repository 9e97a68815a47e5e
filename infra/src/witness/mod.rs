//! The witness: watches the logs of other agencies and cosigns their checkpoints (C2SP `tlog-witness`), so that none of them
//! can show different people different histories.
//!
//! ```text
//! request ──judge──► persist ──► cosign ──► answer          one at a time for each log
//!             └─ refused; two roots for one size: evidence, alarm
//! ```
//!
//! What was cosigned is durable before a signature is made: after any failure it is read again, never guessed. Whoever loses
//! the directory, or restores an older copy of it, must not go on with the same key: it could cosign a second history.

mod book;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt as _, future::BoxFuture};
use socai_domain::{
    proof::{
        AddCheckpoint, Checkpoint, Note, SecretKey, TreeHead, VerifierKey, cosignature,
        witness::{NotCosigned, NotLogs, judge, nothing, origin_hash, read_logs},
    },
    time::{Clock, Timestamp},
};
use socai_graphql::witness::{self as api, Told, Watched};
use thiserror::Error;

use self::book::Book;
use crate::disk::RealDisk;

/// How evidence of two roots for one size is called.
const SPLIT: &str = "split-";
/// How a checkpoint is called that does not follow from the one before. Anybody can send a true checkpoint with a false proof:
/// only both checkpoints and the log's own tiles tell whether the log has rewritten its history.
const UNPROVED: &str = "unproved-";

/// Why there is no witness.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// The list of logs.
    #[error("{0}: {1}")]
    Logs(String, NotLogs),
    /// A file.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// Another process.
    #[error("{0} is in use by another witness: stop that one first; two would cosign two histories")]
    InUse(String),
}

/// A log that is watched.
#[derive(Debug)]
struct Log {
    key: VerifierKey,
    /// The name of its file.
    name: String,
    /// What was cosigned last, as it is on the disk; none: to be read first.
    last: Mutex<Option<Last>>,
}

#[derive(Clone, Debug)]
struct Last {
    head: TreeHead,
    /// The checkpoint with the log's signature and our own; none if nothing was ever cosigned.
    note: Option<Note>,
}

/// The witness. Clones are handles of the same one.
#[derive(Clone)]
pub struct Witness(Arc<Inner>);

struct Inner {
    key: SecretKey,
    clock: Arc<dyn Clock>,
    logs: BTreeMap<String, Log>,
    book: Book,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({} of {} logs in {:?})", self.0.key.public().name(), self.0.logs.len(), self.0.book)
    }
}

impl Witness {
    /// The witness with this key of the logs in the file `logs`, with what it cosigned in `dir`. Blocks while it waits for the
    /// disk.
    ///
    /// # Errors
    /// The list or the directory cannot be used, or another witness has it.
    pub fn open(dir: &Path, logs: &Path, key: SecretKey, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |error| WitnessError::Io(path, error)
        };
        let text = fs::read_to_string(logs).map_err(failed(logs))?;
        let logs = read_logs(&text).map_err(|error| WitnessError::Logs(logs.display().to_string(), error))?;
        let disk = RealDisk::make(dir).map_err(failed(dir))?;
        let evidence = RealDisk::make(&dir.join("evidence")).map_err(failed(dir))?;
        let book = Book::open(Arc::new(disk), Arc::new(evidence)).map_err(failed(dir))?;
        let book = book.ok_or_else(|| WitnessError::InUse(dir.display().to_string()))?;
        let witness = Self::on(book, logs, key, clock);
        let splits = witness.0.book.evidence(SPLIT).map_err(failed(dir))?;
        if splits > 0 {
            tracing::error!(splits, "ALARM: logs that are watched have shown two histories; see {}", dir.display());
        }
        Ok(witness)
    }

    fn on(book: Book, logs: Vec<VerifierKey>, key: SecretKey, clock: Arc<dyn Clock>) -> Self {
        let log = |key: VerifierKey| {
            let name = origin_hash(key.name());
            (key.name().to_string(), Log { key, name, last: Mutex::default() })
        };
        Self(Arc::new(Inner { key, clock, logs: logs.into_iter().map(log).collect(), book }))
    }

    /// What others need to check its cosignatures.
    pub fn verifier_key(&self) -> String {
        self.0.key.public().to_string()
    }

    /// Sets the gauge of splits that were found.
    pub fn measure(&self) {
        if let Ok(splits) = self.0.book.evidence(SPLIT) {
            #[allow(clippy::cast_precision_loss)] // a gauge for people
            metrics::gauge!("socai_witness_splits").set(splits as f64);
        }
    }

    /// Judges and, if nothing is against it, cosigns.
    fn add(&self, request: &[u8]) -> Told {
        let request = match AddCheckpoint::parse(request) {
            Ok(request) => request,
            Err(error) => return Told::Malformed(error.to_string()),
        };
        let Some(log) = request.origin().and_then(|origin| self.0.logs.get(origin)) else { return Told::Unknown };
        // Held until the answer is known: nobody else judges by what is being replaced.
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.cosign(log, &mut last, &request) {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(%error, log = %log.key.name(), "the witness cannot cosign now");
                Told::Unavailable
            }
        }
    }

    fn cosign(&self, log: &Log, last: &mut Option<Last>, request: &AddCheckpoint) -> io::Result<Told> {
        let known = match last {
            Some(known) => known.clone(),
            None => self.read(log)?,
        };
        let checkpoint = match judge(request, &log.key, known.head) {
            Ok(checkpoint) => checkpoint,
            Err(refused) => {
                self.suspect(log, &known, request, &refused);
                *last = Some(known);
                return Ok(match refused {
                    NotCosigned::Log(why) => Told::NotSigned(why.to_string()),
                    NotCosigned::OldIsLarger { .. } => Told::Malformed(refused.to_string()),
                    NotCosigned::Moved { cosigned, .. } => Told::Moved(cosigned),
                    NotCosigned::NotConsistent(why) => Told::NotConsistent(why.to_string()),
                });
            }
        };
        let now = self.0.clock.now();
        let signed = only(&request.note, &log.key);
        if known.note.is_none_or(|note| note.text() != signed.text()) {
            // If it fails, nobody knows what is on the disk: the next request reads it.
            *last = None;
            self.0.book.write(&log.name, now, &signed.to_string())?;
        }
        let (line, note) = self.signed(signed, now)?;
        *last = Some(Last { head: checkpoint.head(), note: Some(note) });
        metrics::counter!("socai_witness_cosigned_total").increment(1);
        Ok(Told::Cosigned(line))
    }

    /// Our line, and the checkpoint with it.
    fn signed(&self, mut note: Note, at: Timestamp) -> io::Result<(String, Note)> {
        let line = cosignature::cosign(&note, at, &self.0.key).map_err(io::Error::other)?;
        note.add(line.clone());
        Ok((format!("{line}\n"), note))
    }

    /// What was cosigned last, from the disk. The signature made anew is the same as before: its time is kept.
    fn read(&self, log: &Log) -> io::Result<Last> {
        let Some((at, note)) = self.0.book.read(&log.name)? else {
            return Ok(Last { head: nothing(), note: None });
        };
        let checkpoint = Checkpoint::open(&note, &log.key)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", log.name)))?;
        let (_, note) = self.signed(note, at)?;
        Ok(Last { head: checkpoint.head(), note: Some(note) })
    }

    /// A checkpoint that the log did sign, but that was not cosigned, may show that the log misbehaves.
    fn suspect(&self, log: &Log, known: &Last, request: &AddCheckpoint, refused: &NotCosigned) {
        metrics::counter!("socai_witness_refused_total").increment(1);
        let Some(before) = &known.note else { return };
        let Ok(asked) = Checkpoint::open(&request.note, &log.key) else { return };
        let Ok(cosigned) = Checkpoint::parse(before.text()) else { return };
        let (kind, why) = match (cosigned.split_view(&asked), refused) {
            (Some(split), _) => (SPLIT, split.to_string()),
            (None, NotCosigned::NotConsistent(why)) => (UNPROVED, why.to_string()),
            (None, _) => return,
        };
        let log_name = log.key.name();
        if kind == SPLIT {
            tracing::error!(log = %log_name, why, "ALARM: a log that is watched has signed two histories");
        } else {
            tracing::warn!(log = %log_name, why, "a log's checkpoint was not shown to follow from the one cosigned last");
        }
        let proof = request.proof.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let text = format!(
            "{why}\nlog {}\n\n== cosigned before\n{before}\n== asked to cosign, from {} leaves with the proof\n{proof}\n\n{}",
            log.key,
            request.old,
            only(&request.note, &log.key)
        );
        let root = asked.root().0.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default();
        let name = format!("{}-{}-{root:016x}", log.name, asked.size());
        if let Err(error) = self.0.book.keep(kind, &name, &text) {
            tracing::error!(%error, evidence = text, "the evidence cannot be kept; it stands in this message");
        }
    }

    fn last(&self, log: &Log) -> io::Result<Last> {
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last {
            return Ok(last.clone());
        }
        Ok(last.insert(self.read(log)?).clone())
    }

    fn shown(&self, name: &str) -> io::Result<Option<String>> {
        let Some(log) = self.0.logs.values().find(|log| log.name == name) else { return Ok(None) };
        Ok(self.last(log)?.note.map(|note| note.to_string()))
    }

    fn all(&self) -> io::Result<Vec<Watched>> {
        let watched = |log: &Log| {
            let last = self.last(log)?;
            let splits = self.0.book.evidence(&format!("{SPLIT}{}", log.name))?;
            Ok(Watched { log: log.key.name().to_string(), cosigned: last.note.map(|_| last.head.size), splits })
        };
        self.0.logs.values().map(watched).collect()
    }
}

/// The note with this log's signature only: what others sign is theirs to give away.
fn only(note: &Note, key: &VerifierKey) -> Note {
    let lines = note.signatures().iter().filter(|line| line.is_by(key)).take(1);
    let text = lines.fold(format!("{}\n", note.text()), |text, line| format!("{text}{line}\n"));
    // What was a note with this line, and was checked, is one without the others.
    Note::parse(text.as_bytes()).unwrap_or_else(|_| note.clone())
}

impl api::Witness for Witness {
    fn add_checkpoint(&self, request: Vec<u8>) -> BoxFuture<'_, Told> {
        let this = self.clone();
        async move {
            let added = tokio::task::spawn_blocking(move || this.add(&request)).await;
            added.unwrap_or_else(|error| {
                tracing::error!(%error, "the witness broke off");
                Told::Unavailable
            })
        }
        .boxed()
    }

    fn checkpoint(&self, origin: String) -> BoxFuture<'_, Option<String>> {
        let this = self.clone();
        async move {
            let shown = tokio::task::spawn_blocking(move || this.shown(&origin)).await.map_err(io::Error::other);
            shown.flatten().unwrap_or_else(|error| {
                tracing::error!(%error, "the witness cannot show what it cosigned");
                None
            })
        }
        .boxed()
    }

    fn watched(&self) -> BoxFuture<'_, Option<Vec<Watched>>> {
        let this = self.clone();
        async move {
            let watched = tokio::task::spawn_blocking(move || this.all()).await.map_err(io::Error::other).flatten();
            watched.inspect_err(|error| tracing::error!(%error, "the witness cannot tell what it cosigned")).ok()
        }
        .boxed()
    }
}
