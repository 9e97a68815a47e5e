//! Nobody sees what they may not, in any list, count, drill-down or search.

use socai_domain::{
    id::IncomingId,
    incoming::{
        Stage,
        events::{self as on, Assignee, BranchRole},
    },
    organ::{Setting, events as agency},
};

use super::{
    figures::length,
    history::{DAYS, History, OTHER_UNIT, UNIT, Who, branch, new_branch, organ, reason, says, unit},
};
use crate::{
    PageRequest, Viewer, Views,
    follow_up_register::FollowUpFilter,
    incoming_register::RegisterFilter,
    lags::{PaperFigure, PromptFigure, PromptStage, ReworkFigure},
    statistics::{BranchFigure, DocumentFigure, GroupBy, Period, StatisticsFilter},
    work_list::{WorkFilter, WorkScope},
};

/// Nobody sees few documents: lists are looked through.
pub(super) const NOBODY: i64 = -1;
/// Whoever does not see all sees few: lists are made of them.
pub(super) const EVERYBODY: i64 = 1_000_000;

/// How many things each query shows to a viewer, by its name. All of one document: each shows something to who sees it.
async fn shown(views: &Views, viewer: Viewer, document: IncomingId) -> Vec<(&'static str, u64)> {
    let (viewer, page) = (&viewer, PageRequest::first(100));
    let period = Period { from: viewer.at().plus_minutes(-100_000), before: viewer.at().plus_minutes(1) };
    let filter = StatisticsFilter::of(period);
    let all = WorkFilter { scope: WorkScope::All, state: None, kind: None };
    let documents = views.document_statistics(viewer, &filter, GroupBy::Organ).await.unwrap()[0].figures;
    let branches = views.branch_statistics(viewer, &filter, GroupBy::Organ).await.unwrap()[0].figures;
    let lags = views.lag_statistics(viewer, &filter).await.unwrap();
    let counted = |page| async move {
        views.counted_documents(viewer, &filter_of(period), DocumentFigure::InProcess, &page).await
    };
    let of_branches =
        |page| async move { views.counted_branches(viewer, &filter_of(period), BranchFigure::InProcess, &page).await };
    let lagging = |page| async move { views.lags(viewer, &filter_of(period), Stage::Registered, None, &page).await };
    let prompt = |page| async move {
        let (stage, figure) = (PromptStage::Registered, PromptFigure::SameDay);
        views.prompt_documents(viewer, &filter_of(period), stage, figure, &page).await
    };
    let promptness = views.promptness(viewer, &filter, PromptStage::Registered).await.unwrap();
    let (returned, paper) = (ReworkFigure::All, PaperFigure::Awaited);
    vec![
        ("document", u64::from(views.document(viewer, document).await.unwrap().is_some())),
        ("document_row", u64::from(views.document_row(viewer, document).await.unwrap().is_some())),
        ("sees", u64::from(views.sees(viewer, document).await.unwrap())),
        ("branches", views.branches(viewer, document).await.unwrap().len() as u64),
        ("register_line", u64::from(views.register_line(viewer, document).await.unwrap().is_some())),
        (
            "incoming_register",
            views.incoming_register(viewer, &RegisterFilter::default(), &page).await.unwrap().items.len() as u64,
        ),
        ("incoming_register_count", views.incoming_register_count(viewer, &RegisterFilter::default()).await.unwrap()),
        (
            "follow_up_register",
            views.follow_up_register(viewer, &FollowUpFilter::default(), &page).await.unwrap().items.len() as u64,
        ),
        ("follow_up_register_count", views.follow_up_register_count(viewer, &FollowUpFilter::default()).await.unwrap()),
        ("work_list", views.work_list(viewer, &all, &page).await.unwrap().items.len() as u64),
        ("work_counts", views.work_counts(viewer, WorkScope::All).await.unwrap().all),
        ("next_due", u64::from(views.next_due(viewer, WorkScope::All).await.unwrap().is_some())),
        ("search", views.search(viewer, "góp ý", &page).await.unwrap().items.len() as u64),
        ("search_count", views.search_count(viewer, "góp ý").await.unwrap()),
        ("document_statistics", documents.in_process),
        ("branch_statistics", branches.in_process),
        ("counted_documents", length(counted).await),
        ("counted_branches", length(of_branches).await),
        ("lag_statistics", lags[0].wall.count),
        ("lags", length(lagging).await),
        ("promptness", promptness.get(PromptFigure::SameDay)),
        ("prompt_documents", length(prompt).await),
        ("rework_statistics", views.rework_statistics(viewer, &filter).await.unwrap().numbers.all),
        ("rework", views.rework(viewer, &filter, returned, None, &page).await.unwrap().items.len() as u64),
        ("paper_statistics", views.paper_statistics(viewer, &filter).await.unwrap().numbers.all),
        ("paper_waits", views.paper_waits(viewer, &filter, paper, None, &page).await.unwrap().items.len() as u64),
    ]
}

