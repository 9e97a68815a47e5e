//! What becomes of appends that share a batch.

use std::sync::Arc;

use socai_domain::ledger::{Append, AppendError, Appended, Direction, EventLog, Revision, record::MAX_RECORD_LEN};
use tokio::sync::oneshot;

use super::{
    super::{FileLog, Writer, keeper::Keeper, queue::Pending, read, shared::Shared, start},
    append, options, stream,
};
use crate::disk::sim::{Fault, Keep, SimDisk};

type Answer = Result<Appended, AppendError>;

fn open(disk: &SimDisk) -> (Writer, Arc<Shared>) {
    let (writer, shared, _) = start(Arc::new(disk.clone()), options(), Keeper::new(false)).unwrap();
    (writer, shared)
}

/// One turn of the writer.
fn turn(writer: &mut Writer, appends: Vec<Append>) -> Vec<Answer> {
    let (mut waiting, answers): (Vec<_>, Vec<_>) = appends
        .into_iter()
        .map(|append| {
            let (reply, answer) = oneshot::channel();
            (Pending { append, reply }, answer)
        })
        .unzip();
    writer.turn(&mut waiting);
    answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
}

#[test]
fn appends_to_one_stream_share_a_batch_and_are_judged_in_turn() {
    let disk = SimDisk::default();
    let (mut writer, shared) = open(&disk);
    let before = disk.operations();
    let other = append(stream(1), 0, 1, 77);
    let answers = turn(
        &mut writer,
        vec![
            append(stream(1), 0, 2, 50),
            append(stream(1), 2, 1, 50),
            append(stream(1), 0, 2, 50),
            append(stream(1), 2, 1, 50),
            other.clone(),
            append(stream(1), 9, 1, 50),
            append(stream(1), 3, 1, 50),
        ],
    );
    assert_eq!(disk.operations() - before, 2, "one write, one sync");
    let stamps = |index: usize| answers[index].as_ref().unwrap();
    assert!(!stamps(0).repeated && !stamps(1).repeated && stamps(2).repeated && stamps(3).repeated);
    assert_eq!((&stamps(0).stamps, &stamps(1).stamps), (&stamps(2).stamps, &stamps(3).stamps));
    let conflict = AppendError::Conflict { stream: stream(1), actual: Some(Revision::new(2)) };
    assert_eq!((&answers[4], &answers[5]), (&Err(conflict.clone()), &Err(conflict)));
    assert_eq!(stamps(6).last().position.place(), 4);
    let read = read::stream(&shared, stream(1), Direction::Forwards, None, 10).unwrap();
    assert_eq!(read.len(), 4);
    // And the same after it is on the disk.
    let answers = turn(&mut writer, vec![append(stream(1), 1, 2, 50), other]);
    assert!(answers[0].as_ref().unwrap().repeated && answers[1].is_err());
}

#[test]
fn what_stands_far_back_is_not_walked_to() {
    let disk = SimDisk::default();
    let (mut writer, _) = open(&disk);
    for first in (0..1_026).step_by(2) {
        turn(&mut writer, vec![append(stream(1), first, 2, 50)]).pop().unwrap().unwrap();
    }
    let answers = turn(&mut writer, vec![append(stream(1), 1, 1, 50), append(stream(1), 0, 1, 50)]);
    assert!(answers[0].as_ref().unwrap().repeated);
    assert!(matches!(answers[1], Err(AppendError::Conflict { .. })), "{:?}", answers[1]);
}

#[test]
fn a_batch_that_fails_fails_for_all_and_reads_go_on() {
    let disk = SimDisk::default();
    let (mut writer, shared) = open(&disk);
    turn(&mut writer, vec![append(stream(1), 0, 1, 50)]).pop().unwrap().unwrap();
    disk.fault(disk.operations() + 1, Fault::Fails(Keep::Nothing));
    let batch = vec![append(stream(1), 1, 1, 50), append(stream(1), 2, 1, 50), append(stream(2), 5, 1, 50)];
    let answers = turn(&mut writer, batch.clone());
    assert!(answers.iter().all(|answer| matches!(answer, Err(AppendError::Unknown(_)))), "{answers:?}");
    assert_eq!(read::stream(&shared, stream(1), Direction::Forwards, None, 10).unwrap().len(), 1);
    assert_eq!(shared.head().records, 1);
    // The files are read again, and the batch, which the cache still held, is found to have landed.
    let answers = turn(&mut writer, batch);
    assert!(answers[0].as_ref().unwrap().repeated && answers[1].as_ref().unwrap().repeated);
    assert!(matches!(answers[2], Err(AppendError::Conflict { actual: None, .. })));
    assert_eq!(shared.head().records, 3);
}

#[test]
fn a_full_disk_takes_nothing_and_goes_on_when_there_is_space() {
    let disk = SimDisk::default();
    let (mut writer, shared) = open(&disk);
    disk.fault(disk.operations(), Fault::Full(u64::MAX / 2));
    let mut revision = 0;
    let refused = loop {
        match turn(&mut writer, vec![append(stream(1), revision, 1, 9_000)]).pop().unwrap() {
            Ok(_) => revision += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, AppendError::Busy(why) if why.contains("no room for another segment")), "{refused}");
    assert!(revision > 3);
    let read = read::stream(&shared, stream(1), Direction::Backwards, None, 100).unwrap();
    assert_eq!(read.len() as u64, revision);
    // Not filled with zeros again for each append, until a while has passed.
    writer.wait_for_room(std::time::Duration::from_hours(1));
    turn(&mut writer, vec![append(stream(1), revision, 1, 9_000)]).pop().unwrap().unwrap_err();
    let operations = disk.operations();
    let refused = turn(&mut writer, vec![append(stream(1), revision, 1, 9_000)]).pop().unwrap().unwrap_err();
    assert!(refused.to_string().contains("tried again in 3600 s"), "{refused}");
    assert_eq!(disk.operations(), operations);
    writer.wait_for_room(std::time::Duration::ZERO);
    disk.mend();
    turn(&mut writer, vec![append(stream(1), revision, 1, 9_000)]).pop().unwrap().unwrap();
    assert!(disk.content("00000002.segment").is_some());
}

#[tokio::test]
async fn the_longest_record_fits_the_smallest_segment_and_what_never_fits_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(dir.path(), options()).unwrap();
    for revision in 0..3 {
        log.append(append(stream(1), revision, 1, MAX_RECORD_LEN - 100)).await.unwrap();
    }
    assert_eq!(log.read(stream(1), Direction::Forwards, None, 9).await.unwrap().len(), 3);
    let oversize = log.append(append(stream(1), 3, 1, MAX_RECORD_LEN)).await;
    assert!(matches!(oversize, Err(AppendError::TooLarge { max: MAX_RECORD_LEN, .. })), "{oversize:?}");
    let many = log.append(append(stream(1), 3, 2, 40_000)).await;
    assert!(matches!(many, Err(AppendError::TooLarge { .. })), "{many:?}");
}
