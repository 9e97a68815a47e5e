//! Verifying a proof offline: a file from the log, the log's key, and whatever else the asker holds. No ledger is opened.

use socai_domain::{
    ledger::{Header, RecordHash, RecordId, SealedRecord, record::NotARecord},
    proof::{
        Checkpoint, Frontier, Note, Policy, Promise, Tile, TileKind, TlogProof, TreeHash,
        bundle::read_entries,
        consistency::NotConsistent,
        leaf_hash,
        note::NotANote,
        policy::{Accepted, NotAccepted},
        receipt::{Breach, NotAReceipt, Standing},
        tlog_proof::{NotAProof, NotProved, TLOG_PROOF},
    },
    time::Timestamp,
};
use thiserror::Error;

/// Gives the bytes of a file of the log by its path, or says why not.
pub type Entries<'a> = &'a dyn Fn(Tile) -> Result<Vec<u8>, String>;

/// What is asked of a file.
pub struct Question<'a> {
    /// A proof (`.tlog-proof`), or a signed checkpoint alone.
    pub file: &'a [u8],
    /// Whom the asker believes.
    pub policy: &'a Policy,
    /// The record itself, if the asker has it.
    pub record: Option<&'a [u8]>,
    /// The receipt, if the asker got one.
    pub receipt: Option<&'a [u8]>,
    /// All entries of the log, if the asker has fetched them.
    pub entries: Option<Entries<'a>>,
    /// When the asker got the checkpoint as the log's latest. Without it, what witnesses say counts.
    pub at: Option<Timestamp>,
    /// Another checkpoint of the log, or a proof that bears one, which the asker holds.
    pub held: Option<&'a [u8]>,
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("policy", self.policy).field("at", &self.at).finish_non_exhaustive()
    }
}

/// What a good file shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The record's hash.
    pub record: RecordHash,
    /// How it is known.
    pub known_by: KnownBy,
    /// What the record's header says, if the record was given.
    pub header: Option<Header>,
    /// Its place in the order of the whole ledger.
    pub index: u64,
    /// The checkpoint, who signed and who cosigned it.
    pub accepted: Accepted,
    /// The promise that is kept, if a receipt was given.
    pub promise: Option<Promise>,
    /// What the checkpoint that the asker holds says to it, if one was given.
    pub held: Option<Held>,
}

/// What another checkpoint of the log says to the one in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Both are of the same tree.
    Same,
    /// It is of a tree of another size, and the entries show that the larger one grew from the smaller.
    Grown(u64),
    /// It is of a tree of so many records, another size: nothing here shows whether one grew from the other.
    NotCompared(u64),
}

/// Where the hash that was proved comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// Computed from the record's bytes.
    Record,
    /// The receipt names it.
    Receipt,
    /// The proof itself names it: which record that is, the asker must know from elsewhere.
    Proof,
}

