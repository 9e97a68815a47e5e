//! HTTPS without a proxy: an address that is listened to, with or without TLS.
//!
//! Nobody waits for somebody else's handshake. A certificate that was renewed on the disk is taken up without a restart.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::serve::Listener;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::files;

/// How long somebody may take to shake hands.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handshakes at once; whoever comes then waits to be accepted.
const HANDSHAKES: usize = 256;
/// How often it is looked whether the certificate was renewed.
const LOOK: Duration = Duration::from_mins(1);

/// Why HTTPS cannot be served.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds none.
    #[error("{} holds no {wanted} in PEM: {why}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is looked for.
        wanted: &'static str,
        /// What is there instead.
        why: String,
    },
    /// They do not fit together, or cannot be used.
    #[error("{} and {} cannot be used: {source}", certificate.display(), key.display())]
    Unfit {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// A certificate with those that vouch for it, and its key: files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The key; for its owner alone.
    pub key: PathBuf,
}

impl Identity {
    /// What the files hold now.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let io = |path: &Path, source| TlsError::Io { path: path.to_owned(), source };
        let pem = fs::read(&self.certificate).map_err(|source| io(&self.certificate, source))?;
        let none = |path: &Path, wanted, why: &dyn ToString| TlsError::Pem {
            path: path.to_owned(),
            wanted,
            why: why.to_string(),
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|why| none(&self.certificate, "certificate", &why))?;
        if chain.is_empty() {
            return Err(none(&self.certificate, "certificate", &"nothing of that kind stands in it"));
        }
        let pem = files::read_secret(&self.key).map_err(|source| io(&self.key, source))?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|why| none(&self.key, "private key", &why))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|source| TlsError::Unfit {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// When its files were last changed.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
    }
}

/// A connection, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An address that is listened to.
#[derive(Debug)]
pub enum Listening {
    /// What is sent is sent as it is.
    Plain(TcpListener),
    /// Behind a handshake.
    Tls(TlsListener),
}

impl Listening {
    /// With an identity, only TLS is spoken there.
    pub fn new(listener: TcpListener, identity: Option<Identity>) -> Result<Self, TlsError> {
        Ok(match identity {
            None => Self::Plain(listener),
            Some(identity) => Self::Tls(TlsListener::start(listener, Renewed::load(identity, LOOK)?)),
        })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Plain(_) => "http",
            Self::Tls(_) => "https",
        }
    }
}

impl Listener for Listening {
    type Io = Box<dyn Stream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self {
            Self::Plain(listener) => {
                let (stream, address) = Listener::accept(listener).await;
                (Box::new(stream), address)
            }
            Self::Tls(listener) => {
                let (stream, address) = listener.accept().await;
                (Box::new(stream), address)
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Plain(listener) => listener.local_addr(),
            Self::Tls(listener) => Ok(listener.address),
        }
    }
}

/// Accepts, and shakes hands with everybody at once.
#[derive(Debug)]
pub struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: tokio::task::JoinHandle<()>,
}

impl TlsListener {
    fn start(mut listener: TcpListener, mut identity: Renewed) -> Self {
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let (sender, ready) = mpsc::channel(1);
        let turns = Arc::new(Semaphore::new(HANDSHAKES));
        let accepting = tokio::spawn(async move {
            while let Ok(turn) = Arc::clone(&turns).acquire_owned().await {
                let (stream, address) = Listener::accept(&mut listener).await;
                let (acceptor, sender) = (TlsAcceptor::from(identity.now()), sender.clone());
                tokio::spawn(async move {
                    let shaken = timeout(PATIENCE, acceptor.accept(stream)).await;
                    drop(turn);
                    match shaken {
                        // Nobody takes it any more when the server ends.
                        Ok(Ok(stream)) => drop(sender.send((stream, address)).await),
                        Ok(Err(error)) => tracing::debug!(%address, %error, "no handshake"),
                        Err(_) => tracing::debug!(%address, "no handshake in time"),
                    }
                });
            }
        });
        Self { address, ready, accepting }
    }

    async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The task that sends never ends by itself.
            None => std::future::pending().await,
        }
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An identity, as its files were when they were last looked at.
#[derive(Debug)]
struct Renewed {
    identity: Identity,
    config: Arc<ServerConfig>,
    changed: [Option<SystemTime>; 2],
    looked: Instant,
    every: Duration,
}

impl Renewed {
    fn load(identity: Identity, every: Duration) -> Result<Self, TlsError> {
        let changed = identity.changed();
        Ok(Self { config: identity.load()?, identity, changed, looked: Instant::now(), every })
    }

    /// What to shake hands with. Files that cannot be used leave what there was: whoever renews them writes one after the other.
    fn now(&mut self) -> Arc<ServerConfig> {
        if self.looked.elapsed() >= self.every {
            self.looked = Instant::now();
            let changed = self.identity.changed();
            if changed != self.changed {
                match self.identity.load() {
                    Ok(config) => {
                        tracing::info!(certificate = %self.identity.certificate.display(), "a renewed certificate is used");
                        (self.config, self.changed) = (config, changed);
                    }
                    Err(error) => tracing::warn!(%error, "the renewed certificate is not used"),
                }
            }
        }
        Arc::clone(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::CertifiedKey;

    fn write(directory: &Path) -> Identity {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity = Identity { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
        fs::write(&identity.certificate, cert.pem()).unwrap();
        let _ = fs::remove_file(&identity.key);
        files::create_private(&identity.key, signing_key.serialize_pem().as_bytes()).unwrap();
        identity
    }

    #[test]
    fn what_cannot_be_used_is_told_with_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let identity = write(directory.path());
        identity.load().unwrap();
        let other = write(&{
            let other = directory.path().join("other");
            fs::create_dir(&other).unwrap();
            other
        });
        let mixed = Identity { key: other.key.clone(), ..identity.clone() };
        assert!(matches!(mixed.load(), Err(TlsError::Unfit { .. })));
        let swapped = Identity { certificate: identity.key.clone(), key: identity.key.clone() };
        let told = swapped.load().unwrap_err().to_string();
        assert!(told.contains("key.pem holds no certificate"), "{told}");
        let missing = Identity { certificate: directory.path().join("none.pem"), ..identity.clone() };
        assert!(missing.load().unwrap_err().to_string().contains("none.pem"));
        fs::write(&identity.key, "no key").unwrap();
        let told = identity.load().unwrap_err().to_string();
        assert!(told.contains("no private key"), "{told}");
    }

    #[test]
    fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let mut renewed = Renewed::load(write(directory.path()), Duration::ZERO).unwrap();
        let first = renewed.now();
        assert!(Arc::ptr_eq(&first, &renewed.now()), "nothing changed");
        fs::write(&renewed.identity.certificate, "half a file").unwrap();
        assert!(Arc::ptr_eq(&first, &renewed.now()));
        write(directory.path());
        assert!(!Arc::ptr_eq(&first, &renewed.now()));
    }
}
