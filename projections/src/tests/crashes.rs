//! A crash between any two steps of a projection loses nothing and repeats nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::generated::Generated;
use crate::{Views, ViewsError, follower::Builder, writer::Gate};

/// Lets so many steps pass, and then none.
struct Crash(AtomicUsize);

impl Gate for Crash {
    fn pass(&self) -> Result<(), ViewsError> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| ViewsError::Damaged("the power went".to_owned()))
    }
}

#[tokio::test]
async fn a_crash_at_any_step_loses_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun.sqlite");
    let mut generated = Generated::new(11);
    let views = Views::open(&begun).await.unwrap();
    generated.history.fill(&views, 1_000).await;
    views.close().await;
    generated.steps(12);
    let secret = generated.history.arrives(500, |_| {});
    generated.history.registers(secret);
    generated.history.expunges(secret, 77);
    generated.steps(6);
    let history = &generated.history;
    let clean = history.views().await;
    let (clean, records) = (clean.digest().await.unwrap(), clean.records().await.unwrap());
    let mut steps = 0;
    loop {
        let path = folder.path().join(format!("{steps}.sqlite"));
        std::fs::copy(&begun, &path).unwrap();
        let views = Views::open(&path).await.unwrap();
        let crash = Arc::new(Crash(AtomicUsize::new(steps)));
        let mut builder = Builder::through(views.clone(), history.opener(), crash.clone());
        let outcome = history.take(&mut builder, 24).await;
        drop(builder);
        views.close().await;
        let views = Views::open(&path).await.unwrap();
        history.fill(&views, 24).await;
        assert_eq!(views.digest().await.unwrap(), clean, "after {steps} steps");
        assert_eq!(views.records().await.unwrap(), records, "after {steps} steps");
        views.close().await;
        // A crash while cleaning is no error: steps were left, or it was in time.
        if outcome.is_ok() && crash.0.load(Ordering::SeqCst) > 0 {
            break;
        }
        steps += 1;
    }
    assert!(steps > 60, "only {steps} steps were tried");
}
