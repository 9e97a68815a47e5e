//! One document from arrival to resolution, and what the registers say of it.

use socai_domain::{
    document_types::Channel,
    id::RegisterId,
    incoming::{
        Stage,
        events::{self as on, Answer, Assignee, BranchRole, Resolution},
    },
    ledger::{StreamId, StreamKind},
    register::{VoidReason, events::NumberVoided},
    text::{ArrivalNumber, ShortText},
    time::{Date, Timestamp},
};

use super::history::{DAYS, History, OTHER_UNIT, UNIT, Who, at, branch, new_branch, organ, reason, says, unit, words};
use crate::{
    PageRequest,
    document::HeldBy,
    follow_up_register::FollowUpFilter,
    incoming_register::RegisterFilter,
    statistics::{DocumentFigure, GroupBy, Period, StatisticsFilter},
};

#[tokio::test]
async fn a_document_is_followed_from_arrival_to_resolution() {
    let mut history = History::new();
    history.at("2026-03-03T08:30:00");
    let document = history.arrives(1, says("15", "QĐ-BNV", "Về việc góp ý kế hoạch"));
    let held = |view: &crate::document::DocumentView| view.document.held();

    let view = history.views().await.document(&history.sight(Who::Clerk), document).await.unwrap().unwrap();
    assert_eq!((view.document.stage, held(&view)), (Some(Stage::Arrived), (HeldBy::Clerks, at("2026-03-03T08:30:00"))));

    history.at("2026-03-03T09:00:00").registers(document).at("2026-03-03T09:10:00").submits(document);
    let view = history.views().await.document(&history.sight(Who::Leader), document).await.unwrap().unwrap();
    assert_eq!(held(&view), (HeldBy::Leader(Who::Leader.holder()), at("2026-03-03T09:10:00")));

    let lead = new_branch(1, Assignee::Unit { unit: unit(UNIT) }, BranchRole::Lead, DAYS(5));
    let coordinating = new_branch(2, Assignee::Unit { unit: unit(OTHER_UNIT) }, BranchRole::Coordinating, DAYS(3));
    history.at("2026-03-03T14:00:00").directs(document, vec![lead, coordinating]);
    let part = new_branch(3, Who::Officer.assignee(), BranchRole::Lead, DAYS(4));
    history.at("2026-03-04T08:00:00").by(Who::Head).then(document, on::BranchAccepted { branch: branch(1) });
    history.then(document, on::Assigned { parent: branch(1), branches: vec![part], note: None });
    let view = history.views().await.document(&history.sight(Who::Officer), document).await.unwrap().unwrap();
    let holder = HeldBy::Assignee { branch: branch(3), assignee: Who::Officer.assignee() };
    assert_eq!(held(&view), (holder, at("2026-03-04T08:00:00")));
    // Five working days after Tuesday: the end of the next Tuesday.
    assert_eq!(view.document.round().unwrap().due, Some(at("2026-03-11T00:00:00")));
    assert!(view.sum().unwrap().is_some_and(|sum| sum.len() > 1), "{:?}", view.sum());
    assert!(view.document.branches.iter().all(|branch| !view.sum_of(branch).unwrap().is_empty()));

    history.at("2026-03-05T10:00:00").by(Who::OtherHead).completes(document, 2);
    history.by(Who::Officer).then(document, on::ProgressReported { branch: branch(3), text: words("Đã dự thảo") });
    history.at("2026-03-06T10:00:00").completes(document, 3).by(Who::Head).completes(document, 1);
    let code = ShortText::new("20/SVD-KH").unwrap();
    let answer = Answer { organ: ShortText::new("Sở Ví Dụ").unwrap(), code, date: Date::new(2026, 3, 6).unwrap() };
    history.at("2026-03-06T11:00:00").by(Who::Leader).then(
        document,
        on::Resolved {
            how: Resolution::Answered,
            answers: vec![answer],
            note: Some(words("Đã trả lời")),
            transferred_to: None,
            closed: Vec::new(),
            closed_because: None,
            confirms: None,
        },
    );
    let views = history.views().await;
    let clerk = history.sight(Who::Clerk);
    let line = views.register_line(&clerk, document).await.unwrap().unwrap();
    assert_eq!((line.year, line.number, line.arrived_on), (Some(2026), 1, Some(Date::new(2026, 3, 3).unwrap())));
    assert_eq!(line.issuer.as_deref(), Some("Văn phòng UBND tỉnh Ví Dụ"));
    assert_eq!((line.code.as_deref(), line.type_name.as_deref()), (Some("15/QĐ-BNV"), Some("Công văn")));
    assert_eq!(line.abstract_text.as_deref(), Some("Về việc góp ý kế hoạch"));
    assert_eq!(line.promulgated_on, Some(Date::new(2026, 3, 2).unwrap()));
    assert_eq!(line.receiver_unit, Some(unit(UNIT)));
    assert_eq!(line.passed_on_at, Some(at("2026-03-03T14:00:00")));
    assert_eq!((line.signed_at, line.signed_by), (Some(at("2026-03-04T08:00:00")), Some(Who::Head.person())));
    assert_eq!(line.void, None);

    let page = views.follow_up_register(&clerk, &FollowUpFilter::default(), &PageRequest::first(10)).await.unwrap();
    let line = &page.items[0].1;
    assert_eq!((line.number, line.stage, line.due), (1, Some(Stage::Resolved), Some(at("2026-03-11T00:00:00"))));
    assert_eq!((line.progress.as_deref(), line.answers.as_deref()), (Some("Đã dự thảo"), Some("20/SVD-KH")));
    assert_eq!((line.note.as_deref(), line.receiver_unit), (Some("Đã trả lời"), Some(unit(UNIT))));
    assert_eq!(views.branches(&clerk, document).await.unwrap().len(), 3);
    let open = FollowUpFilter { open: Some(true), ..FollowUpFilter::default() };
    assert_eq!(views.follow_up_register_count(&clerk, &open).await.unwrap(), 0);

    // Reopened: what was signed for and what was answered stays in the books.
    history
        .at("2026-03-09T08:00:00")
        .then(document, on::Reopened { reason: reason(), limit: DAYS(2), on_word_of: None });
    let views = history.views().await;
    let line = views.register_line(&clerk, document).await.unwrap().unwrap();
    assert_eq!((line.signed_at, line.signed_by), (Some(at("2026-03-04T08:00:00")), Some(Who::Head.person())));
    let page = views.follow_up_register(&clerk, &FollowUpFilter::default(), &PageRequest::first(10)).await.unwrap();
    assert_eq!((page.items[0].1.answers.as_deref(), page.items[0].1.ended_at), (Some("20/SVD-KH"), None));
}

