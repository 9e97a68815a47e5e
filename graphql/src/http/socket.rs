//! Subscriptions over WebSocket: the `graphql-transport-ws` protocol.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::{
    Data,
    http::{WebSocket as Protocol, WebSocketProtocols, WsMessage},
};
use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt, future};
use tokio::time::{Instant, sleep_until};

use crate::{
    app::{App, Connection},
    session::Session,
};

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to say who it is.
const INITIALISE: Duration = Duration::from_secs(10);
/// How often the token's end is looked at. By the clock, not by a timer: the clock may be set.
const TICK: Duration = Duration::from_secs(1);
const FORBIDDEN: &str = "Forbidden";

/// Takes the connection over. The token comes in the upgrade's `Authorization` header or, from browsers, in the payload of
/// `connection_init`: `{"authorization": "Bearer …"}`.
pub(super) fn accept(app: App, session: Session, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(app.services().settings.body);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "use the protocol graphql-transport-ws").into_response();
    }
    upgrade.on_upgrade(move |socket| serve(app, session, socket))
}

async fn serve(app: App, session: Session, socket: WebSocket) {
    let (mut sink, incoming) = socket.split();
    let known = Arc::new(OnceLock::new());
    let connection = Connection::new(app.clone(), Arc::clone(&known));
    let texts = incoming.take_while(|message| future::ready(message.is_ok())).filter_map(|message| {
        let text = message.ok().filter(|message| matches!(message, Message::Text(_) | Message::Binary(_)));
        future::ready(text.map(Message::into_data))
    });
    let greet = {
        let (app, known) = (app.clone(), Arc::clone(&known));
        move |payload: serde_json::Value| future::ready(greet(&app, session, &payload, &known))
    };
    let protocol = Protocol::new(connection, texts, WebSocketProtocols::GraphQLWS).on_connection_init(greet);
    let mut outgoing = Box::pin(protocol);
    let opened = Instant::now();
    let mut tick = opened + TICK;
    let farewell = loop {
        let message = tokio::select! {
            message = outgoing.next() => message,
            () = sleep_until(tick) => {
                tick += TICK;
                match known.get() {
                    None if opened.elapsed() >= INITIALISE => break Some((4408, "Connection initialisation timeout".into())),
                    Some(session) if app.expired(session) => break Some((4403, "Token expired".into())),
                    _ => continue,
                }
            }
            () = app.stopped() => break Some((1001, "Server is stopping".into())),
        };
        let text = match message {
            Some(WsMessage::Text(text)) => text,
            Some(WsMessage::Close(_, reason)) if reason == FORBIDDEN => break Some((4403, reason)),
            Some(WsMessage::Close(code, reason)) => break Some((code, reason)),
            None => break None,
        };
        if sink.send(Message::Text(text.into())).await.is_err() {
            break None;
        }
    };
    if let Some((code, reason)) = farewell {
        let reason: String = reason.chars().take(40).collect(); // a close frame has room for 123 bytes
        let _ = sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
    let _ = sink.close().await;
}

/// Who opened the connection: by its payload if that names a token, else by the upgrade's header.
fn greet(
    app: &App,
    session: Session,
    payload: &serde_json::Value,
    known: &OnceLock<Session>,
) -> async_graphql::Result<Data> {
    let services = app.services();
    let given = ["authorization", "Authorization"].iter().find_map(|name| payload.get(name)?.as_str());
    let caller = match given {
        Some(header) => services.verifier.verify_header(Some(header), services.clock().now()).ok(),
        None => session.caller,
    };
    if caller.is_none() {
        return Err(async_graphql::Error::new(FORBIDDEN));
    }
    let _ = known.set(Session { caller, ..session });
    Ok(Data::default())
}
