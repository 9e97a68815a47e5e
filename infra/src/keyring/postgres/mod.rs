//! The ring in a database of `PostgreSQL`, in a schema of its own, which several servers share.
//!
//! - **What another server changed is seen at once.** The ring has a *state*, a random value that every renewal, destruction
//!   and rotation sets anew. Each question reads it together with the keys that are not in memory; if it is not the one that
//!   was remembered, all that was remembered is forgotten, and read again. So nobody seals with a key that was renewed, or
//!   opens with one that was destroyed, elsewhere.
//! - **One key a stream.** Two servers that make one at once insert the same row: the first stays, and both read that.
//! - **Renewal, destruction and rotation** lock the ring's row; so does, shared with others, who makes a key.
//!
//! `PostgreSQL` keeps old versions of a row until it has vacuumed, which is done after each destruction if the role may; what
//! stays in pages, write-ahead log and backups opens nothing once the master key was rotated and the old one destroyed.

pub(super) mod store;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::BoxFuture;
use socai_domain::ledger::{KeyError, KeyRing, KeyState, LedgerId, Revision, StreamId, StreamKey};
use socai_projections::PostgresUrl;
use sqlx::Connection as _;
use tokio::sync::{RwLock, mpsc, oneshot};

use self::store::{Found, unavailable};
use super::{CACHED, Generation, MasterKey, QUEUE, cache::Cache, master::KeyPlace, opening, sealing};
use crate::postgres::{Connections, in_time, twice};

/// The most new streams of one statement.
const GROUP: usize = 512;
/// Connections of a server to its ring.
const CONNECTIONS: usize = 8;

/// A ring in a database.
#[derive(Clone)]
pub struct PostgresKeyRing {
    shared: Arc<Shared>,
    wanted: mpsc::Sender<Wanted>,
}

impl std::fmt::Debug for PostgresKeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresKeyRing(…)")
    }
}

struct Shared {
    connections: Connections,
    /// Written while all keys are wrapped anew.
    master: RwLock<MasterKey>,
    remembered: Mutex<Remembered>,
}

/// What is in memory, and the state of the ring in which it was right.
struct Remembered {
    state: Vec<u8>,
    keys: Cache,
}

/// A new stream that needs a key.
struct Wanted {
    stream: StreamId,
    reply: oneshot::Sender<Result<Arc<[Generation]>, KeyError>>,
}

type Generations = Option<Arc<[Generation]>>;

