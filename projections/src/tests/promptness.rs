//! Were documents registered and submitted in time? From the day of arrival, and also where nobody did it.

use socai_domain::{
    document_types::Urgency,
    incoming::events::{self as on, BranchRole},
    organ::{Setting, events as agency},
    register::VoidReason,
    text::ShortText,
};

use super::history::{DAYS, History, OTHER_UNIT, UNIT, Who, at, new_branch, reason, unit};
use crate::{
    lags::{
        PromptFigure,
        PromptFigure::{
            Late, LateOpen, Normal, OnTime, Pending, SameDay, Urgent, UrgentLate, UrgentLateOpen, UrgentOnTime,
        },
        PromptStage, Promptness,
    },
    statistics::{BranchFigure, GroupBy, Period, StatisticsFilter, UnitScope},
};

fn march() -> StatisticsFilter {
    StatisticsFilter::of(Period { from: at("2026-03-01T00:00:00"), before: at("2026-04-01T00:00:00") })
}

async fn promptness(history: &History, stage: PromptStage) -> Promptness {
    history.views().await.promptness(&history.sight(Who::Clerk), &march(), stage).await.unwrap()
}

/// The figures that count something.
fn counted(shown: &Promptness) -> Vec<(PromptFigure, u64)> {
    let numbers = PromptFigure::ALL.map(|figure| (figure, shown.get(figure)));
    numbers.into_iter().filter(|(_, number)| *number > 0).collect()
}

#[tokio::test]
async fn registration_is_prompt_until_the_end_of_the_next_working_day() {
    let mut history = History::new();
    // Friday.
    history.at("2026-03-06T16:00:00");
    let documents: Vec<_> = (0..5)
        .map(|n| {
            history.arrives(n, |arrived| {
                arrived.details.urgency = if n < 3 { Urgency::Normal } else { Urgency::Urgent };
            })
        })
        .collect();
    history.at("2026-03-06T16:30:00").registers(documents[3]);
    history.at("2026-03-06T16:31:00").registers(documents[4]).registers(documents[0]);
    history.at("2026-03-09T23:59:00").registers(documents[1]);
    history.at("2026-03-10T00:00:00").registers(documents[2]);
    let shown = promptness(&history, PromptStage::Registered).await;
    let expected = [(Normal, 3), (SameDay, 1), (OnTime, 2), (Late, 1), (Urgent, 2), (UrgentOnTime, 1), (UrgentLate, 1)];
    assert_eq!(counted(&shown), expected);
    assert_eq!(shown.same_day_share().per_mille(), Some(333));
    assert_eq!(shown.on_time_share().per_mille(), Some(600));
}

#[tokio::test]
async fn an_urgent_document_is_measured_by_the_minutes_in_force_when_it_arrived() {
    let mut history = History::new();
    let urgent = |arrived: &mut on::Arrived| arrived.details.urgency = Urgency::Urgent;
    let first = history.at("2026-03-03T09:00:00").arrives(1, urgent);
    history.at("2026-03-03T09:20:00").by(Who::Clerk).registers(first);
    history
        .at("2026-03-04T08:00:00")
        .agency(agency::SettingChanged { setting: Setting::UrgentMinutes { minutes: 10 } });
    assert_eq!(counted(&promptness(&history, PromptStage::Registered).await), [(Urgent, 1), (UrgentOnTime, 1)]);
    let second = history.at("2026-03-04T09:00:00").arrives(2, urgent);
    history.at("2026-03-04T09:20:00").by(Who::Clerk).registers(second);
    let expected = [(Urgent, 2), (UrgentOnTime, 1), (UrgentLate, 1)];
    assert_eq!(counted(&promptness(&history, PromptStage::Registered).await), expected);
}

#[tokio::test]
async fn submission_counts_from_the_day_of_arrival() {
    let mut history = History::new();
    // Tuesday; registered in time on Wednesday, submitted a day later, which is not.
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    history.at("2026-03-04T16:00:00").registers(document);
    history.at("2026-03-05T09:00:00").submits(document);
    // Given back and submitted again: the first time counts.
    history.by(Who::Leader).then(document, on::ReturnedToClerk { reason: reason() });
    history.at("2026-03-09T09:00:00").submits(document);
    assert_eq!(counted(&promptness(&history, PromptStage::Registered).await), [(Normal, 1), (OnTime, 1)]);
    assert_eq!(counted(&promptness(&history, PromptStage::Submitted).await), [(Normal, 1), (Late, 1)]);
}

