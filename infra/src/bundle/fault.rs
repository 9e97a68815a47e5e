//! What is wrong with a bundle, and what that means.

use std::fmt;

use socai_domain::ledger::{Revision, StreamId};

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The file itself.
    Container,
    /// The list of what is in it.
    Manifest,
    /// An entry that is missing, changed, or not one of a bundle.
    Entry,
    /// The fixed text.
    Readme,
    /// The checkpoint, its signature, or its cosignatures.
    Checkpoint,
    /// A checkpoint that the checker holds.
    Held,
    /// A record.
    Record,
    /// The order of a stream's records.
    Chain,
    /// That a record is in the log.
    Proof,
    /// What opens a record.
    Key,
    /// The content of a file.
    File,
    /// Who did it, on what authority.
    Judgement,
    /// The readable trail.
    Trail,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Container,
        Self::Manifest,
        Self::Entry,
        Self::Readme,
        Self::Checkpoint,
        Self::Held,
        Self::Record,
        Self::Chain,
        Self::Proof,
        Self::Key,
        Self::File,
        Self::Judgement,
        Self::Trail,
    ];

    /// A word for programs; it never changes.
    pub fn code(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Manifest => "manifest",
            Self::Entry => "entry",
            Self::Readme => "readme",
            Self::Checkpoint => "checkpoint",
            Self::Held => "held",
            Self::Record => "record",
            Self::Chain => "chain",
            Self::Proof => "proof",
            Self::Key => "key",
            Self::File => "file",
            Self::Judgement => "judgement",
            Self::Trail => "trail",
        }
    }

    /// What it means for whoever relies on the bundle.
    pub fn means(self) -> &'static str {
        match self {
            Self::Container | Self::Manifest | Self::Entry | Self::Readme => {
                "the bundle was changed or damaged after it was exported: get it again from who gave it to you"
            }
            Self::Checkpoint => "nothing shows that the log whose key you gave has signed this history",
            Self::Held => {
                "nothing shows that the log only grew since the checkpoint that you hold; where it shows two histories, keep both \
                 files: they are evidence"
            }
            Self::Record => "a record was changed after it was taken into the ledger, or is of another ledger",
            Self::Chain => "a record was left out, added or put elsewhere",
            Self::Proof => "this record is not shown to be in the log",
            Self::Key => "what this record holds cannot be read, and is not shown to have been erased",
            Self::File => "this file is not the one that was attached, or it is missing",
            Self::Judgement => {
                "by the rules and by what the agency knew then, this was not theirs to do, or something else would have \
                 been written"
            }
            Self::Trail => "the readable trail does not say what the records say: believe the records only",
        }
    }
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Of what kind.
    pub kind: Kind,
    /// In which entry.
    pub entry: Option<String>,
    /// In which record.
    pub record: Option<(StreamId, Revision)>,
    /// What.
    pub what: String,
}

impl Fault {
    pub(crate) fn of(kind: Kind, what: impl fmt::Display) -> Self {
        Self { kind, entry: None, record: None, what: what.to_string() }
    }

    pub(crate) fn entry(kind: Kind, entry: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { entry: Some(entry.into()), ..Self::of(kind, what) }
    }

    pub(crate) fn record(kind: Kind, record: (StreamId, Revision), what: impl fmt::Display) -> Self {
        Self { record: Some(record), ..Self::of(kind, what) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind.code())?;
        if let Some(entry) = &self.entry {
            write!(f, "{entry}: ")?;
        }
        if let Some((stream, revision)) = self.record {
            write!(f, "{stream} revision {revision}: ")?;
        }
        f.write_str(&self.what)
    }
}
