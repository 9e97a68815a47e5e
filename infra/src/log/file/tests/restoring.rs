//! Whole records from another log: taken as they are, where they belong, durable when acknowledged; and a copy that is not
//! whole is opened by nobody.

use std::{path::Path, sync::Arc};

use futures::StreamExt as _;
use socai_domain::{
    ledger::{Broken, EventLog as _, Followed, LedgerId, Position, RecordHash, RestoreError, Revision, SealedRecord},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    super::{
        FileLog, FileLogOptions, Known, OpenLogError, Writer,
        keeper::Keeper,
        restoring::{FileRestore, is_unfinished},
        start,
    },
    append, draft, options, stream,
};
use crate::{
    disk::sim::{Dice, Fault, Keep, SimDisk},
    verify::verify,
};

/// So many records of several streams, as another log sealed them: some share their time.
fn history(ledger: LedgerId, count: u64) -> Vec<SealedRecord> {
    let mut ends: Vec<(u64, RecordHash)> =
        (0..7).map(|number| (0, RecordHash::genesis(ledger, stream(number)))).collect();
    let mut dice = Dice(5);
    let mut recorded = 1_000_000;
    let mut records = Vec::new();
    for _ in 0..count {
        let number = usize::try_from(dice.roll(7)).unwrap();
        let stream = stream(number as u128);
        recorded += i64::try_from(dice.roll(3)).unwrap();
        let (revision, previous) = ends[number];
        let mut bytes = Vec::new();
        let draft = draft(stream, revision, [40, 300, 2_000][usize::try_from(dice.roll(3)).unwrap()]);
        let hash = draft.stamp(stream, Revision::new(revision), Timestamp::from_micros(recorded), previous, &mut bytes);
        ends[number] = (revision + 1, hash);
        records.push(SealedRecord::from_bytes(bytes).unwrap());
    }
    records
}

fn ledger() -> LedgerId {
    options().ledger.unwrap()
}

fn open(dir: &Path) -> Result<FileRestore, OpenLogError> {
    FileRestore::open(dir, FileLogOptions { epoch: 77, ..options() })
}

async fn all(log: &FileLog) -> Vec<SealedRecord> {
    let (mut followed, mut records) = (log.follow(None), Vec::new());
    while let Some(Followed::Records(more)) = followed.next().await.map(Result::unwrap) {
        records.extend(more.into_iter().map(|recorded| recorded.record));
    }
    records
}

#[tokio::test]
async fn a_copy_is_opened_when_it_is_whole_and_goes_on_like_any_other_log() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    let records = history(ledger(), 600);
    let mut restore = open(&dir).unwrap();
    restore.take(&records[..200]).unwrap();
    assert!(matches!(open(&dir), Err(OpenLogError::InUse(_))));
    drop(restore);
    for _ in 0..2 {
        assert!(is_unfinished(&dir));
        let refused = FileLog::open(&dir, options()).unwrap_err();
        assert!(matches!(refused, OpenLogError::Copying(_)), "{refused}");
        assert!(refused.to_string().contains("socai copy"), "{refused}");
        open(&dir).unwrap().end(false).unwrap();
    }
    let mut restore = open(&dir).unwrap();
    for some in records[200..].chunks(93) {
        restore.take(some).unwrap();
    }
    restore.end(true).unwrap();
    let verified = verify(&dir, None, Known::default(), |_| {}).unwrap();
    assert_eq!((verified.records, verified.torn), (600, None));
    assert!(verified.segments > 2);
    let log = FileLog::open(&dir, options()).unwrap();
    assert!(log.report().closed_cleanly && log.report().rebuilt.is_empty(), "{:?}", log.report());
    assert_eq!(all(&log).await, records);
    let head = log.head().await.unwrap();
    assert_eq!(head.position.to_string(), format!("{}.77.600", Uuid::from_u128(7).simple()));
    assert_eq!(head.recorded, records[599].header().recorded);

    // Where it stood at an instant is told as by the log that it was copied from.
    for record in records.iter().step_by(37) {
        let then = record.header().recorded;
        let by_then = records.iter().filter(|record| record.header().recorded <= then).count() as u64;
        assert_eq!(log.stood_at(then).await.unwrap().map(Position::place), Some(by_then));
    }
    let last = records.iter().rev().find(|record| record.header().stream == stream(1)).unwrap();
    let taken = log.append(append(stream(1), last.header().revision.number() + 1, 1, 50)).await.unwrap();
    assert!(!taken.repeated && taken.last().recorded >= head.recorded);
}

