//! A ledger in a cluster, with notary, keys and views in PostgreSQL and files in a bucket.

use std::fs;

use serde_json::json;
use socai_domain::proof::{TreeHead, VerifierKey};
use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use socai_test_s3::Server;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Busy, Kept, Place, block, copy, has_grown, head, key};
use crate::{
    binary::{Serving, text, told},
    office::{Client, Office, register},
};

const BACKUP: &str = "a backup with notary and keys in PostgreSQL";
const PREFIX: &str = "so";
/// Of the notary, of the keys and of the views: each has a database.
const ROLES: [&str; 3] = ["notary", "keys", "views"];

async fn sql(cluster: &Cluster, statement: &str) {
    let mut database = PgConnection::connect_with(&cluster.options()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut database).await.unwrap();
}

/// An empty database for each part, whose role may make its schema there.
async fn databases() -> Cluster {
    let cluster = Cluster::start().unwrap();
    for role in ROLES {
        sql(&cluster, &format!("CREATE ROLE {role} LOGIN")).await;
        sql(&cluster, &format!("CREATE DATABASE {role}")).await;
        sql(&cluster, &format!("GRANT CREATE ON DATABASE {role} TO {role}")).await;
    }
    cluster
}

/// All that a ledger is in, but for the machine.
struct Engines {
    double: Double,
    cluster: Cluster,
    storage: Server,
}

impl Engines {
    async fn new() -> Self {
        let (double, cluster, storage) = (Double::start().await.unwrap(), databases().await, Server::start().unwrap());
        Self { double, cluster, storage }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let [notary, keys, views] =
            ROLES.map(|role| self.cluster.url(role).replacen("postgres@", &format!("{role}@"), 1));
        let mut settings = vec![
            ("SOCAI_LOG", self.double.url("so")),
            ("SOCAI_NOTARY", notary),
            ("SOCAI_KEY_RING", keys),
            ("SOCAI_VIEWS", views),
            ("SOCAI_BLOBS", format!("s3://{}/{PREFIX}", socai_test_s3::BUCKET)),
        ];
        settings.extend(self.storage.environment());
        settings
    }
}

/// An office with a document that was proved, and its server.
struct Installed {
    engines: Engines,
    office: Office,
    place: Place,
    serving: Serving,
    clerk: Client,
    key: VerifierKey,
    first: Kept,
    signed: TreeHead,
}

impl Installed {
    async fn new() -> Self {
        let engines = Engines::new().await;
        let data = tempfile::tempdir().unwrap();
        told(data.path(), &["keygen"]);
        let settings = engines.settings();
        let flags = [("--log", 0), ("--notary", 1), ("--key-ring", 2), ("--views", 3)];
        let flags: Vec<_> = flags.into_iter().flat_map(|(flag, at)| [flag, &settings[at].1]).collect();
        let office = Office::joining(data, "G99", &flags);
        let mut place = Place::new(office.path());
        place.variables.extend(settings.iter().map(|(name, value)| (*name, value.into())));
        place.run("a backup of the keys");
        let serving = place.serve();
        let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
        let clerk = office.client(&serving.url, &person);
        let key = key(&clerk).await;
        let first = Kept::receive(&clerk, "1").await;
        first.is_there(&clerk, &key).await;
        let signed = head(&clerk, &key).await;
        Self { engines, office, place, serving, clerk, key, first, signed }
    }

    fn back_up(&self) {
        self.place.run(BACKUP);
        // As `aws s3 sync` does it: the objects, with their names.
        let objects = self.place.set("LOG_SET").join("objects");
        let _ = fs::remove_dir_all(&objects);
        copy(&self.engines.storage.object(PREFIX), &objects);
        fs::remove_file(objects.join("ledger")).unwrap();
    }

    /// While documents come in.
    async fn back_up_busy(&self) {
        let other = self.office.clerk(&self.serving.url, "Lê Văn Bình").await;
        let busy = Busy::begin(&self.office.client(&self.serving.url, &other));
        self.back_up();
        assert!(busy.end().await > 0);
    }

