//! Everything that can be asked, page by page, as text: two views that show the same have the same text.

use std::fmt::Debug;

use socai_domain::{
    document_types::Channel,
    incoming::Stage,
    time::{Date, Timestamp},
};

use super::super::history::{OTHER_UNIT, UNIT, Who, organ, unit};
use crate::{
    Page, PageRequest, Viewer, Views, ViewsError,
    follow_up_register::FollowUpFilter,
    incoming_register::{RegisterFilter, RegisterLine},
    lags::{PaperFigure, PromptFigure, PromptStage, ReworkFigure},
    savings::SavingFigure,
    statistics::{BranchFigure, DocumentFigure, GroupBy, Period, StatisticsFilter, UnitScope},
    work_list::{WorkFilter, WorkScope, WorkState},
};

/// How much of each list is read: so many items on a page, and so many pages.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) first: u32,
    pub(super) pages: usize,
}

/// What was asked, and what was answered.
pub(super) type Said = Vec<(String, String)>;

/// All pages of a list, and how many items it has if it ends within them.
async fn read<T: Debug>(
    extent: Extent,
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, ViewsError>,
) -> (String, Option<u64>) {
    let (mut said, mut items, mut request) = (Vec::new(), 0, PageRequest::first(extent.first));
    for _ in 0..extent.pages {
        let page = list(request).await.unwrap();
        items += page.items.len() as u64;
        said.extend(page.items.iter().map(|item| format!("{item:?}")));
        said.push(format!("as of {:?}", page.position));
        let Some(cursor) = page.end_cursor.filter(|_| page.has_next) else {
            return (format!("{said:#?}"), Some(items));
        };
        request = PageRequest::first(extent.first).after(cursor);
    }
    (format!("{said:#?}"), None)
}

/// All pages of a list.
async fn pages<T: Debug>(extent: Extent, list: impl AsyncFn(PageRequest) -> Result<Page<T>, ViewsError>) -> String {
    read(extent, list).await.0
}

/// All pages of a list, which is as long as it is counted.
async fn counted<T: Debug>(
    extent: Extent,
    count: Result<u64, ViewsError>,
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, ViewsError>,
) -> String {
    let (said, items) = read(extent, list).await;
    let count = count.unwrap();
    assert!(items.is_none_or(|items| items == count), "{count} of {said}");
    format!("{count} {said}")
}

/// Everything that a viewer can ask.
pub(super) async fn asked(views: &Views, viewer: &Viewer, questions: &[&str], extent: Extent) -> Said {
    let mut said = Said::new();
    registers(views, viewer, extent, &mut said).await;
    work(views, viewer, extent, &mut said).await;
    figures(views, viewer, extent, &mut said).await;
    searches(views, viewer, questions, extent, &mut said).await;
    said
}

pub(super) async fn searches(views: &Views, viewer: &Viewer, questions: &[&str], extent: Extent, said: &mut Said) {
    for question in questions {
        let count = views.search_count(viewer, question).await;
        let found = counted(extent, count, async |page| views.search(viewer, question, &page).await).await;
        said.push((format!("search {question}"), found));
    }
}

pub(super) async fn registers(views: &Views, viewer: &Viewer, extent: Extent, said: &mut Said) {
    let day = |month, day| Some(Date::new(2026, month, day).unwrap());
    let register = RegisterFilter::default();
    for filter in [
        register.clone(),
        RegisterFilter { year: Some(2026), series: Some("đến".to_owned()), ..register.clone() },
        RegisterFilter { arrived_from: day(3, 3), arrived_to: day(3, 9), ..register.clone() },
        RegisterFilter { arrived_from: day(3, 3), arrived_to: day(12, 9), ..register.clone() },
        RegisterFilter { void: Some(true), ..register.clone() },
        RegisterFilter { void: Some(false), year: Some(2025), ..register },
    ] {
        let count = views.incoming_register_count(viewer, &filter).await;
        let lines = counted(extent, count, async |page| views.incoming_register(viewer, &filter, &page).await).await;
        said.push((format!("{filter:?}"), lines));
    }
    for (year, open, late) in [
        (None, None, false),
        (Some(2026), None, false),
        (None, Some(true), false),
        (None, Some(false), false),
        (None, None, true),
    ] {
        let filter = FollowUpFilter { year, open, late };
        let count = views.follow_up_register_count(viewer, &filter).await;
        let lines = counted(extent, count, async |page| views.follow_up_register(viewer, &filter, &page).await).await;
        said.push((format!("{filter:?}"), lines));
    }
    let mut ids = Vec::new();
    if let Some(position) = views.position().await.unwrap() {
        let some = views.documents_changed(viewer, position.with_place(0), 100).await.unwrap();
        ids.extend(some.iter().map(|(_, row)| row.id));
    }
    let mut documents = views.documents_by_id(viewer, &ids).await.unwrap();
    documents.sort_by_key(|view| view.document.id);
    said.push(("documents by id".to_owned(), format!("{documents:#?}")));
    assert!(views.documents_by_id(viewer, &[]).await.unwrap().is_empty());
    for id in ids.iter().take(5) {
        let (branches, line) =
            (views.branches(viewer, *id).await.unwrap(), views.register_line(viewer, *id).await.unwrap());
        said.push((format!("document {id}"), format!("{branches:#?} {line:#?}")));
    }
    if let Some(position) = views.position().await.unwrap() {
        let changed = views.documents_changed(viewer, position.with_place(0), 5).await.unwrap();
        let erased = views.erased_after(organ(), position.with_place(0)).await.unwrap();
        said.push(("changed".to_owned(), format!("{erased} {changed:#?}")));
    }
}