#[test]
fn only_what_belongs_there_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = history(ledger(), 60);
    let mut restore = open(dir.path()).unwrap();
    restore.take(&records[..50]).unwrap();
    let broken = |taken| match taken {
        Err(RestoreError::NotNext { broken, .. }) => broken,
        other => panic!("{other:?}"),
    };
    assert_eq!(broken(restore.take(&records[49..50])), Broken::Revision);
    let first = records.iter().position(|record| record.header().revision == Revision::new(1)).unwrap();
    assert_eq!(broken(restore.take(&records[first..=first])), Broken::Revision);
    let foreign = history(LedgerId(Uuid::from_u128(8)), 60);
    assert_eq!(broken(restore.take(&foreign[50..51])), Broken::Chain);
    // One whose content is another's: the next of its stream says so.
    let stream = records[50].header().stream;
    let next = (51..60).find(|at| records[*at].header().stream == stream);
    let mut bytes = records[50].bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    records[50] = SealedRecord::from_bytes(bytes).unwrap();
    let next = next.expect("the stream goes on");
    assert_eq!(broken(restore.take(&records[50..=next])), Broken::Chain);
    restore.end(false).unwrap();
    let early = {
        let mut bytes = foreign[0].bytes().to_vec();
        bytes[12..20].copy_from_slice(&1_i64.to_le_bytes());
        bytes[20..36].copy_from_slice(Uuid::from_u128(99).as_bytes());
        let genesis = RecordHash::genesis(ledger(), super::stream(99));
        bytes[68..100].copy_from_slice(&genesis.0);
        SealedRecord::from_bytes(bytes).unwrap()
    };
    // What came before the one that was refused is there.
    let verified = verify(dir.path(), None, Known::default(), |_| {}).unwrap();
    assert_eq!(verified.records, next as u64);
    // Of a server that had not seen those before: its time in the log is theirs.
    let mut restore = open(dir.path()).unwrap();
    restore.take(&[early.clone(), records[next].clone()]).unwrap_err();
    restore.end(false).unwrap();
    let again = verify(dir.path(), None, Known::default(), |_| {}).unwrap();
    assert_eq!((again.records, again.head.recorded), (next as u64 + 1, verified.head.recorded));
    assert!(early.header().recorded < verified.head.recorded);
}

