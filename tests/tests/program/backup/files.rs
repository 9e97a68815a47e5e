//! A ledger on files.

use serde_json::{Value, json};

use super::{Busy, Kept, LOOK, Place, has_grown, head, key};
use crate::office::{Client, Office};

const BACKUP: &str = "a backup of a ledger on files";

/// The same client of a server that is somewhere else now.
fn at(clerk: &Client, url: &str) -> Client {
    Client { url: format!("{url}/graphql"), ..clerk.clone() }
}

/// Records of the log in this backup.
fn records(place: &Place) -> u64 {
    let log = format!("file:{}", place.set("LOG_SET").join("log").display());
    let output = place.socai(&["verify", "--json", "--log", &log]).output().unwrap();
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["records"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_on_files_that_is_lost_with_its_disk_comes_back_from_its_backups() {
    let mut office = Office::new("G99");
    let mut place = Place::new(office.path());
    place.variables.insert("SOCAI_SEGMENT_MIB", "1".into());
    place.run("a backup of the keys");
    let mut serving = place.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &person);
    let key = key(&clerk).await;
    let other = office.clerk(&serving.url, "Lê Văn Bình").await;
    let busy = Busy::begin(&office.client(&serving.url, &other));
    let (mut kept, mut signed, mut nights) = (Vec::new(), Vec::new(), Vec::new());
    for night in 1..=3 {
        kept.push(Kept::receive(&clerk, &night.to_string()).await);
        kept.last().unwrap().is_there(&clerk, &key).await;
        signed.push(head(&clerk, &key).await);
        place.run(BACKUP);
        nights.push(records(&place));
    }
    assert!(busy.end().await > 3 && nights.is_sorted_by(|one, next| one < next), "written to meanwhile: {nights:?}");
    // What was taken since the last night is lost with the disk.
    let late = Kept::receive(&clerk, "4").await;
    late.is_there(&clerk, &key).await;
    serving.kill();
    let lost = office.path().to_owned();
    office.data = tempfile::tempdir().unwrap();
    assert!(!lost.exists());

    place.variables.insert("SOCAI_DATA", office.path().into());
    place.run("restoring the keys");
    let said = place.run("restoring a ledger on files");
    assert!(said.contains("records covered") && said.trim_end().ends_with("equal"), "{said}");
    let mut serving = place.serve_all().await;
    let there = at(&clerk, &serving.url);
    for kept in &kept {
        kept.is_there(&there, &key).await;
    }
    let told = there.ask(LOOK, json!({ "id": late.document })).await;
    assert!(told["data"]["incomingDocument"].is_null(), "{told}");
    // It goes on.
    Kept::receive(&there, "5").await.is_there(&there, &key).await;
    for signed in signed {
        has_grown(&office.administrator(&serving.url), signed, &key).await;
    }
    assert!(serving.terminate().success());
    place.is_whole();
}
