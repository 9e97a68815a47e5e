//! Connecting to the node that leads.

use std::path::{Path, PathBuf};

use futures::{StreamExt, stream::FuturesUnordered};
use thiserror::Error;
use tonic::{
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_prost::ProstCodec;

use super::{Client, Fault};
use crate::{
    address::{Address, Node},
    wire::{gossip, path, shared::Empty},
};

/// Enough of a window for one reader on a connection of its own.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// A file that the URL names cannot be read.
    #[error("{parameter}={}: {source}", path.display())]
    File {
        /// Where the URL names it.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{parameter}={} is no file in PEM form (-----BEGIN {wanted}-----)", path.display())]
    NotPem {
        /// Where the URL names it.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wanted.
        wanted: &'static str,
    },
}

pub(super) fn tls(address: &Address) -> Result<Option<ClientTlsConfig>, ClientError> {
    if !address.tls {
        return Ok(None);
    }
    let mut tls = match &address.ca_file {
        None => ClientTlsConfig::new().with_native_roots(),
        Some(path) => {
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem("tlsCaFile", path, "CERTIFICATE")?))
        }
    };
    if let Some(user) = &address.user_certificate {
        let certificate = pem("userCertFile", &user.certificate, "CERTIFICATE")?;
        let key = pem("userKeyFile", &user.key, "PRIVATE KEY")?;
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    Ok(Some(tls))
}

/// The file's content. One without what is wanted would make a client that believes nobody, or whom nobody believes, and
/// that does not say why.
fn pem(parameter: &'static str, path: &Path, wanted: &'static str) -> Result<Vec<u8>, ClientError> {
    let bytes = std::fs::read(path).map_err(|source| ClientError::File { parameter, path: path.to_owned(), source })?;
    // Keys have a word more: RSA PRIVATE KEY, EC PRIVATE KEY.
    let is_wanted =
        |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{wanted}-----"));
    if String::from_utf8_lossy(&bytes).lines().any(is_wanted) {
        return Ok(bytes);
    }
    Err(ClientError::NotPem { parameter, path: path.to_owned(), wanted })
}

impl Client {
    /// Connects to the leader: where a node said that it is, or where gossip says; without discovery, to the one seed.
    pub(super) async fn find(&self, hint: Option<Node>) -> Result<Channel, Fault> {
        if let Some(node) = hint
            && let Ok(channel) = self.connect(&node).await
        {
            return Ok(channel);
        }
        if !self.address.discover {
            return self.connect(&self.address.seeds[0]).await;
        }
        let mut answers: FuturesUnordered<_> = self.address.seeds.iter().map(|seed| self.leader_by(seed)).collect();
        let mut faults = Vec::new();
        while let Some(answer) = answers.next().await {
            let connected = match answer {
                Ok(leader) => self.connect(&leader).await,
                Err(fault) => Err(fault),
            };
            match connected {
                Ok(channel) => return Ok(channel),
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        Err(Fault::NotSent(faults.join("; ")))
    }

    async fn connect(&self, node: &Node) -> Result<Channel, Fault> {
        let not_sent = |error: &dyn std::error::Error| {
            let reason = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            Fault::NotSent(format!("{node}: {error}{reason}"))
        };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{node}"))
            .map_err(|error| not_sent(&error))?
            .connect_timeout(self.address.gossip_timeout)
            // Without it, each small call waits 40 ms for an acknowledgement.
            .tcp_nodelay(true)
            .http2_keep_alive_interval(self.address.keep_alive_interval)
            .keep_alive_timeout(self.address.keep_alive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if let Some(tls) = &self.tls {
            endpoint = endpoint.tls_config(tls.clone()).map_err(|error| not_sent(&error))?;
        }
        // A server that takes the connection and says nothing would hold up everything.
        match tokio::time::timeout(2 * self.address.gossip_timeout, endpoint.connect()).await {
            Ok(connected) => connected.map_err(|error| not_sent(&error)),
            Err(_) => Err(Fault::NotSent(format!("{node} does not answer"))),
        }
    }

    /// The leader, as this node knows the cluster.
    async fn leader_by(&self, seed: &Node) -> Result<Node, Fault> {
        let silent = || Fault::NotSent(format!("{seed} does not say who leads"));
        let ask = async {
            let mut grpc = Grpc::new(self.connect(seed).await?);
            grpc.ready().await.map_err(|_| silent())?;
            let gossip = PathAndQuery::from_static(path::GOSSIP);
            let codec = ProstCodec::<Empty, gossip::ClusterInfo>::default();
            let answer = grpc.unary(self.request(Empty {}), gossip, codec).await;
            let members = answer.map_err(Fault::from)?.into_inner().members;
            let leads = |member: &&gossip::Member| member.alive && member.state() == gossip::State::Leader;
            let end_point = members.iter().find(leads).and_then(|leader| leader.end_point.clone());
            let end_point = end_point.ok_or_else(|| Fault::NotSent(format!("{seed} knows of no leader")))?;
            let port = u16::try_from(end_point.port).map_err(|_| silent())?;
            Ok(Node { host: end_point.host, port })
        };
        tokio::time::timeout(self.address.gossip_timeout, ask).await.unwrap_or_else(|_| Err(silent()))
    }
}
