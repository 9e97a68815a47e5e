//! The views in `PostgreSQL`: the same as in SQLite, whatever is asked; and what only a server can do wrong.

mod answers;
mod lists;
mod plans;
mod server;
mod several;

use socai_domain::{
    ledger::EventLog as _,
    text::{Abstract, LongText, ShortText},
    time::Date,
};
use socai_test_postgres::Cluster;

use super::{
    digests::seeds,
    generated::Generated,
    history::{History, Who, says},
    visibility::NOBODY,
};
use crate::{Location, Rebuilding, Views, ViewsError, erasure};

/// A database of a cluster of its own.
fn cluster() -> (Cluster, Location) {
    let cluster = Cluster::start().unwrap();
    let at = cluster.url("postgres").parse().unwrap();
    (cluster, at)
}

/// All pages, not many items on each.
const ALL: lists::Extent = lists::Extent { first: 20, pages: usize::MAX };

const QUESTIONS: [&str; 18] = [
    "viec",
    "Việc",
    "vi du",
    "thu 1",
    "NGUYEN duc",
    "đức",
    "d",
    "QĐ",
    "qđ-bnv",
    "15/QĐ-BNV",
    "15/QĐ",
    "QD",
    "QD nguyen",
    "guyen",
    "12e3",
    "e3a4",
    "\" OR 1=1 --",
    "'a':* | 'b'",
];

/// Texts in which databases differ: marks, case, quotes, what `COPY` and tsquery would read, dates at their edges.
fn odd(history: &mut History) {
    let texts = [
        "Bổ nhiệm ông Nguyễn Đức Ví Dụ",
        "BỔ NHIỆM ông nguyễn đức",
        "Báo cáo – “tình hình” (12e3a4), mã \\N \\x41 'a':* & b",
        "a_b%c\\ Đ đ Ð ð ÿ ß İ ı ǆ 𝒜 ½ ² Ⅷ",
        "z",
        "…",
        "Ẻ e E é",
    ];
    for (n, text) in (9_000_u128..).zip(texts) {
        let (year, month, day) = [(1900, 1, 1), (2999, 12, 31), (2024, 2, 29)][usize::try_from(n % 3).unwrap()];
        let id = history.arrives(n, |arrived| {
            says("15", ["QĐ-BNV", "QD-XYZ", "qđ"][usize::try_from(n % 3).unwrap()], text)(arrived);
            arrived.details.issuer_name =
                ShortText::new(if n % 4 == 2 { "—" } else { "Ủy ban “Ví Dụ”; \\ 'x'" }).unwrap();
            arrived.details.promulgated_on = (n % 2 == 0).then(|| Date::new(year, month, day).unwrap());
            arrived.details.note = (n % 2 == 1).then(|| LongText::new("dòng một\ndòng hai\\").unwrap());
        });
        if n % 2 == 0 {
            history.registers(id);
        }
    }
}

#[tokio::test]
async fn a_log_gives_the_same_views_on_either_database() {
    for seed in seeds().step_by(2) {
        let (_cluster, at) = cluster();
        let mut generated = Generated::new(seed + 40);
        let mut views = Views::open(&at).await.unwrap();
        for round in 0..4 {
            generated.steps(60);
            if round == 1 {
                odd(&mut generated.history);
            }
            generated.history.fill(&views, [1, 7, 1_000][round % 3]).await;
            if round == 2 {
                views.close().await;
                views = Views::open(&at).await.unwrap();
            }
        }
        let other = generated.history.views().await;
        assert_eq!(views.digest().await.unwrap(), other.digest().await.unwrap(), "seed {seed}");
        for who in [Who::Clerk, Who::Head, Who::Officer, Who::Outsider] {
            let viewer = generated.history.sight(who);
            let ours = lists::asked(&views, &viewer, &QUESTIONS, ALL).await;
            // Few documents are found by who has a part in them, many along the list.
            for other in [&other, &other.with_few(NOBODY), &views.with_few(NOBODY)] {
                let theirs = lists::asked(other, &viewer, &QUESTIONS, ALL).await;
                for (one, another) in ours.iter().zip(&theirs) {
                    assert_eq!(one, another, "{who:?}, seed {seed}");
                }
            }
            for views in [&views, &other, &views.with_few(NOBODY), &other.with_few(NOBODY)] {
                lists::assert_days_are_of_the_register(views, &viewer).await;
            }
        }
        let rebuilt = views.rebuild(&generated.history.log, &generated.history.opener()).await.unwrap();
        assert_eq!(rebuilt.before, Some(rebuilt.digest));
    }
}

