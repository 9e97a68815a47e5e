//! `asOf`: the past as a ledger that stopped there would show it, for those who may see it today.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use socai_domain::{organ::events as on, text::ShortText, time::Clock};
use socai_graphql::Settings;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    endless::{Endless, Replays},
    handling::{directed, submitted},
    world::{World, person_of, post_of, with},
};

/// Everything that takes `asOf`, with names, deadlines and trails under it.
const ALL: &str = "query($id: ID!, $of: FiguresInput!, $asOf: DateTime) {
    incomingDocument(id: $id, asOf: $asOf) { ...document }
    incomingRegister(first: 3, asOf: $asOf) { totalCount position edges { cursor node { number code receiverUnit { name } document { ...document } } } }
    followUpRegister(first: 3, asOf: $asOf) { totalCount position edges { node { number late stage receiverUnit { name } document { ...document } } } }
    late: followUpRegister(asOf: $asOf, late: true) { totalCount }
    workList(first: 3, of: { all: true }, asOf: $asOf) { totalCount position edges { node { kind states dueAt unit { name } person { name } document { ...document } } } }
    searchDocuments(query: \"gop y\", first: 3, asOf: $asOf) { totalCount position edges { node { ...document } } }
    processingStatistics(of: $of, asOf: $asOf) { position documents { arrived inProcess processed late } branches { assigned lateOpen } }
    lagStatistics(of: $of, asOf: $asOf) { position lags { stage wall { count } } }
} fragment document on IncomingDocument {
    id revision stage position organ { name units { name } }
    deadline { dueAt late } branches { assignee { unit { name parent { name } } holder { person { name } post { title holder { name } } } } deadline { late } }
    trail(first: 9) { length records { edges { node { event person { name } } } } }
}";

#[tokio::test]
async fn the_past_is_as_it_was_and_stays_so() {
    let world = World::new().await;
    let (id, lead) = directed(&world).await;
    world.clock.pass_minutes(10 * 24 * 60); // late by then
    World::data(&world.mutate(world.scene.head, "acceptBranch", with(world.on(&id), json!({ "branch": lead }))).await);
    world.views.wait_for(world.head().await, std::time::Duration::from_secs(30)).await.unwrap();
    let then = world.clock.now();
    let of = json!({ "from": "2026-03-01T00:00:00+07:00", "before": "2026-06-01T00:00:00+07:00" });
    let ask = async |as_of: Value| {
        let answer = world.ask(world.scene.leader, ALL, json!({ "id": id, "of": of, "asOf": as_of })).await;
        World::data(&answer).to_string()
    };
    let stopped = ask(Value::Null).await;
    assert!(stopped.contains("Phòng Kế hoạch") && stopped.contains("\"late\":true"), "{stopped}");

    world.clock.pass_minutes(3 * 24 * 60);
    let name = |text| ShortText::new(text).unwrap();
    let renamed = on::UnitRenamed { unit: world.scene.unit, name: name("Phòng Tên Mới"), abbreviation: name("TM") };
    world.agency(vec![renamed.into()]).await;
    let assign = json!({ "branch": lead, "branches": [{ "assignee": { "post": post_of(world.scene.officer) }, "role": "LEAD" }] });
    World::data(&world.mutate(world.scene.head, "assignIncoming", with(world.on(&id), assign)).await);
    submitted(&world).await;
    world.views.wait_for(world.head().await, std::time::Duration::from_secs(30)).await.unwrap();

    let past = ask(json!(then.to_string())).await;
    assert_eq!(past, stopped);
    assert_eq!(ask(json!(then.to_string())).await, past);
    assert_ne!(ask(Value::Null).await, past);
}

