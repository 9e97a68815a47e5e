use std::{collections::BTreeMap, fs, path::Path};

use socai_domain::{
    ledger::{Draft, EventKind, Revision, StreamId, StreamKind},
    proof::{
        Checkpoint, KeyName, Node, SecretKey, SignatureKind, TreeHead, bundle::write_entries, cosignature::cosign,
        inclusion,
    },
};
use uuid::Uuid;

use super::*;

const WITHIN: u32 = 60;

fn key(name: &str, kind: SignatureKind) -> SecretKey {
    SecretKey::new(KeyName::new(name).unwrap(), kind, &[u8::try_from(name.len()).unwrap(); 32])
}

fn log_key() -> SecretKey {
    key("log.example", SignatureKind::Note)
}

fn time(second: i64) -> Timestamp {
    Timestamp::parse("2026-11-23T08:00:00+07:00").unwrap().plus_micros(second * 1_000_000)
}

/// The record of a stream of its own that was taken at this second.
fn record(second: i64, body: &str) -> SealedRecord {
    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(second.unsigned_abs().into()));
    let (organ, person) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let draft = Draft { kind: EventKind::new(401), organ, person, body: body.into() };
    let mut bytes = Vec::new();
    draft.stamp(stream, Revision::FIRST, time(second), RecordHash([0; 32]), &mut bytes);
    SealedRecord::from_bytes(bytes).unwrap()
}

fn receipt(record: &SealedRecord) -> Vec<u8> {
    let header = record.header();
    promise(record.hash(), header).sign(&log_key()).unwrap().to_string().into_bytes()
}

fn promise(hash: RecordHash, header: &Header) -> Promise {
    let (stream, revision, recorded) = (header.stream, header.revision, header.recorded);
    Promise { origin: log_key().public().name().clone(), stream, revision, hash, recorded, within: WITHIN }
}

/// A log of these records.
struct Log {
    hashes: Vec<RecordHash>,
    nodes: BTreeMap<Node, TreeHash>,
    checkpoint: Note,
}

impl Log {
    /// With a checkpoint that a witness saw at this second, if any did.
    fn of(records: &[SealedRecord], seen: Option<i64>) -> Self {
        let hashes: Vec<_> = records.iter().map(SealedRecord::hash).collect();
        let (mut frontier, mut nodes) = (Frontier::new(), BTreeMap::new());
        for hash in &hashes {
            frontier.append_telling(leaf_hash(hash), |node, hash| nodes.extend([(node, hash)]));
        }
        let head = TreeHead { size: frontier.size(), root: frontier.root() };
        let mut checkpoint = Checkpoint::new(log_key().public().name().clone(), head).sign(&log_key()).unwrap();
        if let Some(seen) = seen {
            let witness = key("witness.example", SignatureKind::Cosignature);
            checkpoint.add(cosign(&checkpoint, time(seen), &witness).unwrap());
        }
        Self { hashes, nodes, checkpoint }
    }

    fn proof(&self, index: usize) -> TlogProof {
        let (at, size) = (u64::try_from(index).unwrap(), u64::try_from(self.hashes.len()).unwrap());
        let path = inclusion::prove(at, size, |node| self.nodes.get(&node).copied().ok_or(node)).unwrap().unwrap();
        TlogProof::new(self.hashes[index], at, path, self.checkpoint.clone())
    }

    fn entries(&self, tile: Tile) -> Result<Vec<u8>, String> {
        let start = usize::try_from(tile.index()).unwrap() * 256;
        let hashes = self.hashes.get(start..start + usize::from(tile.width()));
        hashes.map(write_entries).ok_or_else(|| tile.to_string())
    }
}

fn policy() -> Policy {
    let witness = key("witness.example", SignatureKind::Cosignature);
    Policy::new(log_key().public().clone(), vec![witness.public().clone()], 0).unwrap()
}

/// Asks with what is given, everything else left out.
fn ask(file: &str, change: impl for<'a> FnOnce(Question<'a>) -> Result<Answer, Failure>) -> Result<Answer, Failure> {
    let policy = policy();
    let question = Question {
        file: file.as_bytes(),
        policy: &policy,
        record: None,
        receipt: None,
        entries: None,
        at: None,
        held: None,
    };
    change(question)
}

