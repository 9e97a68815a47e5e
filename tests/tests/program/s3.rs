//! The files of documents in a bucket.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use socai_test_s3::{BUCKET, SECRET, Server};

use crate::{
    binary::{Serving, socai, text},
    office::{Client, Filed, Office, RECEIVE, erase, paper, receive},
};

const BLOBS: &str = "s3://van-ban/so";

struct Installed {
    office: Office,
    storage: Server,
}

impl Installed {
    /// A subcommand on it, with nothing set but what finds the bucket.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = socai();
        command.args(arguments).arg("--data").arg(self.office.path()).args(["--blobs", BLOBS]);
        command.envs(self.storage.environment());
        command
    }

    fn serve(&self) -> Serving {
        Serving::of(&mut self.command(&["serve", "--listen", "127.0.0.1:0", "--level", "error"]))
    }

    /// Why it does not serve.
    fn refuses(&self) -> String {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let listening = BufReader::new(child.stdout.take().unwrap()).lines().find(|line| {
            let line = line.as_ref().unwrap();
            line.contains("http://")
        });
        if listening.is_some() {
            child.kill().unwrap();
        }
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!child.wait().unwrap().success() && listening.is_none(), "{listening:?} {said}");
        said
    }

    /// Of a subcommand with `--json`: its status and what it says.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.command(&[arguments, &["--json"]].concat()).output().unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (output.status.code().unwrap(), said)
    }

    /// Of `socai fsck`: its word for what is wrong with the files, and how many are no document's.
    fn fsck(&self) -> (Option<String>, u64) {
        let (_, said) = self.json(&["fsck"]);
        let files = &said["layers"]["files"];
        assert!(files["unchecked"].is_null(), "{files}");
        let orphans = files["counts"]["files of no document"].as_u64().unwrap_or_else(|| panic!("{said:#}"));
        (files["fault"]["name"].as_str().map(str::to_owned), orphans)
    }

    fn object(&self, hash: &str) -> std::path::PathBuf {
        self.storage.object(&format!("so/{}/{hash}", &hash[..2]))
    }
}