#[tokio::test]
async fn rights_are_of_today() {
    let world = World::new().await;
    let (id, lead) = directed(&world).await;
    let then = world.clock.now();
    world.clock.pass_minutes(60);
    let query = "query($id: ID!, $asOf: DateTime) { incomingDocument(id: $id, asOf: $asOf) { branches { id } availableActions { code } }
        searchDocuments(query: \"gop y\", asOf: $asOf) { totalCount } }";
    let ask =
        async |who| World::data(&world.ask(who, query, json!({ "id": id, "asOf": then.to_string() })).await).clone();
    let nothing = json!({ "incomingDocument": null, "searchDocuments": { "totalCount": 0 } });
    assert_eq!(ask(world.scene.other_head).await, nothing);
    let grant = with(world.on(&id), json!({ "to": format!("person-{}", person_of(world.scene.other_head)) }));
    World::data(&world.mutate(world.scene.leader, "grantAccess", grant).await);
    world.views.wait_for(world.head().await, std::time::Duration::from_secs(30)).await.unwrap();
    let seen = json!({ "incomingDocument": { "branches": [{ "id": lead }], "availableActions": [] },
        "searchDocuments": { "totalCount": 1 } });
    assert_eq!(ask(world.scene.other_head).await, seen, "what became visible later, too");
    assert_eq!(ask(world.scene.outsider).await, nothing);
    let left = on::PostLeft {
        post: post_of(world.scene.leader).parse().unwrap(),
        person: person_of(world.scene.leader),
        from: world.clock.now(),
    };
    assert_ne!(ask(world.scene.leader).await, nothing);
    world.agency(vec![left.into()]).await;
    assert_eq!(ask(world.scene.leader).await, nothing, "who left sees nothing of then");
}

/// Whether they hang up or ask for too long: nobody goes on reading for them.
#[tokio::test]
async fn who_goes_away_ends_their_replay() {
    let replays = Arc::<Replays>::default();
    let settings = Settings { replay: Duration::from_millis(500), time: Duration::from_mins(1), ..Settings::default() };
    let (of_log, patient) = (Arc::clone(&replays), Settings { replay: Duration::from_hours(1), ..settings.clone() });
    let world = World::over(patient, |log| Arc::new(Endless { log, replays: of_log })).await;
    let then = world.clock.now();
    world.clock.pass_minutes(60);
    let mut told = replays.subscribe();
    let body = json!({ "query": "query($asOf: DateTime) { incomingRegister(asOf: $asOf) { totalCount } }",
        "variables": { "asOf": then.to_string() } })
    .to_string();
    let address = world.url.strip_prefix("http://").unwrap();
    for begun in 1..=3 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            world.token(world.scene.leader),
            body.len()
        );
        connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        told.wait_for(|replays| *replays == (1, begun)).await.unwrap();
        drop(connection);
        told.wait_for(|replays| *replays == (0, begun)).await.unwrap();
    }
    // Nobody is in their way any more.
    let replays = Arc::<Replays>::default();
    let of_log = Arc::clone(&replays);
    let world = World::over(settings, |log| Arc::new(Endless { log, replays: of_log })).await;
    let variables = json!({ "asOf": then.to_string() });
    world.clock.pass_minutes(60);
    let query = "query($asOf: DateTime) { incomingRegister(asOf: $asOf) { totalCount } }";
    let answer = world.ask(world.scene.leader, query, variables).await;
    assert_eq!(World::error(&answer)["code"], "PAST_TOO_LARGE");
    assert_eq!(*replays.borrow(), (0, 1));
}

#[tokio::test]
async fn the_future_and_both_at_once_are_refused() {
    let world = World::new().await;
    let query = "query($asOf: DateTime, $at: Position) { incomingRegister(asOf: $asOf, atLeast: $at) { totalCount } }";
    let ask = async |variables: Value| World::error(&world.ask(world.scene.clerk, query, variables).await).clone();
    let future = ask(json!({ "asOf": world.clock.now().plus_micros(1).to_string() })).await;
    assert_eq!((&future["code"], &future["fields"]), (&json!("AS_OF_FUTURE"), &json!(["asOf"])));
    let both = json!({ "asOf": world.clock.now().to_string(), "at": world.head().await.to_string() });
    assert_eq!(ask(both).await["code"], "AS_OF_AND_AT_LEAST");
}
