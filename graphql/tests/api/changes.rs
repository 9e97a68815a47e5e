//! Subscriptions over WebSocket.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use socai_domain::{decide::Who, organ::events as on, testing::acting};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    handling::directed_within,
    world::{World, with},
};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Socket {
    async fn open(world: &World, token: &str) -> Self {
        let mut request = format!("{}/graphql", world.url.replace("http", "ws")).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut socket = Self(socket);
        socket
            .say(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } }))
            .await;
        socket
    }

    /// A connection on which `who` has subscribed.
    pub(crate) async fn following(world: &World, who: Who, query: &str, variables: Value) -> Self {
        let mut socket = Self::open(world, &world.token(who)).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        let payload = json!({ "query": query, "variables": variables });
        socket.say(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        socket
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message, or the code with which the server closed.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(Duration::from_mins(1), self.0.next()).await.expect("something to hear");
            match next {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(Some(frame)))) => return json!({ "closed": u16::from(frame.code) }),
                Some(Ok(_)) => {}
                other => return json!({ "closed": format!("{other:?}") }),
            }
        }
    }
}

pub(crate) const DOCUMENT: &str =
    "subscription($id: ID!, $after: Position) { document(id: $id, after: $after) { position kind node { stage } } }";

#[tokio::test]
async fn a_document_is_followed_and_nothing_is_missed() {
    let world = World::new().await;
    let start = world.head().await.to_string();
    let id = world.received().await;
    let mut socket = Socket::following(&world, world.scene.clerk, DOCUMENT, json!({ "id": id, "after": start })).await;
    let first = socket.hear().await["payload"]["data"]["document"].clone();
    assert_eq!((&first["kind"], &first["node"]["stage"]), (&json!("CHANGED"), &json!("ARRIVED")));
    let registered = world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await;
    let receipt = &registered["payload"]["receipt"]["position"];
    // The views may stand anywhere between the two records of a registration, so it may be told twice.
    loop {
        let next = socket.hear().await["payload"]["data"]["document"].clone();
        if next["position"] == *receipt {
            assert_eq!(next["node"]["stage"], "REGISTERED");
            break;
        }
    }
    let mut late =
        Socket::following(&world, world.scene.clerk, DOCUMENT, json!({ "id": id, "after": first["position"] })).await;
    assert_eq!(late.hear().await["payload"]["data"]["document"]["position"], *receipt, "taken up where it was left");
}

#[tokio::test]
async fn the_register_tells_each_new_line() {
    let world = World::new().await;
    let query = "subscription { register { kind node { number } } }";
    let mut socket = Socket::following(&world, world.scene.leader, query, json!({})).await;
    // An operation on the same connection is answered after the subscription was begun.
    socket.say(json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ ledger { engine } }" } })).await;
    assert_eq!(socket.hear().await["payload"]["data"]["ledger"]["engine"], "memory");
    assert_eq!(socket.hear().await["type"], "complete");
    let id = world.received().await;
    World::data(&world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await);
    let told = socket.hear().await;
    assert_eq!(told["payload"]["data"]["register"], json!({ "kind": "CHANGED", "node": { "number": 1 } }), "{told}");
}