impl PostgresKeyRing {
    /// Opens the ring in this database, made anew where there is none. Another master key than the one it was made with (or
    /// rotated to) is [`KeyError::WrongMaster`], and nothing is changed.
    pub async fn open(address: &PostgresUrl, master: MasterKey) -> Result<Self, KeyError> {
        let connections = Connections::new(address, CONNECTIONS);
        let found = twice(&connections, || async {
            let mut at = connections.take().await?;
            store::prepare(&mut at, &master).await?;
            let ring = store::ring(&mut at).await?;
            at.keep();
            Ok(ring)
        });
        let found = found.await.map_err(|error| match unavailable(error) {
            KeyError::Unavailable(why) => KeyError::Unavailable(format!("{address}: {why}")),
            error => error,
        });
        store::check(found?, &master)?;
        let remembered = Mutex::new(Remembered { state: Vec::new(), keys: Cache::new(CACHED) });
        let shared = Arc::new(Shared { connections, master: RwLock::new(master), remembered });
        let (wanted, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(Arc::clone(&shared).make(waiting));
        Ok(Self { shared, wanted })
    }

    /// The ledger that it was bound to, if it was to any.
    pub async fn ledger(&self) -> Result<Option<LedgerId>, KeyError> {
        ledger(&self.shared.connections).await
    }

    /// Makes it the ring of this ledger, unless it is one's already.
    pub async fn bind(&self, ledger: LedgerId) -> Result<(), KeyError> {
        let connections = &self.shared.connections;
        let bound = twice(connections, || async {
            let mut at = connections.take().await?;
            store::bind(&mut at, ledger).await?;
            at.keep();
            Ok(())
        });
        bound.await.map_err(unavailable)
    }

    /// Ready when nobody has the ring's row, and it is wrapped by our master key still.
    pub async fn settle(&self) -> Result<(), KeyError> {
        let master = self.shared.master.read().await;
        let mut at = self.shared.connections.take().await.map_err(unavailable)?;
        let mut transaction = in_time(at.begin()).await.map_err(unavailable)?;
        store::lock(&mut transaction, &master).await?;
        in_time(transaction.rollback()).await.map_err(unavailable)?;
        at.keep();
        Ok(())
    }

    /// Wraps every key by another master key, in one transaction: afterwards the ring opens with the new one only.
    pub async fn rotate(&self, to: MasterKey) -> Result<(), KeyError> {
        let mut master = self.shared.master.write().await;
        let mut at = self.shared.connections.take().await.map_err(unavailable)?;
        let mut transaction = in_time(at.begin()).await.map_err(unavailable)?;
        store::lock(&mut transaction, &master).await?;
        store::rewrap(&mut transaction, &master, &to).await?;
        store::forget(&mut transaction).await.map_err(unavailable)?;
        in_time(transaction.commit()).await.map_err(unavailable)?;
        *master = to;
        store::vacuum(&mut at).await.map_err(unavailable)?;
        at.keep();
        Ok(())
    }

    /// Closes its connections. Nothing that was answered is lost without it.
    pub fn close(self) {
        self.shared.connections.close();
    }
}

/// The ledger that the ring was bound to, if it was to any.
pub(super) async fn ledger(connections: &Connections) -> Result<Option<LedgerId>, KeyError> {
    let ledger = twice(connections, || async {
        let mut at = connections.take().await?;
        let ledger = store::ledger(&mut at).await?;
        at.keep();
        Ok(ledger)
    });
    ledger.await.map_err(unavailable)
}

/// The keys of these streams, as they are now.
pub(super) async fn load(
    connections: &Connections,
    master: &MasterKey,
    streams: &[StreamId],
) -> Result<Found, KeyError> {
    let rows = twice(connections, || async {
        let mut at = connections.take().await?;
        let rows = store::rows(&mut at, streams).await?;
        at.keep();
        Ok(rows)
    });
    store::found(rows.await.map_err(unavailable)?, master)
}

impl Shared {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generations of each of these streams, in their order. None: it has no key.
    async fn generations(&self, streams: impl Iterator<Item = StreamId> + Clone) -> Result<Vec<Generations>, KeyError> {
        let master = self.master.read().await;
        let (known, mut found) = {
            let remembered = self.remembered();
            (remembered.state.clone(), remembered.keys.get_all(streams.clone()))
        };
        let missing = found.iter().zip(streams.clone()).filter(|(found, _)| found.is_none());
        let missing: HashSet<StreamId> = missing.map(|(_, stream)| stream).collect();
        let mut loaded = load(&self.connections, &master, &Vec::from_iter(missing)).await?;
        if loaded.state != known {
            found.fill(None);
            let all: HashSet<StreamId> = streams.clone().collect();
            loaded = load(&self.connections, &master, &Vec::from_iter(all)).await?;
        }
        let loaded = self.remember(loaded);
        for (found, stream) in found.iter_mut().zip(streams).filter(|(found, _)| found.is_none()) {
            *found = loaded.get(&stream).cloned();
        }
        Ok(found)
    }

    /// Keeps it in memory; what was kept of another state goes.
    fn remember(&self, found: Found) -> HashMap<StreamId, Arc<[Generation]>> {
        let streams = found.streams.into_iter().map(|(stream, generations)| (stream, Arc::from(generations)));
        let streams: HashMap<StreamId, Arc<[Generation]>> = streams.collect();
        let mut remembered = self.remembered();
        if remembered.state != found.state {
            *remembered = Remembered { state: found.state, keys: Cache::new(CACHED) };
        }
        for (stream, generations) in &streams {
            remembered.keys.put(*stream, Arc::clone(generations));
        }
        streams
    }

    /// Makes the keys of new streams, all that wait at once.
    async fn make(self: Arc<Self>, mut waiting: mpsc::Receiver<Wanted>) {
        let mut wanted = Vec::with_capacity(GROUP);
        while waiting.recv_many(&mut wanted, GROUP).await > 0 {
            // In one order everywhere, so that servers that make the same keys wait for each other and not in a circle.
            let streams: BTreeSet<[u8; 17]> = wanted.iter().map(|wanted| wanted.stream.to_bytes()).collect();
            let made = self.make_all(streams.iter().filter_map(|bytes| StreamId::from_bytes(bytes)).collect()).await;
            for Wanted { stream, reply } in wanted.drain(..) {
                let key = made.as_ref().map_err(Clone::clone);
                let key = key.and_then(|made| made.get(&stream).cloned().ok_or(KeyError::Missing(stream)));
                // Whoever asked and went away does not need the answer.
                let _ = reply.send(key);
            }
        }
    }

