//! Nothing takes the place of views before another build agrees.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use socai_domain::ledger::{EventLog, Followed, Position, ReadError, Recorded, memory::MemoryLog};

use super::{
    super::{
        generated::Generated,
        history::{History, words},
    },
    at, digest, files, sql,
};
use crate::{Phase, Rebuilding, Views, ViewsError};

#[tokio::test]
async fn views_that_are_wrong_are_replaced_once_a_second_build_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut generated = Generated::new(8);
    generated.steps(100);
    let views = Views::open(&path).await.unwrap();
    generated.history.fill(&views, 100).await;
    views.close().await;
    sql(&path, "DELETE FROM search_text WHERE document IN (SELECT document FROM search_text LIMIT 1)").await;
    let views = Views::open(&path).await.unwrap();
    let rebuilt = views.rebuild(&generated.history.log, &generated.history.opener()).await.unwrap();
    assert!(!rebuilt.equal());
    assert_eq!(rebuilt.digest, digest(&generated.history).await);
    assert_eq!(views.digest().await.unwrap(), rebuilt.digest);
}

/// A log that leaves out every remark while it forgets.
#[derive(Clone)]
struct Forgetful(MemoryLog, Arc<AtomicBool>);

impl EventLog for Forgetful {
    socai_domain::hand_on!(0: append, read, head, ledger);

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        let forgets = Arc::clone(&self.1);
        let remark = |recorded: &Recorded| {
            recorded.record.header().kind.entry().is_some_and(|entry| entry.name == "IncomingAnnotated")
        };
        let told = self.0.follow(after).map_ok(move |told| match told {
            Followed::Records(mut records) if forgets.load(Ordering::SeqCst) => {
                records.retain(|recorded| !remark(recorded));
                Followed::Records(records)
            }
            told => told,
        });
        told.boxed()
    }

    fn engine(&self) -> &'static str {
        "forgetful"
    }
}

#[tokio::test]
async fn nothing_is_put_in_place_that_another_build_does_not_agree_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = History::new();
    for n in 0..20 {
        let document = history.arrives(n, |_| {});
        history.on(document, socai_domain::incoming::events::Annotated { note: words("Đã xem") });
        history.registers(document);
    }
    let opener = history.opener();
    let views = Views::awaited(folder.path().join("views.sqlite"));
    let log = Forgetful(history.log.clone(), Arc::default());
    let (state, forgets) = (views.rebuilding(), Arc::clone(&log.1));
    let gate = at(move |_| {
        let phase = state.borrow().progress().map(|progress| progress.phase);
        forgets.store(matches!(phase, Some(Phase::Comparing | Phase::Checking)), Ordering::SeqCst);
        Ok(())
    });
    let error = views.rebuild_through(&log, &opener, gate).await.unwrap_err();
    assert!(matches!(error, ViewsError::Disagree(_)), "{error}");
    assert!(views.are_awaited() && files(folder.path()).is_empty(), "{:?}", files(folder.path()));
    assert!(matches!(&*views.rebuilding().borrow(), Rebuilding::Failed(why) if why.contains("do not agree")));
    log.1.store(false, Ordering::SeqCst);
    let rebuilt = views.rebuild(&log, &opener).await.unwrap();
    assert_eq!(rebuilt.digest, digest(&history).await);
}
