//! Faster and saved: formulas with their inputs.

use socai_domain::{
    document_types::Channel,
    incoming::events::{self as on, BranchRole},
    organ::events::{Baseline, BaselineDecided},
    register::VoidReason,
    time::Date,
};

use super::history::{DAYS, History, Who, at, branch, new_branch, reason};
use crate::{
    PageRequest,
    savings::SavingFigure,
    statistics::{Period, StatisticsFilter},
};

fn march() -> StatisticsFilter {
    StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") })
}

/// Five pages to two people over the axis, one day; the same on paper, the next. What was given back is no copy.
fn work(history: &mut History) {
    for (n, day, channel) in [(1, 3, Channel::Axis), (2, 4, Channel::Paper)] {
        let document = history.at(&format!("2026-03-0{day}T09:00:00")).arrives(n, |arrived| {
            arrived.channel = channel;
            arrived.details.page_count = Some(5);
        });
        let lead = new_branch(10 * n, Who::Officer.assignee(), BranchRole::Lead, DAYS(5));
        let other = new_branch(10 * n + 1, Who::OtherOfficer.assignee(), BranchRole::Coordinating, DAYS(5));
        let back = new_branch(10 * n + 2, Who::OtherOfficer.assignee(), BranchRole::Coordinating, DAYS(5));
        history.registers(document).submits(document).directs(document, vec![lead, other, back]);
        history.then(document, on::BranchReturned { branch: branch(10 * n + 2), reason: reason() });
        history.at(&format!("2026-03-0{day}T11:00:00")).resolves(document);
    }
    // Nobody entered how many pages it has.
    history.arrives(3, |arrived| arrived.details.page_count = None);
}

#[tokio::test]
async fn without_parameters_there_are_inputs_and_no_results() {
    let mut history = History::new();
    work(&mut history);
    let views = history.views().await;
    let [saving] = views.savings(&history.sight(Who::Leader), &march()).await.unwrap().try_into().unwrap();
    assert_eq!((saving.paperless, saving.without_pages, saving.copies, saving.pages), (2, 1, 2, 10));
    assert_eq!((saving.handling.count, saving.handling.median), (2, Some(2 * 3_600_000_000)));
    assert_eq!((saving.times_faster_per_mille(), saving.total(), saving.on_pages()), (None, None, None));
    // Who took part sees what they took part in.
    let [part] = views.savings(&history.sight(Who::Officer), &march()).await.unwrap().try_into().unwrap();
    assert_eq!((part.paperless, part.without_pages, part.copies, part.handling.count), (1, 0, 2, 2));
    let [nothing] = views.savings(&history.sight(Who::Outsider), &march()).await.unwrap().try_into().unwrap();
    assert_eq!((nothing.paperless, nothing.copies, nothing.handling.count), (0, 0, 0));
}

#[tokio::test]
async fn each_stretch_is_reckoned_by_the_parameters_of_its_days() {
    let mut history = History::new();
    work(&mut history);
    let baseline = Baseline {
        handling_minutes: Some(600),
        page_price: Some(300),
        envelope_price: Some(10_000),
        copy_minutes: Some(15),
        hour_price: Some(40_000),
    };
    let decided = BaselineDecided { from: Date::new(2026, 3, 1).unwrap(), baseline: baseline.clone() };
    history.agency(decided);
    let dearer = Baseline { page_price: Some(1_000), hour_price: None, ..baseline };
    history.agency(BaselineDecided { from: Date::new(2026, 3, 4).unwrap(), baseline: dearer });
    let views = history.views().await;
    let [first, second] = views.savings(&history.sight(Who::Leader), &march()).await.unwrap().try_into().unwrap();
    // Ten hours before, two now.
    assert_eq!(first.times_faster_per_mille(), Some(5_000));
    assert_eq!((first.on_pages(), first.on_post(), first.on_time()), (Some(3_000), Some(10_000), Some(20_000)));
    assert_eq!(first.total(), Some(33_000));
    assert_eq!((second.on_pages(), second.on_post(), second.on_time()), (Some(0), Some(10_000), None));
    assert_eq!((second.total(), second.handling.count), (None, 1), "no sum of what is not known");
}

#[tokio::test]
async fn each_number_is_as_long_as_its_list() {
    let mut history = History::new();
    work(&mut history);
    let views = history.views().await;
    let page = PageRequest::first(100);
    for who in [Who::Leader, Who::Officer, Who::Outsider] {
        let viewer = history.sight(who);
        let [saving] = views.savings(&viewer, &march()).await.unwrap().try_into().unwrap();
        let mut pages = 0;
        for &figure in SavingFigure::ALL {
            let list = views.saved_documents(&viewer, &march(), figure, &page).await.unwrap().items;
            assert_eq!(list.len() as u64, saving.get(figure), "{figure:?} of {who:?}");
            if figure == SavingFigure::Paperless {
                pages = list.iter().map(|(_, line)| line.pages.unwrap_or(0) * line.copies).sum();
            }
        }
        assert_eq!(pages, saving.pages, "the sum of the lines is the sum");
    }
}

#[tokio::test]
async fn what_was_refused_or_cancelled_saved_nothing() {
    let mut history = History::new();
    let [refused, cancelled, kept] = [1, 2, 3].map(|n| history.at("2026-03-03T09:00:00").arrives(n, |_| {}));
    let paperless = async |history: &History| {
        let [saving] =
            history.views().await.savings(&history.sight(Who::Leader), &march()).await.unwrap().try_into().unwrap();
        saving.paperless
    };
    assert_eq!(paperless(&history).await, 3);
    history.then(refused, on::ReceiptRefused { reason: reason() });
    history.registers(cancelled).registers(kept);
    let (kind, reason) = (VoidReason::Error, reason());
    history.then(cancelled, on::Cancelled { kind, reason, void_number: None, register: None });
    assert_eq!(paperless(&history).await, 1);
}
