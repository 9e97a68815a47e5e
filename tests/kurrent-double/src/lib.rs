//! A double of a KurrentDB cluster: speaks the gRPC protocol on loopback, keeps everything in memory, and does wrong what a
//! test wants it to do wrong.
//!
//! Its rules are those of the server's source as of commit 44996ed (2026-07); no server was at hand to compare with. It
//! imitates appending (exact, none, any, exists; repetitions by ids), reading streams and `$all` both ways, filters by
//! prefix, subscriptions to `$all`, what explicit transactions wrote, deletion in both ways, stream metadata as far as it hides events, gossip, the leader and
//! who is none, and what the server can do. It does not imitate disks, replication, elections, scavenging, access rules of
//! single streams, links, regular expressions, persistent subscriptions, `BatchAppend`, subscriptions to one stream, the
//! calls of protocol version 2.

#![allow(clippy::missing_panics_doc)]

mod calls;
mod faults;
mod node;
mod read;
mod store;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::{SystemTime, UNIX_EPOCH},
};

use socai_kurrent::wire::{shared::Empty, write::ExpectedState};
use tokio::{net::TcpListener, sync::watch};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use uuid::Uuid;

pub use faults::{AppendFault, Faults};
use node::Node;
pub use store::Stored;
use store::{New, Store};

/// How often something was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Appends, refused and repeated ones included.
    pub appends: usize,
    /// Subscriptions that were begun.
    pub subscriptions: usize,
    /// Calls that found no leader.
    pub refused: usize,
}

/// Speaks TLS.
#[derive(Clone)]
pub(crate) struct Secure(pub(crate) TlsAcceptor);

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secure(…)")
    }
}

/// What the nodes have in common.
#[derive(Debug)]
pub(crate) struct Cluster {
    store: Mutex<Store>,
    faults: Faults,
    counts: watch::Sender<Counts>,
    /// The streams of appends that expected another revision.
    conflicts: Mutex<Vec<String>>,
    leader: Mutex<Option<usize>>,
    nodes: OnceLock<Vec<Weak<Node>>>,
    changes: watch::Sender<()>,
    /// How its nodes speak TLS, if they do.
    tls: Option<Secure>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cluster {
    fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&lock(&self.store))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Store, i64) -> T) -> T {
        let written = write(&mut lock(&self.store), self.now());
        self.changes.send_replace(());
        written
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn counted(&self, count: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(count);
    }

    fn conflicted(&self, stream: &str) {
        lock(&self.conflicts).push(stream.to_owned());
    }

    fn nodes(&self) -> Vec<Arc<Node>> {
        self.nodes.get().map(|nodes| nodes.iter().filter_map(Weak::upgrade).collect()).unwrap_or_default()
    }

    /// The node that leads, even if it no longer runs: the others take a while to notice.
    fn leader(&self) -> Option<Arc<Node>> {
        let leader = (*lock(&self.leader))?;
        self.nodes().into_iter().find(|node| node.number == leader)
    }

    /// Now, in units of 100 ns since 1970.
    #[allow(clippy::unused_self)]
    fn now(&self) -> i64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_nanos() / 100).unwrap_or(i64::MAX)
    }
}

/// A cluster that runs until it is dropped.
#[derive(Debug)]
pub struct Double {
    cluster: Arc<Cluster>,
    nodes: Vec<Arc<Node>>,
    /// The same nodes, where they are reached by another way.
    faces: Mutex<Vec<Arc<Node>>>,
}

impl Double {
    /// One node, on a free port.
    pub async fn start() -> std::io::Result<Self> {
        Self::cluster(1).await
    }

    /// So many nodes, each on a free port; the first leads.
    pub async fn cluster(nodes: usize) -> std::io::Result<Self> {
        Self::of(nodes, None).await
    }

    /// The same, speaking TLS as this says.
    pub async fn secure(nodes: usize, mut tls: ServerConfig) -> std::io::Result<Self> {
        tls.alpn_protocols = vec![b"h2".to_vec()];
        Self::of(nodes, Some(Secure(TlsAcceptor::from(Arc::new(tls))))).await
    }

