//! What other programs write and delete in the cluster: beside the ledger, and in its streams.

use socai_domain::ledger::{EventLog, ReadError};
use socai_kurrent_double::Double;

use crate::support::{Follower, append, fill, open, physical};

#[tokio::test]
async fn what_is_not_the_ledgers_passes_by() {
    // Names of others, as near to the ledger's as they come.
    const OTHERS: [&str; 4] = ["$stats-0", "other-1", "sox-incoming-1", "so.ledger2"];
    let double = Double::start().await.unwrap();
    let log = open(&double).await;
    let mut follower = Follower::new(&log, None);
    for number in 0..50_u32 {
        for stream in OTHERS {
            double.write(stream, "Other", &number.to_le_bytes());
            let ended = format!("{stream}.{number}");
            double.write(&ended, "Other", b"for a while");
            match number % 3 {
                // It is written to again in the next round.
                0 => double.delete(stream),
                1 => double.tombstone(&ended),
                _ => {}
            }
        }
        log.append(append(number.into(), None, &["ours"])).await.unwrap();
    }
    follower.until(50).await;
    assert_eq!(follower.texts(), vec!["ours"; 50]);
    assert_eq!(log.head().await.unwrap().records, 50);
    let again = open(&double).await;
    assert_eq!((again.ledger(), again.head().await.unwrap().records), (log.ledger(), 50));
    for stream in OTHERS {
        let kinds = |prefix: &str, kind: &str| double.events(prefix).iter().filter(|event| event.kind == kind).count();
        assert_eq!(kinds(stream, "$streamDeleted"), 17, "{stream}");
        assert!(kinds(&format!("$${stream}"), "$metadata") >= 17, "{stream}");
    }
}

#[tokio::test]
async fn what_others_write_into_the_ledgers_streams_is_found() {
    for (name, kind) in [("so-rubbish", "Other"), (physical(1).as_str(), "Other")] {
        let double = Double::start().await.unwrap();
        let log = open(&double).await;
        fill(&log, 1, 1).await;
        double.write(name, kind, b"not a record");
        let error = Follower::new(&log, None).until_error().await;
        assert!(matches!(&error, ReadError::Corrupt(why) if why.contains(name)), "{name}: {error}");
        assert!(matches!(log.head().await, Err(ReadError::Corrupt(_))));
    }
}
