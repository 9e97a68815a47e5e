//! The records of a bundle, each with its proof: read, checked one by one, and checked as streams.

use std::collections::{BTreeMap, BTreeSet};

use socai_domain::{
    id::OrganId,
    ledger::{LedgerId, RecordHash, Revision, SealedRecord, StreamId, StreamKind},
    organ, person,
    proof::{Note, Policy, TlogProof, inclusion, leaf_hash, policy::Accepted},
};

use super::{
    facts::{Facts, Held},
    fault::{Fault, Kind},
    judge::was_erased,
    keys::Keys,
    names,
};

/// Entries by name.
pub(crate) type Entries<'a> = BTreeMap<&'a str, &'a [u8]>;

/// What proofs are held against.
pub(crate) struct Against<'a> {
    /// The bundle's checkpoint, which every proof repeats.
    pub(crate) note: &'a Note,
    /// Size and root.
    pub(crate) head: socai_domain::proof::TreeHead,
}

/// Reads every record with its proof; says what is wrong with them.
pub(crate) fn read(
    entries: &Entries<'_>,
    against: &Against<'_>,
    keys: Option<&Keys>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<StreamId, Vec<Held>> {
    let mut streams = BTreeMap::<StreamId, Vec<Held>>::new();
    for (&entry, bytes) in entries.range(names::RECORDS..).take_while(|(name, _)| name.starts_with(names::RECORDS)) {
        let record = match SealedRecord::from_bytes(*bytes) {
            Ok(record) => record,
            Err(error) => {
                faults.push(Fault::entry(Kind::Record, entry, error));
                continue;
            }
        };
        let (stream, revision) = (record.header().stream, record.header().revision);
        if names::record(stream, revision) != entry {
            faults.push(Fault::entry(Kind::Record, entry, format!("it is {stream} revision {revision}")));
            continue;
        }
        let leaf = match proved(entries, against, record.hash(), stream, revision) {
            Ok(leaf) => leaf,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let (held, fault) = Held::open(record, leaf, entry, keys);
        faults.extend(fault);
        // In the order of names, which is that of revisions.
        streams.entry(stream).or_default().push(held);
    }
    streams
}

/// The leaf at which the record is proved to be.
fn proved(
    entries: &Entries<'_>,
    against: &Against<'_>,
    hash: RecordHash,
    stream: StreamId,
    revision: Revision,
) -> Result<u64, Fault> {
    let entry = names::proof(stream, revision);
    let wrong =
        |what: String| Fault { record: Some((stream, revision)), ..Fault::entry(Kind::Proof, entry.clone(), what) };
    let bytes = entries.get(entry.as_str()).ok_or_else(|| wrong("it is missing".to_owned()))?;
    let proof = TlogProof::parse(bytes).map_err(|error| wrong(error.to_string()))?;
    let again = TlogProof::new(hash, proof.index(), proof.hashes().to_vec(), against.note.clone());
    let leads =
        inclusion::verify(leaf_hash(&hash), proof.index(), against.head.size, against.head.root, proof.hashes());
    leads.map_err(|error| wrong(error.to_string()))?;
    if again.to_string().as_bytes() == *bytes {
        Ok(proof.index())
    } else {
        Err(wrong("it names another record or another checkpoint than the bundle's".to_owned()))
    }
}

/// The checkpoint, if the policy accepts it.
pub(crate) fn accepted(note: &Note, policy: &Policy, faults: &mut Vec<Fault>) -> Option<Accepted> {
    match policy.check(note) {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            faults.push(Fault::entry(Kind::Checkpoint, names::CHECKPOINT, error));
            None
        }
    }
}

/// Are the streams whole, and those that are needed?
pub(crate) fn check_streams(facts: &Facts, faults: &mut Vec<Fault>) {
    if facts.records().is_empty() {
        faults.push(Fault::of(Kind::Chain, format!("there is no record of {}", facts.document)));
    }
    let wanted = wanted(facts);
    for (stream, records) in &facts.streams {
        if !wanted.contains(stream) {
            let what = format!("{stream} has nothing to do with the document");
            faults.push(Fault::of(Kind::Entry, what));
        }
        // Of a book there is only what gave the number: the chain between is other documents'.
        if stream.kind() != StreamKind::Register {
            faults.extend(broken(facts.ledger, *stream, records));
        }
        let back = records.windows(2).find(|pair| pair[0].leaf >= pair[1].leaf);
        faults.extend(back.map(|pair| {
            Fault::record(Kind::Chain, pair[1].place(), "it stands in the log before the one that it follows")
        }));
    }
    if facts.sealed {
        return;
    }
    for (organ, last) in facts.judges() {
        if facts.stream(organ).len() as u64 != last + 1 {
            let what =
                format!("decisions were judged by {organ} up to revision {last}, and the bundle goes on to another");
            faults.push(Fault::of(Kind::Chain, what));
        }
    }
    for (stream, records) in &facts.streams {
        for held in records.iter().filter(|held| matches!(held.body, super::facts::Body::Erased)) {
            // Of people, only their own erasure could tell, and the document's trail does not need their names.
            let told =
                stream.kind() == StreamKind::Person || (*stream == facts.document && was_erased(facts, held.place().1));
            if !told {
                faults.push(Fault::record(
                    Kind::Key,
                    held.place(),
                    "its key is not there, but no record tells of an erasure",
                ));
            }
        }
    }
}

/// Does the chain begin with the ledger, and does every record name the one before it?
fn broken(ledger: LedgerId, stream: StreamId, records: &[Held]) -> Option<Fault> {
    let (mut expected, mut next) = (RecordHash::genesis(ledger, stream), Revision::FIRST);
    for held in records {
        let header = held.record.header();
        if header.revision != next {
            return Some(Fault::record(Kind::Chain, (stream, next), "it is missing"));
        }
        if header.previous != expected {
            let what = match next {
                Revision::FIRST => "it begins the history of another ledger",
                _ => "it names another record as the one before it",
            };
            return Some(Fault::record(Kind::Chain, held.place(), what));
        }
        (expected, next) = (held.hash, next.next());
    }
    None
}

/// The streams that belong into the bundle.
fn wanted(facts: &Facts) -> BTreeSet<StreamId> {
    let mut wanted = BTreeSet::from([facts.document]);
    if !facts.sealed {
        let organs = facts.records().iter().map(|held| organ::stream(OrganId::new(held.record.header().organ)));
        wanted.extend(organs);
        wanted.extend(facts.actors().into_iter().map(person::stream));
        wanted.extend(facts.books());
    }
    wanted
}
