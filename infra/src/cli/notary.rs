//! `socai notary`: what an operator does for the notary.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use socai::{
    app::{Store, open_notary},
    clock::SystemClock,
    log_key::LogKey,
    notary::agree::agree,
};

use super::{flags::Place, telling};

/// What an operator does for the notary, which signs heads of the tree over all records.
#[derive(Debug, Args)]
pub(crate) struct Notary {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Agree(Agree),
}

/// Lets the notary sign again after its store was lost. Its tree is made anew from the log; before it may speak, it must begin
/// with the tree of the highest checkpoint that anybody outside holds (witnesses, mirrors, auditors): whoever controls the log
/// could have rewritten it meanwhile. Nothing is signed if it does not. The server must be stopped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai notary agree --data /srv/socai --checkpoint highest.txt
  socai notary agree --data /srv/socai --first     # nobody ever got a checkpoint: an older ledger, now with a notary

If there is a backup of the store (DATA/notary), restore that instead: nothing is to be agreed then.")]
struct Agree {
    /// The highest checkpoint that anybody outside holds, as a file: a note signed by this log's key.
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    checkpoint: Option<PathBuf>,
    /// Nobody outside ever got a checkpoint.
    #[arg(long, conflicts_with = "checkpoint")]
    first: bool,
    #[command(flatten)]
    place: Place,
}

impl Notary {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Agree(it) => it.run(),
        }
    }
}

impl Agree {
    fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| path.display().to_string());
        let checkpoint = self.checkpoint.as_ref().map(read).transpose()?;
        super::runtime()?.block_on(async {
            let key = LogKey::load(&config.log_key)?;
            let store = Store::open(&config, Arc::new(SystemClock)).await?;
            let log = store.log();
            let notary = open_notary(&config, &key, &*log, Arc::new(SystemClock)).await;
            let agreed = match notary {
                Ok(notary) => {
                    let bar = telling::bar(log.head().await?.records, "making the tree", false);
                    let agreed = agree(&notary, &*log, checkpoint.as_deref(), |size| bar.set_position(size)).await;
                    bar.finish_and_clear();
                    agreed.map_err(anyhow::Error::from)
                }
                Err(error) => Err(error.into()),
            };
            store.close().await?;
            println!("agreed   {} records; the notary signs again from the next start on", telling::thousands(agreed?));
            Ok(ExitCode::SUCCESS)
        })
    }
}
