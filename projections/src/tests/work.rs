//! Who owes what.

use socai_domain::{
    document_types::SecrecyLevel,
    incoming::{
        events::{self as on, Assignee, BranchRole, Resolution},
        testing::details,
    },
    organ::{Role, events as agency},
};

use super::history::{DAYS, History, UNIT, Who, branch, new_branch, reason, unit, words};
use crate::{
    PageRequest,
    work_list::{WorkFilter, WorkItem, WorkKind, WorkScope, WorkState},
};

async fn mine(history: &History, who: Who) -> Vec<WorkItem> {
    let filter = WorkFilter { scope: WorkScope::Mine, state: None, kind: None };
    let views = history.views().await;
    let page = views.work_list(&history.sight(who), &filter, &PageRequest::first(100)).await.unwrap();
    page.items.into_iter().map(|(_, item)| item).collect()
}

async fn kinds(history: &History, who: Who) -> Vec<(WorkKind, Vec<WorkState>)> {
    mine(history, who).await.into_iter().map(|item| (item.kind, item.states)).collect()
}

#[tokio::test]
async fn work_goes_from_hand_to_hand() {
    let mut history = History::new();
    let document = history.arrives(1, |_| {});
    assert_eq!(kinds(&history, Who::Clerk).await, [(WorkKind::Register, vec![])]);
    history.registers(document);
    assert_eq!(kinds(&history, Who::Clerk).await, [(WorkKind::Submit, vec![])]);
    history.submits(document);
    assert_eq!(kinds(&history, Who::Clerk).await, []);
    assert_eq!(kinds(&history, Who::Leader).await, [(WorkKind::Direct, vec![])]);
    assert_eq!(kinds(&history, Who::Deputy).await, []);
    let lead = new_branch(1, Assignee::Unit { unit: unit(UNIT) }, BranchRole::Lead, DAYS(5));
    let informed = new_branch(2, Who::OtherHead.assignee(), BranchRole::Informed, DAYS(5));
    history.directs(document, vec![lead, informed]);
    assert_eq!(kinds(&history, Who::Leader).await, []);
    assert_eq!(kinds(&history, Who::Head).await, [(WorkKind::Handle, vec![WorkState::New])]);
    assert_eq!(kinds(&history, Who::Officer).await, []);
    assert_eq!(kinds(&history, Who::OtherHead).await, []);
    history.by(Who::Head).then(document, on::BranchAccepted { branch: branch(1) });
    let part = new_branch(3, Who::Officer.assignee(), BranchRole::Lead, DAYS(2));
    history.then(document, on::Assigned { parent: branch(1), branches: vec![part], note: None });
    assert_eq!(kinds(&history, Who::Head).await, [(WorkKind::Handle, vec![WorkState::WaitingForOthers])]);
    assert_eq!(kinds(&history, Who::Officer).await, [(WorkKind::Handle, vec![WorkState::New, WorkState::DueSoon])]);
    let until = history.now().plus_minutes(5 * 1440);
    history.by(Who::Officer).then(document, on::BranchAccepted { branch: branch(3) });
    history.then(document, on::ExtensionRequested { branch: branch(3), until, reason: reason() });
    let heads: Vec<_> = kinds(&history, Who::Head).await.into_iter().map(|(kind, _)| kind).collect();
    assert!(heads.contains(&WorkKind::DecideExtension), "{heads:?}");
    history.at("2026-03-06T08:00:00");
    assert_eq!(kinds(&history, Who::Officer).await, [(WorkKind::Handle, vec![WorkState::Late])]);
    history.completes(document, 3).by(Who::Head).completes(document, 1);
    assert_eq!(kinds(&history, Who::Officer).await, []);
    assert_eq!(kinds(&history, Who::Leader).await[0].0, WorkKind::Resolve);
    let proposed = on::ResolutionProposed {
        how: Resolution::NoReplyNeeded,
        note: None,
        transferred_to: None,
        closed: Vec::new(),
        closed_because: None,
    };
    history.by(Who::Leader).then(document, proposed);
    // Never the one who proposed it alone: any leader may look.
    assert_eq!(kinds(&history, Who::Deputy).await[0].0, WorkKind::Confirm);
    assert_eq!(kinds(&history, Who::Leader).await, []);
    // Nor somebody in their post.
    let (from, until) = (history.now(), history.now().plus_minutes(600));
    history.agency(agency::PostDelegated { post: Who::Leader.post(), to: Who::Colleague.person(), from, until });
    assert_eq!(kinds(&history, Who::Colleague).await, []);
    history.resolves(document);
    for who in Who::ALL {
        assert_eq!(kinds(&history, who).await, [], "{who:?}");
    }
}

