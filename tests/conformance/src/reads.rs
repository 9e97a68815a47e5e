//! What reading a stream promises.

use anyhow::{Context, Result, ensure};
use socai_domain::ledger::{Append, Direction, Draft, EventKind, Expected, RecordHash, StreamId, StreamKind};
use uuid::Uuid;

use super::{
    Fixture,
    support::{Follower, append, draft, ensure_eq, fill, open, position, read_all, revision, stream, texts},
};

/// A record is the draft, at its place.
pub async fn gives_back_what_was_given(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let drafts: Vec<Draft> = (0..20_u16)
        .map(|number| Draft {
            kind: EventKind::new(number * 3_000),
            organ: Uuid::from_u128(u128::from(number) << 100),
            person: Uuid::from_u128(u128::from(number)),
            body: vec![u8::try_from(number).unwrap_or(0); 16 + usize::from(number) * 37],
        })
        .collect();
    log.append(Append { stream: stream(1), expected: Expected::New, drafts: drafts.clone() }).await?;
    let read = read_all(&*log, stream(1)).await?;
    ensure_eq!(read.len(), drafts.len(), "records");
    for ((number, draft), recorded) in (0..).zip(&drafts).zip(&read) {
        let header = recorded.record.header();
        ensure!(draft.became(&recorded.record), "{draft:?} became {:?}", recorded.record);
        ensure_eq!((header.stream, header.revision), (stream(1), revision(number)), "the place of a record");
    }
    Ok(())
}

/// A stamp says of its record what reading and following say of it.
pub async fn stamps_name_the_records(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let mut stamps = log.append(append(stream(1), None, &["a", "b", "c"])).await?.stamps;
    stamps.extend(log.append(append(stream(1), Some(2), &["d"])).await?.stamps);
    let read = read_all(&*log, stream(1)).await?;
    let mut follower = Follower::new(&*log, None);
    follower.until(stamps[3].position).await?;
    ensure_eq!(follower.told, read, "followed and read");
    ensure_eq!(stamps.len(), read.len(), "stamps");
    for (stamp, recorded) in stamps.iter().zip(&read) {
        let header = recorded.record.header();
        ensure_eq!(stamp.position, recorded.position, "position");
        ensure_eq!(stamp.revision, header.revision, "revision");
        ensure_eq!(stamp.recorded, header.recorded, "time");
        ensure_eq!(stamp.hash, recorded.record.hash(), "hash");
    }
    Ok(())
}

/// From any revision on, as many as asked for.
pub async fn reads_forwards(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    fill(&*log, stream(1), 10).await?;
    fill(&*log, stream(2), 3).await?;
    for from in [None, Some(0), Some(1), Some(5), Some(9), Some(10), Some(u64::MAX)] {
        for limit in [0, 1, 4, 10, 100] {
            let read = log.read(stream(1), Direction::Forwards, from.map(revision), limit).await?;
            let expected: Vec<u64> = (from.unwrap_or(0).min(10)..10).take(limit).collect();
            let found: Vec<u64> = read.iter().map(|read| read.record.header().revision.number()).collect();
            ensure_eq!(found, expected, "from {from:?}, at most {limit}");
        }
    }
    ensure_eq!(read_all(&*log, stream(3)).await?, vec![], "a stream without records");
    Ok(())
}

/// From any revision back, as many as asked for.
pub async fn reads_backwards(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    fill(&*log, stream(1), 10).await?;
    fill(&*log, stream(2), 3).await?;
    for from in [None, Some(0), Some(1), Some(5), Some(9), Some(10), Some(u64::MAX)] {
        for limit in [0, 1, 4, 10, 100] {
            let read = log.read(stream(1), Direction::Backwards, from.map(revision), limit).await?;
            let expected: Vec<u64> = (0..=from.unwrap_or(9).min(9)).rev().take(limit).collect();
            let found: Vec<u64> = read.iter().map(|read| read.record.header().revision.number()).collect();
            ensure_eq!(found, expected, "from {from:?}, at most {limit}");
        }
    }
    ensure_eq!(log.read(stream(3), Direction::Backwards, None, 5).await?, vec![], "a stream without records");
    Ok(())
}

/// The same key in another kind is another stream.
pub async fn keeps_streams_apart(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let streams = StreamKind::ALL.map(|kind| StreamId::new(kind, Uuid::from_u128(7)));
    for stream in streams {
        let taken = log.append(append(stream, None, &[&stream.to_string()])).await;
        ensure!(taken.is_ok(), "the first record of {stream}: {taken:?}");
    }
    for stream in streams {
        ensure_eq!(texts(&read_all(&*log, stream).await?), [stream.to_string()], "{stream}");
    }
    Ok(())
}

/// Each record names the hash of the one before it in its stream; the first the genesis value of ledger and stream.
pub async fn chains_the_records_of_a_stream(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    for round in 0..4_u64 {
        for number in 1..=3 {
            let last = (round * 2).checked_sub(1);
            let drafts = vec![draft(&format!("{number} {round} a")), draft(&format!("{number} {round} b"))];
            let expected = Expected::after(last.map(revision));
            position(&log.append(Append { stream: stream(number), expected, drafts }).await?)?;
        }
    }
    for number in 1..=3 {
        let mut previous = RecordHash::genesis(log.ledger(), stream(number));
        let read = read_all(&*log, stream(number)).await?;
        read.last().context("the stream has records")?;
        for recorded in read {
            let header = recorded.record.header();
            ensure_eq!(header.previous, previous, "predecessor of {} {}", header.stream, header.revision);
            previous = recorded.record.hash();
        }
    }
    Ok(())
}
