//! `socai export`: files for people who work with other tools.

mod document;
mod events;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{ArgGroup, Args};
use socai::{
    config::Config,
    export::{Target, TargetError},
};

use super::{flags::Place, telling};

/// Writes files for other tools. Reads the log and the key ring only, so it can be used while a server runs.
/// A file has its name only once it is whole; an interrupt leaves nothing.
///
/// --events: a row for every event, for databases, notebooks and spreadsheets; docs/EXPORT.md describes the columns. It opens the
/// content of every document and the names of all people: keep it as you keep the key ring.
///
/// --document: the audit bundle of one document, for an inspector who does not trust the server: its records, the proof that
/// they are in the log, what opens them, and a trail to read and print. `socai verify-bundle` checks it anywhere; docs/BUNDLE.md
/// describes it. It opens the document: keep it as you keep that. A server must have run since, for its notary to sign.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["events", "document"]))]
#[command(after_help = "Examples:
  socai export --events --format parquet --output events.parquet
  socai export --events --format csv --from 2026-11-01 --to 2026-11-30 --organ H99.05 --output november.csv
  socai export --events --format jsonl --sealed | jq -r .event_name | sort | uniq -c
  socai export --events --format parquet --output events.parquet --replace --json    # each night, beside the server
  socai export --document incoming-018f2f6e-0000-7000-8000-000000000000
  socai export --document 018f2f6e-0000-7000-8000-000000000000 --with-files --output document.zip
  socai export --document 018f2f6e-0000-7000-8000-000000000000 --sealed     # no content, no names")]
#[allow(clippy::struct_excessive_bools)] // flags
pub(crate) struct Export {
    /// Every event, a row each.
    #[arg(long)]
    events: bool,
    #[command(flatten)]
    of_events: events::Events,
    #[command(flatten)]
    of_document: document::Document,
    /// The file; - is standard output. If not given: standard output, or for a document ID.socai-bundle.zip here.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only what is in clear: headers, and for a document its chain and proofs. Needs no keys, tells no content and no names.
    #[arg(long)]
    sealed: bool,
    /// Take the place of a file of this name.
    #[arg(long)]
    replace: bool,
    /// Tell what was exported as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What an export has from the flags that all of them take.
#[allow(clippy::struct_excessive_bools)] // flags
struct Settled {
    config: Config,
    /// The log and the checkpoint are of one data directory.
    own: bool,
    output: PathBuf,
    /// Without keys.
    sealed: bool,
    replace: bool,
    json: bool,
}

impl Export {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        let own = self.place.gives("data") || !self.place.gives("log");
        let usual = || self.of_document.id.map_or_else(|| PathBuf::from("-"), document::usual_name);
        let output = self.output.unwrap_or_else(usual);
        let settled = Settled { config, own, output, sealed: self.sealed, replace: self.replace, json: self.json };
        // The group lets exactly one through.
        match self.of_document.id {
            Some(id) => self.of_document.run(id, &settled),
            None => self.of_events.run(&settled),
        }
    }
}

impl Settled {
    fn to_standard_output(&self) -> bool {
        self.output == Path::new("-")
    }

    /// Where it goes.
    fn target(&self) -> Result<Target, TargetError> {
        if self.to_standard_output() {
            return Ok(Target::standard());
        }
        let Config { data, notary, views, blobs, key_ring, master_key, token_key, token_public_key, log_key, .. } =
            &self.config;
        let of_ledger = [data, master_key, token_key, token_public_key, log_key];
        let mut ledger: Vec<PathBuf> = of_ledger.into_iter().cloned().collect();
        ledger.extend([notary, key_ring, views].into_iter().filter_map(|at| at.path().map(Path::to_owned)));
        ledger.extend(blobs.path().map(Path::to_owned));
        ledger.extend(self.config.log_directory());
        Target::file(&self.output, self.replace, &ledger)
    }

    /// Bytes that are no text go to no terminal.
    fn goes_to_terminal(&self) -> bool {
        self.to_standard_output() && std::io::stdout().is_terminal()
    }

    /// Tells what was exported: where the export itself is not.
    fn tell(&self, told: &str) {
        if self.to_standard_output() {
            eprintln!("{told}");
        } else {
            println!("{told}");
        }
    }
}
