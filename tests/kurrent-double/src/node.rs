//! A node: takes connections, and hands calls to who answers them.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{Request, Response, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use socai_kurrent::wire::{
    features::{SupportedMethod, SupportedMethods},
    gossip::{ClusterInfo, EndPoint, Member, State},
    header, path,
    shared::{Empty, WireUuid},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::AbortHandle,
};
use tonic::{Code, Status, body::Body, metadata::MetadataMap, server::Grpc};
use tonic_prost::ProstCodec;
use uuid::Uuid;

use crate::{Cluster, Secure, calls, read};

/// The largest message that is taken: the server's own bound for an event is 16 MiB.
const MAX_REQUEST: usize = 20 << 20;

/// A node of the cluster.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) number: usize,
    pub(crate) address: SocketAddr,
    /// What it calls the nodes, where those who ask reach them by another way.
    names: Vec<SocketAddr>,
    pub(crate) cluster: Arc<Cluster>,
    /// Who takes connections, while it does.
    accepting: Mutex<Option<AbortHandle>>,
    connections: Mutex<Vec<AbortHandle>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub(crate) fn start(
        number: usize,
        listener: TcpListener,
        names: Vec<SocketAddr>,
        cluster: Arc<Cluster>,
    ) -> std::io::Result<Arc<Self>> {
        let (address, accepting, connections) = (listener.local_addr()?, Mutex::default(), Mutex::default());
        let node = Arc::new(Self { number, address, names, cluster, accepting, connections });
        let accepting = tokio::spawn(Arc::clone(&node).accept(listener));
        *lock(&node.accepting) = Some(accepting.abort_handle());
        Ok(node)
    }

    /// Where those who ask here find this node.
    pub(crate) fn name_of(&self, node: &Self) -> SocketAddr {
        self.names.get(node.number).copied().unwrap_or(node.address)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((connection, _)) = listener.accept().await {
            {
                let mut plan = self.cluster.faults.plan();
                if plan.refused > 0 {
                    plan.refused -= 1;
                    continue;
                }
            }
            let _ = connection.set_nodelay(true);
            let node = Arc::clone(&self);
            let serving = tokio::spawn(async move {
                match node.cluster.tls.clone() {
                    None => node.serve(connection).await,
                    Some(Secure(tls)) => {
                        if let Ok(connection) = tls.accept(connection).await {
                            node.serve(connection).await;
                        }
                    }
                }
            });
            let mut connections = lock(&self.connections);
            connections.retain(|connection| !connection.is_finished());
            connections.push(serving.abort_handle());
        }
    }

    async fn serve(self: Arc<Self>, connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| Arc::clone(&self).answer(request));
        let server = http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(connection), service).await;
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        lock(&self.connections).drain(..).for_each(|connection| connection.abort());
    }

    /// Ends as a process does that is killed.
    pub(crate) fn stop(&self) {
        if let Some(accepting) = lock(&self.accepting).take() {
            accepting.abort();
        }
        self.cut();
    }

    pub(crate) fn runs(&self) -> bool {
        lock(&self.accepting).is_some()
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let node = Arc::clone(&self);
        Ok(match request.uri().path() {
            path::READ => Grpc::new(ProstCodec::default()).server_streaming(read::Read(node), request).await,
            path::APPEND => {
                let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(MAX_REQUEST);
                grpc.client_streaming(calls::Append(node), request).await
            }
            path::DELETE => Grpc::new(ProstCodec::default()).unary(calls::Delete(node), request).await,
            path::TOMBSTONE => Grpc::new(ProstCodec::default()).unary(calls::Tombstone(node), request).await,
            path::GOSSIP => Grpc::new(ProstCodec::default()).unary(calls::Gossip(node), request).await,
            path::FEATURES if self.withholds_features() => std::future::pending().await,
            path::FEATURES => Grpc::new(ProstCodec::default()).unary(calls::Features(node), request).await,
            other => Status::unimplemented(format!("{other} is not imitated")).into_http(),
        })
    }

    /// May the request be answered, and here?
    pub(crate) fn admit(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if let Some((user, password)) = &self.cluster.faults.plan().user {
            let right = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
            match metadata.get("authorization").and_then(|given| given.to_str().ok()) {
                Some(given) if given == right => {}
                Some(_) => return Err(Status::unauthenticated("")),
                None => return Err(denied()),
            }
        }
        let requires = metadata.get(header::REQUIRES_LEADER).is_some_and(|required| required == "true");
        match self.cluster.leader() {
            Some(leader) if leader.number != self.number && requires => Err(not_leader(self.name_of(&leader))),
            Some(_) => Ok(()),
            None => {
                self.cluster.counted(|counts| counts.refused += 1);
                Err(Status::unavailable("Server Is Not Ready"))
            }
        }
    }

    pub(crate) fn gossip(&self) -> ClusterInfo {
        let leader = self.cluster.leader().map(|leader| leader.number);
        let member = |node: &Arc<Self>| {
            let address = self.name_of(node);
            Member {
                instance: Some(WireUuid::text(Uuid::from_u128(node.number as u128))),
                heard: self.cluster.now(),
                state: if Some(node.number) == leader { State::Leader } else { State::Follower }.into(),
                alive: node.runs(),
                end_point: Some(EndPoint { host: address.ip().to_string(), port: address.port().into() }),
            }
        };
        ClusterInfo { members: self.cluster.nodes().iter().map(member).collect() }
    }

    /// Is this question never answered?
    fn withholds_features(&self) -> bool {
        let mut plan = self.cluster.faults.plan();
        let withheld = plan.unanswered > 0;
        plan.unanswered = plan.unanswered.saturating_sub(1);
        withheld
    }

    pub(crate) fn features(&self) -> Result<SupportedMethods, Status> {
        let version = {
            let plan = self.cluster.faults.plan();
            if plan.featureless {
                return Err(Status::unimplemented(""));
            }
            plan.version.clone().unwrap_or_else(|| "26.1.2".into())
        };
        let method = |method: &str, service: &str| SupportedMethod {
            method: method.into(),
            service: service.into(),
            features: Vec::new(),
        };
        let streams = "event_store.client.streams.streams";
        let mut methods: Vec<_> = ["read", "append", "delete", "tombstone"].map(|name| method(name, streams)).into();
        methods.push(method("read", "event_store.client.gossip.gossip"));
        methods.push(method("getsupportedmethods", "event_store.client.server_features.serverfeatures"));
        Ok(SupportedMethods { methods, version })
    }
}