#[tokio::test]
async fn a_substitute_has_it_in_their_list_and_so_has_the_holder() {
    let mut history = History::new();
    let document = history.arrives(1, |_| {});
    history
        .registers(document)
        .directs(document, vec![new_branch(1, Who::Officer.assignee(), BranchRole::Lead, DAYS(9))]);
    let (from, until) = (history.now(), history.now().plus_minutes(600));
    history.agency(agency::PostDelegated { post: Who::Officer.post(), to: Who::Colleague.person(), from, until });
    assert_eq!(mine(&history, Who::Officer).await.len(), 1);
    assert_eq!(mine(&history, Who::Colleague).await.len(), 1);
    history.set(until);
    assert_eq!(mine(&history, Who::Colleague).await.len(), 0);
}

#[tokio::test]
async fn work_without_a_holder_comes_to_the_head_and_a_heads_to_the_leaders() {
    let mut history = History::new();
    let first = history.arrives(1, |_| {});
    history.registers(first).directs(first, vec![new_branch(1, Who::Officer.assignee(), BranchRole::Lead, DAYS(9))]);
    let second = history.arrives(2, |_| {});
    history.registers(second).directs(second, vec![new_branch(2, Who::Head.assignee(), BranchRole::Lead, DAYS(9))]);
    let leaves = |who: Who, from| agency::PostLeft { post: who.post(), person: who.person(), from };
    let from = history.now();
    history.agency(leaves(Who::Officer, from));
    let gone = vec![WorkState::New, WorkState::HolderGone];
    let heads = kinds(&history, Who::Head).await;
    assert_eq!(heads, [(WorkKind::Handle, gone.clone()), (WorkKind::Handle, vec![WorkState::New])]);
    assert_eq!(mine(&history, Who::Officer).await.len(), 0);
    assert_eq!(mine(&history, Who::Leader).await.len(), 0);
    // Somebody takes the post: the old holder's work is still without one until it is handed over.
    let assumed = agency::PostAssumed { post: Who::Officer.post(), person: Who::Outsider.person(), from };
    history.agency(assumed);
    assert_eq!(mine(&history, Who::Outsider).await.len(), 0);
    history.agency(leaves(Who::Head, from));
    assert_eq!(kinds(&history, Who::Leader).await, [(WorkKind::Handle, gone.clone()), (WorkKind::Handle, gone)]);
    let (from, to) = (Who::Officer.holder(), on::Holder { post: Who::Officer.post(), person: Who::Outsider.person() });
    history.by(Who::Leader).then(first, on::WorkHandedOver { from, to, branches: vec![branch(1)] });
    assert_eq!(kinds(&history, Who::Outsider).await, [(WorkKind::Handle, vec![WorkState::New])]);
}

#[tokio::test]
async fn work_of_a_unit_that_nobody_heads_comes_to_the_nearest_head_above() {
    use socai_domain::text::ShortText;
    let name = |text: &str| ShortText::new(text).unwrap();
    let mut history = History::new();
    let (parent, part) = (unit(UNIT), unit(0x44));
    let created = agency::UnitCreated { unit: part, parent, name: name("Tổ Ví Dụ"), abbreviation: name("TVD") };
    history.agency(created);
    let document = history.arrives(1, |_| {});
    history
        .registers(document)
        .directs(document, vec![new_branch(1, Assignee::Unit { unit: part }, BranchRole::Lead, DAYS(9))]);
    let gone = [(WorkKind::Handle, vec![WorkState::New, WorkState::HolderGone])];
    assert_eq!(kinds(&history, Who::Head).await, gone);
    for who in [Who::Leader, Who::OtherHead, Who::Officer] {
        assert_eq!(kinds(&history, who).await, [], "{who:?}");
    }
    let from = history.now();
    history.agency(agency::PostLeft { post: Who::Head.post(), person: Who::Head.person(), from });
    assert_eq!(kinds(&history, Who::Leader).await, gone);
    assert_eq!(kinds(&history, Who::Head).await, []);
    history.agency(agency::PostAssumed { post: Who::Head.post(), person: Who::Outsider.person(), from });
    assert_eq!(kinds(&history, Who::Outsider).await, gone);
}

