//! Same history, same views: however they came about.

use std::time::Duration;

use futures::FutureExt as _;
use socai_domain::ledger::EventLog as _;
use tokio::sync::{oneshot, watch};

use super::{
    generated::Generated,
    history::{History, Who},
};
use crate::{Follower, Views, ViewsError, follower::Builder};

/// Seeds that are tried; many more with `SOCAI_LONG`.
pub(super) fn seeds() -> std::ops::Range<u64> {
    0..if std::env::var_os("SOCAI_LONG").is_some() { 200 } else { 4 }
}

#[tokio::test]
async fn live_and_rebuilt_views_have_one_digest_whatever_the_chunks() {
    for seed in seeds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("views.sqlite");
        let mut generated = Generated::new(seed);
        // Live: in step while things happen, through a reopening, and through erasures.
        let mut live = Views::open(&path).await.unwrap();
        for round in 0..6 {
            generated.steps(40);
            generated.history.fill(&live, [1, 7, 1_000][round % 3]).await;
            if round == 3 {
                live.close().await;
                live = Views::open(&path).await.unwrap();
            }
        }
        let digest = live.digest().await.unwrap();
        assert_eq!(digest.position, Some(generated.history.log.head().now_or_never().unwrap().unwrap().position));
        for chunk in [1, 7, 1_000] {
            let views = Views::in_memory().await.unwrap();
            generated.history.fill(&views, chunk).await;
            assert_eq!(views.digest().await.unwrap(), digest, "seed {seed}, chunk {chunk}");
        }
        let other = folder.path().join("rebuilt.sqlite");
        let history = &generated.history;
        let rebuilt = history.rebuild(&other).await;
        assert_eq!(rebuilt.digest, digest, "seed {seed}");
        let reopened = Views::open(&other).await.unwrap();
        assert_eq!(reopened.digest().await.unwrap(), digest, "seed {seed}");
        assert_eq!(reopened.records().await.unwrap(), rebuilt.records);
        // A rebuilt file goes on living.
        generated.steps(20);
        generated.history.fill(&reopened, 7).await;
        generated.history.fill(&live, 1_000).await;
        assert_eq!(reopened.digest().await.unwrap(), live.digest().await.unwrap(), "seed {seed}");
    }
}

#[tokio::test]
async fn the_digest_sees_every_row() {
    let mut generated = Generated::new(1);
    generated.steps(120);
    let views = generated.history.views().await;
    let mut before = views.digest().await.unwrap().hash;
    for table in crate::models::tables() {
        let mut db = views.write.begin_writing().await.unwrap();
        let count = crate::sql::Sql::plain()
            .push(&format!("SELECT COUNT(*) FROM {}", table.name))
            .count(&mut db)
            .await
            .unwrap();
        assert!(count > 0 || table.name == "directory_delegation", "nothing in {}", table.name);
        if count == 0 {
            continue;
        }
        let first =
            format!("DELETE FROM {0} WHERE ({1}) IN (SELECT {1} FROM {0} LIMIT 1)", table.name, table.names(table.key));
        crate::store::run(&mut db, &first).await.unwrap();
        db.commit().await.unwrap();
        let after = views.digest().await.unwrap().hash;
        assert_ne!(before, after, "{}", table.name);
        before = after;
    }
}

#[tokio::test]
async fn what_was_taken_in_is_not_taken_in_again() {
    let mut generated = Generated::new(7);
    generated.steps(80);
    let history = &generated.history;
    let views = history.views().await;
    let digest = views.digest().await.unwrap();
    let mut builder = Builder::new(views.clone(), history.opener());
    history.take(&mut builder, 13).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), digest);
}

#[tokio::test]
async fn a_follower_keeps_in_step_and_stops_when_told() {
    let mut generated = Generated::new(3);
    generated.steps(30);
    let views = Views::in_memory().await.unwrap();
    let log = std::sync::Arc::new(generated.history.log.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let running =
        tokio::spawn(Follower::run(log, generated.history.opener(), views.clone(), watch::Sender::default(), shutdown));
    let head = generated.history.log.head().await.unwrap().position;
    views.wait_for(head, Duration::from_mins(1)).await.unwrap();
    let document = generated.history.arrives(1_000, |_| {});
    let head = generated.history.log.head().await.unwrap().position;
    views.wait_for(head, Duration::from_mins(1)).await.unwrap();
    assert!(views.document(&generated.history.sight(Who::Clerk), document).await.unwrap().is_some());
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();

    let beyond = socai_domain::ledger::Position::new(head.ledger(), 1, head.place() + 1);
    let waited = views.wait_for(beyond, Duration::ZERO).await;
    assert!(matches!(waited, Err(ViewsError::NotYet(_))), "{waited:?}");
    let foreign = socai_domain::ledger::Position::new(head.ledger(), 9, 1);
    let waited = views.wait_for(foreign, Duration::from_mins(1)).await;
    assert!(matches!(waited, Err(ViewsError::Foreign(_))), "{waited:?}");
}

#[tokio::test]
async fn views_of_another_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let views = Views::open(&path).await.unwrap();
    let history = History::new();
    history.fill(&views, 10).await;
    let mut db = views.write.acquire().await.unwrap();
    crate::store::run(&mut db, "UPDATE read_model SET version = 99 WHERE name = 'search'").await.unwrap();
    drop(db);
    views.close().await;
    assert!(matches!(Views::open(&path).await, Err(ViewsError::Outdated(_))));
}

#[tokio::test]
async fn changes_come_in_order_and_none_is_missed() {
    let mut generated = Generated::new(5);
    generated.steps(60);
    let history = &generated.history;
    let views = history.views().await;
    let viewer = crate::Viewer::operator(super::history::organ(), history.now());
    let head = views.position().await.unwrap().unwrap();
    let (mut after, mut seen) = (head.with_place(0), std::collections::HashSet::new());
    loop {
        let changed = views.documents_changed(&viewer, after, 3).await.unwrap();
        let Some((last, _)) = changed.last() else { break };
        assert!(last.place() > after.place());
        after = *last;
        for (_, row) in changed {
            assert!(seen.insert(row.id), "unchanged, and given twice");
        }
    }
    let all = views.documents_changed(&viewer, head.with_place(0), 1000).await.unwrap();
    assert_eq!(seen.len(), all.len());
    let outsider = history.sight(Who::Administrator);
    assert!(views.documents_changed(&outsider, head.with_place(0), 100).await.unwrap().is_empty());
}
