//! What every layer's check comes to.

use std::{collections::BTreeSet, fmt, str::FromStr};

use socai_domain::ledger::StreamId;

use crate::blobs::BlobHash;

/// A layer of the product, from the ground up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Segments, records, chains, heads.
    Log,
    /// The side files of sealed segments: where each stream ends.
    Index,
    /// The key ring and its master key.
    Keys,
    /// The reactions: their checkpoint, and what was begun and not ended.
    Reactions,
    /// The read models.
    Views,
    /// The files of documents.
    Files,
    /// The notary's store: tree, checkpoints, cosignatures.
    Notary,
}

impl Kind {
    /// All, in the order in which they are checked.
    pub const ALL: [Self; 7] =
        [Self::Log, Self::Index, Self::Keys, Self::Reactions, Self::Views, Self::Files, Self::Notary];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Index => "index",
            Self::Keys => "keys",
            Self::Reactions => "reactions",
            Self::Views => "views",
            Self::Files => "files",
            Self::Notary => "notary",
        }
    }

    /// What the program ends with when this is the first layer with a fault.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Log => 10,
            Self::Index => 11,
            Self::Keys => 12,
            Self::Reactions => 13,
            Self::Views => 14,
            Self::Files => 15,
            Self::Notary => 16,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| format!("give one of {}", names()))
    }
}

/// Something that is wrong. `docs/FSCK.md` says of each name what it means and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of wrong: stable, for programs.
    pub name: &'static str,
    /// What and where, and what to do.
    pub message: String,
    /// The stream concerned, where there is one.
    pub stream: Option<StreamId>,
    /// The place in the log of the record concerned, where there is one.
    pub record: Option<u64>,
}

impl Fault {
    pub(super) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), stream: None, record: None }
    }

    pub(super) fn of(self, stream: StreamId) -> Self {
        Self { stream: Some(stream), ..self }
    }

    pub(super) fn at(self, record: u64) -> Self {
        Self { record: Some(record), ..self }
    }
}

/// What became of a layer's check.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Which layer.
    pub kind: Kind,
    /// How many things of which sort were looked at.
    pub counts: Vec<(&'static str, u64)>,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
    /// How many things are wrong, as far as was looked.
    pub faults: u64,
    /// Why it, or a part of it, could not be looked at.
    pub unchecked: Option<String>,
    /// Why there is nothing here that could be looked at.
    pub left_out: Option<String>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// Files that no document has.
    pub unattached: Unattached,
}

/// Files that no document has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unattached {
    /// The first of them by hash, at most [`Unattached::MOST`].
    pub first: BTreeSet<BlobHash>,
    /// How many more there are.
    pub more: u64,
}

impl Unattached {
    /// So many are named.
    pub const MOST: usize = 100;

    pub(super) fn add(&mut self, hash: BlobHash) {
        self.first.insert(hash);
        if self.first.len() > Self::MOST {
            self.first.pop_last();
            self.more += 1;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.first.len() as u64 + self.more
    }
}

impl Layer {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            counts: Vec::new(),
            fault: None,
            faults: 0,
            unchecked: None,
            left_out: None,
            notes: Vec::new(),
            unattached: Unattached::default(),
        }
    }

    pub(super) fn unchecked(kind: Kind, why: impl Into<String>) -> Self {
        Self { unchecked: Some(why.into()), ..Self::new(kind) }
    }

    pub(super) fn left_out(kind: Kind, why: impl Into<String>) -> Self {
        Self { left_out: Some(why.into()), ..Self::new(kind) }
    }

    pub(super) fn count(&mut self, what: &'static str, number: u64) {
        self.counts.push((what, number));
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Another thing is wrong. The first one in the log is told; of those that have no place in it, the first that was met.
    pub(super) fn wrong(&mut self, fault: Fault) {
        self.faults += 1;
        let place = |fault: &Fault| fault.record.unwrap_or(0);
        if self.fault.as_ref().is_none_or(|first| place(&fault) < place(first)) {
            self.fault = Some(fault);
        }
    }

    pub(super) fn with(mut self, fault: Fault) -> Self {
        self.wrong(fault);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_has_a_name_and_a_code_of_its_own() {
        let codes: Vec<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b) && codes[0] > 2, "1 and 2 are said by every subcommand");
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("tree".parse::<Kind>().unwrap_err().contains("reactions"));
    }

    #[test]
    fn the_first_in_the_log_is_told() {
        let mut layer = Layer::new(Kind::Keys);
        for place in [7, 5, 9] {
            layer.wrong(Fault::new("n", place.to_string()).at(place));
        }
        assert_eq!((layer.faults, layer.fault.unwrap().record), (3, Some(5)));
    }
}
