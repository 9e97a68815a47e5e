//! From what was gathered to the bytes of the bundle.

use std::collections::BTreeMap;

use socai_domain::{
    ledger::{RecordKey, SealedRecord},
    proof::{Checkpoint, Note, TlogProof, VerifierKey},
};

use super::{
    container::{self, Entry, TooLarge},
    facts::{Facts, Held},
    html, keys,
    manifest::Manifest,
    names,
    trail::Trail,
    verify::README,
};

/// A record with all that stands beside it.
#[derive(Debug)]
pub(crate) struct Proven {
    /// The record.
    pub(crate) record: SealedRecord,
    /// That it is in the log.
    pub(crate) proof: TlogProof,
    /// What opens it; none where that was destroyed, or the bundle is sealed.
    pub(crate) key: Option<RecordKey>,
}

/// All that goes into a bundle, apart from what is made of it.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) ledger: socai_domain::ledger::LedgerId,
    pub(crate) document: socai_domain::ledger::StreamId,
    pub(crate) sealed: bool,
    pub(crate) note: Note,
    pub(crate) key: VerifierKey,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) records: Vec<Proven>,
    /// The contents of files by their hashes.
    pub(crate) files: BTreeMap<[u8; 32], Vec<u8>>,
    /// The proof that the log grew from an earlier checkpoint.
    pub(crate) consistency: Option<Vec<u8>>,
}

impl Gathered {
    /// What the records say.
    pub(crate) fn facts(&self) -> Facts {
        let keys = self.keys();
        let (ledger, document, sealed) = (self.ledger, self.document, self.sealed);
        let checkpoint = self.checkpoint.clone();
        let mut facts = Facts { ledger, document, sealed, checkpoint, streams: BTreeMap::new() };
        for Proven { record, proof, .. } in &self.records {
            let (stream, revision) = (record.header().stream, record.header().revision);
            let entry = names::record(stream, revision);
            // What cannot be read is told by the check that follows every export.
            let (held, _) = Held::open(record.clone(), proof.index(), &entry, keys.as_ref());
            facts.streams.entry(stream).or_default().push(held);
        }
        facts.streams.values_mut().for_each(|records| records.sort_by_key(|held| held.place().1));
        facts
    }

    fn keys(&self) -> Option<keys::Keys> {
        let key = |Proven { record, key, .. }: &Proven| {
            (names::record(record.header().stream, record.header().revision), key.clone())
        };
        (!self.sealed).then(|| self.records.iter().map(key).collect())
    }

    /// The bundle.
    pub(crate) fn pack(&self) -> Result<Vec<u8>, TooLarge> {
        let trail = Trail::of(&self.facts());
        let mut entries: Vec<Entry> = vec![
            (names::CHECKPOINT.to_owned(), self.note.to_string().into_bytes()),
            (names::LOG_KEY.to_owned(), format!("{}\n", self.key).into_bytes()),
            (names::TRAIL_JSON.to_owned(), trail.to_json()),
            (names::TRAIL_HTML.to_owned(), html::page(&trail).into_bytes()),
        ];
        entries.extend(self.keys().map(|keys| (names::KEYS.to_owned(), keys::write(&keys))));
        entries.extend(self.consistency.clone().map(|proof| (names::CONSISTENCY.to_owned(), proof)));
        for Proven { record, proof, .. } in &self.records {
            let (stream, revision) = (record.header().stream, record.header().revision);
            entries.push((names::record(stream, revision), record.bytes().to_vec()));
            entries.push((names::proof(stream, revision), proof.to_string().into_bytes()));
        }
        entries.extend(self.files.iter().map(|(hash, content)| (names::file(*hash), content.clone())));
        entries.sort();
        entries.insert(0, (names::README.to_owned(), README.as_bytes().to_vec()));
        let manifest = Manifest::of(self.ledger.to_string(), self.document.to_string(), self.sealed, &entries);
        entries.insert(1, (names::MANIFEST.to_owned(), manifest.to_bytes()));
        container::write(&entries)
    }
}
