//! The server is killed under load, again and again: what was acknowledged is there, in order; what was begun ends; numbers
//! have no gap and no duplicate. (`kill -9` keeps what the system has cached; losing power is tested in the file engine.)

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::StreamExt as _;
use serde_json::{Value, json};
use socai::{
    clock::SystemClock,
    log::{FileLog, FileLogOptions},
};
use socai_domain::ledger::{EventKind, EventLog as _, Followed, Position, StreamId};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::office::{Client, Office, RECEIVE, REGISTER, paper};

/// Clients at once.
const CLIENTS: usize = 8;

/// A record that somebody was told is there.
struct Acknowledged {
    stream: String,
    revision: u64,
    position: Position,
    hash: String,
}

#[derive(Default)]
struct Load {
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// Acknowledged in this round.
    count: AtomicUsize,
    enough: Notify,
    /// Numbers of the documents sent, so that no two are alike.
    next: AtomicUsize,
}

impl Load {
    /// Receives and registers until the server is gone.
    async fn run(&self, client: &Client, until: usize) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
            let receive = json!({ "input": paper(&number.to_string()) });
            let Ok(answer) = client.try_ask(RECEIVE, receive).await else { return };
            let Some(document) = self.note(&answer["data"]["receiveIncoming"], until) else { continue };
            let register = json!({ "input": { "commandId": Uuid::now_v7(), "document": document } });
            let Ok(answer) = client.try_ask(REGISTER, register).await else { return };
            self.note(&answer["data"]["registerIncoming"], until);
        }
    }

    /// Notes what was acknowledged; the document.
    fn note(&self, payload: &Value, until: usize) -> Option<Value> {
        let receipt = &payload["receipt"];
        let text = |of: &str| receipt[of].as_str().map(str::to_owned);
        let acknowledged = Acknowledged {
            stream: text("stream")?,
            revision: text("revision")?.parse().unwrap(),
            position: text("position")?.parse().unwrap(),
            hash: text("hash")?,
        };
        let stream = acknowledged.stream.clone();
        self.acknowledged.lock().unwrap().push(acknowledged);
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == until {
            self.enough.notify_one();
        }
        Some(json!(stream))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_every_kill() {
    let kills = if std::env::var_os("SOCAI_LONG").is_some() { 200 } else { 10 };
    let office = Office::new("G99");
    let mut clerks = Vec::new();
    let mut serving = office.serve();
    for n in 0..CLIENTS {
        clerks
            .push(office.clerk(&serving.url, &format!("Ngô Thị Lan {}", ["An", "Bình", "Châu", "Dung"][n % 4])).await);
    }
    assert!(serving.terminate().success());

    let load = Arc::new(Load::default());
    for kill in 0..kills {
        let mut serving = office.serve();
        load.count.store(0, Ordering::Relaxed);
        // Another moment of the work each time.
        let until = 5 + kill * 7 % 60;
        let clients: Vec<_> = clerks.iter().map(|clerk| office.client(&serving.url, clerk)).collect();
        let running: Vec<_> = clients
            .into_iter()
            .map(|client| {
                let load = Arc::clone(&load);
                tokio::spawn(async move { load.run(&client, until).await })
            })
            .collect();
        load.enough.notified().await;
        serving.kill();
        for client in running {
            client.await.unwrap();
        }
    }

    // The last start takes every step that was begun.
    let mut serving = office.serve();
    let numbers = numbers(&office.client(&serving.url, &clerks[0])).await;
    assert!(serving.terminate().success());
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no gap, no duplicate");
    let acknowledged = std::mem::take(&mut *load.acknowledged.lock().unwrap());
    check(&office, &acknowledged, numbers.len()).await;
}

/// Every number of the book, in order.
async fn numbers(clerk: &Client) -> Vec<u64> {
    let query = "query($after: String) { incomingRegister(first: 100, after: $after) \
        { edges { node { number } } pageInfo { hasNextPage endCursor } } }";
    let (mut numbers, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = clerk.ask(query, json!({ "after": after })).await["data"]["incomingRegister"].clone();
        let edges = page["edges"].as_array().unwrap_or_else(|| panic!("{page}"));
        numbers.extend(edges.iter().map(|edge| edge["node"]["number"].as_u64().unwrap()));
        if page["pageInfo"]["hasNextPage"] != true {
            numbers.sort_unstable();
            return numbers;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// The log itself against what clients were told.
async fn check(office: &Office, acknowledged: &[Acknowledged], registered: usize) {
    let log = FileLog::open(&office.path().join("log"), FileLogOptions::new(Arc::new(SystemClock))).unwrap();
    let mut records = HashMap::new();
    let mut kinds: BTreeMap<StreamId, Vec<EventKind>> = BTreeMap::new();
    let mut followed = log.follow(None);
    while let Some(Followed::Records(page)) = followed.next().await.map(Result::unwrap) {
        for recorded in page {
            let header = recorded.record.header();
            let place = (header.stream.to_string(), header.revision.number());
            records.insert(place, (recorded.position, recorded.record.hash().to_string()));
            kinds.entry(header.stream).or_default().push(header.kind);
        }
    }
    for told in acknowledged {
        let there = records.get(&(told.stream.clone(), told.revision));
        assert_eq!(there, Some(&(told.position, told.hash.clone())), "{} revision {}", told.stream, told.revision);
    }
    let (began, ended) = (EventKind::new(410), EventKind::new(412));
    let count = |kind: EventKind| kinds.values().flatten().filter(|of| **of == kind).count();
    for (stream, kinds) in &kinds {
        let open = kinds.contains(&began) && !kinds.contains(&ended);
        assert!(!open, "{stream}: a registration was begun and never ended");
    }
    assert_eq!(count(ended), registered, "each number is a registered document's");
    assert!(registered > 0 && acknowledged.len() >= registered);
}
