//! The key ring: a key for every live stream that opens its records, none for what was erased.

use std::collections::HashSet;

use socai_domain::ledger::{KeyError, Opened, Revision, SealedRecord, StreamId, StreamKey, body};

use super::{
    Fault, Ground, Kind, Layer,
    facts::{Facts, Stream},
    ring::Lost,
};
use crate::{
    keyring::{Kept, RingReader},
    log::file::reader::RecordsAt,
};

/// Checks the ring against the streams of the log.
pub(super) async fn check(ground: &mut Ground<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Keys);
    let ring = match ground.ring().await {
        Ok(Some(ring)) => ring,
        Ok(None) => return without_ring(ground, layer),
        Err(Lost::Wrong(fault)) => return layer.with(fault),
        Err(Lost::Unreadable(why)) => return Layer::unchecked(Kind::Keys, why),
    };
    layer.notes.extend(ring.note.clone());
    let reader = ring.reader.clone();
    if let Err(error) = all(ground, &mut layer, &reader).await {
        match error {
            KeyError::Unavailable(why) => layer.unchecked = Some(why),
            error => layer.wrong(Fault::new("ring-damaged", error.to_string())),
        }
    }
    // Of a log that is told, the last record of each stream would be asked for one by one: all are read instead.
    let all_records = ground.options.deep || ground.config.log_directory().is_none();
    if layer.fault.is_none() && all_records && ground.facts.is_some() {
        open_everything(ground, &mut layer).await;
    }
    layer
}

fn without_ring(ground: &Ground<'_>, layer: Layer) -> Layer {
    let records = ground.facts.as_ref().map_or(0, Facts::records);
    if records == 0 {
        return layer;
    }
    let ring = ground.config.key_ring.clone();
    layer.with(Fault::new(
        "ring-missing",
        format!("the ledger has records, but there is no key ring {ring}: restore its newest copy"),
    ))
}

async fn all(ground: &mut Ground<'_>, layer: &mut Layer, ring: &RingReader) -> Result<(), KeyError> {
    if let Some(damage) = ring.damage().await? {
        layer.wrong(Fault::new("ring-damaged", format!("{damage}: restore the newest copy of the ring")));
        return Ok(());
    }
    let Some(facts) = ground.facts.as_ref() else {
        layer.unchecked = Some("the log cannot be read".into());
        return Ok(());
    };
    let whose = ring.ledger().await?;
    if whose.is_some_and(|whose| whose != facts.ledger()) || (whose.is_none() && facts.end().place() > 0) {
        let (name, ledger) = (&ground.config.key_ring, facts.ledger());
        let whose = whose.map_or_else(|| "no ledger yet".to_owned(), |whose| format!("ledger {whose}"));
        let message = format!("{name} is the ring of {whose}, not of {ledger}: restore the one that belongs to it");
        layer.wrong(Fault::new("ring-foreign", message));
        return Ok(());
    }
    let progress = ground.progress(Kind::Keys);
    let mut seen = Seen {
        facts,
        layer,
        records: ground.config.log_directory().map(|directory| RecordsAt::new(&directory)),
        with_key: HashSet::new(),
        unknown: Vec::new(),
        destroyed: Vec::new(),
        keys: 0,
    };
    let (mut last, mut stream): (Option<Kept>, Vec<Kept>) = (None, Vec::new());
    loop {
        let page = ring.page(last.as_ref()).await?;
        for kept in &page {
            if stream.first().is_some_and(|first| first.stream != kept.stream) {
                seen.stream(ring, &stream);
                stream.clear();
            }
            stream.push(kept.clone());
        }
        progress(seen.keys, facts.streams.len() as u64);
        match page.last() {
            Some(kept) => last = Some(kept.clone()),
            None => break,
        }
    }
    if !stream.is_empty() {
        seen.stream(ring, &stream);
    }
    let Seen { with_key, unknown, destroyed, keys, .. } = seen;
    let streams = facts.streams.len() as u64;
    for (stream, found) in facts.streams.iter().filter(|(stream, _)| !with_key.contains(stream)) {
        layer.wrong(missing(*stream, found));
    }
    layer.count("streams", streams);
    layer.count("keys", keys);
    ground.catch_up().await.map_err(|error| KeyError::Unavailable(error.to_string()))?;
    let Some(facts) = ground.facts.as_ref() else { return Ok(()) };
    judge_later(facts, layer, unknown, destroyed);
    Ok(())
}

fn missing(stream: StreamId, found: &Stream) -> Fault {
    let message = format!(
        "there is no key for {stream}, whose first record is {}: the ring is older than the log, or another one; restore its \
         newest copy",
        found.first
    );
    Fault::new("key-missing", message).of(stream).at(found.first)
}

/// What is seen while the ring is read.
struct Seen<'a> {
    facts: &'a Facts,
    layer: &'a mut Layer,
    /// None of a log that is told: what opens its records is seen later.
    records: Option<RecordsAt>,
    with_key: HashSet<StreamId>,
    /// Streams that the log did not have when it was read.
    unknown: Vec<StreamId>,
    /// Streams with the last of their keys that is destroyed without an erasure, as far as was known when the log was read.
    destroyed: Vec<(StreamId, Revision)>,
    keys: u64,
}

