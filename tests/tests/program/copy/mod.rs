//! `socai copy`: a whole installation moves into a cluster and back, and what was proved before stays proved; a copy that was
//! cut off goes on; and the nightly copy beside a running server is a backup.

mod backup;
mod moving;

use std::{fs, path::Path, process::Command, sync::Arc};

use futures::StreamExt as _;
use serde_json::Value;
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions},
};
use socai_domain::ledger::{EventLog as _, Followed, SealedRecord};

use crate::{
    binary::{Serving, socai, text},
    office::{Client, paper},
};

const RECEIVE: &str = "mutation($input: ReceiveIncomingInput!) { receiveIncoming(input: $input) \
    { document { id } receipt { recordId stream revision position hash promise } } }";

fn url(log: &Path) -> String {
    format!("file:{}", log.display())
}

/// Copies, and says what was copied.
fn copy(from: &str, to: &str) -> Value {
    let output = socai().args(["copy", "--json", "--segment-mib", "1", "--from", from, "--to", to]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a copy that is refused says.
fn refused(from: &str, to: &str) -> String {
    let output = socai().args(["copy", "--from", from, "--to", to]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

fn copy_files(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Every record of a log on files that nobody has open.
async fn records(log: &Path) -> Vec<SealedRecord> {
    let log = FileLog::open(log, FileLogOptions::new(Arc::new(SystemClock))).unwrap();
    let (mut followed, mut records) = (log.follow(None), Vec::new());
    while let Some(Followed::Records(more)) = followed.next().await.map(Result::unwrap) {
        records.extend(more.into_iter().map(|recorded| recorded.record));
    }
    log.close().await.unwrap();
    records
}

/// What the server answers, asked until it has it.
async fn wait_for(url: &str, path: &str) -> String {
    loop {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
        if status == 200 {
            return told;
        }
        assert!(status == 404 || status == 503, "{status}: {told}");
    }
}

/// Serves until the notary raises its alarm; what the program says of it.
async fn alarm(data: &Path, settings: &[&str]) -> String {
    let said = tempfile::NamedTempFile::new().unwrap();
    let mut command = socai();
    command.args(["serve", "--listen", "127.0.0.1:0", "--level", "error", "--data"]).arg(data).args(settings);
    let mut serving = Serving::of(command.stderr(said.reopen().unwrap()));
    loop {
        let answer = reqwest::get(format!("{}/health/ready", serving.url)).await.unwrap();
        if answer.text().await.unwrap().contains("notary: stopped") {
            break;
        }
    }
    assert_eq!(serving.terminate().code(), Some(1), "it says so at its end, too");
    fs::read_to_string(said.path()).unwrap()
}

async fn received(clerk: &Client, number: &str) -> Value {
    clerk.must(RECEIVE, paper(number)).await["receiveIncoming"]["receipt"].clone()
}
