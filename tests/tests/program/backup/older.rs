//! Keys and log of two days: what does not fit together is said, and nothing looks erased that is not.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::{Kept, LOOK, Place, copy, key};
use crate::{
    binary::{Serving, text},
    office::{Client, Office, REGISTER, erase},
};

/// An office, of which one part may be put back from a backup, beside newer ones of the others.
struct Aged {
    office: Office,
    place: Place,
    people: Vec<String>,
}

impl Aged {
    /// With its server, and the clients of two clerks.
    async fn new() -> (Self, Serving, Vec<Client>) {
        let office = Office::new("G99");
        let place = Place::new(office.path());
        let serving = place.serve();
        let mut people = Vec::new();
        for name in ["Ngô Thị Lan", "Lê Văn Bình"] {
            people.push(office.clerk(&serving.url, name).await);
        }
        let this = Self { office, place, people };
        let clerks = this.clerks(&serving);
        (this, serving, clerks)
    }

    fn clerks(&self, serving: &Serving) -> Vec<Client> {
        self.people.iter().map(|person| self.office.client(&serving.url, person)).collect()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.office.path().join(name)
    }

    fn back_up(&self) {
        self.place.run("a backup of a ledger on files");
    }

    /// The ring from the backup takes the place of the newer one, which is put aside.
    fn age_ring(&self) {
        fs::rename(self.at("keys/ring.sqlite"), self.at("newer.sqlite")).unwrap();
        fs::copy(self.place.set("RING_SET").join("ring.sqlite"), self.at("keys/ring.sqlite")).unwrap();
    }

    fn forget_views(&self) {
        for name in ["views.sqlite", "reactions.checkpoint"] {
            fs::remove_file(self.at(name)).unwrap();
        }
    }

    /// What README.md says where the newest ring is lost for good: the log ends before this record, and has another name.
    fn leave_out(&mut self, record: u64) {
        for part in ["log", "notary", "blobs"] {
            fs::rename(self.at(part), self.at(&format!("{part}.before"))).unwrap();
        }
        copy(&self.at("blobs.before"), &self.at("blobs"));
        // The reactions came some way.
        fs::remove_file(self.at("reactions.checkpoint")).unwrap();
        let [from, to] = ["log.before", "log"].map(|log| format!("file:{}", self.at(log).display()));
        self.place.shell(&format!("socai copy --records {} --from '{from}' --to '{to}'", record - 1)).unwrap();
        self.place.variables.insert("SOCAI_ORIGIN", "so.example/2".into());
        self.place.shell("socai notary agree --first").unwrap();
    }

    fn fault(&self, layer: &str) -> (Option<i32>, Value) {
        let (status, said) = self.place.fsck();
        (status, said["layers"][layer]["fault"].clone())
    }

