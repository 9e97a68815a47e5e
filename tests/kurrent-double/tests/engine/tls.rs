//! TLS to a cluster: whom we believe, and who we say that we are.

use std::{path::Path, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use socai_domain::ledger::EventLog;
use socai_kurrent::{KurrentLog, KurrentOptions};
use socai_kurrent_double::Double;
use tempfile::TempDir;
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

use crate::support::{append, options};

/// Who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> Certified {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        Certified { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    /// A cluster of three whose nodes are called so; it asks who comes for a certificate, if it is told to.
    async fn cluster(&self, name: &str, asks: bool) -> Double {
        let node = self.certify(name, ExtendedKeyUsagePurpose::ServerAuth);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(node.key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let users = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            config.with_client_cert_verifier(users)
        } else {
            config.with_no_client_auth()
        };
        let config = config.with_single_cert(vec![node.certificate.der().clone()], key).unwrap();
        Double::secure(3, config).await.unwrap()
    }
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

async fn opened(url: &str) -> Result<KurrentLog, String> {
    let options = KurrentOptions { patience: Duration::from_secs(2), ..options() };
    KurrentLog::open(url, options).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_cluster_is_believed_by_its_authority_and_name_alone() {
    let (authority, other, dir) = (Authority::new(), Authority::new(), TempDir::new().unwrap());
    let (ours, others) =
        (write(dir.path(), "ca.crt", &authority.0.pem()), write(dir.path(), "other.crt", &other.0.pem()));

    let double = authority.cluster("127.0.0.1", false).await;
    let url = double.url("so");
    let log = opened(&format!("{url}&tlsCaFile={ours}")).await.unwrap();
    log.append(append(1, None, &["a"])).await.unwrap();
    // Another node leads: gossip and connections go over TLS, too.
    double.lead(Some(2));
    log.append(append(2, None, &["b"])).await.unwrap();
    assert_eq!(log.head().await.unwrap().records, 2);

    for url in [format!("{url}&tlsCaFile={others}"), url.clone()] {
        let error = opened(&url).await.unwrap_err();
        assert!(error.contains("certificate"), "{error}");
    }
    // In the clear it gets no answer, and does not wait for ever.
    let error = opened(&url.replace("tls=true", "tls=false")).await.unwrap_err();
    assert!(error.contains("no node of the cluster answers"), "{error}");

    let elsewhere = authority.cluster("node.example", false).await;
    let error = opened(&format!("{}&tlsCaFile={ours}", elsewhere.url("so"))).await.unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    assert_eq!(elsewhere.events(""), []);
}

#[tokio::test]
async fn a_user_may_show_a_certificate() {
    let (authority, dir) = (Authority::new(), TempDir::new().unwrap());
    let double = authority.cluster("127.0.0.1", true).await;
    let url = format!("{}&tlsCaFile={}", double.url("so"), write(dir.path(), "ca.crt", &authority.0.pem()));
    let error = opened(&url).await.unwrap_err();
    assert!(error.contains("CertificateRequired"), "{error}");

    let files = |name: &str, user: &Certified| {
        let certificate = write(dir.path(), &format!("{name}.crt"), &user.certificate.pem());
        let key = write(dir.path(), &format!("{name}.key"), &user.key.serialize_pem());
        format!("userCertFile={certificate}&userKeyFile={key}")
    };
    let clerk = files("clerk", &authority.certify("clerk", ExtendedKeyUsagePurpose::ClientAuth));
    let log = opened(&format!("{url}&{clerk}")).await.unwrap();
    log.append(append(1, None, &["a"])).await.unwrap();

    let stranger = files("stranger", &Authority::new().certify("clerk", ExtendedKeyUsagePurpose::ClientAuth));
    opened(&format!("{url}&{stranger}")).await.unwrap_err();
    let swapped = clerk.replace(".crt", ".none").replace(".key", ".crt").replace(".none", ".key");
    let error = opened(&format!("{url}&{swapped}")).await.unwrap_err();
    assert!(error.contains("userCertFile") && error.contains("PEM"), "{error}");
    assert_eq!(double.events("so-").len(), 1);
}