/// Status and body of a download.
async fn download(client: &Client, filed: &Filed) -> (u16, Vec<u8>) {
    let url = client.url.replace("/graphql", &format!("/files/{}?of={}", filed.file, filed.document));
    let answer = client.http.get(url).bearer_auth(&client.token).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

async fn upload(client: &Client, content: &str) -> Value {
    let files = client.url.replace("/graphql", "/files");
    let sent = client.http.post(files).bearer_auth(&client.token).body(content.to_owned()).send().await;
    sent.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_documents_are_kept_in_a_bucket() {
    let office = Office::new("H97");
    let mut here = Installed { office, storage: Server::start().unwrap() };
    let mut serving = here.serve();
    let mut clerks = Vec::new();
    for name in ["Ngô Thị Lan", "Lê Văn Bình"] {
        let clerk = here.office.clerk(&serving.url, name).await;
        clerks.push(here.office.client(&serving.url, &clerk));
    }
    let large = "văn bản ".repeat(1 << 20); // several parts
    let (stays, goes) = (receive(&clerks[0], "1", &large).await, receive(&clerks[0], "2", "goes").await);
    let orphan = upload(&clerks[0], "%PDF-1.7 of no document").await;
    assert_eq!(here.storage.objects("so"), 3 + 1, "and whose they are");
    // Where the agency was registered without that setting, there is a directory, and nothing in it.
    let mut beside = std::fs::read_dir(here.office.path().join("blobs")).unwrap();
    assert!(beside.all(|entry| entry.unwrap().file_name() == "unfinished"));
    let (status, bytes) = download(&clerks[0], &stays).await;
    assert!(status == 200 && bytes == format!("%PDF-1.7 {large}").into_bytes(), "{status}, {} bytes", bytes.len());
    assert_eq!(here.fsck(), (None, 1), "also while it runs");

    // Not a byte of what was changed is sent.
    let whole = std::fs::read(here.object(&goes.file)).unwrap();
    std::fs::write(here.object(&goes.file), b"%PDF-1.7 gone").unwrap();
    let (status, bytes) = download(&clerks[0], &goes).await;
    assert!(status == 503 && !String::from_utf8(bytes).unwrap().contains("%PDF"), "{status}");
    std::fs::write(here.object(&goes.file), whole).unwrap();

    // Without the storage, what needs a file waits, and nothing else does.
    here.storage.stop();
    assert_eq!(upload(&clerks[0], "%PDF-1.7").await["errors"][0]["extensions"]["code"], "BUSY");
    assert_eq!(download(&clerks[0], &stays).await.0, 503);
    let mut input = paper("3");
    input["arriving"]["files"] = json!([{ "source": { "ticket": orphan["ticket"] }, "name": "b.pdf", "role": "MAIN" }]);
    let refused = clerks[0].ask(RECEIVE, json!({ "input": input })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BUSY", "{refused}");
    clerks[0].must(RECEIVE, paper("4")).await;
    // What is owed to an erasure is done when it is back.
    erase(&clerks[0], &clerks[1], &goes.document).await;
    here.storage.run().unwrap();
    clerks[0].must(RECEIVE, input).await;
    assert!(serving.terminate().success());
    let mut serving = here.serve();
    assert!(!here.object(&goes.file).exists());
    let there = Client { url: format!("{}/graphql", serving.url), ..clerks[0].clone() };
    assert_eq!(download(&there, &stays).await.0, 200);
    assert!(serving.terminate().success());
    assert_eq!(here.fsck(), (None, 0));

    let elsewhere = tempfile::tempdir().unwrap();
    let bundle = elsewhere.path().join("bundle.zip");
    let export = ["export", "--document", &stays.document, "--with-files", "--output", bundle.to_str().unwrap()];
    let exported = here.command(&export).output().unwrap();
    assert!(exported.status.success(), "{exported:?}");

    std::fs::write(here.object(&stays.file), b"changed").unwrap();
    assert_eq!(here.fsck().0.as_deref(), Some("file-damaged"));
    std::fs::remove_file(here.object(&stays.file)).unwrap();
    assert_eq!(here.fsck().0.as_deref(), Some("file-missing"));
}

#[test]
fn what_is_wrong_with_a_bucket_is_told_before_it_is_served_and_without_its_keys() {
    let here = Installed { office: Office::new("H96"), storage: Server::start().unwrap() };
    let wrong = |command: &mut Command, wanted: &str| {
        let output = command.output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!output.status.success() && said.contains(wanted), "{wanted}: {said}");
        assert!(!said.contains("geheim") && !said.contains(SECRET), "{said}");
    };
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let doctor = ["doctor", "--listen", "127.0.0.1:0"];
    let (_, found) = here.json(&doctor);
    let files = found.as_array().unwrap().iter().find(|of| of["about"] == "files").unwrap();
    assert_eq!((&files["verdict"], here.storage.objects("so")), (&json!("good"), 0), "{files}");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ALLOW_HTTP"] {
        wrong(here.command(&serve).env_remove(name), name);
        wrong(here.command(&doctor).env_remove(name), name);
    }
    for subcommand in [&serve, &doctor] {
        wrong(here.command(subcommand).env("AWS_SECRET_ACCESS_KEY", "geheim"), "refuses this");
        wrong(here.command(subcommand).env("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), "cannot be reached");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let mut demo = socai();
    demo.args(["demo", "--documents", "100", "--blobs", BLOBS, "--data"]).arg(elsewhere.path().join("new"));
    wrong(demo.envs(here.storage.environment()), "--blobs DIR");
    std::fs::remove_dir_all(here.storage.object("")).unwrap();
    wrong(&mut here.command(&serve), "no such bucket");
    assert_eq!(BLOBS.split('/').nth(2), Some(BUCKET));
}

/// Each would sweep what it does not know, and erase what another document holds.
#[tokio::test(flavor = "multi_thread")]
async fn neither_an_older_copy_nor_another_ledger_is_served_or_removes_anything() {
    let mut here = Installed { office: Office::new("H95"), storage: Server::start().unwrap() };
    let mut serving = here.serve();
    let mut clerks = Vec::new();
    for name in ["Ngô Thị Lan", "Lê Văn Bình"] {
        let clerk = here.office.clerk(&serving.url, name).await;
        clerks.push(here.office.client(&serving.url, &clerk));
    }
    let (stays, goes) = (receive(&clerks[0], "1", "stays").await, receive(&clerks[0], "2", "goes").await);
    assert!(serving.terminate().success());
    // It is served as it is, and notes how long it is.
    let mut serving = here.serve();
    let mark = here.storage.object("so/ledger");
    let noted = std::fs::read_to_string(&mark).unwrap();
    let (ledger, records) = noted.split_once(' ').unwrap();
    let records: u64 = records.parse().unwrap();
    let of_another = uuid::Uuid::from_u128(1);
    let used = [
        (
            format!("{ledger} {}", records + 1000),
            "an older copy of it would remove what it does not know. Restore a newer",
        ),
        (format!("{of_another} {records}"), "these are the files of another ledger"),
    ];
    let refused = |here: &Installed| {
        let objects = here.storage.objects("so");
        for (by, wanted) in &used {
            std::fs::write(&mark, by).unwrap();
            let said = here.refuses();
            assert!(said.contains(wanted), "{wanted}: {said}");
            assert_eq!((&std::fs::read_to_string(&mark).unwrap(), here.storage.objects("so")), (by, objects));
        }
        std::fs::write(&mark, &noted).unwrap();
    };
    assert!(serving.terminate().success());
    refused(&here);
    // Nor if it owes an erasure, which it would do when it starts.
    let mut serving = here.serve();
    for clerk in &mut clerks {
        clerk.url = format!("{}/graphql", serving.url);
    }
    here.storage.stop();
    erase(&clerks[0], &clerks[1], &goes.document).await;
    assert!(serving.terminate().success());
    here.storage.run().unwrap();
    refused(&here);
    let mut serving = here.serve();
    assert!(!here.object(&goes.file).exists() && here.object(&stays.file).exists());
    assert!(serving.terminate().success());
}
