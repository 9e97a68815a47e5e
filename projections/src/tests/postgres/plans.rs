//! Where there is much, nothing is looked for by going through all of it: each page is explained as it is asked
//! (`Sql::assert_not_scanned`). `PostgreSQL` goes through what is little: so the rows are many times those of the log.

use socai_domain::{incoming::Stage, ledger::EventLog as _};
use socai_test_postgres::Cluster;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::{super::generated::Generated, QUESTIONS, cluster, lists, odd};
use crate::{
    PageRequest, Viewer, Views,
    savings::SavingFigure,
    sql::Sql,
    statistics::{BranchFigure, DocumentFigure, Period, StatisticsFilter},
    tests::{
        history::{Who, organ},
        visibility::{EVERYBODY, NOBODY},
    },
    value::Cells,
};

/// Some pages of each list.
const SOME: lists::Extent = lists::Extent { first: 50, pages: 3 };

/// What happens; more with `SOCAI_LONG`.
fn steps() -> usize {
    if std::env::var_os("SOCAI_LONG").is_some() { 200_000 } else { 16_000 }
}

#[tokio::test]
async fn a_large_ledger_has_one_digest_and_no_list_goes_through_a_table() {
    let (cluster, at) = cluster();
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
        counted(views, &operator, (&DATED, &[BranchFigure::Assigned]), said).await;
    }
    for (one, another) in ours.iter().zip(&theirs) {
        assert_eq!(one, another);
    }
    change(&views, &cluster, &GROW.replace("TIMES", &TIMES.to_string())).await;
    let mut count = Sql::plain();
    count.push("SELECT COUNT(*) FROM document");
    let documents = count.count(&mut views.reading().await.unwrap()).await.unwrap();
    assert!(documents > 10_000, "{documents}");
    let (along, officer) = (views.with_few(NOBODY), history.sight(Who::Officer));
    for viewer in [&operator, &history.sight(Who::Clerk), &officer] {
        all(&along, viewer).await;
    }
    // Now the officer sees few of them.
    change(&views, &cluster, "DELETE FROM document_party WHERE document >= 1000000000 OR document % 16 > 0").await;
    all(&views.with_few(EVERYBODY), &officer).await;
}

/// Asks for some pages of all lists.
async fn all(views: &Views, viewer: &Viewer) {
    let mut said = lists::Said::new();
    lists::registers(views, viewer, SOME, &mut said).await;
    lists::work(views, viewer, SOME, &mut said).await;
    lists::searches(views, viewer, &QUESTIONS, SOME, &mut said).await;
    counted(views, viewer, (DocumentFigure::ALL, BranchFigure::ALL), &mut said).await;
}

/// So many documents come of each; those are of no log.
const TIMES: i64 = 16;

/// Adds to each finished document many that differ in nothing but what must.
const GROW: &str = "DO $$
DECLARE
    of record;
    list text;
    given text;
BEGIN
    CREATE TEMP TABLE open AS SELECT document FROM holding UNION SELECT document FROM work_item
        UNION SELECT document FROM document_fact WHERE ended_at IS NULL;
    FOR of IN SELECT table_name AS name FROM information_schema.columns WHERE table_schema = current_schema()
        AND column_name IN ('document', 'document_id') GROUP BY 1 LOOP
        SELECT string_agg(quote_ident(column_name), ', '), string_agg(CASE
                WHEN column_name = 'document' THEN 'o.document + 1000000000::bigint * n'
                WHEN column_name = 'number' THEN 'o.number + 1000000::bigint * n'
                WHEN column_name = 'document_id' OR (column_name = 'id' AND of.name IN ('document', 'branch'))
                    THEN format('decode(md5(o.%I || convert_to(n::text, ''UTF8'')), ''hex'')', column_name)
                ELSE 'o.' || quote_ident(column_name) END, ', ')
            INTO list, given FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = of.name AND is_generated = 'NEVER';
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM %I o, generate_series(1, TIMES) n WHERE %s', of.name, list, given,
            of.name, CASE WHEN of.name = 'register_entry' THEN 'document_id IS NOT NULL'
                ELSE 'NOT EXISTS (SELECT FROM open WHERE open.document = o.document)' END);
    END LOOP;
END $$";

/// Does this to all rows, and looks at them anew.
async fn change(views: &Views, cluster: &Cluster, statement: &str) {
    let mut schema = Sql::plain();
    schema.push("SELECT CAST(current_schema() AS TEXT)");
    let read = |cells: &mut Cells<'_>| cells.next::<String>();
    let schema = schema.read_optional(&mut views.reading().await.unwrap(), read).await.unwrap().unwrap();
    let mut database = cluster.options().options([("search_path", schema)]).connect().await.unwrap();
    for statement in [statement, "VACUUM ANALYZE"] {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut database).await.unwrap();
    }
}

/// Figures of few documents; in a short ledger most are open.
const DATED: [DocumentFigure; 3] = [DocumentFigure::Arrived, DocumentFigure::Processed, DocumentFigure::Cancelled];

/// The first page of what figures of the last month count: those of years are of most rows there are.
async fn counted(
    views: &Views,
    viewer: &Viewer,
    (documents, branches): (&[DocumentFigure], &[BranchFigure]),
    said: &mut lists::Said,
) {
    let period = Period { from: viewer.at().plus_minutes(-30 * 24 * 60), before: viewer.at() };
    let (filter, page) = (StatisticsFilter::of(period), PageRequest::first(SOME.first));
    for figure in documents.iter().copied() {
        let list = views.counted_documents(viewer, &filter, figure, &page).await.unwrap();
        said.push((format!("{figure:?}"), format!("{:#?}", list.items)));
    }
    for figure in branches.iter().copied() {
        let list = views.counted_branches(viewer, &filter, figure, &page).await.unwrap();
        said.push((format!("{figure:?} of branches"), format!("{:#?}", list.items)));
    }
    let list = views.lags(viewer, &filter, Stage::Resolved, None, &page).await.unwrap();
    said.push(("lags".to_owned(), format!("{:#?}", list.items)));
    let saved = views.saved_documents(viewer, &filter, SavingFigure::Handled, &page).await.unwrap();
    said.push(("saved".to_owned(), format!("{:#?}", saved.items)));
}
