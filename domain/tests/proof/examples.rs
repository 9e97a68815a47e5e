//! The files of `docs/proof-example`: made once, verified for ever. Keys, agency and records are invented.

use std::{fs, path::Path};

use socai_domain::{
    ledger::{Draft, EventKind, LedgerId, RecordHash, Revision, SealedRecord, StreamId, StreamKind},
    proof::{
        Checkpoint, Frontier, KeyName, Note, Policy, Promise, SecretKey, SignatureKind, TlogProof, TreeHash, TreeHead,
        bundle::{read_entries, write_entries},
        cosignature::cosign,
        inclusion, leaf_hash,
        receipt::{Breach, Standing},
        tlog_proof::NotProved,
        tree,
    },
    time::Timestamp,
};
use uuid::Uuid;

/// The place of the decision among the nine records.
const DECISION: u64 = 6;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn log_key() -> SecretKey {
    SecretKey::new(name("socai.so-vi-du.example/log"), SignatureKind::Note, b"a secret of the example, no else")
}

fn witness_key() -> SecretKey {
    SecretKey::new(name("nhan-chung.example/1"), SignatureKind::Cosignature, b"another secret of the example...")
}

/// Nine records of three documents; `word` is what the decision says.
fn records(word: u8) -> Vec<SealedRecord> {
    let ledger = LedgerId(Uuid::from_u128(0x0197_5eca_0000_7000_8000_0000_0000_0001));
    let mut heads = [None; 3];
    let record = |number: u64| {
        let which = usize::try_from(number % 3).unwrap();
        let stream = StreamId::new(
            StreamKind::Incoming,
            Uuid::from_u128(0x0197_5eca_0000_7000_8000_0000_0000_0100 + u128::from(number % 3)),
        );
        // As long as a long directive, so that its hash is a tree of chunks.
        let seed = if number == DECISION { word } else { 0 };
        let body = (0..1500_u32).map(|byte| u8::try_from((byte * 7 + 13) % 251).unwrap() ^ seed).collect();
        let (organ, person) = (Uuid::from_u128(0x0197_5eca_0000_7000_8000_0000_0000_0200), Uuid::from_u128(9));
        let draft = Draft { kind: EventKind::new(401), organ, person, body };
        let (revision, previous) = match heads[which] {
            None => (Revision::FIRST, RecordHash::genesis(ledger, stream)),
            Some((revision, hash)) => (Revision::next(revision), hash),
        };
        let recorded = at("2026-11-23T08:02:00+07:00").plus_micros(i64::try_from(number).unwrap() * 1_234_567);
        let mut bytes = Vec::new();
        heads[which] = Some((revision, draft.stamp(stream, revision, recorded, previous, &mut bytes)));
        SealedRecord::from_bytes(bytes).unwrap()
    };
    (0..9).map(record).collect()
}

fn hashes(records: &[SealedRecord]) -> Vec<RecordHash> {
    records.iter().map(SealedRecord::hash).collect()
}

/// The checkpoint over all of these, cosigned at a time; and the proof of the decision, if it is among them.
fn proved(records: &[RecordHash], seen: Timestamp) -> (Note, Option<TlogProof>) {
    let (mut frontier, mut nodes) = (Frontier::new(), std::collections::BTreeMap::new());
    for record in records {
        frontier.append_telling(leaf_hash(record), |node, hash| nodes.extend([(node, hash)]));
    }
    let head = TreeHead { size: frontier.size(), root: frontier.root() };
    let mut checkpoint = Checkpoint::new(log_key().public().name().clone(), head).sign(&log_key()).unwrap();
    checkpoint.add(cosign(&checkpoint, seen, &witness_key()).unwrap());
    let node = |node| nodes.get(&node).copied().ok_or(());
    let path = inclusion::prove(DECISION, head.size, node).unwrap();
    let decision = usize::try_from(DECISION).unwrap();
    let proof = path.map(|path| TlogProof::new(records[decision], DECISION, path, checkpoint.clone()));
    (checkpoint, proof)
}

fn policy() -> String {
    let (log, witness) = (log_key(), witness_key());
    format!("log {}\nwitness nhan-chung-1 {}\nquorum nhan-chung-1\n", log.public(), witness.public())
}

fn promise(record: &SealedRecord) -> Promise {
    let header = record.header();
    let (stream, revision, recorded) = (header.stream, header.revision, header.recorded);
    Promise { origin: log_key().public().name().clone(), stream, revision, hash: record.hash(), recorded, within: 60 }
}

