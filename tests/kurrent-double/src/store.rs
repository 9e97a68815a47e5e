//! What the cluster holds, and the server's rules about writing to it.

use std::collections::{HashMap, HashSet};

use socai_kurrent::wire::{shared::Place, write::ExpectedState};
use uuid::Uuid;

/// The last revision that there can be: what is set as `$tb` hides everything.
const HIDE_ALL: u64 = i64::MAX as u64;

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: Uuid,
    /// Its stream.
    pub stream: String,
    /// Its place in its stream.
    pub revision: u64,
    /// Its commit position.
    pub position: u64,
    /// Its prepare position: the same, but for what was written in an explicit transaction.
    pub prepare: u64,
    /// Its type.
    pub kind: String,
    /// The type of its content.
    pub content_type: String,
    /// Its content.
    pub data: Vec<u8>,
    /// Metadata of the user's own.
    pub metadata: Vec<u8>,
    /// When it was taken, in units of 100 ns since 1970.
    pub created: i64,
}

impl Stored {
    fn place(&self) -> (u64, u64) {
        (self.position, self.prepare)
    }
}

/// An event to be kept.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) content_type: String,
    pub(crate) data: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
}

impl New {
    pub(crate) fn bytes(id: Uuid, kind: &str, data: &[u8]) -> Self {
        let content_type = "application/octet-stream".to_owned();
        Self { id, kind: kind.to_owned(), content_type, data: data.to_vec(), metadata: Vec::new() }
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The last event has this revision and position. It may have had them before.
    Written { revision: u64, position: u64 },
    /// The stream has this last revision.
    Wrong(Option<u64>),
    /// The stream was deleted for ever.
    Deleted,
}

/// All that the cluster holds.
#[derive(Debug, Default)]
pub(crate) struct Store {
    log: Vec<Stored>,
    streams: HashMap<String, Vec<usize>>,
    tombstoned: HashSet<String>,
    end: u64,
}

impl Store {
    pub(crate) fn log(&self) -> &[Stored] {
        &self.log
    }

    pub(crate) fn is_tombstoned(&self, stream: &str) -> bool {
        self.tombstoned.contains(stream)
    }

    /// The index of the first event at this place or after it.
    pub(crate) fn index_from(&self, place: Place) -> usize {
        self.log.partition_point(|event| event.place() < (place.commit, place.prepare))
    }

    /// The index of the first event after this place.
    pub(crate) fn index_after(&self, place: Place) -> usize {
        self.log.partition_point(|event| event.place() <= (place.commit, place.prepare))
    }

