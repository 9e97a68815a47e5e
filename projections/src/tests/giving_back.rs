//! What was given back, and what was said with a directive.

use socai_domain::incoming::events::{self as on, BranchRole};

use super::history::{DAYS, History, Who, at, branch, new_branch, reason, words};
use crate::statistics::{Period, StatisticsFilter};

fn march() -> StatisticsFilter {
    StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") })
}

/// A document with the officer: 1 leads, 2 is for information, and of 1 a part is with the colleague: 3.
fn given_on(history: &mut History) -> socai_domain::id::IncomingId {
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    let lead = new_branch(1, Who::Officer.assignee(), BranchRole::Lead, DAYS(5));
    let informed = new_branch(2, Who::OtherOfficer.assignee(), BranchRole::Informed, DAYS(5));
    history.registers(document).submits(document).directs(document, vec![lead, informed]);
    let part = new_branch(3, Who::Colleague.assignee(), BranchRole::Lead, DAYS(3));
    history.by(Who::Officer).then(document, on::Assigned { parent: branch(1), branches: vec![part], note: None });
    document
}

fn returned(n: u128) -> on::BranchReturned {
    on::BranchReturned { branch: branch(n), reason: reason() }
}

/// All reworks, the open ones, and the minutes of those that are over.
async fn rework(history: &History) -> (u64, u64, i64) {
    let (views, leader) = (history.views().await, history.sight(Who::Leader));
    let rework = views.rework_statistics(&leader, &march()).await.unwrap();
    (rework.numbers.all, rework.numbers.open, rework.wall.total / 60_000_000)
}

#[tokio::test]
async fn who_was_only_informed_gives_back_no_work() {
    let mut history = History::new();
    let document = given_on(&mut history);
    history.at("2026-03-03T10:00:00").by(Who::OtherOfficer).then(document, returned(2));
    assert_eq!(rework(&history).await, (0, 0, 0));
}

#[tokio::test]
async fn who_does_it_themselves_ends_the_rework() {
    let mut history = History::new();
    let document = given_on(&mut history);
    history.at("2026-03-03T10:00:00").by(Who::Colleague).then(document, returned(3));
    assert_eq!(rework(&history).await, (1, 1, 0));
    history.at("2026-03-03T10:30:00").by(Who::Officer).completes(document, 1);
    assert_eq!(rework(&history).await, (1, 0, 30));
}

#[tokio::test]
async fn what_is_given_back_further_up_is_open_once() {
    let mut history = History::new();
    let document = given_on(&mut history);
    history.at("2026-03-03T10:00:00").by(Who::Colleague).then(document, returned(3));
    history.at("2026-03-03T10:30:00").by(Who::Officer).then(document, returned(1));
    assert_eq!(rework(&history).await, (2, 1, 30));
    history.at("2026-03-03T11:00:00").resolves(document);
    assert_eq!(rework(&history).await, (2, 0, 60));
}

#[tokio::test]
async fn the_leaders_opinion_stays_until_the_round_ends() {
    let mut history = History::new();
    let document = given_on(&mut history);
    let shown = async |history: &History| {
        let (views, leader) = (history.views().await, history.sight(Who::Leader));
        let document = views.document(&leader, document).await.unwrap().unwrap().document;
        document.directive.map(|text| text.to_string())
    };
    let directed = |note: Option<&str>, n, by_regulation| {
        let branches = vec![new_branch(n, Who::OtherOfficer.assignee(), BranchRole::Coordinating, DAYS(5))];
        on::Directed { note: note.map(words), branches, follower: None, by_regulation }
    };
    history.by(Who::Leader).then(document, directed(None, 4, false));
    history.by(Who::Clerk).then(document, directed(Some("Chuyển theo quy chế"), 5, true));
    assert_eq!(shown(&history).await.as_deref(), Some("Giao chủ trì"));
    history.by(Who::Leader).then(document, directed(Some("Làm trước thứ Sáu"), 6, false));
    assert_eq!(shown(&history).await.as_deref(), Some("Làm trước thứ Sáu"));
    history.resolves(document);
    history.by(Who::Leader).then(document, on::Reopened { reason: reason(), limit: DAYS(2), on_word_of: None });
    assert_eq!(shown(&history).await, None);
}

#[tokio::test]
async fn nobody_waited_for_paper_that_was_there() {
    let mut history = History::new();
    let document = history.at("2026-03-03T09:00:00").arrives(1, |arrived| arrived.details.paper_follows = true);
    history.then(document, on::PaperArrived { arrived_at: at("2026-03-03T08:00:00") });
    history.registers(document).at("2026-03-03T10:00:00").submits(document);
    let (views, leader) = (history.views().await, history.sight(Who::Leader));
    let paper = views.paper_statistics(&leader, &march()).await.unwrap();
    assert_eq!((paper.numbers.all, paper.numbers.first_act_waited, paper.wall.total), (1, 0, 0));
}
