//! What reading in pieces promises.

use anyhow::{Context, Result};
use futures::StreamExt;
use socai_domain::{
    ledger::{Block, EventLog, Position, Recorded, SealedRecord},
    time::Timestamp,
};

use super::{
    Fixture, SetClock,
    support::{Follower, NOW, append, ensure_eq, open, position, stream},
};

/// Some records of several streams, a microsecond between two appends; all as a follower is told of them.
async fn filled(log: &dyn EventLog, clock: Option<&SetClock>) -> Result<Vec<Recorded>> {
    let mut last = None;
    for round in 0..400_u64 {
        if let Some(clock) = clock {
            clock.set(NOW + i64::try_from(round / 2)? * 10);
        }
        let stands = (round / 8 * 2).checked_sub(1);
        let name = format!("{round}");
        last = Some(log.append(append(stream(u128::from(round % 8)), stands, &[&name, &name])).await?);
    }
    let mut follower = Follower::new(log, None);
    follower.until(position(&last.context("there were rounds")?)?).await?;
    // In the order of positions: here it is about pieces.
    follower.told.sort_by_key(|recorded| recorded.position.place());
    Ok(follower.told)
}

async fn in_pieces(log: &dyn EventLog, after: Option<Position>, until: Position) -> Result<Vec<Recorded>> {
    let (mut pieces, mut block, mut all) = (log.pieces(after, until), Block::default(), Vec::new());
    while let Some(piece) = pieces.next().await {
        let mut piece = piece?;
        loop {
            piece.next(&mut block, 5_000)?;
            if block.is_empty() {
                break;
            }
            for record in block.records() {
                let position = until.with_place(record.place());
                all.push(Recorded { position, record: SealedRecord::from_bytes(record.bytes())? });
            }
        }
    }
    Ok(all)
}

/// Between any two positions, what a follower is told: each record once, in order, and nothing beyond.
pub async fn gives_in_pieces_what_it_tells(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let told = filled(&*log, None).await?;
    let count = told.len();
    for (after, until) in [(0, count), (0, 1), (1, 2), (0, 399), (257, 258), (401, count), (500, 777), (count, count)] {
        let from = after.checked_sub(1).map(|last| told[last].position);
        let pieces = in_pieces(&*log, from, told[until - 1].position).await?;
        ensure_eq!(pieces, told[after..until], "records after {after} and up to {until}");
    }
    Ok(())
}

/// The last record by an instant: all of that very instant, none of the next.
pub async fn knows_where_it_stood(fixture: &dyn Fixture) -> Result<()> {
    let clock = SetClock::at(NOW);
    let log = fixture.open(clock.clone()).await;
    ensure_eq!(log.stood_at(Timestamp::from_micros(NOW)).await?, None, "an empty log");
    let told = filled(&*log, Some(&clock)).await?;
    for after in [-1, 0, 1, 5, 9, 10, 11, 700, 1_111, 1_980, 1_989, 1_990, 1_991, 1_000_000] {
        let then = Timestamp::from_micros(NOW + after);
        let by_then = told.iter().rfind(|recorded| recorded.record.header().recorded <= then);
        ensure_eq!(log.stood_at(then).await?, by_then.map(|recorded| recorded.position), "{after} µs later");
    }
    Ok(())
}