impl Seen<'_> {
    /// All keys of one stream, oldest first.
    fn stream(&mut self, ring: &RingReader, kept: &[Kept]) {
        let stream = kept[0].stream;
        self.keys += kept.len() as u64;
        let found = self.facts.streams.get(&stream).copied();
        let place = found.map_or(u64::MAX, |found| found.first);
        let mut keys = Vec::with_capacity(kept.len());
        for kept in kept {
            match (kept.destroyed, ring.key(kept)) {
                (false, None) => {
                    let message =
                        format!("the wrapped key of {stream} was changed: restore the newest copy of the ring");
                    return self.layer.wrong(Fault::new("key-damaged", message).of(stream).at(place));
                }
                (true, _) if !kept.is_overwritten() => {
                    let message = format!(
                        "the key of {stream} is marked as destroyed and is still there: stop the program, restore the newest \
                         copy of the ring, and destroy this file"
                    );
                    return self.layer.wrong(Fault::new("key-not-destroyed", message).of(stream).at(place));
                }
                (_, key) => keys.push(key.filter(|_| !kept.destroyed)),
            }
        }
        let Some(found) = found else { return self.unknown.push(stream) };
        self.with_key.insert(stream);
        self.known(stream, &found, kept, &keys);
    }

    /// Do the keys of a stream of the log fit its records?
    fn known(&mut self, stream: StreamId, found: &Stream, kept: &[Kept], keys: &[Option<StreamKey>]) {
        let erasure = self.facts.erasures.get(&stream);
        let completed = erasure.filter(|erasure| erasure.completed.is_some());
        let came_back = |kept: &&Kept| completed.is_some_and(|erasure| kept.from < erasure.below && !kept.destroyed);
        if let Some(kept) = kept.iter().find(came_back) {
            let message = format!(
                "{stream} was erased, and the key of its records from revision {} is still there: the ring is older than the \
                 erasure; restore its newest copy and destroy this file",
                kept.from
            );
            return self.layer.wrong(Fault::new("key-not-destroyed", message).of(stream).at(found.first));
        }
        // What is destroyed without an erasure may have been erased since.
        let erased_below = erasure.map_or(Revision::FIRST, |erasure| erasure.below);
        if let Some(kept) = kept.iter().rfind(|kept| kept.destroyed && kept.from >= erased_below) {
            return self.destroyed.push((stream, kept.from));
        }
        let sealing = kept.iter().rposition(|kept| kept.from <= found.last);
        let key = sealing.and_then(|sealing| keys[sealing].as_ref());
        let Some(key) = key.filter(|_| kept[0].from == Revision::FIRST) else {
            return self.layer.wrong(missing(stream, found));
        };
        let Some(records) = &mut self.records else { return };
        match records.read(found.address) {
            Ok(record) if record.header().stream == stream => self.opens(key, &record, found),
            Ok(_) => {
                let message = format!("{stream} revision {}: another record is in its place", found.last);
                self.layer.wrong(Fault::new("log-damaged", message).of(stream).at(found.first));
            }
            Err(error) => self.layer.unchecked = Some(error.to_string()),
        }
    }

    fn opens(&mut self, key: &StreamKey, record: &SealedRecord, found: &Stream) {
        if let Err(error) = body::open(&key.cipher(), record) {
            let (stream, revision) = (record.header().stream, record.header().revision);
            let message = format!("{stream} revision {revision}: {error}");
            self.layer.wrong(Fault::new("record-does-not-open", message).of(stream).at(found.first));
        }
    }
}

/// Judges what could be so because the log went on while the ring was read.
fn judge_later(facts: &Facts, layer: &mut Layer, unknown: Vec<StreamId>, destroyed: Vec<(StreamId, Revision)>) {
    for (stream, from) in destroyed {
        if facts.erasures.get(&stream).is_some_and(|erasure| from < erasure.below) {
            continue;
        }
        let message = format!(
            "the key of {stream} from revision {from} on was destroyed, and no erasure in the log tells of it: the log is older \
             than the ring, restore its newest copy; or somebody destroyed the key: restore the newest copy of the ring"
        );
        let place = facts.streams.get(&stream).map_or(u64::MAX, |found| found.first);
        layer.wrong(Fault::new("key-destroyed", message).of(stream).at(place));
    }
    let mut orphans = unknown.into_iter().filter(|stream| !facts.streams.contains_key(stream)).peekable();
    if let Some(first) = orphans.peek().copied() {
        let count = orphans.count();
        layer.note(format!(
            "{count} keys are of streams that the log does not have, {first} among them. A key is on disk before the first \
             record of its stream, so a write that failed leaves one; many of them mean that the log is older than the ring"
        ));
    }
}

/// Opens the content of every record that has not been erased.
async fn open_everything(ground: &mut Ground<'_>, layer: &mut Layer) {
    let progress = ground.progress(Kind::Keys);
    let Some((end, mut records)) = ground.records(|_| true) else { return };
    let opener = match ground.opener().await {
        Ok(opener) => opener,
        Err(why) => return layer.unchecked = Some(why),
    };
    let (mut read, mut erased) = (0_u64, 0_u64);
    loop {
        let batch = match records.next(end).await {
            Ok(batch) if batch.is_empty() => break,
            Ok(batch) => batch,
            Err(error) => return layer.unchecked = Some(error.to_string()),
        };
        let at = batch[batch.len() - 1].position.place();
        match super::opening::open_all(&opener, batch).await {
            Ok(all) => {
                let gone = all.iter().filter(|(_, opened)| matches!(opened, Opened::Erased)).count() as u64;
                erased += gone;
                read += all.len() as u64 - gone;
            }
            Err(fault) => return layer.wrong(fault),
        }
        progress(at, end);
    }
    layer.count("records opened", read);
    layer.count("records erased", erased);
}
