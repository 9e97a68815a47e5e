//! An agency with its ledger, on the engines that socai runs on.

use std::{fmt, sync::Arc};

use futures::FutureExt as _;
use socai::{app::App, clock::SystemClock, token_keys::TokenKeys};
use socai_domain::{id::IncomingId, time::Clock as _};
use socai_graphql::token::Issuer;
use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    api::api,
    args::directory,
    office::{Office, Settings, each},
};

/// Where the ledger is, and who serves it.
#[derive(Clone, Copy)]
pub(crate) enum Engines {
    /// All of it in files.
    Files,
    /// The views in a database.
    ViewsInPostgres,
    /// The log in a cluster, the rest in a database.
    Cluster {
        /// On so many servers.
        servers: usize,
    },
}

pub(crate) const ALL: [Engines; 4] =
    [Engines::Files, Engines::ViewsInPostgres, Engines::Cluster { servers: 1 }, Engines::Cluster { servers: 3 }];

impl fmt::Display for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files => f.write_str("files, views in SQLite"),
            Self::ViewsInPostgres => f.write_str("files, views in PostgreSQL"),
            Self::Cluster { servers } => {
                write!(f, "log in the double of a cluster, the rest in PostgreSQL; servers: {servers}")
            }
        }
    }
}

/// A server, with its API on a free port.
struct Server {
    app: App,
    url: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(app: App, keys: &TokenKeys) -> Self {
        let api = api(&app, &keys.public);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}/graphql", listener.local_addr().expect("it listens"));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(socai_graphql::serve(listener, api, async move { drop(stopped.await) }.boxed()));
        Self { app, url, stop, serving }
    }

    async fn close(self) {
        // The server may be gone already; it is the end either way.
        let _ = self.stop.send(());
        self.serving.await.expect("it does not panic").expect("it serves");
        self.app.close().await.expect("it closes");
    }
}

pub(crate) struct Installation {
    office: Arc<Office>,
    servers: Vec<Server>,
    keys: TokenKeys,
    // They end when dropped, after the servers.
    _log: Option<Double>,
    _database: Option<Cluster>,
    _dir: TempDir,
}

impl Installation {
    pub(crate) async fn start(engines: Engines) -> Self {
        let dir = directory();
        let database = (!matches!(engines, Engines::Files)).then(|| {
            // Not in memory, as temporary files may be.
            Cluster::start_in(dir.path()).expect("PostgreSQL is installed")
        });
        let log = match engines {
            Engines::Cluster { .. } => Some(Double::cluster(3).await.expect("ports are free")),
            _ => None,
        };
        let mut settings = Settings::new();
        if let Some(database) = &database {
            let url = database.url("postgres");
            let parts: &[&str] = if log.is_some() { &["views", "notary", "key_ring"] } else { &["views"] };
            settings.extend(parts.iter().map(|part| (*part, url.clone())));
        }
        if let Some(log) = &log {
            settings.insert("log", log.url("bench"));
            settings.insert("blobs", dir.path().join("blobs").to_str().expect("a path in UTF-8").to_owned());
        }
        let (office, app, config) = Office::found(&dir.path().join("0"), &settings).await;
        let keys = TokenKeys::generate().expect("a key can be made");
        let mut servers = vec![Server::start(app, &keys).await];
        if let Engines::Cluster { servers: count } = engines {
            for number in 1..count {
                let app = Office::joined(&config, &dir.path().join(number.to_string()), &settings).await;
                servers.push(Server::start(app, &keys).await);
            }
        }
        Self { office: Arc::new(office), servers, keys, _log: log, _database: database, _dir: dir }
    }

    /// Where the servers are asked.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.url.clone()).collect()
    }

    /// All clients are one clerk here.
    pub(crate) fn token(&self) -> String {
        let issuer = Issuer::from_pem(&self.keys.private).expect("it is a key");
        issuer.issue(self.office.clerk(), self.office.organ, SystemClock.now(), 36_000).expect("it signs")
    }

    /// So many documents that arrived.
    pub(crate) async fn receive(&self, documents: usize) -> Vec<IncomingId> {
        let (office, handler) = (Arc::clone(&self.office), self.servers[0].app.handler.clone());
        each(documents, move |n| {
            let (office, handler) = (Arc::clone(&office), handler.clone());
            async move { office.receive(&handler, n).await }
        })
        .await
    }

    pub(crate) async fn close(self) {
        for server in self.servers {
            server.close().await;
        }
    }
}