#[tokio::test]
async fn the_day_of_arrival_is_the_one_that_was_stated() {
    let mut history = History::new();
    let stated = at("2026-03-03T09:00:00");
    let document = history.at("2026-03-05T09:00:00").arrives(1, |arrived| arrived.arrived_at = stated);
    history.registers(document);
    assert_eq!(counted(&promptness(&history, PromptStage::Registered).await), [(Normal, 1), (Late, 1)]);
}

#[tokio::test]
async fn what_was_passed_on_straight_to_a_unit_counts_as_submitted() {
    let mut history = History::new();
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    history.registers(document);
    let branches = vec![new_branch(1, on::Assignee::Unit { unit: unit(UNIT) }, BranchRole::Lead, DAYS(5))];
    let passed = on::Directed { note: None, branches, follower: None, by_regulation: true };
    history.at("2026-03-03T10:00:00").by(Who::Clerk).then(document, passed);
    let expected = [(Normal, 1), (SameDay, 1), (OnTime, 1)];
    assert_eq!(counted(&promptness(&history, PromptStage::Submitted).await), expected);
}

#[tokio::test]
async fn what_nobody_registered_is_pending_then_late_until_it_is_refused() {
    let mut history = History::new();
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    let urgent = history.arrives(2, |arrived| arrived.details.urgency = Urgency::Urgent);
    history.stays_unopened(3);
    history.at("2026-03-03T09:31:00");
    for stage in [PromptStage::Registered, PromptStage::Submitted] {
        let shown = promptness(&history, stage).await;
        let expected = [(Normal, 1), (Pending, 1), (Urgent, 1), (UrgentLate, 1), (UrgentLateOpen, 1)];
        assert_eq!(counted(&shown), expected);
        assert_eq!(shown.on_time_share().among, 1, "what is pending is in no share");
    }
    history.at("2026-03-05T00:00:00");
    for stage in [PromptStage::Registered, PromptStage::Submitted] {
        let expected = [(Normal, 1), (Late, 1), (LateOpen, 1), (Urgent, 1), (UrgentLate, 1), (UrgentLateOpen, 1)];
        assert_eq!(counted(&promptness(&history, stage).await), expected);
    }
    for refused in [document, urgent] {
        history.by(Who::Clerk).then(refused, on::ReceiptRefused { reason: reason() });
    }
    assert_eq!(counted(&promptness(&history, PromptStage::Registered).await), []);
}

#[tokio::test]
async fn what_was_cancelled_is_in_no_share_however_far_it_had_come() {
    let mut history = History::new();
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    history.registers(document).submits(document);
    assert_eq!(promptness(&history, PromptStage::Submitted).await.get(OnTime), 1);
    let (kind, reason) = (VoidReason::Error, reason());
    history.by(Who::Clerk).then(document, on::Cancelled { kind, reason, void_number: None, register: None });
    for stage in [PromptStage::Registered, PromptStage::Submitted] {
        assert_eq!(counted(&promptness(&history, stage).await), []);
    }
}

#[tokio::test]
async fn figures_of_a_past_moment_are_asked_by_its_unit_tree_or_by_todays() {
    let mut history = History::new();
    let document = history.at("2026-03-03T09:00:00").arrives(1, |_| {});
    let lead = new_branch(1, on::Assignee::Unit { unit: unit(UNIT) }, BranchRole::Lead, DAYS(5));
    history.registers(document).submits(document).directs(document, vec![lead]);
    let then = history.views().await;
    let sight = history.sight(Who::Leader);
    // The unit goes under another one.
    let word = |text| ShortText::new(text).unwrap();
    let (name, abbreviation) = (word("Vụ Ví Dụ"), word("VD"));
    history.agency(agency::UnitCreated { unit: unit(UNIT), parent: unit(OTHER_UNIT), name, abbreviation });
    let today = history.views().await;
    let counted = async |scope| {
        let filter = StatisticsFilter { unit: Some(scope), ..march() };
        let lines = then.branch_statistics(&sight, &filter, GroupBy::Organ).await.unwrap();
        lines[0].figures.get(BranchFigure::InProcess)
    };
    assert_eq!(counted(UnitScope::WithSubUnits(unit(OTHER_UNIT))).await, 0);
    let units = today.with_sub_units(unit(OTHER_UNIT)).await.unwrap();
    assert_eq!(counted(UnitScope::AnyOf(units)).await, 1);
    assert_eq!(counted(UnitScope::AnyOf(Vec::new())).await, 0);
}
