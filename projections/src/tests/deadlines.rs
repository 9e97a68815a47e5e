//! Deadlines and what the figures make of them.

use socai_domain::{
    calendar::{CalendarYear, Holiday},
    deadline::{Limit, SumLine},
    id::IncomingId,
    incoming::{
        Stage,
        events::{self as on, BranchRole},
    },
    organ::events as agency,
    text::ShortText,
    time::{Date, Timestamp},
};

use super::history::{DAYS, History, Who, at, branch, new_branch, reason};
use crate::{
    PageRequest, Viewer, Views,
    statistics::{DocumentFigures, GroupBy, Period, StatisticsFilter},
    work_list::{WorkFilter, WorkKind, WorkScope},
};

/// Directed on Tuesday 2026-03-03 with five working days: due at the end of Tuesday 2026-03-10.
fn directed(history: &mut History, n: u128) -> IncomingId {
    history.at("2026-03-03T09:00:00");
    let document = history.arrives(n, |_| {});
    let lead = new_branch(n, Who::Officer.assignee(), BranchRole::Lead, DAYS(5));
    history.registers(document).submits(document).directs(document, vec![lead]);
    document
}

async fn round(history: &History, document: IncomingId) -> crate::document::Round {
    let views = history.views().await;
    let view = views.document(&history.sight(Who::Leader), document).await.unwrap().unwrap();
    view.document.rounds.last().unwrap().clone()
}

async fn figures(views: &Views, viewer: Viewer) -> DocumentFigures {
    let filter = StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") });
    views.document_statistics(&viewer, &filter, GroupBy::Organ).await.unwrap()[0].figures
}

fn extended(n: u128, until: Timestamp) -> on::ExtensionDecided {
    on::ExtensionDecided { branch: branch(n), until: Some(until), note: None }
}

#[tokio::test]
async fn a_holiday_decreed_later_moves_what_is_open_and_nothing_else() {
    let mut history = History::new();
    let (open, done) = (directed(&mut history, 1), directed(&mut history, 2));
    history.at("2026-03-04T09:00:00").by(Who::Officer).completes(done, 2).resolves(done);
    assert_eq!(round(&history, open).await.due, Some(at("2026-03-11T00:00:00")));
    history.agency(holiday(9));
    assert_eq!(round(&history, open).await.due, Some(at("2026-03-12T00:00:00")));
    assert_eq!(round(&history, done).await.due, Some(at("2026-03-11T00:00:00")));
}

#[tokio::test]
async fn an_extension_in_time_makes_it_on_time_and_says_so() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    history.at("2026-03-09T09:00:00").then(document, extended(1, at("2026-03-15T00:00:00")));
    history.at("2026-03-12T09:00:00").by(Who::Officer).completes(document, 1).resolves(document);
    let shown = figures(&history.views().await, history.sight(Who::Leader)).await;
    assert_eq!((shown.processed, shown.on_time, shown.met_only_by_extension, shown.late), (1, 1, 1, 0));
    assert_eq!(shown.on_time_share().per_mille(), Some(1000));
}

#[tokio::test]
async fn an_extension_after_the_deadline_does_not_undo_lateness() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    history.at("2026-03-12T09:00:00").then(document, extended(1, at("2026-03-20T00:00:00")));
    let views = history.views().await;
    let shown = figures(&views, history.sight(Who::Leader)).await;
    assert_eq!((shown.in_process, shown.late_open), (1, 1));
    assert_eq!(round(&history, document).await.due, Some(at("2026-03-20T00:00:00")));
    history.at("2026-03-13T09:00:00").by(Who::Officer).completes(document, 1).resolves(document);
    let shown = figures(&history.views().await, history.sight(Who::Leader)).await;
    assert_eq!((shown.processed, shown.late_done, shown.on_time, shown.late), (1, 1, 0, 1));
}