fn filter_of(period: Period) -> StatisticsFilter {
    StatisticsFilter::of(period)
}

/// A document whose lead is with one person.
fn handled_by(history: &mut History, who: Assignee) -> IncomingId {
    let document = history.arrives(1, |arrived| {
        says("15", "QĐ-BNV", "Về việc góp ý kế hoạch")(arrived);
        arrived.details.paper_follows = true;
    });
    history
        .registers(document)
        .submits(document)
        .by(Who::Leader)
        .then(document, on::ReturnedToClerk { reason: reason() });
    history.submits(document).directs(document, vec![new_branch(1, who, BranchRole::Lead, DAYS(5))]);
    document
}

async fn who_sees(history: &History, document: IncomingId) -> Vec<Who> {
    let views = history.views().await;
    let mut seeing = Vec::new();
    for who in Who::ALL {
        let shown_to = async |few| shown(&views.with_few(few), history.sight(who), document).await;
        let shown = shown_to(EVERYBODY).await;
        assert_eq!(shown, shown_to(NOBODY).await, "{who:?}");
        let sees = shown[0].1 > 0;
        for (query, count) in shown {
            assert_eq!(count > 0, sees, "{query} for {who:?}");
        }
        if sees {
            seeing.push(who);
        }
    }
    seeing
}

const ALL_SEEING: [Who; 4] = [Who::Leader, Who::Deputy, Who::Clerk, Who::Inspector];

fn and(others: &[Who]) -> Vec<Who> {
    Who::ALL.into_iter().filter(|who| ALL_SEEING.contains(who) || others.contains(who)).collect()
}

#[tokio::test]
async fn a_persons_work_is_seen_by_them_their_head_and_those_who_see_all() {
    let mut history = History::new();
    let document = handled_by(&mut history, Who::Officer.assignee());
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head]));
    // Who held it goes on seeing it.
    let reassigned = on::BranchReassigned {
        branch: branch(1),
        from: Who::Officer.assignee(),
        to: Who::OtherOfficer.assignee(),
        reason: reason(),
    };
    history.then(document, reassigned);
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head, Who::OtherOfficer, Who::OtherHead]));
}

#[tokio::test]
async fn a_units_work_is_seen_by_the_unit() {
    let mut history = History::new();
    let document = handled_by(&mut history, Assignee::Unit { unit: unit(UNIT) });
    assert_eq!(who_sees(&history, document).await, and(&[Who::Head, Who::Officer, Who::Colleague]));
    history.then(document, on::FollowerAppointed { follower: Assignee::Unit { unit: unit(OTHER_UNIT) } });
    let with_follower = [Who::Head, Who::Officer, Who::Colleague, Who::OtherHead, Who::OtherOfficer];
    assert_eq!(who_sees(&history, document).await, and(&with_follower));
}

#[tokio::test]
async fn a_substitute_sees_what_the_post_sees_while_they_substitute() {
    let mut history = History::new();
    history.at("2026-03-04T08:00:00");
    let document = handled_by(&mut history, Who::Officer.assignee());
    let (from, until) = (history.now(), history.now().plus_minutes(600));
    history.agency(agency::PostDelegated { post: Who::Officer.post(), to: Who::Colleague.person(), from, until });
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head, Who::Colleague]));
    history.set(until);
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head]));
}

