//! Posts to witnesses, over TLS where their URLs say so.

use std::{error::Error, io, iter, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, Uri, header},
};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// The longest answer that is read.
pub(super) const MAX_ANSWER: usize = 64 * 1024;

pub(super) type HttpClient = Client<HttpsConnector<HttpConnector>, Body>;

/// What asks over HTTP, and over TLS if the witnesses' certificates are to be checked by the authorities that this machine trusts.
pub(super) fn client(encrypted: bool) -> io::Result<HttpClient> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let tls = if encrypted { tls.with_native_roots()? } else { tls.with_root_certificates(RootCertStore::empty()) };
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth());
    Ok(Client::builder(TokioExecutor::new()).build(connector.https_or_http().enable_http1().build()))
}

/// An error with its causes: the first alone says only that it did not work.
fn whole(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Status and body of the answer. Redirects are not followed.
pub(super) async fn post(client: &HttpClient, url: &Uri, body: String) -> Result<(StatusCode, Vec<u8>), String> {
    let request =
        Request::post(url.clone()).header(header::CONTENT_TYPE, "text/plain; charset=utf-8").body(Body::from(body));
    let request = request.map_err(|error| error.to_string())?;
    let answer = client.request(request).await.map_err(|error| whole(&error))?;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), MAX_ANSWER).await.map_err(|error| error.to_string())?;
    Ok((status, body.into()))
}
