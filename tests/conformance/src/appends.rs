//! What an append promises.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use futures::future::join_all;
use socai_domain::ledger::{Append, AppendError, Expected};
use tokio::sync::Barrier;

use super::{
    Fixture,
    support::{append, draft, ensure_eq, fill, open, read_all, revision, sized, stream, text, texts},
};

/// An append is taken where the stream stands as expected, and refused before and after it.
pub async fn takes_exactly_the_expected_revision(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    for wrong in [0, 1, 7, u64::MAX - 1] {
        let taken = log.append(append(stream(1), Some(wrong), &["too early"])).await;
        ensure!(matches!(taken, Err(AppendError::Conflict { .. })), "an empty stream, expected at {wrong}: {taken:?}");
    }
    fill(&*log, stream(1), 3).await?;
    for wrong in [None, Some(0), Some(1), Some(3), Some(4), Some(u64::MAX - 1)] {
        let taken = log.append(append(stream(1), wrong, &["elsewhere"])).await;
        ensure!(matches!(taken, Err(AppendError::Conflict { .. })), "a stream at 2, expected at {wrong:?}: {taken:?}");
    }
    let taken = log.append(append(stream(1), Some(2), &["right"])).await?;
    ensure_eq!(taken.stamps.iter().map(|stamp| stamp.revision).collect::<Vec<_>>(), vec![revision(3)], "revision");
    ensure_eq!(read_all(&*log, stream(1)).await?.len(), 4, "records of the stream");
    Ok(())
}

/// A conflict names the revision of the stream's last record.
pub async fn says_where_the_stream_stands(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    fill(&*log, stream(2), 1).await?;
    for (count, actual) in [(0, None), (1, Some(revision(0))), (5, Some(revision(4)))] {
        fill(&*log, stream(100 + count), u64::try_from(count)?).await?;
        let taken = log.append(append(stream(100 + count), Some(77), &["elsewhere"])).await;
        let expected = AppendError::Conflict { stream: stream(100 + count), actual };
        ensure_eq!(taken, Err(expected), "a stream of {count} records");
    }
    Ok(())
}

/// Several events are all there, or none is.
pub async fn takes_all_or_nothing(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let taken = log.append(append(stream(1), None, &["a", "b", "c"])).await?;
    ensure_eq!(taken.stamps.len(), 3, "stamps");
    let mut drafts = vec![draft("d"), draft("e"), draft("f")];
    drafts[1] = sized("e", 65_536);
    let refused = log.append(Append { stream: stream(1), expected: Expected::At(revision(2)), drafts }).await;
    ensure!(refused.is_err(), "an append with a record that is too large was taken");
    ensure_eq!(texts(&read_all(&*log, stream(1)).await?), ["a", "b", "c"], "after a refusal");
    log.append(append(stream(1), Some(2), &["d"])).await?;
    ensure_eq!(texts(&read_all(&*log, stream(1)).await?), ["a", "b", "c", "d"], "and goes on");
    Ok(())
}

/// The very same append is recognised, however late; anything else at its place is a conflict.
pub async fn answers_a_reissue_as_the_first_time(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let first = append(stream(1), None, &["a", "b"]);
    let second = append(stream(1), Some(1), &["c"]);
    let taken = [log.append(first.clone()).await?, log.append(second.clone()).await?];
    ensure!(taken.iter().all(|taken| !taken.repeated), "a first append counts as repeated");
    for _again in 0..2 {
        for (append, taken) in [&first, &second].into_iter().zip(&taken) {
            let again = log.append(append.clone()).await?;
            ensure_eq!(again.stamps, taken.stamps, "the stamps of a reissue");
            ensure!(again.repeated, "a reissue counts as new");
        }
    }
    for (last, other) in [
        (None, &["a", "other"][..]),
        (None, &["other", "b"]),
        (Some(0), &["other"]),
        (Some(1), &["other"]),
        (Some(1), &["c", "more"]),
        (None, &["a", "b", "c", "more"]),
    ] {
        let taken = log.append(append(stream(1), last, other)).await;
        ensure!(matches!(taken, Err(AppendError::Conflict { .. })), "{other:?} at {last:?}: {taken:?}");
    }
    ensure_eq!(texts(&read_all(&*log, stream(1)).await?), ["a", "b", "c"], "the stream");
    Ok(())
}

