//! The one task that changes the ring.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use socai_domain::ledger::{KeyError, Revision, StreamId, StreamKey};
use sqlx::{ConnectOptions as _, Connection, Sqlite, SqliteConnection, Transaction, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot};

use super::{Generation, KeyState, MasterKey, Shared, sealing, store, store::unavailable};

type Reply<T> = oneshot::Sender<Result<T, KeyError>>;

/// What the writer is asked.
pub(super) enum Request {
    Seal { stream: StreamId, revision: Revision, reply: Reply<StreamKey> },
    Renew { stream: StreamId, revision: Revision, reply: Reply<()> },
    Destroy { stream: StreamId, revision: Revision, reply: Reply<()> },
    Rotate { to: MasterKey, reply: Reply<()> },
    Close { reply: Reply<()> },
}

struct Seal {
    stream: StreamId,
    revision: Revision,
    reply: Reply<StreamKey>,
}

/// The most new streams of one transaction.
const GROUP: usize = 512;

pub(super) struct Writer {
    connection: SqliteConnection,
    /// To open another one.
    options: SqliteConnectOptions,
    shared: Arc<Shared>,
}

/// Begins a transaction, on a new connection if need be. On a full disk SQLite ends a transaction by itself; sqlx does not
/// see that, and would refuse to begin another for as long as the connection lives.
async fn begin<'a>(
    connection: &'a mut SqliteConnection,
    options: &SqliteConnectOptions,
) -> Result<Transaction<'a, Sqlite>, KeyError> {
    // A rollback may be on its way.
    connection.ping().await.map_err(unavailable)?;
    if connection.is_in_transaction() {
        *connection = options.connect().await.map_err(unavailable)?;
    }
    connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, options: SqliteConnectOptions, shared: Arc<Shared>) -> Self {
        Self { connection, options, shared }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiting = Vec::with_capacity(GROUP);
        while requests.recv_many(&mut waiting, GROUP).await > 0 {
            let mut seals = Vec::new();
            for request in waiting.drain(..) {
                if let Request::Seal { stream, revision, reply } = request {
                    seals.push(Seal { stream, revision, reply });
                    continue;
                }
                // In the order of the calls.
                self.seal(std::mem::take(&mut seals)).await;
                // Whoever asked and went away does not need the answer.
                match request {
                    Request::Seal { .. } => {}
                    Request::Renew { stream, revision, reply } => drop(reply.send(self.renew(stream, revision).await)),
                    Request::Destroy { stream, revision, reply } => {
                        drop(reply.send(self.destroy(stream, revision).await));
                    }
                    Request::Rotate { to, reply } => drop(reply.send(self.rotate(to).await)),
                    Request::Close { reply } => {
                        let emptied = store::empty_wal(&mut self.connection).await;
                        let closed = self.connection.close().await.map_err(unavailable);
                        drop(reply.send(emptied.and(closed)));
                        return;
                    }
                }
            }
            self.seal(seals).await;
        }
        // Every ring was dropped. Nothing is lost if closing fails: all that was answered is durable.
        let _ = self.connection.close().await;
    }

    /// One transaction for all; the answers go out after it is durable.
    async fn seal(&mut self, seals: Vec<Seal>) {
        if seals.is_empty() {
            return;
        }
        match self.generations(&seals).await {
            Ok(generations) => {
                for Seal { stream, revision, reply } in seals {
                    let answer = match generations.get(&stream) {
                        Some(generations) => sealing(stream, generations, revision),
                        None => Err(KeyError::Missing(stream)),
                    };
                    let _ = reply.send(answer);
                }
                for (stream, generations) in generations {
                    self.shared.cache.put(stream, generations);
                }
            }
            Err(error) => seals.into_iter().for_each(|seal| drop(seal.reply.send(Err(error.clone())))),
        }
    }

    /// The keys of these streams. A stream without one gets one if its first revision is to be sealed; later ones must
    /// have been sealed by a key that this ring does not have.
    async fn generations(&mut self, seals: &[Seal]) -> Result<HashMap<StreamId, Arc<[Generation]>>, KeyError> {
        let master = self.shared.master.read().await;
        let mut transaction = begin(&mut self.connection, &self.options).await?;
        let streams: HashSet<StreamId> = seals.iter().map(|seal| seal.stream).collect();
        let streams: Vec<StreamId> = streams.into_iter().collect();
        let mut found = store::load_all(&mut transaction, &master, &streams).await?;
        for &Seal { stream, revision, .. } in seals {
            if revision == Revision::FIRST && !found.contains_key(&stream) {
                let key = store::add(&mut transaction, &master, stream, Revision::FIRST).await?;
                found.insert(stream, [Generation { from: Revision::FIRST, key: KeyState::Key(key) }].into());
            }
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(found)
    }

    async fn renew(&mut self, stream: StreamId, revision: Revision) -> Result<(), KeyError> {
        let master = self.shared.master.write().await;
        let mut transaction = begin(&mut self.connection, &self.options).await?;
        let generations = store::load(&mut transaction, &master, stream).await?;
        match generations.last() {
            None if revision > Revision::FIRST => return Err(KeyError::Missing(stream)),
            Some(last) if last.from >= revision => return Ok(()),
            _ => {}
        }
        store::add(&mut transaction, &master, stream, revision).await?;
        transaction.commit().await.map_err(unavailable)?;
        self.shared.cache.forget(stream);
        Ok(())
    }

    async fn destroy(&mut self, stream: StreamId, revision: Revision) -> Result<(), KeyError> {
        let _nobody_reads = self.shared.master.write().await;
        // First, so that a failure half-way leaves nothing readable in memory either.
        self.shared.cache.forget(stream);
        let mut transaction = begin(&mut self.connection, &self.options).await?;
        store::destroy(&mut transaction, stream, revision).await?;
        transaction.commit().await.map_err(unavailable)?;
        store::empty_wal(&mut self.connection).await
    }

    async fn rotate(&mut self, to: MasterKey) -> Result<(), KeyError> {
        let mut master = self.shared.master.write().await;
        let mut transaction = begin(&mut self.connection, &self.options).await?;
        store::rewrap(&mut transaction, &master, &to).await?;
        transaction.commit().await.map_err(unavailable)?;
        *master = to;
        // The old wrapping goes from the write-ahead log, too.
        store::empty_wal(&mut self.connection).await
    }
}
