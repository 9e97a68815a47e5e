//! A ledger of whole lives of documents, many of them at a time.

use std::{path::Path, sync::Arc, time::Instant};

use futures::future::{BoxFuture, ready};
use socai::{app::Store, clock::SystemClock};
use socai_commands::{Blobs, BlobsUnavailable, Handler};
use socai_domain::{
    id::{BranchId, IncomingId},
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
    testing::acting,
    text::LongText,
};

use crate::office::{Office, Settings, each};

/// Nothing is erased here.
struct NoBlobs;

impl Blobs for NoBlobs {
    fn remove(&self, _: IncomingId, _: Vec<[u8; 32]>) -> BoxFuture<'_, Result<u32, BlobsUnavailable>> {
        Box::pin(ready(Err(BlobsUnavailable("there are none".to_owned()))))
    }
}

fn text() -> LongText {
    LongText::new("Đã dự thảo văn bản trả lời, đang xin ý kiến các đơn vị phối hợp trước khi trình ký")
        .expect("short enough")
}

fn lead(to: To) -> Vec<Assignment> {
    vec![Assignment { to, role: BranchRole::Lead, limit: None, note: None }]
}

/// Commands after the arrival, in the order of a document's life.
const STEPS: usize = 8;
/// Records of a whole life.
const RECORDS: usize = 13;

/// One of them.
async fn step(office: &Office, handler: &Handler, document: IncomingId, step: usize) {
    let [leader, head, officer] = [office.scene.leader, office.scene.head, office.scene.officer].map(acting);
    let branch = |of: fn(&IncomingDocument) -> BranchId| async move {
        handler.view(incoming::stream(document), move |document, _| of(document)).await.expect("it is there")
    };
    let leaf = || branch(|document| document.lead_leaf().expect("it is assigned").0);
    match step {
        0 => {
            let register = RegisterIncoming { accept_duplicate_of: Vec::new(), accepted_because: None };
            office.act(handler, office.clerk(), document, register).await;
        }
        1 => office.act(handler, office.clerk(), document, SubmitIncoming { to: leader.post, note: None }).await,
        2 => {
            let branches = lead(To::Unit(office.scene.unit));
            let direct = DirectIncoming { note: Some(text()), branches, follower: None };
            office.act(handler, leader.person, document, direct).await;
        }
        3 => {
            let root = branch(|document| document.root_lead().expect("it is directed").0).await;
            let assign = AssignIncoming { branch: root, branches: lead(To::Post(officer.post)), note: None };
            office.act(handler, head.person, document, assign).await;
        }
        4 => office.act(handler, officer.person, document, AcceptBranch { branch: leaf().await }).await,
        5 => {
            let report = ReportProgress { branch: leaf().await, text: text() };
            office.act(handler, officer.person, document, report).await;
        }
        6 => {
            let (branch, proposal) = (leaf().await, Some(Resolution::Noted));
            let complete = CompleteBranch { branch, result: text(), proposal, files: Vec::new() };
            office.act(handler, officer.person, document, complete).await;
        }
        _ => {
            let resolve = ResolveIncoming {
                how: Resolution::Noted,
                answers: Vec::new(),
                note: None,
                transferred_to: None,
                close_open_branches: None,
            };
            office.act(handler, head.person, document, resolve).await;
        }
    }
}

/// Writes a ledger of about so many records.
pub(crate) async fn write(data: &Path, records: usize, open: usize) {
    let (office, app, config) = Office::found(data, &Settings::new()).await;
    app.close().await.expect("it closes");
    let store = Store::open(&config, Arc::new(SystemClock)).await.expect("it opens");
    let (log, opener, blobs) = (store.log(), store.opener.clone(), Arc::new(NoBlobs));
    let handler = Handler::start(log, opener, blobs, Arc::new(SystemClock)).await.expect("it starts");
    let (office, began) = (Arc::new(office), Instant::now());
    let (documents, mut done) = (records.div_ceil(RECORDS), 0);
    while done < documents {
        let count = open.min(documents - done);
        let first = done;
        let (of, by) = (Arc::clone(&office), handler.clone());
        let arrive = move |n| {
            let (office, handler) = (Arc::clone(&of), by.clone());
            async move { office.receive(&handler, first + n).await }
        };
        let arrived = Arc::new(each(count, arrive).await);
        for at in 0..STEPS {
            let (of, by, all) = (Arc::clone(&office), handler.clone(), Arc::clone(&arrived));
            let next = move |n: usize| {
                let (office, handler, document) = (Arc::clone(&of), by.clone(), all[n]);
                async move { step(&office, &handler, document, at).await }
            };
            each(count, next).await;
        }
        done += count;
    }
    handler.close().await;
    let written = store.log().head().await.expect("it is read").records;
    println!("{written} records of {documents} documents, written in {:.1?}", began.elapsed());
    drop(handler);
    store.close().await.expect("it closes");
}