#[tokio::test]
async fn an_outsider_follows_nothing() {
    let world = World::new().await;
    let id = world.received().await;
    let mut socket = Socket::following(&world, world.scene.outsider, DOCUMENT, json!({ "id": id })).await;
    let told = socket.hear().await;
    assert_eq!(told["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND", "{told}");
    // Lists begin, and stay silent: what comes first is the answer to the query after them.
    let query = "subscription { workList(of: { all: true }) { kind } }";
    let start = world.head().await.to_string();
    let mut socket = Socket::following(&world, world.scene.outsider, query, json!({ "after": start })).await;
    World::data(
        &world.mutate(world.scene.clerk, "annotateIncoming", with(world.on(&id), json!({ "note": "Đã xem" }))).await,
    );
    socket.say(json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ ledger { engine } }" } })).await;
    assert_eq!(socket.hear().await["id"], "2");
}

#[tokio::test]
async fn the_work_list_tells_changes_and_deadlines_that_pass() {
    let world = World::new().await;
    let (id, branch) = directed_within(&world, json!({ "minutes": 30 })).await;
    let query = "subscription { workList { kind counts { all late } } }";
    let mut socket = Socket::following(&world, world.scene.head, query, json!({})).await;
    socket.say(json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ ledger { engine } }" } })).await;
    assert_eq!(socket.hear().await["id"], "2");
    assert_eq!(socket.hear().await["type"], "complete");
    let accept = with(world.on(&id), json!({ "branch": branch }));
    World::data(&world.mutate(world.scene.head, "acceptBranch", accept).await);
    let told = async |socket: &mut Socket| socket.hear().await["payload"]["data"]["workList"].clone();
    assert_eq!(told(&mut socket).await, json!({ "kind": "CHANGED", "counts": { "all": 1, "late": 0 } }));
    world.clock.pass_minutes(31);
    assert_eq!(told(&mut socket).await, json!({ "kind": "DUE", "counts": { "all": 1, "late": 1 } }));
}

/// They leave the post that they act in.
async fn leaves(world: &World, who: Who) {
    let Who::Acting(acting) = who else { panic!("{who:?}") };
    let from = socai_domain::time::Clock::now(&world.clock);
    let left = on::PostLeft { post: acting.post, person: acting.person, from };
    world.agency(vec![left.into()]).await;
}

#[tokio::test]
async fn who_loses_their_post_follows_nothing_more() {
    let world = World::new().await;
    let id = world.received().await;
    let mut sockets = Vec::new();
    for query in ["subscription { register { kind } }", "subscription { workList { kind } }"] {
        sockets.push((Socket::following(&world, world.scene.clerk, query, json!({})).await, "NOT_ENTITLED"));
    }
    sockets.push((Socket::following(&world, world.scene.clerk, DOCUMENT, json!({ "id": id })).await, "NOT_FOUND"));
    for (socket, _) in &mut sockets {
        socket.say(json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ ledger { engine } }" } })).await;
        assert_eq!(socket.hear().await["id"], "2");
        assert_eq!(socket.hear().await["type"], "complete");
    }
    // No document changes: it is the organ alone.
    leaves(&world, world.scene.clerk).await;
    for (socket, code) in &mut sockets {
        let told = socket.hear().await;
        assert_eq!(told["payload"]["errors"][0]["extensions"]["code"], *code, "{told}");
        assert_eq!(socket.hear().await["type"], "complete");
    }
}

#[tokio::test]
async fn a_change_of_the_organ_wakes_work_lists() {
    let world = World::new().await;
    directed_within(&world, json!({ "workingDays": 3 })).await;
    let query = "subscription { workList(of: { all: true }) { kind node { id } counts { all holderGone } } }";
    let mut socket = Socket::following(&world, world.scene.leader, query, json!({})).await;
    socket.say(json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ ledger { engine } }" } })).await;
    assert_eq!(socket.hear().await["id"], "2");
    assert_eq!(socket.hear().await["type"], "complete");
    leaves(&world, world.scene.head).await;
    let told = socket.hear().await["payload"]["data"]["workList"].clone();
    assert_eq!(told, json!({ "kind": "CHANGED", "node": null, "counts": { "all": 1, "holderGone": 1 } }));
}

/// A subscription to the register that has begun.
async fn register_of(world: &World, who: Who) -> Socket {
    let mut socket = Socket::following(world, who, "subscription { register { kind } }", json!({})).await;
    socket.say(json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ ledger { engine } }" } })).await;
    assert_eq!(socket.hear().await["id"], "2");
    assert_eq!(socket.hear().await["type"], "complete");
    socket
}

async fn until_resync(socket: &mut Socket) {
    loop {
        let told = socket.hear().await;
        match told["payload"]["data"]["register"]["kind"].as_str() {
            Some("CHANGED") => {}
            kind => return assert_eq!(kind, Some("RESYNC"), "{told}"),
        }
    }
}

#[tokio::test]
async fn whoever_comes_to_see_more_loads_anew() {
    let world = World::new().await;
    let mut socket = register_of(&world, world.scene.officer).await;
    leaves(&world, world.scene.other_head).await;
    until_resync(&mut socket).await;
    // A substitute sees more as soon as the day comes, without any record.
    let from = socai_domain::time::Clock::now(&world.clock).plus_minutes(30);
    let (post, to) = (acting(world.scene.head).post, acting(world.scene.colleague).person);
    world.agency(vec![on::PostDelegated { post, to, from, until: from.plus_minutes(60) }.into()]).await;
    let mut socket = register_of(&world, world.scene.colleague).await;
    world.clock.pass_minutes(31);
    until_resync(&mut socket).await;
}

#[tokio::test]
async fn what_was_erased_makes_those_load_anew_who_had_a_part_in_it() {
    let world = World::new().await;
    let (id, _) = directed_within(&world, json!({ "workingDays": 3 })).await;
    let mut socket = register_of(&world, world.scene.head).await;
    let level = with(world.on(&id), json!({ "level": "SECRET" }));
    World::data(&world.mutate(world.scene.clerk, "expungeIncoming", level).await);
    let confirm = "mutation($input: DocumentInput!) { confirmExpunge(input: $input) { receipt { revision } } }";
    World::data(&world.ask(world.scene.leader, confirm, json!({ "input": world.on(&id) })).await);
    until_resync(&mut socket).await;
}

#[tokio::test]
async fn a_bad_token_opens_nothing_and_a_good_one_ends() {
    let world = World::new().await;
    assert_eq!(Socket::open(&world, "nonsense").await.hear().await, json!({ "closed": 4403 }));
    let id = world.received().await;
    let mut socket = Socket::following(&world, world.scene.clerk, DOCUMENT, json!({ "id": id })).await;
    world.clock.pass_minutes(61);
    let ending = socket.hear().await;
    let ended = ending["closed"] == 4403 || ending["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED";
    assert!(ended, "{ending}");
}

#[tokio::test]
async fn a_place_in_another_ledger_is_told_to_load_anew() {
    let world = World::new().await;
    let id = world.received().await;
    let foreign = socai_domain::ledger::Position::new(socai_domain::ledger::LedgerId(uuid::Uuid::from_u128(9)), 1, 1);
    let variables = json!({ "id": id, "after": foreign.to_string() });
    let mut socket = Socket::following(&world, world.scene.clerk, DOCUMENT, variables).await;
    let told = socket.hear().await;
    assert_eq!(told["payload"]["data"]["document"]["kind"], "RESYNC", "{told}");
}

#[tokio::test]
async fn other_protocols_are_refused() {
    let world = World::new().await;
    let mut request = format!("{}/graphql", world.url.replace("http", "ws")).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-ws".parse().unwrap());
    assert!(tokio_tungstenite::connect_async(request).await.is_err());
}
