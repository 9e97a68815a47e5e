//! The follower among disks that are full for a while, and damage.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _, ready},
    stream::{self, BoxStream},
};
use socai_domain::ledger::{
    EventLog, Followed, Following, KeyError, KeyRing, KeyState, Opener, Position, ReadError, Revision, StreamId,
    StreamKey,
};
use sqlx::AssertSqlSafe;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use super::history::{History, Who};
use crate::{Follower, Views, ViewsError, erasure, follower::Builder, writer::Open};

/// What fails, until it heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The log cannot be followed.
    Follow,
    /// The key ring does not answer.
    Key,
    /// A key does not open.
    DamagedKey,
    /// The log is damaged.
    DamagedLog,
}

/// A log and a ring that work but for one fault.
#[derive(Clone)]
struct Flaky<T: ?Sized> {
    fault: Arc<Mutex<Option<Fault>>>,
    inner: Arc<T>,
}

impl EventLog for Flaky<dyn EventLog> {
    socai_domain::hand_on!(inner: append, read, head, ledger);

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        match *self.fault.lock().unwrap() {
            Some(Fault::Follow) => stream::iter([Err(ReadError::Busy("no answer".into()))]).boxed(),
            Some(Fault::DamagedLog) => stream::iter([Err(ReadError::Corrupt("run `socai verify`".into()))]).boxed(),
            _ => self.inner.follow(after),
        }
    }

    fn engine(&self) -> &'static str {
        "flaky"
    }
}

impl KeyRing for Flaky<dyn KeyRing> {
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        self.inner.sealing(stream, revision)
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        match *self.fault.lock().unwrap() {
            Some(Fault::Key) => ready(Err(KeyError::Unavailable("no answer".into()))).boxed(),
            Some(Fault::DamagedKey) => ready(Err(KeyError::Damaged("a key was changed".into()))).boxed(),
            _ => self.inner.opening(stream, revision),
        }
    }

    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        self.inner.renew(stream, revision)
    }

    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        self.inner.destroy(stream, revision)
    }
}

struct World {
    history: History,
    views: Views,
    fault: Arc<Mutex<Option<Fault>>>,
    state: watch::Receiver<Following>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), ViewsError>>,
}

impl World {
    /// A follower of a short history, with a fault from the beginning.
    async fn with(folder: &Path, wrong: Option<Fault>) -> Self {
        let mut history = History::new();
        history.arrives(1, |_| {});
        let views = Views::open(&folder.join("views.sqlite")).await.unwrap();
        let fault = Arc::new(Mutex::new(wrong));
        let log = Flaky { fault: fault.clone(), inner: Arc::new(history.log.clone()) as Arc<dyn EventLog> };
        let opener = Opener::new(Arc::new(Flaky { fault: fault.clone(), inner: history.opener().ring().clone() }));
        let (sender, state) = watch::channel(Following::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let running = tokio::spawn(Follower::run(Arc::new(log), opener, views.clone(), sender, shutdown));
        Self { history, views, fault, state, stop, running }
    }

    /// Waits until the views have all, and compares them with views that never met a fault.
    async fn ends_well(mut self) {
        let head = self.history.log.head().await.unwrap().position;
        self.views.wait_for(head, Duration::from_mins(1)).await.unwrap();
        self.state.wait_for(|state| *state == Following::Well).await.unwrap();
        assert_eq!(self.views.digest().await.unwrap(), self.history.views().await.digest().await.unwrap());
        assert_eq!(self.views.records().await.unwrap(), self.history.log.head().await.unwrap().records);
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
    }
}

fn retrying(state: &Following) -> bool {
    matches!(state, Following::Retrying(_))
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_it_has_passed() {
    for wrong in [Fault::Follow, Fault::Key] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::with(folder.path(), Some(wrong)).await;
        world.state.wait_for(retrying).await.unwrap();
        *world.fault.lock().unwrap() = None;
        world.ends_well().await;
    }
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with(folder.path(), None).await;
    let before = world.history.log.head().await.unwrap().position;
    world.views.wait_for(before, Duration::from_mins(1)).await.unwrap();
    let limit = async |pages: u32| {
        let sql = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(sql).execute(world.views.write.acquire().await.unwrap().sqlite().unwrap()).await.unwrap();
    };
    limit(1).await; // no page more than there are
    for n in 2..60 {
        world.history.arrives(n, |_| {});
    }
    world.state.wait_for(retrying).await.unwrap();
    assert!(world.state.borrow().to_string().contains("full"), "{}", *world.state.borrow());
    let position = world.views.position().await.unwrap().unwrap();
    assert!(position.place() >= before.place(), "what there was can be read");
    limit(1_000_000).await;
    world.ends_well().await;
}

/// As on a full disk, SQLite ends the transaction by itself when the commit fails.
#[tokio::test]
async fn after_a_commit_that_failed_another_begins() {
    let folder = tempfile::tempdir().unwrap();
    let views = Views::open(&folder.path().join("views.sqlite")).await.unwrap();
    views.write.acquire().await.unwrap().sqlite().unwrap().lock_handle().await.unwrap().set_commit_hook(|| false);
    let mut history = History::new();
    history.arrives(1, |_| {});
    let mut builder = Builder::new(views.clone(), history.opener());
    history.take(&mut builder, 10).await.unwrap_err();
    history.fill(&views, 10).await;
    assert_eq!(views.digest().await.unwrap(), history.views().await.digest().await.unwrap());
}

/// What has no room is the second copy of the file; all else goes on.
#[tokio::test]
async fn a_cleaning_that_fails_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut world = World::with(folder.path(), None).await;
    // The copy is one more attached database than there may be.
    for n in 0..10 {
        let attach = AssertSqlSafe(format!("ATTACH ':memory:' AS other{n}"));
        sqlx::raw_sql(attach).execute(world.views.write.acquire().await.unwrap().sqlite().unwrap()).await.unwrap();
    }
    let secret = world.history.arrives(2, |_| {});
    world.history.registers(secret).by(Who::Clerk).expunges(secret, 41);
    world.history.arrives(3, |_| {});
    let views = world.views.clone();
    world.ends_well().await;
    assert!(*views.unclean().borrow(), "it stays owed");
    views.close().await;
    let views = Views::open(&path).await.unwrap();
    assert_eq!(erasure::clean(&views, Arc::new(Open)).await, None);
    assert!(!*views.unclean().borrow());
}

#[tokio::test]
async fn damage_stops_the_follower_and_says_what_to_do() {
    for (wrong, what) in
        [(Fault::DamagedKey, "restore the newest copy of the ring"), (Fault::DamagedLog, "socai verify")]
    {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with(folder.path(), Some(wrong)).await;
        let error = world.running.await.unwrap().unwrap_err();
        assert_eq!(*world.state.borrow(), Following::Stopped(error.to_string()));
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(world.views.position().await.unwrap(), None, "reads go on");
    }
}
