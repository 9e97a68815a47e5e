//! Stream keys, sealing and opening, and the ring that holds the keys outside the log.

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use futures::future::BoxFuture;
use thiserror::Error;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Draft, EventKind, Header, Revision, SealedRecord, StreamId};

/// The key of one stream (or, after an erasure, of the part of it since then). Seals its bodies.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StreamKey([u8; 32]);

impl std::fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StreamKey(…)")
    }
}

/// The body does not open with this key: the key is another stream's, or a byte was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the record's body does not open with its stream's key: the key ring is older than the log, or of another ledger, or a byte was \
     changed"
)]
pub struct DoesNotOpen;

impl StreamKey {
    /// A key of these random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be wrapped by the master key.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A cipher that keeps its key schedule, for those who seal or open many bodies of one stream.
    pub fn cipher(&self) -> StreamCipher {
        StreamCipher(Aes256GcmSiv::new(&self.0.into()))
    }
}

/// A stream's key, ready for use.
#[derive(Clone)]
pub struct StreamCipher(Aes256GcmSiv);

impl std::fmt::Debug for StreamCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StreamCipher(…)")
    }
}

/// What a sealed body is bound to: all of the header that is known before the log's writer stamps the record.
fn bound_to(stream: StreamId, revision: Revision, kind: EventKind, organ: Uuid, person: Uuid) -> [u8; 59] {
    let mut bytes = [0; 59];
    bytes[..17].copy_from_slice(&stream.to_bytes());
    bytes[17..25].copy_from_slice(&revision.number().to_le_bytes());
    bytes[25..27].copy_from_slice(&kind.number().to_le_bytes());
    bytes[27..43].copy_from_slice(organ.as_bytes());
    bytes[43..59].copy_from_slice(person.as_bytes());
    bytes
}

/// The same, of a record that has its header.
pub(super) fn bound_to_header(header: &Header) -> [u8; 59] {
    let Header { kind, stream, revision, organ, person, .. } = *header;
    bound_to(stream, revision, kind, organ, person)
}

/// The nonce is the revision. A place that is sealed twice (a failed append, then another decision) uses it twice; with
/// GCM-SIV that shows only whether both bodies were equal.
pub(super) fn nonce_bytes(revision: Revision) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&revision.number().to_le_bytes());
    bytes
}

fn nonce(revision: Revision) -> Nonce {
    nonce_bytes(revision).into()
}

impl StreamCipher {
    /// Seals `body` for one place in one stream. The same arguments give the same draft.
    pub fn seal(
        &self,
        stream: StreamId,
        revision: Revision,
        kind: EventKind,
        organ: Uuid,
        person: Uuid,
        body: &[u8],
    ) -> Draft {
        let aad = bound_to(stream, revision, kind, organ, person);
        let sealed = self.0.encrypt(&nonce(revision), Payload { msg: body, aad: &aad });
        let body = sealed.expect("AES-GCM-SIV refuses only bodies of 64 GiB and more");
        Draft { kind, organ, person, body }
    }

    /// Opens a record's body.
    pub fn open(&self, record: &SealedRecord) -> Result<Vec<u8>, DoesNotOpen> {
        self.open_body(record.header(), record.body())
    }

    /// Opens the body that belongs to this header.
    pub fn open_body(&self, header: &Header, body: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let aad = bound_to_header(header);
        self.0.decrypt(&nonce(header.revision), Payload { msg: body, aad: &aad }).map_err(|_| DoesNotOpen)
    }
}

/// What the ring knows of the key for one record.
#[derive(Clone, Debug)]
pub enum KeyState {
    /// The key.
    Key(StreamKey),
    /// The key since it was last renewed, and those before that are not destroyed, newest first. Where several servers
    /// write, one may have sealed with an older one while another renewed it: the record opens with one of these.
    AnyOf(Vec<StreamKey>),
    /// The key was destroyed: the content is erased, the record and its chain stay.
    Destroyed,
}

impl KeyState {
    /// From the generations that begin at or before a record, oldest first; none if there is none.
    pub fn of<'a>(generations: impl DoubleEndedIterator<Item = &'a Self>) -> Option<Self> {
        let mut generations = generations.rev().peekable();
        generations.peek()?;
        let mut keys: Vec<_> = generations.map_while(|state| state.keys().next().cloned()).collect();
        Some(match keys.len() {
            0 => Self::Destroyed,
            1 => Self::Key(keys.remove(0)),
            _ => Self::AnyOf(keys),
        })
    }

    /// The keys to try, the likeliest first. None: the content is erased.
    pub fn keys(&self) -> std::slice::Iter<'_, StreamKey> {
        match self {
            Self::Key(key) => std::slice::from_ref(key),
            Self::AnyOf(keys) => keys,
            Self::Destroyed => &[],
        }
        .iter()
    }
}

