//! `socai-conformance`: does a KurrentDB cluster keep the rules that socai's ledger relies on?

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use clap::Parser;
use socai_conformance::{RULES, bounded, kurrent::Ledgers};
use socai_domain::{
    ledger::{Append, Draft, EventKind, EventLog, Expected, StreamId, StreamKind},
    time::{Clock, Timestamp},
};
use uuid::Uuid;

/// Keeps the rules of socai's ledger against a KurrentDB cluster, one after the other, and says which hold.
///
/// It makes ledgers of its own, named conf… , writes some hundred small events into their streams, and leaves them there:
/// delete those streams afterwards, or try it on a cluster that you throw away. It reads and writes nothing else. Exit
/// code 0 if every rule is kept, 1 if one is broken, 2 if the cluster cannot be used.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  socai-conformance 'kurrentdb://localhost:2113?tls=false'
  socai-conformance 'kurrentdb://admin:PASSWORD@node1:2113,node2:2113,node3:2113?tlsCaFile=ca.crt'"
)]
struct Arguments {
    /// Where the cluster is: the URL that `socai serve --log` takes, without `ledger`. `SOCAI_TEST_KURRENTDB_URL` keeps a
    /// password from other users of the machine.
    #[arg(env = "SOCAI_TEST_KURRENTDB_URL", hide_env_values = true)]
    url: String,
}

/// Events that are appended one after the other, to tell how long one takes.
const TIMED: u64 = 200;

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let ledgers = Ledgers::at(&Arguments::parse().url);
    let outcome = judge(&ledgers).await;
    println!("the streams {}…-* were left there", ledgers.prefix());
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every rule is kept.
async fn judge(ledgers: &Ledgers) -> Result<bool> {
    // First, as its error says what is wrong with the URL, the user or the server.
    let mut took = timed(ledgers).await?;
    let mut broken = 0;
    for (name, rule) in RULES {
        let begun = Instant::now();
        let kept = bounded(rule(ledgers)).await;
        let millis = begun.elapsed().as_millis();
        match kept {
            Ok(()) => println!("kept    {name} ({millis} ms)"),
            Err(why) => {
                broken += 1;
                println!("BROKEN  {name} ({millis} ms): {why:#}");
            }
        }
    }
    took.sort();
    let [median, most] = [took.len() / 2, took.len() * 99 / 100].map(|at| took[at].as_secs_f64() * 1e3);
    println!("{} of {} rules kept", RULES.len() - broken, RULES.len());
    println!("{TIMED} events appended one after the other: p50 {median:.1} ms, p99 {most:.1} ms each");
    Ok(broken == 0)
}

/// How long each of some appends takes.
async fn timed(ledgers: &Ledgers) -> Result<Vec<Duration>> {
    let log = ledgers.begin(Arc::new(SystemClock)).await.context("the cluster cannot be used")?;
    let stream = StreamId::new(StreamKind::Incoming, Uuid::new_v4());
    let (mut expected, mut took) = (Expected::New, Vec::new());
    for _ in 0..TIMED {
        let draft = Draft { kind: EventKind::new(426), organ: Uuid::nil(), person: Uuid::nil(), body: vec![b'.'; 300] };
        let begun = Instant::now();
        let appended = log.append(Append { stream, expected, drafts: vec![draft] }).await?;
        took.push(begun.elapsed());
        expected = Expected::At(appended.last().revision);
    }
    Ok(took)
}
