//! A server on a big ledger: how soon it is ready after a good end and after a kill, its memory, the trail of a document with
//! a proof of each record, and two queries beside plain async-graphql over a pool of sqlx on the same rows.
//!
//! ```text
//! cargo bench -p socai --bench serve -- [--documents 20000 | --data DIR] [--rounds 5] [--seconds 3]
//! ```
//! The ledger is made by `socai demo --documents`; one that is there (`--data`) gets some documents more. Clients and servers
//! share the machine's cores; each server is a process of its own.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // figures for people

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use serde_json::{Value, json};
use socai::{app::App, clock::SystemClock, config::Config, files};
use socai_domain::{
    id::{OrganId, PersonId},
    time::Clock as _,
};
use socai_graphql::token::Issuer;
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::net::TcpListener;
use uuid::Uuid;

#[path = "../api/mod.rs"]
mod api;
#[path = "../args/mod.rs"]
mod args;
mod client;
mod plain;

use api::api;
use args::{directory, number, word};
use client::{Client, Seen, load, request};

/// Documents that are asked for in turn.
const ASKED: u32 = 2_000;
/// Pages of a year's book that are asked for in turn.
const PAGES: usize = 50;

const PAGE: &str = "query($year: Int!, $after: String) { incomingRegister(year: $year, first: 20, after: $after) { \
    edges { node { year number arrivedOn issuer code promulgatedOn typeName abstractText passedOnAt signedAt note \
    documentId } } pageInfo { endCursor hasNextPage } } }";
const DOCUMENT: &str = "query($id: ID!) { incomingDocument(id: $id) { id revision code arrivedAt stageSince \
    details { typeName issuerName abstractText promulgatedOn } registration { number year } } }";
const RECEIVE: &str =
    "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) { receipt { position } } }";

fn config(data: &Path) -> Config {
    let flags = [("data", data.to_str().expect("a path in UTF-8").to_owned())].into();
    Config::load(&flags, |_| None).expect("a data directory is all it needs")
}

/// A process that serves; it ends with its owner.
struct Running {
    process: Child,
    address: String,
}

