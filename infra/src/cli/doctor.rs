//! `socai doctor`: what is wrong with a configuration.

use std::process::ExitCode;

use clap::Args;
use socai::doctor::{Verdict, examine};

use super::flags::Settings;

/// Looks at the settings, keys, directories, room on the disk, clock and addresses that a server would use, asks the
/// databases, the cluster and the bucket that they name, and says what is wrong and what to do. Changes nothing; also while a
/// server runs. Exit code 1 if anything has to be mended first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai doctor --data /srv/socai
  socai doctor --config /etc/socai/socai.toml --json

It does not look into the ledger: `socai verify` and `socai fsck` do.")]
pub(crate) struct Doctor {
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings<true>,
}

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.settings.load()?;
        let found = examine(&config);
        if self.json {
            println!("{}", serde_json::to_string(&found)?);
        } else {
            for finding in &found {
                let verdict = match finding.verdict {
                    Verdict::Good => "good",
                    Verdict::Note => "note",
                    Verdict::Wrong => "WRONG",
                };
                println!("{:<13}{verdict:<7}{}", finding.about, finding.text);
            }
        }
        let well = found.iter().all(|finding| finding.verdict != Verdict::Wrong);
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
