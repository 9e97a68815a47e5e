//! Views that cannot go on hold rights that may have ended and text that may be erased: they are not shown.

use std::time::Duration;

use serde_json::{Value, json};
use socai_domain::ledger::Following;
use socai_graphql::Settings;

use crate::{
    changes::{DOCUMENT, Socket},
    world::{World, with},
};

const STAGE: &str = "query($id: ID!) { incomingDocument(id: $id) { stage } }";

/// A document with a file, its id and the file's path.
async fn with_a_file(world: &World) -> (String, String) {
    let id = world.received().await;
    let ticket = world.upload(world.scene.clerk, b"%PDF-1.7 mau").await;
    let files = json!({ "files": [{ "source": { "ticket": ticket }, "name": "1.pdf", "role": "MAIN" }] });
    World::data(&world.mutate(world.scene.clerk, "attachScan", with(world.on(&id), files)).await);
    let query = "query($id: ID!) { incomingDocument(id: $id) { files { url } } }";
    let answer = world.ask(world.scene.clerk, query, json!({ "id": id })).await;
    let url = World::data(&answer)["incomingDocument"]["files"][0]["url"].as_str().unwrap().to_owned();
    (id, url)
}

async fn download(world: &World, url: &str) -> u16 {
    let request = world.client().get(format!("{}{url}", world.url)).bearer_auth(world.token(world.scene.clerk));
    request.send().await.unwrap().status().as_u16()
}

/// The code of the error with which a subscription ends.
async fn ends_with(socket: &mut Socket) -> Value {
    let told = socket.hear().await;
    let code = told["payload"]["errors"][0]["extensions"]["code"].clone();
    assert_eq!(socket.hear().await["type"], "complete", "{told}");
    code
}

#[tokio::test]
async fn stopped_views_show_nothing_and_commands_go_on() {
    let world = World::new().await;
    let (id, url) = with_a_file(&world).await;
    let mut socket = Socket::following(&world, world.scene.clerk, DOCUMENT, json!({ "id": id })).await;
    assert_eq!(download(&world, &url).await, 200);
    world.following.send_replace(Following::Stopped("/secret/path is damaged".into()));
    assert_eq!(ends_with(&mut socket).await, "STOPPED");
    assert_eq!(download(&world, &url).await, 503);
    let answer = world.ask(world.scene.clerk, STAGE, json!({ "id": id })).await;
    assert_eq!(World::error(&answer)["code"], "STOPPED");
    assert!(!answer.to_string().contains("secret"), "{answer}");
    let done = world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await;
    assert!(done["payload"]["receipt"]["changed"] == true && done["payload"]["document"].is_null(), "{done}");
    assert_eq!(World::error(&done)["code"], "STOPPED", "of the document alone");
}

#[tokio::test]
async fn views_that_are_tried_again_are_shown_as_long_as_they_have_all() {
    let mut world = World::with(Settings { wait: Duration::from_millis(50), ..Settings::default() }).await;
    let (id, url) = with_a_file(&world).await;
    world.views.wait_for(world.head().await, Duration::from_secs(30)).await.unwrap();
    world.stall().await;
    world.following.send_replace(Following::Retrying("/secret/path is full".into()));
    let answer = world.ask(world.scene.clerk, STAGE, json!({ "id": id })).await;
    assert_eq!(World::data(&answer)["incomingDocument"]["stage"], "ARRIVED");
    assert_eq!(download(&world, &url).await, 200);
    let mut socket = Socket::following(&world, world.scene.clerk, DOCUMENT, json!({ "id": id })).await;
    let done = world.mutate(world.scene.clerk, "registerIncoming", world.on(&id)).await;
    assert_eq!(done["payload"]["receipt"]["changed"], true, "{done}");
    assert_eq!(World::error(&world.ask(world.scene.clerk, STAGE, json!({ "id": id })).await)["code"], "NOT_YET");
    assert_eq!(download(&world, &url).await, 503);
    assert_eq!(ends_with(&mut socket).await, "NOT_YET");
}
