//! `socai fsck`: the whole product, against the log.

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::bail;
use clap::Args;
use serde_json::{Map, Value, json};
use socai::{
    fsck::{Fault, Kind, Layer, Options, Progress, Report, check},
    server::asked_to_stop,
};
use socai_domain::ledger::{Position, RecordHash};

use super::{flags::Place, telling, verify};

/// Checks the whole product, layer by layer, against the log: also while a server writes, and without writing anything to
/// the data directory. Names the first thing that is wrong in each layer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai fsck --data /srv/socai
  socai fsck --data /srv/socai --deep --json
  socai fsck --data /srv/socai --only log,keys
  socai fsck --data /srv/socai --expect 0197….1.1234:9f86…   # a head that you kept elsewhere

Layers: log (segments, records, chains, heads), index (side files of sealed segments), keys (a key for every
live stream that opens its records, none for what was erased), reactions (their checkpoint; what was begun has
ended), views (every row against a rebuild), files (there and whole; those of erased documents gone), notary
(the tree made again of the log; checkpoints and cosignatures). Of a log in KurrentDB there is no index, and views
in PostgreSQL are compared by `socai rebuild`: these are left out, which is said.

Exit code 0: all is well. 10 log, 11 index, 12 keys, 13 reactions, 14 views, 15 files, 16 notary: the first of
these that is wrong. 1: something could not be looked at, 2: asked wrongly. docs/FSCK.md says what each fault means and
what to do.

The views are rebuilt beside, in TMPDIR, which needs as much room as they have; that copy is overwritten before
it is removed. A log that somebody rewrote as a whole, who also has its key, is shown only by --expect.")]
pub(crate) struct Fsck {
    /// Only these layers, with commas between.
    #[arg(long, value_name = "LAYER", value_delimiter = ',')]
    only: Vec<Kind>,
    /// Open the content of every record, and of every stream not only the last.
    #[arg(long)]
    deep: bool,
    /// The log must have had this head at this position.
    #[arg(long, value_name = "POSITION:HEAD", value_parser = verify::head)]
    expect: Option<(Position, RecordHash)>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Fsck {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, telling::WHOLE_TABLES)?;
        let options = Options { only: self.only, expect: self.expect, deep: self.deep };
        let tell = bars(self.json);
        let runtime = super::runtime()?;
        let report = runtime.block_on(async {
            tokio::select! {
                report = check(&config, &options, tell) => Ok(report),
                () = asked_to_stop() => bail!("interrupted: nothing was changed"),
            }
        });
        // Threads that still read are not waited for.
        runtime.shutdown_background();
        let report = report?;
        if self.json {
            println!("{}", in_json(&report));
        } else {
            told(&report);
        }
        Ok(ExitCode::from(report.exit_code()))
    }
}

/// A bar for the layer that is being checked.
fn bars(quiet: bool) -> Arc<dyn Fn(Progress) + Send + Sync> {
    let bar: Mutex<Option<(Kind, indicatif::ProgressBar)>> = Mutex::new(None);
    Arc::new(move |Progress { kind, done, total }| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.as_ref().is_none_or(|(of, _)| *of != kind) {
            if let Some((_, old)) = bar.take() {
                old.finish_and_clear();
            }
            *bar = Some((kind, telling::bar(total, kind.name(), quiet)));
        }
        if let Some((_, bar)) = bar.as_ref() {
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
    })
}

fn told(report: &Report) {
    for layer in &report.layers {
        let counts: Vec<_> =
            layer.counts.iter().map(|(what, number)| format!("{what}: {}", telling::thousands(*number))).collect();
        let state = match (&layer.fault, &layer.unchecked) {
            (Some(_), _) => "FAULT",
            (None, Some(_)) => "unknown",
            (None, None) if layer.left_out.is_some() => "left out",
            (None, None) => "whole",
        };
        println!("{:<11}{state:<9}{}", layer.kind.name(), counts.join(", "));
        if let Some(Fault { name, message, .. }) = &layer.fault {
            println!("{:11}{name}: {message}", "");
        }
        if layer.faults > 1 {
            println!("{:11}and {} more that are wrong", "", telling::thousands(layer.faults - 1));
        }
        for note in layer.unchecked.iter().chain(&layer.left_out).chain(&layer.notes) {
            println!("{:11}{note}", "");
        }
        for hash in &layer.unattached.first {
            println!("{:11}of no document: {hash}", "");
        }
        if layer.unattached.more > 0 {
            println!("{:11}and {} more of no document", "", telling::thousands(layer.unattached.more));
        }
    }
    if let Some(head) = report.head {
        println!("head       {}:{}", head.position, head.hash);
    }
}

fn in_json(report: &Report) -> Value {
    let head = report.head.map(|head| format!("{}:{}", head.position, head.hash));
    let layers: Map<String, Value> =
        report.layers.iter().map(|layer| (layer.kind.name().to_owned(), layer_in_json(layer))).collect();
    let code = report.exit_code();
    json!({ "ok": code == 0, "code": code, "head": head, "layers": layers })
}

fn layer_in_json(layer: &Layer) -> Value {
    let counts: Map<String, Value> =
        layer.counts.iter().map(|(what, number)| ((*what).to_owned(), json!(number))).collect();
    let fault = layer.fault.as_ref().map(|fault| {
        let stream = fault.stream.map(|stream| stream.to_string());
        json!({ "name": fault.name, "message": fault.message, "stream": stream, "record": fault.record })
    });
    let mut told = json!({
        "ok": layer.fault.is_none() && layer.unchecked.is_none(),
        "code": layer.kind.exit_code(),
        "counts": counts,
        "fault": fault,
        "faults": layer.faults,
        "unchecked": layer.unchecked,
        "leftOut": layer.left_out,
        "notes": layer.notes,
    });
    if layer.kind == Kind::Files {
        let first: Vec<_> = layer.unattached.first.iter().map(ToString::to_string).collect();
        told["unattached"] = json!({ "first": first, "more": layer.unattached.more });
    }
    told
}