    /// The events of a stream that can be read, and its last revision; nothing where nothing can be.
    pub(crate) fn readable(&self, stream: &str) -> Option<Vec<&Stored>> {
        let settings = self.metadata(stream);
        let setting = |name: &str| settings.get(name).and_then(serde_json::Value::as_u64);
        let (before, count) = (setting("$tb").unwrap_or(0), setting("$maxCount"));
        if before >= HIDE_ALL {
            return None;
        }
        let all = self.streams.get(stream)?;
        let kept = count.map_or(0, |count| all.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)));
        let events = all.iter().skip(kept).map(|&index| &self.log[index]);
        Some(events.filter(|event| event.revision >= before).collect())
    }

    fn metadata(&self, stream: &str) -> serde_json::Value {
        let last = self.streams.get(&format!("$${stream}")).and_then(|events| events.last());
        last.and_then(|&index| serde_json::from_slice(&self.log[index].data).ok()).unwrap_or_default()
    }

    fn last_revision(&self, stream: &str) -> Option<u64> {
        self.streams.get(stream).and_then(|events| events.last()).map(|&index| self.log[index].revision)
    }

    /// Writes all events or none. By the rules of `IndexWriter.CheckCommit`: a repetition is known by the ids of the events
    /// that stand where these would, and content is not compared.
    pub(crate) fn append(&mut self, stream: &str, expected: ExpectedState, events: &[New], now: i64) -> Outcome {
        if self.tombstoned.contains(stream) {
            return Outcome::Deleted;
        }
        let last = self.last_revision(stream);
        let fits = match expected {
            ExpectedState::Any(_) => true,
            ExpectedState::Exists(_) => self.readable(stream).is_some(),
            // A stream that was deleted counts as none, and goes on counting.
            ExpectedState::NoStream(_) => self.readable(stream).is_none(),
            ExpectedState::Revision(revision) => last == Some(revision),
        };
        let first = match expected {
            ExpectedState::Revision(revision) => revision.checked_add(1),
            ExpectedState::NoStream(_) => Some(0),
            ExpectedState::Any(_) | ExpectedState::Exists(_) => None,
        };
        if let Some(same) = self.same_before(stream, first, events) {
            return same;
        }
        if !fits {
            return Outcome::Wrong(last);
        }
        if self.metadata(stream).get("$tb").and_then(serde_json::Value::as_u64) == Some(HIDE_ALL) {
            // It is a stream again, from here on.
            self.set_metadata(stream, &serde_json::json!({ "$tb": last.map_or(0, |last| last + 1) }), now);
        }
        for event in events {
            self.push(stream, event, now);
        }
        let position = self.log.last().map_or(0, |event| event.position);
        self.last_revision(stream).map_or(Outcome::Wrong(None), |revision| Outcome::Written { revision, position })
    }

    /// The answer to a repetition: the first one's numbers.
    fn same_before(&self, stream: &str, first: Option<u64>, events: &[New]) -> Option<Outcome> {
        let there = self.streams.get(stream)?;
        let begin = match first {
            Some(first) => usize::try_from(first).ok()?,
            // Expected anywhere: wherever the first one stands in the stream.
            None => {
                there.iter().position(|&index| self.log[index].id == events.first().map_or(Uuid::nil(), |e| e.id))?
            }
        };
        let there = there.get(begin..begin + events.len())?;
        let same = there.iter().zip(events).all(|(&index, event)| self.log[index].id == event.id);
        let last = &self.log[*there.last()?];
        same.then_some(Outcome::Written { revision: last.revision, position: last.position })
    }

    fn push(&mut self, stream: &str, event: &New, now: i64) {
        let indexes = self.streams.entry(stream.to_owned()).or_default();
        // What a record takes in the server's files, about: positions have gaps, of any size.
        self.end += 90 + (stream.len() + event.kind.len() + event.data.len() + event.metadata.len()) as u64;
        let revision = indexes.len() as u64;
        indexes.push(self.log.len());
        self.log.push(Stored {
            id: event.id,
            stream: stream.to_owned(),
            revision,
            position: self.end,
            prepare: self.end,
            kind: event.kind.clone(),
            content_type: event.content_type.clone(),
            data: event.data.clone(),
            metadata: event.metadata.clone(),
            created: now,
        });
    }

    /// Writes at the end of a stream as clients of old did over TCP: prepares, then a commit that all of them share.
    pub(crate) fn transact(&mut self, stream: &str, events: &[New], now: i64) {
        let first = self.log.len();
        for event in events {
            self.push(stream, event, now);
        }
        self.end += 60;
        for event in &mut self.log[first..] {
            event.position = self.end;
        }
    }

    pub(crate) fn set_metadata(&mut self, stream: &str, metadata: &serde_json::Value, now: i64) {
        let event = New {
            id: Uuid::from_u128(u128::from(self.end) << 64 | 0x8000_0000_0000_0000),
            kind: "$metadata".into(),
            content_type: "application/json".into(),
            data: metadata.to_string().into_bytes(),
            metadata: Vec::new(),
        };
        self.push(&format!("$${stream}"), &event, now);
    }

    /// Hides what is there; the stream can be written to again.
    pub(crate) fn delete(&mut self, stream: &str, now: i64) -> Option<u64> {
        self.readable(stream)?;
        self.set_metadata(stream, &serde_json::json!({ "$tb": HIDE_ALL }), now);
        Some(self.end)
    }

    /// Ends the stream for ever.
    pub(crate) fn tombstone(&mut self, stream: &str, now: i64) -> Option<u64> {
        if !self.tombstoned.insert(stream.to_owned()) {
            return None;
        }
        self.end += 120;
        self.log.push(Stored {
            id: Uuid::from_u128(u128::from(self.end)),
            stream: stream.to_owned(),
            revision: HIDE_ALL,
            position: self.end,
            prepare: self.end,
            kind: "$streamDeleted".into(),
            content_type: "application/json".into(),
            data: b"{}".to_vec(),
            metadata: Vec::new(),
            created: now,
        });
        Some(self.end)
    }
}