pub(crate) fn with(mut status: Status, trailers: &[(&'static str, &str)]) -> Status {
    for (name, value) in trailers {
        if let Ok(value) = value.parse() {
            status.metadata_mut().insert(*name, value);
        }
    }
    status
}

pub(crate) fn denied() -> Status {
    with(Status::permission_denied("Access Denied"), &[(header::EXCEPTION, header::ACCESS_DENIED)])
}

/// What a server says that gives up at the deadline that the call names.
pub(crate) fn too_late() -> Status {
    Status::deadline_exceeded("Deadline Exceeded")
}

pub(crate) fn not_leader(leader: SocketAddr) -> Status {
    not_leader_but(&leader.ip().to_string(), leader.port())
}

pub(crate) fn not_leader_but(host: &str, port: u16) -> Status {
    let port = port.to_string();
    let trailers = [(header::EXCEPTION, header::NOT_LEADER), (header::LEADER_HOST, host), (header::LEADER_PORT, &port)];
    with(Status::new(Code::NotFound, "Leader info available"), &trailers)
}

pub(crate) fn deleted(stream: &str) -> Status {
    let status = Status::failed_precondition(format!("Event stream '{stream}' is deleted."));
    with(status, &[(header::EXCEPTION, header::STREAM_DELETED), ("stream-name", stream)])
}

/// The one message of requests without content.
pub(crate) type Nothing = Empty;
