//! A ledger in a cluster, with notary, keys and views in PostgreSQL and files in a bucket.

use std::{path::Path, process::Command};

use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use socai_test_s3::Server;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Busy, Kept, Place, has_grown, head, key};
use crate::{
    binary::told,
    office::{Client, Office, register},
};

const DUMPS: &str = "a backup of notary and keys in PostgreSQL";
const PREFIX: &str = "so";

/// As `aws s3 sync` does it: the objects, with their names.
fn copy_objects(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

async fn sql(cluster: &Cluster, statements: &[&str]) {
    let mut database = PgConnection::connect_with(&cluster.options()).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).execute(&mut database).await.unwrap();
    }
}

/// A database for each part, of a role for each.
async fn databases(cluster: &Cluster) {
    for role in ["notary", "keys", "views"] {
        sql(cluster, &[&format!("CREATE DATABASE {role}"), &format!("GRANT CREATE ON DATABASE {role} TO {role}")]).await;
    }
}

fn url(cluster: &Cluster, role: &str) -> String {
    cluster.url(role).replacen("postgres@", &format!("{role}:geheim@"), 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn notary_and_keys_come_back_from_their_dumps_under_a_log_that_went_on() {
    let (double, cluster, storage) = (Double::start().await.unwrap(), Cluster::start().unwrap(), Server::start().unwrap());
    sql(&cluster, &["CREATE ROLE notary LOGIN", "CREATE ROLE keys LOGIN", "CREATE ROLE views LOGIN"]).await;
    databases(&cluster).await;
    let [notary, keys, views] = ["notary", "keys", "views"].map(|role| url(&cluster, role));
    let (log, blobs) = (double.url("so"), format!("s3://{}/{PREFIX}", socai_test_s3::BUCKET));
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let mut office =
        Office::joining(data, "G99", &["--log", &log, "--notary", &notary, "--key-ring", &keys, "--views", &views]);
    let mut place = Place::new(office.path());
    let settings = [
        ("SOCAI_LOG", &log),
        ("SOCAI_NOTARY", &notary),
        ("SOCAI_KEY_RING", &keys),
        ("SOCAI_VIEWS", &views),
        ("SOCAI_BLOBS", &blobs),
    ];
    place.variables.extend(settings.map(|(name, value)| (name, value.into())));
    place.variables.extend(storage.environment().map(|(name, value)| (name, value.into())));
    place.run("a backup of the keys");
    let mut serving = place.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &person);
    let key = key(&clerk).await;
    let first = Kept::receive(&clerk, "1").await;
    first.is_there(&clerk, &key).await;
    let signed = head(&clerk, &key).await;
    // While documents come in; and once more when there are no new ones, as the log goes on: what it has newer than the ring is
    // lost. The notary's dump is behind it.
    let other = office.clerk(&serving.url, "Lê Văn Bình").await;
    let busy = Busy::begin(&office.client(&serving.url, &other));
    place.run(DUMPS);
    assert!(busy.end().await > 0);
    place.run(DUMPS);
    let objects = place.set("LOG_SET").join("objects");
    copy_objects(&storage.object(PREFIX), &objects);
    register(&clerk, &first.document).await;
    serving.kill();

    // Machine, databases and bucket are lost.
    office.data = tempfile::tempdir().unwrap();
    sql(&cluster, &["DROP DATABASE notary", "DROP DATABASE keys", "DROP DATABASE views"]).await;
    drop(storage);
    databases(&cluster).await;
    let storage = Server::start().unwrap();
    copy_objects(&objects, &storage.object(PREFIX));
    place.variables.insert("SOCAI_DATA", office.path().into());
    place.variables.extend(storage.environment().map(|(name, value)| (name, value.into())));
    place.run("restoring the keys");
    place.run("restoring notary and keys in PostgreSQL");

    let mut serving = place.serve_all().await;
    let there = Client { url: format!("{}/graphql", serving.url), ..clerk.clone() };
    first.is_there(&there, &key).await;
    has_grown(&office.administrator(&serving.url), signed, &key).await;
    Kept::receive(&there, "2").await.is_there(&there, &key).await;
    assert!(serving.terminate().success());
    place.is_whole();
}