#[cfg(test)]
mod tests {
    use socai_kurrent::wire::shared::Empty;

    use super::*;

    const NONE: ExpectedState = ExpectedState::NoStream(Empty {});
    const ANY: ExpectedState = ExpectedState::Any(Empty {});

    fn new(id: u128) -> New {
        let id = Uuid::from_u128(id);
        New { id, kind: "k".into(), content_type: "c".into(), data: vec![1; 9], metadata: Vec::new() }
    }

    fn at(revision: u64) -> ExpectedState {
        ExpectedState::Revision(revision)
    }

    fn revision(outcome: Outcome) -> Option<u64> {
        match outcome {
            Outcome::Written { revision, .. } => Some(revision),
            _ => None,
        }
    }

    #[test]
    fn a_repetition_is_known_by_its_ids_wherever_the_stream_stands() {
        let mut store = Store::default();
        let first = store.append("s", NONE, &[new(1), new(2)], 0);
        assert_eq!(revision(first), Some(1));
        assert_eq!(revision(store.append("s", at(1), &[new(3)], 0)), Some(2));
        assert_eq!(store.append("s", NONE, &[new(1), new(2)], 9), first, "the first one's numbers");
        for (expected, ids) in [(NONE, [1, 9]), (NONE, [9, 2]), (at(0), [2, 9]), (at(7), [8, 9])] {
            assert_eq!(store.append("s", expected, &ids.map(new), 0), Outcome::Wrong(Some(2)), "{expected:?} {ids:?}");
        }
        assert_eq!(store.log().len(), 3);
        assert_eq!(revision(store.append("s", ANY, &[new(2)], 0)), Some(1), "found among what is there");
        assert_eq!(store.append("t", at(0), &[new(4)], 0), Outcome::Wrong(None));
    }

    #[test]
    fn a_deleted_stream_goes_on_counting_and_a_tombstoned_one_is_gone() {
        let mut store = Store::default();
        store.append("s", NONE, &[new(1), new(2)], 0);
        assert!(store.delete("s", 0).is_some());
        assert_eq!(store.readable("s"), None);
        assert_eq!(revision(store.append("s", NONE, &[new(3)], 0)), Some(2));
        assert_eq!(store.readable("s").unwrap().iter().map(|event| event.revision).collect::<Vec<_>>(), [2]);
        assert!(store.tombstone("s", 0).is_some());
        assert_eq!(store.append("s", ANY, &[new(4)], 0), Outcome::Deleted);
        assert_eq!(store.tombstone("s", 0), None);
    }

    #[test]
    fn positions_grow_and_have_gaps() {
        let mut store = Store::default();
        store.append("s", NONE, &[new(1), new(2), new(3)], 0);
        let positions: Vec<u64> = store.log().iter().map(|event| event.position).collect();
        assert!(positions.windows(2).all(|pair| pair[1] > pair[0] + 1), "{positions:?}");
        let at = |position| Place { commit: position, prepare: position };
        assert_eq!((store.index_from(at(positions[1])), store.index_after(at(positions[1]))), (1, 2));
        assert_eq!(store.index_from(at(positions[1] + 1)), 2);
    }

    #[test]
    fn what_a_transaction_wrote_shares_a_commit_position_after_its_prepares() {
        let mut store = Store::default();
        store.append("s", NONE, &[new(1)], 0);
        store.transact("s", &[new(2), new(3)], 0);
        let [first, second, third] = store.log() else { panic!() };
        assert_eq!(second.position, third.position);
        assert!(first.position < second.prepare && second.prepare < third.prepare && third.prepare < third.position);
        let after_second = Place { commit: second.position, prepare: second.prepare };
        assert_eq!((store.index_from(after_second), store.index_after(after_second)), (1, 2));
    }
}
