//! An installation: a cluster for the log, a database, and servers that share both.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use socai_domain::proof::VerifierKey;
use socai_kurrent_double::{Double, Stored};
use socai_test_postgres::Cluster;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{
    apart::{Apart, ENGINES},
    journal::{Journal, pass},
    proxy::{Line, Proxy, Target},
    server::{Server, share_keys},
};
use crate::{
    binary::told,
    office::{Client, Office},
};

/// Servers on one log.
pub(super) const SERVERS: usize = 3;
/// Nodes of the log's cluster.
pub(super) const NODES: usize = 3;
/// Within how many seconds receipts promise a checkpoint.
pub(super) const MERGE_DELAY: u64 = 20;
const LOOPBACK: &str = "127.0.0.1";
/// How long a client waits for an answer before it asks somebody else.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a server may take until it serves, or serves again.
pub(super) const READY: Duration = Duration::from_mins(1);

/// How the engines are reached without a proxy.
#[derive(Clone, Debug)]
struct Direct {
    log: String,
    postgres: String,
}

impl Direct {
    fn settings(&self, blobs: &Path) -> Vec<String> {
        settings(&self.log, &self.postgres, blobs)
    }
}

fn settings(log: &str, postgres: &str, blobs: &Path) -> Vec<String> {
    let blobs = blobs.to_str().unwrap();
    let pairs = [("--log", log), ("--notary", postgres), ("--key-ring", postgres), ("--views", postgres)];
    let pairs = pairs.into_iter().chain([("--blobs", blobs)]);
    pairs.flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

pub(super) struct World {
    pub(super) journal: Arc<Journal>,
    pub(super) double: Double,
    /// The last one is in use; the others have its address.
    pub(super) databases: Mutex<Vec<Arc<Cluster>>>,
    pub(super) servers: Vec<Arc<Server>>,
    /// Keys, tokens; no server runs on its data directory.
    pub(super) office: Office,
    pub(super) key: VerifierKey,
    http: reqwest::Client,
    direct: Direct,
    supervisors: Mutex<JoinSet<()>>,
    folder: TempDir,
}

impl World {
    /// All of it, running. `deadline`: after how many milliseconds without an answer the log counts as unreachable.
    pub(super) async fn start(deadline: u32) -> Arc<Self> {
        Self::of(deadline, None).await
    }

    /// The same, with the first server in a network namespace of its own.
    pub(super) async fn with_one_apart(deadline: u32, apart: Apart) -> Arc<Self> {
        Self::of(deadline, Some(apart)).await
    }

    async fn of(deadline: u32, mut apart: Option<Apart>) -> Arc<Self> {
        let journal = Arc::new(Journal::new());
        let folder = tempfile::tempdir().unwrap();
        let blobs = folder.path().join("blobs");
        let double = Double::cluster(NODES).await.unwrap();
        let postgres = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
        if apart.is_some() {
            postgres.listen(ENGINES).unwrap();
        }
        let direct = Direct { log: double.url("so"), postgres: postgres.url("postgres") };

        let data = tempfile::tempdir().unwrap();
        let direct_settings = direct.settings(&blobs);
        let office = tokio::task::spawn_blocking(move || {
            let settings: Vec<_> = direct_settings.iter().map(String::as_str).collect();
            told(data.path(), &[&["keygen"], &settings[..]].concat());
            Office::joining(data, "G99", &settings)
        });
        let office = office.await.unwrap();

        let mut servers = Vec::new();
        for number in 0..SERVERS {
            let data = folder.path().join(number.to_string());
            share_keys(office.path(), &data);
            let apart = apart.take();
            let (to_log, hosts) = proxies_of_nodes(&double, if apart.is_some() { ENGINES } else { LOOPBACK }).await;
            let to_postgres = Proxy::start(LOOPBACK).await.unwrap();
            to_postgres.leads_to(Target::Unix(postgres.socket()));
            let log = format!("kurrentdb://{hosts}?tls=false&ledger=so&defaultDeadline={deadline}");
            // Who is apart finds the database itself at the end of its link, with what that does about who is gone.
            let database = if apart.is_some() { format!("{ENGINES}:5432") } else { to_postgres.address.to_string() };
            let database = format!("postgres://postgres@{database}/postgres");
            let mut settings = settings(&log, &database, &blobs);
            settings.extend(["--merge-delay".to_owned(), MERGE_DELAY.to_string()]);
            let lines = (to_log, to_postgres);
            servers.push(Arc::new(Server::new(number, data, lines, (settings, apart), Arc::clone(&journal))));
        }
        let mut supervisors = JoinSet::new();
        for server in &servers {
            server.start();
            supervisors.spawn(Arc::clone(server).supervise());
            // One after the other: the first makes what all of them use.
            tokio::time::timeout(READY, server.serves()).await.unwrap_or_else(|_| {
                panic!("server {} does not serve: {}", server.number, server.last_messages(20));
            });
        }
        let url = servers[0].url().expect("it has just said so");
        let key = key(&office.administrator(&url)).await;
        let supervisors = Mutex::new(supervisors);
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let databases = Mutex::new(vec![Arc::new(postgres)]);
        Arc::new(Self { journal, double, databases, servers, office, key, http, direct, supervisors, folder })
    }

    /// The database in use.
    pub(super) fn database(&self) -> Arc<Cluster> {
        Arc::clone(self.databases.lock().unwrap().last().expect("there is one from the start"))
    }

    /// What the log holds, in the order of the tree.
    pub(super) fn records(&self) -> Vec<Stored> {
        self.double.events("so-")
    }

    /// Flags of a program that reaches the engines directly, with its views in the database.
    pub(super) fn direct(&self) -> Vec<String> {
        self.direct.settings(&self.folder.path().join("blobs"))
    }

    /// The log's alone.
    pub(super) fn direct_log(&self) -> &str {
        &self.direct.log
    }

    /// The log's, and the keys'.
    pub(super) fn direct_log_and_keys(&self) -> [&str; 4] {
        ["--log", &self.direct.log, "--key-ring", &self.direct.postgres]
    }

    /// A client of a server that serves now, if that one does.
    pub(super) fn client(&self, server: usize, token: &str) -> Option<Client> {
        let url = format!("{}/graphql", self.servers[server].url()?);
        Some(Client { http: self.http.clone(), url, token: token.to_owned() })
    }

    /// Everything is as it should be from now on.
    pub(super) fn heal(&self) {
        for server in &self.servers {
            server.to_log.iter().chain([&server.to_postgres]).for_each(|proxy| proxy.set(Line::Open));
        }
    }

    /// What the server says at this path: status and text.
    pub(super) async fn get(&self, server: usize, path: &str) -> Option<(u16, String)> {
        let url = self.servers[server].url()?;
        let answer = self.http.get(format!("{url}{path}")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits until the server is ready to serve; whether it was in time.
    pub(super) async fn ready(&self, server: usize, within: Duration) -> bool {
        let server = &self.servers[server];
        let asking = async {
            loop {
                let answer = self.http.get(format!("{}/health/ready", server.serves().await)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                pass(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(within, asking).await.is_ok()
    }

    /// Nobody starts a server again any more.
    pub(super) fn leave_alone(&self) {
        self.supervisors.lock().unwrap().abort_all();
    }
}

/// Proxies to every node, and their addresses as a URL names them.
async fn proxies_of_nodes(double: &Double, here: &str) -> (Vec<Proxy>, String) {
    let mut proxies = Vec::new();
    for _ in 0..NODES {
        proxies.push(Proxy::start(here).await.unwrap());
    }
    // The nodes call one another by the proxies' addresses: gossip must not lead around them.
    let names: Vec<_> = proxies.iter().map(|proxy| proxy.address).collect();
    for (proxy, node) in proxies.iter().zip(double.behind(&names).await.unwrap()) {
        proxy.leads_to(Target::Tcp(node));
    }
    let hosts: Vec<_> = names.iter().map(ToString::to_string).collect();
    (proxies, hosts.join(","))
}

/// The log's key, as the server says it.
async fn key(client: &Client) -> VerifierKey {
    let told = client.ask("{ ledger { notary { verifierKey } } }", json!({})).await;
    told["data"]["ledger"]["notary"]["verifierKey"].as_str().unwrap().parse().unwrap()
}
