//! Checking a bundle: offline, with nothing but the log's key from elsewhere.
//!
//! container → manifest → checkpoint and cosignatures → each record's proof → chains → keys → files → judgement → trail

use socai_domain::{
    ledger::{LedgerId, StreamId},
    proof::{Checkpoint, Note, Policy, VerifierKey, policy::Accepted},
};
use uuid::Uuid;

use super::{
    consistency, container,
    facts::Facts,
    fault::{Fault, Kind},
    html,
    judge::{self, Judged, Verdict},
    keys::{self, Keys},
    manifest::{Manifest, RENDERING},
    names,
    records::{self, Against, Entries},
    trail::Trail,
};
use crate::blobs::BlobHash;

/// The fixed text.
pub(crate) const README: &str = include_str!("readme.txt");

/// What is asked of a bundle.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The bundle.
    pub file: &'a [u8],
    /// Whom the asker believes.
    pub policy: &'a Policy,
    /// A checkpoint that the asker got earlier: has the log only grown since?
    pub since: Option<&'a [u8]>,
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("policy", self.policy).finish_non_exhaustive()
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Everything that is wrong; nothing is proved unless this is empty.
    pub faults: Vec<Fault>,
    /// What the bundle is of, as far as it could be read.
    pub about: Option<About>,
    /// Each decision, judged again.
    pub judged: Vec<Judged>,
}

/// What a bundle is of.
#[derive(Clone, Debug)]
pub struct About {
    /// The ledger.
    pub ledger: LedgerId,
    /// The document.
    pub document: StreamId,
    /// Without keys.
    pub sealed: bool,
    /// How many records of the document.
    pub records: usize,
    /// How many records of other streams.
    pub others: usize,
    /// How many files the document has, and of how many the content is here.
    pub files: (usize, usize),
    /// The checkpoint, if it is believed.
    pub accepted: Option<Accepted>,
}

impl Report {
    fn failed(fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::default() }
    }

    fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Is nothing wrong with what everything else is made of?
    fn is_sound(&self) -> bool {
        let bad = [Kind::Record, Kind::Chain, Kind::Proof, Kind::Key];
        !self.faults.iter().any(|fault| bad.contains(&fault.kind))
    }
}

impl Question<'_> {
    /// Everything that is wrong with the bundle, and what it shows.
    pub fn check(&self) -> Report {
        let (all, other) = match container::read(self.file) {
            Ok(read) => read,
            Err(error) => return Report::failed(Fault::of(Kind::Container, error)),
        };
        let mut report = Report::default();
        report.faults.extend(other.map(|other| Fault::of(Kind::Container, other)));
        let entries: Entries<'_> = all.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let manifest = match needed(&entries, names::MANIFEST, &mut report).map(Manifest::read) {
            Some(Ok(manifest)) => manifest,
            Some(Err(what)) => {
                report.add(Fault::entry(Kind::Manifest, names::MANIFEST, what));
                return report;
            }
            None => return report,
        };
        let differences = manifest.differences(&all).into_iter();
        report.faults.extend(differences.map(|(name, what)| Fault::entry(Kind::Entry, name, what)));
        if !in_order(&all) {
            report.add(Fault::of(Kind::Manifest, "entries do not stand in the order in which an export writes them"));
        }
        if needed(&entries, names::README, &mut report).is_some_and(|text| text != README.as_bytes()) {
            report.add(Fault::entry(Kind::Readme, names::README, "it is not the text that an export writes"));
        }
        self.check_contents(&manifest, &entries, &mut report);
        report
    }

    fn check_contents(&self, manifest: &Manifest, entries: &Entries<'_>, report: &mut Report) {
        let Some((note, checkpoint, accepted)) = self.checkpoint(entries, report) else { return };
        let Some((ledger, document)) = subject(manifest) else {
            let what = "its ledger is not an id, or its document not a stream";
            return report.add(Fault::entry(Kind::Manifest, names::MANIFEST, what));
        };
        let keys = read_keys(manifest, entries, report);
        let against = Against { note: &note, head: checkpoint.head() };
        let streams = records::read(entries, &against, keys.as_ref(), &mut report.faults);
        let facts = Facts { ledger, document, sealed: manifest.sealed, checkpoint, streams };
        records::check_streams(&facts, &mut report.faults);
        if let Some(keys) = &keys {
            let unused = keys.keys().filter(|entry| !entries.contains_key(entry.as_str()));
            report
                .faults
                .extend(unused.map(|entry| Fault::entry(Kind::Key, names::KEYS, format!("there is no {entry}"))));
        }
        let files = check_files(&facts, entries, report);
        check_names(&facts, entries, report);
        let since = (self.since, self.policy);
        consistency::check(&facts.checkpoint, entries.get(names::CONSISTENCY).copied(), since, &mut report.faults);
        if report.is_sound() {
            check_judgement(&facts, report);
            check_trail(manifest, &facts, entries, report);
        }
        let all: usize = facts.streams.values().map(Vec::len).sum();
        let records = facts.records().len();
        report.about =
            Some(About { ledger, document, sealed: facts.sealed, records, others: all - records, files, accepted });
    }

    /// The signed checkpoint; what can be read of it, even if it is not believed.
    fn checkpoint(&self, entries: &Entries<'_>, report: &mut Report) -> Option<(Note, Checkpoint, Option<Accepted>)> {
        let bytes = needed(entries, names::CHECKPOINT, report)?;
        let wrong = |what: String| Fault::entry(Kind::Checkpoint, names::CHECKPOINT, what);
        let note = match Note::parse(bytes) {
            Ok(note) if note.to_string().as_bytes() == bytes => note,
            Ok(_) => {
                report.add(wrong("it is not written as an export writes it".to_owned()));
                return None;
            }
            Err(error) => {
                report.add(wrong(error.to_string()));
                return None;
            }
        };
        let accepted = records::accepted(&note, self.policy, &mut report.faults);
        let checkpoint = match (&accepted, Checkpoint::parse(note.text())) {
            (Some(accepted), _) => accepted.checkpoint.clone(),
            (None, Ok(checkpoint)) => checkpoint,
            (None, Err(error)) => {
                report.add(wrong(error.to_string()));
                return None;
            }
        };
        let stated = needed(entries, names::LOG_KEY, report).and_then(|bytes| str::from_utf8(bytes).ok());
        let stated = stated.and_then(|text| text.strip_suffix('\n')?.parse::<VerifierKey>().ok());
        let signer = accepted.as_ref().map(|accepted| &accepted.key);
        if stated.is_none() || signer.is_some_and(|signer| Some(signer) != stated.as_ref()) {
            report.add(Fault::entry(Kind::Checkpoint, names::LOG_KEY, "it is not the key that signed the checkpoint"));
        }
        Some((note, checkpoint, accepted))
    }
}

