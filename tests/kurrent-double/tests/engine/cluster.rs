//! Leaders that go away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use socai_domain::ledger::EventLog;
use socai_kurrent::{KurrentLog, KurrentOptions, client::Client};
use socai_kurrent_double::Double;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::support::{Follower, append, fill, open, options, texts, url};

/// How long it may take after a new leader is there.
const RECOVERED: Duration = Duration::from_secs(5);

/// A follower, and a writer that the leader is taken away from twice, by `change`.
async fn through(change: impl Fn(&Double, usize)) -> Duration {
    let double = Double::cluster(3).await.unwrap();
    let log = open(&double).await;
    let mut follower = Follower::new(&log, None);
    let (mut expected, mut longest) = (Vec::new(), Duration::ZERO);
    for round in 0..6_usize {
        if round % 2 == 0 && round > 0 {
            change(&double, round / 2);
        }
        let begun = Instant::now();
        for number in 1..=5 {
            let (name, last) = (format!("{number} {round}"), (round as u64).checked_sub(1));
            let taken = log.append(append(number, last, &[&name])).await.unwrap();
            assert!(!taken.repeated);
            expected.push(name);
        }
        follower.until(expected.len()).await;
        longest = longest.max(begun.elapsed());
    }
    assert_eq!(follower.texts(), expected);
    assert_eq!(double.events("so-").len(), expected.len());
    longest
}

#[tokio::test]
async fn a_leader_that_dies_is_replaced_and_nothing_is_lost_or_doubled() {
    let longest = through(|double, leader| {
        double.stop(leader - 1);
        double.lead(Some(leader));
    })
    .await;
    println!("longest outage after the death of a leader: {longest:?}");
    assert!(longest < RECOVERED, "{longest:?}");
}

#[tokio::test]
async fn a_leader_that_follows_from_now_on_says_who_leads() {
    let longest = through(|double, leader| double.lead(Some(leader))).await;
    println!("longest outage after another node took the lead: {longest:?}");
    assert!(longest < RECOVERED, "{longest:?}");
}

#[tokio::test]
async fn without_a_leader_it_waits_and_then_says_so() {
    let double = Double::cluster(3).await.unwrap();
    let log = open(&double).await;
    fill(&log, 1, 1).await;
    double.lead(None);
    let waiting = log.append(append(1, Some(0), &["waits"]));
    let waiting = tokio::spawn(waiting);
    double.until(|counts| counts.refused > 0).await;
    double.lead(Some(2));
    assert!(!waiting.await.unwrap().unwrap().repeated);
    assert_eq!(texts(&log, 1).await, ["1/0", "waits"]);

    let impatient = KurrentOptions { patience: Duration::from_millis(200), ..options() };
    let log = KurrentLog::open(&url(&double, 2_000), impatient).await.unwrap();
    (0..3).for_each(|node| double.stop(node));
    let read = log.head().await;
    assert!(matches!(&read, Err(error) if error.may_pass()), "{read:?}");
    assert!(Follower::new(&log, None).until_error().await.may_pass());
}

/// Whoever waits for the connection that another call is making does not wait for that call.
#[tokio::test]
async fn a_call_that_nobody_goes_on_with_holds_up_no_other() {
    let double = Double::start().await.unwrap();
    let client = Client::new(double.url("so").parse().unwrap()).unwrap();
    let mut first = Box::pin(client.version());
    assert!(futures::poll!(&mut first).is_pending(), "it connects");
    let second = tokio::time::timeout(Duration::from_secs(20), client.version()).await;
    assert!(second.expect("it is answered").unwrap().is_some());
    assert!(first.await.unwrap().is_some());
}

#[tokio::test]
async fn connections_that_are_refused_are_made_again() {
    let double = Double::start().await.unwrap();
    double.faults().refuse_connections(3);
    let log = open(&double).await;
    fill(&log, 1, 2).await;
    double.faults().refuse_connections(2);
    double.cut();
    log.append(append(1, Some(1), &["after"])).await.unwrap();
    assert_eq!(texts(&log, 1).await, ["1/0", "1/1", "after"]);
}

#[tokio::test]
async fn who_reaches_the_nodes_by_other_addresses_is_led_by_those() {
    let double = Double::cluster(2).await.unwrap();
    let mut listeners = Vec::new();
    for _ in 0..2 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let names: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let nodes = double.behind(&names).await.unwrap();
    let taken = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    for (number, (listener, node)) in listeners.into_iter().zip(nodes).enumerate() {
        let taken = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                taken[number].fetch_add(1, Ordering::Relaxed);
                let mut far = TcpStream::connect(node).await.unwrap();
                tokio::spawn(async move { drop(copy_bidirectional(&mut near, &mut far).await) });
            }
        });
    }
    let url = format!("kurrentdb://{},{}?tls=false&ledger=so", names[0], names[1]);
    let log = KurrentLog::open(&url, options()).await.unwrap();
    log.append(append(1, None, &["by the first"])).await.unwrap();
    let before = taken[1].load(Ordering::Relaxed);
    // By the refusal's hint, and by gossip once its connections are gone.
    double.lead(Some(1));
    log.append(append(1, Some(0), &["by the second"])).await.unwrap();
    assert!(taken[1].load(Ordering::Relaxed) > before, "the second node was reached by another address");
    double.cut();
    log.append(append(1, Some(1), &["again"])).await.unwrap();
    assert_eq!(texts(&log, 1).await, ["by the first", "by the second", "again"]);
}
