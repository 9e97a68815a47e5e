//! The server: the API over an [`App`], until it is told to stop.

use std::{fs, io, net::SocketAddr, sync::Arc};

use axum::serve::Listener as _;
use futures::{FutureExt as _, future::BoxFuture};
use metrics_exporter_prometheus::PrometheusHandle;
use socai_graphql::{Render, Services, Settings, files::Tickets, token::Verifier};
use tokio::net::TcpListener;

use crate::{
    app::{App, AppError},
    config::Config,
    control::Control,
    keyring::MasterKey,
    keys::KeysError,
    ports::BlobFiles,
    tls::Listening,
    witness::Witness,
};

/// Everything around the app that serving needs.
#[derive(Debug)]
pub struct Server {
    app: App,
    api: socai_graphql::App,
    listener: Listening,
    /// Where the metrics are told, if not with the API.
    metrics: Option<(TcpListener, axum::Router)>,
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
        let secret = MasterKey::load(&config.master_key).map_err(KeysError::from)?.ticket_secret();
        let bind = async |address: SocketAddr| TcpListener::bind(address).await.map_err(network(address.to_string()));
        let tls = |error| AppError::Network("TLS".into(), io::Error::other(error));
        let listener = Listening::new(bind(config.listen).await?, config.tls.clone()).map_err(tls)?;
        let (notary, witness) = (app.notary.clone(), app.witness.clone());
        let render = metrics.map(|metrics| {
            let render = move || {
                notary.measure();
                witness.iter().for_each(Witness::measure);
                metrics.render()
            };
            Arc::new(render) as Render
        });
        let (with_api, apart) = match (render, config.metrics_listen) {
            (Some(render), Some(address)) => {
                (None, Some((bind(address).await?, socai_graphql::metrics_router(render))))
            }
            (render, _) => (render, None),
        };
        let api = socai_graphql::App::new(Services {
            handler: app.handler.clone(),
            views: app.views.clone(),
            verifier,
            files: Arc::new(BlobFiles::new(Arc::clone(&app.blobs))),
            tickets: Tickets::new(&*secret),
            notary: Arc::new(app.notary.clone()),
            witness: app.witness.clone().map(|witness| Arc::new(witness) as Arc<dyn socai_graphql::witness::Witness>),
            following: app.following(),
            followers: app.followers(),
            metrics: with_api,
            settings: Settings { graphiql: config.graphiql, ..Settings::default() },
        });
        let control = Control::listen(&config.data)
            .inspect_err(|error| {
                let path = config.data.display();
                tracing::warn!(%error, %path, "no socket for upkeep: `socai rebuild` needs this server to be stopped");
            })
            .ok();
        Ok(Self { app, api, listener, metrics: apart, control })
    }

    /// Where it listens.
    pub fn url(&self) -> io::Result<String> {
        Ok(format!("{}://{}", self.listener.scheme(), self.listener.local_addr()?))
    }

    /// Where it tells the metrics, if not with the API.
    pub fn metrics_address(&self) -> io::Result<Option<SocketAddr>> {
        self.metrics.as_ref().map(|(listener, _)| listener.local_addr()).transpose()
    }

    /// What others need to check checkpoints and receipts.
    pub fn verifier_key(&self) -> String {
        self.app.notary.verifier_key()
    }

    /// What others need to check its cosignatures; none if it watches no log.
    pub fn witness_key(&self) -> Option<String> {
        self.app.witness.as_ref().map(Witness::verifier_key)
    }

    /// Serves until `stop` or until a part of the program fails. Then: no new commands; what was accepted is finished;
    /// checkpoints are written; the log is marked as ended in good order.
    pub fn run(self, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, Result<(), AppError>> {
        self.until(stop).boxed() // compiled here, not again by everyone who awaits it
    }

    async fn until(self, stop: BoxFuture<'static, ()>) -> Result<(), AppError> {
        let Self { mut app, api, listener, metrics, control } = self;
        let (ended, when_ended) = tokio::sync::oneshot::channel();
        let refuse = app.refuse_commands();
        let sweeping = tokio::spawn(app.sweep().run());
        let telling = metrics.map(|(listener, router)| tokio::spawn(axum::serve(listener, router).into_future()));
        let upkeep = control.map(|control| tokio::spawn(control.run(app.views.clone(), app.rebuilds().clone())));
        let serving = tokio::spawn(async move {
            let shutdown = async move {
                // Dropped or sent: either way it is the end.
                let _ = when_ended.await;
            };
            socai_graphql::serve(listener, api, shutdown.boxed()).await
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
        if let Some(telling) = telling {
            telling.abort();
        }
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
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