fn records(count: i64) -> Vec<SealedRecord> {
    (0..count).map(|second| record(second, "sealed")).collect()
}

#[test]
fn a_good_proof_is_told_with_all_that_it_shows() {
    let records = records(7);
    let log = Log::of(&records, Some(9));
    let file = log.proof(4).to_string();
    let bytes = records[4].bytes();
    let receipt = receipt(&records[4]);
    let answer = ask(&file, |q| Question { record: Some(bytes), receipt: Some(&receipt), ..q }.answer()).unwrap();
    assert_eq!((answer.record, answer.index, answer.known_by), (records[4].hash(), 4, KnownBy::Record));
    assert_eq!(answer.header.as_ref(), Some(records[4].header()));
    assert_eq!(answer.accepted.witnessed, [(KeyName::new("witness.example").unwrap(), time(9))]);
    assert_eq!(answer.promise.map(|promise| promise.hash), Some(records[4].hash()));
    let by_receipt = ask(&file, |q| Question { receipt: Some(&receipt), ..q }.answer()).unwrap();
    assert_eq!(
        (by_receipt.record, by_receipt.known_by, by_receipt.header),
        (records[4].hash(), KnownBy::Receipt, None)
    );
    let by_itself = ask(&file, |q| q.answer()).unwrap();
    assert_eq!((by_itself.record, by_itself.known_by), (records[4].hash(), KnownBy::Proof));
    let whole = ask(&log.checkpoint.to_string(), |q| {
        Question { record: Some(bytes), receipt: Some(&receipt), entries: Some(&|tile| log.entries(tile)), ..q }
            .answer()
    });
    assert_eq!(whole.unwrap().index, 4);
}

#[test]
fn another_checkpoint_of_the_same_size_convicts_the_log() {
    let records = records(7);
    let log = Log::of(&records, None);
    let others: Vec<_> = (0..7).map(|second| record(second, if second == 2 { "other" } else { "sealed" })).collect();
    let held = |of: &Log| of.checkpoint.to_string();
    let (file, newest) = (log.proof(4).to_string(), held(&log));
    let with = |held: &str| ask(&file, |q| Question { held: Some(held.as_bytes()), ..q }.answer());
    let in_all = |held: &str| {
        ask(&newest, |q| {
            let entries: Entries<'_> = &|tile| log.entries(tile);
            Question { record: Some(records[4].bytes()), entries: Some(entries), held: Some(held.as_bytes()), ..q }
                .answer()
        })
    };
    let code = |answer: Result<Answer, Failure>| answer.map(|answer| answer.held).map_err(|failure| failure.code());
    assert_eq!(code(with(&held(&log))), Ok(Some(Held::Same)));
    assert_eq!(code(with(&file)), Ok(Some(Held::Same)), "a proof bears a checkpoint, too");
    for split in [held(&Log::of(&others, None)), Log::of(&others, Some(9)).proof(0).to_string()] {
        assert_eq!(code(with(&split)), Err("split_view"));
        assert_eq!(code(in_all(&split)), Err("split_view"));
    }
    // Of another size: only all entries tell.
    for size in [0, 1, 3, 6] {
        let (size_told, honest) = (size as u64, held(&Log::of(&records[..size], None)));
        assert_eq!(code(with(&honest)), Ok(Some(Held::NotCompared(size_told))));
        assert_eq!(code(in_all(&honest)), Ok(Some(Held::Grown(size_told))));
        let split = held(&Log::of(&others[..size], None));
        assert_eq!(code(in_all(&split)).is_err(), size > 2, "{size}");
    }
    let longer: Vec<_> = (0..8).map(|second| record(second, "sealed")).collect();
    assert_eq!(code(in_all(&held(&Log::of(&longer, None)))), Ok(Some(Held::NotCompared(8))));
    let changed = newest.replacen('7', "6", 1);
    for wrong in ["", "no note", changed.as_str()] {
        assert_eq!(code(with(wrong)), Err("held"), "{wrong}");
    }
    // Of another log that is believed, too, whatever its size.
    let other = key("another.example", SignatureKind::Note);
    let both = format!("log {}\nlog {}\nquorum none\n", log_key().public(), other.public());
    let policy = Policy::parse(both.as_bytes()).unwrap();
    let same_tree = policy.check(&log.checkpoint).unwrap().checkpoint.head();
    let of_other = Checkpoint::new(other.public().name().clone(), same_tree).sign(&other).unwrap().to_string();
    let told = ask(&file, |q| Question { policy: &policy, held: Some(of_other.as_bytes()), ..q }.answer());
    assert_eq!(code(told), Err("held"));
}

