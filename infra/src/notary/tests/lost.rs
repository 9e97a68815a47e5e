//! A store that was lost: silence, until it agrees with what others hold.

use std::sync::Arc;

use socai_domain::{ledger::EventLog as _, ledger::memory::MemoryLog};
use socai_graphql::notary::{self as api, Notary as _, Wanted};

use super::{
    super::{
        Notary,
        agree::{AgreeError, agree},
        has_signed,
    },
    Place, everywhere, key,
    life::{Running, fill, log},
    record,
};
use crate::{clock::SystemClock, config::Location};

/// A notary that signed 300 records; its checkpoint of 200, and the newest.
async fn signed(at: &Location, log: &Arc<MemoryLog>) -> [String; 2] {
    let running = Running::at(at, log).await;
    fill(log, 0, 300).await;
    assert!(running.notary.covers(300).await);
    let of = async |size| running.notary.signed(size).await.unwrap().unwrap().note.to_string();
    let checkpoints = [of(200).await, of(300).await];
    running.stop().await.unwrap();
    checkpoints
}

async fn agreed(at: &Location, log: &Arc<MemoryLog>, checkpoint: Option<&str>) -> Result<u64, AgreeError> {
    let records = log.head().await.unwrap().records;
    let notary = Notary::open(at, key(), 60, records, Arc::new(SystemClock)).unwrap();
    agree(&notary, &**log, checkpoint.map(str::as_bytes), |_| {}).await
}

#[tokio::test]
async fn a_lost_store_is_silent_until_it_agrees() {
    for place in everywhere() {
        is_silent(&place).await;
    }
}

async fn is_silent(place: &Place) {
    let (store, log) = (place.at(), log(1));
    let checkpoints = signed(&store, &log).await;
    for checkpoint in [Some(&checkpoints[0]), Some(&checkpoints[1]), None] {
        place.lose();
        // Whether or not it begins while it is served.
        for _ in 0..2 {
            let mut running = Running::at(&store, &log).await;
            let why = running.stopped().await;
            assert!(why.contains("socai notary agree --checkpoint"), "{why}");
            let records = log.head().await.unwrap().records;
            fill(&log, records, 10).await;
            assert!(!running.notary.covers(1).await);
            let standing = running.notary.standing();
            assert_eq!((standing.signed, standing.voice), (None, api::Voice::Silent));
            assert!(running.notary.prove(Wanted::Record(record(1).id())).await.is_err());
            assert!(running.notary.signed(1).await.is_err());
            running.stop().await.unwrap();
            assert!(!has_signed(&store).unwrap(), "nothing was signed");
        }
        let records = log.head().await.unwrap().records;
        assert_eq!(agreed(&store, &log, checkpoint.map(String::as_str)).await, Ok(records));
        let running = Running::at(&store, &log).await;
        fill(&log, records, 1).await;
        assert!(running.notary.covers(records + 1).await);
        assert_eq!(running.notary.signed(300).await.unwrap().unwrap().note.to_string(), checkpoints[1]);
        running.stop().await.unwrap();
    }
    assert_eq!(agreed(&store, &log, None).await, Err(AgreeError::NotLost(log.head().await.unwrap().records)));
}

#[tokio::test]
async fn a_rewritten_or_shortened_log_does_not_agree() {
    for place in everywhere() {
        does_not_agree(&place).await;
    }
}

async fn does_not_agree(place: &Place) {
    let (store, right) = (place.at(), log(1));
    let [_, checkpoint] = signed(&store, &right).await;
    let mut refused = Vec::new();
    for records in [300, 299] {
        let other = log(1);
        fill(&other, 0, records).await;
        place.lose();
        refused.push(agreed(&store, &other, Some(&checkpoint)).await.unwrap_err());
        assert!(!has_signed(&store).unwrap(), "nothing was signed");
    }
    assert!(matches!(refused[0], AgreeError::Rewritten { size: 300, .. }), "{}", refused[0]);
    assert_eq!(refused[1], AgreeError::Short { signed: 300, there: 299 });
    for wrong in
        ["", "socai\n", &checkpoint.replacen("300", "299", 1), &checkpoint.replace("log.example", "example.log")]
    {
        let error = agreed(&store, &right, Some(wrong)).await.unwrap_err();
        assert!(matches!(error, AgreeError::NotOurs { .. }), "{error}");
    }
}