/// The register of some days is made of the same lines as the whole one, whatever else is asked, and is as long as it is counted.
pub(super) async fn assert_days_are_of_the_register(views: &Views, viewer: &Viewer) {
    let all = lines(views, viewer, &RegisterFilter::default()).await;
    let mut days: Vec<Date> = all.iter().filter_map(|line| line.arrived_on).collect();
    days.sort();
    days.dedup();
    let some = [days.first(), days.get(days.len() / 2), days.last()].map(Option::<&Date>::copied);
    let from_to =
        [(None, None), (some[0], None), (None, some[1]), (some[1], some[1]), (some[1], some[2]), (some[2], some[0])];
    for (arrived_from, arrived_to) in from_to.into_iter().filter(|_| !days.is_empty()) {
        for void in [None, Some(true), Some(false)] {
            for (year, series) in [(None, None), (Some(2026), None), (None, Some("đến".to_owned()))] {
                let filter = RegisterFilter { year, series: series.clone(), arrived_from, arrived_to, void };
                let holds = |line: &&RegisterLine| {
                    let after = |from| line.arrived_on.is_some_and(|day| day >= from);
                    let before = |to| line.arrived_on.is_some_and(|day| day <= to);
                    arrived_from.is_none_or(after)
                        && arrived_to.is_none_or(before)
                        && void.is_none_or(|void| line.void.is_some() == void)
                        && (year.is_none() || line.year == year)
                        && (series.is_none() || line.series == series)
                };
                let expected: Vec<&RegisterLine> = all.iter().filter(holds).collect();
                let shown = lines(views, viewer, &filter).await;
                assert_eq!(shown.iter().collect::<Vec<_>>(), expected, "{filter:?}");
                let count = views.incoming_register_count(viewer, &filter).await.unwrap();
                assert_eq!(count, expected.len() as u64, "{filter:?}");
            }
        }
    }
}

async fn lines(views: &Views, viewer: &Viewer, filter: &RegisterFilter) -> Vec<RegisterLine> {
    let (mut lines, mut request) = (Vec::new(), PageRequest::first(7));
    loop {
        let page = views.incoming_register(viewer, filter, &request).await.unwrap();
        let next = page.end_cursor.filter(|_| page.has_next);
        lines.extend(page.items.into_iter().map(|(_, line)| line));
        let Some(cursor) = next else { return lines };
        request = PageRequest::first(7).after(cursor);
    }
}

pub(super) async fn work(views: &Views, viewer: &Viewer, extent: Extent, said: &mut Said) {
    let scopes =
        [WorkScope::Mine, WorkScope::All, WorkScope::Person(Who::Officer.person()), WorkScope::Unit(unit(UNIT))];
    for scope in scopes {
        for state in WorkState::ALL.map(Some).into_iter().chain([None]) {
            let filter = WorkFilter { scope, state, kind: None };
            let count = views.work_list_count(viewer, &filter).await;
            let items = counted(extent, count, async |page| views.work_list(viewer, &filter, &page).await).await;
            said.push((format!("{filter:?}"), items));
        }
        let (counts, next) =
            (views.work_counts(viewer, scope).await.unwrap(), views.next_due(viewer, scope).await.unwrap());
        said.push((format!("counts {scope:?}"), format!("{counts:?} {next:?}")));
    }
    let standing = views.standing(viewer).await.unwrap();
    let (people, units) = (views.people(organ()).await.unwrap(), views.units(organ()).await.unwrap());
    let posts = views.posts(organ(), viewer.at()).await.unwrap();
    let below = views.with_sub_units(unit(UNIT)).await.unwrap();
    let books = views.books(organ()).await.unwrap();
    let known = views.organ(organ()).await.unwrap();
    said.push((
        "agency".to_owned(),
        format!("{standing:?} {people:#?} {units:#?} {posts:#?} {below:?} {books:?} {known:?}"),
    ));
    let nobody = (
        views.people_by_id(&[]).await.unwrap(),
        views.units_by_id(&[]).await.unwrap(),
        views.posts_by_id(&[], viewer.at()).await.unwrap(),
    );
    assert!(nobody.0.is_empty() && nobody.1.is_empty() && nobody.2.is_empty());
}