#[tokio::test]
async fn the_first_receipt_stays_in_the_register_when_the_work_goes_to_another() {
    let mut history = History::new();
    let document = history.arrives(1, |_| {});
    let lead = new_branch(1, Who::Head.assignee(), BranchRole::Lead, DAYS(5));
    history.registers(document).submits(document).directs(document, vec![lead]);
    history.at("2026-03-04T08:00:00").by(Who::Head).then(document, on::BranchAccepted { branch: branch(1) });
    let (from, to) = (Who::Head.assignee(), Who::OtherHead.assignee());
    history.by(Who::Leader).then(document, on::BranchReassigned { branch: branch(1), from, to, reason: reason() });
    for _ in 0..2 {
        let line = history.views().await.register_line(&history.sight(Who::Clerk), document).await.unwrap().unwrap();
        assert_eq!((line.signed_at, line.signed_by), (Some(at("2026-03-04T08:00:00")), Some(Who::Head.person())));
        assert_eq!(line.receiver_person, Some(Who::OtherHead.person()));
        history.at("2026-03-05T08:00:00").by(Who::OtherHead).then(document, on::BranchAccepted { branch: branch(1) });
    }
}

#[tokio::test]
async fn a_void_number_stays_in_the_book() {
    let mut history = History::new();
    let kept = history.arrives(1, |_| {});
    history.registers(kept);
    let void = history.arrives(2, |_| {});
    history.registers(void);
    let book = StreamId::new(StreamKind::Register, RegisterId::of(organ(), "đến", 2026).uuid());
    let (number, note) = (ArrivalNumber::new(2).unwrap(), Some(reason()));
    let voided = NumberVoided { number, reason: VoidReason::Duplicate, note };
    history.happen(book, socai_domain::register::Event::from(voided));
    let views = history.views().await;
    let clerk = history.sight(Who::Clerk);
    let all = views.incoming_register(&clerk, &RegisterFilter::default(), &PageRequest::first(10)).await.unwrap();
    let numbers: Vec<_> = all.nodes().map(|line| (line.number, line.void, line.voided_by)).collect();
    assert_eq!(numbers, [(1, None, None), (2, Some(VoidReason::Duplicate), Some(Who::Clerk.person()))]);
    let filter = RegisterFilter { void: Some(true), ..RegisterFilter::default() };
    assert_eq!(views.incoming_register_count(&clerk, &filter).await.unwrap(), 1);
    assert_eq!(views.books(organ()).await.unwrap()[0].year, Some(2026));
}