#[tokio::test]
async fn a_substitute_sees_nothing_once_the_holder_who_named_them_left() {
    let mut history = History::new();
    history.at("2026-03-04T08:00:00");
    let document = handled_by(&mut history, Who::Officer.assignee());
    let (from, until) = (history.now(), history.now().plus_minutes(600));
    let (post, person, to) = (Who::Officer.post(), Who::Officer.person(), Who::Colleague.person());
    history.agency(agency::PostDelegated { post, to, from, until });
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head, Who::Colleague]));
    let left = from.plus_minutes(10);
    history.set(left);
    history.agency(agency::PostLeft { post, person, from: left });
    history.agency(agency::PostAssumed { post, person: Who::Outsider.person(), from: left });
    // The document went to the officer in this post: the newcomer has it, nobody substitutes for them.
    assert_eq!(who_sees(&history, document).await, and(&[Who::Head, Who::Outsider]));
}

#[tokio::test]
async fn overlapping_delegations_end_together() {
    let mut history = History::new();
    history.at("2026-03-04T08:00:00");
    let document = handled_by(&mut history, Who::Officer.assignee());
    let (post, to, from) = (Who::Officer.post(), Who::Colleague.person(), history.now());
    for minutes in [600, 300] {
        history.agency(agency::PostDelegated { post, to, from, until: from.plus_minutes(minutes) });
    }
    history.agency(agency::DelegationEnded { post, to });
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head]));
}

#[tokio::test]
async fn access_is_granted_to_a_person_while_they_are_in_the_organ() {
    let mut history = History::new();
    history.at("2026-03-04T08:00:00");
    let document = handled_by(&mut history, Who::Officer.assignee());
    let (post, person, from) = (Who::OtherOfficer.post(), Who::OtherOfficer.person(), history.now());
    history.by(Who::Leader).then(document, on::AccessGranted { to: person });
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head, Who::OtherOfficer]));
    history.agency(agency::PostLeft { post, person, from });
    assert_eq!(who_sees(&history, document).await, and(&[Who::Officer, Who::Head]));
}

#[tokio::test]
async fn an_open_organ_shows_all_to_everybody_in_it() {
    let mut history = History::new();
    let document = handled_by(&mut history, Who::Officer.assignee());
    history.agency(agency::SettingChanged { setting: Setting::OpenWithinOrgan { on: true } });
    let everybody: Vec<Who> = Who::ALL.into_iter().filter(|who| *who != Who::Outsider).collect();
    assert_eq!(who_sees(&history, document).await, everybody);
}

#[tokio::test]
async fn who_left_the_organ_sees_nothing_of_it() {
    let mut history = History::new();
    history.at("2026-03-04T08:00:00");
    let document = handled_by(&mut history, Who::Officer.assignee());
    let from = history.now();
    history.agency(agency::PostLeft { post: Who::Officer.post(), person: Who::Officer.person(), from });
    history.agency(agency::PostLeft { post: Who::Clerk.post(), person: Who::Clerk.person(), from });
    let expected: Vec<Who> = and(&[Who::Head]).into_iter().filter(|who| *who != Who::Clerk).collect();
    assert_eq!(who_sees(&history, document).await, expected);
}

#[tokio::test]
async fn another_organs_clerk_sees_nothing() {
    let mut history = History::new();
    let document = handled_by(&mut history, Who::Officer.assignee());
    let views = history.views().await;
    let elsewhere = socai_domain::id::OrganId::new(uuid::Uuid::from_u128(0xe15e));
    let viewer = Viewer::person(elsewhere, Who::Clerk.person(), history.now());
    for (query, count) in shown(&views, viewer, document).await {
        assert_eq!(count, 0, "{query}");
    }
    let operator = Viewer::operator(organ(), history.now());
    assert!(views.sees(&operator, document).await.unwrap());
}