/// Why the ring could not answer, by what the caller may do next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There should be a key and there is none: the ring is not this ledger's, or an old copy was restored.
    #[error("the key ring has no key for {0}: it is older than the log, or of another ledger; restore its newest copy")]
    Missing(StreamId),
    /// What it would seal could never be opened: [`KeyRing::renew`] first.
    #[error("the key of {0} was destroyed: begin another one before sealing")]
    Destroyed(StreamId),
    /// The master key does not unwrap the ring's keys.
    #[error("the master key does not open the key ring: give the one that was in use when the ring was written")]
    WrongMaster,
    /// A key is there but does not open, or the ring's file does not hold what a ring holds.
    #[error("the key ring is damaged: {0}; stop the program and restore the newest copy of the ring")]
    Damaged(String),
    /// The ring's file cannot be read or written now.
    #[error("the key ring cannot be used now: {0}")]
    Unavailable(String),
}

/// Holds the keys of all streams, outside the log and outside the log's backups, each wrapped by a master key.
///
/// A stream has one key from revision 0; an erasure begins another *generation* at a later revision and destroys the
/// one before.
pub trait KeyRing: Send + Sync + 'static {
    /// The key that seals at `revision`. For the first revision of a stream without one it is made now, and durable
    /// before this answers; for a later one it is [`KeyError::Missing`]; after it was destroyed, [`KeyError::Destroyed`].
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>>;

    /// The key that opens the record at `revision`.
    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>>;

    /// The keys that open these records, in their order. One by one, unless the ring knows better.
    fn opening_all<'a>(&'a self, places: &'a [(StreamId, Revision)]) -> BoxFuture<'a, Result<Vec<KeyState>, KeyError>> {
        Box::pin(async move {
            let mut keys = Vec::with_capacity(places.len());
            for &(stream, revision) in places {
                keys.push(self.opening(stream, revision).await?);
            }
            Ok(keys)
        })
    }

    /// From `revision` on, a new key seals. Doing it again, or for a revision before that, changes nothing. What was on its
    /// way to the log then, sealed with the key before, opens as long as that is not destroyed.
    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>>;

    /// Destroys every key of the stream that sealed below `revision`, file pages included. Doing it again changes
    /// nothing. The stream must have a record at `revision` that the key since then sealed: so nothing that was sealed with
    /// those before can land behind it.
    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{LedgerId, RecordHash, StreamKind},
        time::Timestamp,
    };

    fn place() -> (StreamId, Revision) {
        (StreamId::new(StreamKind::Incoming, Uuid::from_u128(3)), Revision::new(4))
    }

    fn record(draft: &Draft) -> SealedRecord {
        let (stream, revision) = place();
        let mut bytes = Vec::new();
        let genesis = RecordHash::genesis(LedgerId(Uuid::nil()), stream);
        draft.stamp(stream, revision, Timestamp::default(), genesis, &mut bytes);
        SealedRecord::from_bytes(bytes).unwrap()
    }

    fn sealed(key: u8) -> Draft {
        let (stream, revision) = place();
        let cipher = StreamKey::new([key; 32]).cipher();
        cipher.seal(
            stream,
            revision,
            EventKind::new(401),
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            "nội dung".as_bytes(),
        )
    }

    #[test]
    fn what_was_sealed_opens() {
        assert_eq!(StreamKey::new([1; 32]).cipher().open(&record(&sealed(1))).unwrap(), "nội dung".as_bytes());
        assert_eq!(sealed(1), sealed(1));
    }

    #[test]
    fn another_key_or_another_place_does_not_open() {
        assert_eq!(StreamKey::new([2; 32]).cipher().open(&record(&sealed(1))), Err(DoesNotOpen));
        for (at, what) in [
            (1, "stream kind"),
            (2, "kind"),
            (4, "revision"),
            (20, "stream"),
            (36, "organ"),
            (52, "person"),
            (104, "body"),
        ] {
            let mut bytes = record(&sealed(1)).bytes().to_vec();
            bytes[at] ^= 1;
            if let Ok(changed) = SealedRecord::from_bytes(bytes) {
                assert_eq!(StreamKey::new([1; 32]).cipher().open(&changed), Err(DoesNotOpen), "{what}");
            }
        }
    }
}
