//! What does not fit together.

use std::fs;

use super::{Kept, Place, key};
use crate::{
    binary::text,
    office::Office,
};

/// Experiment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ring_older_than_its_log_is_said_to_be() {
    let office = Office::new("G99");
    let place = Place::new(office.path());
    let mut serving = place.serve();
    let person = office.clerk(&serving.url, "Ngô Thị Lan").await;
    let clerk = office.client(&serving.url, &person);
    let key = key(&clerk).await;
    Kept::receive(&clerk, "1").await.is_there(&clerk, &key).await;
    place.run("a backup of a ledger on files");
    let late = Kept::receive(&clerk, "2").await;
    late.is_there(&clerk, &key).await;
    assert!(serving.terminate().success());
    fs::copy(place.set("RING_SET").join("ring.sqlite"), office.path().join("keys/ring.sqlite")).unwrap();
    for round in 0..2 {
        println!("== round {round}");
        let (status, said) = place.fsck();
        println!("{status:?} {said:#}");
        let out = place.socai(&["doctor", "--listen", "127.0.0.1:0"]).output().unwrap();
        println!("doctor {:?} {} {}", out.status, text(&out.stdout), text(&out.stderr));
        let out = std::process::Command::new("timeout").arg("5").arg(crate::binary::path()).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(office.path()).output().unwrap();
        println!("serve {:?} {} {}", out.status, text(&out.stdout), text(&out.stderr));
        if round == 0 {
            let serving = place.serve();
            let clerk = office.client(&serving.url, &person);
            println!("{}", clerk.ask(super::LOOK, serde_json::json!({ "id": late.document })).await);
            let next = clerk.ask(crate::office::REGISTER, serde_json::json!({ "input": { "commandId": uuid::Uuid::now_v7(), "document": late.document } })).await;
            println!("{next}");
        }
        for name in ["views.sqlite", "reactions.checkpoint"] {
            let _ = fs::remove_file(office.path().join(name));
        }
    }
    panic!("look");
}
