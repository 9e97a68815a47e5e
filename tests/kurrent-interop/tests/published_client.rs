//! What the published client of KurrentDB (crate `kurrentdb` 1.2.0) says to our double, and reads of what our engine wrote.
//! It knows nothing of our messages: field numbers that were wrong on both of our sides would be found here.

use std::{sync::Arc, time::Duration};

use kurrentdb::{
    AppendToStreamOptions, Client, DeleteStreamOptions, Error, EventData, ReadAllOptions, ReadStreamOptions,
    StreamPosition, StreamState, SubscribeToAllOptions, SubscriptionEvent, SubscriptionFilter, TombstoneStreamOptions,
};
use socai_domain::{
    ledger::{Append, Direction, Draft, EventKind, EventLog, Expected, StreamId, StreamKind},
    time::{Clock, Timestamp},
};
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::Double;
use uuid::Uuid;

fn client(double: &Double) -> Client {
    let url = format!("kurrentdb://{}?tls=false&discoveryInterval=50&maxDiscoverAttempts=10", double.hosts());
    Client::new(url.parse().unwrap()).unwrap()
}

fn event(text: &str) -> EventData {
    EventData::binary("Said", text.as_bytes().to_vec().into()).id(Uuid::new_v4()).metadata(b"meta".to_vec().into())
}

fn at(state: StreamState) -> AppendToStreamOptions {
    AppendToStreamOptions::default().stream_state(state)
}

async fn read(client: &Client, stream: &str, options: &ReadStreamOptions) -> Vec<(u64, String)> {
    let mut events = client.read_stream(stream, options).await.unwrap();
    let mut read = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        let event = event.get_original_event().clone();
        assert_eq!(event.stream_id(), stream);
        assert_eq!((event.event_type.as_str(), &event.custom_metadata[..]), ("Said", &b"meta"[..]));
        read.push((event.revision, String::from_utf8(event.data.to_vec()).unwrap()));
    }
    read
}

#[tokio::test]
async fn it_appends_and_reads() {
    let double = Double::start().await.unwrap();
    let client = client(&double);
    let first = event("a");
    let written = client.append_to_stream("s", &at(StreamState::NoStream), first.clone()).await.unwrap();
    assert_eq!(written.next_expected_version, 0);
    let written = client.append_to_stream("s", &at(StreamState::StreamRevision(0)), vec![event("b"), event("c")]).await;
    let written = written.unwrap();
    assert_eq!(written.next_expected_version, 2);
    assert_eq!(written.position.commit, double.events("s").last().unwrap().position);

    // The same again is the same; something else is a conflict.
    let again = client.append_to_stream("s", &at(StreamState::NoStream), first).await.unwrap();
    assert_eq!(again.next_expected_version, 0);
    let wrong = client.append_to_stream("s", &at(StreamState::StreamRevision(1)), event("x")).await;
    assert!(matches!(wrong, Err(Error::WrongExpectedVersion { .. })), "{wrong:?}");

    let said = |from: &[(u64, &str)]| from.iter().map(|(n, text)| (*n, (*text).to_owned())).collect::<Vec<_>>();
    let forwards = ReadStreamOptions::default();
    assert_eq!(read(&client, "s", &forwards).await, said(&[(0, "a"), (1, "b"), (2, "c")]));
    let backwards = ReadStreamOptions::default().backwards().position(StreamPosition::End).max_count(2);
    assert_eq!(read(&client, "s", &backwards).await, said(&[(2, "c"), (1, "b")]));
    let from = ReadStreamOptions::default().position(StreamPosition::Position(1)).max_count(1);
    assert_eq!(read(&client, "s", &from).await, said(&[(1, "b")]));
    let missing = client.read_stream("nowhere", &forwards).await.unwrap().next().await;
    assert!(matches!(missing, Err(Error::ResourceNotFound)), "{missing:?}");
}

