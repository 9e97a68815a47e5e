//! Views built anew beside those in use.

mod agreement;
mod erasures;
mod interrupted;
mod running;

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use socai_domain::ledger::EventLog as _;

use super::{
    generated::Generated,
    history::{History, Who},
};
use crate::{Digest, PageRequest, Progress, Rebuilding, Views, ViewsError, writer::Gate};

/// So little that a build has many commits and forgets most of what it wrote.
const SMALL: usize = 64 << 10;

/// Does something at a step, and may stop there.
struct At<F>(AtomicUsize, F);

impl<F: Fn(usize) -> Result<(), ViewsError> + Send + Sync> Gate for At<F> {
    fn pass(&self) -> Result<(), ViewsError> {
        (self.1)(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A gate that does this at each step.
fn at<F: Fn(usize) -> Result<(), ViewsError> + Send + Sync>(step: F) -> Arc<At<F>> {
    Arc::new(At(AtomicUsize::new(0), step))
}

/// The process ends here.
fn crash() -> ViewsError {
    ViewsError::Damaged("the power went".to_owned())
}

/// Changes a file that nobody has open.
pub(super) async fn sql(path: &Path, sql: &str) {
    let views = Views::open(path).await.unwrap();
    crate::store::run(&mut views.write.acquire().await.unwrap(), sql).await.unwrap();
    views.close().await;
}

/// The names in a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The digest of views that never were anything but live.
async fn digest(history: &History) -> Digest {
    history.views().await.digest().await.unwrap()
}

/// Notes how far a rebuild is at its first step.
fn first_progress(views: &Views) -> (Arc<dyn Gate>, Arc<Mutex<Option<Progress>>>) {
    let (state, first) = (views.rebuilding(), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&first);
    let gate = at(move |_| {
        seen.lock().unwrap().get_or_insert_with(|| state.borrow().progress().unwrap());
        Ok(())
    });
    (gate, first)
}

#[tokio::test]
async fn what_is_built_anew_takes_the_place_of_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut generated = Generated::new(5);
    generated.steps(150);
    let views = Views::open(&path).await.unwrap();
    generated.history.fill(&views, 100).await;
    let (page, clerk) = (PageRequest::first(10), generated.history.sight(Who::Clerk));
    for round in 1..=2 {
        let rebuilt = views.rebuild(&generated.history.log, &generated.history.opener()).await.unwrap();
        assert_eq!(rebuilt.before, Some(rebuilt.digest), "the views in use are the other build");
        assert_eq!(rebuilt.digest, digest(&generated.history).await);
        assert_eq!(rebuilt.records, generated.history.log.head().await.unwrap().records);
        assert_eq!(
            files(folder.path()),
            [
                "views.sqlite",
                &format!("views.sqlite.{round}"),
                &format!("views.sqlite.{round}-shm"),
                &format!("views.sqlite.{round}-wal")
            ]
        );
        // It goes on living, in the same handle.
        generated.steps(20);
        generated.history.fill(&views, 7).await;
        assert_eq!(views.digest().await.unwrap(), digest(&generated.history).await);
        views.search(&clerk, "viec", &page).await.unwrap();
    }
    views.close().await;
    let views = Views::open(&path).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), digest(&generated.history).await);
    assert!(matches!(&*views.rebuilding().borrow(), Rebuilding::No));
}

#[tokio::test]
async fn who_reads_the_old_views_ends_what_they_ask() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut generated = Generated::new(6);
    generated.steps(60);
    let views = Views::open(&path).await.unwrap();
    generated.history.fill(&views, 100).await;
    let before = digest(&generated.history).await;
    let mut reader = views.snapshot().await.unwrap();
    generated.steps(30);
    generated.history.fill(&views, 100).await;
    let (log, opener) = (generated.history.log.clone(), generated.history.opener());
    let handle = views.clone();
    let rebuild = tokio::spawn(async move { handle.rebuild(&log, &opener).await });
    views.rebuilding().wait_for(|state| matches!(state, Rebuilding::Done(_))).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), digest(&generated.history).await, "whoever comes now reads the new ones");
    assert!(!rebuild.is_finished(), "the old ones are there as long as somebody reads them");
    assert_eq!(crate::digest::digest(reader.db()).await.unwrap(), before);
    drop(reader);
    rebuild.await.unwrap().unwrap();
    assert!(!files(folder.path()).contains(&"views.sqlite-wal".to_owned()));
}
