//! The program with the notary's store and the key ring in PostgreSQL.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use socai_domain::proof::{Note, Policy, Promise, TlogProof, VerifierKey};
use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    binary::{Serving, run, socai, text, told},
    office::{Client, Office, REGISTER, paper},
};

const RECEIVE: &str = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) \
    { document { id } receipt { recordId hash promise } } }";

/// A server that dies is missed no longer than this.
const TAKEN_OVER: Duration = Duration::from_secs(10);

/// The proof of a record, asked for until it is there.
async fn proof(url: &str, record: &str) -> TlogProof {
    loop {
        let answer = reqwest::get(format!("{url}/log/proof/{record}")).await.unwrap();
        let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
        if status == 200 {
            return TlogProof::parse(told.as_bytes()).unwrap();
        }
        assert!(status == 404 || status == 503, "{status}: {told}");
    }
}

/// Receives a document: its id, its record, and that the receipt's promise is kept.
async fn receives(clerk: &Client, url: &str, number: &str, key: &VerifierKey) -> (String, String) {
    let received = clerk.must(RECEIVE, paper(number)).await["receiveIncoming"].clone();
    let of = |value: &Value| value.as_str().unwrap().to_owned();
    let record = of(&received["receipt"]["recordId"]);
    let promise = of(&received["receipt"]["promise"]);
    let promise = Promise::open(&Note::parse(promise.as_bytes()).unwrap(), key).unwrap();
    let policy = Policy::new(key.clone(), Vec::new(), 0).unwrap();
    proof(url, &record).await.verify(promise.hash, &policy).unwrap();
    (of(&received["document"]["id"]), record)
}

/// The log's key, as the server says it.
async fn key(clerk: &Client) -> VerifierKey {
    let told = clerk.ask("{ ledger { notary { verifierKey } } }", json!({})).await;
    told["data"]["ledger"]["notary"]["verifierKey"].as_str().unwrap().parse().unwrap()
}

async fn stage(clerk: &Client, document: &str) -> Value {
    let read = "query($id: ID!) { incomingDocument(id: $id) { stage } }";
    clerk.ask(read, json!({ "id": document })).await["data"]["incomingDocument"]["stage"].clone()
}

async fn sql(cluster: &Cluster, statement: &str) {
    let mut database = PgConnection::connect_with(&cluster.options()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut database).await.unwrap();
}

