//! Every number is the length of its drill-down.

use std::future::Future;

use socai_domain::incoming::Stage;

use super::{
    digests::seeds,
    generated::Generated,
    history::{OTHER_UNIT, UNIT, Who, unit},
};
use crate::{
    Page, PageRequest, ViewsError,
    lags::{Clocked, Distribution, PaperFigure, PromptFigure, PromptStage, ReworkFigure, Took},
    statistics::{BranchFigure, DocumentFigure, GroupBy, Period, StatisticsFilter, UnitScope},
    work_list::{WorkFilter, WorkScope, WorkState},
};

/// How many items a list has, page by page, and that no two have the same cursor.
pub(super) async fn length<T, F>(mut list: impl FnMut(PageRequest) -> F) -> u64
where
    F: Future<Output = Result<Page<T>, ViewsError>>,
{
    let (mut request, mut cursors) = (PageRequest::first(7), std::collections::HashSet::new());
    loop {
        let page = list(request).await.unwrap();
        for (cursor, _) in &page.items {
            assert!(cursors.insert(cursor.clone()), "an item came twice");
        }
        match page.end_cursor {
            Some(cursor) if page.has_next => request = PageRequest::first(7).after(cursor),
            _ => return cursors.len() as u64,
        }
    }
}

/// All that has a duration, and every class that counts something, by both clocks.
fn classes(wall: &Distribution, working: &Distribution) -> Vec<(u64, Option<Took>)> {
    let mut numbers = vec![(wall.count, None)];
    for (clock, spread) in [(Clocked::Wall, wall), (Clocked::Working, working)] {
        let mut more_than = None;
        for (at_most, count) in spread.classes.iter().copied() {
            if count > 0 {
                numbers.push((count, Some(Took { clock, more_than, at_most })));
            }
            more_than = at_most;
        }
    }
    numbers
}

