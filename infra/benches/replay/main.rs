//! Reading history again: by headers alone, by document with bodies opened, into views as of a moment. Beside, in turns, the
//! same records in a table of SQLite and, where its server is installed and the feature is on, of `PostgreSQL`, replayed by
//! SELECT through sqlx. All files are in the page cache.
//!
//! ```text
//! cargo bench -p socai --bench replay -- [--records 1000000] [--active 10000] [--rounds 3]
//!     [--threads N] [--only-ours]
//! ```
#![allow(clippy::cast_precision_loss)] // figures for people

#[path = "../args/mod.rs"]
mod args;
mod folds;
mod ledger;
mod peer;
mod postgres;
mod sqlite;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use socai_domain::{
    ledger::{Block, EventLog as _, Position},
    time::Timestamp,
};
use socai_projections::{
    Views,
    replay::{Crew, by_stream, scan},
};

use args::{directory, number};
use folds::{Counts, Documents};
use ledger::Ledger;
use peer::Row;

/// How long each took, by name, in the order of their first run.
#[derive(Default)]
struct Times(Vec<(&'static str, Vec<Duration>)>);

impl Times {
    fn note(&mut self, name: &'static str, began: Instant) {
        let took = began.elapsed();
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, times)) => times.push(took),
            None => self.0.push((name, vec![took])),
        }
    }

    /// Rates, and how many times the peer's rate the first one's is: medians of the rounds.
    fn tell(&self, what: &str, records: u64) {
        println!("\n{what}");
        let ours = &self.0[0].1;
        for (name, times) in &self.0 {
            let mut rates: Vec<f64> = times.iter().map(|took| records as f64 / took.as_secs_f64()).collect();
            let mut ratios: Vec<f64> =
                ours.iter().zip(times).map(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64()).collect();
            rates.sort_by(f64::total_cmp);
            ratios.sort_by(f64::total_cmp);
            let (least, most) = (rates[0], rates[rates.len() - 1]);
            let (middle, ratio) = (rates[rates.len() / 2], ratios[ratios.len() / 2]);
            println!("  {name:<44} {middle:>11.0} [{least:.0}–{most:.0}]  {ratio:>6.2}×");
        }
    }
}

async fn headers(crew: &Crew, ledger: &Ledger, until: Position) -> Counts {
    let pieces = ledger.log.pieces(None, until);
    let take = |counts: &mut Counts, record: socai_domain::ledger::RecordRef<'_>| {
        counts.take(record.kind().number(), record.recorded().as_micros(), record.organ());
    };
    scan(crew, pieces, take, Counts::merge).await.expect("it is read")
}

async fn documents(crew: &Crew, ledger: &Ledger, until: Position) -> Documents {
    let pieces = ledger.log.pieces(None, until);
    let folded = by_stream(crew, pieces, &ledger.opener, |_| true, Documents::default).await.expect("it is read");
    let mut all = Documents::default();
    folded.0.into_iter().for_each(|lane| all.0.extend(lane.0));
    all
}

/// The peers, filled.
struct Peers {
    sqlite: sqlite::Table,
    postgres: postgres::Table,
}

impl Peers {
    async fn filled(dir: &Path, ledger: &Ledger, until: Position) -> Self {
        let mut peers = Self {
            sqlite: sqlite::Table::new(&dir.join("records.sqlite")).await,
            postgres: postgres::Table::new(dir).await,
        };
        let (mut pieces, mut block) = (ledger.log.pieces(None, until), Block::default());
        while let Some(piece) = pieces.next().await {
            let mut piece = piece.expect("it is read");
            while let Ok(()) = piece.next(&mut block, 2 << 20)
                && !block.is_empty()
            {
                let rows: Vec<Row> = block.records().map(Row::of).collect();
                peers.sqlite.add(&rows).await;
                peers.postgres.add(&rows).await;
            }
        }
        peers.postgres.settle().await;
        peers
    }
}

#[tokio::main]
async fn main() {
    let (records, active, rounds) =
        (number("--records", 1_000_000), number("--active", 10_000), number("--rounds", 3).max(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = number("--threads", cores);
    let only_ours = std::env::args().any(|word| word == "--only-ours");
    let dir = directory();
    let began = Instant::now();
    Ledger::write(dir.path(), records, active).await;
    let written = began.elapsed();
    let ledger = Ledger::open(dir.path()).await;
    let until = ledger.log.head().await.expect("it is read").position;
    let (crew, records) = (Crew::of(threads), until.place());
    println!("{records} records, {active} documents under way at a time (written in {written:.1?}); {threads} threads");
    println!(
        "{rounds} rounds in turns; records per second, median [least–most], and how many times the peer's rate ours is"
    );
    let began = Instant::now();
    let expected = documents(&crew, &ledger, until).await;
    println!(
        "\nfirst replay of all, {} documents, each key read from the ring: {:.0} records/s",
        expected.0.len(),
        records as f64 / began.elapsed().as_secs_f64()
    );
    let mut peers = if only_ours { None } else { Some(Peers::filled(dir.path(), &ledger, until).await) };
    let (mut by_headers, mut by_document) = (Times::default(), Times::default());
    let counted = headers(&crew, &ledger, until).await;
    assert_eq!(counted.records(), records);
    for _ in 0..rounds {
        let began = Instant::now();
        assert_eq!(headers(&crew, &ledger, until).await, counted);
        by_headers.note("file engine", began);
        let began = Instant::now();
        assert_eq!(documents(&crew, &ledger, until).await, expected);
        by_document.note("file engine", began);
        let Some(peers) = &mut peers else { continue };
        let began = Instant::now();
        assert_eq!(peers.sqlite.headers().await, counted);
        by_headers.note("SQLite through sqlx, SELECT", began);
        let began = Instant::now();
        assert_eq!(peers.sqlite.documents(&ledger.opener).await, expected);
        by_document.note("SQLite through sqlx, SELECT", began);
        let began = Instant::now();
        assert_eq!(peers.postgres.headers().await, counted);
        by_headers.note("PostgreSQL through sqlx, SELECT", began);
        let began = Instant::now();
        assert_eq!(peers.postgres.documents(&ledger.opener).await, expected);
        by_document.note("PostgreSQL through sqlx, SELECT", began);
    }
    drop(peers);
    by_headers.tell("headers: by kind, day and organ", records);
    by_document.tell("by document, bodies opened", records);
    past(&ledger, rounds, records).await;
}

/// Views as of the last moment, and of moments near one that is kept.
async fn past(ledger: &Ledger, rounds: usize, records: u64) {
    let (end, mut times) = (Timestamp::from_micros(i64::MAX), BTreeMap::<&str, Vec<Duration>>::new());
    for _ in 0..rounds {
        let began = Instant::now();
        let views = Views::build_until(&ledger.log, ledger.opener.clone(), end).await.expect("it is built");
        times.entry("whole").or_default().push(began.elapsed());
        drop(views);
    }
    println!("\nviews as of the end, in memory");
    for (name, times) in times {
        let (least, most) = (times.iter().min(), times.iter().max());
        let rate = |took: Option<&Duration>| records as f64 / took.map_or(f64::NAN, Duration::as_secs_f64);
        println!("  {name:<44} {:>11.0} [{:.0}–{:.0}]", rate(times.get(times.len() / 2)), rate(most), rate(least));
    }
}
