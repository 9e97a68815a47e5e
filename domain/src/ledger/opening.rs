//! Opening records with the keys of a ring: what the write side, the read side and the trail have in common.

use std::sync::Arc;

use thiserror::Error;

use super::{
    Header, KeyError, KeyRing, KeyState, Opened, RecordRef, SealedRecord, StreamId,
    body::{self, Unreadable},
};

/// Opens records. Keeps no keys: only the ring knows when one is destroyed, and what it keeps in memory goes with it.
#[derive(Clone)]
pub struct Opener {
    ring: Arc<dyn KeyRing>,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener(…)")
    }
}

/// Why a record could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The ring could not say.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The content cannot be read.
    #[error("{stream} revision {revision}: {source}")]
    Unreadable {
        /// The record's stream.
        stream: StreamId,
        /// The record's revision.
        revision: super::Revision,
        /// Why.
        source: Unreadable,
    },
}

impl Opener {
    /// Opens with the keys of this ring.
    pub fn new(ring: Arc<dyn KeyRing>) -> Self {
        Self { ring }
    }

    /// The ring.
    pub fn ring(&self) -> &Arc<dyn KeyRing> {
        &self.ring
    }

    /// What the record holds, or that it was erased.
    pub async fn open(&self, record: &SealedRecord) -> Result<Opened, OpenError> {
        let header = record.header();
        opened(&self.ring.opening(header.stream, header.revision).await?, header, record.body())
    }

    /// What each of these records holds, in their order: for those who read many.
    pub async fn open_all(&self, records: &[&SealedRecord]) -> Result<Vec<Opened>, OpenError> {
        let places: Vec<_> = records.iter().map(|record| (record.header().stream, record.header().revision)).collect();
        let keys = self.ring.opening_all(&places).await?;
        keys.iter().zip(records).map(|(key, record)| opened(key, record.header(), record.body())).collect()
    }

    /// The keys of these records, in their order, all asked for at once: [`open_with`] needs nothing else and never waits.
    pub async fn keys(&self, records: impl Iterator<Item = RecordRef<'_>>) -> Result<Vec<KeyState>, OpenError> {
        let places: Vec<_> = records.map(|record| (record.stream(), record.revision())).collect();
        Ok(self.ring.opening_all(&places).await?)
    }
}

/// What a record holds, with the key that was asked for it.
pub fn open_with(key: &KeyState, record: RecordRef<'_>) -> Result<Opened, OpenError> {
    opened(key, &record.header(), record.body())
}

fn opened(key: &KeyState, header: &Header, sealed: &[u8]) -> Result<Opened, OpenError> {
    let Header { stream, revision, .. } = *header;
    let mut opened = Ok(Opened::Erased);
    for key in key.keys() {
        opened = body::open_body(&key.cipher(), header, sealed).map(|(context, event)| Opened::Event(context, event));
        if !matches!(opened, Err(Unreadable::DoesNotOpen(_))) {
            break;
        }
    }
    opened.map_err(|source| OpenError::Unreadable { stream, revision, source })
}
