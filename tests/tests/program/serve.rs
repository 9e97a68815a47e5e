//! `socai serve` over HTTP and WebSocket, and its end.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue};
use uuid::Uuid;

use crate::{
    binary::{Serving, run, socai, text, told},
    office::{Client, Office, RECEIVE, REGISTER, paper},
};

#[tokio::test]
async fn serving_needs_no_private_key_and_tickets_outlive_a_restart() {
    let office = Office::new("G99");
    let first = office.serve();
    let person = office.clerk(&first.url, "Ngô Thị Lan").await;
    let clerk = office.client(&first.url, &person);
    let upload = reqwest::Client::new().post(format!("{}/files", first.url)).bearer_auth(&clerk.token).body("%PDF-1.7");
    let uploaded: Value = upload.send().await.unwrap().json().await.unwrap();
    let ticket = uploaded["ticket"].as_str().unwrap().to_owned();
    drop(first);

    std::fs::remove_file(office.path().join("keys/token.key")).unwrap();
    let again = office.serve();
    let clerk = Client { url: format!("{}/graphql", again.url), ..clerk };
    let mut input = paper("1");
    input["arriving"]["files"] = json!([{ "source": { "ticket": ticket }, "name": "a.pdf", "role": "MAIN" }]);
    let received = clerk.must(RECEIVE, input).await;
    assert!(received["receiveIncoming"]["document"]["id"].is_string(), "{received}");
}

#[tokio::test]
async fn a_document_goes_from_paper_to_its_number_and_its_trail_verifies() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let ready = reqwest::get(format!("{}/health/ready", serving.url)).await.unwrap();
    assert!(ready.status().is_success());
    let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &clerk);
    let received = clerk.must(RECEIVE, paper("1")).await;
    let document = received["receiveIncoming"]["document"]["id"].clone();
    let register = json!({ "commandId": Uuid::now_v7(), "document": document });
    let registered = clerk.must(REGISTER, register.clone()).await;
    // The same command again is the same answer.
    let again = clerk.must(REGISTER, register).await;
    assert_eq!(again["registerIncoming"]["receipt"]["hash"], registered["registerIncoming"]["receipt"]["hash"]);
    let position = registered["registerIncoming"]["receipt"]["position"].clone();
    let query = "query($document: ID!, $atLeast: Position) { trail(document: $document, atLeast: $atLeast) \
        { verification length } incomingRegister(first: 10, atLeast: $atLeast) { edges { node { number } } } }";
    let answer = clerk.ask(query, json!({ "document": document, "atLeast": position })).await;
    assert_eq!(answer["data"]["trail"]["length"], 3, "{answer}");
    assert_eq!(answer["data"]["incomingRegister"]["edges"][0]["node"]["number"], 1, "{answer}");

    let metrics = reqwest::get(format!("{}/metrics", serving.url)).await.unwrap().text().await.unwrap();
    for name in ["socai_commands_total", "socai_request_seconds", "socai_projection_applied_total"] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
    let nobody = Client { token: "nothing".into(), ..clerk.clone() };
    assert!(nobody.ask("{ ledger { engine } }", json!({})).await["data"].is_null());

    // Files are read while it runs, and written by nobody else.
    told(office.path(), &["verify"]);
    let refused = run(office.path(), &["stats", "--organ", &office.organ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("in use"), "{}", text(&refused.stderr));
    assert!(serving.terminate().success());
    let rebuilt: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json"])).unwrap();
    assert_eq!(rebuilt["ok"], true, "{rebuilt}");
}

/// The views of a stopped server, as another version of the program left them.
async fn of_another_version(office: &Office, model: &str) {
    let url = format!("sqlite://{}", office.path().join("views.sqlite").display());
    let mut views = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let sql = "UPDATE read_model SET version = 1 WHERE name = $1";
    assert_eq!(sqlx::query(sql).bind(model).execute(&mut views).await.unwrap().rows_affected(), 1);
    views.close().await.unwrap();
}

#[tokio::test]
async fn views_are_built_anew_while_the_server_serves() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &clerk);
    for n in 1..=3 {
        let received = clerk.must(RECEIVE, paper(&n.to_string())).await;
        let document = received["receiveIncoming"]["document"]["id"].clone();
        clerk.must(REGISTER, json!({ "commandId": Uuid::now_v7(), "document": document })).await;
        // Asked of the running server, and waited for.
        let rebuilt: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json"])).unwrap();
        assert!(rebuilt["ok"] == true && rebuilt["before"] == rebuilt["after"], "{rebuilt}");
        let query = "{ incomingRegister(first: 10) { edges { node { number } } } ledger { rebuild { phase } } }";
        let answer = clerk.ask(query, json!({})).await;
        assert_eq!(answer["data"]["incomingRegister"]["edges"].as_array().unwrap().len(), n, "{answer}");
        assert!(answer["data"]["ledger"]["rebuild"].is_null(), "{answer}");
    }
    let metrics = reqwest::get(format!("{}/metrics", serving.url)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("socai_rebuilds_total{outcome=\"done\"} 3"), "{metrics}");
    assert!(metrics.contains("socai_rebuild_running 0"), "{metrics}");
    let link = std::fs::read_link(office.path().join("views.sqlite")).unwrap();
    assert_eq!(link.to_str(), Some("views.sqlite.3"));
    // Who looks from outside follows the link: to a file that is in use, and to one that a killed server left.
    told(office.path(), &["fsck"]);
    serving.kill();
    assert!(office.path().join("views.sqlite.3-wal").exists(), "the server left no write-ahead log");
    told(office.path(), &["fsck"]);
}

