//! The notary in the running program: promises that are kept, checkpoints that only grow, alarms, and a store that was lost.

use std::{fs, path::Path};

use serde_json::{Value, json};
use socai_domain::proof::{Checkpoint, Note, Policy, Promise, TlogProof, TreeHead, VerifierKey, consistency};

use crate::{
    binary::{Serving, run, socai, text, told},
    office::{Client, Office, REGISTER, paper},
};

const RECEIVE: &str = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) \
    { document { id } receipt { recordId stream revision hash promise } } }";
const NOTARY: &str = "{ ledger { notary { state verifierKey checkpoint { size text } } } }";

async fn get(url: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The log's key, as the operator gives it away.
fn key(office: &Office) -> VerifierKey {
    fs::read_to_string(office.path().join("notary/log.pub")).unwrap().trim().parse().unwrap()
}

fn opened(checkpoint: &str, key: &VerifierKey) -> TreeHead {
    Checkpoint::open(&Note::parse(checkpoint.as_bytes()).unwrap(), key).unwrap().head()
}

/// The newest head that the server shows; a server that has just begun has not read its store yet.
async fn newest(url: &str, key: &VerifierKey) -> TreeHead {
    loop {
        match get(url, "/log/checkpoint").await {
            (503, told) if told.contains("a little later") => {}
            (status, checkpoint) => {
                assert_eq!(status, 200, "{checkpoint}");
                return opened(&checkpoint, key);
            }
        }
    }
}

/// The proof of a record as a file, asked for until it is there.
async fn proof(url: &str, record: &str) -> TlogProof {
    loop {
        let (status, told) = get(url, &format!("/log/proof/{record}")).await;
        if status == 200 {
            return TlogProof::parse(told.as_bytes()).unwrap();
        }
        assert!(status == 404 || status == 503, "{status}: {told}");
    }
}

async fn received(clerk: &Client, number: &str) -> Value {
    clerk.must(RECEIVE, paper(number)).await["receiveIncoming"]["receipt"].clone()
}

/// A clerk's client on a server.
async fn clerk(office: &Office, serving: &Serving) -> Client {
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    office.client(&serving.url, &person)
}

#[tokio::test]
async fn what_a_receipt_promises_is_proved_to_a_stranger() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let (clerk, key) = (clerk(&office, &serving).await, key(&office));
    let receipt = received(&clerk, "1").await;
    let text = |of: &str| receipt[of].as_str().unwrap().to_owned();
    let promise = Promise::open(&Note::parse(text("promise").as_bytes()).unwrap(), &key).unwrap();
    assert_eq!((promise.hash.to_string(), promise.within), (text("hash"), 60));

    // Everything from here on needs no token.
    let proof = proof(&serving.url, &text("recordId")).await;
    let policy = Policy::new(key.clone(), Vec::new(), 0).unwrap();
    let proved = proof.verify(promise.hash, &policy).unwrap();
    let covering = proved.accepted.checkpoint.head();
    assert!(proved.index < covering.size);
    let again = opened(&get(&serving.url, &format!("/log/checkpoint/{}", covering.size)).await.1, &key);
    assert_eq!(again, covering);
    // The first leaves, as any mirror reads them.
    let (status, _) = get(&serving.url, &format!("/log/tile/0/000.p/{}", covering.size)).await;
    assert_eq!(status, 200);

    // And as a stranger does it: the files and the key, no ledger.
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = files.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (proof, promise) = (file("a.tlog-proof", &proof.to_string()), file("a.receipt", &text("promise")));
    let arguments = ["verify-proof", &proof, "--json", "--receipt", &promise, "--key", &key.to_string()];
    let judged = socai().args(arguments).output().unwrap();
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!((&judged["ok"], &judged["promiseKept"]), (&json!(true), &json!(true)), "{judged}");

    let query =
        "query($id: ID!) { trail(document: $id) { records { edges { node { hash leafIndex coveredBy { size } } } } } }";
    let trail = clerk.ask(query, json!({ "id": receipt["stream"] })).await;
    let node = &trail["data"]["trail"]["records"]["edges"][0]["node"];
    assert_eq!((&node["hash"], &node["leafIndex"]), (&receipt["hash"], &json!(proved.index)), "{trail}");
    let administrator = office.administrator(&serving.url);
    let query = "{ consistencyProof(from: 1) { from { text } to { text } hashes } }";
    let grown = administrator.ask(query, json!({})).await;
    let grown = &grown["data"]["consistencyProof"];
    let hashes: Vec<_> =
        grown["hashes"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
    let head = |of: &str| opened(grown[of]["text"].as_str().unwrap(), &key);
    assert_eq!(consistency::verify(head("from"), head("to"), &hashes), Ok(()));
    let metrics = get(&serving.url, "/metrics").await.1;
    for name in ["socai_notary_tree_size", "socai_notary_alarm 0", "socai_notary_checkpoint_age_seconds"] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
    assert!(serving.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_checkpoint_ever_shown_is_the_beginning_of_what_comes_after_a_kill() {
    let kills = if std::env::var_os("SOCAI_LONG").is_some() { 100 } else { 5 };
    let office = Office::new("G99");
    let mut serving = office.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let key = key(&office);
    assert!(serving.terminate().success());
    let mut shown: Vec<TreeHead> = Vec::new();
    let mut number = 0;
    for kill in 0..kills {
        let mut serving = office.serve();
        let clerk = office.client(&serving.url, &person);
        let until = number + 3 + kill * 5 % 17;
        // Checkpoints are signed while more is written.
        let watching = {
            let (url, key) = (serving.url.clone(), key.clone());
            tokio::spawn(async move {
                let mut shown = Vec::new();
                while let Ok(answer) = reqwest::get(format!("{url}/log/checkpoint")).await {
                    let Ok(checkpoint) = answer.text().await else { break };
                    let Ok(note) = Note::parse(checkpoint.as_bytes()) else { continue };
                    let head = Checkpoint::open(&note, &key).unwrap().head();
                    if shown.last() != Some(&head) {
                        shown.push(head);
                    }
                }
                shown
            })
        };
        while number < until {
            number += 1;
            let receipt = received(&clerk, &number.to_string()).await;
            let register = json!({ "commandId": uuid::Uuid::now_v7(), "document": receipt["stream"] });
            clerk.must(REGISTER, register).await;
        }
        serving.kill();
        shown.extend(watching.await.unwrap());
    }
    let mut serving = office.serve();
    let records: Value = serde_json::from_str(&told(office.path(), &["verify", "--json"])).unwrap();
    let newest = loop {
        let newest = newest(&serving.url, &key).await;
        if newest.size >= records["records"].as_u64().unwrap() {
            break newest;
        }
    };
    assert!(shown.len() > kills, "{} heads", shown.len());
    assert!(shown.is_sorted_by_key(|head| head.size), "{shown:?}");
    let administrator = office.administrator(&serving.url);
    for head in shown {
        let query = "query($from: Int!, $to: Int!) { consistencyProof(from: $from, to: $to) { hashes } }";
        let grown = administrator.ask(query, json!({ "from": head.size, "to": newest.size })).await;
        let hashes =
            grown["data"]["consistencyProof"]["hashes"].as_array().unwrap_or_else(|| panic!("{grown}")).clone();
        let hashes: Vec<_> = hashes.iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(consistency::verify(head, newest, &hashes), Ok(()), "{} to {}", head.size, newest.size);
    }
    assert!(serving.terminate().success());
}

#[test]
fn a_second_notary_is_refused() {
    let (one, other) = (Office::new("G99"), Office::new("H99.05"));
    let mut serving = one.serve();
    let store = one.path().join("notary");
    let output = socai()
        .args(["serve", "--listen", "127.0.0.1:0", "--notary"])
        .arg(&store)
        .arg("--data")
        .arg(other.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("in use by another notary"), "{}", text(&output.stderr));
    assert!(serving.terminate().success());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test]
async fn a_log_cut_below_the_checkpoint_is_an_alarm_and_the_api_goes_on() {
    let office = Office::new("G99");
    let log = office.path().join("log");
    let mut serving = office.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let document = received(&office.client(&serving.url, &person), "1").await["stream"].clone();
    assert!(serving.terminate().success());
    let older = office.path().join("older");
    copy(&log, &older);
    let mut serving = office.serve();
    received(&office.client(&serving.url, &person), "2").await;
    assert!(serving.terminate().success());
    let signed = opened(&fs::read_to_string(office.path().join("notary/checkpoint")).unwrap(), &key(&office));

    // What an attacker or a careless restore does, with all that the program keeps of its own accord.
    fs::remove_dir_all(&log).unwrap();
    fs::rename(&older, &log).unwrap();
    for name in ["reactions.checkpoint", "views.sqlite"] {
        fs::remove_file(office.path().join(name)).unwrap();
    }
    let mut serving = office.serve();
    let (status, health) = loop {
        let (status, health) = get(&serving.url, "/health/ready").await;
        if status != 200 {
            break (status, health);
        }
    };
    assert!(status == 503 && health.contains("notary: stopped, a person must act"), "{health}");
    assert!(get(&serving.url, "/metrics").await.1.contains("socai_notary_alarm 2"));
    let clerk = office.client(&serving.url, &person);
    let notary = clerk.ask(NOTARY, json!({})).await["data"]["ledger"]["notary"].clone();
    assert_eq!((&notary["state"], &notary["checkpoint"]["size"]), (&json!("ALARM"), &json!(signed.size)), "{notary}");
    // The views are built anew meanwhile: this waits for that.
    told(office.path(), &["rebuild"]);
    let read = clerk.ask("query($id: ID!) { incomingDocument(id: $id) { stage } }", json!({ "id": document })).await;
    assert_eq!(read["data"]["incomingDocument"]["stage"], "ARRIVED", "{read}");
    let receipt = received(&clerk, "3").await;
    assert!(receipt["hash"].is_string() && receipt["promise"].is_null(), "nothing is promised: {receipt}");
    assert_eq!(newest(&serving.url, &key(&office)).await, signed, "nothing more was signed");
    assert_eq!(serving.terminate().code(), Some(1), "it says so at its end, too");
}

#[tokio::test]
async fn a_lost_store_is_silent_until_the_operator_agrees() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    received(&office.client(&serving.url, &person), "1").await;
    let key = key(&office);
    assert!(serving.terminate().success());
    let store = office.path().join("notary");
    let held = fs::read_to_string(store.join("checkpoint")).unwrap();
    fs::remove_dir_all(&store).unwrap();

    let mut serving = office.serve();
    let clerk = office.client(&serving.url, &person);
    let receipt = received(&clerk, "2").await;
    assert!(receipt["promise"].is_null(), "{receipt}");
    for path in ["/log/checkpoint", "/log/checkpoint/1", "/log/tile/0/000.p/1"] {
        assert_eq!(get(&serving.url, path).await.0, 503, "{path}");
    }
    let notary = loop {
        let notary = clerk.ask(NOTARY, json!({})).await["data"]["ledger"]["notary"].clone();
        if notary["state"] != "SIGNING" {
            break notary;
        }
    };
    assert!(notary["state"] == "SILENT" && notary["checkpoint"].is_null(), "{notary}");
    assert!(get(&serving.url, "/health/ready").await.1.contains("notary: stopped"));
    let busy = run(office.path(), &["notary", "agree", "--first"]);
    assert!(text(&busy.stderr).contains("in use"), "{}", text(&busy.stderr));
    assert!(serving.terminate().success());

    let file = office.path().join("held.txt");
    let agree = |checkpoint: &str| {
        fs::write(&file, checkpoint).unwrap();
        run(office.path(), &["notary", "agree", "--checkpoint", file.to_str().unwrap()])
    };
    let forged = agree(&held.replacen('\n', "\n1", 1));
    assert!(text(&forged.stderr).contains("not a checkpoint of this log"), "{}", text(&forged.stderr));
    assert_eq!(forged.status.code(), Some(1));
    let agreed = agree(&held);
    assert!(agreed.status.success(), "{}", text(&agreed.stderr));
    let again = agree(&held);
    assert!(text(&again.stderr).contains("nothing to agree on"), "{}", text(&again.stderr));

    let mut serving = office.serve();
    let signed = opened(&held, &key);
    let again = opened(&get(&serving.url, &format!("/log/checkpoint/{}", signed.size)).await.1, &key);
    assert_eq!(again, signed);
    let receipt = received(&office.client(&serving.url, &person), "3").await;
    assert!(receipt["promise"].is_string(), "{receipt}");
    proof(&serving.url, receipt["recordId"].as_str().unwrap()).await;
    assert!(serving.terminate().success());
}

#[test]
fn without_the_log_key_nothing_starts_and_a_new_one_is_not_made_over_signatures() {
    let office = Office::new("G99");
    let path = office.path().join("keys/log.key");
    let kept = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let refused = run(office.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("there is no key"), "{}", text(&refused.stderr));
    let refused = run(office.path(), &["keygen", "--missing"]);
    assert!(text(&refused.stderr).contains("put it back"), "{}", text(&refused.stderr));
    fs::write(&path, kept).unwrap();
    assert!(run(office.path(), &["keygen", "--missing"]).status.success());
}
