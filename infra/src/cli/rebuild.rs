//! `socai rebuild`: the views anew from the log.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use serde_json::json;
use socai::{
    app::{App, AppError, Store},
    clock::SystemClock,
};
use socai_projections::{Digest, ViewsError, rebuild};

use super::{flags::Place, telling};

/// Builds all views anew from the log, puts them in the place of the old ones, and compares: the same history gives the
/// same views. Exit code 1 if they differ. The server must be stopped. Interrupting it leaves the old views.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai rebuild --data /srv/socai
  socai rebuild --data /srv/socai --json")]
pub(crate) struct Rebuild {
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Rebuild {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        super::runtime()?.block_on(async {
            let before = if config.views.exists() { before(&config).await? } else { None };
            let store = Store::open(&config, Arc::new(SystemClock)).await?;
            let log = store.log();
            let bar = telling::bar(log.head().await?.records, "rebuilding", self.json);
            let rebuilt =
                rebuild(&*log, store.opener.clone(), &config.views, |records| bar.set_position(records)).await;
            bar.finish_and_clear();
            store.close().await?;
            let rebuilt = rebuilt?;
            let equal = before.is_none_or(|before| before == rebuilt.digest);
            if self.json {
                let before = before.map(|digest| digest.to_string());
                let after = rebuilt.digest.to_string();
                println!("{}", json!({ "ok": equal, "records": rebuilt.records, "before": before, "after": after }));
            } else {
                let before =
                    before.map_or_else(|| "(none, or of another version)".to_owned(), |before| before.to_string());
                println!("rebuilt  {} records", telling::thousands(rebuilt.records));
                println!("before   {before}");
                println!("after    {}", rebuilt.digest);
                println!(
                    "{}",
                    if equal { "equal" } else { "NOT EQUAL: the old views were wrong; the new ones are in place" }
                );
            }
            Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }
}

/// The digest of the old views, brought up to the log's end. None if they cannot be read: then they are what is mended.
async fn before(config: &socai::config::Config) -> anyhow::Result<Option<Digest>> {
    match App::open(config, Arc::new(SystemClock)).await {
        Ok(app) => {
            let digest = app.views.digest().await;
            app.close().await?;
            Ok(Some(digest?))
        }
        Err(AppError::Views(ViewsError::Outdated(_) | ViewsError::Damaged(_) | ViewsError::Foreign(_))) => Ok(None),
        Err(AppError::Views(ViewsError::Database(error))) => {
            tracing::warn!(%error, "the old views cannot be read");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