#[tokio::test]
async fn what_is_given_or_taken_back_is_directed_or_passed_on_anew() {
    let lead = |n| vec![new_branch(n, Assignee::Unit { unit: unit(UNIT) }, BranchRole::Lead, DAYS(5))];
    let mut history = History::new();
    let directed = history.arrives(1, |_| {});
    history.registers(directed).submits(directed).directs(directed, lead(1));
    history.by(Who::Head).then(directed, on::BranchReturned { branch: branch(1), reason: reason() });
    assert_eq!(kinds(&history, Who::Leader).await, [(WorkKind::Direct, vec![])]);
    assert_eq!(kinds(&history, Who::Clerk).await, []);
    history.directs(directed, lead(2));
    assert_eq!(kinds(&history, Who::Leader).await, []);

    let passed_on = history.arrives(2, |_| {});
    history.registers(passed_on);
    let by_regulation = on::Directed { note: None, branches: lead(3), follower: None, by_regulation: true };
    history.by(Who::Clerk).then(passed_on, by_regulation);
    assert_eq!(kinds(&history, Who::Clerk).await, []);
    history.then(passed_on, on::BranchWithdrawn { branch: branch(3), reason: reason() });
    assert_eq!(kinds(&history, Who::Clerk).await, [(WorkKind::Submit, vec![])]);
    assert_eq!(kinds(&history, Who::Leader).await, []);
}

#[tokio::test]
async fn other_content_is_the_clerks_to_look_at_until_they_remark_on_it() {
    let mut history = History::new();
    let document = history.arrives(1, |_| {});
    history.registers(document).submits(document);
    let again = |n| on::ArrivedAgain { content: [n; 32], details: details(), files: Vec::new() };
    history.then(document, again(2));
    let looks: Vec<_> = mine(&history, Who::Clerk).await.into_iter().map(|item| (item.kind, item.since)).collect();
    assert_eq!(looks, [(WorkKind::LookAtOther, history.now())]);
    // The leader's work goes on beside it; no outsider is told.
    assert_eq!(kinds(&history, Who::Leader).await, [(WorkKind::Direct, vec![])]);
    assert_eq!(kinds(&history, Who::Outsider).await, []);
    history.by(Who::Clerk).then(document, on::Annotated { note: words("Bản gửi lại chỉ sửa trích yếu") });
    assert_eq!(kinds(&history, Who::Clerk).await, []);
    // Another time, another look; also where the work is done.
    history.resolves(document).then(document, again(3));
    assert_eq!(kinds(&history, Who::Clerk).await, [(WorkKind::LookAtOther, vec![])]);
    // What is refused is done with.
    let other = history.arrives(4, |_| {});
    history.then(other, again(5)).by(Who::Clerk).then(other, on::ReceiptRefused { reason: reason() });
    assert_eq!(kinds(&history, Who::Clerk).await, [(WorkKind::LookAtOther, vec![])]);
}

#[tokio::test]
async fn an_erasure_waits_for_a_second_person() {
    let mut history = History::new();
    let document = history.arrives(1, |_| {});
    history.by(Who::Clerk).then(document, on::ReceiptRefused { reason: reason() });
    let level = SecrecyLevel::Secret;
    history.then(document, on::ExpungeRequested { level });
    let waits = [(WorkKind::ConfirmExpunge, vec![])];
    for who in [Who::Leader, Who::Deputy] {
        assert_eq!(kinds(&history, who).await, waits, "{who:?}");
    }
    assert_eq!(mine(&history, Who::Leader).await[0].roles, [Role::RecordsClerk, Role::Leader]);
    // Neither who asked, nor who acts in their post; nobody without the role.
    let (from, until) = (history.now(), history.now().plus_minutes(600));
    history.agency(agency::PostDelegated { post: Who::Clerk.post(), to: Who::Officer.person(), from, until });
    for who in [Who::Clerk, Who::Officer, Who::Head, Who::Inspector, Who::Outsider] {
        assert_eq!(kinds(&history, who).await, [], "{who:?}");
    }
    // Who asked for the leader bars the leader; another clerk may confirm.
    history.by(Who::Leader).then(document, on::ExpungeRequested { level });
    assert_eq!(kinds(&history, Who::Leader).await, []);
    assert_eq!(kinds(&history, Who::Clerk).await, waits);
    history.then(document, on::ExpungeDeclined { reason: reason() });
    assert_eq!(kinds(&history, Who::Clerk).await, []);
    history.by(Who::Clerk).then(document, on::ExpungeRequested { level });
    history.expunges_unregistered(document);
    assert_eq!(kinds(&history, Who::Leader).await, []);
}