/// The first thing that fails.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Failure {
    /// The file is no proof.
    #[error("the proof: {0}")]
    NotAProof(#[from] NotAProof),
    /// The file is no signed checkpoint.
    #[error("the file is neither a proof nor a signed checkpoint: {0}")]
    NotACheckpoint(NotANote),
    /// The checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(#[from] NotAccepted),
    /// The record's file holds none.
    #[error("the record: {0}")]
    NotARecord(#[from] NotARecord),
    /// What the asker holds is no checkpoint that they believe.
    #[error("the checkpoint that you hold: {0}")]
    NotHeld(String),
    /// Two trees that no honest log signs both.
    #[error("the checkpoint that you hold and this one are {0}")]
    SplitView(NotConsistent),
    /// The receipt is not the log's.
    #[error("the receipt: {0}")]
    NotAReceipt(#[from] NotAReceipt),
    /// Nothing says which record is meant.
    #[error("the file does not say which record it proves: give the record or the receipt")]
    WhichRecord,
    /// A checkpoint names no record.
    #[error("a checkpoint alone proves of no record that it is there: give the proof, or all entries of the log")]
    NoProof,
    /// The record is not proved to be in the tree.
    #[error("{0}{due}", due = due(*.1))]
    Inclusion(Box<NotProved>, Option<Timestamp>),
    /// The file proves another record than is asked about.
    #[error("the file proves record {proved}, but not record {asked}, which is asked about{due}", due = due(*.by))]
    OtherProof {
        /// What the file proves.
        proved: RecordId,
        /// What it should prove.
        asked: RecordId,
        /// Until when it was promised to be there, if a receipt was given.
        by: Option<Timestamp>,
    },
    /// Receipt and record are of two records.
    #[error("the receipt is for {promised}, but the record given is {given}: they do not belong together")]
    OtherReceipt {
        /// Stream and revision in the receipt.
        promised: String,
        /// Stream and revision of the record.
        given: String,
    },
    /// A file of entries is missing or not what it should be.
    #[error("the entries: {0}")]
    Entries(String),
    /// The entries are not those of the checkpoint.
    #[error("the entries: they lead to the root {0}, not to that of the checkpoint: fetch them again from the log")]
    EntriesRoot(TreeHash),
    /// The record is not among the entries.
    #[error("record {record} is not in the log of {size} entries")]
    Absent {
        /// The record.
        record: RecordId,
        /// Entries of the log.
        size: u64,
    },
    /// It is not there, but was not promised to be yet.
    #[error("record {record} is not in the log yet; it was promised by {by}: ask again after that")]
    NotYetDue {
        /// The record.
        record: RecordId,
        /// Until when it must be there.
        by: Timestamp,
    },
    /// It is not there, and it is not known of when the checkpoint is.
    #[error(
        "record {record} is not in the log of this checkpoint; whether it should be, depends on when the checkpoint was the \
         latest, which no witness says: give the time at which you got it (it was promised by {by})"
    )]
    Undated {
        /// The record.
        record: RecordId,
        /// Until when it must be there.
        by: Timestamp,
    },
    /// The log broke a promise.
    #[error(transparent)]
    Broken(#[from] Breach),
}

/// What a receipt adds to a proof that fails.
fn due(by: Option<Timestamp>) -> String {
    let told = |by: Timestamp| {
        format!(
            ". It was promised by {by}: give the record that stands in its place, or all entries of the log, to see \
             whether the promise is broken"
        )
    };
    by.map(told).unwrap_or_default()
}

impl Failure {
    /// A word for programs; it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAProof(_) => "not_a_proof",
            Self::NotACheckpoint(_) => "not_a_checkpoint",
            Self::Checkpoint(NotAccepted::Quorum { .. }) => "quorum",
            Self::Checkpoint(_) => "checkpoint",
            Self::NotARecord(_) => "not_a_record",
            Self::NotHeld(_) => "held",
            Self::SplitView(_) => "split_view",
            Self::NotAReceipt(_) => "receipt",
            Self::WhichRecord => "which_record",
            Self::NoProof => "no_proof",
            Self::Inclusion(..) => "inclusion",
            Self::OtherProof { .. } => "other_record",
            Self::OtherReceipt { .. } => "other_receipt",
            Self::Entries(_) | Self::EntriesRoot(_) => "entries",
            Self::Absent { .. } => "absent",
            Self::NotYetDue { .. } => "not_yet_due",
            Self::Undated { .. } => "undated",
            Self::Broken(_) => "promise_broken",
        }
    }
}

