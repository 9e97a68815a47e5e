//! `socai copy`: a ledger from one log into another.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use serde_json::json;
use socai::{
    clock::SystemClock,
    copy::{Copied, copy},
    log::FileLogOptions,
    server::asked_to_stop,
};

use super::{flags::Place, telling};

/// Copies a ledger from one log into another: from files into KurrentDB, back, or into other files. Every record stays what it
/// is, byte for byte and in its order, so every proof and checkpoint stays valid. Positions are those of the new log: it
/// refuses the old one's. Both logs are read whole and compared; only then can anybody open the copy.
///
/// Interrupted, or when more came: run it again, and it goes on after what the copy has. Files are copied also while a server
/// writes to them: what it had written then is a consistent backup. To move for good, stop it first.
///
/// A flag is seen by everybody on the machine: put a URL with a password into the environment.
///
/// Only the log is copied. README.md tells what else belongs to a ledger.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai copy --from file:/srv/socai/log --to file:/backup/log                # each night, beside the server
  export SOCAI_COPY_TO='kurrentdb://user:password@host:2113?ledger=socai'    # not seen by everybody on the machine
  socai copy --from file:/srv/socai/log
  SOCAI_COPY_FROM=\"$SOCAI_COPY_TO\" socai copy --to file:/srv/socai/log --json")]
pub(crate) struct Copy {
    /// The log that is copied; nothing is written to it.
    #[arg(long, value_name = "URL", env = "SOCAI_COPY_FROM", hide_env_values = true)]
    from: String,
    /// The log that it is copied into: empty, or the beginning of the same ledger.
    #[arg(long, value_name = "URL", env = "SOCAI_COPY_TO", hide_env_values = true)]
    to: String,
    /// Its first records only, so many: where the keys of what came later are lost.
    #[arg(long, value_name = "NUMBER", default_value_t = u64::MAX, hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Tell what was copied as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Copy {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        let options =
            FileLogOptions { segment_size: config.segment_mib << 20, ..FileLogOptions::new(Arc::new(SystemClock)) };
        let bar = telling::bar(0, "copying", self.json);
        let progress = |progress: socai::copy::Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        };
        let copied = super::runtime()?.block_on(async {
            tokio::select! {
                copied = copy(&self.from, &self.to, self.records, options, progress) => Ok(copied?),
                () = asked_to_stop() => anyhow::bail!("interrupted: run it again, and it goes on where it was"),
            }
        })?;
        bar.finish_and_clear();
        if self.json {
            println!("{}", in_json(&copied));
        } else {
            tell(&copied);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(copied: &Copied) {
    let Copied { ledger, records, added, streams, root, position, head, torn, grows } = copied;
    let number = telling::thousands;
    println!("copied    {} records, which makes {}", number(*added), number(*records));
    println!("          in {} streams, read anew from both logs and the same", number(*streams as u64));
    println!("ledger    {ledger}");
    println!("tree      {records}:{root}");
    println!("head      {position}:{head}");
    if let Some(torn) = torn {
        println!("left out  {torn}: a batch at the end that is not written whole");
    }
    if *grows {
        println!(
            "          The log that was copied is in use: what is written to it now is not in the copy. To move the"
        );
        println!("          ledger, stop its server, then run this again.");
    }
}

fn in_json(copied: &Copied) -> serde_json::Value {
    let Copied { ledger, records, added, streams, root, position, head, torn, grows } = copied;
    json!({
        "ok": true,
        "ledger": ledger.to_string(),
        "records": records,
        "added": added,
        "streams": streams,
        "root": root.to_string(),
        "head": format!("{position}:{head}"),
        "torn": torn.as_ref().map(ToString::to_string),
        "grows": grows,
    })
}
