//! Backups, made and restored by the commands of README.md as they stand there: everything else of the installation is lost.

mod databases;
mod files;
mod older;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use socai_domain::proof::{Checkpoint, Note, Policy, Promise, TlogProof, TreeHead, VerifierKey, consistency};
use tempfile::{NamedTempFile, TempDir};
use tokio::task::{JoinHandle, block_in_place};
use uuid::Uuid;

use crate::{
    binary::{Serving, path, socai, text},
    office::{Client, REGISTER, paper},
};

const RECEIVE: &str = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) \
    { document { id } receipt { recordId promise } } }";
const LOOK: &str = "query($id: ID!) { incomingDocument(id: $id) { stage details { number abstractText } } \
    trail(document: $id) { verification length } }";

/// The block of README.md under this name.
fn block(name: &str) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let begin = format!("<!-- {name} -->\n```sh\n");
    let (_, rest) = readme.split_once(&begin).unwrap_or_else(|| panic!("README.md has no block {begin:?}"));
    rest.split_once("\n```").unwrap().0.to_owned()
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Where an installation is, as the variables that README.md's commands and the program read; and its backups.
struct Place {
    variables: BTreeMap<&'static str, OsString>,
    folder: TempDir,
}

impl Place {
    fn new(data: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink(path(), folder.path().join("socai")).unwrap();
        let mut variables = BTreeMap::from([("SOCAI_DATA", data.into())]);
        for set in ["LOG_SET", "RING_SET", "KEYS_SET"] {
            variables.insert(set, folder.path().join(set).into());
        }
        Self { variables, folder }
    }

    fn set(&self, set: &str) -> PathBuf {
        self.folder.path().join(set)
    }

    /// Types what README.md says under this name.
    fn run(&self, name: &str) -> String {
        self.shell(&block(name)).unwrap_or_else(|said| panic!("{name}: {said}"))
    }

    /// Types this; what is said, if it goes well or if it does not.
    fn shell(&self, commands: &str) -> Result<String, String> {
        let programs = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-e", "-u", "-c", commands]).env("PATH", programs).env("LC_ALL", "C.UTF-8");
        // Clients and a double go on meanwhile.
        let output = block_in_place(|| shell.envs(&self.variables).output()).unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    /// A subcommand of the program, with nothing set but this.
    fn socai(&self, arguments: &[&str]) -> Command {
        let mut command = socai();
        command.args(arguments).envs(&self.variables);
        command
    }

    fn serve(&self) -> Serving {
        Serving::of(&mut self.socai(&["serve", "--listen", "127.0.0.1:0", "--level", "error"]))
    }

    /// The same, and what it says of what is wrong goes into this file.
    fn serve_telling(&self, said: &NamedTempFile) -> Serving {
        let mut command = self.socai(&["serve", "--listen", "127.0.0.1:0", "--level", "error"]);
        Serving::of(command.stderr(said.reopen().unwrap()))
    }

    /// The same, once the views are there.
    async fn serve_all(&self) -> Serving {
        let serving = self.serve();
        until_there(&format!("{}/health/ready", serving.url)).await;
        serving
    }

    /// What `socai fsck` says of all there is, with its status.
    fn fsck(&self) -> (Option<i32>, Value) {
        let output = self.socai(&["fsck", "--deep", "--json"]).output().unwrap();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}")))
    }

    fn is_whole(&self) {
        let verified = self.socai(&["verify"]).output().unwrap();
        assert!(verified.status.success(), "{}", text(&verified.stderr));
        let (status, said) = self.fsck();
        assert_eq!((status, &said["code"]), (Some(0), &json!(0)), "{said:#}");
        let layers = said["layers"].as_object().unwrap();
        assert!(layers.values().all(|layer| layer["unchecked"].is_null()), "{said:#}");
    }
}

/// A document with a file, and the promise that its first record is covered.
struct Kept {
    number: String,
    document: String,
    content: String,
    file: String,
    record: String,
    promise: String,
}

impl Kept {
    async fn receive(clerk: &Client, number: &str) -> Self {
        Self::try_receive(clerk, number).await.unwrap()
    }

