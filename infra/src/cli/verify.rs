//! `socai verify`: the ledger, from its files alone, or from what a cluster tells.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::json;
use socai::{
    clock::SystemClock,
    known,
    log::{self, FileLogOptions, Known, building},
    verify::{Fault, Misplaced, Progress, VerifyReport, verify, verify_told},
};
use socai_domain::ledger::{Position, RecordHash, Revision};

use super::{flags::Place, telling};

/// Recomputes every checksum, hash, chain and head of the ledger from its segment files alone; also while a server writes
/// to them. Of the data directory's own log, what its checkpoint and its notary's name must be there. Needs no key. Exit code 1 if anything is wrong.
///
/// Of a ledger in KurrentDB, every record's hash, every stream's chain and revisions, the times and the count; its head is the
/// root of the notary's tree over all records, which every copy of the ledger has.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai verify --data /srv/socai
  socai verify --data /srv/socai --expect 0197….1.1234:9f86…   # a head that you kept elsewhere
  socai verify --log file:/backup/log --json
  socai verify --log 'kurrentdb://user:password@host:2113?ledger=socai'

Whoever can write the files can also make all of them fit again. Only a head that was kept out of their
reach shows that: keep the line `head` of each run somewhere else, and give it to the next one.")]
pub(crate) struct Verify {
    /// The log must have had this head at this position.
    #[arg(long, value_name = "POSITION:HEAD", value_parser = head)]
    expect: Option<(Position, RecordHash)>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// A position and the head there.
pub(crate) fn head(text: &str) -> Result<(Position, RecordHash), String> {
    let wanted = || "give POSITION:HEAD as `socai verify` prints it".to_owned();
    let (position, head) = text.split_once(':').ok_or_else(wanted)?;
    Ok((position.parse().map_err(|_| wanted())?, head.parse().map_err(|_| wanted())?))
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        // A copy elsewhere may well be older than this directory's checkpoint.
        let own = self.place.gives("data") || !self.place.gives("log");
        let known = if own { known(&config).map_err(|why| anyhow!(why))? } else { Known::default() };
        let bar = telling::bar(0, "verifying", self.json);
        let progress = |progress: Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        };
        let verified = match config.log_directory() {
            Some(directory) => {
                building::check_finished(&directory)?;
                verify(&directory, self.expect, known, progress)
            }
            None => super::runtime()?.block_on(async {
                let options = FileLogOptions { create: false, ..FileLogOptions::new(Arc::new(SystemClock)) };
                let log = log::open(&config.log, options).await.with_context(|| config.log_shown())?;
                anyhow::Ok(verify_told(log.events(), self.expect, known, progress).await)
            })?,
        };
        bar.finish_and_clear();
        let code = if verified.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        match (verified, self.json) {
            (Ok(report), true) => println!("{}", in_json(&report)),
            (Ok(report), false) => tell(&report, self.expect.is_some()),
            (Err(fault), true) => println!("{}", fault_in_json(&fault)),
            (Err(fault), false) => return Err(fault).context("the ledger does not verify"),
        }
        Ok(code)
    }
}

fn tell(report: &VerifyReport, expected: bool) {
    let VerifyReport { ledger, segments, records, streams, bytes, head, elapsed, torn } = report;
    let number = |number: usize| telling::thousands(number as u64);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rate for people
    let rate = telling::thousands(report.rate() as u64);
    println!("verified  {} records in {} streams", telling::thousands(*records), number(*streams));
    match segments {
        0 => println!("          bytes: {}", telling::thousands(*bytes)),
        _ => println!("          segments: {}, bytes: {}", number(*segments), telling::thousands(*bytes)),
    }
    println!("          {:.3} s, {rate} records a second", elapsed.as_secs_f64());
    println!("ledger    {ledger}");
    println!("head      {}:{}", head.position, head.hash);
    if let Some(damage) = torn {
        println!("torn      {damage}");
        println!("          A torn batch at the end, which the next start cuts (not known to have been acknowledged).");
    }
    if expected {
        println!("          The log had the expected head, and only grew since.");
    }
}

fn in_json(report: &VerifyReport) -> serde_json::Value {
    let VerifyReport { ledger, segments, records, streams, bytes, head, elapsed, torn } = report;
    json!({
        "ok": true,
        "ledger": ledger.to_string(),
        "records": records,
        "streams": streams,
        "segments": segments,
        "bytes": bytes,
        "seconds": elapsed.as_secs_f64(),
        "head": format!("{}:{}", head.position, head.hash),
        "recorded": head.recorded.to_string(),
        "torn": torn.as_ref().map(ToString::to_string),
    })
}

fn fault_in_json(fault: &Fault) -> serde_json::Value {
    let mut told = json!({ "ok": false, "message": fault.to_string() });
    if let Fault::Told(Misplaced { record, position, stream, revision, broken }) = fault {
        told["record"] = json!(record);
        told["position"] = json!(position.to_string());
        told["what"] = json!(broken.to_string());
        told["stream"] = json!(stream.to_string());
        told["revision"] = json!(revision.number());
    }
    if let Fault::Wrong(wrong) = fault {
        told["segment"] = json!(wrong.damage.file);
        told["offset"] = json!(wrong.damage.offset);
        told["record"] = json!(wrong.damage.record);
        told["what"] = json!(wrong.damage.what);
        told["stream"] = json!(wrong.stream.map(|stream| stream.to_string()));
        told["revision"] = json!(wrong.revision.map(Revision::number));
    }
    told
}
