//! What following promises.

use std::{cmp::Ordering, sync::Arc};

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use socai_domain::ledger::{Appended, EventLog, Position, ReadError, Recorded};

use super::{
    Fixture,
    support::{Follower, append, ensure_eq, fill, first_answer, open, position, stream, text},
};

/// What is acknowledged first is told first, and positions only grow.
pub async fn tells_in_the_order_of_positions(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let mut expected = Vec::new();
    let mut follower = Follower::new(&*log, None);
    follower.until_caught_up().await?;
    let mut last = None;
    for (round, number) in [5, 3, 9, 3, 5, 1, 9, 2].into_iter().enumerate() {
        let stands = expected.iter().filter(|(written, _)| *written == number).count();
        let names = [format!("{number} {round} a"), format!("{number} {round} b")];
        let stands = u64::try_from(stands)?.checked_sub(1);
        let taken = log.append(append(stream(number), stands, &[&names[0], &names[1]])).await?;
        expected.extend(names.map(|name| (number, name)));
        last = Some(position(&taken)?);
        if round == 3 {
            follower.until(position(&taken)?).await?; // half of it live
        }
    }
    let last = last.context("there were rounds")?;
    let mut late = Follower::new(&*log, None);
    follower.until(last).await?;
    late.until(last).await?;
    for follower in [follower, late] {
        let told: Vec<String> = follower.told.iter().map(text).collect();
        ensure_eq!(told, expected.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>(), "order");
        for pair in follower.told.windows(2) {
            ensure_eq!(pair[0].position.compare(pair[1].position)?, Ordering::Less, "positions");
        }
    }
    Ok(())
}

/// Every record after the position, once each, whenever one starts and however slowly one listens.
pub async fn tells_everything_once(fixture: &dyn Fixture) -> Result<()> {
    between_old_and_live(&*open(fixture).await).await?;
    while_writers_run(open(fixture).await).await
}

/// Records come between asking and listening, between old and live, and many at once when nobody listens.
async fn between_old_and_live(log: &dyn EventLog) -> Result<()> {
    fill(log, stream(1), 5).await?;
    let mut follower = Follower::new(log, None);
    fill(log, stream(2), 5).await?;
    follower.until_caught_up().await?;
    let last = fill(log, stream(3), 700).await?;
    let last = position(last.last().context("700 appends")?)?;
    follower.until(last).await?;
    ensure_eq!(follower.told.len(), 710, "records told");
    let mut everything = Follower::new(log, None);
    everything.until(last).await?;
    let everything = sorted(&everything.told)?;
    ensure_eq!(sorted(&follower.told)?, everything, "records told");

    // From every position.
    for from in [0, 1, 4, 5, 300, 707, 708] {
        let mut follower = Follower::new(log, Some(everything[from].position));
        follower.until(last).await?;
        ensure_eq!(sorted(&follower.told)?, everything[from + 1..], "after record {from}");
    }
    Ok(())
}

async fn while_writers_run(log: Arc<dyn EventLog>) -> Result<()> {
    const WRITERS: u128 = 8;
    const APPENDS: u64 = 40;
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut followers = Vec::new();
            let mut taken: Vec<Appended> = Vec::new();
            for number in 0..APPENDS {
                let name = format!("{writer} {number}");
                let last = (number * 2).checked_sub(1);
                taken.push(log.append(append(stream(writer), last, &[&name, &name])).await?);
                if number % 8 == 3 {
                    // From what was just written, and from the beginning.
                    for after in [Some(position(&taken[taken.len() - 1])?), None] {
                        let mut follower = Follower::new(&*log, after);
                        follower.step().await?;
                        followers.push((after, follower));
                    }
                }
            }
            anyhow::Ok((followers, taken))
        })
    });
    let mut followers = Vec::new();
    let mut expected: Vec<Position> = Vec::new();
    for writer in join_all(writers).await {
        let (started, taken) = writer??;
        followers.extend(started);
        expected.extend(taken.iter().flat_map(|taken| &taken.stamps).map(|stamp| stamp.position));
    }
    let end = log.append(append(stream(WRITERS), None, &["the end"])).await?;
    expected.push(position(&end)?);
    expected.sort_by_key(|position| position.place());
    for (after, mut follower) in followers {
        follower.until(position(&end)?).await?;
        let expected = expected.iter().filter(|position| after.is_none_or(|after| position.place() > after.place()));
        let told: Vec<Position> = sorted(&follower.told)?.iter().map(|recorded| recorded.position).collect();
        ensure_eq!(told.len(), expected.clone().count(), "records told after {after:?}");
        ensure!(told.iter().eq(expected), "other records than were written after {after:?}");
    }
    Ok(())
}

