//! Pieces of the log: that they are many, and what they say of damage. What they hold is tested on every engine.

use futures::{StreamExt, future::join_all};
use socai_domain::ledger::{Block, EventLog, LedgerId, Position, ReadError};
use uuid::Uuid;

use super::{super::FileLog, FileLogOptions, append, options, stream};

/// A log of some megabytes in two segments.
async fn filled(dir: &std::path::Path) -> FileLog {
    let options = FileLogOptions { segment_size: 4 << 20, ..options() };
    let log = FileLog::open(dir, options).unwrap();
    for round in 0..60 {
        let appends = (0..100).map(|number| log.append(append(stream(number), round, 1, 900)));
        join_all(appends).await.into_iter().for_each(|appended| drop(appended.unwrap()));
    }
    log
}

/// The places of each piece's records.
async fn places(log: &FileLog, after: Option<Position>, until: Position) -> Result<Vec<Vec<u64>>, ReadError> {
    let (mut pieces, mut block, mut all) = (log.pieces(after, until), Block::default(), Vec::new());
    while let Some(piece) = pieces.next().await {
        let (mut piece, mut places) = (piece?, Vec::new());
        loop {
            piece.next(&mut block, 1)?;
            if block.is_empty() {
                break;
            }
            places.extend(block.records().map(|record| record.place()));
        }
        all.push(places);
    }
    Ok(all)
}

#[tokio::test]
async fn a_segment_is_read_in_many_places_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path()).await;
    let head = log.head().await.unwrap().position;
    let pieces = places(&log, None, head).await.unwrap();
    assert!(pieces.len() >= 4, "{} pieces", pieces.len());
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    assert!(pieces.concat().into_iter().eq(1..=head.place()));
    // From the middle only what is needed is read.
    let middle = head.with_place(head.place() / 2);
    let later = places(&log, Some(middle), head).await.unwrap();
    assert!(later.len() < pieces.len());
    assert!(later.concat().into_iter().eq(middle.place() + 1..=head.place()));
    assert_eq!(places(&log, Some(head), head).await.unwrap(), Vec::<Vec<u64>>::new());
}

#[tokio::test]
async fn positions_that_it_never_gave_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path()).await;
    let head = log.head().await.unwrap().position;
    let beyond = head.with_place(head.place() + 1);
    assert_eq!(places(&log, None, beyond).await, Err(ReadError::Beyond(beyond)));
    let foreign = Position::new(LedgerId(Uuid::from_u128(8)), 1, 1);
    for (after, until) in [(None, foreign), (Some(foreign), head)] {
        assert!(matches!(places(&log, after, until).await, Err(ReadError::Foreign(_))));
    }
}

#[tokio::test]
async fn damage_is_named_and_nothing_is_passed_over() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path()).await;
    let head = log.head().await.unwrap().position;
    let path = dir.path().join("00000001.segment");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let marks = log.inner.shared.segment(1).unwrap().marks();
    let begin = u64::from(marks[2].offset);
    let mut batch = vec![0; 200];
    file.read_exact_at(&mut batch, begin).unwrap();
    for (at, bytes, what) in [
        (begin + 150, vec![!batch[150]], "the checksum of a batch is wrong"),
        (begin, vec![1, 0, 0, 0], "this is not the beginning of a batch"),
        (begin, vec![0; 4], "the next batch is not there"),
        (begin, 0x7fff_fff8_u32.to_le_bytes().to_vec(), "a batch reaches beyond its segment"),
    ] {
        file.write_all_at(&bytes, at).unwrap();
        let Err(ReadError::Corrupt(error)) = places(&log, None, head).await else { panic!("{what}: not found") };
        assert!(
            error.contains(what) && error.contains("00000001.segment") && error.contains("socai verify"),
            "{error}"
        );
        file.write_all_at(&batch, begin).unwrap();
    }
    assert!(places(&log, None, head).await.is_ok());
}