#[tokio::test]
async fn every_number_is_the_length_of_its_drill_down() {
    for seed in seeds() {
        let mut generated = Generated::new(seed + 100);
        let first = generated.history.now();
        generated.steps(260);
        let views = generated.history.views().await;
        let now = generated.history.now();
        let middle = first.plus_micros((now.as_micros() - first.as_micros()) / 3);
        let mut counted = 0;
        for who in [Who::Leader, Who::Head, Who::Officer, Who::Outsider] {
            let viewer = &generated.history.sight(who);
            let mut filter = StatisticsFilter::of(Period { from: middle, before: now.plus_micros(1) });
            for group in [GroupBy::Organ, GroupBy::DocumentType, GroupBy::Channel] {
                for line in views.document_statistics(viewer, &filter, group).await.unwrap() {
                    let of =
                        StatisticsFilter { document_type: line.document_type, channel: line.channel, ..filter.clone() };
                    for figure in DocumentFigure::ALL {
                        let list = |page| {
                            let (views, of) = (views.clone(), of.clone());
                            async move { views.counted_documents(viewer, &of, *figure, &page).await }
                        };
                        let number = line.figures.get(*figure);
                        assert_eq!(number, length(list).await, "{seed} {who:?} {group:?} {figure:?}");
                        counted += number;
                    }
                }
            }
            let groups = [GroupBy::Organ, GroupBy::Unit, GroupBy::Person, GroupBy::DocumentType, GroupBy::Channel];
            for group in groups {
                for line in views.branch_statistics(viewer, &filter, group).await.unwrap() {
                    let of = StatisticsFilter {
                        unit: line.unit.map(UnitScope::Exactly),
                        person: line.person,
                        document_type: line.document_type,
                        channel: line.channel,
                        ..filter.clone()
                    };
                    for figure in BranchFigure::ALL {
                        let list = |page| {
                            let (views, of) = (views.clone(), of.clone());
                            async move { views.counted_branches(viewer, &of, *figure, &page).await }
                        };
                        let number = line.figures.get(*figure);
                        assert_eq!(number, length(list).await, "{seed} {who:?} {group:?} {figure:?}");
                        counted += number;
                    }
                }
            }
            for figures in views.lag_statistics(viewer, &filter).await.unwrap() {
                assert!(figures.working.total <= figures.wall.total);
                for (number, took) in classes(&figures.wall, &figures.working) {
                    let list = |page| {
                        let (views, filter) = (views.clone(), filter.clone());
                        async move { views.lags(viewer, &filter, figures.stage, took, &page).await }
                    };
                    assert_eq!(number, length(list).await, "{:?} {took:?}", figures.stage);
                    counted += number;
                }
            }
            for stage in [PromptStage::Registered, PromptStage::Submitted] {
                let promptness = views.promptness(viewer, &filter, stage).await.unwrap();
                for figure in PromptFigure::ALL {
                    let list = |page| {
                        let (views, filter) = (views.clone(), filter.clone());
                        async move { views.prompt_documents(viewer, &filter, stage, figure, &page).await }
                    };
                    assert_eq!(promptness.get(figure), length(list).await, "{seed} {who:?} {stage:?} {figure:?}");
                }
            }
            let rework = views.rework_statistics(viewer, &filter).await.unwrap();
            let numbers = ReworkFigure::ALL.iter().map(|figure| (*figure, rework.numbers.get(*figure), None));
            let spread = classes(&rework.wall, &rework.working).into_iter().skip(1);
            for (figure, number, took) in numbers.chain(spread.map(|(number, took)| (ReworkFigure::All, number, took)))
            {
                let list = |page| {
                    let (views, filter) = (views.clone(), filter.clone());
                    async move { views.rework(viewer, &filter, figure, took, &page).await }
                };
                assert_eq!(number, length(list).await, "{figure:?} {took:?}");
            }
            let paper = views.paper_statistics(viewer, &filter).await.unwrap();
            let numbers = PaperFigure::ALL.iter().map(|figure| (*figure, paper.numbers.get(*figure), None));
            let spread = classes(&paper.wall, &paper.working).into_iter().skip(1);
            for (figure, number, took) in numbers.chain(spread.map(|(number, took)| (PaperFigure::All, number, took))) {
                let list = |page| {
                    let (views, filter) = (views.clone(), filter.clone());
                    async move { views.paper_waits(viewer, &filter, figure, took, &page).await }
                };
                assert_eq!(number, length(list).await, "{figure:?} {took:?}");
            }
            assert!(paper.numbers.acted_meanwhile + paper.numbers.first_act_waited <= paper.numbers.all);
            filter.unit = Some(UnitScope::WithSubUnits(unit(1)));
            let whole = views.branch_statistics(viewer, &filter, GroupBy::Organ).await.unwrap()[0].figures;
            filter.unit = None;
            let all = views.branch_statistics(viewer, &filter, GroupBy::Organ).await.unwrap()[0].figures;
            assert_eq!(whole, all, "the root has everything under it");
        }
        assert!(counted > 200, "only {counted} things were counted with seed {seed}");
    }
}