impl Question<'_> {
    /// What the file shows, or the first thing that fails.
    pub fn answer(&self) -> Result<Answer, Failure> {
        let (proof, checkpoint) = read(self.file)?;
        let accepted = self.policy.check(&checkpoint)?;
        let held = self.held(&accepted.checkpoint)?;
        if let Some(split) = held.as_ref().and_then(|held| held.split_view(&accepted.checkpoint)) {
            return Err(Failure::SplitView(split));
        }
        let record = self.record.map(SealedRecord::from_bytes).transpose()?;
        let promise = self.promise(&accepted)?;
        let stated = proof.as_ref().and_then(TlogProof::stated_record);
        let (hash, known_by) = match (&record, &promise, stated) {
            (Some(record), ..) => (record.hash(), KnownBy::Record),
            (None, Some(promise), _) => (promise.hash, KnownBy::Receipt),
            (None, None, Some(stated)) => (stated, KnownBy::Proof),
            (None, None, None) => return Err(Failure::WhichRecord),
        };
        let index = match (self.entries, &proof) {
            (Some(entries), _) => self.find(entries, hash, promise.as_ref(), &accepted, held.as_ref())?,
            (None, Some(proof)) => self.prove(proof, hash, promise.as_ref())?,
            (None, None) => return Err(Failure::NoProof),
        };
        let header = record.as_ref().map(|record| *record.header());
        if let (Some(promise), Some(header)) = (&promise, &header) {
            let place = |stream, revision| format!("{stream} revision {revision}");
            match promise.against_record(header, hash, index) {
                Some(Standing::Broken(breach)) => return Err(breach.into()),
                Some(_) => {}
                None => {
                    let (promised, given) =
                        (place(promise.stream, promise.revision), place(header.stream, header.revision));
                    return Err(Failure::OtherReceipt { promised, given });
                }
            }
        }
        let held = held.map(|held| match held.size() {
            size if size == accepted.checkpoint.size() => Held::Same,
            size if self.entries.is_some() && size < accepted.checkpoint.size() => Held::Grown(size),
            size => Held::NotCompared(size),
        });
        Ok(Answer { record: hash, known_by, header, index, accepted, promise, held })
    }

    /// The checkpoint that the asker holds, which the log of this one must have signed, whoever saw it.
    fn held(&self, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>, Failure> {
        let Some(bytes) = self.held else { return Ok(None) };
        let (_, note) = read(bytes).map_err(|failure| Failure::NotHeld(failure.to_string()))?;
        let (_, held) = self.policy.signed(&note).map_err(|error| Failure::NotHeld(error.to_string()))?;
        if held.origin() != checkpoint.origin() {
            return Err(Failure::NotHeld(format!("it is of the log {}", held.origin())));
        }
        Ok(Some(held))
    }

    fn promise(&self, accepted: &Accepted) -> Result<Option<Promise>, NotAReceipt> {
        let open = |bytes| Promise::open(&Note::parse(bytes)?, &accepted.key);
        self.receipt.map(open).transpose()
    }

    /// The way to the root, for this hash.
    fn prove(&self, proof: &TlogProof, hash: RecordHash, promise: Option<&Promise>) -> Result<u64, Failure> {
        let by = promise.filter(|promise| promise.hash == hash).map(Promise::due);
        match proof.verify(hash, self.policy) {
            Ok(proved) => Ok(proved.index),
            Err(failed) => {
                let other = proof.stated_record().filter(|stated| proof.verify(*stated, self.policy).is_ok());
                Err(match other {
                    Some(other) => Failure::OtherProof { proved: other.id(), asked: hash.id(), by },
                    None => Failure::Inclusion(Box::new(failed), by),
                })
            }
        }
    }

    /// Where the hash stands among all entries, which must be those of the checkpoint.
    fn find(
        &self,
        entries: Entries<'_>,
        hash: RecordHash,
        promise: Option<&Promise>,
        accepted: &Accepted,
        earlier: Option<&Checkpoint>,
    ) -> Result<u64, Failure> {
        let head = accepted.checkpoint.head();
        let (mut frontier, mut found) = (Frontier::new(), None);
        let at_earlier =
            |frontier: &Frontier| earlier.filter(|earlier| earlier.size() == frontier.size()).map(|_| frontier.root());
        let mut root_then = at_earlier(&frontier);
        for index in 0..head.size.div_ceil(256) {
            let tile = Tile::within(TileKind::Entries, index, head.size).ok_or(Failure::NoProof)?;
            let bytes = entries(tile).map_err(Failure::Entries)?;
            let records = read_entries(tile, &bytes).map_err(|wrong| Failure::Entries(wrong.to_string()))?;
            for record in records {
                if record == hash {
                    found = found.or(Some(frontier.size()));
                }
                frontier.append(leaf_hash(&record));
                root_then = root_then.or_else(|| at_earlier(&frontier));
            }
        }
        if frontier.root() != head.root {
            return Err(Failure::EntriesRoot(frontier.root()));
        }
        if let (Some(earlier), Some(root)) = (earlier, root_then)
            && earlier.root() != root
        {
            let split = NotConsistent::SplitView { size: earlier.size(), one: earlier.root(), other: root };
            return Err(Failure::SplitView(split));
        }
        let (record, size) = (hash.id(), head.size);
        let Some(promise) = promise.filter(|promise| promise.hash == hash) else {
            return found.ok_or(Failure::Absent { record, size });
        };
        let as_of = self.at.or_else(|| accepted.witnessed.iter().map(|(_, at)| *at).max());
        match promise.against_entries(found, size, as_of) {
            Standing::Kept(index) => Ok(index),
            Standing::NotYetDue => Err(Failure::NotYetDue { record, by: promise.due() }),
            Standing::Undated => Err(Failure::Undated { record, by: promise.due() }),
            Standing::Broken(breach) => Err(breach.into()),
        }
    }
}

/// A proof with its checkpoint, or a signed checkpoint alone.
fn read(file: &[u8]) -> Result<(Option<TlogProof>, Note), Failure> {
    if file.starts_with(TLOG_PROOF.as_bytes()) {
        let proof = TlogProof::parse(file)?;
        let note = proof.checkpoint().clone();
        return Ok((Some(proof), note));
    }
    Ok((None, Note::parse(file).map_err(Failure::NotACheckpoint)?))
}

#[cfg(test)]
mod tests;
