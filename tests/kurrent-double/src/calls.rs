//! Appending, deleting, and what the node tells of itself.

use std::sync::Arc;

use futures::future::BoxFuture;
use socai_kurrent::wire::{
    features::SupportedMethods,
    gossip::ClusterInfo,
    header,
    shared::{Empty, Place, WireUuid},
    write::{
        AppendAnswer, AppendPart, AppendRequest, AppendResult, DeleteAnswer, DeleteRequest, ExpectedState, PlacedAt,
        ProposedEvent, StandsAt, Success, WasExpected, WriteOptions, WrittenAt, WrongExpected,
    },
};
use tonic::{
    Request, Response, Status, Streaming,
    server::{ClientStreamingService, UnaryService},
};

use crate::{
    faults::AppendFault,
    node::{self, Node, Nothing},
    store::{New, Outcome},
};

/// The largest append, in bytes, as servers before 25 have it.
const MAX_APPEND: usize = 1 << 20;

macro_rules! unary {
    ($(#[$meta:meta])* $call:ident($request:ty) -> $answer:ty { $answered:expr }) => {
        $(#[$meta])*
        pub(crate) struct $call(pub(crate) Arc<Node>);

        impl UnaryService<$request> for $call {
            type Response = $answer;
            type Future = BoxFuture<'static, Result<Response<$answer>, Status>>;

            fn call(&mut self, request: Request<$request>) -> Self::Future {
                let node = Arc::clone(&self.0);
                let answered: fn(&Node, Request<$request>) -> Result<$answer, Status> = $answered;
                Box::pin(async move { answered(&node, request).map(Response::new) })
            }
        }
    };
}

unary! {
    /// Who is in the cluster.
    Gossip(Nothing) -> ClusterInfo { |node, _| Ok(node.gossip()) }
}
unary! {
    /// What the server can do.
    Features(Nothing) -> SupportedMethods { |node, _| node.features() }
}
unary! {
    /// Hides a stream.
    Delete(DeleteRequest) -> DeleteAnswer { |node, request| delete(node, request, false) }
}
unary! {
    /// Ends a stream for ever.
    Tombstone(DeleteRequest) -> DeleteAnswer { |node, request| delete(node, request, true) }
}

fn delete(node: &Node, request: Request<DeleteRequest>, for_ever: bool) -> Result<DeleteAnswer, Status> {
    node.admit(request.metadata())?;
    let options = request.into_inner().options.ok_or_else(|| required("options"))?;
    let (stream, _) = target(&options)?;
    let position = node.cluster.write(|store, now| {
        if store.is_tombstoned(&stream) {
            return Err(node::deleted(&stream));
        }
        let position = if for_ever { store.tombstone(&stream, now) } else { store.delete(&stream, now) };
        position.ok_or_else(|| Status::failed_precondition("wrong expected version"))
    })?;
    Ok(DeleteAnswer { place: Some(Place { commit: position, prepare: position }) })
}

/// Writes to a stream.
pub(crate) struct Append(pub(crate) Arc<Node>);

impl ClientStreamingService<AppendRequest> for Append {
    type Response = AppendAnswer;
    type Future = BoxFuture<'static, Result<Response<AppendAnswer>, Status>>;

    fn call(&mut self, request: Request<Streaming<AppendRequest>>) -> Self::Future {
        let node = Arc::clone(&self.0);
        Box::pin(async move { append(&node, request).await.map(Response::new) })
    }
}

async fn append(node: &Node, request: Request<Streaming<AppendRequest>>) -> Result<AppendAnswer, Status> {
    let admitted = node.admit(request.metadata());
    let mut parts = request.into_inner();
    let Some(AppendRequest { part: Some(AppendPart::Options(options)) }) = parts.message().await? else {
        return Err(required("options"));
    };
    let (stream, expected) = target(&options)?;
    let (mut events, mut size) = (Vec::new(), 0);
    while let Some(request) = parts.message().await? {
        let Some(AppendPart::Event(event)) = request.part else { return Err(required("proposed_message")) };
        let event = new(event)?;
        size += event.data.len() + event.metadata.len() + event.kind.len();
        events.push(event);
    }
    admitted?;
    node.cluster.counted(|counts| counts.appends += 1);
    let (fault, max) = {
        let mut plan = node.cluster.faults.plan();
        (plan.appends.pop_front(), plan.max_append.unwrap_or(MAX_APPEND))
    };
    if size > max {
        let status = Status::invalid_argument(format!("Maximum Append Size of {max} Exceeded."));
        return Err(node::with(status, &[(header::EXCEPTION, header::APPEND_TOO_LARGE)]));
    }
    match &fault {
        Some(AppendFault::AbortedBefore) => return Err(Status::aborted("Operation timed out")),
        Some(AppendFault::DeadlineBefore) => return Err(node::too_late()),
        Some(AppendFault::Busy) => return Err(Status::unavailable("Server Is Too Busy")),
        Some(AppendFault::NotLeader(host, port)) => return Err(node::not_leader_but(host, *port)),
        Some(AppendFault::Denied) => return Err(node::denied()),
        Some(AppendFault::Ignored) => std::future::pending().await,
        Some(AppendFault::CutBefore) => return cut(node).await,
        Some(AppendFault::DeletedBefore) => {
            node.cluster.write(|store, now| store.delete(&stream, now));
        }
        Some(
            AppendFault::Nothing
            | AppendFault::AbortedAfter
            | AppendFault::CutAfter
            | AppendFault::WrittenInSilence
            | AppendFault::DeadlineAfter,
        )
        | None => {}
    }
    let outcome = node.cluster.write(|store, now| store.append(&stream, expected, &events, now));
    if matches!(outcome, Outcome::Wrong(_)) {
        node.cluster.conflicted(&stream);
    }
    match fault {
        Some(AppendFault::AbortedAfter) => return Err(Status::aborted("Operation timed out")),
        Some(AppendFault::DeadlineAfter) => return Err(node::too_late()),
        Some(AppendFault::CutAfter) => return cut(node).await,
        Some(AppendFault::WrittenInSilence) => std::future::pending().await,
        _ => {}
    }
    let result = match outcome {
        Outcome::Written { revision, position } => AppendResult::Success(Success {
            revision: Some(WrittenAt::Revision(revision)),
            place: Some(PlacedAt::Place(Place { commit: position, prepare: position })),
        }),
        Outcome::Wrong(last) => AppendResult::WrongExpected(WrongExpected {
            stands: Some(last.map_or(StandsAt::NoStream(Empty {}), StandsAt::Revision)),
            expected: Some(match expected {
                ExpectedState::Revision(revision) => WasExpected::Revision(revision),
                ExpectedState::NoStream(_) => WasExpected::NoStream(Empty {}),
                ExpectedState::Any(_) => WasExpected::Any(Empty {}),
                ExpectedState::Exists(_) => WasExpected::Exists(Empty {}),
            }),
        }),
        Outcome::Deleted => return Err(node::deleted(&stream)),
    };
    Ok(AppendAnswer { result: Some(result) })
}

/// Breaks the connections; there is nobody left to answer.
async fn cut(node: &Node) -> Result<AppendAnswer, Status> {
    node.cut();
    std::future::pending().await
}

fn target(options: &WriteOptions) -> Result<(String, ExpectedState), Status> {
    let name = options.stream.as_ref().ok_or_else(|| required("stream_identifier"))?;
    let stream = String::from_utf8(name.name.clone()).map_err(|_| Status::invalid_argument("stream_identifier"))?;
    Ok((stream, options.expected.ok_or_else(|| required("expected_stream_revision"))?))
}

fn new(event: ProposedEvent) -> Result<New, Status> {
    let id = event.id.as_ref().and_then(WireUuid::uuid).ok_or_else(|| required("id"))?;
    let metadata = |name: &str| event.metadata.get(name).cloned().ok_or_else(|| required(name));
    let (kind, content_type) = (metadata(header::TYPE)?, metadata(header::CONTENT_TYPE)?);
    if !["application/json", "application/octet-stream"].contains(&content_type.as_str()) {
        return Err(Status::invalid_argument(format!("content type {content_type}")));
    }
    Ok(New { id, kind, content_type, data: event.data, metadata: event.custom_metadata })
}

pub(crate) fn required(what: &str) -> Status {
    Status::invalid_argument(format!("'{what}' is required"))
}
