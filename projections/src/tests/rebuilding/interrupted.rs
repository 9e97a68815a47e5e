//! Rebuilds that stop in the middle.

use super::{super::generated::Generated, SMALL, at, crash, digest, files, first_progress, sql};
use crate::{Phase, Views};

#[tokio::test]
async fn a_half_built_file_that_was_damaged_since_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut generated = Generated::new(9);
    generated.steps(120);
    let (log, opener) = (generated.history.log.clone(), generated.history.opener());
    let views = Views::awaited(folder.path().join("views.sqlite")).with_memory(SMALL);
    let gate = at(|step| if step < 150 { Ok(()) } else { Err(crash()) });
    views.rebuild_through(&log, &opener, gate).await.unwrap_err();
    let half = folder.path().join("views.sqlite.1");
    sql(&half, "UPDATE saving SET pages = 77 WHERE document = (SELECT MIN(document) FROM saving)").await;
    let rebuilt = views.rebuild(&log, &opener).await.unwrap();
    assert_eq!((rebuilt.digest, views.digest().await.unwrap()), (digest(&generated.history).await, rebuilt.digest));
    std::fs::write(folder.path().join("views.sqlite.9"), "no database at all").unwrap();
    views.rebuild(&log, &opener).await.unwrap();
}

#[tokio::test]
async fn a_build_in_little_memory_comes_to_the_same() {
    for seed in super::super::digests::seeds() {
        let folder = tempfile::tempdir().unwrap();
        let mut generated = Generated::new(seed + 40);
        generated.steps(300);
        let history = &generated.history;
        let views = Views::awaited(folder.path().join("views.sqlite")).with_memory(SMALL);
        let rebuilt = views.rebuild(&history.log, &history.opener()).await.unwrap();
        assert_eq!(rebuilt.digest, digest(history).await, "seed {seed}");
    }
}

#[tokio::test]
async fn an_interrupted_rebuild_goes_on_from_its_last_commit() {
    let folder = tempfile::tempdir().unwrap();
    let mut generated = Generated::new(10);
    generated.steps(200);
    let (log, opener) = (generated.history.log.clone(), generated.history.opener());
    let views = Views::awaited(folder.path().join("views.sqlite")).with_memory(SMALL);
    let gate = at(|step| if step < 200 { Ok(()) } else { Err(crash()) });
    views.rebuild_through(&log, &opener, gate).await.unwrap_err();
    generated.steps(20);
    let views = Views::awaited(folder.path().join("views.sqlite")).with_memory(SMALL);
    let (gate, first) = first_progress(&views);
    let rebuilt = views.rebuild_through(&log, &opener, gate).await.unwrap();
    let first = first.lock().unwrap().unwrap();
    assert!(first.phase == Phase::Building && first.done > 0 && first.done < rebuilt.records, "{first:?}");
    assert_eq!(rebuilt.digest, digest(&generated.history).await);
    assert!(files(folder.path()).contains(&"views.sqlite.1".to_owned()), "the same file");
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_one_valid_file() {
    let begun = tempfile::tempdir().unwrap();
    let mut generated = Generated::new(12);
    generated.steps(30);
    let views = Views::open(&begun.path().join("views.sqlite")).await.unwrap();
    generated.history.fill(&views, 1_000).await;
    views.close().await;
    // So that there is a second build, too.
    sql(&begun.path().join("views.sqlite"), "UPDATE read_model SET version = 1 WHERE name = 'savings'").await;
    let (log, opener) = (generated.history.log.clone(), generated.history.opener());
    let clean = digest(&generated.history).await;
    let mut step = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("views.sqlite");
        std::fs::copy(begun.path().join("views.sqlite"), &path).unwrap();
        let views = Views::open_or_await(&path, 1).await.unwrap();
        let gate = at(move |at| if at < step { Ok(()) } else { Err(crash()) });
        let outcome = views.rebuild_through(&log, &opener, gate).await;
        views.close().await;
        let views = Views::open_or_await(&path, 1).await.unwrap();
        assert!(!views.are_awaited());
        assert_eq!(views.digest().await.unwrap(), clean, "after {step} steps");
        let rebuilt = views.rebuild(&log, &opener).await.unwrap();
        assert_eq!((rebuilt.digest, views.digest().await.unwrap()), (clean, clean), "after {step} steps");
        views.close().await;
        assert_eq!(files(folder.path()).len(), 2, "after {step} steps: {:?}", files(folder.path()));
        if outcome.is_ok() {
            break;
        }
        // Before and after statements, in turn.
        step += 3;
    }
    assert!(step > 100, "only {step} steps were tried");
}