#[tokio::test]
async fn pages_follow_each_other_whatever_arrives_in_between() {
    let mut history = History::new();
    for n in 0..7 {
        history.arrives(n, |_| {});
    }
    let views = history.views().await;
    let clerk = history.sight(Who::Clerk);
    let filter =
        StatisticsFilter::of(Period { from: Timestamp::from_micros(0), before: Timestamp::from_micros(i64::MAX) });
    let arrived = DocumentFigure::Arrived;
    let first = views.counted_documents(&clerk, &filter, arrived, &PageRequest::first(3)).await.unwrap();
    assert!(first.has_next && first.position.is_some());
    history.arrives(7, |_| {});
    history.fill(&views, 1).await;
    let mut seen: Vec<_> = first.nodes().map(|row| row.document.id).collect();
    let mut request = PageRequest::first(3).after(first.end_cursor.clone().unwrap());
    loop {
        let page = views.counted_documents(&clerk, &filter, arrived, &request).await.unwrap();
        seen.extend(page.nodes().map(|row| row.document.id));
        if !page.has_next {
            break;
        }
        request = PageRequest::first(3).after(page.end_cursor.unwrap());
    }
    assert_eq!(seen.len(), 7);
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 7);
    let count = async |filter| {
        let lines = views.document_statistics(&clerk, &filter, GroupBy::Organ).await.unwrap();
        lines[0].figures.get(arrived)
    };
    assert_eq!(count(filter.clone()).await, 8);
    for asked in [0, 101] {
        assert!(views.counted_documents(&clerk, &filter, arrived, &PageRequest::first(asked)).await.is_err());
    }
    let foreign = PageRequest::first(3).after(first.end_cursor.unwrap());
    assert!(views.incoming_register(&clerk, &RegisterFilter::default(), &foreign).await.is_err());
    assert_eq!(count(StatisticsFilter { channel: Some(Channel::Paper), ..filter }).await, 0);
}

#[tokio::test]
async fn many_documents_are_shown_as_each_alone_and_only_those_that_are_seen() {
    let mut history = History::new();
    let [seen, other, hidden] = [1, 2, 3].map(|n| history.arrives(n, |_| {}));
    for (n, document) in [(1, seen), (2, other)] {
        let lead = new_branch(n, Who::Officer.assignee(), BranchRole::Lead, DAYS(5));
        history.registers(document).submits(document).directs(document, vec![lead]);
    }
    let (views, officer) = (history.views().await, history.sight(Who::Officer));
    let mut many = views.documents_by_id(&officer, &[other, hidden, seen]).await.unwrap();
    many.sort_by_key(|view| view.document.ordinal);
    let mut alone = Vec::new();
    for id in [seen, other, hidden] {
        alone.extend(views.document(&officer, id).await.unwrap());
    }
    assert_eq!((many.len(), &many), (2, &alone));
    assert_eq!(views.documents_by_id(&officer, &[]).await.unwrap(), []);
}
