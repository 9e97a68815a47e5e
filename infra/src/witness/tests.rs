//! The witness under every fault of its disk, after restarts, and against logs that show two histories.

use socai_domain::{
    ledger::RecordHash,
    proof::{Frontier, KeyName, SignatureKind, TreeHash, consistency, leaf_hash, node_hash, tree::Node},
};

use super::*;
use crate::{
    clock::SystemClock,
    disk::sim::{Fault, Keep, SimDisk, Wrong},
};

/// The histories of one log that lies: they part after three records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    One,
    Other,
}

fn leaf(history: History, number: u64) -> TreeHash {
    let number = if history == History::Other && number >= 3 { number + 1_000 } else { number };
    leaf_hash(&RecordHash::of(&number.to_le_bytes()))
}

fn head(history: History, size: u64) -> TreeHead {
    let mut frontier = Frontier::new();
    (0..size).for_each(|number| frontier.append(leaf(history, number)));
    TreeHead { size, root: frontier.root() }
}

fn node(history: History, node: Node) -> TreeHash {
    if node.level == 0 {
        return leaf(history, node.index);
    }
    let below = |index| self::node(history, Node { level: node.level - 1, index });
    node_hash(&below(2 * node.index), &below(2 * node.index + 1))
}

fn log() -> SecretKey {
    SecretKey::new(KeyName::new("log.example").unwrap(), SignatureKind::Note, &[3; 32])
}

fn key() -> SecretKey {
    SecretKey::new(KeyName::new("witness.example").unwrap(), SignatureKind::Cosignature, &[4; 32])
}

fn asked(history: History, old: u64, new: u64) -> AddCheckpoint {
    let proof = consistency::prove(old, new, |wanted| Ok::<_, io::Error>(node(history, wanted))).unwrap().unwrap();
    let note = Checkpoint::new(log().public().name().clone(), head(history, new)).sign(&log()).unwrap();
    AddCheckpoint { old, proof, note }
}

fn on(disk: &SimDisk, evidence: &SimDisk) -> io::Result<Witness> {
    let book = Book::open(Arc::new(disk.clone()), Arc::new(evidence.clone()))?.unwrap();
    Ok(Witness::on(book, vec![log().public().clone()], key(), Arc::new(SystemClock)))
}

fn ask(witness: &Witness, history: History, old: u64, new: u64) -> Told {
    witness.add(asked(history, old, new).to_string().as_bytes())
}

/// Is this the witness's cosignature of that head?
fn checked(told: &Told, history: History, size: u64) -> bool {
    let Told::Cosigned(line) = told else { return false };
    let note = format!("{}{line}", asked(history, 0, size).note);
    cosignature::cosigned(&Note::parse(note.as_bytes()).unwrap(), key().public()).is_ok()
}

/// The log asks for both histories again and again; what was cosigned.
fn live(disk: &SimDisk, first: History) -> Vec<(History, u64)> {
    let mut signed = Vec::new();
    let other = if first == History::One { History::Other } else { History::One };
    let Ok(witness) = on(disk, &SimDisk::default()) else { return signed };
    for (old, new) in [(0, 4), (4, 4), (4, 9), (9, 9), (9, 20), (20, 20)] {
        for history in [first, other, first, other] {
            let told = ask(&witness, history, old, new);
            if let Told::Cosigned(_) = told {
                assert!(checked(&told, history, new));
                signed.push((history, new));
            }
        }
    }
    signed
}

/// Was more than one history cosigned?
fn split(signed: &[(History, u64)]) -> bool {
    signed.iter().any(|(history, _)| *history != signed[0].0)
}

/// Two lives, with a fault in the first; what was cosigned in both.
fn lives(fault: Option<(u64, Fault)>, kept: Keep, wrong: Option<Wrong>) -> (u64, Vec<(History, u64)>) {
    let disk = SimDisk::default();
    if let Some(wrong) = wrong {
        disk.wrong(wrong);
    }
    if let Some((at, fault)) = fault {
        disk.fault(at, fault);
    }
    let mut signed = live(&disk, History::One);
    let operations = disk.operations();
    // The power goes at the end in any case; then the other history is tried first.
    signed.extend(live(&disk.after_power_loss(kept), History::Other));
    (operations, signed)
}

const KEEPS: [Keep; 5] = [Keep::Nothing, Keep::Everything, Keep::Some(1), Keep::Some(2), Keep::Some(3)];

#[test]
fn no_fault_of_the_disk_makes_two_signed_histories() {
    let (operations, signed) = lives(None, Keep::Nothing, None);
    assert!(operations >= 15 && signed.contains(&(History::One, 20)) && !split(&signed), "{operations}: {signed:?}");
    for at in 0..operations {
        for fault in KEEPS.map(Fault::Fails).into_iter().chain([Fault::PowerLoss, Fault::Full(3)]) {
            for kept in KEEPS {
                let (_, signed) = lives(Some((at, fault)), kept, None);
                assert!(!split(&signed), "operation {at}, {fault:?}, {kept:?}: {signed:?}");
                assert!(signed.iter().any(|(_, size)| *size == 20), "operation {at}, {fault:?}, {kept:?}: {signed:?}");
            }
        }
    }
}

