//! HTTPS without a proxy.

use std::sync::Arc;

use rcgen::CertifiedKey;
use socai::files;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

use crate::{
    binary::{Serving, run, text},
    office::Office,
};

const READY: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_server_with_a_certificate_speaks_https_and_waits_for_nobody() {
    let office = Office::new("H99.07");
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (office.path().join("certificate.pem"), office.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    files::create_private(&key, signing_key.serialize_pem().as_bytes()).unwrap();
    let settings = ["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];

    let half = run(office.path(), &["serve", settings[0], settings[1]]);
    assert!(!half.status.success() && text(&half.stderr).contains("tls_key"), "{}", text(&half.stderr));

    let mut serving = Serving::start(office.path(), &settings);
    let address = serving.url.strip_prefix("https://").expect("it says that it speaks TLS").to_owned();
    // Somebody who never says anything, and somebody who does not speak TLS.
    let _silent = TcpStream::connect(&address).await.unwrap();
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(READY).await.unwrap();
    let mut answer = Vec::new();
    // It may be cut before all is read.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "in the clear");

    let mut trusted = RootCertStore::empty();
    trusted.add(cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(trusted);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let stream = TcpStream::connect(&address).await.unwrap();
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    stream.write_all(READY).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(serving.terminate().success());
}