#[test]
fn every_changed_byte_of_the_record_is_found() {
    let records = records(5);
    let file = Log::of(&records, None).proof(2).to_string();
    for at in 0..records[2].bytes().len() {
        let mut bytes = records[2].bytes().to_vec();
        bytes[at] ^= 1;
        let failure = ask(&file, |q| Question { record: Some(&bytes), ..q }.answer()).unwrap_err();
        // Another version or an unknown kind of stream: no record at all.
        assert!(matches!(failure, Failure::OtherProof { .. } | Failure::NotARecord(_)), "byte {at}: {failure}");
    }
}

#[test]
fn a_promise_that_is_not_kept_is_named() {
    let (records, due) = (records(7), i64::from(WITHIN) + 6);
    let receipt = receipt(&records[6]);
    // The whole log, without the last record.
    let without = |seen, at| {
        let log = Log::of(&records[..6], seen);
        ask(&log.checkpoint.to_string(), |q| {
            Question { receipt: Some(&receipt), entries: Some(&|tile| log.entries(tile)), at, ..q }.answer()
        })
        .unwrap_err()
    };
    for broken in
        [without(Some(due + 1), None), without(None, Some(time(due + 1))), without(Some(9), Some(time(due + 1)))]
    {
        assert!(matches!(broken, Failure::Broken(Breach::Absent { size: 6, .. })), "{broken}");
        assert_eq!(broken.code(), "promise_broken");
        assert!(broken.to_string().starts_with("promise not kept: record "), "{broken}");
    }
    for early in [without(Some(due), None), without(Some(due + 1), Some(time(due)))] {
        assert!(matches!(early, Failure::NotYetDue { .. }), "{early}");
    }
    let undated = without(None, None);
    assert!(matches!(undated, Failure::Undated { .. }), "{undated}");

    // Another record in its place.
    let mut other = records.clone();
    other[6] = record(6, "forged");
    let file = Log::of(&other, None).proof(6).to_string();
    let broken = ask(&file, |q| Question { record: Some(other[6].bytes()), receipt: Some(&receipt), ..q }.answer());
    assert!(matches!(broken, Err(Failure::Broken(Breach::OtherHash { index: 6, .. }))), "{broken:?}");
    // Without that record it can only be said that another one is proved, and until when the promise ran.
    let unclear = ask(&file, |q| Question { receipt: Some(&receipt), ..q }.answer()).unwrap_err();
    assert!(matches!(unclear, Failure::OtherProof { by: Some(_), .. }), "{unclear}");
    assert!(unclear.to_string().contains(&time(due).to_string()), "{unclear}");
}

#[test]
fn a_receipt_that_says_what_the_record_does_not_is_false() {
    let records = records(3);
    let file = Log::of(&records, None).proof(1).to_string();
    let lies = Promise { revision: Revision::new(9), ..promise(records[1].hash(), records[1].header()) };
    let receipt = lies.sign(&log_key()).unwrap().to_string();
    let failure =
        ask(&file, |q| Question { record: Some(records[1].bytes()), receipt: Some(receipt.as_bytes()), ..q }.answer());
    assert!(matches!(failure, Err(Failure::Broken(Breach::False { .. }))), "{failure:?}");
}

