//! Past moments: as a ledger that stopped there would show them, kept for the next who asks, and never with erased text.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use socai_domain::{id::IncomingId, incoming::events as on, ledger::EventLog as _, time::Timestamp};

use super::{
    generated::Generated,
    history::{DAYS, History, Who, new_branch, says},
    watched::Watched,
};
use crate::{
    PageRequest, Viewer, Views, ViewsError,
    follow_up_register::FollowUpFilter,
    incoming_register::RegisterFilter,
    statistics::{GroupBy, Period, StatisticsFilter},
    work_list::{WorkFilter, WorkScope},
};

const PATIENCE: Duration = Duration::from_secs(5);

async fn as_of(views: &Views, history: &History, then: Timestamp) -> Views {
    views.as_of(&history.log, history.opener(), then, PATIENCE).await.unwrap()
}

/// What lists and figures show to a viewer, in words.
async fn shown(views: &Views, viewer: &Viewer, documents: &[IncomingId]) -> String {
    let page = PageRequest::first(100);
    let of = StatisticsFilter::of(Period { from: viewer.at().plus_minutes(-100_000), before: viewer.at() });
    let all = WorkFilter { scope: WorkScope::All, state: None, kind: None };
    let mut single = Vec::new();
    for id in documents {
        single.push(views.document(viewer, *id).await.unwrap().map(|view| view.document));
    }
    format!(
        "{single:?} {:?} {:?} {:?} {:?} {:?}",
        views.incoming_register(viewer, &RegisterFilter::default(), &page).await.unwrap().nodes().collect::<Vec<_>>(),
        views.follow_up_register(viewer, &FollowUpFilter::default(), &page).await.unwrap().nodes().collect::<Vec<_>>(),
        views.work_list(viewer, &all, &page).await.unwrap().nodes().collect::<Vec<_>>(),
        views.document_statistics(viewer, &of, GroupBy::Organ).await.unwrap(),
        views.search(viewer, "thuong", &page).await.unwrap().nodes().collect::<Vec<_>>(),
    )
}

#[tokio::test]
async fn a_past_moment_is_as_in_a_ledger_that_stopped_there() {
    for seed in 7..10 {
        let mut generated = Generated::new(seed);
        generated.steps(120);
        let (then, stopped) = (generated.history.now(), generated.history.views().await);
        generated.history.set(then.plus_micros(1));
        // What is erased later is hidden in the past, too.
        generated.erases = false;
        generated.steps(140);
        let live = generated.history.views().await;
        let past = as_of(&live, &generated.history, then).await;
        assert_eq!(past.digest().await.unwrap(), stopped.digest().await.unwrap(), "seed {seed}");
        assert_ne!(past.digest().await.unwrap(), live.digest().await.unwrap(), "seed {seed}");
    }
}