#[tokio::test]
async fn a_log_stood_where_its_latest_record_says() {
    let dir = tempfile::tempdir().unwrap();
    let fast = history(ledger(), 300);
    let mut restore = open(dir.path()).unwrap();
    // Every third is of a server whose clock is slow, in streams of its own.
    let slow = |at: usize| {
        let mut bytes = fast[at].bytes().to_vec();
        bytes[12..20].copy_from_slice(&(fast[at].header().recorded.as_micros() - 5_000_000).to_le_bytes());
        let number = 1_000 + at as u128;
        bytes[20..36].copy_from_slice(Uuid::from_u128(number).as_bytes());
        bytes[4..12].copy_from_slice(&0_u64.to_le_bytes());
        bytes[68..100].copy_from_slice(&RecordHash::genesis(ledger(), super::stream(number)).0);
        SealedRecord::from_bytes(bytes).unwrap()
    };
    let mut records = Vec::new();
    for (at, record) in fast.iter().enumerate() {
        records.push(record.clone());
        if at % 3 == 0 {
            records.push(slow(at));
        }
    }
    restore.take(&records).unwrap();
    restore.end(true).unwrap();
    let mut expected = Vec::new();
    for record in &fast {
        let then = record.header().recorded;
        let before = records.iter().position(|record| record.header().recorded > then).unwrap_or(records.len());
        expected.push((then, before as u64));
    }
    // As it was written, and as it is read again.
    for _ in 0..2 {
        let log = FileLog::open(dir.path(), options()).unwrap();
        for &(then, by_then) in &expected {
            assert_eq!(log.stood_at(then).await.unwrap().unwrap().place(), by_then, "{then}");
        }
        log.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_log_of_its_own_is_gone_on_with_and_of_another_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = FileLog::open(dir.path(), options()).unwrap();
    log.append(append(stream(1), 0, 3, 100)).await.unwrap();
    let before = all(&log).await;
    log.close().await.unwrap();
    // To look at it changes nothing.
    open(dir.path()).unwrap().end(true).unwrap();
    let log = FileLog::open(dir.path(), options()).unwrap();
    assert!(log.report().closed_cleanly);
    log.close().await.unwrap();
    let mut bytes = Vec::new();
    let (last, recorded) = (before[2].hash(), Timestamp::from_micros(9_000_000));
    draft(stream(1), 3, 60).stamp(stream(1), Revision::new(3), recorded, last, &mut bytes);
    let mut restore = open(dir.path()).unwrap();
    restore.take(&[SealedRecord::from_bytes(bytes).unwrap()]).unwrap();
    assert!(is_unfinished(dir.path()));
    restore.end(true).unwrap();
    let log = FileLog::open(dir.path(), options()).unwrap();
    let head = log.head().await.unwrap();
    assert_eq!((head.records, head.position.to_string().contains(".1.")), (4, true), "its positions stay its own");
    drop(log);
    let other = FileLogOptions { ledger: Some(LedgerId(Uuid::from_u128(8))), ..options() };
    let refused = FileRestore::open(dir.path(), other).unwrap_err();
    assert!(matches!(refused, OpenLogError::OtherLedger { .. }), "{refused}");
}

/// Opens the log as a copy is opened.
fn on(disk: &SimDisk) -> Result<Writer, String> {
    let options = FileLogOptions { copying: true, ..options() };
    start(Arc::new(disk.clone()), options, Keeper::new(false)).map(|(writer, ..)| writer).map_err(|e| e.to_string())
}

fn there(disk: &SimDisk) -> Result<Vec<SealedRecord>, String> {
    let (writer, shared, _) =
        start(Arc::new(disk.clone()), FileLogOptions { copying: true, ..options() }, Keeper::new(false))
            .map_err(|e| e.to_string())?;
    let mut records = Vec::new();
    for number in 0..7 {
        let read = super::super::read::stream(
            &shared,
            stream(number),
            socai_domain::ledger::Direction::Forwards,
            None,
            usize::MAX,
        );
        records.extend(read.map_err(|e| e.to_string())?);
    }
    drop(writer);
    records.sort_unstable_by_key(|recorded| recorded.position.place());
    Ok(records.into_iter().map(|recorded| recorded.record).collect())
}

/// Copies on from what is there until the power goes or all is copied: how many were acknowledged.
fn copy_on(disk: &SimDisk, records: &[SealedRecord]) -> Result<usize, String> {
    let begun = there(disk)?;
    if records.get(..begun.len()) != Some(&begun[..]) {
        return Err(format!("the {} records that are there are not the first of what was copied", begun.len()));
    }
    let mut writer = on(disk)?;
    let mut taken = begun.len();
    for some in records[begun.len()..].chunks(17) {
        if writer.restore(some).is_err() {
            break;
        }
        taken += some.len();
    }
    Ok(taken)
}

#[test]
fn whenever_the_power_goes_the_copy_goes_on_after_what_was_acknowledged() {
    let records = history(ledger(), 200);
    let whole = SimDisk::default();
    assert_eq!(copy_on(&whole, &records), Ok(200));
    assert!(whole.content("00000003.segment").is_some(), "the copy should reach the third segment");
    for at in 0..whole.operations() {
        for fault in [Fault::PowerLoss, Fault::Fails(Keep::Nothing), Fault::Fails(Keep::Some(at))] {
            let disk = SimDisk::default();
            disk.fault(at, fault);
            let acknowledged = copy_on(&disk, &records).unwrap_or(0);
            // A process that failed is started again, on what the page cache shows, before the power goes.
            disk.mend();
            let acknowledged =
                if disk.is_dead() { acknowledged } else { there(&disk).unwrap().len().max(acknowledged) };
            for keep in [Keep::Nothing, Keep::Everything, Keep::Some(at), Keep::Some(at + 1_000)] {
                let disk = disk.after_power_loss(keep);
                let told = |what: &str| format!("{fault:?} at {at}, then {keep:?} kept: {what}");
                let kept = there(&disk).unwrap_or_else(|error| panic!("{}", told(&error)));
                assert!(kept.len() >= acknowledged, "{}", told(&format!("{} of {acknowledged}", kept.len())));
                assert_eq!(copy_on(&disk, &records), Ok(200), "{}", told("it does not go on"));
                assert!(there(&disk).unwrap() == records, "{}", told("it is another one"));
            }
        }
    }
}
