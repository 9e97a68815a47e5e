//! Durable commands per second over HTTP: GraphQL mutations with a bearer token, by clients that each wait for the answer,
//! on connections that stay open. Clients, servers and engines share the machine's cores.
//!
//! ```text
//! cargo bench -p socai --bench http -- [--rounds 3] [--seconds 3] [--documents 5000] [--engines files]
//! ```
//! `--engines all`: also with views in `PostgreSQL`, and with everything there beside a log in the double of a cluster, which
//! keeps events in memory; by one server and by three, of which each client asks one.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // figures for people

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use socai_domain::id::IncomingId;
use uuid::Uuid;

#[path = "../api/mod.rs"]
mod api;
#[path = "../args/mod.rs"]
mod args;
mod installation;
#[path = "../office/mod.rs"]
mod office;

use args::{number, word};
use installation::{ALL, Engines, Installation};

/// What is asked again and again.
#[derive(Clone, Copy)]
enum Ask {
    /// A remark on a document that is there: one record.
    Annotate,
    /// A new document: a stream with its key, one record.
    Receive,
}

struct Client {
    http: reqwest::Client,
    urls: Vec<String>,
    token: String,
    documents: Vec<IncomingId>,
}

impl Client {
    fn body(&self, ask: Ask, n: usize) -> Value {
        match ask {
            Ask::Annotate => json!({
                "query": "mutation($input: AnnotateIncomingInput!) { annotateIncoming(input: $input) { receipt { position } } }",
                "variables": { "input": {
                    "commandId": Uuid::now_v7(),
                    "document": format!("incoming-{}", self.documents[n % self.documents.len()].uuid()),
                    "note": "Đã gửi bản sao cho đơn vị phối hợp, chờ ý kiến trước khi trình ký",
                } },
            }),
            Ask::Receive => json!({
                "query": "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) { receipt { position } } }",
                "variables": { "input": {
                    "commandId": Uuid::now_v7(),
                    "channel": "PAPER",
                    "arriving": {
                        "arrivedAt": "2026-03-03T08:00:00+07:00",
                        "details": {
                            "number": format!("{n}"), "issuerName": "Ủy ban nhân dân tỉnh Ví Dụ", "typeName": "Công văn",
                            "promulgatedOn": "2026-03-02", "abstractText": "Về việc báo cáo tình hình thực hiện nhiệm vụ",
                        },
                    },
                } },
            }),
        }
    }

    /// Of the server whose turn is `who`.
    async fn ask(&self, who: usize, ask: Ask, n: usize) {
        let asked = self.http.post(&self.urls[who % self.urls.len()]).bearer_auth(&self.token).json(&self.body(ask, n));
        let answer: Value = asked.send().await.expect("it answers").json().await.expect("it answers in JSON");
        assert!(answer["errors"].is_null(), "{answer}");
    }
}

/// Commands per second, p50 and p99 in microseconds.
async fn run(client: &Arc<Client>, ask: Ask, clients: usize, time: Duration) -> [f64; 3] {
    let begin = Instant::now();
    let one = |me: usize| {
        let client = Arc::clone(client);
        tokio::spawn(async move {
            let (mut took, mut n) = (Vec::new(), me);
            while begin.elapsed() < time {
                let asked = Instant::now();
                client.ask(me, ask, n).await;
                took.push(asked.elapsed().as_secs_f64() * 1e6);
                n += clients;
            }
            took
        })
    };
    let all = join_all((0..clients).map(one).collect::<Vec<_>>()).await;
    let mut took: Vec<f64> = all.into_iter().flat_map(|took| took.expect("no client panics")).collect();
    let elapsed = begin.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    [took.len() as f64 / elapsed, at(0.5), at(0.99)]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() {
    let (rounds, documents) = (number("--rounds", 3), number("--documents", 5_000));
    let time = Duration::from_secs(number("--seconds", 3));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores, shared by clients, servers and engines; {rounds} rounds of {time:?}; medians");
    let all: &[Engines] = if word("--engines").is_some_and(|word| word == "all") { &ALL } else { &[Engines::Files] };
    for engines in all {
        println!("\n{engines}");
        let installation = Installation::start(*engines).await;
        let documents = installation.receive(documents).await;
        let (urls, token) = (installation.urls(), installation.token());
        let client = Arc::new(Client { http: reqwest::Client::new(), urls, token, documents });
        for (what, ask) in [("a remark on a document that is there", Ask::Annotate), ("a new document", Ask::Receive)] {
            println!("\n{what}\nclients   commands/s    p50 µs    p99 µs");
            for clients in [1, 16, 64, 256] {
                let mut figures = Vec::new();
                for _ in 0..rounds {
                    figures.push(run(&client, ask, clients, time).await);
                }
                let of = |at: usize| median(figures.iter().map(|figures| figures[at]).collect());
                println!("{clients:>7} {:>12.0} {:>9.0} {:>9.0}", of(0), of(1), of(2));
            }
        }
        installation.close().await;
    }
}