    /// Serves from nothing but log and keys, until the views have stopped; what is said, and what who asks for this document gets.
    async fn views_stop(&self, document: &str) -> (String, Value) {
        let said = NamedTempFile::new().unwrap();
        let mut serving = self.place.serve_telling(&said);
        loop {
            let answer = reqwest::get(format!("{}/health/ready", serving.url)).await.unwrap();
            let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert_eq!(status, 503, "{told}");
            if told.contains("views: stopped") {
                break;
            }
        }
        let answer = self.clerks(&serving)[0].ask(LOOK, json!({ "id": document })).await;
        assert_eq!(serving.terminate().code(), Some(1), "it says so at its end, too");
        (fs::read_to_string(said.path()).unwrap(), answer)
    }
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ring_older_than_its_log_is_said_to_be_and_what_it_does_not_open_does_not_look_erased() {
    let (mut aged, mut serving, clerks) = Aged::new().await;
    let key = key(&clerks[0]).await;
    let early = Kept::receive(&clerks[0], "1").await;
    aged.back_up();
    let late = Kept::receive(&clerks[0], "2").await;
    late.is_there(&clerks[0], &key).await;
    assert!(serving.terminate().success());
    aged.age_ring();

    // All else is as it was: it is said at the start, and all but the late document goes on.
    let said = NamedTempFile::new().unwrap();
    let mut serving = aged.place.serve_telling(&said);
    let clerk = &aged.clerks(&serving)[0];
    early.is_there(clerk, &key).await;
    let answer = clerk.ask(LOOK, json!({ "id": late.document })).await;
    assert_eq!((code(&answer), &answer["data"]["trail"]), (&json!("INTERNAL"), &Value::Null), "{answer}");
    let register = json!({ "input": { "commandId": Uuid::now_v7(), "document": late.document } });
    assert_eq!(code(&clerk.ask(REGISTER, register).await), "STOPPED");
    Kept::receive(clerk, "3").await.is_there(clerk, &key).await;
    assert!(serving.terminate().success());
    let said = fs::read_to_string(said.path()).unwrap();
    let is_told = |said: &str| {
        let first = said.lines().next().unwrap();
        assert!(
            first.contains("ALARM") && first.contains("older than the log") && first.contains(&late.document),
            "{said}"
        );
    };
    is_told(&said);
    let (status, fault) = aged.fault("keys");
    assert_eq!((status, &fault["name"], &fault["stream"]), (Some(12), &json!("key-missing"), &json!(late.document)));

    // From log and keys alone, nothing is shown rather than something that looks erased.
    aged.forget_views();
    let rebuilt = aged.place.socai(&["rebuild"]).output().unwrap();
    assert!(!rebuilt.status.success() && text(&rebuilt.stderr).contains("older than the log"), "{rebuilt:?}");
    let (said, answer) = aged.views_stop(&late.document).await;
    is_told(&said);
    assert_eq!((code(&answer), &answer["data"]["incomingDocument"]), (&json!("STOPPED"), &Value::Null), "{answer}");

    // Where no newer ring is left, what it opens is.
    aged.leave_out(fault["record"].as_u64().unwrap());
    let mut serving = aged.place.serve_all().await;
    let clerk = &aged.clerks(&serving)[0];
    let [there, gone] = [&early, &late].map(|of| clerk.ask(LOOK, json!({ "id": of.document })));
    let (there, gone) = (there.await, gone.await);
    assert_eq!(there["data"]["incomingDocument"]["details"]["number"], "1", "{there}");
    assert_eq!((&gone["data"]["incomingDocument"], &gone["errors"]), (&Value::Null, &Value::Null), "{gone}");
    let key = super::key(clerk).await;
    Kept::receive(clerk, "4").await.is_there(clerk, &key).await;
    assert!(serving.terminate().success());
    aged.place.is_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ring_older_than_an_erasure_shows_nothing_of_what_was_erased() {
    let (aged, mut serving, clerks) = Aged::new().await;
    let kept = Kept::receive(&clerks[0], "1").await;
    aged.back_up();
    erase(&clerks[0], &clerks[1], &kept.document).await;
    assert!(serving.terminate().success());
    // The reactions come to the end at this start, if they had not.
    assert!(aged.place.serve().terminate().success());
    aged.age_ring();
    let (status, fault) = aged.fault("keys");
    assert_eq!(
        (status, &fault["name"], &fault["stream"]),
        (Some(12), &json!("key-not-destroyed"), &json!(kept.document))
    );

    let said = NamedTempFile::new().unwrap();
    let mut serving = aged.place.serve_telling(&said);
    let answer = aged.clerks(&serving)[0].ask(LOOK, json!({ "id": kept.document })).await;
    assert!(answer["data"]["incomingDocument"]["details"].is_null(), "{answer}");
    // The ring has the key back that opens what was erased, and not the one that opens the erasure.
    let trail =
        "query($id: ID!) { trail(document: $id) { records { edges { node { event summary erased verification } } } } }";
    let answer = aged.clerks(&serving)[0].ask(trail, json!({ "id": kept.document })).await;
    let records = answer["data"]["trail"]["records"]["edges"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let records: Vec<_> = records.iter().map(|edge| &edge["node"]).collect();
    let told = |record: &Value| (record["erased"].clone(), record["verification"].clone());
    let erased = told(records[0]) == (json!(true), json!("VERIFIED"));
    assert!(erased && records.iter().all(|record| record["summary"].is_null()), "{answer:#}");
    let expunged = records.iter().find(|record| record["event"] == "IncomingExpunged").unwrap();
    assert_eq!(told(expunged), (json!(false), json!("UNREADABLE")), "{answer:#}");
    assert!(serving.terminate().success());
    let said = fs::read_to_string(said.path()).unwrap();
    assert!(said.contains("ALARM") && said.contains("older than the log") && said.contains(&kept.document), "{said}");
    aged.forget_views();
    for command in [&["rebuild"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let refused = aged.place.socai(command).output().unwrap();
        let said = text(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains("older than the log") && said.contains(&kept.document),
            "{said}"
        );
    }
}

/// The erasure came after the log was copied and before the ring was: the content is gone, and that is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_older_than_an_erasure_is_served_without_what_was_erased() {
    let (aged, mut serving, clerks) = Aged::new().await;
    let key = key(&clerks[0]).await;
    let [erased, kept] = [Kept::receive(&clerks[0], "1").await, Kept::receive(&clerks[0], "2").await];
    kept.is_there(&clerks[0], &key).await;
    aged.back_up();
    erase(&clerks[0], &clerks[1], &erased.document).await;
    assert!(serving.terminate().success());
    for part in ["log", "notary"] {
        fs::remove_dir_all(aged.at(part)).unwrap();
        copy(&aged.place.set("LOG_SET").join(part), &aged.at(part));
    }
    aged.forget_views();
    let (status, fault) = aged.fault("keys");
    assert_eq!(
        (status, &fault["name"], &fault["stream"]),
        (Some(12), &json!("key-destroyed"), &json!(erased.document))
    );
    let mut serving = aged.place.serve_all().await;
    let clerks = aged.clerks(&serving);
    kept.is_there(&clerks[0], &key).await;
    let told = clerks[0].ask(LOOK, json!({ "id": erased.document })).await;
    assert!(told["data"]["incomingDocument"]["details"].is_null() && told["errors"].is_null(), "{told}");
    Kept::receive(&clerks[0], "3").await.is_there(&clerks[0], &key).await;
    assert!(serving.terminate().success());
}