#[tokio::test]
async fn what_is_built_anew_takes_the_place_of_what_is_read() {
    let (_cluster, at) = cluster();
    let mut generated = Generated::new(5);
    generated.steps(150);
    odd(&mut generated.history);
    // Nothing there yet: the first ones are built, by a `COPY` for most rows.
    let views = Views::open_or_await(&at, 1).await.unwrap().with_memory(64 << 10);
    assert!(views.are_awaited());
    for round in 0..3 {
        let rebuilt = views.rebuild(&generated.history.log, &generated.history.opener()).await.unwrap();
        assert_eq!(rebuilt.before, (round > 0).then_some(rebuilt.digest), "the views in use are the other build");
        assert_eq!(rebuilt.digest, generated.history.views().await.digest().await.unwrap());
        assert_eq!(rebuilt.records, generated.history.log.head().await.unwrap().records);
        // It goes on living, in the same handle.
        generated.steps(20);
        generated.history.fill(&views, 7).await;
        assert_eq!(views.digest().await.unwrap(), generated.history.views().await.digest().await.unwrap());
        let clerk = generated.history.sight(Who::Clerk);
        let other = generated.history.views().await;
        let wanted = other.search_count(&clerk, "viec").await.unwrap();
        assert_eq!(views.search_count(&clerk, "viec").await.unwrap(), wanted);
    }
    views.close().await;
    let views = Views::open_or_await(&at, 1).await.unwrap();
    assert_eq!(views.digest().await.unwrap(), generated.history.views().await.digest().await.unwrap());
    assert!(matches!(&*views.rebuilding().borrow(), Rebuilding::No));
}

#[tokio::test]
async fn an_erased_text_leaves_the_tables() {
    let (cluster, at) = cluster();
    let mut history = History::new();
    let secret = history.arrives(1, |arrived| {
        arrived.details.abstract_text = Abstract::new("Zyxwvut").unwrap();
    });
    history.registers(secret);
    let views = Views::open(&at).await.unwrap();
    history.fill(&views, 100).await;
    let clerk = history.sight(Who::Clerk);
    assert_eq!(views.search_count(&clerk, "zyxwvut").await.unwrap(), 1);
    history.by(Who::Clerk).expunges(secret, 1);
    history.fill(&views, 100).await;
    assert!(!*views.unclean().borrow(), "it is cleaned at once");
    assert_eq!(views.search_count(&clerk, "zyxwvut").await.unwrap(), 0);
    assert_eq!(views.digest().await.unwrap(), history.views().await.digest().await.unwrap());
    let mut db = sqlx::ConnectOptions::connect(&cluster.options()).await.unwrap();
    // No file of a table holds it: all pages are on the disk after a checkpoint.
    sqlx::raw_sql("CHECKPOINT").execute(&mut db).await.unwrap();
    let held = sqlx::query_scalar::<_, bool>(
        "SELECT bool_or(position('zyxwvut'::bytea IN lower(encode(pg_read_binary_file(pg_relation_filepath(oid)), 'escape'))::bytea) > 0) \
         FROM pg_class WHERE relkind IN ('r', 'i', 't') AND pg_relation_size(oid) > 0 AND relnamespace IN \
         (SELECT oid FROM pg_namespace WHERE nspname LIKE 'socai%' OR nspname = 'pg_toast')",
    );
    assert!(!held.fetch_one(&mut db).await.unwrap());
}

/// By a server that stood still after its cleaning, while another one led and more was erased.
#[tokio::test]
async fn a_newer_debt_is_not_taken_for_paid() {
    let (_cluster, at) = cluster();
    let views = Views::open(&at).await.unwrap();
    let mut db = views.write.acquire().await.unwrap();
    crate::db::run(&mut db, "UPDATE erasure SET owed = 7").await.unwrap();
    assert!(!erasure::pay(&mut db, 6).await.unwrap() && erasure::is_owed(&mut db).await.unwrap());
    assert!(erasure::pay(&mut db, 7).await.unwrap() && !erasure::is_owed(&mut db).await.unwrap());
}

#[tokio::test]
async fn views_of_another_version_are_refused_and_then_built() {
    let (_cluster, at) = cluster();
    let views = Views::open(&at).await.unwrap();
    let history = History::new();
    history.fill(&views, 10).await;
    let update = "UPDATE read_model SET version = 99 WHERE name = 'search'";
    crate::db::run(&mut views.write.acquire().await.unwrap(), update).await.unwrap();
    views.close().await;
    assert!(matches!(Views::open(&at).await, Err(ViewsError::Outdated(_))));
    let views = Views::open_or_await(&at, 1).await.unwrap();
    assert!(views.are_awaited());
    let rebuilt = views.rebuild(&history.log, &history.opener()).await.unwrap();
    assert_eq!(rebuilt.digest, history.views().await.digest().await.unwrap());
    assert!(!views.are_awaited());
}
