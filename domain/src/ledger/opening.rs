//! Opening records with the keys of a ring: what the write side, the read side and the trail have in common.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use thiserror::Error;

use super::{
    KeyError, KeyRing, KeyState, Opened, SealedRecord, StreamId,
    body::{self, Unreadable},
    keys::StreamCipher,
};

/// Opens records, and keeps the keys of the streams that it opened last.
#[derive(Clone)]
pub struct Opener {
    ring: Arc<dyn KeyRing>,
    recent: Arc<Mutex<HashMap<StreamId, StreamCipher>>>,
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

/// How many keys are kept.
const RECENT: usize = 16_384;

impl Opener {
    /// Opens with the keys of this ring.
    pub fn new(ring: Arc<dyn KeyRing>) -> Self {
        Self { ring, recent: Arc::default() }
    }

    /// The ring.
    pub fn ring(&self) -> &Arc<dyn KeyRing> {
        &self.ring
    }

    /// What the record holds, or that it was erased.
    pub async fn open(&self, record: &SealedRecord) -> Result<Opened, OpenError> {
        let header = record.header();
        let known = self.recent.lock().unwrap_or_else(PoisonError::into_inner).get(&header.stream).cloned();
        if let Some(cipher) = known
            && let Ok((context, event)) = body::open(&cipher, record)
        {
            return Ok(Opened::Event(context, event));
        }
        // Not kept, or the key of another generation.
        let cipher = match self.ring.opening(header.stream, header.revision).await? {
            KeyState::Destroyed => return Ok(Opened::Erased),
            KeyState::Key(key) => key.cipher(),
        };
        let unreadable = |source| OpenError::Unreadable { stream: header.stream, revision: header.revision, source };
        let (context, event) = body::open(&cipher, record).map_err(unreadable)?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= RECENT {
            recent.clear();
        }
        recent.insert(header.stream, cipher);
        Ok(Opened::Event(context, event))
    }

    /// Forgets a stream's key: called where it is destroyed.
    pub fn forget(&self, stream: StreamId) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).remove(&stream);
    }
}
