//! What is folded of the history: the same for us and for the peers.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use socai_domain::{
    incoming,
    ledger::{DomainEvent, Header, Opened, StreamId, StreamKind},
    time::Timestamp,
};
use socai_projections::replay::Fold;
use uuid::Uuid;

/// Folds what it is given by multiplication: what is compared is reading, not hashing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }
    fn write_i64(&mut self, word: i64) {
        self.write_u64(word.cast_unsigned());
    }
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// Records by kind, day and organ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(Map<(u16, i64, Uuid), u64>);

impl Counts {
    pub(crate) fn take(&mut self, kind: u16, recorded: i64, organ: Uuid) {
        // Vietnam is seven hours ahead all year.
        let day = (recorded + 7 * 3_600_000_000).div_euclid(86_400_000_000);
        *self.0.entry((kind, day, organ)).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    pub(crate) fn records(&self) -> u64 {
        self.0.values().sum()
    }
}

/// What is known of a document.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    records: u32,
    last: Timestamp,
    about: String,
    reports: u32,
    resolved: bool,
}

/// Documents, from their opened records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Documents(pub(crate) Map<StreamId, Known>);

impl Fold for Documents {
    fn take(&mut self, _: i64, header: &Header, opened: &Opened) {
        if header.stream.kind() != StreamKind::Incoming {
            return;
        }
        let known = self.0.entry(header.stream).or_default();
        known.records += 1;
        known.last = header.recorded;
        match opened {
            Opened::Event(_, DomainEvent::Incoming(incoming::Event::Arrived(e))) => {
                known.about = e.details.abstract_text.to_string();
            }
            Opened::Event(_, DomainEvent::Incoming(incoming::Event::ProgressReported(_))) => known.reports += 1,
            Opened::Event(_, DomainEvent::Incoming(incoming::Event::Resolved(_))) => known.resolved = true,
            _ => {}
        }
    }
}
