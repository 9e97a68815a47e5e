//! The sealed record: the bytes that are hashed, chained and kept, the same on every engine.
//!
//! | bytes | field | encoding |
//! |---|---|---|
//! | 0 | version | 1 |
//! | 1 | stream kind | u8 |
//! | 2–3 | event kind | u16, little-endian |
//! | 4–11 | revision | u64, little-endian |
//! | 12–19 | recorded time | i64, microseconds since 1970, little-endian |
//! | 20–35 | stream key | 16 bytes |
//! | 36–51 | organ | key of the organ's stream; zero where there is none |
//! | 52–67 | acting person | key of the person's stream; zero for the system itself |
//! | 68–99 | previous | hash of the stream's previous record, or the genesis value |
//! | 100– | body | AES-256-GCM-SIV of the body, with its 16-byte tag |
//!
//! The hash is BLAKE3 in derive-key mode, context [`RECORD_CONTEXT`], over all of it.

use std::{fmt, str::FromStr, sync::LazyLock};

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use thiserror::Error;
use uuid::Uuid;

use super::{EventKind, Revision, StreamId, StreamKind};
use crate::time::Timestamp;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 100;
/// The longest record, header included, in bytes. C2SP logs have the same bound for an entry.
pub const MAX_RECORD_LEN: usize = 65_535;
/// The context of the record hash.
pub const RECORD_CONTEXT: &str = "socai 2026-11 record v1";
/// The context of the genesis value, over ledger id and stream.
pub const GENESIS_CONTEXT: &str = "socai 2026-11 genesis v1";

const VERSION: u8 = 1;

/// Names one ledger, for ever and on every engine: chains begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId(pub Uuid);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The hash of a record; it commits to the stream's whole past.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordHash(pub [u8; 32]);

impl RecordHash {
    /// What the first record of a stream names as its predecessor.
    pub fn genesis(ledger: LedgerId, stream: StreamId) -> Self {
        static KEY: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(GENESIS_CONTEXT));
        let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
        hasher.update(ledger.0.as_bytes()).update(&stream.to_bytes());
        Self(hasher.finalize().into())
    }

    /// The hash of a record's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        static KEY: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(RECORD_CONTEXT));
        let mut hasher = blake3::Hasher::new_from_context_key(&KEY);
        Self(hasher.update(bytes).finalize().into())
    }

    /// The record's id: a UUID (version 8) of the hash's first bytes. Same id, same content after the same past.
    pub fn id(self) -> RecordId {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[..16]);
        RecordId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a hash: write 64 hexadecimal digits")]
pub struct NotAHash;

impl FromStr for RecordHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        blake3::Hash::from_hex(text).map(|hash| Self(hash.into())).map_err(|_| NotAHash)
    }
}

/// Names a record by its content and past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub Uuid);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event sealed for one place in one stream, before the log's writer has given it its time and its predecessor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What happened.
    pub kind: EventKind,
    /// The organ whose document, register or person it is.
    pub organ: Uuid,
    /// Who acted; nil for the system itself.
    pub person: Uuid,
    /// The sealed body.
    pub body: Vec<u8>,
}

impl Draft {
    /// Length of the record that this becomes.
    pub fn record_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Appends the record's bytes to `out` and returns their hash. This is the only place where a record is made.
    pub fn stamp(
        &self,
        stream: StreamId,
        revision: Revision,
        recorded: Timestamp,
        previous: RecordHash,
        out: &mut Vec<u8>,
    ) -> RecordHash {
        let start = out.len();
        let header =
            Header { kind: self.kind, stream, revision, recorded, organ: self.organ, person: self.person, previous };
        out.extend_from_slice(&header.to_bytes());
        out.extend_from_slice(&self.body);
        RecordHash::of(&out[start..])
    }

    /// Is `record` this draft, whenever and after whatever it was stamped?
    pub fn became(&self, record: &SealedRecord) -> bool {
        let header = record.header();
        header.kind == self.kind
            && header.organ == self.organ
            && header.person == self.person
            && record.body() == self.body
    }
}

/// The part of a record that stays in clear: what replay, filters and verification need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub stream: StreamId,
    /// Where in its history.
    pub revision: Revision,
    /// When the log took it. Never goes back along the log.
    pub recorded: Timestamp,
    /// The organ concerned; nil where there is none.
    pub organ: Uuid,
    /// Who acted; nil for the system itself.
    pub person: Uuid,
    /// Hash of the stream's previous record, or the genesis value.
    pub previous: RecordHash,
}

/// Bytes that are not a record of this version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotARecord {
    /// Fewer bytes than a header and a tag.
    #[error("a record has at least {HEADER_LEN} bytes, these are {0}")]
    TooShort(usize),
    /// More than [`MAX_RECORD_LEN`].
    #[error("a record has at most {MAX_RECORD_LEN} bytes, these are {0}")]
    TooLong(usize),
    /// Written by a newer program.
    #[error("record version {0} is unknown; a newer socai wrote it")]
    Version(u8),
    /// Written by a newer program.
    #[error("stream kind {0} is unknown; a newer socai wrote it")]
    StreamKind(u8),
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