    /// Receives one, with a file of its own; the code of what was refused.
    async fn try_receive(clerk: &Client, number: &str) -> Result<Self, Value> {
        let code = |refused: &Value| refused["errors"][0]["extensions"]["code"].clone();
        let content = format!("%PDF-1.7 văn bản số {number} {}", "nội dung ".repeat(1000));
        let files = clerk.url.replace("/graphql", "/files");
        let sent = clerk.http.post(files).bearer_auth(&clerk.token).body(content.clone()).send().await;
        let uploaded: Value = sent.unwrap().json().await.unwrap();
        if uploaded["ticket"].is_null() {
            return Err(code(&uploaded));
        }
        let mut input = paper(number);
        input["arriving"]["files"] =
            json!([{ "source": { "ticket": uploaded["ticket"] }, "name": "a.pdf", "role": "MAIN" }]);
        let received = clerk.ask(RECEIVE, json!({ "input": input })).await;
        if received["data"].is_null() {
            return Err(code(&received));
        }
        let received = &received["data"]["receiveIncoming"];
        let of = |value: &Value| value.as_str().unwrap().to_owned();
        Ok(Self {
            number: number.to_owned(),
            document: of(&received["document"]["id"]),
            content,
            file: of(&uploaded["hash"]),
            record: of(&received["receipt"]["recordId"]),
            promise: of(&received["receipt"]["promise"]),
        })
    }

    /// What is sealed is read, the file is the one that was sent, and its record is proved as was promised.
    async fn is_there(&self, clerk: &Client, key: &VerifierKey) {
        let told = clerk.ask(LOOK, json!({ "id": self.document })).await;
        let document = &told["data"]["incomingDocument"];
        assert_eq!(document["details"]["number"], self.number, "{told}");
        assert_eq!(document["details"]["abstractText"], "V/v thử nghiệm", "{told}");
        assert!(told["data"]["trail"]["length"].as_u64() > Some(0), "{told}");
        let url = clerk.url.replace("/graphql", &format!("/files/{}?of={}", self.file, self.document));
        let answer = clerk.http.get(url).bearer_auth(&clerk.token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let bytes = answer.bytes().await.unwrap();
        assert!(bytes == self.content.as_bytes() && blake3::hash(&bytes).to_hex().as_str() == self.file);
        let proof = until_there(&clerk.url.replace("/graphql", &format!("/log/proof/{}", self.record))).await;
        let promise = Promise::open(&Note::parse(self.promise.as_bytes()).unwrap(), key).unwrap();
        let policy = Policy::new(key.clone(), Vec::new(), 0).unwrap();
        TlogProof::parse(proof.as_bytes()).unwrap().verify(promise.hash, &policy).unwrap();
    }
}

/// What is answered, asked for until it is there.
async fn until_there(url: &str) -> String {
    loop {
        let answer = reqwest::get(url).await.unwrap();
        let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
        if status == 200 {
            return told;
        }
        assert!(status == 404 || status == 503, "{status}: {told}");
    }
}

/// The log's key, as the server says it.
async fn key(clerk: &Client) -> VerifierKey {
    let told = clerk.ask("{ ledger { notary { verifierKey } } }", json!({})).await;
    told["data"]["ledger"]["notary"]["verifierKey"].as_str().unwrap().parse().unwrap()
}

/// The newest head that a server shows.
async fn head(clerk: &Client, key: &VerifierKey) -> TreeHead {
    let checkpoint = until_there(&clerk.url.replace("/graphql", "/log/checkpoint")).await;
    Checkpoint::open(&Note::parse(checkpoint.as_bytes()).unwrap(), key).unwrap().head()
}

/// The history that was signed before only grew.
async fn has_grown(clerk: &Client, from: TreeHead, key: &VerifierKey) {
    // What an older notary had signed is shown first, until it has caught up with the log.
    let caught_up = async {
        loop {
            let to = head(clerk, key).await;
            if to.size >= from.size {
                break to;
            }
        }
    };
    let to = tokio::time::timeout(std::time::Duration::from_secs(30), caught_up).await.unwrap();
    let query = "query($from: Int!, $to: Int!) { consistencyProof(from: $from, to: $to) { hashes } }";
    let told = clerk.ask(query, json!({ "from": from.size, "to": to.size })).await;
    let hashes = told["data"]["consistencyProof"]["hashes"].as_array().unwrap_or_else(|| panic!("{told}"));
    let hashes: Vec<_> = hashes.iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(consistency::verify(from, to, &hashes), Ok(()));
}

/// Receives and registers documents all the while, as often as one person may ask.
struct Busy {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<usize>>,
}

impl Busy {
    fn begin(clerk: &Client) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let (clerk, stop) = (clerk.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut done = 0;
                while !stop.load(Ordering::Relaxed) {
                    match Kept::try_receive(&clerk, &format!("{}", 100_000 * number + done)).await {
                        Ok(kept) => {
                            done += 1;
                            let input = json!({ "commandId": Uuid::now_v7(), "document": kept.document });
                            clerk.ask(REGISTER, json!({ "input": input })).await;
                        }
                        Err(code) => assert_eq!(code, "RATE_LIMITED"),
                    }
                }
                done
            })
        };
        Self { clients: (1..=3).map(client).collect(), stop }
    }

    /// How many documents there were.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = 0;
        for client in self.clients {
            all += client.await.unwrap();
        }
        all
    }
}