#[tokio::test]
async fn content_is_of_then_and_rights_are_of_now() {
    let mut history = History::new();
    let (mine, theirs) =
        (history.arrives(1, says("1", "SVD", "Việc thường")), history.arrives(2, says("2", "SVD", "Việc thường")));
    history.registers(mine).registers(theirs);
    history.submits(mine).directs(mine, vec![new_branch(1, Who::Officer.assignee(), on::BranchRole::Lead, DAYS(3))]);
    let then = history.now();
    history.at("2026-03-04T08:00:00").completes(mine, 1).resolves(mine);
    history
        .submits(theirs)
        .directs(theirs, vec![new_branch(2, Who::Officer.assignee(), on::BranchRole::Lead, DAYS(3))]);
    let live = history.views().await;
    let past = as_of(&live, &history, then).await;
    let documents = [mine, theirs];
    let ask = async |who| {
        let viewer = Viewer::person(super::history::organ(), who, then);
        let now = Viewer::person(super::history::organ(), who, history.now());
        (viewer.clone(), viewer.seeing(live.rights(&now).await.unwrap()))
    };
    // Who sees all then and now sees what there was to see then.
    let (then_only, today) = ask(Who::Leader.person()).await;
    assert_eq!(shown(&past, &today, &documents).await, shown(&past, &then_only, &documents).await);
    // What became visible later is shown as it was then.
    let (then_only, today) = ask(Who::Officer.person()).await;
    assert!(past.document(&then_only, theirs).await.unwrap().is_none());
    let view = past.document(&today, theirs).await.unwrap().unwrap();
    assert!(view.document.branches.is_empty());
    assert_eq!(past.search_count(&today, "thuong").await.unwrap(), 2);
    // Who sees nothing now sees nothing of then.
    let (_, today) = ask(Who::Outsider.person()).await;
    assert_eq!(past.search_count(&today, "thuong").await.unwrap(), 0);
    assert!(past.document(&today, mine).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_prefix_is_read_once() {
    let mut history = History::new();
    history.arrives(1, |_| {});
    let first = history.now();
    history.at("2026-03-04T08:00:00").arrives(2, |_| {});
    let live = history.views().await;
    let ask = |then| as_of(&live, &history, then);
    let one = ask(first).await;
    for again in [first.plus_minutes(5), first] {
        assert!(Arc::ptr_eq(&ask(again).await.pasts, &one.pasts));
    }
    let other = ask(history.now()).await;
    assert!(!Arc::ptr_eq(&other.pasts, &one.pasts));
    assert!(Arc::ptr_eq(&ask(history.now().plus_minutes(9)).await.pasts, &other.pasts));
    assert!(Arc::ptr_eq(&ask(first).await.pasts, &one.pasts), "both are kept");
}

#[tokio::test]
async fn what_is_recorded_after_the_last_question_is_not_missed() {
    let mut history = History::new();
    history.arrives(1, |_| {});
    let live = history.views().await;
    let end = history.now().plus_minutes(60);
    let before = as_of(&live, &history, end).await.digest().await.unwrap();
    history.at("2026-03-03T08:30:00").arrives(2, |_| {});
    assert_ne!(as_of(&live, &history, end).await.digest().await.unwrap(), before);
    assert_eq!(as_of(&live, &history, super::history::at("2026-03-03T08:29:00")).await.digest().await.unwrap(), before);
}

#[tokio::test]
async fn an_erased_text_does_not_survive_in_what_is_kept() {
    let mut history = History::new();
    let document = history.arrives(1, says("41", "ZKQ", "Zyxwvut"));
    history.registers(document);
    let then = history.now();
    let live = history.views().await;
    let clerk = history.sight(Who::Clerk);
    let past = as_of(&live, &history, then).await;
    assert_eq!(past.search_count(&clerk, "zyxwvut").await.unwrap(), 1);
    history.at("2026-03-04T08:00:00").by(Who::Clerk).expunges(document, 1);
    history.fill(&live, 3).await;
    let past = as_of(&live, &history, then).await;
    assert_eq!(past.search_count(&clerk, "zyxwvut").await.unwrap(), 0);
    assert!(past.sees(&clerk, document).await.unwrap(), "number and trail stay");
}

#[tokio::test]
async fn a_text_is_gone_from_the_past_before_its_key_is() {
    let mut history = History::new();
    let document = history.arrives(1, says("41", "ZKQ", "Zyxwvut"));
    let then = history.now();
    let views = history.views().await;
    history.at("2026-03-04T08:00:00");
    history.begins_to_erase(document, None);
    history.fill(&views, 3).await;
    let past = as_of(&views, &history, then).await;
    assert_eq!(past.search_count(&history.sight(Who::Clerk), "zyxwvut").await.unwrap(), 0);
}

#[tokio::test]
async fn who_waits_too_long_for_others_is_told_so() {
    let history = History::new();
    let live = history.views().await;
    let room = u32::try_from(live.pasts.replays.available_permits()).unwrap();
    let _all = live.pasts.replays.acquire_many(room).await.unwrap();
    let refused = live.as_of(&history.log, history.opener(), history.now(), Duration::from_millis(10)).await;
    assert!(matches!(refused, Err(ViewsError::PastBusy)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_ends_their_replay() {
    let mut history = History::new();
    for n in 0..200 {
        history.arrives(n, |_| {});
    }
    let live = history.views().await;
    let room = live.pasts.replays.available_permits();
    let (log, gate) = Watched::gated(&history.log);
    let (log, then, opener) = (Arc::new(log), history.now(), history.opener());
    let asking = {
        let (log, live, opener) = (Arc::clone(&log), live.clone(), opener.clone());
        tokio::spawn(async move { live.as_of(&*log, opener, then, PATIENCE).await.map(drop) })
    };
    while log.begun.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(live.pasts.replays.available_permits(), room - 1);
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(live.pasts.replays.available_permits(), room, "others may begin");
    assert!(live.pasts.crew.free() < room, "what was begun is still being read");
    drop(gate);
    live.pasts.crew.rest().await;
    let begun = log.begun.load(SeqCst);
    assert!(begun <= 2 * live.pasts.crew.size(), "{begun} of 200 pieces were begun");
    // The next who asks has it all.
    let past = live.as_of(&*log, opener, then, PATIENCE).await.unwrap();
    assert_eq!(past.digest().await.unwrap(), live.digest().await.unwrap());
}

#[tokio::test]
async fn a_moment_near_another_goes_on_from_it() {
    for seed in 20..23 {
        let mut generated = Generated::new(seed);
        let mut moments = Vec::new();
        generated.steps(200);
        for _ in 0..4 {
            generated.erases = false;
            generated.steps(5);
            moments.push((generated.history.now(), generated.history.views().await.digest().await.unwrap()));
            generated.history.set(generated.history.now().plus_micros(1));
        }
        generated.steps(20);
        let (history, log) = (&generated.history, Watched::new(&generated.history.log));
        let live = history.views().await;
        let mut expected = Vec::new();
        for (then, digest) in &moments {
            let past = live.as_of(&log, history.opener(), *then, PATIENCE).await.unwrap();
            assert_eq!(past.digest().await.unwrap(), *digest, "seed {seed}");
            expected.push(digest.position.unwrap());
        }
        let asked: Vec<_> = log.asked.lock().unwrap().iter().map(|(after, until)| (*after, *until)).collect();
        let first = (None, expected[0]);
        let later = expected.windows(2).map(|pair| (Some(pair[0]), pair[1]));
        let all: Vec<_> =
            [first, first].into_iter().chain(later.filter(|(after, until)| *after != Some(*until))).collect();
        assert_eq!(asked, all, "only what lies between is read, seed {seed}");
        // And the one that the others went on from is as it was.
        let past = live.as_of(&log, history.opener(), moments[0].0, PATIENCE).await.unwrap();
        assert_eq!(past.digest().await.unwrap(), moments[0].1, "seed {seed}");
    }
}

/// How many copies lie beside views.
fn copies(views: &Views) -> Vec<crate::copies::Copied> {
    views.copies().unwrap().unwrap().all().unwrap()
}

#[tokio::test]
async fn a_past_moment_is_gone_on_with_from_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let mut generated = Generated::new(11);
    generated.erases = false;
    generated.steps(100);
    let live = Views::open(&folder.path().join("views.sqlite")).await.unwrap().with_copies(2);
    generated.history.fill(&live, 50).await;
    assert!(live.copy_if_due().await.unwrap());
    assert!(!live.copy_if_due().await.unwrap(), "the next one is not due yet");
    generated.steps(20);
    let (then, stopped) = (generated.history.now(), generated.history.views().await);
    generated.history.set(then.plus_micros(1));
    generated.steps(2);
    let soon = generated.history.now();
    generated.history.set(soon.plus_micros(1));
    generated.steps(60);
    generated.history.fill(&live, 50).await;
    let past = as_of(&live, &generated.history, then).await;
    assert!(past.passing.is_some(), "it was replayed");
    assert_eq!(past.digest().await.unwrap(), stopped.digest().await.unwrap());
    let viewer = generated.history.sight(Who::Clerk);
    assert_eq!(shown(&past, &viewer, &[]).await, shown(&stopped, &viewer, &[]).await);
    // The next question goes on from that one, in a file of its own.
    let next = as_of(&live, &generated.history, soon).await;
    assert!(next.passing.is_some());
    let files = || std::fs::read_dir(copies(&live)[0].path.parent().unwrap()).unwrap().count();
    assert_eq!(files(), 3);
    live.pasts.forget();
    drop((past, next));
    // Connections are closed beside those who drop them.
    while files() > 1 {
        tokio::task::yield_now().await;
    }
    // Of another moment, far before the copy, nothing is copied.
    let early = super::history::at("2026-03-02T09:00:00");
    assert!(as_of(&live, &generated.history, early).await.passing.is_none());
}

#[tokio::test]
async fn a_build_leaves_copies_of_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut generated = Generated::new(12);
    generated.erases = false;
    // Soon after the first copy, which a build makes after 64 records.
    while generated.history.log.head().await.unwrap().records < 70 {
        generated.steps(1);
    }
    let (then, stopped) = (generated.history.now(), generated.history.views().await);
    generated.history.set(then.plus_micros(1));
    generated.steps(100);
    let views = Views::awaited(folder.path().join("views.sqlite")).with_memory(64 << 10).with_copies(3);
    for _ in 0..2 {
        views.rebuild(&generated.history.log, &generated.history.opener()).await.unwrap();
        assert!((1..=3).contains(&copies(&views).len()), "{:?}", copies(&views));
        let past = as_of(&views, &generated.history, then).await;
        assert!(past.passing.is_some(), "{:?}", copies(&views));
        assert_eq!(past.digest().await.unwrap(), stopped.digest().await.unwrap());
    }
    let folders = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(folders.filter(|name| name.to_string_lossy().ends_with(".past")).count(), 1, "the old file's are gone");
}

#[tokio::test]
async fn a_copy_that_cannot_be_made_stops_no_build() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut generated = Generated::new(13);
    generated.steps(80);
    // Where a copy would be begun there is something else.
    std::fs::create_dir_all(folder.path().join("views.sqlite.1.past/begun/full")).unwrap();
    let views = Views::awaited(&path).with_memory(64 << 10).with_copies(3);
    views.rebuild(&generated.history.log, &generated.history.opener()).await.unwrap();
    assert!(copies(&views).is_empty());
    assert_eq!(views.digest().await.unwrap(), generated.history.views().await.digest().await.unwrap());
    assert!(views.copy_if_due().await.is_err());
}

#[tokio::test]
async fn who_follows_the_log_copies_what_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = History::new();
    for n in 1..60 {
        history.arrives(n, |_| {});
    }
    let views = Views::open(&folder.path().join("views.sqlite")).await.unwrap().with_copies(2);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (log, opener) = (Arc::new(history.log.clone()), history.opener());
    let (state, shutdown) = (tokio::sync::watch::Sender::default(), async { drop(stopped.await) });
    let follower = tokio::spawn(crate::Follower::run(log, opener, views.clone(), state, shutdown));
    while copies(&views).is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stop);
    follower.await.unwrap().unwrap();
    assert_eq!(copies(&views)[0].records, views.records().await.unwrap());
}

