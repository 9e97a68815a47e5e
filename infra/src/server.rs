//! The server: the API over an [`App`], until it is told to stop.

use std::{fs, io, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;
use socai_graphql::{Services, Settings, files::Tickets, token::Verifier};
use tokio::net::TcpListener;

use crate::{
    app::{App, AppError},
    config::Config,
    control::Control,
    ports::BlobFiles,
    ticket_secret,
};

/// Everything around the app that serving needs.
#[derive(Debug)]
pub struct Server {
    app: App,
    api: socai_graphql::App,
    listener: TcpListener,
    control: Option<Control>,
}

impl Server {
    /// Takes the address. Nobody is answered before [`Server::run`].
    pub async fn bind(app: App, config: &Config, metrics: Option<PrometheusHandle>) -> Result<Self, AppError> {
        let network = |what: String| move |error: io::Error| AppError::Network(what, error);
        let path = &config.token_public_key;
        let pem = fs::read_to_string(path).map_err(network(path.display().to_string()))?;
        let verifier = Verifier::from_pem(&pem)
            .map_err(|error| AppError::Network(path.display().to_string(), io::Error::other(error)))?;
        let path = config.data.join("ticket.secret");
        let secret = ticket_secret::load_or_make(&path).map_err(network(path.display().to_string()))?;
        let listener = TcpListener::bind(config.listen).await.map_err(network(config.listen.to_string()))?;
        let api = socai_graphql::App::new(Services {
            handler: app.handler.clone(),
            views: app.views.clone(),
            verifier,
            files: Arc::new(BlobFiles::new(Arc::clone(&app.blobs))),
            tickets: Tickets::new(&secret),
            following: app.following(),
            followers: app.followers(),
            metrics: metrics.map(|metrics| Arc::new(move || metrics.render()) as Arc<dyn Fn() -> String + Send + Sync>),
            settings: Settings { graphiql: config.graphiql, ..Settings::default() },
        });
        let control = Control::listen(&config.data)
            .inspect_err(|error| {
                let path = config.data.display();
                tracing::warn!(%error, %path, "no socket for upkeep: `socai rebuild` needs this server to be stopped");
            })
            .ok();
        Ok(Self { app, api, listener, control })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` or until a part of the program fails. Then: no new commands; what was accepted is finished;
    /// checkpoints are written; the log is marked as ended in good order.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), AppError> {
        let Self { mut app, api, listener, control } = self;
        let (ended, when_ended) = tokio::sync::oneshot::channel();
        let refuse = app.refuse_commands();
        let sweeping = tokio::spawn(app.sweep().run());
        let upkeep = control.map(|control| tokio::spawn(control.run(app.views.clone(), app.asking().clone())));
        let serving = tokio::spawn(async move {
            let shutdown = async move {
                // Dropped or sent: either way it is the end.
                let _ = when_ended.await;
            };
            socai_graphql::serve(listener, api, shutdown).await
        });
        let failed = tokio::select! {
            () = stop => None,
            error = app.failed() => Some(error),
        };
        match &failed {
            None => tracing::info!("stopping: no new commands, what was accepted is finished"),
            Some(error) => tracing::error!(%error, "stopping: a part of the program failed"),
        }
        let _ = ended.send(());
        refuse.await;
        sweeping.abort();
        if let Some(upkeep) = upkeep {
            upkeep.abort();
        }
        let served = serving.await.map_err(|error| AppError::Stopped(error.to_string()));
        let closed = app.close().await;
        tracing::info!("stopped");
        if let Some(error) = failed {
            return Err(error);
        }
        served?.map_err(|error| AppError::Network("serving".into(), error))?;
        closed
    }
}

/// Ready when the process is asked to stop: SIGTERM, or an interrupt from the terminal.
pub async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