impl Running {
    /// Starts it, and waits until it tells where it listens.
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let told = BufReader::new(process.stdout.take().expect("it is piped"));
        let address = told.lines().map_while(Result::ok).find_map(|line| {
            let line = line.trim_start_matches("listening on http://");
            line.parse::<std::net::SocketAddr>().ok().map(|address| address.to_string())
        });
        Self { process, address: address.expect("it tells where it listens") }
    }

    /// This program again, to serve.
    fn again(what: &str, data: &Path) -> Self {
        let program = std::env::current_exe().expect("this program is a file");
        Self::start(Command::new(program).args(["--do", what, "--data"]).arg(data))
    }

    /// `socai serve`, once it is ready, and how long that took.
    async fn socai(data: &Path) -> (Self, Duration) {
        let began = Instant::now();
        let mut socai = Command::new(env!("CARGO_BIN_EXE_socai"));
        let running =
            Self::start(socai.args(["serve", "--listen", "127.0.0.1:0", "--level", "error", "--data"]).arg(data));
        loop {
            let mut client = Client::connect(&running.address).await.expect("it listens");
            let asked = client.ask(b"GET /health/ready HTTP/1.1\r\nHost: bench\r\n\r\n").await;
            if asked.expect("it answers").0 == 200 {
                return (running, began.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn end(mut self) {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").arg(pid).status().expect("there is a kill");
        assert!(asked.success() && self.process.wait().expect("it ends").success());
    }

    /// MiB of memory: in all, and of it what is not of files.
    fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux tells");
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
        };
        (of("VmRSS:"), of("RssAnon:"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves a ledger as `socai serve` does, but does not limit how often a person may ask.
async fn serve(data: &Path) {
    let config = config(data);
    let app = App::open(&config, Arc::new(SystemClock)).await.expect("it opens");
    let pem = std::fs::read_to_string(&config.token_public_key).expect("it is there");
    let api = api(&app, &pem);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it listens"));
    socai_graphql::serve(listener, api, std::future::pending().boxed()).await.expect("it serves");
}

/// What is known of the ledger before it is served.
struct Known {
    token: String,
    documents: Vec<String>,
    year: i16,
    /// How many documents and records there are.
    size: (i64, u64),
}

impl Known {
    async fn of(data: &Path) -> Self {
        let config = config(data);
        let options = SqliteConnectOptions::new().filename(config.views.path().expect("a file")).read_only(true);
        let mut db = SqliteConnection::connect_with(&options).await.expect("it opens");
        // Records clerks see all.
        let clerk = "SELECT t.organ, t.person FROM directory_tenure t JOIN directory_post p USING (post) \
                     WHERE t.till IS NULL AND p.role = 2 LIMIT 1";
        let clerk = sqlx::query(clerk).fetch_one(&mut db).await.expect("there is one");
        let id = |at: usize| Uuid::from_slice(clerk.get(at)).expect("an id");
        let (organ, person) = (OrganId::new(id(0)), PersonId::new(id(1)));
        let pem = files::read_secret(&config.token_key).expect("it is there");
        let issuer = Issuer::from_pem(str::from_utf8(&pem).expect("text")).expect("it is a key");
        let token = issuer.issue(person, organ, SystemClock.now(), 36_000).expect("it signs");
        let ids = sqlx::query("SELECT id FROM document WHERE number IS NOT NULL ORDER BY random() LIMIT ?");
        let ids = ids.bind(ASKED).fetch_all(&mut db).await.expect("it is read");
        let documents = ids.iter().map(|row| format!("incoming-{}", Uuid::from_slice(row.get(0)).expect("an id")));
        let year = "SELECT b.year FROM register_book b JOIN register_entry e USING (book) GROUP BY b.book ORDER BY COUNT(*) DESC";
        let year = sqlx::query(year).fetch_one(&mut db).await.expect("there is a book").get(0);
        let count = sqlx::query("SELECT COUNT(*) FROM document").fetch_one(&mut db).await.expect("it counts").get(0);
        let records = std::fs::read_dir(config.log_directory().expect("a file log")).expect("it is there");
        let bytes = records.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum();
        Self { token, documents: documents.collect(), year, size: (count, bytes) }
    }

    fn ask(&self, query: &str, variables: &Value) -> Vec<u8> {
        request(&self.token, query, variables)
    }

    fn of_documents(&self) -> Vec<Vec<u8>> {
        self.documents.iter().map(|id| self.ask(DOCUMENT, &json!({ "id": id }))).collect()
    }

    /// Pages one after the other, by this server's cursors.
    async fn of_pages(&self, address: &str) -> Vec<Vec<u8>> {
        let mut client = Client::connect(address).await.expect("it listens");
        let (mut pages, mut after) = (Vec::new(), Value::Null);
        while pages.len() < PAGES {
            let page = self.ask(PAGE, &json!({ "year": self.year, "after": after }));
            let data = client.data(&page).await;
            pages.push(page);
            let info = &data["incomingRegister"]["pageInfo"];
            if info["hasNextPage"] != true {
                break;
            }
            after = info["endCursor"].clone();
        }
        pages
    }

    /// The trails of documents, with the proof of each record if asked for: then the text depends on how many there are.
    async fn of_trails(&self, address: &str, proved: bool) -> Vec<Vec<u8>> {
        let mut client = Client::connect(address).await.expect("it listens");
        let mut trails = Vec::new();
        for id in self.documents.iter().take(500) {
            let length = self.ask("query($id: ID!) { trail(document: $id) { length } }", &json!({ "id": id }));
            let length = client.data(&length).await["trail"]["length"].as_u64().expect("a number");
            let proof = |n| format!("p{n}: receiptProof(stream: $id, revision: \"{n}\") {{ leafIndex text }}");
            let proofs: Vec<_> = (0..length).filter(|_| proved).map(proof).collect();
            let query = format!(
                "query($id: ID!) {{ trail(document: $id, first: 100) {{ verification records {{ edges {{ node {{ \
                 title recordId hash verification leafIndex coveredBy {{ size }} person {{ name }} }} }} }} }} {} }}",
                proofs.join(" ")
            );
            trails.push(self.ask(&query, &json!({ "id": id })));
        }
        trails
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A document that comes on paper.
fn paper() -> Value {
    let number = Uuid::now_v7().as_u128() % 1_000_000;
    json!({ "commandId": Uuid::now_v7(), "channel": "PAPER", "arriving": {
        "arrivedAt": SystemClock.now().to_string(),
        "details": {
            "number": number.to_string(), "issuerName": "Ủy ban nhân dân tỉnh Ví Dụ", "typeName": "Công văn",
            "promulgatedOn": "2026-03-02", "abstractText": "Về việc báo cáo tình hình thực hiện nhiệm vụ",
        },
    } })
}

/// Starts after a good end and, after fifty new documents, after a kill; then the memory of one that served a while.
async fn starts(data: &Path, known: &Known, rounds: usize) {
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (running, took) = Running::socai(data).await;
        if round > 0 {
            clean.push(took.as_secs_f64());
        }
        let mut client = Client::connect(&running.address).await.expect("it listens");
        for _ in 0..50 {
            client.data(&known.ask(RECEIVE, &json!({ "input": paper() }))).await;
        }
        drop(running);
        let (running, took) = Running::socai(data).await;
        killed.push(took.as_secs_f64());
        running.end();
    }
    let told = |what: &str, mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let (least, most) = (times[0], times[times.len() - 1]);
        println!("ready {what:<18} {:.2} s [{least:.2}–{most:.2}]", median(times));
    };
    told("after a good end", clean);
    told("after a kill", killed);
    let (running, _) = Running::socai(data).await;
    let before = running.memory();
    let mut client = Client::connect(&running.address).await.expect("it listens");
    // No more than one person may ask.
    for request in known.of_documents().iter().take(100).chain(&known.of_pages(&running.address).await) {
        client.data(request).await;
    }
    let after = running.memory();
    println!(
        "memory when ready {:.0} MiB ({:.0} its own), after 200 queries {:.0} ({:.0})",
        before.0, before.1, after.0, after.1
    );
    println!(
        "over 250 MiB: {:.1} bytes for each document",
        (after.0 - 250.0).max(0.0) * 1_048_576.0 / known.size.0 as f64
    );
    running.end();
}

/// Rounds in turns of each server.
async fn beside(what: &str, ours: (&str, &[Vec<u8>]), peer: (&str, &[Vec<u8>]), rounds: usize, time: Duration) {
    println!("\n{what}\nclients      socai/s   p50 ms   p99 ms      plain/s   p50 ms   p99 ms      socai is");
    for clients in [1, 16, 64] {
        let mut seen: Vec<(Seen, Seen)> = Vec::new();
        for _ in 0..rounds {
            let first = load(ours.0, ours.1, clients, time).await;
            seen.push((first, load(peer.0, peer.1, clients, time).await));
        }
        let of = |figure: fn(&(Seen, Seen)) -> f64| median(seen.iter().map(figure));
        let ratio = of(|(ours, peer)| ours.per_second / peer.per_second);
        println!(
            "{clients:>7} {:>12.0} {:>8.2} {:>8.2} {:>12.0} {:>8.2} {:>8.2} {ratio:>11.2} ×",
            of(|seen| seen.0.per_second),
            of(|seen| seen.0.p50),
            of(|seen| seen.0.p99),
            of(|seen| seen.1.per_second),
            of(|seen| seen.1.p50),
            of(|seen| seen.1.p99)
        );
    }
}

#[tokio::main]
async fn main() {
    let given = word("--data").map(PathBuf::from);
    if let (Some(what), Some(data)) = (word("--do"), &given) {
        match what.as_str() {
            "serve" => serve(data).await,
            "plain" => plain::serve(config(data).views.path().expect("a file")).await,
            other => panic!("what is {other}?"),
        }
        return;
    }
    let (rounds, time) = (number("--rounds", 5), Duration::from_secs(number("--seconds", 3)));
    let dir = directory();
    let data = given.unwrap_or_else(|| {
        let data = dir.path().join("data");
        let documents = number("--documents", 20_000_u32).to_string();
        let mut socai = Command::new(env!("CARGO_BIN_EXE_socai"));
        let made = socai.args(["demo", "--exit", "--lang", "en", "--documents", &documents, "--data"]).arg(&data);
        assert!(made.status().expect("it starts").success());
        data
    });
    let known = Known::of(&data).await;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores; {} documents, {} MiB of log; {rounds} rounds; medians", known.size.0, known.size.1 >> 20);
    starts(&data, &known, rounds).await;

    println!();
    let ours = Running::again("serve", &data);
    for (what, proved) in [("a document's trail", false), ("the same with a proof of each record", true)] {
        let trails = known.of_trails(&ours.address, proved).await;
        let mut seen = Vec::new();
        for _ in 0..rounds {
            seen.push(load(&ours.address, &trails, 50, time).await);
        }
        let of = |figure: fn(&Seen) -> f64| median(seen.iter().map(figure));
        let (rate, p50, p99) = (of(|seen| seen.per_second), of(|seen| seen.p50), of(|seen| seen.p99));
        println!("{what}, 50 clients: {rate:.0}/s, p50 {p50:.1} ms, p99 {p99:.1} ms");
    }

    let plain = Running::again("plain", &data);
    let documents = known.of_documents();
    let pages = (known.of_pages(&ours.address).await, known.of_pages(&plain.address).await);
    let (ours, plain) = (ours.address.as_str(), plain.address.as_str());
    beside("a page of 20 of the register", (ours, &pages.0), (plain, &pages.1), rounds, time).await;
    beside("one document", (ours, &documents), (plain, &documents), rounds, time).await;
}
