//! A small installation: a log in one node, a database, and what two servers need to share them.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use tempfile::TempDir;
use uuid::Uuid;

use super::server::share_keys;
use crate::{
    binary::{Serving, socai, told},
    office::{Client, Office, RECEIVE, REGISTER, paper},
};

pub(super) struct Pair {
    pub(super) double: Double,
    pub(super) database: Cluster,
    blobs: TempDir,
    pub(super) office: Office,
    elsewhere: TempDir,
}

impl Pair {
    pub(super) async fn new() -> Self {
        let (double, database) = (Double::start().await.unwrap(), Cluster::start().unwrap());
        let (blobs, data, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
        let settings = settings(&double.url("so"), &database.url("postgres"), blobs.path(), &database.url("postgres"));
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        told(data.path(), &[&["keygen"], &settings[..]].concat());
        let office = Office::joining(data, "G99", &settings);
        let pair = Self { double, database, blobs, office, elsewhere };
        share_keys(pair.office.path(), &pair.other());
        pair
    }

    /// The data directory of the other server, with the same keys.
    pub(super) fn other(&self) -> PathBuf {
        self.elsewhere.path().join("data")
    }

    /// Where this file of a document is kept.
    pub(super) fn file(&self, hash: &str) -> PathBuf {
        self.blobs.path().join(&hash[..2]).join(hash)
    }

    /// Where the log is.
    pub(super) fn log(&self) -> String {
        self.double.url("so")
    }

    /// Where the notary, the keys and, mostly, the views are.
    pub(super) fn postgres(&self) -> String {
        self.database.url("postgres")
    }

    /// A subcommand with the settings of a server that has its views there.
    pub(super) fn command<'a>(words: &[&'a str], settings: &'a [String]) -> Vec<&'a str> {
        words.iter().copied().chain(settings.iter().map(String::as_str)).collect()
    }

    /// The settings of a server that has its views there.
    pub(super) fn settings(&self, views: &str) -> Vec<String> {
        settings(&self.log(), &self.postgres(), self.blobs.path(), views)
    }

    /// A server on this data directory; what it says goes to the file `messages` there.
    pub(super) fn serve(&self, data: &Path, views: &str) -> Serving {
        let messages = File::options().create(true).append(true).open(data.join("messages")).unwrap();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--messages", "text", "--data"];
        Serving::of(socai().env("NO_COLOR", "1").args(serve).arg(data).args(self.settings(views)).stderr(messages))
    }
}

fn settings(log: &str, postgres: &str, blobs: &Path, views: &str) -> Vec<String> {
    let pairs = [("--log", log), ("--notary", postgres), ("--key-ring", postgres), ("--views", views)];
    let pairs = pairs.into_iter().chain([("--blobs", blobs.to_str().unwrap())]);
    pairs.flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

/// A document arrives, and nothing is asked of the views; where the ledger has it.
pub(super) async fn received(client: &Client, number: &str) -> Value {
    let receive = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) \
        { receipt { stream revision position } } }";
    client.must(receive, paper(number)).await["receiveIncoming"]["receipt"].clone()
}

/// A document arrives and is registered; the position of that.
pub(super) async fn registered(client: &Client, number: &str) -> Value {
    let received = client.must(RECEIVE, paper(number)).await;
    let document = received["receiveIncoming"]["document"]["id"].clone();
    let register = json!({ "commandId": Uuid::now_v7(), "document": document });
    client.must(REGISTER, register).await["registerIncoming"]["receipt"]["position"].clone()
}

const LOOK: &str = "query($atLeast: Position) { incomingRegister(first: 10, atLeast: $atLeast) \
    { edges { node { number } } } }";

/// How many lines of the register it shows, at this position or later; the answer where it shows none.
pub(super) async fn shown(client: &Client, position: &Value) -> Result<usize, Value> {
    let answer = client.ask(LOOK, json!({ "atLeast": position })).await;
    answer["data"]["incomingRegister"]["edges"].as_array().map(Vec::len).ok_or_else(|| answer.clone())
}
