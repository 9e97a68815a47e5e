//! Views that are being built: commands are carried out, nothing is shown, and how far they are is told.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};
use socai_domain::ledger::{EventLog, Followed, Following, Opener, Position, ReadError};
use socai_graphql::{App, Services, Settings, files::Tickets, token::Verifier};
use socai_projections::{Rebuilding, Views};
use tokio::sync::{oneshot, watch};

use crate::world::{MemoryFiles, World, keys};

/// A log that nobody can follow before it is let go.
struct Held(Arc<dyn EventLog>, watch::Receiver<bool>);

impl EventLog for Held {
    socai_domain::hand_on!(0: append, read, head, ledger);

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        let (followed, mut let_go) = (self.0.follow(after), self.1.clone());
        let then = async move {
            let_go.wait_for(|let_go| *let_go).await.unwrap();
            followed
        };
        then.flatten_stream().boxed()
    }

    fn engine(&self) -> &'static str {
        "held"
    }
}

const REBUILD: &str = "{ ledger { reflected rebuild { phase done total recordsPerSecond secondsLeft } } }";

#[tokio::test]
async fn commands_are_carried_out_while_the_views_are_built() {
    let mut world = World::new().await;
    let document = world.received().await;
    let folder = tempfile::tempdir().unwrap();
    let views = Views::awaited(folder.path().join("views.sqlite"));
    let (let_go, held) = watch::channel(false);
    let log = Held(Arc::clone(world.handler.log()), held);
    let (handle, opener): (_, Opener) = (views.clone(), world.handler.opener().clone());
    let rebuild = tokio::spawn(async move { handle.rebuild(&log, &opener).await });
    views.rebuilding().wait_for(|state| matches!(state, Rebuilding::Running(_))).await.unwrap();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let services = Services {
        handler: world.handler.clone(),
        views: views.clone(),
        verifier: Verifier::from_pem(&keys(1).1).unwrap(),
        files: Arc::new(MemoryFiles::default()),
        tickets: Tickets::new(b"tests"),
        notary: world.notary.clone(),
        witness: None,
        following: watch::channel(Following::default()).1,
        followers: Vec::new(),
        metrics: None,
        settings: Settings::default(),
    };
    let served =
        tokio::spawn(socai_graphql::serve(listener, App::new(services), async { drop(stopped.await) }.boxed()));

    let clerk = world.scene.clerk;
    let answer = world.ask(clerk, "{ organ { name } }", json!({})).await;
    assert_eq!((&World::error(&answer)["code"], &World::error(&answer)["retry"]), (&json!("NOT_YET"), &json!("LATER")));
    assert!(answer.to_string().contains("rebuild"), "{answer}");
    let done = world.mutate(clerk, "registerIncoming", world.on(&document)).await;
    assert!(done["payload"]["receipt"]["changed"] == true && done["payload"]["document"].is_null(), "{done}");
    let answer = world.ask(clerk, REBUILD, json!({})).await;
    let ledger = &World::data(&answer)["ledger"];
    assert!(ledger["reflected"].is_null() && ledger["rebuild"]["phase"] == "BUILDING", "{ledger}");
    assert!(ledger["rebuild"]["done"] == 0 && ledger["rebuild"]["total"].as_u64().unwrap() > 10, "{ledger}");
    let ready = async || {
        let response = world.client().get(format!("{}/health/ready", world.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(ready().await, (503, "not ready\nviews: being built, building: 0 %".to_owned()));

    let_go.send_replace(true);
    rebuild.await.unwrap().unwrap();
    assert_eq!(ready().await, (200, "ok".to_owned()));
    let answer = world.ask(clerk, REBUILD, json!({})).await;
    let ledger = &World::data(&answer)["ledger"];
    assert!(ledger["rebuild"].is_null() && ledger["reflected"].is_string(), "{ledger}");
    let query = "query($id: ID!) { incomingDocument(id: $id) { stage } }";
    let answer: Value = world.ask(clerk, query, json!({ "id": document })).await;
    assert_eq!(World::data(&answer)["incomingDocument"]["stage"], "REGISTERED");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}
