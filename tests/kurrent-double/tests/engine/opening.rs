//! Opening a ledger: which one, by whom, and whether the server may lose any of it.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use socai_domain::{
    ledger::{EventLog, LedgerId, ReadError},
    time::Timestamp,
};
use socai_kurrent::{KurrentLog, KurrentOptions, KurrentRestore, OpenKurrentError};
use socai_kurrent_double::Double;
use uuid::Uuid;

use crate::support::{Follower, NOW, Still, append, fill, open, options, physical, position, url};

async fn refused(double: &Double, url: &str) -> OpenKurrentError {
    let options = KurrentOptions { patience: Duration::from_millis(300), create: false, ..options() };
    let error = KurrentLog::open(url, options).await.expect_err("it is refused");
    assert!(!error.to_string().contains("geheim"), "a password in an error: {error}");
    assert_eq!(double.events("so-"), []);
    error
}

#[tokio::test]
async fn a_ledger_is_made_once_and_found_again() {
    let double = Double::start().await.unwrap();
    let error = refused(&double, &url(&double, 500)).await;
    assert!(matches!(error, OpenKurrentError::Missing(_)), "{error}");
    let [one, other] = [open(&double).await, open(&double).await];
    assert_eq!(one.ledger(), other.ledger());
    let elsewhere = KurrentLog::open(&double.url("other"), options()).await.unwrap();
    assert_ne!(elsewhere.ledger(), one.ledger());
    assert_eq!(double.events("so.ledger").len(), 1);
}

#[tokio::test]
async fn another_epoch_makes_old_positions_foreign() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let taken = fill(&log, 1, 1).await;
    double.write("so.ledger", "LedgerBegun@1", json!({ "ledger": log.ledger().0, "moved": 1 }).to_string().as_bytes());
    let log = open(&double).await;
    let error = Follower::new(&log, Some(position(&taken[0]))).until_error().await;
    assert!(matches!(error, ReadError::Foreign(_)), "{error}");
    assert_eq!(log.head().await.unwrap().records, 1);
}