#[tokio::test]
async fn an_extension_of_the_whole_after_its_deadline_does_not_undo_the_lateness_of_its_parts() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    let assigns = |history: &mut History, n| {
        let part = new_branch(n, Who::Colleague.assignee(), BranchRole::Lead, Limit::None);
        history.by(Who::Officer).then(document, on::Assigned { parent: branch(1), branches: vec![part], note: None });
    };
    assigns(&mut history, 2);
    let (first, last) = (at("2026-03-11T00:00:00"), at("2026-03-20T00:00:00"));
    history.at("2026-03-12T09:00:00").then(document, extended(1, last));
    assigns(&mut history, 3);
    let views = history.views().await;
    let view = views.document(&history.sight(Who::Leader), document).await.unwrap().unwrap();
    let shown: Vec<_> =
        view.document.branches.iter().map(|part| [part.due, part.original_due, part.binding_due]).collect();
    // Who was given a part after the deadline is not late with it from the beginning.
    assert_eq!(shown, [[last, first, first], [last, first, first], [last; 3]].map(|dues| dues.map(Some)));
}

#[tokio::test]
async fn an_amended_limit_does_not_undo_lateness_either() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    let amended = |days| on::BranchAmended { branch: branch(1), limit: Some(DAYS(days)), note: None, reason: reason() };
    history.at("2026-03-05T09:00:00").then(document, amended(6));
    assert_eq!(round(&history, document).await.binding_due, Some(at("2026-03-12T00:00:00")));
    history.at("2026-03-13T09:00:00").then(document, amended(20));
    let round = round(&history, document).await;
    assert_eq!(round.binding_due, Some(at("2026-03-12T00:00:00")));
    assert!(round.due > round.binding_due);
}

#[tokio::test]
async fn a_pause_moves_the_deadline_and_a_reopening_begins_a_round() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    history.at("2026-03-04T09:00:00").then(document, on::Paused { reason: reason(), until: at("2026-03-20T00:00:00") });
    assert!(round(&history, document).await.due > Some(at("2026-03-20T00:00:00")));
    history.at("2026-03-06T09:00:00").then(document, on::Resumed { note: None });
    // Two ends of working days fell into the pause.
    assert_eq!(round(&history, document).await.due, Some(at("2026-03-13T00:00:00")));
    history.at("2026-03-09T09:00:00").by(Who::Officer).completes(document, 1).resolves(document);
    let before = history.views().await;
    let then = history.sight(Who::Leader);
    let limit = Limit::WorkingDays { days: 2 };
    history.at("2026-03-16T09:00:00").then(document, on::Reopened { reason: reason(), limit, on_word_of: None });
    let views = history.views().await;
    let shown = figures(&views, history.sight(Who::Leader)).await;
    assert_eq!((shown.processed, shown.in_process, shown.registered), (1, 1, 1));
    let view = views.document(&history.sight(Who::Officer), document).await.unwrap().unwrap();
    assert_eq!((view.document.stage, view.document.rounds.len()), (Some(Stage::Directed), 2));
    assert_eq!(view.document.round().unwrap().due, Some(at("2026-03-19T00:00:00")));

    // As of before the reopening nothing has changed.
    let until = at("2026-03-10T00:00:00");
    let past = Views::build_until(&history.log, history.opener(), until).await.unwrap();
    assert_eq!(past.digest().await.unwrap(), before.digest().await.unwrap());
    let past = figures(&past, Viewer::operator(then.organ(), until)).await;
    assert_eq!((past.processed, past.in_process), (1, 0));
}

#[tokio::test]
async fn a_branch_counts_for_who_held_it_at_its_end() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    let (from, to) = (Who::Officer.assignee(), Who::OtherOfficer.assignee());
    history.then(document, on::BranchReassigned { branch: branch(1), from, to, reason: reason() });
    history.at("2026-03-05T09:00:00").by(Who::OtherOfficer).completes(document, 1);
    let views = history.views().await;
    let filter = StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") });
    let lines = views.branch_statistics(&history.sight(Who::Leader), &filter, GroupBy::Person).await.unwrap();
    let shown: Vec<_> = lines.iter().map(|line| (line.person, line.figures.on_time)).collect();
    assert_eq!(shown, [(Some(Who::OtherOfficer.person()), 1)]);
}