    async fn of(nodes: usize, tls: Option<Secure>) -> std::io::Result<Self> {
        let cluster = Arc::new(Cluster {
            store: Mutex::default(),
            faults: Faults::default(),
            counts: watch::Sender::default(),
            conflicts: Mutex::default(),
            leader: Mutex::new(Some(0)),
            nodes: OnceLock::new(),
            changes: watch::Sender::new(()),
            tls,
        });
        let mut running = Vec::with_capacity(nodes);
        for number in 0..nodes {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            running.push(Node::start(number, listener, Vec::new(), Arc::clone(&cluster))?);
        }
        let _ = cluster.nodes.set(running.iter().map(Arc::downgrade).collect());
        Ok(Self { cluster, nodes: running, faces: Mutex::default() })
    }

    /// Addresses of the nodes, each on a free port, at which they call one another by these names: for a program that reaches
    /// every node through a proxy of its own.
    pub async fn behind(&self, names: &[SocketAddr]) -> std::io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        for node in &self.nodes {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let face = Node::start(node.number, listener, names.to_vec(), Arc::clone(&self.cluster))?;
            addresses.push(face.address);
            lock(&self.faces).push(face);
        }
        Ok(addresses)
    }

    fn all(&self) -> Vec<Arc<Node>> {
        self.nodes.iter().chain(&*lock(&self.faces)).cloned().collect()
    }

    /// Its nodes, as URLs name them: host and port, with commas between them.
    pub fn hosts(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| node.address.to_string()).collect();
        hosts.join(",")
    }

    /// The URL of a ledger of this name.
    pub fn url(&self, ledger: &str) -> String {
        format!("kurrentdb://{}?tls={}&ledger={ledger}", self.hosts(), self.cluster.tls.is_some())
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.cluster.faults
    }

    /// How often something was asked for.
    pub fn counts(&self) -> Counts {
        *self.cluster.counts.borrow()
    }

    /// How many appends to streams whose names begin like this expected another revision.
    pub fn conflicts(&self, prefix: &str) -> usize {
        lock(&self.cluster.conflicts).iter().filter(|stream| stream.starts_with(prefix)).count()
    }

    /// Waits until it was asked for often enough.
    pub async fn until(&self, enough: impl Fn(&Counts) -> bool) {
        let mut counts = self.cluster.counts.subscribe();
        let _ = counts.wait_for(enough).await;
    }

    /// Every event whose stream's name begins like this, in the order of positions.
    pub fn events(&self, prefix: &str) -> Vec<Stored> {
        self.cluster
            .read(|store| store.log().iter().filter(|event| event.stream.starts_with(prefix)).cloned().collect())
    }

    /// Another node leads, or none does. Subscriptions to the one that led end.
    pub fn lead(&self, node: Option<usize>) {
        *lock(&self.cluster.leader) = node;
        self.cluster.changes.send_replace(());
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        self.all().iter().for_each(|node| node.cut());
    }

    /// Ends a node as a process ends that is killed.
    pub fn stop(&self, node: usize) {
        self.all().iter().filter(|other| other.number == node).for_each(|node| node.stop());
    }

    /// Writes an event as another program would, wherever the stream stands.
    pub fn write(&self, stream: &str, kind: &str, data: &[u8]) {
        self.write_as(Uuid::new_v5(&Uuid::NAMESPACE_OID, &[stream.as_bytes(), data].concat()), stream, kind, data);
    }

    /// The same, under this id.
    pub fn write_as(&self, id: Uuid, stream: &str, kind: &str, data: &[u8]) {
        let event = New::bytes(id, kind, data);
        self.cluster.write(|store, now| store.append(stream, ExpectedState::Any(Empty {}), &[event], now));
    }

    /// Writes events (id, type, content) in one explicit transaction, as clients of old did: they share a commit position.
    pub fn transact(&self, stream: &str, events: &[(Uuid, &str, &[u8])]) {
        let events: Vec<_> = events.iter().map(|(id, kind, data)| New::bytes(*id, kind, data)).collect();
        self.cluster.write(|store, now| store.transact(stream, &events, now));
    }

    /// Sets a stream's metadata (JSON).
    pub fn set_metadata(&self, stream: &str, metadata: &serde_json::Value) {
        self.cluster.write(|store, now| store.set_metadata(stream, metadata, now));
    }

    /// Hides a stream's events.
    pub fn delete(&self, stream: &str) {
        self.cluster.write(|store, now| store.delete(stream, now));
    }

    /// Ends a stream for ever.
    pub fn tombstone(&self, stream: &str) {
        self.cluster.write(|store, now| store.tombstone(stream, now));
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.all().iter().for_each(|node| node.stop());
    }
}
