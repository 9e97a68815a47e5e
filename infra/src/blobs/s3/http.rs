//! HTTP to the storage, by the client and the TLS that are here anyway, and never for ever.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    body::{Bytes, HttpBody},
    http::Response,
};
use hyper::body::Frame;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
    },
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::{Sleep, sleep, timeout};

use super::PART;

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(5);

/// Asks the storage.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, HttpRequestBody>,
    /// How long it may be silent.
    patience: Duration,
}

impl Http {
    /// Over TLS, if so; then its certificate is checked by the authorities that this machine trusts.
    pub(super) fn new(patience: Duration, encrypted: bool) -> io::Result<Self> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let tls = tls.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let tls = if encrypted { tls.with_native_roots()? } else { tls.with_root_certificates(RootCertStore::empty()) };
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth());
        let tls = if encrypted { tls.https_only() } else { tls.https_or_http() };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECTING.min(patience)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(tls.enable_http1().wrap_connector(tcp));
        Ok(Self { client, patience })
    }
}

impl object_store::client::HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // A whole part may take three times as long: at 10 s, 175 KiB a second.
        let sending = u32::try_from(2 * request.body().content_length() / PART).unwrap_or(u32::MAX);
        let allowed = self.patience.saturating_mul(sending.saturating_add(1));
        let answer = timeout(allowed, self.client.request(request)).await.map_err(|_| silent())?;
        let kind = |is_connect| if is_connect { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
        let (head, body) = answer.map_err(|error| HttpError::new(kind(error.is_connect()), error))?.into_parts();
        let body = Patient { body, patience: self.patience, silence: None };
        Ok(Response::from_parts(head, HttpResponseBody::new(body)))
    }
}

fn silent() -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))
}

/// The body of an answer, whose sender may not be silent for long.
struct Patient<B> {
    body: B,
    patience: Duration,
    /// Runs while it is waited for: whoever reads may take all the time.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<B: HttpBody<Data = Bytes, Error: Error + Send + Sync + 'static> + Unpin> HttpBody for Patient<B> {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.silence = None;
            let cut = |error| HttpError::new(HttpErrorKind::Interrupted, error);
            return Poll::Ready(frame.map(|frame| frame.map_err(cut)));
        }
        let silence = this.silence.get_or_insert_with(|| Box::pin(sleep(this.patience)));
        silence.as_mut().poll(context).map(|()| Some(Err(silent())))
    }
}