    /// The machine is lost, databases and bucket too: there are new ones, with nothing but what was backed up.
    async fn lose(&mut self) {
        self.serving.kill();
        self.office.data = tempfile::tempdir().unwrap();
        self.engines.cluster = databases().await;
        self.engines.storage = Server::start().unwrap();
        copy(&self.place.set("LOG_SET").join("objects"), &self.engines.storage.object(PREFIX));
        self.point();
        self.place.run("restoring the keys");
        self.place.run("restoring notary and keys in PostgreSQL");
    }

    /// To the engines that there are.
    fn point(&mut self) {
        self.place.variables.insert("SOCAI_DATA", self.office.path().into());
        let settings = self.engines.settings();
        self.place.variables.extend(settings.into_iter().map(|(name, value)| (name, value.into())));
    }

    /// What was there is there, and it goes on.
    async fn goes_on(mut self) {
        self.serving = self.place.serve_all().await;
        let there = Client { url: format!("{}/graphql", self.serving.url), ..self.clerk };
        self.first.is_there(&there, &self.key).await;
        has_grown(&self.office.administrator(&self.serving.url), self.signed, &self.key).await;
        Kept::receive(&there, "2").await.is_there(&there, &self.key).await;
        assert!(self.serving.terminate().success());
        self.place.is_whole();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn notary_and_keys_come_back_from_their_dumps_under_a_log_that_went_on() {
    let mut installed = Installed::new().await;
    installed.back_up_busy().await;
    // Once more when no new keys are made: what the log has newer than the ring is lost. The notary signs more than it dumped.
    installed.back_up();
    let (clerk, key) = (installed.clerk.clone(), installed.key.clone());
    let dumped = head(&clerk, &key).await;
    register(&clerk, &installed.first.document).await;
    while installed.signed.size <= dumped.size {
        installed.signed = head(&clerk, &key).await;
    }
    installed.lose().await;
    installed.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_that_is_lost_with_its_cluster_comes_back_in_another() {
    let mut installed = Installed::new().await;
    installed.back_up_busy().await;
    installed.lose().await;
    installed.engines.double = Double::start().await.unwrap();
    installed.point();
    installed.place.run("restoring the log into another cluster");
    installed.goes_on().await;
}

/// What was signed tells of more than the log that was restored.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_older_log_under_what_the_notary_signed_since_is_said_to_be_older() {
    let mut installed = Installed::new().await;
    installed.back_up();
    let older = head(&installed.clerk, &installed.key).await.size;
    let late = Kept::receive(&installed.clerk, "2").await;
    late.is_there(&installed.clerk, &installed.key).await;
    let newer = head(&installed.clerk, &installed.key).await.size;
    assert!(installed.serving.terminate().success());
    installed.engines.double = Double::start().await.unwrap();
    installed.point();
    let place = &installed.place;
    let log = format!("file:{}", place.set("LOG_SET").join("log").display());
    let copied = place.socai(&["copy", "--from", &log, "--to", &installed.engines.double.url("so")]).output().unwrap();
    assert!(copied.status.success(), "{copied:?}");
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["rebuild"], &["notary", "agree", "--first"]] {
        let refused = place.socai(command).output().unwrap();
        let said = text(&refused.stderr);
        let older =
            ["9 signed records are known", "restore the newest backup"].iter().all(|words| said.contains(words));
        assert!(!refused.status.success() && older, "{command:?}: {said}");
    }
    let (status, said) = place.fsck();
    let fault = |layer: &str| &said["layers"][layer]["fault"];
    assert_eq!((status, &fault("log")["name"]), (Some(10), &json!("log-short")), "{said:#}");
    assert_eq!(fault("notary")["name"], "notary-beyond-log", "{said:#}");
    assert!(fault("reactions")["message"].as_str().unwrap().contains("another log of this ledger"), "{said:#}");
    // Nor does a notary whose store was put aside agree to it.
    let block = block("restoring the log into another cluster");
    let agree: Vec<_> = block.lines().filter(|line| !line.contains("socai copy")).collect();
    let said = place.shell(&agree.join("\n")).unwrap_err();
    assert!(said.contains(&format!("covers {newer} records, but the log has only {older}")), "{said}");
}
