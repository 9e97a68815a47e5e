//! Followers of subscriptions that lose, repeat, end, or fall silent.

use std::time::{Duration, Instant};

use futures::future::join_all;
use socai_domain::ledger::{Append, EventLog, Expected, ReadError};
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::Double;

use crate::support::{Follower, append, draft, fill, open, options, physical, position, stream, text, url};

#[tokio::test]
async fn a_skipped_event_is_found() {
    // Of two streams; a follower begins after the record with this index.
    for (number, revision, after) in [
        (1, 0, None),
        (2, 1, None),
        // From the middle on, by what lies before the first one that is told.
        (2, 1, Some(2)),
        (2, 0, Some(1)),
    ] {
        let double = Double::start().await.unwrap();
        let log = open(&double).await;
        let filled = [fill(&log, 1, 2).await, fill(&log, 2, 3).await].concat();
        double.faults().skip(&physical(number), revision);
        let mut follower = Follower::new(&log, after.map(|index: usize| position(&filled[index])));
        let error = follower.until_error().await;
        let ReadError::Corrupt(why) = &error else { panic!("{number}/{revision} after {after:?}: {error}") };
        assert!(why.contains(&stream(number).to_string()) && why.contains("skipped"), "{why}");
        let next = format!("{number}/{}", revision + 1);
        assert!(!follower.texts().contains(&next), "what follows the gap was told: {:?}", follower.texts());
    }
}

#[tokio::test]
async fn a_live_follower_finds_what_is_skipped() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    fill(&log, 1, 1).await;
    let mut follower = Follower::new(&log, None);
    follower.until_caught_up().await;
    double.faults().skip(&physical(1), 1);
    log.append(append(1, Some(0), &["skipped"])).await.unwrap();
    log.append(append(2, None, &["told"])).await.unwrap();
    follower.until(2).await;
    assert_eq!(follower.texts(), ["1/0", "told"]);
    log.append(append(1, Some(1), &["shows it"])).await.unwrap();
    assert!(matches!(follower.until_error().await, ReadError::Corrupt(_)));
}

#[tokio::test]
async fn nothing_is_told_twice_or_left_out_when_subscriptions_break() {
    let double = Double::start().await.unwrap();
    double.faults().redeliver(3);
    double.faults().checkpoint_beyond();
    let log = open(&double).await;
    let mut follower = Follower::new(&log, None);
    let mut expected = Vec::new();
    for round in 0..6_u64 {
        for number in 1..=3 {
            let name = format!("{number} {round}");
            log.append(append(number, round.checked_sub(1), &[&name])).await.unwrap();
            expected.push(name);
        }
        follower.until(expected.len() - 1).await;
        double.cut();
    }
    follower.until(expected.len()).await;
    assert_eq!(follower.texts(), expected);
    assert_eq!(follower.caught_up, 1);
    assert!(double.counts().subscriptions >= 3, "the subscription was not broken");
}

#[tokio::test]
async fn subscriptions_that_end_as_unavailable_lose_and_double_nothing() {
    for redelivered in [0, 3] {
        let double = Double::start().await.unwrap();
        double.faults().redeliver(redelivered);
        let log = open(&double).await;
        fill(&log, 1, 4).await;
        fill(&log, 2, 4).await;
        // At once, among what is there, and among what comes live.
        double.faults().fail_subscriptions([0, 1, 5, 4, 0, redelivered + 1, redelivered + 2]);
        let mut follower = Follower::new(&log, None);
        follower.until(8).await;
        for live in 4..10 {
            log.append(append(1, Some(live - 1), &[&format!("1/{live}")])).await.unwrap();
            follower.until(5 + usize::try_from(live).unwrap()).await;
        }
        let filled = [(1, 0..4), (2, 0..4), (1, 4..10)];
        let expected =
            filled.into_iter().flat_map(|(number, revisions)| revisions.map(move |at| format!("{number}/{at}")));
        assert_eq!(follower.texts(), expected.collect::<Vec<_>>());
        assert!(double.counts().subscriptions >= 8, "{:?}", double.counts());
        assert_eq!(follower.caught_up, 1);
    }
}

#[tokio::test]
async fn a_subscription_that_ends_in_good_order_does_not_keep_it_busy() {
    let double = Double::start().await.unwrap();
    double.faults().end_subscriptions(true);
    let log = open(&double).await;
    let begun = Instant::now();
    let mut follower = Follower::new(&log, None);
    follower.until_caught_up().await;
    double.until(|counts| counts.subscriptions >= 6).await;
    // 0.1, 0.2, 0.4, 0.8 and 1 s lie between them.
    assert!(begun.elapsed() > Duration::from_secs(2), "6 subscriptions in {:?}", begun.elapsed());
    double.faults().end_subscriptions(false);
    fill(&log, 1, 3).await;
    follower.until(3).await;
    assert_eq!(follower.texts(), ["1/0", "1/1", "1/2"]);
}

#[tokio::test]
async fn a_silent_subscription_is_replaced() {
    let double = Double::start().await.unwrap();
    let options = KurrentOptions { idle: Duration::from_millis(100), ..options() };
    let log = KurrentLog::open(&url(&double, 2_000), options).await.unwrap();
    fill(&log, 1, 2).await;
    double.faults().silence(2);
    let mut follower = Follower::new(&log, None);
    follower.until(2).await;
    follower.until_caught_up().await;
    assert!(double.counts().subscriptions >= 3, "{:?}", double.counts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_follower_holds_up_nobody_and_misses_nothing() {
    const RECORDS: usize = 3_000;
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let big = "x".repeat(4_000);
    let mut slow = Follower::new(&log, None);
    let mut quick = Follower::new(&log, None);
    // 12 MB: more than windows and queues hold.
    let calls: Vec<_> = (0..RECORDS)
        .map(|number| {
            let drafts = vec![draft(&format!("{number} {big}"))];
            log.append(Append { stream: stream(number as u128), expected: Expected::New, drafts })
        })
        .collect();
    for taken in join_all(calls).await {
        taken.unwrap();
    }
    quick.until(RECORDS).await;
    log.append(append(1, Some(0), &["still"])).await.unwrap();
    slow.until(RECORDS + 1).await;
    assert_eq!(slow.records[..RECORDS], quick.records[..RECORDS]);
    assert_eq!(text(&slow.records[RECORDS]), "still");
}