/// Compares with the files of the repository, or writes them.
#[test]
fn the_examples_are_golden() {
    let (kept, replaced) = (records(0), records(1));
    let decision = usize::try_from(DECISION).unwrap();
    let (_, proof) = proved(&hashes(&kept), at("2026-11-23T08:03:00+07:00"));
    let (_, other) = proved(&hashes(&replaced), at("2026-11-23T08:03:00+07:00"));
    let (late, none) = proved(&hashes(&kept[..5]), at("2026-11-23T09:00:00+07:00"));
    assert_eq!(none, None);
    let line = |key: &SecretKey| format!("{}\n", key.public()).into_bytes();
    let files: [(&str, Vec<u8>); 11] = [
        ("log.key", line(&log_key())),
        ("witness.key", line(&witness_key())),
        ("policy.txt", policy().into_bytes()),
        ("decision.record", kept[decision].bytes().to_vec()),
        ("decision.receipt", promise(&kept[decision]).sign(&log_key()).unwrap().to_string().into_bytes()),
        ("decision.tlog-proof", proof.unwrap().to_string().into_bytes()),
        ("replaced.record", replaced[decision].bytes().to_vec()),
        ("replaced.tlog-proof", other.unwrap().to_string().into_bytes()),
        ("late.checkpoint", late.to_string().into_bytes()),
        ("late/tile/entries/000.p/5", write_entries(&hashes(&kept[..5]))),
        ("late/tile/0/000.p/5", hashes(&kept[..5]).iter().flat_map(|record| leaf_hash(record).0).collect()),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proof-example");
    for (file, now) in files {
        let path = folder.join(file);
        if std::env::var_os("SOCAI_UPDATE_GOLDEN").is_some_and(|value| value == "1") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &now).unwrap();
        }
        let stored = fs::read(&path).unwrap_or_default();
        assert!(stored == now, "{file} is not what is made now; if that is meant: SOCAI_UPDATE_GOLDEN=1");
    }
}

fn example(file: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proof-example").join(file)).unwrap()
}

#[test]
fn the_examples_show_what_they_should() {
    let policy = Policy::parse(&example("policy.txt")).unwrap();
    let record = SealedRecord::from_bytes(example("decision.record")).unwrap();
    let proof = TlogProof::parse(&example("decision.tlog-proof")).unwrap();
    let receipt = Note::parse(&example("decision.receipt")).unwrap();
    let promise = Promise::open(&receipt, &policy.logs()[0]).unwrap();
    let proved = proof.verify(record.hash(), &policy).unwrap();
    assert_eq!((proved.index, proved.accepted.checkpoint.size(), proved.accepted.witnessed.len()), (DECISION, 9, 1));
    let standing = promise.against_record(record.header(), record.hash(), proved.index);
    assert_eq!(standing, Some(Standing::Kept(DECISION)));

    let replaced = SealedRecord::from_bytes(example("replaced.record")).unwrap();
    let other = TlogProof::parse(&example("replaced.tlog-proof")).unwrap();
    assert!(matches!(other.verify(record.hash(), &policy), Err(NotProved::Inclusion { .. })));
    let proved = other.verify(replaced.hash(), &policy).unwrap();
    let standing = promise.against_record(replaced.header(), replaced.hash(), proved.index);
    assert!(matches!(standing, Some(Standing::Broken(Breach::OtherHash { .. }))), "{standing:?}");
    assert!(proved.accepted.checkpoint.split_view(&policy.check(proof.checkpoint()).unwrap().checkpoint).is_some());

    let late = policy.check(&Note::parse(&example("late.checkpoint")).unwrap()).unwrap();
    let entries = read_entries("tile/entries/000.p/5".parse().unwrap(), &example("late/tile/entries/000.p/5")).unwrap();
    let leaves: Vec<TreeHash> = entries.iter().map(leaf_hash).collect();
    let root = tree::root(5, |node| {
        // Five leaves: a full node of four, made of its halves, and a leaf.
        let pair = |at: usize| socai_domain::proof::node_hash(&leaves[at], &leaves[at + 1]);
        Ok::<_, ()>(if node.level == 2 { socai_domain::proof::node_hash(&pair(0), &pair(2)) } else { leaves[4] })
    });
    assert_eq!(root, Ok(late.checkpoint.root()));
    assert!(!entries.contains(&promise.hash));
    let standing = promise.against_entries(None, 5, late.witnessed.iter().map(|(_, at)| *at).max());
    assert!(matches!(standing, Standing::Broken(Breach::Absent { .. })), "{standing:?}");
}
