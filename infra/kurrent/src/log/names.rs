//! How streams are called in KurrentDB.

use socai_domain::ledger::{EventKind, Recorded, SealedRecord, StreamId};

use super::{Shared, open::NEEDED};
use crate::{client::Event, wire::shared::Place};

/// What the server writes into a stream that is deleted for ever.
const TOMBSTONE: &str = "$streamDeleted";

/// The names of one ledger's streams.
#[derive(Clone, Debug)]
pub(super) struct Names {
    ledger: String,
    prefix: String,
}

impl Names {
    pub(super) fn new(ledger: &str) -> Self {
        Self { ledger: ledger.to_owned(), prefix: format!("{ledger}-") }
    }

    /// The stream that says what the ledger is. Its name does not begin like those of records.
    pub(super) fn identity(&self) -> String {
        format!("{}.ledger", self.ledger)
    }

    /// What the name of each stream of records begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What the names of the streams that hold their metadata begin with, and now and then those of others.
    pub(super) fn metadata_prefixes(&self) -> [String; 2] {
        [metadata_of(&self.prefix), metadata_of(&self.identity())]
    }

    /// Is the stream one of the ledger's?
    pub(super) fn is_ours(&self, physical: &str) -> bool {
        physical.starts_with(&self.prefix) || physical == self.identity()
    }

    pub(super) fn physical(&self, stream: StreamId) -> String {
        format!("{}{stream}", self.prefix)
    }

    fn stream(&self, physical: &str) -> Option<StreamId> {
        physical.strip_prefix(&self.prefix)?.parse().ok()
    }
}

/// The stream that holds a stream's metadata.
pub(super) fn metadata_of(physical: &str) -> String {
    format!("$${physical}")
}

/// Is this the type that a record of this kind has as an event? A kind that a build does not know goes by its number: here,
/// where nothing can be told then, or where the record was copied.
fn is_type_of(kind: EventKind, goes_by: &str) -> bool {
    kind.entry().is_none() || goes_by == kind.to_string() || goes_by == format!("kind {}", kind.number())
}

impl Shared {
    /// The record that this event is; what is wrong with it otherwise. Its place in the chain is not looked at.
    pub(super) fn recorded(&self, event: Event) -> Result<Recorded, String> {
        let name = &event.stream;
        if event.kind == TOMBSTONE {
            return Err(format!("stream {name} was deleted in KurrentDB: restore it from a backup of the cluster"));
        }
        let stream = self.names.stream(name).ok_or_else(|| {
            format!("{name} is called like a stream of the ledger but is none: something else writes there, or a newer socai")
        })?;
        let place = event.place.ok_or_else(|| {
            format!(
                "the server does not tell where {name}, revision {}, lies: KurrentDB {NEEDED} is needed",
                event.revision
            )
        })?;
        if place.prepare != place.commit {
            // All of one share their commit position, which is what we call a record's place.
            let (revision, Place { commit, prepare }) = (event.revision, place);
            return Err(format!(
                "{name}, revision {revision}, was written in an explicit transaction (commit position {commit}, prepare position \
                 {prepare}), as a tool of old writes and socai never does: its records have no place of their own. Bring the \
                 ledger into a new name with `socai copy` from where the tool had it, or restore a backup of the cluster from before"
            ));
        }
        let record = SealedRecord::from_bytes(event.data)
            .map_err(|error| format!("{name}, revision {}: {error}", event.revision))?;
        let header = record.header();
        if header.stream != stream || header.revision.number() != event.revision {
            let (stream, revision) = (header.stream, header.revision);
            return Err(format!("{name} has at revision {} the record {revision} of {stream}", event.revision));
        }
        if record.hash().id().0 != event.id {
            return Err(format!(
                "{name}, revision {}: the record was changed, its id is of other content",
                event.revision
            ));
        }
        if !is_type_of(header.kind, &event.kind) {
            let (revision, goes_by, kind) = (event.revision, &event.kind, header.kind);
            return Err(format!(
                "{name}, revision {revision}: KurrentDB has it as an event of type {goes_by:?}, and the record is {kind}: \
                 something else wrote it, or changed it"
            ));
        }
        Ok(Recorded { position: self.position(place.commit), record })
    }
}
