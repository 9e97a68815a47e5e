//! Beside a server that is written to all the while: no false alarm; and after it was killed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::world::{copy, erase, everything, fsck, receive, register};
use crate::{
    binary::Serving,
    office::{Client, Office},
};

/// Clients at once, in pairs: every erasure needs two persons.
const PAIRS: usize = 3;

/// Small segments, so that some are sealed meanwhile.
const SETTINGS: [&str; 2] = ["--segment-mib", "1"];

/// What the clients do until they are stopped.
struct Load {
    stop: AtomicBool,
    next: AtomicUsize,
    erased: AtomicUsize,
}

impl Load {
    async fn run(&self, one: Client, other: Client) {
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let filed = receive(&one, &number.to_string(), &format!("content {number}")).await;
            register(&one, &filed.document).await;
            if number.is_multiple_of(3) {
                erase(&one, &other, &filed.document).await;
                self.erased.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_busy_server_there_is_no_false_alarm() {
    let rounds = if std::env::var_os("SOCAI_LONG").is_some() { 200 } else { 12 };
    let office = Office::new("G99");
    let mut serving = Serving::start(office.path(), &SETTINGS);
    let load = Arc::new(Load { stop: false.into(), next: 1.into(), erased: 0.into() });
    let mut running = Vec::new();
    for _ in 0..PAIRS {
        let one = office.clerk(&serving.url, "Ngô Thị Lan").await;
        let other = office.clerk(&serving.url, "Lê Văn Bình").await;
        let [one, other] = [one, other].map(|clerk| office.client(&serving.url, &clerk));
        let load = Arc::clone(&load);
        running.push(tokio::spawn(async move { load.run(one, other).await }));
    }
    let mut records = Vec::new();
    for round in 0..rounds {
        let data = office.path().to_owned();
        let more: &[&str] = if round % 2 == 0 { &[] } else { &["--deep"] };
        let said = tokio::task::spawn_blocking(move || fsck(&data, more)).await.unwrap();
        assert_eq!(said.code, 0, "round {round}: {:#}", said.json);
        for layer in ["log", "index", "keys", "reactions", "views", "files"] {
            assert_eq!(said.json["layers"][layer]["ok"], true, "round {round}: {:#}", said.json);
        }
        records.push(said.count("log", "records"));
    }
    assert!(records.is_sorted_by(|a, b| a < b), "written to all the while: {records:?}");
    assert!(load.erased.load(Ordering::Relaxed) > rounds / 4, "erased all the while");

    // As a killed server leaves it: nothing is repaired, nothing is touched, and all is well.
    serving.kill();
    load.stop.store(true, Ordering::Relaxed);
    for client in running {
        // It may have been in the middle of a request.
        let _ = client.await;
    }
    let killed = copy(office.path());
    let before = everything(killed.path());
    let said = fsck(killed.path(), &["--deep"]);
    assert_eq!(said.code, 0, "{:#}", said.json);
    assert!(everything(killed.path()) == before, "a file was changed, made or removed");
    let mut serving = office.serve();
    assert!(serving.terminate().success());
    assert_eq!(fsck(office.path(), &["--deep"]).code, 0);
}

/// A start repairs, an end tidies up: neither looks like damage, and neither is kept from its work.
#[tokio::test(flavor = "multi_thread")]
async fn while_a_server_comes_and_goes_there_is_no_false_alarm() {
    let starts = if std::env::var_os("SOCAI_LONG").is_some() { 100 } else { 10 };
    let office = Arc::new(Office::new("G99"));
    let ended = Arc::new(AtomicBool::new(false));
    let (checked, ending) = (Arc::clone(&office), Arc::clone(&ended));
    let checking = tokio::task::spawn_blocking(move || {
        let mut codes = Vec::new();
        while !ending.load(Ordering::Relaxed) {
            let said = fsck(checked.path(), &[]);
            assert_eq!(said.code, 0, "{:#}", said.json);
            codes.push(said.code);
        }
        codes.len()
    });
    let mut number = 0;
    for start in 0..starts {
        let mut serving = Serving::start(office.path(), &SETTINGS);
        let clerk = office.clerk(&serving.url, "Ngô Thị Lan").await;
        let clerk = office.client(&serving.url, &clerk);
        for _ in 0..5 {
            number += 1;
            register(&clerk, &receive(&clerk, &number.to_string(), "usual").await.document).await;
        }
        if start % 3 == 2 { serving.kill() } else { assert!(serving.terminate().success()) }
    }
    ended.store(true, Ordering::Relaxed);
    assert!(checking.await.unwrap() > 1);
    assert_eq!(fsck(office.path(), &["--deep"]).code, 0);
}
