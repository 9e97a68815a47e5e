//! How long an append takes: through the engine, over loopback, to the double, which keeps everything in memory and syncs
//! nothing. So it is what the engine and the protocol cost, and no figure of a server.

#![allow(clippy::unwrap_used)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use socai_domain::{
    ledger::{Append, Direction, Draft, EventKind, EventLog, Expected, Followed, Revision, StreamId, StreamKind},
    time::{Clock, Timestamp},
};
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::Double;
use uuid::Uuid;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_000_000_000_000)
    }
}

fn append(number: u128, last: Option<u64>) -> Append {
    let draft = Draft {
        kind: EventKind::new(426),
        organ: Uuid::nil(),
        person: Uuid::nil(),
        body: number.to_le_bytes().repeat(25),
    };
    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(number));
    Append { stream, expected: Expected::after(last.map(Revision::new)), drafts: vec![draft] }
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    let (p50, p95, p99) = (at(50), at(95), at(99));
    println!("{what:<46} p50 {p50:.3} ms, p95 {p95:.3} ms, p99 {p99:.3} ms, {} calls", times.len());
}

#[tokio::main]
async fn main() {
    let double = Double::start().await.unwrap();
    let options = KurrentOptions { create: true, ..KurrentOptions::new(Arc::new(Still)) };
    let log = KurrentLog::open(&double.url("bench"), options).await.unwrap();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("double in the same process, in memory, no sync; records of 500 bytes; {cores} cores");

    for (what, one_stream) in [("sequential, one stream", true), ("sequential, a new stream each", false)] {
        let mut times = Vec::new();
        for number in 0..5_000_u64 {
            let append = if one_stream {
                append(1, number.checked_sub(1))
            } else {
                append(1_000_000 + u128::from(number), None)
            };
            let begun = Instant::now();
            log.append(append).await.unwrap();
            times.push(begun.elapsed());
        }
        tell(what, times);
    }

    let begun = Instant::now();
    let calls: Vec<_> = (0..20_000).map(|number| log.append(append(2_000_000 + number, None))).collect();
    for taken in join_all(calls).await {
        taken.unwrap();
    }
    println!("{:<46} {:.0} a second", "20,000 waiting, a new stream each", 20_000.0 / begun.elapsed().as_secs_f64());

    let stream = StreamId::new(StreamKind::Incoming, Uuid::from_u128(1));
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let begun = Instant::now();
        log.read(stream, Direction::Forwards, None, 50).await.unwrap();
        times.push(begun.elapsed());
    }
    tell("read of 50 records", times);

    let (begun, mut told, mut count) = (Instant::now(), log.follow(None), 0.0);
    while let Some(Ok(Followed::Records(records))) = futures::StreamExt::next(&mut told).await {
        count += f64::from(u32::try_from(records.len()).unwrap());
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:<46} {:.0} records a second", "following, chains checked", count / seconds);
}