fn holiday(day: i8) -> agency::CalendarDecided {
    let (date, name) = (Date::new(2026, 3, day).unwrap(), ShortText::new("Ngày nghỉ ví dụ").unwrap());
    agency::CalendarDecided {
        calendar: CalendarYear { holidays: vec![Holiday { date, name }], ..CalendarYear::plain(2026) },
    }
}

#[tokio::test]
async fn the_documents_clock_runs_on_when_the_lead_is_done() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    history.at("2026-03-04T09:00:00").by(Who::Officer).completes(document, 1);
    let lead = async |history: &History| {
        let (views, leader) = (history.views().await, history.sight(Who::Leader));
        let view = views.document(&leader, document).await.unwrap().unwrap();
        let (round, filter) =
            (view.document.round().unwrap().due, WorkFilter { scope: WorkScope::Mine, state: None, kind: None });
        let work = views.work_list(&leader, &filter, &PageRequest::first(9)).await.unwrap();
        let [resolve] = work.nodes().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((resolve.kind, resolve.due, resolve.binding_due), (WorkKind::Resolve, round, round));
        (view.document.branches[0].due, round)
    };
    let frozen = Some(at("2026-03-11T00:00:00"));
    history.agency(holiday(9));
    assert_eq!(lead(&history).await, (frozen, Some(at("2026-03-12T00:00:00"))));
    history.at("2026-03-05T09:00:00").then(document, on::Paused { reason: reason(), until: at("2026-03-06T12:00:00") });
    assert_eq!(lead(&history).await, (frozen, Some(at("2026-03-13T00:00:00"))));
    history.at("2026-03-12T09:00:00").resolves(document);
    let shown = figures(&history.views().await, history.sight(Who::Leader)).await;
    assert_eq!((shown.on_time, shown.late_done), (1, 0));
}

#[tokio::test]
async fn the_sum_of_what_has_ended_is_that_of_its_end() {
    let mut history = History::new();
    let (open, done) = (directed(&mut history, 1), directed(&mut history, 2));
    history.at("2026-03-04T09:00:00").by(Who::Officer).completes(done, 2).resolves(done);
    history.by(Who::Officer).completes(open, 1);
    history.agency(holiday(9));
    history.at("2026-03-05T09:00:00").then(open, on::Paused { reason: reason(), until: at("2026-03-06T12:00:00") });
    let views = history.views().await;
    for document in [open, done] {
        let view = views.document(&history.sight(Who::Leader), document).await.unwrap().unwrap();
        let result = |sum: &[SumLine]| match sum.last() {
            Some(SumLine::Result { due, .. }) => due.at(),
            other => panic!("{other:?}"),
        };
        assert_eq!(result(&view.sum_of(&view.document.branches[0]).unwrap()), view.document.branches[0].due);
        assert_eq!(result(&view.sum().unwrap().unwrap()), view.document.rounds[0].due);
    }
}

#[tokio::test]
async fn more_time_by_another_limit_is_met_only_by_extension() {
    let mut history = History::new();
    let document = directed(&mut history, 1);
    let amended = on::BranchAmended { branch: branch(1), limit: Some(DAYS(9)), note: None, reason: reason() };
    history.at("2026-03-05T09:00:00").then(document, amended);
    history.at("2026-03-12T09:00:00").by(Who::Officer).completes(document, 1).resolves(document);
    let shown = figures(&history.views().await, history.sight(Who::Leader)).await;
    assert_eq!((shown.on_time, shown.met_only_by_extension, shown.late), (1, 1, 0));
}
