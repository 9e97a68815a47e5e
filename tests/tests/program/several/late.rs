//! What a server stands on comes up after it: it waits.

use std::{fs, path::Path, sync::Arc, time::Duration};

use socai_test_s3::Server;
use tokio::task::spawn_blocking;

use super::{
    journal::pass,
    pair::{Pair, registered, shown},
};
use crate::{
    binary::{Serving, socai},
    office::Office,
};

/// Waits until it says so.
async fn says(messages: &Path, what: &str) {
    let said = || fs::read_to_string(messages).unwrap_or_default();
    let saying = async {
        while !said().contains(what) {
            pass(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), saying).await;
    in_time.unwrap_or_else(|_| panic!("it does not say {what:?}: {}", said()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_there_first_waits_for_database_and_log() {
    let pair = Arc::new(Pair::new().await);
    let office = &pair.office;
    pair.database.stop().unwrap();
    pair.double.lead(None);
    let starting = Arc::clone(&pair);
    let serving = spawn_blocking(move || starting.serve(starting.office.path(), &starting.postgres()));
    let messages = office.path().join("messages");
    says(&messages, "/postgres does not answer; waiting").await;
    pair.database.restart("").unwrap();
    says(&messages, "ledger=so does not answer; waiting").await;
    pair.double.lead(Some(0));
    let mut serving = serving.await.unwrap();
    let clerk = office.client(&serving.url, &office.clerk(&serving.url, "Ngô Thị Lan").await);
    let position = registered(&clerk, "1").await;
    assert_eq!(shown(&clerk, &position).await, Ok(1));
    assert!(serving.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_there_first_waits_for_the_storage_of_files() {
    let office = Office::new("G97");
    let mut storage = Server::start().unwrap();
    storage.stop();
    let messages = office.path().join("messages");
    let mut serve = socai();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--blobs", "s3://van-ban/so", "--messages", "text", "--data"]);
    serve.arg(office.path()).envs(storage.environment()).stderr(fs::File::create(&messages).unwrap());
    let serving = spawn_blocking(move || Serving::of(&mut serve));
    says(&messages, "s3://van-ban/so does not answer; waiting").await;
    storage.run().unwrap();
    assert!(serving.await.unwrap().terminate().success());
}
