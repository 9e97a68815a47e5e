//! Opening, closing and opening again, on a real directory.

use std::{fs, os::unix::fs::FileExt, path::Path};

use futures::StreamExt;
use socai_domain::ledger::{AppendError, Direction, EventLog, Followed, Recorded, Revision};

use super::{
    super::{
        FileLog, Known, OpenLogError,
        beside::Files,
        format::{FIRST_FRAME, segment_name},
        index::{Index, Look, scan},
        segment::Segment,
    },
    append, options, stream,
};
use crate::{
    disk::RealDisk,
    verify::{Fault, verify_on},
};

fn open(dir: &Path) -> FileLog {
    FileLog::open(dir, options()).unwrap()
}

async fn all(log: &FileLog) -> Vec<Recorded> {
    let mut records = Vec::new();
    let mut following = log.follow(None);
    while let Some(Followed::Records(more)) = following.next().await.transpose().unwrap() {
        records.extend(more);
    }
    records
}

/// Enough for several segments.
async fn fill(log: &FileLog) -> u64 {
    for round in 0..12 {
        let waiting: Vec<_> = (0..20).map(|number| log.append(append(stream(number), round * 3, 3, 300))).collect();
        for answer in waiting {
            assert!(!answer.await.unwrap().repeated);
        }
    }
    12 * 20 * 3
}

/// As after a kill, but that what was accepted is written.
fn kill(log: FileLog, dir: &Path) {
    drop(log);
    fs::remove_file(dir.join("closed")).unwrap();
}

fn flip(dir: &Path, name: &str, offset: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(dir.join(name)).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], offset).unwrap();
}

#[tokio::test]
async fn a_log_over_several_segments_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert!(log.report().created);
    let count = fill(&log).await;
    let (before, head) = (all(&log).await, log.head().await.unwrap());
    assert_eq!(before.len() as u64, count);
    log.close().await.unwrap();
    let closed = log.append(append(stream(1), 36, 1, 10)).await;
    assert!(matches!(closed, Err(AppendError::Busy(_))), "{closed:?}");

    let log = open(dir.path());
    let report = log.report();
    assert!(report.segments > 2 && report.closed_cleanly && report.cut.is_none(), "{report:?}");
    assert_eq!((report.records, report.streams), (count, 20));
    assert_eq!((all(&log).await, log.head().await.unwrap()), (before.clone(), head));
    let read = log.read(stream(3), Direction::Forwards, None, 100).await.unwrap();
    let expected: Vec<_> = before.into_iter().filter(|r| r.record.header().stream == stream(3)).collect();
    assert_eq!(read, expected);
    log.append(append(stream(3), 36, 1, 10)).await.unwrap();
}

#[tokio::test]
async fn the_side_file_of_what_was_just_written_is_that_of_the_whole_segment() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log).await;
    log.close().await.unwrap();
    let disk = RealDisk::new(dir.path());
    let segment = Segment::open(&disk, 1, false).unwrap().unwrap();
    let whole = scan(&segment, Look::Everything).unwrap().unwrap();
    let written = Index::load(&disk, &segment).unwrap();
    assert_eq!((written.tips.len(), &written.tips), (20, &whole.tips));
    assert_eq!((written.marks, written.end.place, written.end.head), (whole.marks, whole.end.place, whole.end.head));
}

#[tokio::test]
async fn side_files_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log).await;
    log.close().await.unwrap();
    fs::remove_file(dir.path().join("00000001.index")).unwrap();
    flip(dir.path(), "00000002.index", 100);
    let log = open(dir.path());
    assert_eq!(log.report().rebuilt, ["00000001.index", "00000002.index"]);
    log.append(append(stream(3), 36, 1, 10)).await.unwrap();
    kill(log, dir.path());
    let log = open(dir.path());
    assert!(log.report().rebuilt.is_empty() && !log.report().closed_cleanly);
    assert_eq!(
        log.read(stream(3), Direction::Backwards, None, 1).await.unwrap()[0].record.header().revision,
        Revision::new(36)
    );
}

#[tokio::test]
async fn a_second_process_is_kept_out_until_the_first_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let second = FileLog::open(dir.path(), options());
    assert!(matches!(second, Err(OpenLogError::InUse(_))), "{second:?}");
    drop(log);
    // It ended in good order all the same: as when a start fails after the log was opened.
    assert!(open(dir.path()).report().closed_cleanly);
}