#[tokio::test]
async fn counts_of_work_are_lengths_of_lists() {
    for seed in seeds() {
        let mut generated = Generated::new(seed + 300);
        generated.steps(200);
        let views = generated.history.views().await;
        for who in [Who::Leader, Who::Clerk, Who::Head, Who::Officer, Who::Outsider] {
            let viewer = &generated.history.sight(who);
            let scopes = [
                WorkScope::Mine,
                WorkScope::All,
                WorkScope::Unit(unit(UNIT)),
                WorkScope::Person(Who::Officer.person()),
            ];
            for scope in scopes {
                let counts = views.work_counts(viewer, scope).await.unwrap();
                let of_state =
                    [counts.new, counts.due_soon, counts.late, counts.waiting_for_others, counts.holder_gone];
                let states = [(None, counts.all)].into_iter();
                for (state, count) in states.chain(WorkState::ALL.map(Some).into_iter().zip(of_state)) {
                    let filter = WorkFilter { scope, state, kind: None };
                    let list = |page| {
                        let views = views.clone();
                        async move { views.work_list(viewer, &filter, &page).await }
                    };
                    assert_eq!(count, length(list).await, "{seed} {who:?} {scope:?} {state:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn lags_go_from_first_arrival_to_first_arrival() {
    use super::history::{DAYS, History, at, new_branch, reason};
    use socai_domain::incoming::events::{self as on, BranchRole};
    let mut history = History::new();
    history.at("2026-03-03T09:00:00");
    let document = history.arrives(1, |arrived| arrived.details.paper_follows = true);
    history.at("2026-03-03T10:00:00").registers(document);
    history.at("2026-03-03T11:00:00").submits(document);
    history.at("2026-03-03T15:00:00").by(Who::Leader).then(document, on::ReturnedToClerk { reason: reason() });
    history.at("2026-03-03T16:30:00").submits(document);
    history
        .at("2026-03-04T09:00:00")
        .directs(document, vec![new_branch(1, Who::Officer.assignee(), BranchRole::Lead, DAYS(5))]);
    history.at("2026-03-05T09:00:00").then(document, on::PaperArrived { arrived_at: at("2026-03-05T09:00:00") });
    history.at("2026-03-06T09:00:00").by(Who::Officer).completes(document, 1).resolves(document);
    let views = history.views().await;
    let leader = history.sight(Who::Leader);
    let filter = StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") });
    let hours = |micros: i64| micros / 3_600_000_000;
    let lags: Vec<_> = views.lag_statistics(&leader, &filter).await.unwrap();
    let shown: Vec<_> = lags.iter().map(|lag| (lag.stage, hours(lag.wall.total), hours(lag.working.total))).collect();
    // Submitted at 11:00, directed at 09:00 the next day: 1 + 4 + 1 working hours, the return within.
    let expected =
        [(Stage::Registered, 1, 1), (Stage::Submitted, 1, 1), (Stage::Directed, 22, 6), (Stage::Resolved, 48, 16)];
    assert_eq!(shown, expected);
    let rework = views.rework_statistics(&leader, &filter).await.unwrap();
    assert_eq!((rework.numbers.all, rework.numbers.open, rework.wall.total), (1, 0, 90 * 60_000_000));
    let paper = views.paper_statistics(&leader, &filter).await.unwrap();
    assert_eq!((paper.numbers.all, paper.numbers.awaited, hours(paper.wall.total)), (1, 0, 48));
    let meanwhile = (paper.numbers.acted_meanwhile, paper.numbers.resolved_meanwhile, paper.numbers.first_act_waited);
    assert_eq!(meanwhile, (1, 0, 0));
    // By unit and by person: those in which they had a part.
    let filtered = |unit, person| StatisticsFilter { unit, person, ..filter.clone() };
    let filters = [
        (filtered(Some(UnitScope::Exactly(unit(UNIT))), None), 1),
        (filtered(Some(UnitScope::Exactly(unit(OTHER_UNIT))), None), 0),
        (filtered(Some(UnitScope::WithSubUnits(unit(1))), Some(Who::Officer.person())), 1),
        (filtered(None, Some(Who::Colleague.person())), 0),
    ];
    for (filter, expected) in filters {
        let first = PageRequest::first(10);
        for lag in views.lag_statistics(&leader, &filter).await.unwrap() {
            assert_eq!(lag.wall.count, expected, "{filter:?} {:?}", lag.stage);
            let list = views.lags(&leader, &filter, lag.stage, None, &first).await.unwrap();
            assert_eq!(list.items.len() as u64, expected);
        }
        assert_eq!(views.rework_statistics(&leader, &filter).await.unwrap().numbers.all, expected, "{filter:?}");
        let list = views.rework(&leader, &filter, ReworkFigure::All, None, &first).await.unwrap();
        assert_eq!(list.items.len() as u64, expected);
        assert_eq!(views.paper_statistics(&leader, &filter).await.unwrap().numbers.all, expected, "{filter:?}");
        let list = views.paper_waits(&leader, &filter, PaperFigure::All, None, &first).await.unwrap();
        assert_eq!(list.items.len() as u64, expected);
    }
}

#[tokio::test]
async fn mail_that_is_brought_back_is_counted_and_what_stays_unopened_is_not() {
    use super::history::{History, at};
    let mut history = History::new();
    history.at("2026-03-03T09:00:00").stays_unopened(1);
    history.stays_unopened(2);
    let filter = StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") });
    let shown = async |history: &History| {
        let views = history.views().await;
        let lines = views.document_statistics(&history.sight(Who::Clerk), &filter, GroupBy::Organ).await.unwrap();
        (lines[0].figures.arrived, lines[0].figures.registered, lines[0].figures.in_process)
    };
    assert_eq!(shown(&history).await, (0, 0, 0));
    let document = history.at("2026-03-05T09:00:00").arrives(1, |_| {});
    assert_eq!(shown(&history).await, (1, 0, 0));
    history.registers(document);
    assert_eq!(shown(&history).await, (1, 1, 1));
}

#[tokio::test]
async fn a_registration_counts_when_it_was_made_also_after_an_erasure() {
    use super::history::{History, at};
    let mut history = History::new();
    let document = history.at("2026-03-05T09:00:00").arrives(1, |_| {});
    history.registers(document);
    history.at("2026-04-06T09:00:00").by(Who::Clerk).expunges(document, 1);
    // Never registered, so never counted as such.
    let other = history.arrives(2, |_| {});
    history.at("2026-04-07T09:00:00").by(Who::Clerk).expunges_unregistered(other);
    let views = history.views().await;
    let (march, april, may) = (at("2026-03-01T00:00:00"), at("2026-04-01T00:00:00"), at("2026-05-01T00:00:00"));
    for (from, before, registered) in [(march, april, 1), (april, may, 0)] {
        let filter = StatisticsFilter::of(Period { from, before });
        let lines = views.document_statistics(&history.sight(Who::Clerk), &filter, GroupBy::Organ).await.unwrap();
        assert_eq!(lines[0].figures.registered, registered);
    }
}

/// What was registered are two lists, one after the other: the second one, of which this cursor could be, is not gone on with.
#[tokio::test]
async fn a_list_does_not_go_on_from_another_ones_cursor() {
    use super::history::{History, at};
    let mut history = History::new();
    let document = history.at("2026-03-05T09:00:00").arrives(1, |_| {});
    history.registers(document);
    let (views, clerk) = (history.views().await, history.sight(Who::Clerk));
    let filter = StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") });
    let list = async |figure, page| views.counted_documents(&clerk, &filter, figure, &page).await;
    let first = list(DocumentFigure::InProcess, PageRequest::first(1)).await.unwrap();
    let after = PageRequest::first(1).after(first.end_cursor.unwrap());
    assert!(list(DocumentFigure::InProcess, after.clone()).await.unwrap().items.is_empty());
    for figure in [DocumentFigure::Registered, DocumentFigure::Late, DocumentFigure::Arrived] {
        let asked = list(figure, after.clone()).await;
        assert!(matches!(asked, Err(crate::ViewsError::BadCursor)), "{figure:?}: {asked:?}");
    }
}

#[tokio::test]
async fn paper_that_came_first_was_not_waited_for() {
    use super::history::{History, at};
    use socai_domain::incoming::events as on;
    let mut history = History::new();
    // The paper lay there before the electronic document came; of the other one, an hour later.
    for (n, paper) in [(1, "2026-03-03T08:00:00"), (2, "2026-03-03T10:00:00")] {
        let document =
            history.at("2026-03-03T09:00:00").arrives(n, |arrived| arrived.arrived_at = at("2026-03-03T09:00:00"));
        history.then(document, on::PaperArrived { arrived_at: at(paper) });
        history.at("2026-03-03T11:00:00").registers(document).submits(document);
    }
    let (views, leader) = (history.views().await, history.sight(Who::Leader));
    let filter = StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") });
    let paper = views.paper_statistics(&leader, &filter).await.unwrap();
    assert_eq!((paper.numbers.all, paper.numbers.first_act_waited), (2, 1));
    assert_eq!((paper.wall.median, paper.wall.total), (Some(0), 3_600_000_000));
    let took = Took { clock: Clocked::Wall, more_than: None, at_most: Some(0) };
    let list = views.paper_waits(&leader, &filter, PaperFigure::All, Some(took), &PageRequest::first(9)).await.unwrap();
    assert_eq!(list.items.len(), 1);
}