#[tokio::test]
async fn it_subscribes_to_what_it_asked_for() {
    let double = Double::start().await.unwrap();
    let client = client(&double);
    for text in ["a", "b"] {
        client.append_to_stream("ours-1", &at(StreamState::Any), event(text)).await.unwrap();
        client.append_to_stream("theirs-1", &at(StreamState::Any), event("no")).await.unwrap();
    }
    let filter = SubscriptionFilter::on_stream_name().add_prefix("ours-");
    let options = SubscribeToAllOptions::default().filter(filter.clone()).position(StreamPosition::Start);
    let mut subscription = client.subscribe_to_all(&options).await;
    let (mut texts, mut checkpoints, mut caught_up) = (Vec::new(), 0, 0);
    while texts.len() < 3 {
        match tokio::time::timeout(Duration::from_secs(20), subscription.next_subscription_event())
            .await
            .unwrap()
            .unwrap()
        {
            SubscriptionEvent::EventAppeared(event) => {
                texts.push(String::from_utf8(event.get_original_event().data.to_vec()).unwrap());
            }
            SubscriptionEvent::Checkpoint(position) => {
                assert!(position.commit > 0);
                checkpoints += 1;
            }
            SubscriptionEvent::CaughtUp(_) => {
                caught_up += 1;
                client.append_to_stream("ours-2", &at(StreamState::NoStream), event("live")).await.unwrap();
            }
            _ => {}
        }
    }
    assert_eq!((texts, caught_up), (vec!["a".to_owned(), "b".to_owned(), "live".to_owned()], 1));
    assert!(checkpoints > 0);

    let mut all = client.read_all(&ReadAllOptions::default().filter(filter).max_count(10)).await.unwrap();
    let mut count = 0;
    while all.next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
}

#[tokio::test]
async fn it_deletes_and_finds_out_what_was_deleted() {
    let double = Double::start().await.unwrap();
    let client = client(&double);
    for stream in ["hidden", "gone"] {
        client.append_to_stream(stream, &at(StreamState::NoStream), event("a")).await.unwrap();
    }
    client.delete_stream("hidden", &DeleteStreamOptions::default()).await.unwrap();
    client.tombstone_stream("gone", &TombstoneStreamOptions::default()).await.unwrap();
    let written = client.append_to_stream("hidden", &at(StreamState::NoStream), event("b")).await.unwrap();
    assert_eq!(written.next_expected_version, 1, "numbering goes on");
    let gone = client.append_to_stream("gone", &at(StreamState::Any), event("b")).await;
    assert!(matches!(gone, Err(Error::ResourceDeleted)), "{gone:?}");
}

#[tokio::test]
async fn it_finds_the_leader_of_a_cluster() {
    let double = Double::cluster(3).await.unwrap();
    double.lead(Some(2));
    let client = client(&double);
    client.append_to_stream("s", &at(StreamState::NoStream), event("a")).await.unwrap();
    assert_eq!(double.events("s").len(), 1);
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_000_000_000_000)
    }
}

#[tokio::test]
async fn it_reads_the_ledger_byte_for_byte() {
    let double = Double::start().await.unwrap();
    let options = KurrentOptions { create: true, ..KurrentOptions::new(Arc::new(Still)) };
    let log = KurrentLog::open(&double.url("so"), options).await.unwrap();
    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(7));
    let draft = |n: u8| Draft { kind: EventKind::new(100), organ: Uuid::nil(), person: Uuid::nil(), body: vec![n; 40] };
    let append = Append { stream, expected: Expected::New, drafts: vec![draft(1), draft(2)] };
    log.append(append).await.unwrap();
    let records = log.read(stream, Direction::Forwards, None, 9).await.unwrap();

    let client = client(&double);
    let mut events = client.read_stream(format!("so-{stream}"), &ReadStreamOptions::default()).await.unwrap();
    for recorded in records {
        let event = events.next().await.unwrap().unwrap();
        let event = event.get_original_event();
        assert_eq!(event.data, recorded.record.bytes());
        assert_eq!(event.id, recorded.record.hash().id().0);
        assert_eq!((event.event_type.as_str(), event.is_json), ("OrganRegistered@1", false));
        assert_eq!(event.position.commit, recorded.position.place());
        assert!(event.custom_metadata.is_empty());
    }
    assert!(events.next().await.unwrap().is_none());
}