async fn figures(views: &Views, viewer: &Viewer, extent: Extent, said: &mut Said) {
    let period = Period { from: Timestamp::from_micros(0), before: viewer.at() };
    let all = StatisticsFilter::of(period);
    for filter in [
        all.clone(),
        StatisticsFilter {
            document_type: Some("Quyết định".to_owned()), channel: Some(Channel::Paper), ..all.clone()
        },
        StatisticsFilter { unit: Some(UnitScope::WithSubUnits(unit(UNIT))), ..all.clone() },
        StatisticsFilter { unit: Some(UnitScope::AnyOf(vec![unit(OTHER_UNIT)])), ..all.clone() },
        StatisticsFilter { unit: Some(UnitScope::AnyOf(Vec::new())), ..all.clone() },
        StatisticsFilter { person: Some(Who::Officer.person()), ..all },
    ] {
        for by in [GroupBy::Organ, GroupBy::Unit, GroupBy::Person, GroupBy::DocumentType, GroupBy::Channel] {
            let documents = views.document_statistics(viewer, &filter, by).await.unwrap();
            let branches = views.branch_statistics(viewer, &filter, by).await.unwrap();
            said.push((format!("{by:?} {filter:?}"), format!("{documents:#?} {branches:#?}")));
        }
        let lags = views.lag_statistics(viewer, &filter).await.unwrap();
        let rework = views.rework_statistics(viewer, &filter).await.unwrap();
        let paper = views.paper_statistics(viewer, &filter).await.unwrap();
        let prompt = views.promptness(viewer, &filter, PromptStage::Registered).await.unwrap();
        let savings = views.savings(viewer, &filter).await.unwrap();
        said.push((format!("took {filter:?}"), format!("{lags:#?} {rework:#?} {paper:#?} {prompt:#?} {savings:#?}")));
        for figure in [DocumentFigure::Arrived, DocumentFigure::Registered, DocumentFigure::Late] {
            let list = pages(extent, async |page| views.counted_documents(viewer, &filter, figure, &page).await).await;
            said.push((format!("{figure:?} {filter:?}"), list));
        }
        for figure in [BranchFigure::Assigned, BranchFigure::InProcess, BranchFigure::LateDone] {
            let list = pages(extent, async |page| views.counted_branches(viewer, &filter, figure, &page).await).await;
            said.push((format!("{figure:?} {filter:?}"), list));
        }
        for stage in [Stage::Registered, Stage::Resolved] {
            let count = views.count_lags(viewer, &filter, stage, None).await;
            let list = counted(extent, count, async |page| views.lags(viewer, &filter, stage, None, &page).await).await;
            said.push((format!("{stage:?} {filter:?}"), list));
        }
        let (rework, paper) = (ReworkFigure::All, PaperFigure::All);
        let count = views.count_rework(viewer, &filter, rework, None).await;
        let spells =
            counted(extent, count, async |page| views.rework(viewer, &filter, rework, None, &page).await).await;
        let count = views.count_paper_waits(viewer, &filter, paper, None).await;
        let waits =
            counted(extent, count, async |page| views.paper_waits(viewer, &filter, paper, None, &page).await).await;
        let stage = PromptStage::Submitted;
        let late = async |page| views.prompt_documents(viewer, &filter, stage, PromptFigure::Late, &page).await;
        let (late, saved) = (
            pages(extent, late).await,
            pages(extent, async |page| views.saved_documents(viewer, &filter, SavingFigure::Handled, &page).await)
                .await,
        );
        said.push((format!("lists {filter:?}"), format!("{spells} {waits} {late} {saved}")));
    }
}
