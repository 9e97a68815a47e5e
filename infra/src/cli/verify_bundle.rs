//! `socai verify-bundle`: an audit bundle, offline.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::{Value, json};
use socai::bundle::{About, Fault, Judged, MAX_BUNDLE_LEN, Question, Report, Verdict};
use socai_domain::{ledger::Revision, proof::note::MAX_NOTE_LEN};

use super::believed::{Believed, read};

/// Checks offline an audit bundle that `socai export --document` wrote: that its records are in the log and nothing between
/// them is left out; that they hold what its trail shows; and that each decision was for that person to make, in that post, by
/// what the agency knew then. Opens no ledger and asks no server. Names everything that is wrong; exit code 1 if anything is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai verify-bundle incoming-018f2f6e.socai-bundle.zip --key log.key
  socai verify-bundle incoming-018f2f6e.socai-bundle.zip --policy policy.txt --json
  socai verify-bundle incoming-018f2f6e.socai-bundle.zip --key log.key --since checkpoint-of-last-year

A key is given as text (NAME+ID+KEY) or as a file that holds it. Take the log's key from the agency itself, not
from the bundle nor from whoever gave it to you. docs/BUNDLE.md describes the format and what it shows.")]
pub(crate) struct VerifyBundle {
    /// The bundle.
    file: PathBuf,
    #[command(flatten)]
    believed: Believed,
    /// A checkpoint of the log that you got earlier: the log must only have grown since.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

impl VerifyBundle {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self.believed.policy()?;
        let file = read(&self.file, MAX_BUNDLE_LEN)?;
        let since = self.since.as_deref().map(|path| read(path, MAX_NOTE_LEN)).transpose()?;
        let report = Question { file: &file, policy: &policy, since: since.as_deref() }.check();
        if self.json {
            println!("{:#}", in_json(&report));
        } else {
            tell(&report, since.is_some());
        }
        Ok(if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Each fault on standard error, in words.
pub(crate) fn tell_faults(faults: &[Fault]) {
    for fault in faults {
        eprintln!("WRONG     {fault}");
        eprintln!("          {}", fault.kind.means());
    }
}

fn tell(report: &Report, since: bool) {
    tell_faults(&report.faults);
    let Some(about) = &report.about else { return eprintln!("socai: nothing is proved") };
    if !report.faults.is_empty() {
        return eprintln!("socai: {} faults; nothing is proved", report.faults.len());
    }
    let About { ledger, document, sealed, records, others, files, accepted } = about;
    println!("proved    {document}: {records} records, none left out between them");
    println!("          and {others} of the organ, the book and people, all in ledger {ledger}");
    if let Some(accepted) = accepted {
        let checkpoint = &accepted.checkpoint;
        println!("log       {}, {} records, root {}", checkpoint.origin(), checkpoint.size(), checkpoint.root());
        println!("          signed by {} (key {})", accepted.key.name(), accepted.key.id());
        for (witness, at) in &accepted.witnessed {
            println!("witness   {witness} saw it at {at}");
        }
        if accepted.witnessed.is_empty() {
            println!("          No witness was asked for: that the log shows everyone the same history is not proved.");
        }
    }
    if since {
        println!("since     the log only grew since the checkpoint that you hold");
    }
    if *sealed {
        println!("sealed    contents and authority cannot be judged without keys");
    } else {
        tell_judged(&report.judged);
    }
    match files {
        (0, _) => {}
        (all, 0) => println!("files     {all}, by their hashes; their contents are not in the bundle"),
        (all, here) => println!("files     {here} of {all} with their contents, each with its hash"),
    }
    println!(
        "          Whether later records of the document exist, a bundle cannot show: ask the agency for the newest."
    );
}

fn tell_judged(judged: &[Judged]) {
    let stands = |wanted: bool| {
        judged.iter().filter(|one| matches!(one.verdict, Verdict::Stands { system, .. } if system == wanted)).count()
    };
    println!("authority {} decisions judged again: all were theirs to make", stands(false));
    println!("          and {} steps of the system itself", stands(true));
    for one in judged {
        if let Verdict::Open { why } = one.verdict {
            println!("          revision {} was not judged again: {why}", one.first);
        }
    }
}

fn in_json(report: &Report) -> Value {
    let fault = |fault: &Fault| {
        json!({
            "fault": fault.kind.code(),
            "entry": fault.entry,
            "stream": fault.record.map(|(stream, _)| stream.to_string()),
            "revision": fault.record.map(|(_, revision)| revision.number()),
            "what": fault.what,
            "means": fault.kind.means(),
        })
    };
    let judged = |one: &Judged| {
        let revisions = [one.first, one.last].map(Revision::number);
        match &one.verdict {
            Verdict::Stands { command, system } => {
                json!({ "revisions": revisions, "verdict": "stands", "command": command, "system": system })
            }
            Verdict::Falls { why } => json!({ "revisions": revisions, "verdict": "falls", "why": why }),
            Verdict::Open { why } => json!({ "revisions": revisions, "verdict": "open", "why": why }),
        }
    };
    let accepted = report.about.as_ref().and_then(|about| about.accepted.as_ref());
    let witnessed = accepted.map(|accepted| &accepted.witnessed[..]).unwrap_or_default();
    let checkpoint = accepted.map(|accepted| &accepted.checkpoint);
    json!({
        "ok": report.faults.is_empty(),
        "faults": report.faults.iter().map(fault).collect::<Vec<_>>(),
        "ledger": report.about.as_ref().map(|about| about.ledger.to_string()),
        "document": report.about.as_ref().map(|about| about.document.to_string()),
        "sealed": report.about.as_ref().map(|about| about.sealed),
        "records": report.about.as_ref().map(|about| about.records),
        "files": report.about.as_ref().map(|about| about.files.0),
        "contents": report.about.as_ref().map(|about| about.files.1),
        "origin": checkpoint.map(|checkpoint| checkpoint.origin().to_string()),
        "size": checkpoint.map(socai_domain::proof::Checkpoint::size),
        "root": checkpoint.map(|checkpoint| checkpoint.root().to_string()),
        "witnessed": witnessed.iter().map(|(name, at)| json!({ "witness": name.to_string(), "at": at.to_string() })).collect::<Vec<_>>(),
        "judged": report.judged.iter().map(judged).collect::<Vec<_>>(),
    })
}