impl Header {
    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = VERSION;
        bytes[1] = self.stream.kind().number();
        bytes[2..4].copy_from_slice(&self.kind.number().to_le_bytes());
        bytes[4..12].copy_from_slice(&self.revision.number().to_le_bytes());
        bytes[12..20].copy_from_slice(&self.recorded.as_micros().to_le_bytes());
        bytes[20..36].copy_from_slice(self.stream.key().as_bytes());
        bytes[36..52].copy_from_slice(self.organ.as_bytes());
        bytes[52..68].copy_from_slice(self.person.as_bytes());
        bytes[68..100].copy_from_slice(&self.previous.0);
        bytes
    }

    /// Reads the header at the front of a record's bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, NotARecord> {
        Ok(Self::of(Self::check(bytes)?, bytes))
    }

    /// Is there a header at the front of these bytes? The kind of its stream, if so.
    pub(super) fn check(bytes: &[u8]) -> Result<StreamKind, NotARecord> {
        if bytes.len() < HEADER_LEN {
            return Err(NotARecord::TooShort(bytes.len()));
        }
        if bytes[0] != VERSION {
            return Err(NotARecord::Version(bytes[0]));
        }
        StreamKind::from_number(bytes[1]).ok_or(NotARecord::StreamKind(bytes[1]))
    }

    /// The header at the front of bytes that were checked.
    pub(super) fn of(kind: StreamKind, bytes: &[u8]) -> Self {
        Self {
            kind: EventKind::new(u16::from_le_bytes(array(bytes, 2))),
            stream: StreamId::new(kind, Uuid::from_bytes(array(bytes, 20))),
            revision: Revision::new(u64::from_le_bytes(array(bytes, 4))),
            recorded: Timestamp::from_micros(i64::from_le_bytes(array(bytes, 12))),
            organ: Uuid::from_bytes(array(bytes, 36)),
            person: Uuid::from_bytes(array(bytes, 52)),
            previous: RecordHash(array(bytes, 68)),
        }
    }
}

/// A record as every engine keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRecord {
    header: Header,
    bytes: Box<[u8]>,
}

impl SealedRecord {
    /// Takes a record's bytes. Says nothing about its hash: see [`SealedRecord::hash`].
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Result<Self, NotARecord> {
        let bytes = bytes.into();
        if bytes.len() > MAX_RECORD_LEN {
            return Err(NotARecord::TooLong(bytes.len()));
        }
        Ok(Self { header: Header::read(&bytes)?, bytes })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The sealed body.
    pub fn body(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..]
    }

    /// Header and sealed body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash over all bytes, computed anew.
    pub fn hash(&self) -> RecordHash {
        RecordHash::of(&self.bytes)
    }
}

impl fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRecord")
            .field("header", &self.header)
            .field("body", &self.body().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            kind: EventKind::new(401),
            organ: Uuid::from_u128(1),
            person: Uuid::from_u128(2),
            body: b"sealed".to_vec(),
        }
    }

    fn stamped(ledger: u128) -> (RecordHash, SealedRecord) {
        let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(3));
        let mut bytes = Vec::new();
        let genesis = RecordHash::genesis(LedgerId(Uuid::from_u128(ledger)), stream);
        let hash = draft().stamp(stream, Revision::FIRST, Timestamp::from_micros(1_000), genesis, &mut bytes);
        (hash, SealedRecord::from_bytes(bytes).unwrap())
    }

    #[test]
    fn a_stamped_draft_reads_back() {
        let (hash, record) = stamped(9);
        assert_eq!(record.hash(), hash);
        assert!(draft().became(&record));
        assert_eq!(record.header().recorded, Timestamp::from_micros(1_000));
        assert_eq!(Header::read(&record.header().to_bytes()), Ok(*record.header()));
        assert_eq!(hash.to_string().parse::<RecordHash>(), Ok(hash));
    }

    #[test]
    fn the_hash_is_plain_derive_key_mode() {
        assert_eq!(RecordHash::of(b"record").0, blake3::derive_key(RECORD_CONTEXT, b"record"));
    }

    #[test]
    fn every_byte_is_hashed() {
        let (hash, record) = stamped(9);
        for at in 0..record.bytes().len() {
            let mut bytes = record.bytes().to_vec();
            bytes[at] ^= 1;
            assert_ne!(RecordHash::of(&bytes), hash, "byte {at}");
        }
    }

    #[test]
    fn a_chain_belongs_to_its_ledger() {
        assert_ne!(stamped(1).0, stamped(2).0);
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(SealedRecord::from_bytes(vec![1; 99]), Err(NotARecord::TooShort(99)));
        assert_eq!(SealedRecord::from_bytes(vec![2; 120]), Err(NotARecord::Version(2)));
        assert_eq!(SealedRecord::from_bytes(vec![1; 70_000]), Err(NotARecord::TooLong(70_000)));
    }
}
