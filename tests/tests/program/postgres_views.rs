//! The program with its views in PostgreSQL.

use serde_json::{Value, json};
use socai_test_postgres::Cluster;
use sqlx::Connection as _;
use uuid::Uuid;

use crate::{
    binary::{Serving, run, text, told},
    office::{Office, RECEIVE, REGISTER, paper},
};

/// What is found and what is registered, at this position or later.
const LOOK: &str = "query($atLeast: Position) { searchDocuments(query: \"thu nghiem\", first: 10, atLeast: $atLeast) \
    { edges { node { id } } } incomingRegister(first: 10, atLeast: $atLeast) { edges { node { number } } } }";

fn shown(answer: &Value) -> (usize, usize) {
    let count = |of: &str| answer["data"][of]["edges"].as_array().map_or(0, Vec::len);
    (count("searchDocuments"), count("incomingRegister"))
}

#[tokio::test]
async fn a_document_is_found_in_a_database_that_is_restarted_and_rebuilt() {
    let cluster = Cluster::start().unwrap();
    let url = cluster.url("postgres");
    let views = ["--views", url.as_str()];
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let office = Office::joining(data, "G99", &views);

    let mut serving = Serving::start(office.path(), &views);
    let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let client = office.client(&serving.url, &clerk);
    let receive = async |number| {
        let received = client.must(RECEIVE, paper(number)).await;
        let document = received["receiveIncoming"]["document"]["id"].clone();
        let register = json!({ "commandId": Uuid::now_v7(), "document": document });
        client.must(REGISTER, register).await["registerIncoming"]["receipt"]["position"].clone()
    };
    let position = receive("1").await;
    let answer = client.ask(LOOK, json!({ "atLeast": position })).await;
    assert_eq!(shown(&answer), (1, 1), "{answer}");
    assert!(!office.path().join("views.sqlite").exists());

    // The database goes: commands are carried out, questions get a plain error, and nothing is missing afterwards.
    cluster.stop().unwrap();
    let refused = client.ask(LOOK, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BUSY", "{refused}");
    assert!(!refused.to_string().contains("postgres"), "{refused}");
    cluster.restart("").unwrap();
    let position = receive("2").await;
    let answer = loop {
        // Until the follower has found it again.
        let answer = client.ask(LOOK, json!({ "atLeast": position })).await;
        if answer["errors"].is_null() {
            break answer;
        }
    };
    assert_eq!(shown(&answer), (2, 2), "{answer}");

    // Beside the running server, and after it.
    let rebuilt: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json", "--views", &url])).unwrap();
    assert_eq!((&rebuilt["ok"], rebuilt["before"] == rebuilt["after"]), (&json!(true), true), "{rebuilt}");
    assert_eq!(shown(&client.ask(LOOK, json!({})).await), (2, 2));
    assert!(serving.terminate().success());
    let rebuilt: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json", "--views", &url])).unwrap();
    assert_eq!((&rebuilt["ok"], rebuilt["before"] == rebuilt["after"]), (&json!(true), true), "{rebuilt}");
    let figures: Value =
        serde_json::from_str(&told(office.path(), &["stats", "--json", "--organ", &office.organ, "--views", &url]))
            .unwrap();
    assert_eq!(figures["documents"]["registered"], 2, "{figures}");

    // The same log gives the same rows in a file.
    let file: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json"])).unwrap();
    assert_eq!(file["after"], rebuilt["after"]);

    let serving = Serving::start(office.path(), &views);
    let client = office.client(&serving.url, &clerk);
    assert_eq!(shown(&client.ask(LOOK, json!({})).await), (2, 2), "after a restart");
}

#[tokio::test]
async fn a_database_is_believed_by_its_certificate() {
    let certified = || rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (ours, other, data) = (certified(), certified(), tempfile::tempdir().unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cluster = Cluster::start().unwrap();
    cluster.secure(port, &ours.cert.pem(), &ours.signing_key.serialize_pem()).unwrap();
    let url = |name: &str, certificate: &rcgen::Certificate| {
        let file = data.path().join(name);
        std::fs::write(&file, certificate.pem()).unwrap();
        format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={}", file.display())
    };
    let (trusted, strange) = (url("ours.crt", &ours.cert), url("other.crt", &other.cert));
    let of = |url: &str| {
        ["--views", "--notary", "--key-ring"].into_iter().flat_map(|flag| [flag.into(), url.into()]).collect()
    };
    let (settings, wrong): (Vec<String>, Vec<String>) = (of(&trusted), of(&strange));
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let wrong: Vec<_> = wrong.iter().map(String::as_str).collect();

    let office = tempfile::tempdir().unwrap();
    told(office.path(), &["keygen"]);
    let office = Office::joining(office, "G99", &settings);
    let serving = Serving::start(office.path(), &settings);
    let client = office.client(&serving.url, &office.clerk(&serving.url, "Ngô Thị Lan").await);
    client.must(RECEIVE, paper("1")).await;
    let mut database = sqlx::PgConnection::connect(&trusted).await.unwrap();
    let sessions = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl) FROM pg_stat_ssl \
        JOIN pg_stat_activity USING (pid) WHERE backend_type = 'client backend'";
    let (encrypted, clear): (i64, i64) = sqlx::query_as(sessions).fetch_one(&mut database).await.unwrap();
    assert!(encrypted > 3 && clear == 0, "{encrypted} {clear}");

    let examined = run(office.path(), &[&["doctor"], &wrong[..]].concat());
    let told = text(&examined.stdout);
    assert_eq!(told.matches("invalid peer certificate").count(), 3, "{told}");
}

#[test]
fn what_reads_a_file_says_so_and_a_password_is_kept() {
    let office = Office::new("G99");
    let url = "postgres://clerk:geheim@127.0.0.1:1/views";
    for (command, said) in [("fsck", "rebuild"), ("doctor", "127.0.0.1:1"), ("rebuild", "database")] {
        let output = run(office.path(), &[command, "--views", url]);
        let told = text(&output.stdout) + &text(&output.stderr);
        assert!(told.contains(said) && !told.contains("geheim"), "{command}: {told}");
    }
    let wrong = run(office.path(), &["rebuild", "--views", "postgres://clerk:geheim@host:port/views"]);
    assert!(!wrong.status.success() && !text(&wrong.stderr).contains("geheim"), "{}", text(&wrong.stderr));
}
