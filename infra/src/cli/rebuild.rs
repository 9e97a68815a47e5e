//! `socai rebuild`: the views anew from the log.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use socai::{
    app::{App, AppError},
    clock::SystemClock,
    config::Config,
    control::{self, Told},
};
use socai_projections::ViewsError;

use super::{flags::Place, telling};

/// Builds all views anew from the log beside the old ones, and puts them in their place once another build agrees on every
/// row: the views in use, or a second build. A running server does it, and serves meanwhile. Exit code 1 if the old views
/// were wrong. Interrupting it leaves the old views; the next rebuild, or the next start of the server, goes on from there.
/// Where a server does it, interrupting this command does not stop it.
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
        telling::start(&config, telling::WHOLE_TABLES)?;
        let bar = telling::bar_of_phases(self.json);
        let told = super::runtime()?.block_on(async {
            match control::rebuild(&config.data, |told| show(&bar, told)).await? {
                Some(told) => anyhow::Ok(told),
                None => here(&config, &bar).await,
            }
        });
        bar.finish_and_clear();
        self.tell(told?)
    }

    fn tell(&self, told: Told) -> anyhow::Result<ExitCode> {
        let (records, before, after) = match told {
            Told::Rebuilt { records, before, after } => (records, before, after),
            Told::Failed(why) => anyhow::bail!(why),
            Told::Progress { .. } => anyhow::bail!("the server did not say how it ended"),
        };
        let equal = before.as_ref().is_none_or(|before| *before == after);
        if self.json {
            println!("{}", json!({ "ok": equal, "records": records, "before": before, "after": after }));
        } else {
            println!("rebuilt  {} records", telling::thousands(records));
            println!("before   {}", before.as_deref().unwrap_or("(none, or of another version)"));
            println!("after    {after}");
            let verdict =
                if equal { "equal" } else { "NOT EQUAL: the old views were wrong; the new ones are in place" };
            println!("{verdict}");
        }
        Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// No server runs: this program does it.
async fn here(config: &Config, bar: &ProgressBar) -> anyhow::Result<Told> {
    let app = match App::open_to_serve(config, Arc::new(SystemClock)).await {
        Err(AppError::Views(error)) if unreadable(&error) => {
            tracing::warn!(%error, "the old views cannot be read");
            App::open_anew(config, Arc::new(SystemClock)).await?
        }
        app => app?,
    };
    let outcome = telling::rebuilding(&app.views, app.rebuilds().ask(), |progress| show(bar, &progress.into())).await;
    app.close().await?;
    Ok(outcome.into())
}

/// Then it is the views that are to be mended.
fn unreadable(error: &ViewsError) -> bool {
    matches!(error, ViewsError::Outdated(_) | ViewsError::Damaged(_) | ViewsError::Foreign(_) | ViewsError::Database(_))
}

fn show(bar: &ProgressBar, told: &Told) {
    if let Told::Progress { phase, done, total, rate, left } = told {
        bar.set_length(*total);
        bar.set_position(*done);
        let rate = if *rate > 0 { format!(", {} records/s", telling::thousands(*rate)) } else { String::new() };
        let left = left.map(|left| format!(", about {} s left in all", telling::thousands(left)));
        bar.set_message(format!("{phase}{rate}{}", left.unwrap_or_default()));
    }
}
