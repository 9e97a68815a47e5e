//! Rebuilds beside a follower, as in the program.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use socai_domain::ledger::EventLog as _;
use tokio::sync::{oneshot, watch};

use super::{
    super::{
        erased::found_in,
        generated::Generated,
        history::{History, Who, says},
    },
    at, digest, sql,
};
use crate::{Follower, Rebuilder, Rebuilding, Views, ViewsError, building::Files};

/// Follows and rebuilds as the program does, until it is told to stop.
struct Running {
    stop: Vec<oneshot::Sender<()>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Running {
    fn start(history: &History, views: &Views) -> Self {
        let mut stop = Vec::new();
        let mut until = || {
            let (sender, dropped) = oneshot::channel::<()>();
            stop.push(sender);
            async move { drop(dropped.await) }
        };
        let log = Arc::new(history.log.clone());
        let following = Follower::run(log.clone(), history.opener(), views.clone(), watch::Sender::default(), until());
        let (rebuilder, _) = Rebuilder::new(views.clone(), history.opener());
        let following = tokio::spawn(async move { following.await.unwrap() });
        let tasks = vec![following, tokio::spawn(rebuilder.run(log, until()))];
        Self { stop, tasks }
    }

    async fn end(self) {
        drop(self.stop);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_older_version_is_shown_and_kept_in_step_until_the_new_one_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut history = History::new();
    let secret = history.arrives(900, says("41", "ZKQ-BÍ", "Qướcmật Zyxwvut"));
    history.registers(secret);
    let views = Views::open(&path).await.unwrap();
    history.fill(&views, 10).await;
    views.close().await;
    // A row that the older version made of the document, and that this one would not.
    sql(&path, "UPDATE read_model SET version = 2 WHERE name = 'lags'").await;
    sql(&path, "INSERT INTO document_party VALUES ((SELECT document FROM search_text LIMIT 1), 9, x'5a595857')").await;
    let views = Views::open_or_await(&path, 1).await.unwrap();
    assert!(!views.are_awaited() && views.write.is_older());
    history.by(Who::Clerk).expunges(secret, 41);
    history.fill(&views, 10).await;
    assert_eq!(found_in(folder.path()), Vec::<String>::new());
    assert_eq!(views.digest().await.unwrap(), digest(&history).await, "what it made of the document is gone, too");
    let running = Running::start(&history, &views);
    views.rebuilding().wait_for(|state| matches!(state, Rebuilding::Done(_))).await.unwrap();
    assert!(!views.write.is_older());
    let document = history.arrives(1_000, |_| {});
    views.wait_for(history.log.head().await.unwrap().position, LONG).await.unwrap();
    assert!(views.document(&history.sight(Who::Clerk), document).await.unwrap().is_some());
    assert_eq!(views.digest().await.unwrap(), digest(&history).await);
    running.end().await;
}

#[tokio::test]
async fn without_views_that_can_be_read_they_are_built_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut generated = Generated::new(13);
    generated.steps(60);
    let views = Views::open(&path).await.unwrap();
    generated.history.fill(&views, 10).await;
    views.close().await;
    sql(&path, "UPDATE read_model SET version = 1 WHERE name = 'document'").await;
    let views = Views::open_or_await(&path, 1).await.unwrap();
    assert!(views.are_awaited());
    assert!(matches!(views.position().await, Err(ViewsError::Building)));
    let running = Running::start(&generated.history, &views);
    views.arrived().await;
    views.wait_for(generated.history.log.head().await.unwrap().position, LONG).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), digest(&generated.history).await);
    generated.steps(10);
    views.wait_for(generated.history.log.head().await.unwrap().position, LONG).await.unwrap();
    running.end().await;
    assert_eq!(Files::new(&path).in_use().unwrap(), folder.path().join("views.sqlite.1"));
    // An empty ledger needs none.
    let other = folder.path().join("other.sqlite");
    assert!(!Views::open_or_await(&other, 0).await.unwrap().are_awaited());
}

#[tokio::test]
async fn a_rebuild_while_things_happen_ends_with_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut generated = Generated::new(14);
    generated.steps(100);
    let views = Views::open(&path).await.unwrap();
    generated.history.fill(&views, 100).await;
    let mut running = Running::start(&generated.history, &views);
    let (log, opener) = (generated.history.log.clone(), generated.history.opener());
    let (generated, count) = (Arc::new(Mutex::new(generated)), Arc::new(AtomicUsize::new(0)));
    let within = Arc::clone(&generated);
    let gate = at(move |step| {
        if step.is_multiple_of(9) {
            within.lock().unwrap().steps(1);
            count.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    });
    let rebuilt = views.rebuild_through(&log, &opener, gate).await.unwrap();
    assert_eq!(rebuilt.before, Some(rebuilt.digest));
    views.wait_for(log.head().await.unwrap().position, LONG).await.unwrap();
    let generated = Arc::into_inner(generated).map(|generated| generated.into_inner().unwrap());
    assert_eq!(views.digest().await.unwrap(), digest(&generated.expect("the gate is gone").history).await);
    running.stop.clear();
    running.end().await;
}
