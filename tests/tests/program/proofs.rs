//! `socai verify-proof` and `docs/verify_proof.py`, on the examples and on every changed byte of them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use socai::verify_proof::Question;
use socai_domain::{
    ledger::StreamKind,
    proof::{Policy, VerifierKey},
};

use crate::{
    binary::{socai, text},
    python::python,
};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn example(file: &str) -> Vec<u8> {
    fs::read(docs().join("proof-example").join(file)).unwrap()
}

fn verify_proof(arguments: &[&str]) -> Output {
    socai().current_dir(docs().join("proof-example")).arg("verify-proof").args(arguments).output().unwrap()
}

/// The object that `--json` prints, and the exit code.
fn judged(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = verify_proof(&[arguments, &["--json"]].concat());
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    (serde_json::from_str(&text(&output.stdout)).unwrap(), output.status.code())
}

#[test]
fn a_good_proof_is_told_in_words_and_as_json() {
    let all = [
        "decision.tlog-proof",
        "--policy",
        "policy.txt",
        "--record",
        "decision.record",
        "--receipt",
        "decision.receipt",
    ];
    let output = verify_proof(&all);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for words in [
        "proved    record ",
        "as entry 6 (from 0) of 9",
        "computed from the record",
        "witness   nhan-chung.example/1",
        "kept",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (told, code) = judged(&all);
    assert_eq!(
        (code, &told["ok"], &told["index"], &told["promiseKept"]),
        (Some(0), &json!(true), &json!(6), &json!(true))
    );
    assert_eq!(told["witnessed"][0]["witness"], "nhan-chung.example/1");
    // The log's key alone, as a file or as text: nothing is said of witnesses or receipts.
    let key = text(&example("log.key"));
    for key in ["log.key", key.trim_end()] {
        let (told, code) = judged(&["decision.tlog-proof", "--key", key]);
        assert_eq!(
            (code, &told["knownBy"], &told["promiseKept"], &told["witnessed"]),
            (Some(0), &json!("proof"), &json!(null), &json!([]))
        );
    }
    let (told, code) =
        judged(&["decision.tlog-proof", "--key", "log.key", "--witness", "witness.key", "--quorum", "1"]);
    assert_eq!((code, told["witnessed"].as_array().unwrap().len()), (Some(0), 1));
}

#[test]
fn broken_promises_are_named() {
    let receipt = ["--key", "log.key", "--witness", "witness.key", "--receipt", "decision.receipt"];
    let replaced = [&["replaced.tlog-proof", "--record", "replaced.record"][..], &receipt].concat();
    let late = [&["late.checkpoint", "--entries", "late"][..], &receipt].concat();
    for (arguments, words) in [(&replaced, "the record was replaced"), (&late, "is without it")] {
        let (told, code) = judged(arguments);
        assert_eq!((code, &told["ok"], &told["failed"]), (Some(1), &json!(false), &json!("promise_broken")));
        assert!(told["message"].as_str().unwrap().contains(words), "{told}");
        let output = verify_proof(arguments);
        let said = text(&output.stderr);
        assert!(said.starts_with("socai: promise not kept: ") && said.contains(words), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
    let early = [&late[..], &["--at", "2026-11-23T08:02:30+07:00"]].concat();
    assert_eq!(judged(&early).0["failed"], "not_yet_due");
}

#[test]
fn what_fails_first_is_said_and_what_is_asked_wrongly_refused() {
    let said = |arguments: &[&str]| {
        let output = verify_proof(arguments);
        (output.status.code(), text(&output.stderr))
    };
    let (code, words) = said(&["replaced.tlog-proof", "--key", "log.key", "--record", "decision.record"]);
    assert!(code == Some(1) && words.starts_with("socai: nothing is proved: the file proves record "), "{words}");
    let (code, words) = said(&["decision.tlog-proof", "--key", "log.key", "--witness", "log.key"]);
    assert!(code == Some(1) && words.contains("kind 4"), "{words}");
    let (code, words) = said(&["nothing", "--key", "log.key"]);
    assert!(code == Some(1) && words.contains("nothing: "), "{words}");
    for wrong in [
        &["decision.tlog-proof"][..],
        &["decision.tlog-proof", "--key", "no"],
        &["decision.tlog-proof", "--key", "log.key", "--at", "now"],
    ] {
        assert_eq!(said(wrong).0, Some(2), "{wrong:?}");
    }
}

fn verify_proof_py(arguments: &[&str]) -> Output {
    let mut command = Command::new(python());
    command.arg("-B").arg("../verify_proof.py").args(arguments);
    command.current_dir(docs().join("proof-example")).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_python_program_goes_from_the_record_to_the_signed_root() {
    let all = [
        "decision.tlog-proof",
        "--key",
        "log.key",
        "--witness",
        "witness.key",
        "--record",
        "decision.record",
        "--receipt",
        "decision.receipt",
    ];
    let output = verify_proof_py(&all);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (ours, _) = judged(&all);
    for words in ["record", "hash", "root", "stream", "recorded"] {
        assert!(told.contains(ours[words].as_str().unwrap()), "{words}: {told}");
    }
    assert!(told.contains("receipt   kept") && told.contains("entry 6 (from 0) of 9"), "{told}");
    let output = verify_proof_py(&[
        "replaced.tlog-proof",
        "--key",
        "log.key",
        "--record",
        "replaced.record",
        "--receipt",
        "decision.receipt",
    ]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("promise not kept: "), "{said}");
}

/// One process that judges many: a line in, the files in hexadecimal; a line out, `proved` or what failed.
const JUDGE: &str = "
import sys
sys.path.insert(0, '..')
import verify_proof as v
for line in sys.stdin:
    key, proof, record, receipt, witness = (bytes.fromhex(word) if word != '-' else None for word in line.split())
    try:
        witnesses = [v.Key(witness.decode())] if witness else []
        v.verify(proof, v.Key(key.decode()), record, receipt, witnesses)
        print('proved')
    except v.Fault as fault:
        print('not proved:', fault)
";

struct Case {
    what: String,
    proof: Vec<u8>,
    record: Option<Vec<u8>>,
    receipt: Option<Vec<u8>>,
    witness: bool,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn judged_by_python(cases: &[Case]) -> Vec<String> {
    let mut child = Command::new(python())
        .args(["-B", "-c", JUDGE])
        .current_dir(docs().join("proof-example"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = cases
        .iter()
        .map(|case| {
            let word = |bytes: Option<&[u8]>| bytes.map_or("-".into(), hex);
            let key = |file: &str| hex(text(&example(file)).trim_end().as_bytes());
            let (record, receipt) = (word(case.record.as_deref()), word(case.receipt.as_deref()));
            let witness = if case.witness { key("witness.key") } else { "-".into() };
            format!("{} {} {record} {receipt} {witness}\n", key("log.key"), hex(&case.proof))
        })
        .collect::<Vec<_>>()
        .concat();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    text(&output.stdout).lines().map(ToOwned::to_owned).collect()
}

fn proved_by_rust(case: &Case) -> bool {
    let key = |file: &str| text(&example(file)).trim_end().parse::<VerifierKey>().unwrap();
    let witnesses = if case.witness { vec![key("witness.key")] } else { vec![] };
    let policy = Policy::new(key("log.key"), witnesses.clone(), witnesses.len()).unwrap();
    let (record, receipt) = (case.record.as_deref(), case.receipt.as_deref());
    Question { file: &case.proof, policy: &policy, record, receipt, entries: None, at: None, held: None }
        .answer()
        .is_ok()
}

/// Every byte of the file changed in turn.
fn flipped(file: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..file.len()).map(|at| {
        let mut bytes = file.to_vec();
        bytes[at] ^= 1 << (at % 8);
        (at, bytes)
    })
}

#[test]
fn python_and_rust_find_every_changed_byte() {
    let (record, receipt) = (example("decision.record"), example("decision.receipt"));
    let mut cases = Vec::new();
    for (name, record) in [("decision", record.clone()), ("replaced", example("replaced.record"))] {
        let file = example(&format!("{name}.tlog-proof"));
        cases.push(Case {
            what: format!("good {name}"),
            proof: file.clone(),
            record: Some(record.clone()),
            receipt: None,
            witness: true,
        });
        cases.extend(flipped(&file).map(|(at, proof)| {
            let what = format!("{name}.tlog-proof, byte {at}");
            // With the record, and with what the proof itself says.
            let record = (at % 2 == 0).then(|| record.clone());
            Case { what, proof, record, receipt: None, witness: true }
        }));
    }
    let file = example("decision.tlog-proof");
    let good = |what: &str| Case {
        what: what.into(),
        proof: file.clone(),
        record: None,
        receipt: Some(receipt.clone()),
        witness: false,
    };
    cases.push(good("good receipt"));
    cases.push(Case { record: Some(record.clone()), ..good("good receipt and record") });
    cases.extend(
        flipped(&receipt).map(|(at, receipt)| Case { receipt: Some(receipt), ..good(&format!("receipt, byte {at}")) }),
    );
    cases.extend(flipped(&record).map(|(at, record)| Case {
        record: Some(record),
        receipt: None,
        ..good(&format!("record, byte {at}"))
    }));
    let judged = judged_by_python(&cases);
    assert_eq!(judged.len(), cases.len());
    for (case, python) in cases.iter().zip(judged) {
        let wanted = case.what.starts_with("good");
        assert_eq!(python == "proved", wanted, "python, {}: {python}", case.what);
        assert_eq!(proved_by_rust(case), wanted, "rust, {}", case.what);
    }
}

#[test]
fn the_python_program_knows_every_kind_of_stream() {
    let program = fs::read_to_string(docs().join("verify_proof.py")).unwrap();
    let kinds: Vec<_> = StreamKind::ALL.iter().map(|kind| format!("{}: \"{}\"", kind.number(), kind.name())).collect();
    let line = format!("STREAM_KINDS = {{{}}}\n", kinds.join(", "));
    assert!(program.contains(&line), "docs/verify_proof.py needs this line: {line}");
}