/// In the order of positions: here it is about what was told, not when.
fn sorted(told: &[Recorded]) -> Result<Vec<Recorded>> {
    let mut told = told.to_vec();
    told.sort_by_key(|recorded| recorded.position.place());
    ensure!(told.windows(2).all(|pair| pair[0].position != pair[1].position), "a record was told twice");
    Ok(told)
}

/// "Caught up" comes once, after all that was there when asked, also where that is nothing.
pub async fn says_once_that_all_was_told(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let mut on_empty = Follower::new(&*log, None);
    on_empty.until_caught_up().await?;
    ensure_eq!(on_empty.caught_up, vec![0], "on an empty log");

    let filled = fill(&*log, stream(1), 600).await?;
    let mut from_start = Follower::new(&*log, None);
    let mut from_middle = Follower::new(&*log, Some(position(&filled[99])?));
    let mut from_end = Follower::new(&*log, Some(position(&filled[599])?));
    for (follower, told) in [(&mut from_start, 600), (&mut from_middle, 500), (&mut from_end, 0)] {
        follower.until_caught_up().await?;
        ensure_eq!(follower.caught_up, vec![told], "told before it");
    }
    for round in 0..3_u64 {
        let last = log.append(append(stream(2), round.checked_sub(1), &["live"])).await?;
        for follower in [&mut on_empty, &mut from_start, &mut from_middle, &mut from_end] {
            follower.until(position(&last)?).await?;
            ensure_eq!(follower.caught_up.len(), 1, "times said");
        }
    }
    Ok(())
}

/// A position of another ledger, or of another life of this one, is an error and not a place.
pub async fn refuses_positions_of_another_ledger(fixture: &dyn Fixture) -> Result<()> {
    let (log, other) = (open(fixture).await, open(fixture).await);
    let own = position(&fill(&*log, stream(1), 3).await?[0])?;
    let foreign = position(&fill(&*other, stream(1), 3).await?[0])?;
    let text = own.to_string();
    let parts: Vec<&str> = text.split('.').collect();
    let other_life: Position = format!("{}.{}.{}", parts[0], parts[1].parse::<u32>()? + 1, parts[2]).parse()?;
    for position in [foreign, other_life] {
        let answer = first_answer(&*log, position).await;
        ensure!(matches!(answer, Some(Err(ReadError::Foreign(_)))), "from {position}: {answer:?}");
    }
    ensure!(matches!(first_answer(&*log, own).await, Some(Ok(_))), "its own position");
    Ok(())
}

/// A position that the log never gave is an error.
pub async fn refuses_positions_beyond_the_head(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let filled = fill(&*log, stream(1), 3).await?;
    let last = position(&filled[2])?;
    let text = last.to_string();
    let (log_part, _) = text.rsplit_once('.').context("a position has parts")?;
    let beyond = [last.place() + 1, last.place() + 1_000_000, u64::MAX];
    for place in beyond {
        let position: Position = format!("{log_part}.{place}").parse()?;
        let answer = first_answer(&*log, position).await;
        ensure_eq!(
            answer.as_ref().map(|answer| answer.as_ref().err()),
            Some(Some(&ReadError::Beyond(position))),
            "from {position}"
        );
    }
    ensure!(matches!(first_answer(&*log, last).await, Some(Ok(_))), "the head itself");
    Ok(())
}