/// A cluster with a role for each of the two, and their URLs. `trust` takes any password.
async fn cluster() -> (Cluster, [String; 2]) {
    let cluster = Cluster::start().unwrap();
    sql(
        &cluster,
        "CREATE ROLE notary LOGIN; CREATE ROLE keys LOGIN; GRANT CREATE ON DATABASE postgres TO notary, keys",
    )
    .await;
    let urls =
        ["notary", "keys"].map(|role| cluster.url("postgres").replacen("postgres@", &format!("{role}:geheim@"), 1));
    (cluster, urls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_document_goes_its_way_with_notary_and_keys_in_a_database() {
    let (cluster, [notary, keys]) = cluster().await;
    let settings = ["--notary", &notary, "--key-ring", &keys];
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &[&["keygen"], &settings[..]].concat());
    let office = Office::joining(data, "G99", &settings);
    let with = |more: &[&str]| run(office.path(), &[more, &settings].concat());

    let mut serving = Serving::start(office.path(), &settings);
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &person);
    let key = key(&clerk).await;
    let (document, record) = receives(&clerk, &serving.url, "1", &key).await;
    for file in ["notary", "keys/ring.sqlite"] {
        assert!(!office.path().join(file).exists(), "{file}");
    }

    // The database goes and comes back while documents are received: nothing is lost.
    cluster.restart("").unwrap();
    receives(&clerk, &serving.url, "2", &key).await;

    // While it runs, all of it is read beside it.
    let whole = with(&["fsck", "--deep", "--json"]);
    let report: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(report["code"], 0, "{report:#}");
    assert_eq!(report["layers"]["keys"]["counts"]["streams"], report["layers"]["log"]["counts"]["streams"]);
    assert!(report["layers"]["notary"]["counts"]["records covered"].as_u64() > Some(5), "{report:#}");
    let elsewhere = tempfile::tempdir().unwrap();
    let bundle = elsewhere.path().join("a.zip");
    let exported = with(&["export", "--document", &document, "--output", bundle.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let checked = socai().arg("verify-bundle").arg(&bundle).args(["--key", &key.to_string()]).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stdout));
    let well = with(&["doctor", "--listen", "127.0.0.1:0"]);
    let said = text(&well.stdout);
    assert!(well.status.success() && said.matches("PostgreSQL").count() == 2 && !said.contains("geheim"), "{said}");
    assert!(serving.terminate().success());

    // After a restart the same is there, and it goes on.
    let mut serving = Serving::start(office.path(), &settings);
    let clerk = office.client(&serving.url, &person);
    proof(&serving.url, &record).await;
    assert_eq!(stage(&clerk, &document).await, "ARRIVED");
    receives(&clerk, &serving.url, "3", &key).await;
    assert!(serving.terminate().success());

    // Another master key opens nothing, and none is made over a ring that is there.
    let master = office.path().join("keys/master.key");
    let aside = elsewhere.path().join("master.key");
    fs::rename(&master, &aside).unwrap();
    let refused = text(&with(&["keygen", "--missing"]).stderr);
    assert!(refused.contains("put it back") && !refused.contains("geheim"), "{refused}");
    fs::rename(&aside, &master).unwrap();
    let rotated = with(&["keygen", "--rotate-master"]);
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));

    // What is lost or wrong is named.
    sql(
        &cluster,
        "UPDATE socai_notary.piece SET bytes = set_byte(bytes, 3, 255 - get_byte(bytes, 3)) WHERE name = 'positions'",
    )
    .await;
    assert_eq!(with(&["fsck", "--only", "notary"]).status.code(), Some(16));
    sql(
        &cluster,
        "UPDATE socai_notary.piece SET bytes = set_byte(bytes, 3, 255 - get_byte(bytes, 3)) WHERE name = 'positions'",
    )
    .await;
    assert_eq!(with(&["fsck"]).status.code(), Some(0));
    sql(&cluster, "DROP SCHEMA socai_keys CASCADE").await;
    assert_eq!(with(&["fsck", "--only", "keys"]).status.code(), Some(12));
    let refused = with(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(text(&refused.stderr).contains("is not their key ring"), "{}", text(&refused.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_lost_store_in_a_database_is_silent_until_the_operator_agrees() {
    let (cluster, [notary, _]) = cluster().await;
    let settings = ["--notary", &notary];
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let office = Office::joining(data, "G99", &settings);
    let mut serving = Serving::start(office.path(), &settings);
    office.clerk(&serving.url, "Ngô Thị Lan").await;
    let held = loop {
        let answer = reqwest::get(format!("{}/log/checkpoint", serving.url)).await.unwrap();
        if answer.status().as_u16() == 200 {
            break answer.text().await.unwrap();
        }
    };
    assert!(serving.terminate().success());
    sql(&cluster, "DROP SCHEMA socai_notary CASCADE").await;

    let mut serving = Serving::start(office.path(), &settings);
    let clerk = office.administrator(&serving.url);
    loop {
        let answer = clerk.ask("{ ledger { notary { state } } }", json!({})).await;
        if answer["data"]["ledger"]["notary"]["state"] == "SILENT" {
            break;
        }
    }
    assert!(serving.terminate().success());
    let file = office.path().join("held.txt");
    fs::write(&file, held).unwrap();
    let agree = ["notary", "agree", "--checkpoint", file.to_str().unwrap()];
    let agreed = run(office.path(), &[&agree, &settings[..]].concat());
    assert!(agreed.status.success(), "{}", text(&agreed.stderr));
    let again = text(&run(office.path(), &[&agree, &settings[..]].concat()).stderr);
    assert!(again.contains("nothing to agree on"), "{again}");
}

/// The size that a server's newest checkpoint covers.
async fn covered(url: &str) -> u64 {
    let answer = reqwest::get(format!("{url}/log/checkpoint")).await.unwrap();
    let note = answer.text().await.unwrap();
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

/// Two servers with data directories of their own, on one log.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn two_servers_share_a_log_and_one_goes_on_when_the_other_dies() {
    let double = Double::start().await.unwrap();
    let (_cluster, [notary, keys]) = cluster().await;
    let log = double.url("so");
    let settings = ["--log", &log, "--notary", &notary, "--key-ring", &keys, "--views", &notary];
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let office = Office::joining(data, "G99", &settings);
    let mut first = Serving::start(office.path(), &settings);
    let person = office.clerk(&first.url, "Ngô Thị Lan").await;
    let clerk = office.client(&first.url, &person);
    let key = key(&clerk).await;
    let (document, record) = receives(&clerk, &first.url, "1", &key).await;

    let other = tempfile::tempdir().unwrap();
    told(other.path(), &["keygen"]);
    for name in ["master.key", "log.key", "token.key", "token.pub"] {
        let of = |data: &Path| data.join("keys").join(name);
        fs::copy(of(office.path()), of(other.path())).unwrap();
    }
    let mut second = Serving::start(other.path(), &settings);
    while reqwest::get(format!("{}/health/ready", second.url)).await.unwrap().status().as_u16() != 200 {}
    let beside = office.client(&second.url, &person);
    // What the first one took is shown and proved by the second, and the other way round, each at once.
    proof(&second.url, &record).await;
    assert_eq!(stage(&beside, &document).await, "ARRIVED");
    let (late, record) = receives(&beside, &second.url, "2", &key).await;
    proof(&first.url, &record).await;
    let position = beside.must(REGISTER, json!({ "commandId": Uuid::now_v7(), "document": late })).await;
    let position = position["registerIncoming"]["receipt"]["position"].clone();
    let read = "query($id: ID!, $atLeast: Position) { incomingDocument(id: $id, atLeast: $atLeast) { stage } }";
    for client in [&clerk, &beside] {
        let told = client.ask(read, json!({ "id": late, "atLeast": position })).await;
        assert_eq!(told["data"]["incomingDocument"]["stage"], "REGISTERED", "{told}");
    }
    // One keeps the views and is the one to ask for others.
    let refused = run(other.path(), &[&["rebuild"], &settings[..]].concat());
    assert!(text(&refused.stderr).contains("another server"), "{}", text(&refused.stderr));

    // The one that signs and keeps the views dies: the other takes over, and nothing is lost.
    first.kill();
    let died = Instant::now();
    let received = beside.ask(RECEIVE, json!({ "input": paper("3") })).await;
    // What it shows of it may come later; that it is taken is said at once.
    let receipt = &received["data"]["receiveIncoming"]["receipt"];
    proof(&second.url, receipt["recordId"].as_str().unwrap()).await;
    let taken = beside.must(REGISTER, json!({ "commandId": Uuid::now_v7(), "document": document })).await;
    assert_eq!(taken["registerIncoming"]["document"]["id"], document);
    assert!(died.elapsed() < TAKEN_OVER, "{:?}", died.elapsed());
    assert_eq!(stage(&beside, &document).await, "REGISTERED");
    // It comes back and stands by; the other one ends in good order, and need not be waited for.
    let mut first = Serving::start(office.path(), &settings);
    assert!(second.terminate().success());
    let clerk = office.client(&first.url, &person);
    receives(&clerk, &first.url, "4", &key).await;
    let records = covered(&first.url).await;
    assert!(records > 8, "{records}");
    assert!(first.terminate().success());

    // All that they share is checked, the checkpoint of the reactions that is none of either's files, too.
    let whole = run(office.path(), &[&["fsck", "--json"], &settings[..]].concat());
    let report: Value = serde_json::from_slice(&whole.stdout).unwrap();
    let layer = |name: &str| &report["layers"][name];
    assert_eq!((whole.status.code(), &report["code"]), (Some(0), &json!(0)), "{report:#}");
    assert!(layer("reactions")["counts"]["records done"].as_u64() > Some(0), "{report:#}");
    assert!(layer("notary")["counts"]["records covered"].as_u64() > Some(8), "{report:#}");
    let views = layer("views")["leftOut"].as_str().unwrap();
    assert!(views.contains("PostgreSQL") && layer("index")["leftOut"].is_string(), "{report:#}");
}

#[test]
fn a_url_that_is_wrong_is_refused_without_its_password() {
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let nobody = format!("postgres://clerk:geheim@%2Fnowhere-{}/so", Uuid::now_v7());
    for setting in ["--notary", "--key-ring"] {
        for url in ["postgres:geheim", "postgres://u:ge?heim@h/d", "postgres://h/d?sslmode=geheim", &nobody] {
            for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["doctor", "--listen", "127.0.0.1:0"]] {
                let output = run(data.path(), &[command, &[setting, url]].concat());
                let said = text(&output.stdout) + &text(&output.stderr);
                assert!(!output.status.success(), "{setting} {url}: {said}");
                assert!(said.contains("postgres:") && !said.contains("heim"), "{setting} {url}: {said}");
            }
        }
    }
}