#[test]
fn the_faults_would_find_a_witness_that_forgets() {
    let (_, signed) = lives(None, Keep::Nothing, Some(Wrong::ForgetsTheDirectory));
    assert!(split(&signed), "{signed:?}");
}

#[test]
fn each_answer_is_the_one_that_the_specification_wants() {
    let (disk, evidence) = (SimDisk::default(), SimDisk::default());
    let witness = on(&disk, &evidence).unwrap();
    let files = || witness.0.book.evidence("").unwrap();
    assert!(matches!(witness.add(b"old 1"), Told::Malformed(_)));
    assert_eq!(witness.shown(&origin_hash(log().public().name())).unwrap(), None);
    let stranger = asked(History::One, 0, 4).to_string().replace("\nlog.example\n", "\nother.example\n");
    assert_eq!(witness.add(stranger.as_bytes()), Told::Unknown);
    let unsigned = asked(History::One, 0, 4).to_string().replace("\n4\n", "\n5\n");
    assert!(matches!(witness.add(unsigned.as_bytes()), Told::NotSigned(_)));
    assert_eq!(ask(&witness, History::One, 3, 4), Told::Moved(0));
    assert!(checked(&ask(&witness, History::One, 0, 4), History::One, 4));
    assert!(checked(&ask(&witness, History::One, 4, 9), History::One, 9));
    assert!(checked(&ask(&witness, History::One, 9, 9), History::One, 9));
    assert_eq!(ask(&witness, History::One, 4, 4), Told::Moved(9));
    let larger = AddCheckpoint { old: 10, ..asked(History::One, 9, 9) };
    assert!(matches!(witness.add(larger.to_string().as_bytes()), Told::Malformed(_)));
    assert_eq!(files(), 0, "nothing of this speaks against the log");
    // A restored older copy that went on otherwise.
    assert!(matches!(ask(&witness, History::Other, 9, 20), Told::NotConsistent(_)));
    assert_eq!(witness.0.book.evidence(UNPROVED).unwrap(), 1);
    // Another root for the same size, whatever the old size: both checkpoints convict the log.
    for old in [4, 9, 9] {
        let told = ask(&witness, History::Other, old, 9);
        assert!(matches!(told, Told::NotConsistent(_) | Told::Moved(9)), "{told:?}");
    }
    assert_eq!((witness.0.book.evidence(SPLIT).unwrap(), files()), (1, 2));
    let told = |log: &Watched| (log.cosigned, log.splits);
    assert_eq!(witness.all().unwrap().iter().map(told).collect::<Vec<_>>(), [(Some(9), 1)]);
    let name = crate::disk::Disk::list(&evidence).unwrap().into_iter().find(|name| name.starts_with(SPLIT)).unwrap();
    let text = String::from_utf8(evidence.content(&name).unwrap()).unwrap();
    for history in [History::One, History::Other] {
        let checkpoint = asked(history, 0, 9).note;
        assert!(text.contains(&checkpoint.to_string()), "{text}");
        assert_eq!(Checkpoint::open(&checkpoint, log().public()).unwrap().head(), head(history, 9));
    }
}

#[test]
fn after_a_restart_it_goes_on_from_what_it_cosigned() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, logs) = (directory.path().join("witness"), directory.path().join("logs"));
    let open = || Witness::open(&dir, &logs, key(), Arc::new(SystemClock));
    assert!(matches!(open(), Err(WitnessError::Io(..))));
    fs::write(&logs, "log\n").unwrap();
    assert!(open().unwrap_err().to_string().contains("line 1: write `log KEY`"));
    fs::write(&logs, format!("log {}\n", log().public())).unwrap();
    let witness = open().unwrap();
    assert!(matches!(open(), Err(WitnessError::InUse(_))));
    let told = ask(&witness, History::One, 0, 9);
    assert!(checked(&told, History::One, 9));
    let name = origin_hash(log().public().name());
    let shown = witness.shown(&name).unwrap().unwrap();
    drop(witness);
    let witness = open().unwrap();
    assert_eq!(witness.shown(&name).unwrap(), Some(shown), "the very same cosignature");
    assert!(matches!(ask(&witness, History::Other, 9, 9), Told::NotConsistent(_)));
    assert!(checked(&ask(&witness, History::One, 9, 20), History::One, 20));
    drop(witness);
    // What is damaged is never taken for nothing.
    fs::write(dir.join(&name), "seen 1\n").unwrap();
    let witness = open().unwrap();
    assert_eq!(ask(&witness, History::Other, 0, 9), Told::Unavailable);
    assert!(witness.shown(&name).is_err());
}

#[test]
fn of_two_requests_at_once_one_is_first() {
    let disk = SimDisk::default();
    let witness = on(&disk, &SimDisk::default()).unwrap();
    for (old, new) in [(0, 4), (4, 9), (9, 20)] {
        let witness = &witness;
        let told = std::thread::scope(|scope| {
            let ask = |history| scope.spawn(move || ask(witness, history, old, new));
            let asking = [History::One, History::Other, History::One, History::Other].map(ask);
            asking.map(|asking| asking.join().unwrap())
        });
        let signed = |history| told.iter().filter(|told| checked(told, history, new)).count();
        assert!(signed(History::One) == 0 || signed(History::Other) == 0, "{told:?}");
        assert!(old > 0 || signed(History::One) + signed(History::Other) >= 1, "{told:?}");
    }
}
