//! Durable appends per second, ours beside SQLite's, in turns in one run, with the same record bytes, the same check of
//! stream and revision, and the same closed loop: every writer has a stream of its own and waits for each answer.
//!
//! ```text
//! cargo bench -p socai --bench append -- [--rounds 3] [--seconds 2] [--writers 1,16,64,256] [--pairs 5] [--only-files]
//! ```

#[path = "../args/mod.rs"]
mod args;
mod load;
mod postgres;
mod raw;
mod sqlite;
mod sqlx_peer;

use std::{path::Path, time::Duration};

use args::{number, word};
use futures::future::BoxFuture;
use load::{Figures, Log, median, spread};
use socai::{clock::SystemClock, log::FileLog, log::FileLogOptions};
use socai_domain::ledger::{Append, AppendError, Appended, EventLog};

/// What the command line says.
#[derive(Debug)]
struct Arguments {
    rounds: usize,
    time: Duration,
    writers: Vec<usize>,
    pairs: usize,
    only_files: bool,
}

impl Arguments {
    fn read() -> Self {
        let writers = word("--writers").unwrap_or_else(|| "1,16,64,256".to_owned());
        Self {
            rounds: number("--rounds", 3),
            time: Duration::from_secs_f64(number("--seconds", 2.0)),
            writers: writers.split(',').filter_map(|word| word.parse().ok()).collect(),
            pairs: number("--pairs", 5),
            only_files: std::env::args().any(|word| word == "--only-files"),
        }
    }
}

/// The file engine, as the load generator sees it.
struct Files(FileLog);

impl Log for Files {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        self.0.append(append)
    }
}

/// A place on a disk: a temporary directory may be memory.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target directory is writable")
}

fn open(dir: &Path) -> FileLog {
    FileLog::open(dir, FileLogOptions::new(std::sync::Arc::new(SystemClock))).expect("an empty directory opens")
}

type Run = (&'static str, fn(usize, Duration) -> Figures);

fn files(writers: usize, time: Duration) -> Figures {
    let dir = directory();
    load::run(&std::sync::Arc::new(Files(open(dir.path()))), writers, time)
}

fn main() {
    let arguments = Arguments::read();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!(
        "records of {} bytes, one stream per writer, acknowledged when synced; {cores} cores, Linux {}",
        load::RECORD_LEN,
        kernel.trim()
    );
    println!("{} rounds of {:?}, in turns; median [least–most]\n", arguments.rounds, arguments.time);
    let peers: &[Run] = if arguments.only_files {
        &[("file engine", files)]
    } else {
        &[
            ("file engine", files),
            ("rusqlite, group commit", sqlite::run),
            ("sqlx, single-row inserts", sqlx_peer::single),
            ("sqlx, multi-row inserts", sqlx_peer::multi),
            ("PostgreSQL, group commit", postgres::run),
        ]
    };
    println!("{:>7}  {:<25} {:>26} {:>9} {:>9}  {:>7}", "writers", "engine", "records/s", "p50 µs", "p99 µs", "ratio");
    for &writers in &arguments.writers {
        let mut figures: Vec<Vec<Figures>> = peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..arguments.rounds {
            for (index, (_, run)) in peers.iter().enumerate() {
                figures[index].push(run(writers, arguments.time));
            }
        }
        for (index, (name, _)) in peers.iter().enumerate() {
            let ratios = figures[0].iter().zip(&figures[index]).map(|(ours, theirs)| ours.rate / theirs.rate);
            println!(
                "{writers:>7}  {name:<25} {:>26} {:>9.0} {:>9.0}  {:>6.2}×",
                spread(figures[index].iter().map(|figures| figures.rate)),
                median(figures[index].iter().map(|figures| figures.p50)),
                median(figures[index].iter().map(|figures| figures.p99)),
                median(ratios),
            );
        }
    }
    one_writer(&arguments);
}

/// One writer beside the least that durability costs here.
fn one_writer(arguments: &Arguments) {
    let time = arguments.time / 2;
    let pairs: Vec<_> = (0..arguments.pairs).map(|_| (raw::run(time), files(1, time))).collect();
    println!("\none writer beside pwrite of 4 KiB + fdatasync on a zeroed file, {} pairs in turns, p50", pairs.len());
    println!("  pwrite + fdatasync {} µs", spread(pairs.iter().map(|(raw, _)| raw.p50)));
    println!("  file engine        {} µs", spread(pairs.iter().map(|(_, files)| files.p50)));
    println!("  ratio              {}", load::spread_fine(pairs.iter().map(|(raw, files)| files.p50 / raw.p50)));
}
