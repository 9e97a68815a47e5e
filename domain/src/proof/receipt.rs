//! Receipts: the log's signed promise that a record, which it has just taken, will be in its tree within a time.
//!
//! A receipt is a signed note by the log's key (Ed25519, kind 1). Its text is these eight lines and no others:
//!
//! ```text
//! socai receipt v1
//! log <the log's name, as in its checkpoints>
//! record <the record's id, a UUID: the first 16 bytes of the hash, marked as version 8>
//! stream <kind>-<UUID>
//! revision <number in the stream, from 0>
//! hash <the record's hash, 64 hexadecimal digits, small letters>
//! recorded <when the log took it, RFC 3339 with six decimals and +07:00>
//! within <seconds after that: the maximum merge delay>
//! ```
//!
//! The first line has a space, so it is never the name of a log, and the second is no number: a receipt is never a
//! checkpoint, although the same key signs both.

use std::fmt;

use thiserror::Error;

use super::{
    checkpoint::decimal,
    key::{KeyName, SecretKey, VerifierKey},
    note::{NotANote, NotSigned, Note},
};
use crate::{
    ledger::{Header, RecordHash, RecordId, Revision, StreamId},
    time::Timestamp,
};

/// The first line of every receipt.
pub const RECEIPT: &str = "socai receipt v1";

/// What a receipt promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The log that promises.
    pub origin: KeyName,
    /// The record's stream.
    pub stream: StreamId,
    /// Its place there.
    pub revision: Revision,
    /// Its hash, from which its id follows.
    pub hash: RecordHash,
    /// When the log took it.
    pub recorded: Timestamp,
    /// Seconds from then until a signed checkpoint must cover it: the maximum merge delay.
    pub within: u32,
}

/// Why a note is not a receipt of this log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAReceipt {
    /// Not a signed note.
    #[error(transparent)]
    Note(#[from] NotANote),
    /// The log's key has not signed it.
    #[error(transparent)]
    Signature(#[from] NotSigned),
    /// The first line is another.
    #[error("its first line is not `{RECEIPT}`: it is no receipt, or one of a newer socai")]
    Version,
    /// A line is missing, out of place, written in another way, or one too many.
    #[error("its line `{0}` is missing, out of place or not written as a receipt has it")]
    Line(&'static str),
    /// Signed by the key, but of another log.
    #[error("it is of the log {origin}, but the key is that of {key}")]
    OtherOrigin {
        /// The log named in it.
        origin: KeyName,
        /// The log whose key signed.
        key: KeyName,
    },
}

impl Promise {
    /// The record's id.
    pub fn record(&self) -> RecordId {
        self.hash.id()
    }

    /// Until when a signed checkpoint must cover the record.
    pub fn due(&self) -> Timestamp {
        self.recorded.plus_micros(i64::from(self.within) * 1_000_000)
    }

    /// Signs it: from now on the log is held to it.
    pub fn sign(&self, key: &SecretKey) -> Result<Note, NotAReceipt> {
        self.check_origin(key.public())?;
        Ok(Note::sign(self.to_string(), key)?)
    }

    /// Reads a note that must be a receipt of this key's log, signed by the key.
    pub fn open(note: &Note, key: &VerifierKey) -> Result<Self, NotAReceipt> {
        note.verify(key)?;
        let promise = Self::parse(note.text())?;
        promise.check_origin(key)?;
        Ok(promise)
    }

    fn check_origin(&self, key: &VerifierKey) -> Result<(), NotAReceipt> {
        let (origin, key) = (self.origin.clone(), key.name().clone());
        if origin == key { Ok(()) } else { Err(NotAReceipt::OtherOrigin { origin, key }) }
    }

    /// Reads the text of a note.
    pub fn parse(text: &str) -> Result<Self, NotAReceipt> {
        let mut lines = text.split('\n');
        if lines.next() != Some(RECEIPT) {
            return Err(NotAReceipt::Version);
        }
        let mut value = |name| {
            let line = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.ok_or(NotAReceipt::Line(name))
        };
        let wrong = NotAReceipt::Line;
        let origin = value("log")?.parse().map_err(|_| wrong("log"))?;
        let record = value("record")?;
        let promise = Self {
            origin,
            stream: value("stream")?.parse().map_err(|_| wrong("stream"))?,
            revision: decimal(value("revision")?).map(Revision::new).ok_or(wrong("revision"))?,
            hash: value("hash")?.parse().map_err(|_| wrong("hash"))?,
            recorded: Timestamp::parse(value("recorded")?).map_err(|_| wrong("recorded"))?,
            within: decimal(value("within")?).and_then(|seconds| seconds.try_into().ok()).ok_or(wrong("within"))?,
        };
        if promise.record().to_string() != record {
            return Err(wrong("record"));
        }
        // A receipt has one spelling: the line where another was used is at fault.
        let again = promise.to_string();
        let mut differing = again.split('\n').zip(text.split('\n')).filter(|(ours, given)| ours != given);
        match differing.next() {
            None if again == text => Ok(promise),
            None => Err(wrong("within")),
            Some((ours, _)) => {
                let names = ["stream", "revision", "hash", "recorded", "within"];
                Err(wrong(names.into_iter().find(|name| ours.starts_with(name)).unwrap_or("within")))
            }
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, stream, revision, hash, recorded, within } = self;
        let record = self.record();
        write!(f, "{RECEIPT}\nlog {origin}\nrecord {record}\nstream {stream}\nrevision {revision}\n")?;
        write!(f, "hash {hash}\nrecorded {recorded}\nwithin {within}\n")
    }
}

/// How a log stands to what it promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The record is in the tree, at this index.
    Kept(u64),
    /// It is not in this tree, and need not be yet.
    NotYetDue,
    /// It is not in this tree, and nobody says when the tree was the log's latest: it cannot be told.
    Undated,
    /// The promise is broken.
    Broken(Breach),
}

/// A promise not kept. Receipt and checkpoint together convict the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Breach {
    /// The merge delay has passed, and the tree is still without the record.
    #[error(
        "promise not kept: record {record} was due by {due}, but the checkpoint of {size} leaves, the log's latest at \
         {as_of}, is without it"
    )]
    Absent {
        /// The promised record.
        record: RecordId,
        /// Until when it had to be covered.
        due: Timestamp,
        /// When the tree was the log's latest.
        as_of: Timestamp,
        /// Its leaves.
        size: u64,
    },
    /// In the promised place of the stream stands another record.
    #[error(
        "promise not kept: revision {revision} of {stream} was promised with the hash {promised}, but the log holds {found} \
         there, at index {index}: the record was replaced after the receipt was given"
    )]
    OtherHash {
        /// The stream.
        stream: StreamId,
        /// The place.
        revision: Revision,
        /// The promised hash.
        promised: RecordHash,
        /// The hash that is in the tree.
        found: RecordHash,
        /// Where.
        index: u64,
    },
    /// The receipt says of the record what the record itself does not say.
    #[error(
        "false receipt: record {record} is revision {revision} of {stream}; the receipt names another place or time for the \
         same hash"
    )]
    False {
        /// The record.
        record: RecordId,
        /// Its stream.
        stream: StreamId,
        /// Its place there.
        revision: Revision,
    },
}