#[tokio::test]
async fn a_torn_end_is_cut_but_not_after_a_clean_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(append(stream(1), 0, 2, 300)).await.unwrap();
    let head = log.head().await.unwrap();
    log.append(append(stream(1), 2, 2, 300)).await.unwrap();
    kill(log, dir.path());
    let name = "00000001.segment";
    let bytes = fs::read(dir.path().join(name)).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() as u64;
    flip(dir.path(), name, end - 100);
    let log = open(dir.path());
    let cut = log.report().cut.clone().unwrap();
    assert_eq!((cut.file.as_str(), cut.record), (name, 3));
    assert_eq!(log.head().await.unwrap(), head);
    log.append(append(stream(1), 2, 2, 300)).await.unwrap();
    log.close().await.unwrap();
    flip(dir.path(), name, end - 100);
    let before = fs::read(dir.path().join(name)).unwrap();
    let error = FileLog::open(dir.path(), options()).unwrap_err().to_string();
    assert!(error.contains("closed in good order") && error.contains(name) && error.contains("record 3"), "{error}");
    assert_eq!(fs::read(dir.path().join(name)).unwrap(), before);
}

#[tokio::test]
async fn a_bad_byte_anywhere_else_keeps_the_log_shut_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log).await;
    kill(log, dir.path());
    let segments: Vec<String> = (1..=3).map(|n| format!("{n:08}.segment")).collect();
    for (index, name) in segments.iter().enumerate() {
        for offset in [0, 20, 70, 3000, u64::from(FIRST_FRAME) + 4, 5000, 9001] {
            flip(dir.path(), name, offset);
            let before = fs::read(dir.path().join(name)).unwrap();
            let error = FileLog::open(dir.path(), options()).unwrap_err();
            let OpenLogError::Damaged(damage) = &error else { panic!("{error}") };
            assert_eq!(&damage.file, name, "{index} {offset} {damage}");
            assert_eq!(fs::read(dir.path().join(name)).unwrap(), before);
            flip(dir.path(), name, offset);
        }
    }
    // A segment that is gone, and one that stands in another's place.
    fs::rename(dir.path().join(&segments[1]), dir.path().join("aside")).unwrap();
    assert!(FileLog::open(dir.path(), options()).unwrap_err().to_string().contains("missing"));
    fs::copy(dir.path().join(&segments[0]), dir.path().join(&segments[1])).unwrap();
    assert!(FileLog::open(dir.path(), options()).unwrap_err().to_string().contains("another's name"));
    fs::rename(dir.path().join("aside"), dir.path().join(&segments[1])).unwrap();
    open(dir.path());
}

#[tokio::test]
async fn a_removed_end_is_damage_where_a_side_file_tells_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log).await;
    kill(log, dir.path());
    let last = (1..99).rev().find(|number| dir.path().join(segment_name(*number)).exists()).unwrap();
    fs::remove_file(dir.path().join(segment_name(last))).unwrap();
    let damage = |error: OpenLogError| {
        let OpenLogError::Damaged(damage) = error else { panic!("{error}") };
        assert_eq!(damage.file, segment_name(last));
        assert!(damage.what.contains(".index says that it was there"), "{damage}");
    };
    damage(FileLog::open(dir.path(), options()).unwrap_err());
    damage(Files::open(dir.path(), Known::default()).unwrap_err());
    let fault = verify_on(1, dir.path(), None, Known::default(), |_| ()).unwrap_err();
    assert!(matches!(&fault, Fault::Wrong(wrong) if wrong.damage.file == segment_name(last)), "{fault}");
    // Nothing was changed.
    damage(FileLog::open(dir.path(), options()).unwrap_err());
}

#[tokio::test]
async fn an_empty_segment_is_filled_before_another_is_begun() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let mut larger = options();
    larger.segment_size = 1 << 20;
    let log = FileLog::open(dir.path(), larger.clone()).unwrap();
    let large = log.append(append(stream(1), 0, 2, 60_000)).await;
    assert!(matches!(large, Err(AppendError::TooLarge { max, .. }) if max < 72 << 10), "{large:?}");
    log.append(append(stream(1), 0, 1, 60_000)).await.unwrap();
    log.append(append(stream(1), 1, 2, 60_000)).await.unwrap();
    assert_eq!(all(&log).await.len(), 3);
    drop(log);
    assert_eq!(all(&FileLog::open(dir.path(), larger).unwrap()).await.len(), 3);
}

#[tokio::test]
async fn a_known_record_that_is_not_there_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(append(stream(1), 0, 2, 300)).await.unwrap();
    let head = log.head().await.unwrap().position;
    drop(log);
    let mut known = options();
    known.known.position = Some(head.with_place(3));
    let error = FileLog::open(dir.path(), known).unwrap_err().to_string();
    assert!(error.contains("record 3 is known"), "{error}");
}

#[tokio::test]
async fn another_ledger_or_an_odd_segment_size_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let mut other = options();
    other.ledger = Some(socai_domain::ledger::LedgerId(uuid::Uuid::from_u128(8)));
    assert!(matches!(FileLog::open(dir.path(), other), Err(OpenLogError::OtherLedger { .. })));
    let mut small = options();
    small.segment_size = 4096;
    assert!(matches!(FileLog::open(dir.path(), small), Err(OpenLogError::SegmentSize { .. })));
    let mut missing = options();
    missing.create = false;
    assert!(matches!(FileLog::open(&dir.path().join("none"), missing), Err(OpenLogError::Missing(_))));
}