#[test]
fn the_first_thing_that_fails_is_named() {
    let records = records(5);
    let log = Log::of(&records, None);
    let (file, checkpoint) = (log.proof(2).to_string(), log.checkpoint.to_string());
    let (mine, other) = (receipt(&records[2]), receipt(&records[3]));
    let code =
        |file: &str, change: &dyn for<'a> Fn(Question<'a>) -> Question<'a>| match ask(file, |q| change(q).answer()) {
            Err(failure) => failure.code(),
            Ok(_) => "none",
        };
    assert_eq!(code(&file, &|q| q), "none");
    assert_eq!(code(&file.replacen("index 2", "index 02", 1), &|q| q), "not_a_proof");
    assert_eq!(code(&file.replacen("index 2", "index 3", 1), &|q| q), "inclusion");
    assert_eq!(code("", &|q| q), "not_a_checkpoint");
    assert_eq!(code(&file.replacen("\n5\n", "\n6\n", 1), &|q| q), "checkpoint");
    assert_eq!(code(&checkpoint, &|q| q), "which_record");
    let (bytes, more) = (records[2].bytes(), records[3].bytes());
    let ask_with = |file: &str, record: Option<&[u8]>, receipt: Option<&[u8]>| {
        ask(file, |q| Question { record, receipt, ..q }.answer()).map_err(|failure| failure.code())
    };
    assert_eq!(ask_with(&checkpoint, Some(bytes), None), Err("no_proof"));
    assert_eq!(ask_with(&file, Some(b"no"), None), Err("not_a_record"));
    assert_eq!(ask_with(&file, Some(more), None), Err("other_record"));
    assert_eq!(ask_with(&file, None, Some(&other)), Err("other_record"));
    assert_eq!(ask_with(&file, Some(bytes), Some(&other)), Err("other_receipt"));
    assert_eq!(ask_with(&file, Some(bytes), Some(b"no")), Err("receipt"));
    assert!(ask_with(&file, Some(bytes), Some(&mine)).is_ok());
    let demanding = key("other.example", SignatureKind::Cosignature).public().clone();
    let demanding = Policy::new(log_key().public().clone(), vec![demanding], 1).unwrap();
    assert_eq!(ask(&file, |q| Question { policy: &demanding, ..q }.answer()).unwrap_err().code(), "quorum");
}

#[test]
fn entries_must_be_those_of_the_checkpoint() {
    let records = records(300);
    let (log, other) = (Log::of(&records, None), Log::of(&records[1..], None));
    let checkpoint = log.checkpoint.to_string();
    let find = |record: &SealedRecord, entries: Entries<'_>| {
        ask(&checkpoint, |q| Question { record: Some(record.bytes()), entries: Some(entries), ..q }.answer())
    };
    assert_eq!(find(&records[299], &|tile| log.entries(tile)).unwrap().index, 299);
    let absent = find(&record(1000, "sealed"), &|tile| log.entries(tile)).unwrap_err();
    assert!(matches!(absent, Failure::Absent { size: 300, .. }), "{absent}");
    let shifted = |tile: Tile| {
        let start = usize::try_from(tile.index()).unwrap() * 256;
        let hashes: Vec<_> =
            other.hashes.iter().chain(&other.hashes).skip(start).take(tile.width().into()).copied().collect();
        Ok(write_entries(&hashes))
    };
    assert!(matches!(find(&records[299], &shifted), Err(Failure::EntriesRoot(_))));
    let cut = |tile: Tile| log.entries(tile).map(|bytes| bytes[1..].to_vec());
    assert_eq!(find(&records[299], &cut).unwrap_err().code(), "entries");
    let missing = find(&records[299], &|_| Err("no such file".into())).unwrap_err();
    assert_eq!(missing.to_string(), "the entries: no such file");
}

#[test]
fn the_examples_are_told_apart() {
    let example =
        |file: &str| fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proof-example").join(file)).unwrap();
    let policy = Policy::parse(&example("policy.txt")).unwrap();
    let (receipt, kept, replaced) =
        (example("decision.receipt"), example("decision.record"), example("replaced.record"));
    let ask = |file: &str, record: &[u8]| {
        let file = example(file);
        let given = Question {
            file: &file,
            policy: &policy,
            record: Some(record),
            receipt: Some(&receipt),
            entries: None,
            at: None,
            held: None,
        };
        given.answer()
    };
    assert!(ask("decision.tlog-proof", &kept).is_ok());
    assert!(matches!(ask("replaced.tlog-proof", &replaced), Err(Failure::Broken(Breach::OtherHash { .. }))));
    assert_eq!(ask("replaced.tlog-proof", &kept).unwrap_err().code(), "other_record");
}
