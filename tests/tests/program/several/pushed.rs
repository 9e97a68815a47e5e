//! Whoever subscribes on any server is told of what was commanded on another.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use super::{ask::Acknowledged, dice::Dice, work::Work};

/// How long it may take until a change is pushed.
const PUSHED: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A subscriber on each server is told of a document's number, whoever gives it.
pub(super) async fn on_every_server(work: &Work, dice: &mut Dice) {
    let world = &work.asker.world;
    let clerk = &work.staff.clerks[0].token;
    let Some(received) = work.receive(clerk, dice).await else { return };
    let mut sockets = Vec::new();
    for server in 0..world.servers.len() {
        sockets.push(subscribed(&world.servers[server].serves().await, clerk, &received).await);
    }
    let document = json!({ "document": received.stream });
    work.asker.command(dice, clerk, "registerIncoming", document).await;
    for (server, socket) in sockets.iter_mut().enumerate() {
        if tokio::time::timeout(PUSHED, registered(socket)).await.is_err() {
            world.journal.wrong(format_args!("server {server} did not push a change within {PUSHED:?}"));
        }
    }
}

async fn subscribed(url: &str, token: &str, received: &Acknowledged) -> Socket {
    let mut request = format!("{}/graphql", url.replacen("http", "ws", 1)).into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    let query = "subscription($id: ID!, $after: Position) { document(id: $id, after: $after) { node { stage } } }";
    let variables = json!({ "id": received.stream, "after": received.position });
    let payload = json!({ "query": query, "variables": variables });
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    socket
}

/// Until it is told that the document has its number.
async fn registered(socket: &mut Socket) {
    loop {
        let message = socket.next().await.expect("the change is pushed").unwrap();
        let told: Value = message.to_text().ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        assert!(told["type"] != "error" && told["payload"]["errors"].is_null(), "{told}");
        if told["payload"]["data"]["document"]["node"]["stage"] == "REGISTERED" {
            return;
        }
    }
}