/// Of many writers that expect the same revision, one wins. All get there by loading and trying again.
pub async fn lets_one_of_64_writers_win(fixture: &dyn Fixture) -> Result<()> {
    const WRITERS: usize = 64;
    let log = open(fixture).await;
    let names: Vec<String> = (0..WRITERS).map(|writer| format!("writer {writer}")).collect();

    let calls: Vec<_> = names.iter().map(|name| log.append(append(stream(1), None, &[name]))).collect();
    let won = join_all(calls).await.into_iter().flatten().count();
    ensure_eq!(won, 1, "winners of calls made together");

    let begin = Arc::new(Barrier::new(WRITERS));
    let writers = names.iter().cloned().map(|name| {
        let (log, begin) = (Arc::clone(&log), Arc::clone(&begin));
        tokio::spawn(async move {
            begin.wait().await;
            let mut first_try = None;
            let mut last = None;
            loop {
                match log.append(append(stream(2), last, &[&name])).await {
                    Ok(taken) => return Ok((first_try.unwrap_or(true), taken)),
                    Err(AppendError::Conflict { .. }) => first_try = Some(false),
                    Err(other) => bail!(other),
                }
                last = u64::try_from(read_all(&*log, stream(2)).await?.len())?.checked_sub(1);
            }
        })
    });
    let mut winners = 0;
    for writer in join_all(writers).await {
        let (first_try, taken) = writer??;
        winners += usize::from(first_try);
        ensure!(!taken.repeated, "another writer's append counts as one's own");
    }
    ensure_eq!(winners, 1, "winners of the first round");
    let mut written = texts(&read_all(&*log, stream(2)).await?);
    written.sort();
    let mut names = names;
    names.sort();
    ensure_eq!(written, names, "each writer's event once");
    Ok(())
}

/// Calls for one stream count in the order in which they were made, whoever waits for them first.
pub async fn takes_calls_in_their_order(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let texts: Vec<String> = (0..50).map(|number| format!("call {number}")).collect();
    let calls: Vec<_> = (0..)
        .zip(&texts)
        .map(|(number, text)| log.append(append(stream(1), u64::checked_sub(number, 1), &[text])))
        .collect();
    // The last is waited for first.
    for call in calls.into_iter().rev() {
        call.await?;
    }
    let written: Vec<String> = read_all(&*log, stream(1)).await?.iter().map(text).collect();
    ensure_eq!(written, texts, "the stream");
    Ok(())
}

/// Whoever does not wait for the answer has appended all the same.
pub async fn counts_a_call_that_was_dropped(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    drop(log.append(append(stream(1), None, &["nobody waits"])));
    let next = log.append(append(stream(1), Some(0), &["next"])).await;
    ensure!(next.is_ok(), "the append after a dropped one: {next:?}");
    ensure_eq!(texts(&read_all(&*log, stream(1)).await?), ["nobody waits", "next"], "the stream");
    Ok(())
}

/// A record has up to 65,535 bytes, and what is more is refused with both figures.
pub async fn takes_records_up_to_64_kib(fixture: &dyn Fixture) -> Result<()> {
    const MAX: usize = 65_535;
    let log = open(fixture).await;
    let one = |expected, len| Append { stream: stream(1), expected, drafts: vec![sized("big", len)] };
    for (number, len) in (0..).zip([116, 4_096, MAX - 1, MAX, MAX]) {
        let taken = log.append(one(Expected::after(u64::checked_sub(number, 1).map(revision)), len)).await;
        ensure!(taken.is_ok(), "a record of {len} bytes: {taken:?}");
    }
    let lengths: Vec<usize> = read_all(&*log, stream(1)).await?.iter().map(|read| read.record.bytes().len()).collect();
    ensure_eq!(lengths, [116, 4_096, MAX - 1, MAX, MAX], "lengths");
    for len in [MAX + 1, 200_000] {
        let taken = log.append(one(Expected::At(revision(4)), len)).await;
        ensure_eq!(taken, Err(AppendError::TooLarge { len, max: MAX }), "a record of {len} bytes");
    }
    Ok(())
}

/// An append has at least one event, and at most as many as the refusal says.
pub async fn refuses_too_few_and_too_many_events(fixture: &dyn Fixture) -> Result<()> {
    let log = open(fixture).await;
    let max = match log.append(append(stream(1), None, &[])).await {
        Err(AppendError::Count { count: 0, max }) => max,
        other => bail!("an empty append: {other:?}"),
    };
    let many = |count| Append { stream: stream(1), expected: Expected::New, drafts: vec![draft("one of many"); count] };
    let refused = log.append(many(max + 1)).await;
    ensure_eq!(refused, Err(AppendError::Count { count: max + 1, max }), "one too many");
    match log.append(many(max)).await {
        Ok(taken) => ensure_eq!(taken.stamps.len(), max, "stamps of the largest append"),
        // An engine may have less room than that for one append.
        Err(AppendError::TooLarge { len, max }) => ensure!(len > max, "{len} bytes of {max} are too many"),
        Err(error) => bail!(error),
    }
    Ok(())
}
