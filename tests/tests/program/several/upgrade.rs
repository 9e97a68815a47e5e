//! A newer server has come to the log, and writes what older ones do not know: they stop where it stands and say so, leave out
//! nothing, and carry out commands that have nothing to do with it.

use std::{fs, sync::Arc, time::Duration};

use serde_json::{Value, json};
use socai::{
    clock::SystemClock,
    keyring::{MasterKey, PostgresKeyRing},
};
use socai_domain::{
    id::{CommandId, CorrelationId},
    incoming::{Event, events::Annotated},
    ledger::{
        Append, EventKind, EventLog as _, Expected, KeyRing as _, Position, Revision, StreamId,
        body::{Context, encode},
    },
    text::LongText,
    time::Clock as _,
};
use socai_kurrent::{KurrentLog, KurrentOptions};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{
    journal::pass,
    pair::{Pair, received, registered, shown},
};
use crate::{
    binary::{Serving, run, text, told},
    office::REGISTER,
};

/// A kind that no version has yet.
const NEWER: u16 = 9_999;
const UNKNOWN: &str = "event kind 9999 is unknown: a newer socai wrote it";

/// A newer server writes to this document, as servers do: sealed with the stream's key, after its last record.
async fn newer_server_writes(pair: &Pair, receipt: &Value) -> Position {
    let log = KurrentLog::open(&pair.log(), KurrentOptions::new(Arc::new(SystemClock))).await.unwrap();
    let master = MasterKey::load(&pair.office.path().join("keys/master.key")).unwrap();
    let ring = PostgresKeyRing::open(&pair.postgres().parse().unwrap(), master).await.unwrap();
    let stream: StreamId = receipt["stream"].as_str().unwrap().parse().unwrap();
    let last = Revision::new(receipt["revision"].as_str().unwrap().parse().unwrap());
    let context = Context {
        at: SystemClock.now(),
        acting_as: None,
        on_behalf_of: None,
        command: CommandId::new(Uuid::now_v7()),
        input: [0; 32],
        correlation: CorrelationId::new(Uuid::now_v7()),
        causation: None,
        judged_by: None,
    };
    let annotated = Annotated { note: LongText::new("bằng lời của phiên bản mới").unwrap() };
    let body = encode(&context, &Event::from(annotated));
    let cipher = ring.sealing(stream, last.next()).await.unwrap().cipher();
    let organ = pair.office.organ.parse().unwrap();
    let draft = cipher.seal(stream, last.next(), EventKind::new(NEWER), organ, Uuid::nil(), &body);
    let append = Append { stream, expected: Expected::At(last), drafts: vec![draft] };
    log.append(append).await.unwrap().last().position
}

/// Waits until the server says that its views have stopped, and why.
async fn stopped(server: &Serving, messages: &std::path::Path) {
    let ready = format!("{}/health/ready", server.url);
    loop {
        let told = reqwest::get(&ready).await.unwrap().text().await.unwrap();
        if told.contains("views: stopped, a person must act") {
            break;
        }
        pass(Duration::from_millis(100)).await;
    }
    let said = text(&fs::read(messages).unwrap());
    assert!(said.contains(UNKNOWN), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_newer_server_stops_who_does_not_know_it() {
    let pair = Pair::new().await;
    let office = &pair.office;
    let views = pair.postgres();
    let other = pair.other();
    let data = [office.path(), &other];
    let mut servers = data.map(|data| pair.serve(data, &views));
    let person = office.clerk(&servers[0].url, "Ngô Thị Lan").await;
    let clients = [&servers[0], &servers[1]].map(|server| office.client(&server.url, &person));
    let before = registered(&clients[0], "1").await;
    assert_eq!([shown(&clients[0], &before).await, shown(&clients[1], &before).await], [Ok(1), Ok(1)]);

    let receipt = received(&clients[0], "2").await;
    let newer = newer_server_writes(&pair, &receipt).await;
    for (server, data) in servers.iter().zip(data) {
        stopped(server, &data.join("messages")).await;
    }
    for client in &clients {
        // What has nothing to do with it goes on; what has is refused, and nothing is shown that may lack it.
        received(client, "3").await;
        let register = json!({ "commandId": Uuid::now_v7(), "document": receipt["stream"] });
        let refused = client.ask(REGISTER, json!({ "input": register })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "STOPPED", "{refused}");
        let shown = shown(client, &before).await;
        assert!(shown.is_err(), "{shown:?}");
    }

    // Its end says that the views had stopped; the same version does not start anew.
    assert!(!servers[0].terminate().success());
    let settings = pair.settings(&views);
    let refused = run(data[0], &Pair::command(&["serve", "--listen", "127.0.0.1:0"], &settings));
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains(UNKNOWN), "{said}");
    let mut database = PgConnection::connect_with(&pair.database.options()).await.unwrap();
    let furthest = sqlx::query_scalar::<_, i64>("SELECT max(place) FROM socai_views_1.read_model");
    let furthest = furthest.fetch_one(&mut database).await.unwrap();
    assert!(furthest.cast_unsigned() < newer.place(), "{furthest}: it was passed over");
    // A record is whole whatever its kind; who would have to read it says what it is.
    let (log, ring) = (pair.log(), pair.postgres());
    told(data[0], &["verify", "--log", &log]);
    let export = ["export", "--events", "--format", "jsonl", "--log", &log, "--key-ring", &ring];
    let refused = run(data[0], &export);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains(UNKNOWN), "{said}");
    told(data[0], &[&export[..], &["--sealed"]].concat());
}
