//! Where there is much, nothing is looked for by going through all of it: each page of the registers and of what the figures of
//! a month count is explained as it is asked (`Sql::assert_not_scanned`).

use socai_domain::{incoming::Stage, ledger::EventLog as _};

use super::{super::generated::Generated, cluster, lists, odd};
use crate::{
    PageRequest, Viewer, Views,
    savings::SavingFigure,
    sql::Sql,
    statistics::{BranchFigure, DocumentFigure, Period, StatisticsFilter},
    tests::history::organ,
};

/// Some pages of each list.
const SOME: lists::Extent = lists::Extent { first: 50, pages: 3 };

/// What happens; more with `SOCAI_LONG`.
fn steps() -> usize {
    if std::env::var_os("SOCAI_LONG").is_some() { 200_000 } else { 16_000 }
}

#[tokio::test]
async fn a_large_ledger_has_one_digest_and_no_list_goes_through_a_table() {
    let (_cluster, at) = cluster();
    let mut generated = Generated::new(77);
    generated.steps(steps() / 2);
    odd(&mut generated.history);
    generated.steps(steps() / 2);
    let history = &generated.history;
    let views = Views::open_or_await(&at, 1).await.unwrap();
    let rebuilt = views.rebuild(&history.log, &history.opener()).await.unwrap();
    let other = history.views().await;
    assert_eq!(rebuilt.digest, other.digest().await.unwrap());
    assert_eq!(rebuilt.records, history.log.head().await.unwrap().records);
    let large = Sql::large_tables(&mut views.reading().await.unwrap()).await;
    for table in
        ["branch", "document", "document_fact", "document_party", "register_entry", "register_line", "search_text"]
    {
        assert!(
            large.iter().any(|large| large == table),
            "{table} is too small to be told from one that is gone through"
        );
    }
    let operator = Viewer::operator(organ(), history.now());
    let (mut ours, mut theirs) = (lists::Said::new(), lists::Said::new());
    for (views, said) in [(&views, &mut ours), (&other, &mut theirs)] {
        lists::registers(views, &operator, SOME, said).await;
        lists::work(views, &operator, SOME, said).await;
        counted(views, &operator, said).await;
    }
    for (one, another) in ours.iter().zip(&theirs) {
        assert_eq!(one, another);
    }
}

/// The first page of what some figures of the last month count: those of years are of most rows there are.
async fn counted(views: &Views, viewer: &Viewer, said: &mut lists::Said) {
    let period = Period { from: viewer.at().plus_minutes(-30 * 24 * 60), before: viewer.at() };
    let (filter, page) = (StatisticsFilter::of(period), PageRequest::first(SOME.first));
    for figure in [DocumentFigure::Arrived, DocumentFigure::Processed, DocumentFigure::Cancelled] {
        let list = views.counted_documents(viewer, &filter, figure, &page).await.unwrap();
        said.push((format!("{figure:?}"), format!("{:#?}", list.items)));
    }
    let list = views.counted_branches(viewer, &filter, BranchFigure::Assigned, &page).await.unwrap();
    said.push(("branches".to_owned(), format!("{:#?}", list.items)));
    let list = views.lags(viewer, &filter, Stage::Resolved, None, &page).await.unwrap();
    said.push(("lags".to_owned(), format!("{:#?}", list.items)));
    let saved = views.saved_documents(viewer, &filter, SavingFigure::Handled, &page).await.unwrap();
    said.push(("saved".to_owned(), format!("{:#?}", saved.items)));
}