#[tokio::test]
async fn views_of_another_version_are_built_anew_at_the_next_start() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &person);
    clerk.must(RECEIVE, paper("1")).await;
    // Nobody who is there can say what the tables of `document` were; of `savings` only a rule changed.
    for (round, model) in ["document", "savings"].into_iter().enumerate() {
        assert!(serving.terminate().success());
        of_another_version(&office, model).await;
        serving = office.serve();
        let clerk = office.client(&serving.url, &person);
        let received = clerk.try_ask(RECEIVE, json!({ "input": paper(&format!("{round}-2")) })).await.unwrap();
        assert!(received["data"]["receiveIncoming"]["receipt"]["position"].is_string(), "{received}");
        // It waits for the rebuild that runs, or is one of its own.
        let rebuilt: Value = serde_json::from_str(&told(office.path(), &["rebuild", "--json"])).unwrap();
        assert_eq!(rebuilt["ok"], true, "{rebuilt}");
        let ready = reqwest::get(format!("{}/health/ready", serving.url)).await.unwrap();
        assert!(ready.status().is_success());
        let position = received["data"]["receiveIncoming"]["receipt"]["position"].clone();
        let query = "query($atLeast: Position) \
            { searchDocuments(query: \"nghiem\", first: 10, atLeast: $atLeast) { edges { node { id } } } }";
        let answer = clerk.ask(query, json!({ "atLeast": position })).await;
        assert_eq!(answer["data"]["searchDocuments"]["edges"].as_array().map(Vec::len), Some(round + 2), "{answer}");
    }
}

#[tokio::test]
async fn a_change_is_pushed_over_a_web_socket() {
    let office = Office::new("G99");
    let serving = office.serve();
    let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &clerk);
    let received = clerk.must(RECEIVE, paper("1")).await;
    let document = received["receiveIncoming"]["document"]["id"].clone();
    let after = received["receiveIncoming"]["receipt"]["position"].clone();

    let mut request = clerk.url.replacen("http", "ws", 1).into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let authorization = format!("Bearer {}", clerk.token);
    let init = json!({ "type": "connection_init", "payload": { "authorization": authorization } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    let query =
        "subscription($id: ID!, $after: Position) { document(id: $id, after: $after) { position node { stage } } }";
    let payload = json!({ "query": query, "variables": { "id": document, "after": after } });
    socket
        .send(Message::text(json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string()))
        .await
        .unwrap();
    clerk.must(REGISTER, json!({ "commandId": Uuid::now_v7(), "document": document })).await;
    loop {
        let message = socket.next().await.expect("the change is pushed").unwrap();
        let Ok(told) = message.to_text().map(|text| serde_json::from_str::<Value>(text).unwrap_or_default()) else {
            continue;
        };
        assert!(told["type"] != "error" && told["payload"]["errors"].is_null(), "{told}");
        if told["payload"]["data"]["document"]["node"]["stage"] == "REGISTERED" {
            break;
        }
    }
}

#[tokio::test]
async fn it_ends_in_good_order_when_asked_to() {
    let office = Office::new("G99");
    let mut serving = office.serve();
    let marker = office.path().join("log/closed");
    assert!(!marker.exists(), "while it runs, the log is not marked as ended");
    assert!(serving.terminate().success());
    assert!(marker.exists());
    assert!(office.path().join("reactions.checkpoint").exists());
    // And begins again.
    let mut serving = office.serve();
    assert!(serving.terminate().success());
}

#[test]
fn without_keys_it_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("nowhere");
    let output = Command::new(crate::binary::path()).args(["serve", "--data"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("socai keygen"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn metrics_have_an_address_of_their_own_where_one_is_set() {
    let office = Office::new("G98");
    let addresses = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
    let mut command = socai();
    command.arg("serve").args(addresses).args(["--level", "error", "--data"]).arg(office.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = |before: &str| lines.find_map(|line| line.unwrap().strip_prefix(before).map(str::to_owned)).unwrap();
    let (api, metrics) = (told("listening on "), told("metrics on "));
    let _serving = Serving::adopt(child, lines);
    assert!(reqwest::get(&metrics).await.unwrap().text().await.unwrap().contains("socai_"));
    let elsewhere = [format!("{api}/metrics"), metrics.replace("/metrics", "/graphql")];
    for nothing in elsewhere {
        assert_eq!(reqwest::get(&nothing).await.unwrap().status(), 404, "{nothing}");
    }
}
