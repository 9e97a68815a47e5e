//! `socai fsck` of a ledger in a KurrentDB cluster, its files in a bucket.

use serde_json::{Value, json};
use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use socai_test_s3::Server;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::world::{erase, receive, register};
use crate::{
    binary::{Serving, run, socai, text, told},
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
    let (code, said, _) = here.fsck(&[]);
    assert_eq!(code, 0, "also while it runs: {said:#}");
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
    here.double.set_metadata(&format!("so-{}", one.document), &json!({}));
    assert_eq!(here.fsck(&[]).0, 0);

    // The stream that says what the ledger is, deleted for ever.
    here.double.tombstone("so.ledger");
    let (code, said, words) = here.fsck(&[]);
    assert_eq!((code, said["layers"]["log"]["fault"]["name"].as_str()), (10, Some("log-damaged")), "{said:#}");
    assert!(words.contains("so.ledger") && words.contains("deleted"), "{words}");
    here.double.stop(0);
    let (code, said, _) = here.fsck(&["--only", "files"]);
    let why = said["layers"]["log"]["unchecked"].as_str().unwrap();
    assert!(code == 1 && why.contains("no node of the cluster answers"), "{said:#}");
}

/// Servers that share a log keep the checkpoint with their notary: what is wrong with it, and what to do, is told by that place.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_checkpoint_that_servers_share_is_told_by_its_place() {
    let double = Double::start().await.unwrap();
    let log = double.url("so");
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let office = Office::joining(data, "H93", &["--log", &log]);
    let mut serving = Serving::start(office.path(), &["--log", &log]);
    let clerk = office.client(&serving.url, &office.clerk(&serving.url, "Ngô Thị Lan").await);
    let document = receive(&clerk, "1", "one").await.document;
    register(&clerk, &document).await;
    assert!(serving.terminate().success());

    // The same ledger, in which the registration was begun and never ended, and a checkpoint that says that it was.
    let (left, written) = (Double::start().await.unwrap(), double.events(""));
    let ended = written.iter().find(|event| event.kind.starts_with("IncomingRegistered")).unwrap();
    for event in written.iter().filter(|event| event.stream != ended.stream || event.revision < ended.revision) {
        left.write_as(event.id, &event.stream, &event.kind, &event.data);
    }
    let head: Value = serde_json::from_str(&told(office.path(), &["verify", "--json", "--log", &log])).unwrap();
    let (ledger, _) = head["head"].as_str().unwrap().rsplit_once('.').unwrap();
    let end = format!("{ledger}.{}", left.events("so-").last().unwrap().position);
    let log = left.url("so");
    let cluster = Cluster::start().unwrap();
    let mut database = PgConnection::connect_with(&cluster.options()).await.unwrap();
    let mut change = async |statement: &str| {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut database).await.unwrap();
    };
    let notary = cluster.url("postgres");
    let fsck = || {
        let output = run(office.path(), &["fsck", "--json", "--only", "reactions", "--log", &log, "--notary", &notary]);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (output.status.code().unwrap(), said["layers"]["reactions"].clone(), said)
    };
    change("CREATE SCHEMA socai_servers; CREATE TABLE socai_servers.checkpoint (name text, position text)").await;
    change(&format!("INSERT INTO socai_servers.checkpoint VALUES ('reactions', '{end}')")).await;
    let (code, layer, said) = fsck();
    assert_eq!((code, layer["fault"]["name"].as_str()), (13, Some("registration-not-ended")), "{said:#}");
    let advice = |layer: &Value| {
        let message = layer["fault"]["message"].as_str().unwrap();
        assert!(message.contains("stop all servers") && message.contains("socai_servers.checkpoint"), "{message}");
    };
    advice(&layer);
    change("UPDATE socai_servers.checkpoint SET position = 'five'").await;
    let (code, layer, said) = fsck();
    assert_eq!((code, layer["fault"]["name"].as_str()), (13, Some("checkpoint-unreadable")), "{said:#}");
    advice(&layer);
    // It does not answer what it is asked: nothing is known to be wrong.
    change("ALTER TABLE socai_servers.checkpoint RENAME COLUMN position TO place").await;
    let (code, layer, said) = fsck();
    assert!(code == 1 && layer["fault"].is_null() && layer["unchecked"].is_string(), "{said:#}");
}
