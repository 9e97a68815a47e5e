//! Read models from nothing: how many records a second one build takes in, until its indexes are there and until it follows
//! the log; the second build that must agree; memory. At several sizes, so that it can be seen whether the rate falls. Beside
//! it, in the same run, the same rows upserted one by one through sqlx into the same tables, with the same indexes, 1,000
//! records' worth to a transaction: each row once, as it is at the end, which is less than a follower of that kind would do.
//! And the same log once more into `PostgreSQL`, on a cluster of its own.
//!
//! The ledger holds whole lives of documents, of which so many (`--open`) go on at a time. It is made by the handler in a
//! process of its own, and each build runs in one, too, so that its memory can be told.
//!
//! ```text
//! cargo bench -p socai --bench rebuild -- [--records 1000000,20000000] [--open 10000] [--memory 512] [--copies 0] [--rows 200000]
//! ```
#![allow(clippy::cast_precision_loss)] // figures for people

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use socai::{app::Store, clock::SystemClock, config::Config};
use socai_projections::{Phase, Rebuilding, Views};
use socai_test_postgres::Cluster;

#[path = "../args/mod.rs"]
mod args;
mod ledger;
#[path = "../office/mod.rs"]
mod office;
mod peer;

use args::{directory, number, word};

/// This program again, to do one thing to a data directory.
fn again(what: &str, data: &Path, views: Option<&str>, more: &[(&str, usize)]) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program is a file"));
    command.args(["--do", what, "--data"]).arg(data);
    if let Some(views) = views {
        command.args(["--views", views]);
    }
    for (name, value) in more {
        command.arg(name).arg(value.to_string());
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().expect("it starts");
    assert!(output.status.success(), "{what} failed");
    String::from_utf8(output.stdout).expect("it writes text")
}

/// Passes on what such a program tells, and gives the rate with which it ends.
fn built(told: &str) -> f64 {
    let (told, rate) = told.rsplit_once("RATE ").expect("it tells its rate");
    print!("{told}");
    rate.trim().parse().expect("a number")
}

fn config(data: &Path) -> Config {
    let data = data.to_str().expect("a path in UTF-8").to_owned();
    let flags = [("data", data)].into_iter().chain(word("--views").map(|views| ("views", views))).collect();
    Config::load(&flags, |_| None).expect("a data directory is all it needs")
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) >> 10
}

/// A rebuild from nothing, and how long each phase took.
async fn build(data: &Path, memory: usize, copies: u64) {
    let config = config(data);
    let store = Store::open(&config, Arc::new(SystemClock)).await.expect("it opens");
    let log = store.log();
    let records = log.head().await.expect("it is read").records;
    let views = Views::awaited(&config.views).with_memory(memory << 20).with_copies(copies);
    let mut state = views.rebuilding();
    let began = Instant::now();
    let phases = tokio::spawn(async move {
        let mut phases: Vec<(Phase, Duration)> = Vec::new();
        loop {
            match &*state.borrow_and_update() {
                Rebuilding::Running(progress) if phases.last().is_none_or(|(last, _)| *last != progress.phase) => {
                    phases.push((progress.phase, began.elapsed()));
                }
                Rebuilding::Done(_) | Rebuilding::Failed(_) => return phases,
                Rebuilding::No | Rebuilding::Running(_) => {}
            }
            if state.changed().await.is_err() {
                return phases;
            }
        }
    });
    views.rebuild(&*log, &store.opener).await.expect("it is built");
    let all = began.elapsed();
    let phases = phases.await.expect("it only looks");
    let ends = phases.iter().skip(1).map(|(_, at)| *at).chain([all]);
    let rate = |time: Duration| records as f64 / time.as_secs_f64();
    let one = phases.iter().find(|(phase, _)| *phase == Phase::CatchingUp).map_or(all, |(_, at)| *at);
    println!("  one build        {:>9.0} records/s, {:.1?} in all", rate(one), one);
    println!("  two, and in place{:>9.0} records/s, {:.1?} in all", rate(all), all);
    for ((phase, from), to) in phases.iter().zip(ends) {
        println!("    {:<34}{:>8.1} s", phase.name(), to.saturating_sub(*from).as_secs_f64());
    }
    let size = |file: &Path| std::fs::metadata(file).map_or(0, |file| file.len()) >> 20;
    let file = config.views.path().map_or_else(String::new, |file| format!(", a file of {} MiB", size(file)));
    println!("  at most {} MiB of memory (budget {memory}){file}", peak());
    views.close().await;
    store.close().await.expect("it closes");
    println!("RATE {}", rate(one));
}

#[tokio::main]
async fn main() {
    if let (Some(what), Some(data)) = (word("--do"), word("--data")) {
        let data = Path::new(&data);
        match what.as_str() {
            "write" => ledger::write(data, number("--records", 0), number("--open", 10_000)).await,
            "build" => Box::pin(build(data, number("--memory", 512), number("--copies", 0))).await,
            "peer" => peer::run(data, number("--rows", 0)).await,
            other => panic!("what is {other}?"),
        }
        return;
    }
    let sizes = word("--records").unwrap_or_else(|| "1000000,20000000".to_owned());
    let sizes: Vec<usize> = sizes.split(',').map(|size| size.parse().expect("numbers with commas")).collect();
    let (open, memory, rows) = (number("--open", 10_000), number("--memory", 512), number("--rows", 200_000));
    let copies = number("--copies", 0);
    println!("{open} documents at a time; {} cores", std::thread::available_parallelism().map_or(1, usize::from));
    let (mut first, mut peer_rate) = (None, None);
    for records in sizes {
        let dir = directory();
        let data = dir.path().join("data");
        print!("{}", again("write", &data, None, &[("--records", records), ("--open", open)]));
        let rate = built(&again("build", &data, None, &[("--memory", memory), ("--copies", copies)]));
        let first = *first.get_or_insert(rate);
        println!("  {:.2} of the rate of the first size", rate / first);
        // Of the same log, in a database that nobody else uses.
        let cluster = Cluster::start_in(dir.path()).expect("a server of PostgreSQL starts");
        println!("  in PostgreSQL");
        let in_database = built(&again("build", &data, Some(&cluster.url("postgres")), &[("--memory", memory)]));
        println!("  {:.2} of the rate of SQLite", in_database / rate);
        drop(cluster);
        if peer_rate.is_none() {
            peer_rate = Some(built(&again("peer", &data, None, &[("--rows", rows)])));
        }
        println!("  {:.1} × the upserts of single rows", rate / peer_rate.unwrap_or(f64::NAN));
    }
}
