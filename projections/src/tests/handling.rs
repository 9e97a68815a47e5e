//! What is shown of the handling: what was given back and for how long, and whose opinion directs.

use socai_domain::{
    id::IncomingId,
    incoming::events::{self as on, Assignee, BranchRole},
};

use super::history::{DAYS, History, OTHER_UNIT, UNIT, Who, at, branch, new_branch, reason, unit, words};
use crate::lags::ReworkFigure;

/// On Tuesday at 09:00 the head has the lead and the officer a part of it.
fn under_way(history: &mut History) -> IncomingId {
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    let lead = new_branch(1, Who::Head.assignee(), BranchRole::Lead, DAYS(9));
    let informed = new_branch(2, Assignee::Unit { unit: unit(OTHER_UNIT) }, BranchRole::Informed, DAYS(9));
    history.registers(document).submits(document).directs(document, vec![lead, informed]);
    let part = new_branch(3, Who::Officer.assignee(), BranchRole::Lead, DAYS(5));
    let assigned = on::Assigned { parent: branch(1), branches: vec![part], note: None };
    history.by(Who::Head).then(document, assigned);
    document
}

fn gives_back(history: &mut History, time: &str, who: Who, document: IncomingId, n: u128) {
    history.at(time).by(who).then(document, on::BranchReturned { branch: branch(n), reason: reason() });
}

/// The branch of each spell, and the hours until it went forward.
async fn rework(history: &History, document: IncomingId) -> Vec<(u128, Option<i64>)> {
    let views = history.views().await;
    let view = views.document(&history.sight(Who::Leader), document).await.unwrap().unwrap();
    let spells = view.document.rework.iter().map(|spell| {
        let hours = spell.until.map(|until| (until.as_micros() - spell.from.as_micros()) / 3_600_000_000);
        (spell.branch.unwrap().uuid().as_u128() - branch(0).uuid().as_u128(), hours)
    });
    let filter = crate::statistics::StatisticsFilter::of(crate::statistics::Period {
        from: at("2026-03-01T00:00:00"),
        before: at("2026-04-01T00:00:00"),
    });
    let figures = views.rework_statistics(&history.sight(Who::Leader), &filter).await.unwrap().numbers;
    let spells: Vec<_> = spells.collect();
    let open = spells.iter().filter(|(_, hours)| hours.is_none()).count();
    assert_eq!((figures.get(ReworkFigure::All), figures.get(ReworkFigure::Open)), (spells.len() as u64, open as u64));
    spells
}

#[tokio::test]
async fn who_was_only_informed_gives_back_no_work() {
    let mut history = History::new();
    let document = under_way(&mut history);
    gives_back(&mut history, "2026-03-03T10:00:00", Who::OtherHead, document, 2);
    assert_eq!(rework(&history, document).await, []);
}

#[tokio::test]
async fn rework_ends_when_the_one_who_got_it_back_has_done_the_whole() {
    let mut history = History::new();
    let document = under_way(&mut history);
    gives_back(&mut history, "2026-03-03T10:00:00", Who::Officer, document, 3);
    assert_eq!(rework(&history, document).await, [(3, None)]);
    history.at("2026-03-03T12:00:00").by(Who::Head).completes(document, 1);
    history.at("2026-03-03T15:00:00").resolves(document);
    assert_eq!(rework(&history, document).await, [(3, Some(2))]);
}

#[tokio::test]
async fn what_is_given_back_further_up_is_counted_there_alone() {
    let mut history = History::new();
    let document = under_way(&mut history);
    gives_back(&mut history, "2026-03-03T10:00:00", Who::Officer, document, 3);
    gives_back(&mut history, "2026-03-03T13:00:00", Who::Head, document, 1);
    assert_eq!(rework(&history, document).await, [(3, Some(3)), (1, None)]);
    let lead = new_branch(4, Who::OtherHead.assignee(), BranchRole::Lead, DAYS(9));
    history.at("2026-03-03T14:00:00").directs(document, vec![lead]);
    assert_eq!(rework(&history, document).await, [(3, Some(3)), (1, Some(1))]);
}

#[tokio::test]
async fn what_was_given_back_under_a_withdrawn_branch_is_done_with() {
    let mut history = History::new();
    let document = under_way(&mut history);
    gives_back(&mut history, "2026-03-03T10:00:00", Who::Officer, document, 3);
    let withdrawn = on::BranchWithdrawn { branch: branch(1), reason: reason() };
    history.at("2026-03-03T11:00:00").by(Who::Leader).then(document, withdrawn);
    assert_eq!(rework(&history, document).await, [(3, Some(1))]);
}

async fn directive(history: &History, document: IncomingId) -> Option<String> {
    let view = history.views().await.document(&history.sight(Who::Leader), document).await.unwrap().unwrap();
    view.document.directive.map(|text| text.to_string())
}

#[tokio::test]
async fn the_opinion_is_the_leaders_and_of_the_present_round() {
    let mut history = History::new();
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    let lead = |n, of| new_branch(n, Assignee::Unit { unit: unit(of) }, BranchRole::Lead, DAYS(5));
    let note = Some(words("Văn thư chuyển theo quy chế"));
    let passed = on::Directed { note, branches: vec![lead(1, UNIT)], follower: None, by_regulation: true };
    history.registers(document).by(Who::Clerk).then(document, passed);
    assert_eq!(directive(&history, document).await, None, "a clerk has no opinion that directs");

    history.submits(document).directs(document, vec![lead(2, UNIT)]);
    let more = new_branch(3, Assignee::Unit { unit: unit(OTHER_UNIT) }, BranchRole::Coordinating, DAYS(5));
    history.then(document, on::Directed { note: None, branches: vec![more], follower: None, by_regulation: false });
    assert_eq!(
        directive(&history, document).await.as_deref(),
        Some("Giao chủ trì"),
        "one more unit takes nothing back"
    );

    history.resolves(document);
    assert_eq!(directive(&history, document).await.as_deref(), Some("Giao chủ trì"));
    history.then(document, on::Reopened { reason: reason(), limit: DAYS(2), on_word_of: None });
    assert_eq!(directive(&history, document).await, None, "another round, no opinion yet");
}
