//! What was expunged is gone from the files.

use std::path::Path;

use socai_domain::{incoming::events as on, text::ShortText};

use super::history::{DAYS, History, Who, new_branch, says, words};
use crate::{
    PageRequest, Views,
    follow_up_register::FollowUpFilter,
    incoming_register::RegisterFilter,
    statistics::{GroupBy, Period, StatisticsFilter},
};

/// Words that stand in the secret document only, as they are and as keys.
const TEXTS: [&str; 6] = ["Zyxwvut", "zyxwvut", "Qướcmật", "quocmat", "ZKQ-BÍ", "zkq"];

/// Where any of them stands.
pub(super) fn found_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for text in TEXTS {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(format!("{text} in {}", path.display()));
            }
        }
    }
    found
}

#[tokio::test]
async fn nothing_of_an_expunged_text_is_left_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let views = Views::open(&path).await.unwrap();
    let mut history = History::new();
    for n in 0..40 {
        let document = history.arrives(n, says("7", "SVD-KH", "Về việc thường ngày của cơ quan ví dụ"));
        history.registers(document);
        history.fill(&views, 3).await;
    }
    let secret = history.arrives(900, |arrived| {
        says("41", "ZKQ-BÍ", &"Qướcmật Zyxwvut ".repeat(100))(arrived);
        arrived.details.issuer_name = ShortText::new("Ban Zyxwvut").unwrap();
    });
    history.registers(secret).submits(secret);
    let lead = new_branch(1, Who::Officer.assignee(), on::BranchRole::Lead, DAYS(3));
    history.directs(secret, vec![lead]);
    history.then(secret, on::ProgressReported { branch: super::history::branch(1), text: words("Zyxwvut đang làm") });
    history.fill(&views, 3).await;
    for n in 40..80 {
        history.arrives(n, says("8", "SVD-KH", "Về việc thường ngày khác của cơ quan ví dụ"));
        history.fill(&views, 3).await;
    }
    let clerk = history.sight(Who::Clerk);
    assert_eq!(views.search_count(&clerk, "quocmat").await.unwrap(), 1);
    assert!(views.sees(&history.sight(Who::Officer), secret).await.unwrap());
    assert!(!found_in(folder.path()).is_empty(), "the test looks for texts that are never there");

    history.by(Who::Clerk).expunges(secret, 41);
    history.fill(&views, 3).await;
    assert_eq!(found_in(folder.path()), Vec::<String>::new());
    for word in ["quocmat", "zyxwvut", "ZKQ"] {
        assert_eq!(views.search_count(&clerk, word).await.unwrap(), 0);
    }
    // Number and trail stay, for those who see all.
    assert!(!views.sees(&history.sight(Who::Officer), secret).await.unwrap());
    let view = views.document(&clerk, secret).await.unwrap().unwrap();
    assert!(view.document.details.is_none() && view.document.branches.is_empty());
    assert!(view.document.erased.is_some_and(|erased| erased.completed));
    let filter = RegisterFilter::default();
    let lines = views.incoming_register(&clerk, &filter, &PageRequest::first(100)).await.unwrap();
    let line = lines.nodes().find(|line| line.document == secret).unwrap();
    assert_eq!((line.number, line.abstract_text.as_deref(), line.issuer.as_deref()), (41, None, None));
    // Both registers have it in its year.
    let (filter, page) = (RegisterFilter { year: Some(2026), ..filter }, PageRequest::first(100));
    let lines = views.incoming_register(&clerk, &filter, &page).await.unwrap();
    assert!(lines.nodes().any(|line| line.document == secret));
    let filter = FollowUpFilter { year: Some(2026), ..FollowUpFilter::default() };
    let lines = views.follow_up_register(&clerk, &filter, &page).await.unwrap();
    let line = lines.nodes().find(|line| line.document == secret).unwrap();
    assert_eq!((line.year, line.number), (2026, 41));
    let period = Period { from: clerk.at().plus_minutes(-100_000), before: clerk.at().plus_minutes(1) };
    let figures = views.document_statistics(&clerk, &StatisticsFilter::of(period), GroupBy::Organ).await.unwrap();
    assert_eq!((figures[0].figures.cancelled, figures[0].figures.in_process), (1, 40));

    // A rebuild never sees the text, and comes to the same.
    let other = tempfile::tempdir().unwrap();
    let rebuilt = history.rebuild(&other.path().join("views.sqlite")).await;
    assert_eq!(rebuilt.digest, views.digest().await.unwrap());
    assert_eq!(found_in(other.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_in_the_way_only_delays_the_cleaning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.sqlite");
    let mut history = History::new();
    let secret = history.arrives(900, says("41", "ZKQ-BÍ", "Qướcmật Zyxwvut"));
    history.registers(secret);
    let views = Views::open(&path).await.unwrap();
    history.fill(&views, 1_000).await;
    // Somebody reads the state before the erasure, all the while.
    let reader = views.snapshot().await.unwrap();
    history.by(Who::Clerk).expunges(secret, 41);
    history.fill(&views, 1_000).await;
    let mut unclean = views.unclean();
    assert!(*unclean.borrow(), "the cleaning is said to be owed");
    assert!(!found_in(folder.path()).is_empty(), "the reader was not in the way");
    // Following goes on, and cleans as soon as the reader is done, with no further record.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (log, opener) = (std::sync::Arc::new(history.log.clone()), history.opener());
    let (state, shutdown) = (tokio::sync::watch::Sender::default(), async { drop(stopped.await) });
    let follower = tokio::spawn(crate::Follower::run(log, opener, views.clone(), state, shutdown));
    let other = history.arrives(901, |_| {});
    let last = history.on(other, on::Annotated { note: words("Đã xem") });
    views.wait_for(last, std::time::Duration::from_mins(1)).await.unwrap();
    assert!(*unclean.borrow(), "it stays owed while the reader reads");
    drop(reader);
    unclean.wait_for(|unclean| !unclean).await.unwrap();
    assert_eq!(found_in(folder.path()), Vec::<String>::new());
    drop(stop);
    follower.await.unwrap().unwrap();
    // Nothing is owed at the next start.
    views.close().await;
    let views = Views::open(&path).await.unwrap();
    history.fill(&views, 1_000).await;
    assert!(!*views.unclean().borrow());
}
