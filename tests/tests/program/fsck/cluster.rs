//! `socai fsck` of a ledger in a KurrentDB cluster, its files in a bucket.

use serde_json::{Value, json};
use socai_kurrent_double::Double;
use socai_test_s3::Server;

use super::world::{erase, receive, register};
use crate::{
    binary::{Serving, socai, text, told},
    office::{Client, Office},
};

const BLOBS: &str = "s3://van-ban/so";

struct Installed {
    office: Office,
    double: Double,
    storage: Server,
    log: String,
}

impl Installed {
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = socai();
        command.args(arguments).arg("--data").arg(self.office.path());
        command.args(["--log", &self.log, "--blobs", BLOBS]).envs(self.storage.environment());
        command
    }

    /// Code, JSON, and the same in words.
    fn fsck(&self, more: &[&str]) -> (i32, Value, String) {
        let output = self.command(&[&["fsck", "--json"], more].concat()).output().unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let words = self.command(&[&["fsck"], more].concat()).output().unwrap();
        assert_eq!(words.status, output.status);
        (output.status.code().unwrap(), said, text(&words.stdout))
    }

    fn object(&self, hash: &str) -> std::path::PathBuf {
        self.storage.object(&format!("so/{}/{hash}", &hash[..2]))
    }

    /// The one fault is this, of this layer and about this.
    fn says(&self, layer: &str, name: &str, about: &str) {
        let (code, said, words) = self.fsck(&[]);
        let faults = said["layers"].as_object().unwrap().iter().filter(|(_, of)| !of["fault"].is_null());
        let faults: Vec<_> =
            faults.map(|(layer, of)| (layer.as_str(), of["fault"]["name"].as_str().unwrap())).collect();
        assert_eq!((faults, &said["layers"][layer]["code"]), (vec![(layer, name)], &json!(code)), "{said:#}");
        assert!(words.contains(name) && words.contains(about), "{about}: {words}");
    }
}

async fn upload(client: &Client, content: &str) -> String {
    let files = client.url.replace("/graphql", "/files");
    let sent = client.http.post(files).bearer_auth(&client.token).body(content.to_owned()).send().await;
    sent.unwrap().json::<Value>().await.unwrap()["hash"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn missing_damaged_and_orphaned_files_of_a_ledger_in_a_cluster_are_named() {
    let double = Double::start().await.unwrap();
    let log = double.url("so");
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let office = Office::joining(data, "H94", &["--log", &log]);
    let here = Installed { office, double, storage: Server::start().unwrap(), log };
    let serve = ["serve", "--listen", "127.0.0.1:0", "--level", "error"];
    let mut serving = Serving::of(&mut here.command(&serve));
    let mut clerks = Vec::new();
    for name in ["Ngô Thị Lan", "Lê Văn Bình"] {
        clerks.push(here.office.client(&serving.url, &here.office.clerk(&serving.url, name).await));
    }
    let (one, other) = (receive(&clerks[0], "1", "one").await, receive(&clerks[0], "2", "other").await);
    let goes = receive(&clerks[0], "3", "goes").await;
    register(&clerks[0], &one.document).await;
    let orphan = upload(&clerks[0], "%PDF-1.7 of no document").await;
    erase(&clerks[0], &clerks[1], &goes.document).await;
    assert!(here.fsck(&[]).1["layers"]["log"]["ok"] == true, "also while it runs");
    assert!(serving.terminate().success());

    // What is left to do, the next start does.
    let mut serving = Serving::of(&mut here.command(&serve));
    assert!(serving.terminate().success());
    let written = here.double.events("");
    let (code, said, words) = here.fsck(&["--deep"]);
    assert_eq!(code, 0, "{said:#}");
    let layer = |name: &str| &said["layers"][name];
    let records = here.double.events("so-").len();
    assert_eq!(layer("log")["counts"]["records"], records, "{said:#}");
    assert_eq!(layer("log")["counts"]["streams"], layer("keys")["counts"]["streams"]);
    let count = |of: &str, what: &str| layer(of)["counts"][what].as_u64().unwrap_or_else(|| panic!("{what}: {said:#}"));
    assert_eq!(count("keys", "records opened") + count("keys", "records erased"), records as u64);
    assert_eq!(count("reactions", "records done") + count("reactions", "records to do"), records as u64);
    assert_eq!((count("views", "records"), count("notary", "records covered")), (records as u64, records as u64));
    assert_eq!((count("files", "files"), count("files", "files of no document")), (2, 1));
    assert!(words.contains("index      left out"), "{words}");
    assert!(layer("index")["leftOut"].as_str().unwrap().contains("no segments"), "{said:#}");
    assert!(words.contains(&orphan) && !words.contains(&one.file), "{words}");
    let head = said["head"].as_str().unwrap();
    assert_eq!(here.fsck(&["--expect", head, "--only", "log"]).0, 0);

    let put = |hash: &str, bytes: &[u8]| std::fs::write(here.object(hash), bytes).unwrap();
    let whole = std::fs::read(here.object(&one.file)).unwrap();
    std::fs::remove_file(here.object(&one.file)).unwrap();
    here.says("files", "file-missing", &one.file);
    put(&one.file, &whole);
    let whole = std::fs::read(here.object(&other.file)).unwrap();
    put(&other.file, b"%PDF-1.7 another");
    here.says("files", "file-damaged", &other.file);
    put(&other.file, &whole);
    assert_eq!(here.fsck(&[]).0, 0);
    assert_eq!(here.double.events(""), written, "not an event was written");

    // A key that was lost; a record that the cluster throws away.
    let ring = here.office.path().join("keys/ring.sqlite");
    let aside = here.office.path().join("aside.sqlite");
    std::fs::rename(&ring, &aside).unwrap();
    assert_eq!(here.fsck(&["--only", "keys"]).0, 12);
    std::fs::rename(&aside, &ring).unwrap();
    here.double.set_metadata(&format!("so-{}", one.document), &json!({ "$maxCount": 1 }));
    let (code, said, _) = here.fsck(&[]);
    assert_eq!((code, said["layers"]["log"]["fault"]["name"].as_str()), (10, Some("log-losing")), "{said:#}");
    here.double.stop(0);
    let (code, said, _) = here.fsck(&["--only", "files"]);
    let why = said["layers"]["log"]["unchecked"].as_str().unwrap();
    assert!(code == 1 && why.contains("no node of the cluster answers"), "{said:#}");
}