#[tokio::test]
async fn an_erasure_wipes_the_copies_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut history = History::new();
    let document = history.arrives(1, says("41", "ZKQ", "Zyxwvut"));
    history.registers(document);
    for n in 2..40 {
        history.arrives(n, |_| {});
    }
    let then = history.now();
    let live = Views::open(&path).await.unwrap().with_copies(2);
    history.fill(&live, 100).await;
    assert!(live.copy_if_due().await.unwrap());
    let (clerk, kept) = (history.sight(Who::Clerk), copies(&live).remove(0).path);
    assert_eq!(as_of(&live, &history, then).await.search_count(&clerk, "zyxwvut").await.unwrap(), 1);
    // Another name shows what becomes of its bytes.
    let bytes = folder.path().join("bytes");
    std::fs::hard_link(&kept, &bytes).unwrap();
    history.at("2026-03-04T08:00:00").by(Who::Clerk).expunges(document, 1);
    history.fill(&live, 100).await;
    assert!(copies(&live).is_empty() && std::fs::read(&bytes).unwrap().iter().all(|byte| *byte == 0));
    let past = as_of(&live, &history, then).await;
    assert_eq!(past.search_count(&clerk, "zyxwvut").await.unwrap(), 0);
    // Whoever was killed in between finds it owed, and reads no copy until it is done.
    drop(past);
    live.close().await;
    super::rebuilding::sql(&path, "PRAGMA user_version = 1").await;
    let again = Views::open(&path).await.unwrap().with_copies(2);
    assert!(*again.unclean().borrow() && !again.copy_if_due().await.unwrap());
}
