//! The program with its ledger in a KurrentDB cluster: the double of one.

use serde_json::{Value, json};
use socai::log::{self, FileLogOptions, Known, OpenLogError};
use socai_conformance::SetClock;
use socai_domain::ledger::{Append, Draft, EventKind, Expected, LedgerId, Position, StreamId, StreamKind};
use socai_kurrent_double::Double;
use uuid::Uuid;

use crate::{
    binary::{Serving, run, socai, text, told},
    office::{Office, RECEIVE, REGISTER, paper},
};

/// Numbers of the register and length of the document's trail, at this position or later.
const LOOK: &str = "query($document: ID!, $atLeast: Position) { trail(document: $document, atLeast: $atLeast) \
    { verification length } incomingRegister(first: 10, atLeast: $atLeast) { edges { node { number } } } }";

// The double runs on the threads that the test does not block while it waits for a program.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_document_goes_its_way_in_a_cluster_and_is_there_after_a_restart() {
    let double = Double::cluster(3).await.unwrap();
    let url = double.url("so");
    let log = ["--log", url.as_str()];
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let office = Office::joining(data, "G99", &log);

    let mut serving = Serving::start(office.path(), &log);
    let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let client = office.client(&serving.url, &clerk);
    let received = client.must(RECEIVE, paper("1")).await;
    let document = received["receiveIncoming"]["document"]["id"].clone();
    // The leader dies in between.
    double.stop(0);
    double.lead(Some(1));
    let register = json!({ "commandId": Uuid::now_v7(), "document": document });
    let registered = client.must(REGISTER, register.clone()).await;
    let receipt = registered["registerIncoming"]["receipt"].clone();
    let look = json!({ "document": document, "atLeast": receipt["position"] });
    let answer = client.ask(LOOK, look.clone()).await;
    assert_eq!(answer["data"]["trail"]["length"], 3, "{answer}");
    assert_eq!(answer["data"]["incomingRegister"]["edges"][0]["node"]["number"], 1, "{answer}");
    let answer = client.ask("{ ledger { engine } }", json!({})).await;
    assert_eq!(answer["data"]["ledger"]["engine"], "kurrentdb", "{answer}");
    assert!(serving.terminate().success());

    let written = double.events("so-").len();
    let mut serving = Serving::start(office.path(), &log);
    let client = office.client(&serving.url, &clerk);
    let again = client.must(REGISTER, register).await;
    assert_eq!(again["registerIncoming"]["receipt"]["hash"], receipt["hash"], "the same command, the same answer");
    assert_eq!(client.ask(LOOK, look).await["data"]["trail"]["length"], 3);
    assert_eq!(double.events("so-").len(), written, "a restart writes nothing");
    assert!(serving.terminate().success());

    let rebuilt: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json", "--log", &url])).unwrap();
    assert_eq!(rebuilt["ok"], true, "{rebuilt}");
    // Exports and verification read the cluster as they read files.
    let verified: Value = serde_json::from_str(&told(office.path(), &["verify", "--json", "--log", &url])).unwrap();
    let records = double.events("so-").len();
    assert_eq!((&verified["records"], &verified["segments"]), (&json!(records), &json!(0)), "{verified}");
    let elsewhere = tempfile::tempdir().unwrap();
    let events = elsewhere.path().join("events.jsonl");
    let export = ["export", "--events", "--json", "--format", "jsonl", "--log", &url, "--output"];
    let exported = told(office.path(), &[&export[..], &[events.to_str().unwrap()]].concat());
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!((&exported["rows"], &exported["head"]), (&verified["records"], &verified["head"]), "{exported}");
    let lines = std::fs::read_to_string(&events).unwrap();
    assert!(lines.lines().count() == records && lines.contains("IncomingRegistered"), "{lines}");
    let some = told(office.path(), &["export", "--events", "--format", "jsonl", "--to", "2020-12-31", "--log", &url]);
    assert_eq!(some, "");
    let (bundle, key) = (elsewhere.path().join("document.zip"), office.path().join("notary/log.pub"));
    let export = ["export", "--document", document.as_str().unwrap(), "--json", "--log", &url, "--output"];
    let exported = told(office.path(), &[&export[..], &[bundle.to_str().unwrap()]].concat());
    assert_eq!(serde_json::from_str::<Value>(&exported).unwrap()["faults"], json!([]), "{exported}");
    let checked = socai().arg("verify-bundle").arg(&bundle).arg("--key").arg(&key).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    // Another ledger is not taken for this one.
    let other = run(office.path(), &["rebuild", "--json", "--log", &double.url("other")]);
    assert!(!other.status.success(), "{}", text(&other.stdout));
    assert_eq!(double.events("other."), []);
}

#[test]
fn what_asks_a_cluster_that_is_not_there_says_so_and_keeps_the_password_to_itself() {
    let data = tempfile::tempdir().unwrap();
    let url = "kurrentdb://clerk:geheim@localhost:1?ledger=so";
    for command in [&["fsck"][..], &["doctor"]] {
        let output = run(data.path(), &[command, &["--log", url]].concat());
        let told = text(&output.stdout) + &text(&output.stderr);
        assert!(told.contains("localhost:1") && !told.contains("geheim"), "{command:?}: {told}");
        assert_eq!(output.status.code(), Some(1), "{command:?}: {told}");
    }
}

#[tokio::test]
async fn a_cluster_that_ends_before_what_is_known_is_not_served() {
    let double = Double::start().await.unwrap();
    let url = double.url("so");
    let open = |create, known| {
        let clock = SetClock::at(1_795_000_000_000_000);
        let options = FileLogOptions { create, known, ..FileLogOptions::new(clock) };
        let url = url.clone();
        async move { log::open(&url, options).await.map(|engine| engine.events()) }
    };
    let missing = open(false, Known::default()).await.err().unwrap().to_string();
    assert!(missing.contains("no ledger \"so\""), "{missing}");
    let events = open(true, Known::default()).await.unwrap();
    let draft = Draft { kind: EventKind::new(426), organ: Uuid::nil(), person: Uuid::nil(), body: vec![7; 40] };
    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(1));
    let append = Append { stream, expected: Expected::New, drafts: vec![draft.clone(), draft] };
    let last = events.append(append).await.unwrap().last().position;

    let whole = Known { position: Some(last), signed: 2 };
    assert_eq!(open(false, whole).await.unwrap().ledger(), events.ledger());
    for beyond in [
        Known { position: Some(last.with_place(last.place() + 1)), signed: 0 },
        Known { position: Some(last), signed: 3 },
    ] {
        let refused = open(false, beyond).await.err();
        assert!(matches!(refused, Some(OpenLogError::Ends { records: 2, .. })), "{beyond:?}: {refused:?}");
    }
    let other = Position::new(LedgerId(Uuid::from_u128(9)), 1, 1);
    let refused = open(false, other.into()).await.err();
    assert!(matches!(refused, Some(OpenLogError::OtherLog { .. })), "{refused:?}");
}
