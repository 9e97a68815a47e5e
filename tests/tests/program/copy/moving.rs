//! Into a cluster and back; and a copy that was cut off.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use serde_json::{Value, json};
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions},
};
use socai_domain::{
    ledger::{Append, Draft, EventKind, EventLog as _, Expected, SealedRecord, StreamId, StreamKind},
    proof::{Checkpoint, Note, TreeHead, VerifierKey, consistency},
};
use socai_kurrent_double::{AppendFault, Double};
use tempfile::TempDir;
use uuid::Uuid;

use super::{alarm, copy, copy_files, received, records, refused, url, wait_for};
use crate::{
    binary::{Serving, run, socai, text, told},
    office::{Office, REGISTER},
};

const LOOK: &str = "query($document: ID!, $atLeast: Position) { trail(document: $document, atLeast: $atLeast) \
    { verification length } }";

fn head(checkpoint: &str, key: &VerifierKey) -> TreeHead {
    Checkpoint::open(&Note::parse(checkpoint.as_bytes()).unwrap(), key).unwrap().head()
}

/// What README.md says under "To move a ledger": what tells of the old positions goes, and the notary agrees with itself.
fn settle(data: &Path, log: &str) -> String {
    for name in ["views.sqlite", "reactions.checkpoint"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    let (store, before) = (data.join("notary"), data.join("notary.before"));
    let _ = fs::remove_dir_all(&before);
    fs::rename(&store, &before).unwrap();
    let checkpoint = before.join("checkpoint");
    told(data, &["notary", "agree", "--log", log, "--checkpoint", checkpoint.to_str().unwrap()])
}

/// Is the record proved by this file, to whoever has the key, and is the promise kept?
fn proved(proof: &Path, promise: &Path, key: &VerifierKey) -> Value {
    let arguments = ["verify-proof", proof.to_str().unwrap(), "--json", "--receipt", promise.to_str().unwrap()];
    let output = socai().args(arguments).args(["--key", &key.to_string()]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An installation with its ledger in files, and what was promised and proved there.
struct Before {
    office: Office,
    clerk: String,
    document: Value,
    /// The command that registered it, and its receipt.
    register: Value,
    registered: Value,
    /// Where its first record's proof is, the proof, and the receipt that promised it.
    proof_of: String,
    proof: PathBuf,
    promise: PathBuf,
    key: VerifierKey,
    /// The newest checkpoint.
    signed: String,
    /// A copy of the log, and its records.
    kept: PathBuf,
    records: Vec<SealedRecord>,
    files: TempDir,
}

impl Before {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        told(data.path(), &["demo", "--exit", "--lang", "en", "--segment-mib", "1"]);
        let office = Office::joining(data, "H98", &[]);
        let files = tempfile::tempdir().unwrap();
        let key = fs::read_to_string(office.path().join("notary/log.pub")).unwrap().trim().parse().unwrap();
        let mut serving = office.serve();
        let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
        let client = office.client(&serving.url, &clerk);
        let receipt = received(&client, "1").await;
        let document = receipt["stream"].clone();
        let register = json!({ "commandId": Uuid::now_v7(), "document": document });
        let registered = client.must(REGISTER, register.clone()).await["registerIncoming"]["receipt"].clone();
        let proof_of = format!("/log/proof/{}", receipt["recordId"].as_str().unwrap());
        let proof = keep(&files, "old.tlog-proof", &wait_for(&serving.url, &proof_of).await);
        let promise = keep(&files, "old.receipt", receipt["promise"].as_str().unwrap());
        assert!(serving.terminate().success());
        let signed = fs::read_to_string(office.path().join("notary/checkpoint")).unwrap();
        let kept = files.path().join("kept");
        copy_files(&office.path().join("log"), &kept);
        let records = records(&kept).await;
        assert_eq!(head(&signed, &key).size, records.len() as u64);
        Self {
            office,
            clerk,
            document,
            register,
            registered,
            proof_of,
            proof,
            promise,
            key,
            signed,
            kept,
            records,
            files,
        }
    }

    fn path(&self) -> &Path {
        self.office.path()
    }

    /// The command that registered the document, again.
    async fn again(&self, serving: &Serving) -> Value {
        let client = self.office.client(&serving.url, &self.clerk);
        client.must(REGISTER, self.register.clone()).await["registerIncoming"]["receipt"].clone()
    }

    /// Whoever does not do what README.md says is told what to do.
    async fn is_told_to_settle(&self, log: &str) {
        let refusal = run(self.path(), &["rebuild", "--log", log]);
        let refusal = text(&refusal.stderr);
        assert!(refusal.contains("reactions.checkpoint") && refusal.contains("agree --checkpoint"), "{refusal}");
        let hasty = self.files.path().join("hasty");
        copy_files(self.path(), &hasty);
        for name in ["views.sqlite", "reactions.checkpoint"] {
            fs::remove_file(hasty.join(name)).unwrap();
        }
        let said = alarm(&hasty, &["--log", log]).await;
        assert!(said.contains("ALARM") && said.contains("agree --checkpoint"), "{said}");
    }

    /// Served from the other log: all is there, what was proved stays so, and it goes on.
    async fn goes_on(&self, log: &str) {
        let mut serving = Serving::start(self.path(), &["--log", log]);
        // The views are built anew meanwhile: this waits for that.
        told(self.path(), &["rebuild", "--log", log]);
        let client = self.office.client(&serving.url, &self.clerk);
        let look = |position: &Value| client.ask(LOOK, json!({ "document": self.document, "atLeast": position }));
        let answer = look(&Value::Null).await;
        assert_eq!(answer["data"]["trail"]["length"], 3, "{answer}");
        let answer = look(&self.registered["position"]).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FOREIGN_POSITION", "{answer}");
        // The same command again has the first answer, but for the position.
        let repeated = self.again(&serving).await;
        assert_eq!(repeated["hash"], self.registered["hash"]);
        assert_ne!(repeated["position"], self.registered["position"]);
        let anew = keep(&self.files, "new.tlog-proof", &wait_for(&serving.url, &self.proof_of).await);
        for proof in [&self.proof, &anew] {
            let judged = proved(proof, &self.promise, &self.key);
            assert_eq!((&judged["ok"], &judged["promiseKept"]), (&json!(true), &json!(true)), "{judged}");
        }
        let next = received(&client, "2").await;
        let proof = format!("/log/proof/{}", next["recordId"].as_str().unwrap());
        let proof = keep(&self.files, "next.tlog-proof", &wait_for(&serving.url, &proof).await);
        let promise = keep(&self.files, "next.receipt", next["promise"].as_str().unwrap());
        assert_eq!(proved(&proof, &promise, &self.key)["promiseKept"], true);
        // The history that was signed only grew.
        let newest = wait_for(&serving.url, "/log/checkpoint").await;
        let (from, to) = (head(&self.signed, &self.key), head(&newest, &self.key));
        assert!(to.size > from.size);
        let query = "query($from: Int!, $to: Int!) { consistencyProof(from: $from, to: $to) { hashes } }";
        let administrator = self.office.administrator(&serving.url);
        let grown = administrator.ask(query, json!({ "from": from.size, "to": to.size })).await;
        let hashes = grown["data"]["consistencyProof"]["hashes"].as_array().unwrap_or_else(|| panic!("{grown}"));
        let hashes: Vec<_> = hashes.iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(consistency::verify(from, to, &hashes), Ok(()));
        assert!(serving.terminate().success());
    }
}

fn keep(files: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = files.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

// The double runs on the threads that the test does not block while it waits for a program.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_whole_installation_moves_into_a_cluster_and_back() {
    let double = Double::start().await.unwrap();
    let cluster = double.url("so");
    let before = Before::new().await;
    let (log, count) = (url(&before.path().join("log")), before.records.len());
    let copied = copy(&log, &cluster);
    assert_eq!((&copied["records"], &copied["added"]), (&json!(count), &json!(count)), "{copied}");
    let root = head(&before.signed, &before.key).root.to_string();
    assert_eq!((&copied["root"], &copied["grows"]), (&json!(root), &json!(false)));
    let again = copy(&log, &cluster);
    assert_eq!((&again["added"], &again["root"], &again["head"]), (&json!(0), &copied["root"], &copied["head"]));
    before.is_told_to_settle(&cluster).await;
    let agreed = settle(before.path(), &cluster);
    assert!(agreed.contains("agreed"), "{agreed}");
    before.goes_on(&cluster).await;

    // The cluster's ledger verifies, also against a head of its own, and not against one of the files.
    let verified: Value = serde_json::from_str(&told(before.path(), &["verify", "--json", "--log", &cluster])).unwrap();
    assert!(verified["records"].as_u64().unwrap() > count as u64, "{verified}");
    let own = copied["head"].as_str().unwrap();
    assert!(told(before.path(), &["verify", "--log", &cluster, "--expect", own]).contains("only grew since"));
    let kept = url(&before.kept);
    let of_files: Value = serde_json::from_str(&told(&before.kept, &["verify", "--json", "--log", &kept])).unwrap();
    let of_files = of_files["head"].as_str().unwrap();
    let foreign = run(&before.kept, &["verify", "--log", &cluster, "--expect", of_files]);
    assert!(text(&foreign.stderr).contains("before or after it was copied"), "{}", text(&foreign.stderr));

    // Back into files: byte for byte the same, and it goes on there.
    let back = before.path().join("back");
    let returned = copy(&cluster, &url(&back));
    assert_eq!(returned["records"], verified["records"]);
    let expect = ["verify", "--log", &url(&back), "--expect", returned["head"].as_str().unwrap()];
    assert!(told(before.files.path(), &expect).contains("only grew since"));
    let signed = fs::read_to_string(before.path().join("notary/checkpoint")).unwrap();
    assert_eq!(returned["root"], head(&signed, &before.key).root.to_string());
    let after = records(&back).await;
    assert_eq!(after.len() as u64, returned["records"].as_u64().unwrap());
    assert!(after[..count] == before.records[..], "a record was changed on its way");
    settle(before.path(), &url(&back));
    let mut serving = Serving::start(before.path(), &["--log", &url(&back)]);
    wait_for(&serving.url, "/health/ready").await;
    assert_eq!(before.again(&serving).await["hash"], before.registered["hash"]);
    received(&before.office.client(&serving.url, &before.clerk), "3").await;
    assert!(serving.terminate().success());
    told(before.path(), &["verify", "--log", &url(&back)]);

    // What the cluster has is not the beginning of what the kept files have, and not another ledger's.
    let written = double.events("so").len();
    assert!(refused(&kept, &cluster).contains("--to holds more of ledger"));
    assert!(refused(&kept, &log).contains("are the same log"));
    fork(&before.kept).await;
    let said = refused(&kept, &cluster);
    assert!(said.contains(&format!("its record {} is not the one of --from", count + 1)), "{said}");
    let other = Office::new("G99");
    assert!(refused(&url(&other.path().join("log")), &cluster).contains("ledger=NAME"));
    assert_eq!(double.events("so").len(), written, "a copy that is refused changes nothing");
    for wrong in [["kafka://a", &cluster], [&cluster, "kurrentdb://"]] {
        let said = refused(wrong[0], wrong[1]);
        assert!(said.contains("--from: ") || said.contains("--to: "), "{said}");
    }
}

/// Goes on with a log in another way.
async fn fork(log: &Path) {
    let fork = FileLog::open(log, FileLogOptions::new(Arc::new(SystemClock))).unwrap();
    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(1));
    let draft = Draft { kind: EventKind::new(426), organ: Uuid::nil(), person: Uuid::nil(), body: vec![7; 40] };
    fork.append(Append { stream, expected: Expected::New, drafts: vec![draft] }).await.unwrap();
    fork.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_copy_that_was_killed_is_opened_by_nobody_and_goes_on() {
    let double = Double::start().await.unwrap();
    let cluster = double.url("so");
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["demo", "--exit"]);
    let log = url(&data.path().join("log"));
    // The first ones are written, then one is never answered: there it stands when it is killed.
    double.faults().appends([vec![AppendFault::Nothing; 20], vec![AppendFault::Ignored; 5]].concat());
    let mut command = socai();
    command.args(["copy", "--from", &log, "--to", &cluster]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    double.until(|counts| counts.appends > 20).await;
    child.kill().unwrap();
    child.wait().unwrap();
    double.faults().forget_appends();
    let there = double.events("so-").len();
    for command in ["verify", "rebuild"] {
        let output = run(data.path(), &[command, "--log", &cluster]);
        assert!(text(&output.stderr).contains("is not whole yet"), "{command}: {}", text(&output.stderr));
        assert!(!output.status.success());
    }
    let copied = copy(&log, &cluster);
    let (records, added) = (copied["records"].as_u64().unwrap(), copied["added"].as_u64().unwrap());
    assert_eq!(records - added, there as u64, "{copied}");
    assert!(there > 8 && added > 0, "{copied}");

    // Into files, too.
    let back = data.path().join("back");
    fs::create_dir(&back).unwrap();
    fs::write(back.join("copying"), "").unwrap();
    let output = run(data.path(), &["verify", "--log", &url(&back)]);
    assert!(text(&output.stderr).contains("is not whole yet"), "{}", text(&output.stderr));
    assert_eq!(copy(&cluster, &url(&back))["added"].as_u64(), Some(records));
    // Beside no checkpoint of the log that it was copied from.
    assert!(told(&back, &["verify", "--log", &url(&back)]).contains("verified"));
}
