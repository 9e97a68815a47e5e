//! The files of documents: all that a live document has are there and whole; those of an erased one are gone.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use socai_domain::{
    incoming,
    ledger::{DomainEvent, Opened, StreamId},
    process::EXPUNGED,
    time::Timestamp,
};

use super::{Fault, Ground, Kind, Layer, facts::Facts, opening};
use crate::{
    blobs::{BlobError, BlobHash, BlobStore},
    ports::{WITH_FILES, files_of},
};

/// A file that a document has.
#[derive(Clone, Copy, Debug)]
struct Attached {
    document: StreamId,
    /// The record that brought it.
    place: u64,
    hash: BlobHash,
    size: u64,
}

/// What was found of the files so far.
#[derive(Debug, Default)]
struct Files {
    /// The first half of the hash of each: at 64 bits two of a large agency's might agree, at 128 none do.
    attached: HashSet<u128>,
    bytes: u64,
    /// What is wrong with files, in the order of the log; judged when it is known what was erased meanwhile.
    wrong: Vec<(Attached, &'static str, String)>,
    /// Files of erased documents, and whose they were.
    erased: HashMap<BlobHash, StreamId>,
}

/// More of them are not kept: only the first is told.
const MOST_WRONG: usize = 10_000;

fn short(hash: BlobHash) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(bytes)
}

/// Reads every file that a live document has.
pub(super) async fn check(ground: &mut Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Files);
    if let Err(why) = look(ground, &mut layer).await {
        layer.unchecked = Some(why);
    }
    layer
}

async fn look(ground: &mut Ground<'_>, layer: &mut Layer) -> Result<(), String> {
    let wanted = |header: &socai_domain::ledger::Header| WITH_FILES.contains(&header.kind) || header.kind == EXPUNGED;
    let (end, mut records) = ground.records(wanted).ok_or("the log cannot be read")?;
    let store = BlobStore::as_it_is(&ground.config.blobs).map_err(|error| error.to_string())?;
    let store = Arc::new(store);
    let progress = ground.progress(Kind::Files);
    let mut files = Files::default();
    loop {
        let batch = records.next(end).await.map_err(|error| error.to_string())?;
        if batch.is_empty() {
            break;
        }
        let opener = ground.opener().await?;
        let contents = match opening::open_all(&opener, batch).await {
            Ok(contents) => contents,
            Err(fault) => {
                let why = format!("the files of a document are not known: {}", fault.message);
                ground.met(fault);
                return Err(why);
            }
        };
        let mut fresh = Vec::new();
        for (recorded, content) in &contents {
            let (document, place) = (recorded.record.header().stream, recorded.position.place());
            if let Opened::Event(_, event) = content {
                files.note(event, document, place, &mut fresh);
            }
        }
        let looking = Arc::clone(&store);
        let (found, bytes) = super::blocking(move || read_all(&looking, &fresh)).await?;
        files.bytes += bytes;
        files.wrong.extend(found.into_iter().take(MOST_WRONG.saturating_sub(files.wrong.len())));
        progress(records.place(), end);
    }
    // A document may have been erased while its files were looked for.
    ground.catch_up().await.map_err(|error| error.to_string())?;
    let Some(facts) = ground.facts.as_ref() else { return Ok(()) };
    files.judge(facts, &store, layer)
}

impl Files {
    /// Takes in what a record says; what was not met before is to be read.
    fn note(&mut self, event: &DomainEvent, document: StreamId, place: u64, fresh: &mut Vec<Attached>) {
        for file in files_of(event) {
            let (hash, size) = (BlobHash::from(file.hash), file.size);
            self.erased.remove(&hash);
            if self.attached.insert(short(hash)) {
                fresh.push(Attached { document, place, hash, size });
            }
        }
        if let DomainEvent::Incoming(incoming::Event::Expunged(expunged)) = event {
            let gone = expunged.files.iter().map(|hash| BlobHash::from(*hash));
            self.erased.extend(gone.filter(|hash| !self.attached.contains(&short(*hash))).map(|hash| (hash, document)));
        }
    }

    fn judge(self, facts: &Facts, store: &BlobStore, layer: &mut Layer) -> Result<(), String> {
        layer.count("files", self.attached.len() as u64);
        layer.count("bytes", self.bytes);
        for (attached, name, what) in self.wrong.iter().filter(|(of, ..)| !facts.erasures.contains_key(&of.document)) {
            let Attached { document, place, hash, .. } = attached;
            let message = format!("{hash}, a file of {document} (record {place}): {what}");
            layer.wrong(Fault::new(name, message).of(*document).at(*place));
        }
        let completed = |document: &StreamId| facts.erasures.get(document)?.completed;
        for (hash, document) in &self.erased {
            let Some(completed) = completed(document) else { continue };
            if !store.contains(*hash).map_err(|error| error.to_string())? {
                continue;
            }
            if store.is_older(*hash, instant(completed)).map_err(|error| error.to_string())? {
                let message = format!(
                    "{hash}, a file of {document}, which was erased, is still there: the files are older than the erasure; \
                     remove it"
                );
                let place = facts.erasures.get(document).map_or(0, |erasure| erasure.place);
                layer.wrong(Fault::new("file-not-erased", message).of(*document).at(place));
            } else {
                layer.note(format!("{hash}, a file of the erased {document}, was put there again after the erasure"));
            }
        }
        unattached(&self.attached, store, layer)
    }
}

fn instant(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0))
}

/// Finds what no live document has: uploads that wait for their command, and what is going to be swept.
fn unattached(attached: &HashSet<u128>, store: &BlobStore, layer: &mut Layer) -> Result<(), String> {
    for hash in store.list() {
        let hash = hash.map_err(|error| error.to_string())?;
        if !attached.contains(&short(hash)) {
            layer.unattached.add(hash);
        }
    }
    layer.count("files of no document", layer.unattached.count());
    Ok(())
}

type Wrong = (Attached, &'static str, String);

/// Reads files, as many at once as is best; what is wrong comes in their order. Also says how many bytes were read.
fn read_all(store: &BlobStore, files: &[Attached]) -> Result<(Vec<Wrong>, u64), String> {
    let claimed = AtomicUsize::new(0);
    let wrong: Mutex<Vec<(usize, Wrong)>> = Mutex::default();
    let failed: Mutex<Option<String>> = Mutex::default();
    let bytes = Mutex::new(0_u64);
    let work = || {
        loop {
            let index = claimed.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { break };
            match read(store, file) {
                Ok(Ok(len)) => *bytes.lock().unwrap_or_else(PoisonError::into_inner) += len,
                Ok(Err((name, what))) => {
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).push((index, (*file, name, what)));
                }
                Err(error) => {
                    let why = format!("{}: {error}", file.hash);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
                }
            }
        }
    };
    let workers = store.readers().min(files.len());
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    if let Some(failed) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failed);
    }
    let mut wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    wrong.sort_unstable_by_key(|(index, _)| *index);
    let bytes = bytes.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((wrong.into_iter().map(|(_, wrong)| wrong).collect(), bytes))
}

/// The file's length, or what is wrong with it.
fn read(store: &BlobStore, file: &Attached) -> Result<Result<u64, (&'static str, String)>, BlobError> {
    let Some((hash, len)) = store.measure(file.hash)? else {
        return Ok(Err(("file-missing", "it is not there: restore it from a backup".into())));
    };
    if hash != file.hash {
        return Ok(Err(("file-damaged", "its content was changed: restore it from a backup".into())));
    }
    if len != file.size {
        return Ok(Err(("file-size", format!("it has {len} bytes, and the document says {}", file.size))));
    }
    Ok(Ok(len))
}