    async fn make_all(&self, streams: Vec<StreamId>) -> Result<HashMap<StreamId, Arc<[Generation]>>, KeyError> {
        let master = self.master.read().await;
        let mut keys = Vec::with_capacity(streams.len());
        for &stream in &streams {
            let (_, wrapped) = super::store::new_key(&master, KeyPlace { stream, from: Revision::FIRST })?;
            keys.push((stream, wrapped));
        }
        let (master, connections) = (&*master, &self.connections);
        let rows = twice(connections, || async {
            let mut at = connections.take().await?;
            store::add_first(&mut at, master, &keys).await?;
            // What is there now, whoever made it.
            let rows = store::rows(&mut at, &streams).await?;
            at.keep();
            Ok(rows)
        });
        Ok(self.remember(store::found(rows.await.map_err(unavailable)?, master)?))
    }

    async fn renew(&self, stream: StreamId, revision: Revision) -> Result<(), KeyError> {
        let master = self.master.read().await;
        let mut at = self.connections.take().await.map_err(unavailable)?;
        let mut transaction = in_time(at.begin()).await.map_err(unavailable)?;
        store::lock(&mut transaction, &master).await?;
        let rows = store::rows(&mut transaction, &[stream]).await.map_err(unavailable)?;
        let generations = store::found(rows, &master)?.streams.remove(&stream).unwrap_or_default();
        match generations.last() {
            None if revision > Revision::FIRST => return Err(KeyError::Missing(stream)),
            Some(last) if last.from >= revision => return Ok(()),
            _ => {}
        }
        store::add(&mut transaction, &master, stream, revision).await?;
        store::forget(&mut transaction).await.map_err(unavailable)?;
        in_time(transaction.commit()).await.map_err(unavailable)?;
        at.keep();
        Ok(())
    }

    async fn destroy(&self, stream: StreamId, revision: Revision) -> Result<(), KeyError> {
        let master = self.master.read().await;
        // First, so that a failure half-way leaves nothing readable in memory either.
        self.remembered().keys.forget(stream);
        let mut at = self.connections.take().await.map_err(unavailable)?;
        let mut transaction = in_time(at.begin()).await.map_err(unavailable)?;
        store::lock(&mut transaction, &master).await?;
        if store::destroy(&mut transaction, stream, revision).await.map_err(unavailable)? > 0 {
            store::forget(&mut transaction).await.map_err(unavailable)?;
        }
        in_time(transaction.commit()).await.map_err(unavailable)?;
        self.remembered().keys.forget(stream);
        store::vacuum(&mut at).await.map_err(unavailable)?;
        at.keep();
        Ok(())
    }
}

impl KeyRing for PostgresKeyRing {
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        Box::pin(async move {
            let found = self.shared.generations(std::iter::once(stream)).await?;
            if let Some(generations) = found.into_iter().next().flatten() {
                return sealing(stream, &generations, revision);
            }
            if revision > Revision::FIRST {
                return Err(KeyError::Missing(stream));
            }
            let closed = || KeyError::Unavailable("the key ring is closed".into());
            let (reply, made) = oneshot::channel();
            self.wanted.send(Wanted { stream, reply }).await.map_err(|_| closed())?;
            sealing(stream, &made.await.map_err(|_| closed())??, revision)
        })
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        Box::pin(async move {
            let found = self.shared.generations(std::iter::once(stream)).await?;
            opening(found.first().and_then(Option::as_ref), stream, revision)
        })
    }

    fn opening_all<'a>(&'a self, places: &'a [(StreamId, Revision)]) -> BoxFuture<'a, Result<Vec<KeyState>, KeyError>> {
        Box::pin(async move {
            let found = self.shared.generations(places.iter().map(|(stream, _)| *stream)).await?;
            let all = places.iter().zip(&found);
            all.map(|(&(stream, revision), found)| opening(found.as_ref(), stream, revision)).collect()
        })
    }

    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        Box::pin(self.shared.renew(stream, revision))
    }

    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        Box::pin(self.shared.destroy(stream, revision))
    }
}

#[cfg(test)]
mod tests;