#[tokio::test]
async fn a_ledgers_stream_that_says_something_else_is_refused() {
    for (kind, data, part) in [
        ("Other", &b"{}"[..], "\"Other\""),
        ("LedgerBegun@1", b"{", "EOF"),
        ("LedgerBegun@1", br#"{"ledger": "00000000-0000-0000-0000-000000000000"}"#, "two ledgers"),
    ] {
        let double = Double::start().await.unwrap();
        drop(open(&double).await);
        double.write("so.ledger", kind, data);
        let error = refused(&double, &url(&double, 500)).await.to_string();
        assert!(error.contains("so.ledger") && error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn metadata_that_loses_records_is_refused_with_its_name() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    fill(&log, 1, 3).await;
    fill(&log, 2, 3).await;
    double.set_metadata("other-1", &json!({ "$maxCount": 1 }));
    double.set_metadata(&physical(1), &json!({ "$acl": { "$r": "ops" } }));
    assert_eq!(log.head().await.unwrap().records, 6);
    for (setting, value) in [("$maxAge", 3_600), ("$maxCount", 2), ("$tb", 1)] {
        let mut metadata = json!({});
        metadata[setting] = json!(value);
        double.set_metadata(&physical(2), &metadata);
        let error = KurrentLog::open(&url(&double, 500), options()).await.unwrap_err().to_string();
        assert!(error.contains(setting) && error.contains(&physical(2)), "{error}");
        let head = log.head().await;
        assert!(matches!(&head, Err(ReadError::Corrupt(why)) if why.contains(setting)), "{head:?}");
    }
    double.set_metadata(&physical(2), &json!({}));
    assert_eq!(log.head().await.unwrap().records, 6);
    assert_eq!(open(&double).await.head().await.unwrap().records, 6);
    double.delete(&physical(1));
    let error = KurrentLog::open(&url(&double, 500), options()).await.unwrap_err().to_string();
    assert!(error.contains("$tb") && error.contains(&physical(1)), "{error}");
}

#[tokio::test]
async fn metadata_that_loses_what_the_ledger_is_is_refused_and_nothing_is_begun_in_its_place() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    fill(&log, 1, 1).await;
    let stands = double.events("so");
    // Whose name only begins like it.
    double.set_metadata("so.ledger2", &json!({ "$maxCount": 1 }));
    double.set_metadata("so.ledger", &json!({ "$acl": { "$r": "ops" } }));
    assert_eq!(log.head().await.unwrap().records, 1);
    let found = async |setting: &str| {
        // May make a ledger where there is none.
        let error = KurrentLog::open(&url(&double, 500), options()).await.unwrap_err().to_string();
        assert!(error.contains(setting) && error.contains("stream so.ledger has"), "{error}");
        let head = log.head().await;
        assert!(matches!(&head, Err(ReadError::Corrupt(why)) if why.contains(setting)), "{head:?}");
        assert_eq!(double.events("so"), stands, "{setting}");
    };
    for (setting, value) in [("$maxAge", 3_600), ("$maxCount", 1), ("$tb", 1)] {
        double.set_metadata("so.ledger", &json!({ setting: value }));
        found(setting).await;
    }
    double.set_metadata("so.ledger", &json!({}));
    assert_eq!(open(&double).await.ledger(), log.ledger());
    double.delete("so.ledger");
    found("$tb").await;
}

#[tokio::test]
async fn who_may_not_is_told_what_to_give() {
    let double = Double::start().await.unwrap();
    double.faults().require("clerk", "geheim");
    for user in ["", "clerk:geheimer@"] {
        let url = url(&double, 500).replace("://", &format!("://{user}"));
        let error = refused(&double, &url).await.to_string();
        assert!(error.contains("user:password@"), "{error}");
    }
    let url = url(&double, 500).replace("://", "://clerk:geheim@");
    let log = KurrentLog::open(&url, options()).await.unwrap();
    log.append(append(1, None, &["a"])).await.unwrap();
    assert!(!format!("{log:?}").contains("geheim"));
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_said_so() {
    let double = Double::start().await.unwrap();
    double.stop(0);
    let error = refused(&double, &url(&double, 500)).await.to_string();
    assert!(error.contains("127.0.0.1") && error.contains("no node"), "{error}");
    let error = refused(&double, "kurrentdb://localhost?tlsCaFile=/nowhere/ca.crt").await.to_string();
    assert!(error.contains("/nowhere/ca.crt"), "{error}");
    let no_pem = tempfile::NamedTempFile::new().unwrap();
    let error = refused(&double, &format!("kurrentdb://localhost?tlsCaFile={}", no_pem.path().display())).await;
    assert!(error.to_string().contains("PEM"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_tell_what_it_can_do_will_do() {
    let double = Double::start().await.unwrap();
    double.faults().be_featureless();
    let log = open(&double).await;
    fill(&log, 1, 1).await;
    assert_eq!(log.head().await.unwrap().records, 1);
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused_with_what_to_do() {
    let double = Double::start().await.unwrap();
    for version in ["22.10.5", "24.10.4", "25.0.0"] {
        double.faults().be_of_version(version);
        // Also where a ledger would be made, and where one would be copied into.
        let made = KurrentLog::open(&url(&double, 500), options()).await.unwrap_err();
        let copied = KurrentRestore::open(&url(&double, 500), LedgerId(Uuid::from_u128(7)), 1, options()).await;
        for error in [refused(&double, &url(&double, 500)).await, made, copied.unwrap_err()] {
            assert!(matches!(error, OpenKurrentError::Defective(_)) && !error.may_pass(), "{error}");
            let error = error.to_string();
            assert!(error.contains(version) && error.contains("Upgrade every node to 24.10.5"), "{error}");
        }
        assert_eq!(double.events(""), []);
    }
    for version in ["24.10.5", "25.0.1", "26.2.0-prerelease"] {
        double.faults().be_of_version(version);
        drop(open(&double).await);
    }
}

/// How long it took to say so does not make it a good one.
#[tokio::test]
async fn a_server_that_is_slow_to_tell_its_version_is_asked_again() {
    let double = Double::start().await.unwrap();
    double.faults().be_of_version("24.10.4");
    let url = format!("{}&gossipTimeout=500", url(&double, 500));
    double.faults().withhold_features(1);
    let error = KurrentLog::open(&url, options()).await.unwrap_err();
    assert!(matches!(error, OpenKurrentError::Defective(_)), "{error}");
    double.faults().withhold_features(usize::MAX);
    let error = refused(&double, &url).await;
    assert!(error.may_pass() && error.to_string().contains("within 500 ms, asked for its version"), "{error}");
    assert_eq!(double.events(""), []);
}

#[tokio::test]
async fn a_clock_that_is_slow_stands_still_at_what_was_seen() {
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    fill(&log, 1, 1).await;
    let slow = KurrentOptions { clock: Arc::new(Still(NOW - 1_000_000)), ..options() };
    let slow = KurrentLog::open(&url(&double, 500), slow).await.unwrap();
    let taken = slow.append(append(2, None, &["later"])).await.unwrap();
    assert_eq!(taken.last().recorded, Timestamp::from_micros(NOW));
}
