//! What is erased while views are built anew.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    super::{
        erased::found_in,
        history::{History, Who, says},
    },
    SMALL, at, crash, digest, first_progress, sql,
};
use crate::{Phase, Views};

/// An erasure in each phase of a rebuild.
#[tokio::test]
async fn what_is_erased_meanwhile_is_in_no_file() {
    for phase in [Phase::Building, Phase::Indexing, Phase::Checking, Phase::Comparing, Phase::Switching] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("views.sqlite");
        let mut history = History::new();
        let secret = history.arrives(900, says("41", "ZKQ-BÍ", "Qướcmật Zyxwvut"));
        history.registers(secret);
        for n in 0..30 {
            history.arrives(n, |_| {});
        }
        let old = Views::open(&path).await.unwrap();
        history.fill(&old, 1_000).await;
        old.close().await;
        // Of an older version: only a second build can agree.
        sql(&path, "UPDATE read_model SET version = 1 WHERE name = 'savings'").await;
        let views = Views::open(&path).await.unwrap().with_memory(SMALL);
        let (log, opener, state) = (history.log.clone(), history.opener(), views.rebuilding());
        let (history, erased) = (Arc::new(Mutex::new(history)), Arc::new(AtomicUsize::new(0)));
        let (within, steps) = (Arc::clone(&history), Arc::clone(&erased));
        // Another name of the first file shows what becomes of its bytes.
        let other = tempfile::tempdir().unwrap();
        let (made, kept) = (folder.path().join("views.sqlite.1"), other.path().join("kept"));
        let link = kept.clone();
        let gate = at(move |_| {
            if !link.exists() {
                std::fs::hard_link(&made, &link).unwrap();
            }
            let now = state.borrow().progress().map(|progress| progress.phase);
            // Not at once: something is to be in the file.
            if now == Some(phase) && steps.fetch_add(1, Ordering::SeqCst) == usize::from(phase == Phase::Building) * 60
            {
                within.lock().unwrap().by(Who::Clerk).expunges(secret, 41);
            }
            Ok(())
        });
        views.rebuild_through(&log, &opener, gate).await.unwrap();
        assert!(erased.load(Ordering::SeqCst) > 0, "never in phase {phase:?}");
        let history = Arc::into_inner(history).map(|history| history.into_inner().unwrap());
        let history = history.unwrap_or_else(|| panic!("the gate is still there"));
        history.fill(&views, 1_000).await;
        assert_eq!(found_in(folder.path()), Vec::<String>::new(), "{phase:?}");
        assert_eq!(views.digest().await.unwrap(), digest(&history).await, "{phase:?}");
        let wiped = std::fs::read(kept).unwrap().iter().all(|byte| *byte == 0);
        assert_eq!(wiped, phase == Phase::Building, "only a file that is being filled is begun anew");
    }
}

#[tokio::test]
async fn a_half_built_file_with_text_that_was_erased_since_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = History::new();
    let secret = history.arrives(900, says("41", "ZKQ-BÍ", "Qướcmật Zyxwvut"));
    history.registers(secret);
    for n in 0..60 {
        history.arrives(n, |_| {});
    }
    let (log, opener) = (history.log.clone(), history.opener());
    let views = Views::awaited(folder.path().join("views.sqlite")).with_memory(SMALL);
    let gate = at(|step| if step < 100 { Ok(()) } else { Err(crash()) });
    views.rebuild_through(&log, &opener, gate).await.unwrap_err();
    assert!(!found_in(folder.path()).is_empty(), "the text is not in the file yet");
    history.by(Who::Clerk).expunges(secret, 41);
    let (gate, first) = first_progress(&views);
    views.rebuild_through(&log, &opener, gate).await.unwrap();
    assert_eq!(first.lock().unwrap().unwrap().done, 0, "it is begun anew");
    assert_eq!(found_in(folder.path()), Vec::<String>::new());
    assert_eq!(views.digest().await.unwrap(), digest(&history).await);
}