/// The content of an entry that every bundle has.
fn needed<'a>(entries: &Entries<'a>, name: &str, report: &mut Report) -> Option<&'a [u8]> {
    let found = entries.get(name).copied();
    if found.is_none() {
        report.add(Fault::entry(Kind::Entry, name, "it is missing"));
    }
    found
}

/// First the text, then the manifest, then all else by name.
fn in_order(entries: &[container::Entry]) -> bool {
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    matches!(&names[..], [names::README, names::MANIFEST, rest @ ..] if rest.is_sorted_by(|one, next| one < next))
}

fn subject(manifest: &Manifest) -> Option<(LedgerId, StreamId)> {
    let (ledger, document) = (Uuid::try_parse(&manifest.ledger).ok()?, manifest.document.parse::<StreamId>().ok()?);
    let canonical = ledger.to_string() == manifest.ledger && document.to_string() == manifest.document;
    canonical.then_some((LedgerId(ledger), document))
}

fn read_keys(manifest: &Manifest, entries: &Entries<'_>, report: &mut Report) -> Option<Keys> {
    if manifest.sealed {
        return None;
    }
    match needed(entries, names::KEYS, report).map(keys::read) {
        Some(Ok(keys)) => Some(keys),
        Some(Err(what)) => {
            report.add(Fault::entry(Kind::Key, names::KEYS, what));
            Some(Keys::new())
        }
        None => Some(Keys::new()),
    }
}

/// How many files the document has, and of how many the content is here and right.
fn check_files(facts: &Facts, entries: &Entries<'_>, report: &mut Report) -> (usize, usize) {
    let (files, mut here) = (facts.files(), 0);
    for file in &files {
        let entry = names::file(file.hash);
        let Some(content) = entries.get(entry.as_str()) else { continue };
        let right = BlobHash::of(content) == BlobHash::from(file.hash) && content.len() as u64 == file.size;
        here += usize::from(right);
        if !right {
            let what = format!("it is not the file {:?} that was attached", file.name.as_str());
            report.add(Fault::entry(Kind::File, entry, what));
        }
    }
    if here > 0 && here < files.len() && report.faults.iter().all(|fault| fault.kind != Kind::File) {
        report.add(Fault::of(Kind::File, format!("the contents of {} files are missing", files.len() - here)));
    }
    (files.len(), here)
}

/// Is every entry one that an export of this document writes?
fn check_names(facts: &Facts, entries: &Entries<'_>, report: &mut Report) {
    let fixed =
        [names::README, names::MANIFEST, names::CHECKPOINT, names::LOG_KEY, names::TRAIL_JSON, names::TRAIL_HTML];
    let mut known: std::collections::BTreeSet<String> = fixed.map(str::to_owned).into();
    known.insert(names::CONSISTENCY.to_owned());
    if !facts.sealed {
        known.insert(names::KEYS.to_owned());
    }
    for held in facts.streams.values().flatten() {
        let (stream, revision) = held.place();
        known.extend([names::record(stream, revision), names::proof(stream, revision)]);
    }
    known.extend(facts.files().iter().map(|file| names::file(file.hash)));
    // What is wrong with a record that could not be read was told already.
    let told = |name: &str| report.faults.iter().any(|fault| fault.entry.as_deref() == Some(name));
    let strange: Vec<&str> = entries.keys().copied().filter(|name| !known.contains(*name) && !told(name)).collect();
    for name in strange {
        report.add(Fault::entry(Kind::Entry, name, "no export of this document writes it"));
    }
}

fn check_judgement(facts: &Facts, report: &mut Report) {
    report.judged = judge::judge(facts);
    for judged in &report.judged {
        if let Verdict::Falls { why } = &judged.verdict {
            report.faults.push(Fault::record(Kind::Judgement, (facts.document, judged.first), why));
        }
    }
}

fn check_trail(manifest: &Manifest, facts: &Facts, entries: &Entries<'_>, report: &mut Report) {
    if manifest.rendering != RENDERING {
        let what = format!(
            "its words are of version {}, this program's of {RENDERING}: check it with the version of socai that exported it",
            manifest.rendering
        );
        return report.add(Fault::entry(Kind::Trail, names::MANIFEST, what));
    }
    let trail = Trail::of(facts);
    for (name, made) in [(names::TRAIL_JSON, trail.to_json()), (names::TRAIL_HTML, html::page(&trail).into_bytes())] {
        if needed(entries, name, report).is_some_and(|there| there != made) {
            report.add(Fault::entry(Kind::Trail, name, "it is not what the records make"));
        }
    }
}
