//! The nightly copy beside a running server is a backup.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use super::{alarm, copy, copy_files, received, url, wait_for};
use crate::{
    binary::{Serving, run, text, told},
    office::Office,
};

/// What README.md says under "A backup": in this order, beside the server.
fn back_up(data: &Path, to: &Path) -> Value {
    let notary = to.join("notary");
    fs::create_dir_all(&notary).unwrap();
    let first = ["cosigned", "checkpoint"].map(Into::into);
    let others = fs::read_dir(data.join("notary")).unwrap().map(|entry| entry.unwrap().file_name());
    let others: Vec<_> = others.filter(|name| !first.contains(name) && name != "lock").collect();
    for name in first.iter().chain(&others) {
        if data.join("notary").join(name).exists() {
            copy_files(&data.join("notary").join(name), &notary.join(name));
        }
    }
    copy(&url(&data.join("log")), &url(&to.join("log")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_beside_a_busy_server_is_a_backup_and_an_old_one_is_said_to_be_old() {
    let office = Office::new("G99");
    let mut serving = Serving::start(office.path(), &["--segment-mib", "1"]);
    let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let backup = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..4)
        .map(|number: u32| {
            let (client, stop) = (office.client(&serving.url, &clerk), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut round = 0;
                while !stop.load(Ordering::Relaxed) {
                    received(&client, &(10_000 * number + round).to_string()).await;
                    round += 1;
                }
            })
        })
        .collect();
    let (data, to) = (office.path().to_owned(), backup.path().to_owned());
    let nights = tokio::task::spawn_blocking(move || (0..6).map(|_| back_up(&data, &to)).collect::<Vec<_>>());
    let nights = nights.await.unwrap();
    let counts: Vec<_> = nights.iter().map(|night| night["records"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|one, next| one < next), "written to all the while: {counts:?}");
    assert!(nights.iter().all(|night| night["grows"] == true), "{nights:?}");
    stop.store(true, Ordering::Relaxed);
    for client in busy {
        client.await.unwrap();
    }
    assert!(serving.terminate().success());

    // The disk is lost. What is restored is older than what was signed: the start says what tells of the lost one.
    let restore = || {
        let data = tempfile::tempdir().unwrap();
        copy_files(&office.path().join("."), data.path());
        fs::remove_dir_all(data.path().join("log")).unwrap();
        copy_files(&backup.path().join("log"), &data.path().join("log"));
        data
    };
    let data = restore();
    let refusal = run(data.path(), &["rebuild"]);
    let refusal = text(&refusal.stderr);
    assert!(refusal.contains("reactions.checkpoint") && refusal.contains("a copy of it was restored"), "{refusal}");
    for name in ["views.sqlite", "reactions.checkpoint"] {
        fs::remove_file(data.path().join(name)).unwrap();
    }
    let said = alarm(data.path(), &[]).await;
    assert!(said.contains("fewer than the"), "{said}");

    // With the notary's store of the same night it is whole, goes on, and has all that the backup had.
    let data = restore();
    for name in ["views.sqlite", "reactions.checkpoint"] {
        fs::remove_file(data.path().join(name)).unwrap();
    }
    fs::remove_dir_all(data.path().join("notary")).unwrap();
    copy_files(&backup.path().join("notary"), &data.path().join("notary"));
    let mut serving = Serving::start(data.path(), &[]);
    let client = office.client(&serving.url, &clerk);
    let receipt = received(&client, "99999").await;
    assert!(receipt["promise"].is_string(), "{receipt}");
    wait_for(&serving.url, &format!("/log/proof/{}", receipt["recordId"].as_str().unwrap())).await;
    assert!(serving.terminate().success());
    let whole: Value = serde_json::from_str(&told(data.path(), &["fsck", "--json"])).unwrap();
    assert!(whole["layers"]["log"]["counts"]["records"].as_u64() > Some(counts[5]), "{whole:#}");

    // The last night after the server stopped makes both the same.
    let last = back_up(office.path(), backup.path());
    let verified: Value = serde_json::from_str(&told(office.path(), &["verify", "--json"])).unwrap();
    assert_eq!((&last["records"], &last["grows"]), (&verified["records"], &json!(false)));
}