impl Promise {
    /// How the promise stands, given a record that is proved to be at `index` of the log's tree. `None` if the record has
    /// nothing to do with it: it stands in another place.
    pub fn against_record(&self, header: &Header, hash: RecordHash, index: u64) -> Option<Standing> {
        let Self { stream, revision, hash: promised, recorded, .. } = *self;
        let same_place = (header.stream, header.revision) == (stream, revision);
        if hash == promised {
            let true_to_it = same_place && header.recorded == recorded;
            let breach = Breach::False { record: hash.id(), stream: header.stream, revision: header.revision };
            return Some(if true_to_it { Standing::Kept(index) } else { Standing::Broken(breach) });
        }
        same_place.then_some(Standing::Broken(Breach::OtherHash { stream, revision, promised, found: hash, index }))
    }

    /// How the promise stands, given where the promised hash was found among all entries of a tree of `size` leaves (whose
    /// root was checked against a checkpoint), and when that tree was the log's latest.
    pub fn against_entries(&self, found: Option<u64>, size: u64, as_of: Option<Timestamp>) -> Standing {
        match (found, as_of) {
            (Some(index), _) => Standing::Kept(index),
            (None, None) => Standing::Undated,
            (None, Some(as_of)) if as_of <= self.due() => Standing::NotYetDue,
            (None, Some(as_of)) => {
                Standing::Broken(Breach::Absent { record: self.record(), due: self.due(), as_of, size })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{
        checkpoint::Checkpoint,
        key::SignatureKind,
        testing::{Tree, record},
    };
    use super::*;
    use crate::ledger::{EventKind, StreamKind};

    fn key(seed: u8) -> SecretKey {
        SecretKey::new(KeyName::new("log.example").unwrap(), SignatureKind::Note, &[seed; 32])
    }

    fn promise() -> Promise {
        Promise {
            origin: KeyName::new("log.example").unwrap(),
            stream: StreamId::new(StreamKind::Incoming, Uuid::from_u128(7)),
            revision: Revision::new(3),
            hash: record(5),
            recorded: Timestamp::parse("2026-11-21T08:02:00.000001+07:00").unwrap(),
            within: 60,
        }
    }

    #[test]
    fn a_receipt_has_eight_lines() {
        let text = promise().to_string();
        let (hash, id) = (record(5), record(5).id());
        assert_eq!(
            text,
            format!(
                "socai receipt v1\nlog log.example\nrecord {id}\nstream incoming-00000000-0000-0000-0000-000000000007\n\
                 revision 3\nhash {hash}\nrecorded 2026-11-21T08:02:00.000001+07:00\nwithin 60\n"
            )
        );
        assert_eq!(Promise::parse(&text), Ok(promise()));
        assert_eq!(promise().due().to_string(), "2026-11-21T08:03:00.000001+07:00");
    }

    #[test]
    fn one_flipped_bit_anywhere_is_found() {
        let text = promise().sign(&key(1)).unwrap().to_string();
        let opened = |bytes: &[u8]| Promise::open(&Note::parse(bytes)?, key(1).public());
        assert_eq!(opened(text.as_bytes()), Ok(promise()));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&bytes).is_err(), "bit {bit}: {}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_receipt_has_one_spelling() {
        let text = promise().to_string();
        let error = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Promise::parse(&text.replacen(from, to, 1)).unwrap_err()
        };
        let hash = record(5).to_string();
        for (from, to, line) in [
            ("log.example", "log example", "log"),
            ("log log.example\n", "", "log"),
            ("record ", "record  ", "record"),
            ("record ", "Record ", "record"),
            (&record(5).id().to_string(), &record(6).id().to_string(), "record"),
            (&record(5).id().to_string(), &record(5).id().to_string().to_uppercase(), "record"),
            ("incoming-", "outward-", "stream"),
            ("000000000007", "00000000000A", "stream"),
            ("-0000-0000-0000-", "000000000000", "stream"),
            ("revision 3", "revision 03", "revision"),
            ("revision 3", "revision +3", "revision"),
            (&hash, &hash.to_uppercase(), "hash"),
            ("+07:00", "+08:00", "recorded"),
            (".000001", ".0000011", "recorded"),
            ("2026-", "1726-", "recorded"),
            ("T", "t", "recorded"),
            ("within 60", "within 060", "within"),
            ("within 60", "within 4294967296", "within"),
            ("within 60\n", "within 60", "within"),
            ("within 60\n", "within 60\nmore\n", "within"),
            ("within 60\n", "", "within"),
        ] {
            assert_eq!(error(from, to), NotAReceipt::Line(line), "{from:?} as {to:?}");
        }
        assert_eq!(error("v1", "v2"), NotAReceipt::Version);
        assert_eq!(Promise::parse(""), Err(NotAReceipt::Version));
    }

    #[test]
    fn a_receipt_is_of_its_log_and_never_a_checkpoint() {
        let (mine, other) =
            (key(1), SecretKey::new(KeyName::new("other.example").unwrap(), SignatureKind::Note, &[1; 32]));
        let note = promise().sign(&mine).unwrap();
        assert!(matches!(
            Promise::open(&note, key(2).public()),
            Err(NotAReceipt::Signature(NotSigned::Missing { .. }))
        ));
        assert!(matches!(promise().sign(&other), Err(NotAReceipt::OtherOrigin { .. })));
        let foreign = Note::sign(promise().to_string(), &other).unwrap();
        assert!(matches!(Promise::open(&foreign, other.public()), Err(NotAReceipt::OtherOrigin { .. })));
        assert!(Checkpoint::open(&note, mine.public()).is_err());
        let tree = Tree::of(3);
        let head = super::super::TreeHead { size: 3, root: tree.root(3) };
        let checkpoint = Checkpoint::new(promise().origin, head).sign(&mine).unwrap();
        assert_eq!(Promise::open(&checkpoint, mine.public()), Err(NotAReceipt::Version));
    }

    #[test]
    fn a_promise_is_kept_where_the_record_is_in_the_tree() {
        assert_eq!(promise().against_entries(Some(5), 8, None), Standing::Kept(5));
        let due = promise().due();
        assert_eq!(promise().against_entries(None, 5, None), Standing::Undated);
        assert_eq!(promise().against_entries(None, 5, Some(due)), Standing::NotYetDue);
        let late = promise().against_entries(None, 5, Some(due.plus_micros(1)));
        let Standing::Broken(breach @ Breach::Absent { size: 5, .. }) = late else { panic!("{late:?}") };
        assert!(breach.to_string().starts_with("promise not kept: record "), "{breach}");
    }

    #[test]
    fn a_replaced_record_is_named() {
        let Promise { stream, revision, hash, .. } = promise();
        let header = Header {
            kind: EventKind::new(401),
            stream,
            revision,
            recorded: promise().recorded,
            organ: Uuid::nil(),
            person: Uuid::nil(),
            previous: record(1),
        };
        assert_eq!(promise().against_record(&header, hash, 9), Some(Standing::Kept(9)));
        for other in [
            Header { revision: revision.next(), ..header },
            Header { recorded: header.recorded.plus_micros(1), ..header },
            Header { stream: StreamId::new(StreamKind::Person, stream.key()), ..header },
        ] {
            let standing = promise().against_record(&other, hash, 9);
            assert!(matches!(standing, Some(Standing::Broken(Breach::False { .. }))), "{standing:?}");
        }
        let breach = Breach::OtherHash { stream, revision, promised: hash, found: record(6), index: 9 };
        assert_eq!(promise().against_record(&header, record(6), 9), Some(Standing::Broken(breach)));
        let elsewhere = Header { revision: revision.next(), ..header };
        assert_eq!(promise().against_record(&elsewhere, record(6), 9), None);
    }
}
