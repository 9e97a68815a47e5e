//! `socai verify-proof`: a proof, offline.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};
use socai::verify_proof::{Answer, Failure, Held, KnownBy, Question};
use socai_domain::{
    proof::{KeyName, Tile, note::MAX_NOTE_LEN, tlog_proof::MAX_PROOF_LEN},
    time::Timestamp,
};

use super::believed::{Believed, read};

/// Checks offline that a record is in a log: that it leads to the root of a checkpoint, and that the log signed that
/// checkpoint. Opens no ledger and asks no server. Says what is proved, or the first thing that fails; exit code 1 if
/// anything does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai verify-proof decision.tlog-proof --key log.key --record decision.record
  socai verify-proof decision.tlog-proof --key log.key --receipt decision.receipt --json
  socai verify-proof decision.tlog-proof --key log.key --witness a.key --witness b.key --quorum 1
  socai verify-proof decision.tlog-proof --policy policy.txt --record decision.record
  socai verify-proof decision.tlog-proof --key log.key --held checkpoint-of-a-colleague
  socai verify-proof checkpoint --policy policy.txt --receipt decision.receipt --entries copy-of-the-log

A key is given as text (NAME+ID+KEY) or as a file that holds it. Take the log's key from the agency itself, not
from whoever gave you the proof. A receipt is the log's promise to include a record within a time. Where the
log broke it, that is said; receipt and checkpoint together prove it to anyone. docs/PROOFS.md describes all
formats; docs/verify_proof.py checks the same without socai.")]
pub(crate) struct VerifyProof {
    /// The proof (.tlog-proof), or with --entries a signed checkpoint.
    file: PathBuf,
    #[command(flatten)]
    believed: Believed,
    /// The record itself, as bytes: what the proof proves is computed from it.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// The receipt that came with the record.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Another checkpoint of the log that you hold, or a proof that bears one: two trees of one size are a split view.
    #[arg(long, value_name = "FILE")]
    held: Option<PathBuf>,
    /// A folder with all entries of the log, as tile/entries/… below it: shows also that a record is not there.
    #[arg(long, value_name = "FOLDER")]
    entries: Option<PathBuf>,
    /// When you got the checkpoint as the log's latest, as 2026-11-21T08:00:00+07:00; else the witnesses say.
    #[arg(long, value_name = "TIME", requires = "entries", value_parser = time)]
    at: Option<Timestamp>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|why| why.to_string())
}

impl VerifyProof {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self.believed.policy()?;
        let file = read(&self.file, MAX_PROOF_LEN)?;
        let read_if_given = |path: &Option<PathBuf>| path.as_deref().map(|path| read(path, MAX_NOTE_LEN)).transpose();
        let (record, receipt) = (read_if_given(&self.record)?, read_if_given(&self.receipt)?);
        let held = self.held.as_deref().map(|path| read(path, MAX_PROOF_LEN)).transpose()?;
        let from_folder = |tile: Tile| entries(self.entries.as_deref().unwrap_or(Path::new(".")), tile);
        let question = Question {
            file: &file,
            policy: &policy,
            record: record.as_deref(),
            receipt: receipt.as_deref(),
            entries: self.entries.as_ref().map(|_| &from_folder as _),
            at: self.at,
            held: held.as_deref(),
        };
        match (question.answer(), self.json) {
            (Ok(answer), true) => println!("{}", in_json(&answer)),
            (Ok(answer), false) => tell(&answer),
            (Err(failure), true) => {
                println!("{}", json!({ "ok": false, "failed": failure.code(), "message": failure.to_string() }));
                return Ok(ExitCode::FAILURE);
            }
            (Err(failure @ (Failure::Broken(_) | Failure::SplitView(_))), false) => return Err(anyhow!(failure)),
            (Err(failure), false) => return Err(anyhow!(failure).context("nothing is proved")),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An entry bundle of a copy of the log. Logs may drop a partial one when the full one is there.
fn entries(folder: &Path, tile: Tile) -> Result<Vec<u8>, String> {
    let path = |tile: Tile| folder.join(tile.to_string());
    let wanted = usize::from(tile.width()) * 34;
    match (fs::read(path(tile)), fs::read(path(tile.full()))) {
        (Ok(bytes), _) => Ok(bytes),
        (Err(_), Ok(bytes)) if bytes.len() >= wanted => Ok(bytes[..wanted].to_vec()),
        (Err(why), _) => Err(format!("{}: {why}", path(tile).display())),
    }
}

fn tell(answer: &Answer) {
    let Answer { record, known_by, header, index, accepted, promise, held } = answer;
    let checkpoint = &accepted.checkpoint;
    println!("proved    record {} is in the log {}", record.id(), checkpoint.origin());
    println!("          as entry {index} (from 0) of {}", checkpoint.size());
    let source = match known_by {
        KnownBy::Record => "computed from the record",
        KnownBy::Receipt => "as the receipt names it; the record itself was not given",
        KnownBy::Proof => "as the proof names it; the record itself was not given",
    };
    println!("hash      {record}");
    println!("          {source}");
    if let Some(header) = header {
        println!("record    {} revision {}, recorded {}", header.stream, header.revision, header.recorded);
    }
    println!("root      {}", checkpoint.root());
    println!("          signed by {} (key {})", accepted.key.name(), accepted.key.id());
    for (witness, at) in &accepted.witnessed {
        println!("witness   {witness} saw it at {at}");
    }
    if accepted.witnessed.is_empty() {
        println!("          No witness was asked for: that the log shows everyone the same history is not proved.");
    }
    match held {
        Some(Held::Same) => println!("held      the checkpoint that you hold is of the same tree"),
        Some(Held::Grown(size)) => {
            println!("held      the tree of {size} records that you hold is the beginning of this one");
        }
        Some(Held::NotCompared(size)) => {
            println!("held      the checkpoint that you hold covers {size} records: not compared");
            println!(
                "          Whether one tree grew from the other, all entries show (--entries), or a consistency proof."
            );
        }
        None => {}
    }
    if let Some(promise) = promise {
        println!(
            "receipt   {} revision {}, promised within {} s: kept",
            promise.stream, promise.revision, promise.within
        );
    }
}

fn in_json(answer: &Answer) -> Value {
    let Answer { record, known_by, header, index, accepted, promise, held } = answer;
    let checkpoint = &accepted.checkpoint;
    let witnessed =
        |(witness, at): &(KeyName, Timestamp)| json!({ "witness": witness.to_string(), "at": at.to_string() });
    json!({
        "ok": true,
        "record": record.id().to_string(),
        "hash": record.to_string(),
        "knownBy": match known_by {
            KnownBy::Record => "record",
            KnownBy::Receipt => "receipt",
            KnownBy::Proof => "proof",
        },
        "stream": header.map(|header| header.stream.to_string()),
        "revision": header.map(|header| header.revision.number()),
        "recorded": header.map(|header| header.recorded.to_string()),
        "origin": checkpoint.origin().to_string(),
        "key": accepted.key.to_string(),
        "index": index,
        "size": checkpoint.size(),
        "root": checkpoint.root().to_string(),
        "witnessed": accepted.witnessed.iter().map(witnessed).collect::<Vec<Value>>(),
        "promiseKept": promise.as_ref().map(|_| true),
        "held": held.map(|held| match held {
            Held::Same => "same",
            Held::Grown(_) => "grown",
            Held::NotCompared(_) => "not_compared",
        }),
    })
}
