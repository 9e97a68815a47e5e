//! `socai serve`: the server.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use futures::FutureExt as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use socai::{
    app::App,
    clock::SystemClock,
    config::{Config, Setting},
    server::{Server, asked_to_stop},
};

use super::{flags::Settings, telling};

/// Serves the API. Ready (/health/ready) only after every step that was begun before has been taken and the views reflect
/// the whole log. Views that another version made are built anew meanwhile: shown as they were if they can be read, else
/// commands are carried out and queries refused until they are there. SIGTERM or an interrupt end it in good order.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai keygen --data /srv/socai && socai serve --data /srv/socai
  socai serve --data /srv/socai --listen 0.0.0.0:8080
  socai serve --list-settings

Paths: /graphql (queries and mutations by POST, subscriptions by WebSocket), /files/HASH, /health/live,
/health/ready, /metrics (or at --metrics-listen); public: /log/checkpoint, /log/tile/… (C2SP tlog-tiles),
/log/proof/RECORD; with --witness-for, /witness/add-checkpoint (C2SP tlog-witness). With --tls-certificate and
--tls-key it speaks HTTPS; else put a proxy that does in front of it.")]
pub(crate) struct Serve {
    /// Show all settings as a table and end.
    #[arg(long)]
    list_settings: bool,
    #[command(flatten)]
    settings: Settings<true>,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        if self.list_settings {
            print!("{}", Setting::markdown());
            return Ok(ExitCode::SUCCESS);
        }
        let config = self.settings.load()?;
        telling::start(&config, "info")?;
        super::runtime()?.block_on(async {
            // Before anything is opened: who interrupts the start ends it in good order, too.
            let mut stop = tokio::spawn(asked_to_stop());
            let metrics = recorder()?;
            let app = tokio::select! {
                app = App::open_to_serve(&config, Arc::new(SystemClock)) => app?,
                _ = &mut stop => return Ok(ExitCode::SUCCESS),
            };
            serve(app, &config, metrics, async move {
                // It ends, or the runtime does.
                let _ = stop.await;
            })
            .await
        })
    }
}

/// What `/metrics` shows. To be set up before anything counts.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    const SECONDS: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
    const COUNTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_records".into()), COUNTS))
        .context("metrics")?
        .install_recorder()
        .context("metrics")
}

async fn serve(
    app: App,
    config: &Config,
    metrics: PrometheusHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<ExitCode> {
    let upkeep = metrics.clone();
    // Without it, histograms that nobody fetches grow for ever.
    let upkeep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let server = Server::bind(app, config, Some(metrics)).await?;
    let url = server.url()?;
    // Whoever verifies needs it from the operator, not from what is verified.
    println!("log key {}", server.verifier_key());
    if let Some(key) = server.witness_key() {
        println!("witness key {key}");
    }
    // On standard output, so that whoever asked for port 0 learns which it is.
    println!("listening on {url}");
    if let Some(address) = server.metrics_address()? {
        println!("metrics on http://{address}/metrics");
    }
    tracing::info!(%url, "serving");
    server.run(stop.boxed()).await?;
    upkeep.abort();
    Ok(ExitCode::SUCCESS)
}
