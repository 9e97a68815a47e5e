//! Streams: the history of one thing each.

use std::{fmt, str::FromStr};

use thiserror::Error;
use uuid::Uuid;

/// The kind of thing that a stream is the history of. The number is stored in every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StreamKind {
    /// An agency: units, posts, who holds them when, delegations, calendar, settings.
    Organ = 1,
    /// A person's name and contacts.
    Person = 2,
    /// One number series of one year.
    Register = 3,
    /// An incoming document, from arrival to resolution.
    Incoming = 4,
}

impl StreamKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Organ, Self::Person, Self::Register, Self::Incoming];

    /// The number in a record's header.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The word before the dash in a stream's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Organ => "organ",
            Self::Person => "person",
            Self::Register => "register",
            Self::Incoming => "incoming",
        }
    }
}

/// Names one stream: its kind and a 16-byte key. Written `incoming-018f2f6e-…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    kind: StreamKind,
    key: Uuid,
}

impl StreamId {
    /// The stream of this kind and key.
    pub fn new(kind: StreamKind, key: Uuid) -> Self {
        Self { kind, key }
    }

    /// What the stream is the history of.
    pub fn kind(self) -> StreamKind {
        self.kind
    }

    /// Which one.
    pub fn key(self) -> Uuid {
        self.key
    }

    /// Kind number and key, the 17 bytes that hashes and seals are bound to.
    pub fn to_bytes(self) -> [u8; 17] {
        let mut bytes = [0; 17];
        bytes[0] = self.kind.number();
        bytes[1..].copy_from_slice(self.key.as_bytes());
        bytes
    }

    /// The stream that [`StreamId::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, key) = bytes.split_first()?;
        Some(Self { kind: StreamKind::from_number(*kind)?, key: Uuid::from_slice(key).ok()? })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind.name(), self.key)
    }
}

/// Not the name of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a stream: {0:?}; write its kind, a dash and its id, as in incoming-018f2f6e-0000-7000-8000-000000000000")]
pub struct NotAStream(String);

impl FromStr for StreamId {
    type Err = NotAStream;

    fn from_str(text: &str) -> Result<Self, NotAStream> {
        let wrong = || NotAStream(text.to_owned());
        let (kind, key) = text.split_once('-').ok_or_else(wrong)?;
        let kind = StreamKind::ALL.into_iter().find(|k| k.name() == kind).ok_or_else(wrong)?;
        let key = Uuid::try_parse(key).map_err(|_| wrong())?;
        Ok(Self { kind, key })
    }
}

/// The place of a record in its stream, from 0 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(u64);

impl Revision {
    /// The first record of a stream.
    pub const FIRST: Self = Self(0);

    /// The revision with this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before it; none before the first.
    pub fn before(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_id_survives_its_text() {
        for kind in StreamKind::ALL {
            let id = StreamId::new(kind, Uuid::from_u128(7));
            assert_eq!(id.to_string().parse::<StreamId>(), Ok(id));
            assert_eq!(StreamId::from_bytes(&id.to_bytes()), Some(id));
            assert_eq!(StreamKind::from_number(kind.number()), Some(kind));
        }
        for wrong in ["", "incoming", "incoming-", "incoming-7", "nothing-018f2f6e-0000-7000-8000-000000000000"] {
            assert!(wrong.parse::<StreamId>().is_err(), "{wrong}");
        }
    }
}
