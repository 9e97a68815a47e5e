//! Reading history again: every record opened and decoded; the views as of the last moment, in memory; the views rebuilt
//! on disk, with the second build that must agree (what one build costs: `rebuild`). Of a ledger of whole lives of
//! documents, that the handler wrote; its files are in the page cache.
//!
//! ```text
//! cargo bench -p socai --bench replay -- [--documents 20000] [--rounds 3]
//! ```
#![allow(clippy::cast_precision_loss)] // figures for people

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use socai::{app::Store, clock::SystemClock};
use socai_commands::Handler;
use socai_domain::{
    id::BranchId,
    incoming::{
        self, IncomingDocument,
        accept_branch::AcceptBranch,
        assign::AssignIncoming,
        assignment::{Assignment, To},
        complete_branch::CompleteBranch,
        direct::DirectIncoming,
        events::{BranchRole, Resolution},
        register::RegisterIncoming,
        report_progress::ReportProgress,
        resolve::ResolveIncoming,
        submit::SubmitIncoming,
    },
    ledger::{EventLog, Followed, Opened, Opener},
    testing::acting,
    text::LongText,
    time::Clock as _,
};
use socai_projections::Views;

mod office;
use office::{Office, directory, each, number};

fn text() -> LongText {
    LongText::new("Đã dự thảo văn bản trả lời, đang xin ý kiến các đơn vị phối hợp trước khi trình ký")
        .expect("short enough")
}

fn lead(to: To) -> Vec<Assignment> {
    vec![Assignment { to, role: BranchRole::Lead, limit: None, note: None }]
}

/// One document, from its arrival to its end.
async fn life(office: &Office, handler: &Handler, n: usize) {
    let [leader, head, officer] = [office.scene.leader, office.scene.head, office.scene.officer].map(acting);
    let document = office.receive(handler, n).await;
    let register = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
    office.act(handler, office.clerk(), document, register).await;
    let submit = SubmitIncoming { to: leader.post, note: None };
    office.act(handler, office.clerk(), document, submit).await;
    let direct = DirectIncoming { note: Some(text()), branches: lead(To::Unit(office.scene.unit)), follower: None };
    office.act(handler, leader.person, document, direct).await;
    let branch = |of: fn(&IncomingDocument) -> BranchId| async move {
        handler.view(incoming::stream(document), move |document, _| of(document)).await.expect("it is there")
    };
    let root = branch(|document| document.root_lead().expect("it is directed").0).await;
    let assign = AssignIncoming { branch: root, branches: lead(To::Post(officer.post)), note: None };
    office.act(handler, head.person, document, assign).await;
    let branch = branch(|document| document.lead_leaf().expect("it is assigned").0).await;
    office.act(handler, officer.person, document, AcceptBranch { branch }).await;
    office.act(handler, officer.person, document, ReportProgress { branch, text: text() }).await;
    let proposal = Some(Resolution::Noted);
    let complete = CompleteBranch { branch, result: text(), proposal, files: Vec::new() };
    office.act(handler, officer.person, document, complete).await;
    let resolve = ResolveIncoming {
        how: Resolution::Noted,
        answers: Vec::new(),
        note: None,
        transferred_to: None,
        close_open_branches: None,
    };
    office.act(handler, head.person, document, resolve).await;
}

/// Opens every record.
async fn replay(log: &dyn EventLog, opener: &Opener) -> u64 {
    let (mut records, mut following) = (0, log.follow(None));
    while let Some(Ok(Followed::Records(more))) = following.next().await {
        for recorded in more {
            let event = opener.open(&recorded.record).await.expect("its key is there");
            assert!(matches!(event, Opened::Event(..)));
            records += 1;
        }
    }
    records
}

#[tokio::main]
async fn main() {
    let (documents, rounds) = (number("--documents", 20_000), number("--rounds", 3));
    let dir = directory();
    let (office, app, config) = Office::found(&dir.path().join("data")).await;
    let office = Arc::new(office);
    let began = Instant::now();
    {
        let (office, handler) = (Arc::clone(&office), app.handler.clone());
        each(documents, move |n| {
            let (office, handler) = (Arc::clone(&office), handler.clone());
            async move { life(&office, &handler, n).await }
        })
        .await;
    }
    let written = began.elapsed();
    app.close().await.expect("it closes");
    let store = Store::open(&config, Arc::new(SystemClock)).await.expect("it opens again");
    let log = store.log();
    let records = log.head().await.expect("it is read").records;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{records} records of {documents} documents (written in {written:.1?}, the views beside); {cores} cores");
    println!("{rounds} rounds; records per second, the best and the worst");
    let (mut opened, mut as_of, mut rebuilt) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = Instant::now();
        assert_eq!(replay(&*log, &store.opener).await, records);
        opened.push(began.elapsed());
        let began = Instant::now();
        let views = Views::build_until(&*log, store.opener.clone(), SystemClock.now()).await.expect("it is built");
        as_of.push(began.elapsed());
        drop(views);
        let began = Instant::now();
        let views = Views::awaited(&config.views).await.expect("there is a folder");
        views.rebuild(&*log, &store.opener).await.expect("it is built");
        rebuilt.push(began.elapsed());
        views.close().await;
    }
    for (what, took) in [
        ("opened and decoded", opened),
        ("views as of, in memory", as_of),
        ("views rebuilt twice, put in place", rebuilt),
    ] {
        let rate = |took: Option<&Duration>| records as f64 / took.map_or(f64::NAN, Duration::as_secs_f64);
        println!("  {what:<34} {:>9.0} {:>9.0}", rate(took.iter().min()), rate(took.iter().max()));
    }
    store.close().await.expect("it closes");
}
