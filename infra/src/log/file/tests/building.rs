//! A log that is built as a whole: refused by everyone until it is complete, then like any other.

use std::fs;

use socai_domain::ledger::EventLog;

use super::{
    super::{FileLog, Known, OpenLogError, building},
    append, options, stream,
};
use crate::verify::verify;

async fn built(dir: &std::path::Path) -> u64 {
    let log = FileLog::build(dir, options()).unwrap();
    for round in 0..12 {
        for number in 0..20 {
            log.append(append(stream(number), round * 3, 3, 300)).await.unwrap();
        }
    }
    log.close().await.unwrap();
    12 * 20 * 3
}

#[tokio::test]
async fn it_opens_when_it_is_complete_and_not_before() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    let records = built(&dir).await;
    let unfinished = |error| matches!(error, OpenLogError::Unfinished(_));
    assert!(building::is_unfinished(&dir));
    let refused = FileLog::open(&dir, options()).unwrap_err();
    assert!(refused.to_string().contains("delete its data directory"), "{refused}");
    assert!(unfinished(refused));
    assert!(unfinished(FileLog::build(&dir, options()).unwrap_err()), "nor is it gone on with");

    building::sync_all(&dir).unwrap();
    building::complete(&dir).unwrap();
    assert!(!building::is_unfinished(&dir));
    let verified = verify(&dir, None, Known::default(), |_| {}).unwrap();
    assert_eq!((verified.records, verified.streams, verified.torn), (records, 20, None));
    let log = FileLog::open(&dir, options()).unwrap();
    let report = log.report();
    assert!(report.closed_cleanly && report.segments > 2 && report.rebuilt.is_empty(), "{report:?}");
    assert_eq!(log.head().await.unwrap().records, records);
    assert!(!log.append(append(stream(1), 36, 1, 10)).await.unwrap().repeated, "from now on it grows like any other");
}

#[tokio::test]
async fn one_whose_building_was_cut_off_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    let log = FileLog::build(&dir, options()).unwrap();
    log.append(append(stream(1), 0, 1, 300)).await.unwrap();
    // Not closed: as after a kill, but that what was accepted is written.
    drop(log);
    assert!(matches!(FileLog::open(&dir, options()), Err(OpenLogError::Unfinished(_))));
}

#[tokio::test]
async fn it_is_built_where_nothing_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("something"), b"else").unwrap();
    assert!(matches!(FileLog::build(dir.path(), options()), Err(OpenLogError::NotEmpty(_))));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made");
}
