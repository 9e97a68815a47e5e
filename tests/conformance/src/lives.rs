//! What the log promises over time.

use anyhow::{Result, ensure};
use socai_domain::{
    ledger::{EventLog, RecordHash},
    time::Timestamp,
};

use super::{
    Fixture,
    support::{Follower, NOW, SetClock, append, ensure_eq, fill, position, read_all, stream},
};

/// Recorded time is the clock's, and where the clock goes back it stands still.
pub async fn never_goes_back_in_time(fixture: &dyn Fixture) -> Result<()> {
    let clock = SetClock::at(NOW);
    let log = fixture.open(clock.clone()).await;
    let mut expected = Vec::new();
    let mut taken = Vec::new();
    // Streams of their own: time goes on along the log, not along a stream.
    for (number, offset) in (0..).zip([0, 10, 5, -3_600_000_000, 9, 11, 0, 12, 12, 1_000_000]) {
        clock.set(NOW + offset);
        let max = expected.iter().copied().max().unwrap_or(i64::MIN);
        expected.push(max.max(NOW + offset));
        taken.push(log.append(append(stream(number), None, &["tick"])).await?);
    }
    let expected: Vec<Timestamp> = expected.into_iter().map(Timestamp::from_micros).collect();
    let stamped: Vec<Timestamp> = taken.iter().flat_map(|taken| &taken.stamps).map(|stamp| stamp.recorded).collect();
    ensure_eq!(stamped, expected, "recorded times");
    Ok(())
}

/// The head is the last record's position and time, and counts every record.
pub async fn knows_its_head(fixture: &dyn Fixture) -> Result<()> {
    let clock = SetClock::at(NOW);
    let log = fixture.open(clock.clone()).await;
    let empty = log.head().await?;
    ensure_eq!(empty.records, 0, "records of an empty log");
    let mut follower = Follower::new(&*log, Some(empty.position));
    follower.until_caught_up().await?;
    let mut hashes = vec![empty.hash];
    let mut records = 0;
    for round in 0..5_u64 {
        clock.set(NOW + i64::try_from(round)?);
        let drafts = ["a", "b", "c"];
        let texts = &drafts[..=usize::try_from(round % 3)?];
        let taken = log.append(append(stream(u128::from(round)), None, texts)).await?;
        records += u64::try_from(texts.len())?;
        for _asked in 0..2 {
            let head = log.head().await?;
            ensure_eq!(head.records, records, "records");
            ensure_eq!(head.position, position(&taken)?, "position");
            ensure_eq!(head.recorded, Timestamp::from_micros(NOW + i64::try_from(round)?), "time");
            hashes.push(head.hash);
        }
        let _ = log.append(append(stream(u128::from(round)), Some(99), &["refused"])).await;
    }
    let zero = RecordHash([0; 32]);
    if hashes.iter().any(|hash| *hash != zero) {
        hashes.dedup();
        let distinct: std::collections::HashSet<_> = hashes.iter().collect();
        ensure!(distinct.len() == 6 && hashes.len() == 6, "the head's hash: {hashes:?}");
    }
    follower.until(log.head().await?.position).await?;
    ensure_eq!(u64::try_from(follower.told.len())?, records, "records after the head of the empty log");
    Ok(())
}

/// What was acknowledged is there after reopening, in its place, and the log goes on where it was.
pub async fn is_the_same_after_reopening(fixture: &dyn Fixture) -> Result<()> {
    let clock = SetClock::at(NOW);
    let log = fixture.open(clock.clone()).await;
    fill(&*log, stream(1), 40).await?;
    let second = append(stream(2), None, &["x", "y"]);
    let taken = log.append(second.clone()).await?;
    let last = log.append(append(stream(3), None, &["last"])).await?;
    let (head, told) = (log.head().await?, everything(&*log).await?);
    clock.set(NOW - 1_000_000);
    let Some(log) = fixture.reopen(log, clock).await else { return Ok(()) };

    ensure_eq!(log.head().await?, head, "head");
    ensure_eq!(everything(&*log).await?, told, "records");
    let again = log.append(second).await?;
    ensure_eq!(again.stamps, taken.stamps, "the stamps of a reissue after reopening");
    let mut follower = Follower::new(&*log, Some(position(&last)?));
    follower.until_caught_up().await?;
    let next = log.append(append(stream(1), Some(39), &["goes on"])).await?;
    follower.until(position(&next)?).await?;
    ensure_eq!(follower.told.len(), 1, "records after the old head");
    ensure!(follower.told[0].record.header().recorded >= head.recorded, "time went back over the reopening");
    ensure_eq!(read_all(&*log, stream(1)).await?.len(), 41, "records of the stream");
    Ok(())
}

async fn everything(log: &dyn EventLog) -> Result<Vec<socai_domain::ledger::Recorded>> {
    let mut follower = Follower::new(log, None);
    follower.until(log.head().await?.position).await?;
    Ok(follower.told)
}
