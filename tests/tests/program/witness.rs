//! Two agencies' servers that watch each other's logs.

use std::{fs, path::Path, sync::Arc};

use rcgen::CertifiedKey;
use serde_json::{Value, json};
use socai_domain::proof::{
    AddCheckpoint, Checkpoint, Note, Policy, VerifierKey, cosignature::cosigned, witness::origin_hash,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

use crate::{
    binary::{Serving, socai},
    office::{Office, RECEIVE, paper},
};

const WITNESSES: &str =
    "{ ledger { notary { checkpoint { size } cosigned { size text } witnesses { name lastCosignedSize problem } } } }";

fn log_key(data: &Path) -> VerifierKey {
    fs::read_to_string(data.join("notary/log.pub")).unwrap().trim().parse().unwrap()
}

/// A server, and the key of its witness if it watches anybody.
fn serve(office: &Office, port: &str) -> (Serving, Option<VerifierKey>) {
    serve_trusting(office, port, Path::new("/dev/null"))
}

/// The same, by the certificate authorities in a file.
fn serve_trusting(office: &Office, port: &str, authorities: &Path) -> (Serving, Option<VerifierKey>) {
    use std::io::{BufRead as _, BufReader};
    let listen = format!("127.0.0.1:{port}");
    let mut command = socai();
    command
        .args(["serve", "--witness-pause", "1", "--level", "error", "--listen", &listen, "--data"])
        .arg(office.path());
    command.env("SSL_CERT_FILE", authorities);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut key = None;
    let url = loop {
        let line = lines.next().expect("the server says where it listens").unwrap();
        if let Some(given) = line.strip_prefix("witness key ") {
            key = Some(given.parse().unwrap());
        } else if let Some(url) = line.strip_prefix("listening on ") {
            break url.to_owned();
        }
    };
    let mut serving = Serving::adopt(child, lines);
    serving.url = url;
    (serving, key)
}

/// Speaks TLS for a server that does not: where, and the certificate.
async fn speak_tls(url: &str) -> (String, String) {
    let to = url.strip_prefix("http://").unwrap().to_owned();
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key.into()).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                // Who does not trust the certificate goes away.
                let Ok(mut asked) = acceptor.accept(stream).await else { return };
                let mut asking = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut asked, &mut asking).await;
            });
        }
    });
    (format!("https://{address}"), cert.pem())
}

async fn post(url: &str, request: String) -> (u16, String) {
    let url = format!("{url}/witness/add-checkpoint");
    let answer = reqwest::Client::new().post(url).body(request).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Asks until the server's answer is as it should be.
async fn until(office: &Office, url: &str, right: impl Fn(&Value) -> bool) -> Value {
    let administrator = office.administrator(url);
    loop {
        let answer = administrator.ask(WITNESSES, json!({})).await;
        let notary = &answer["data"]["ledger"]["notary"];
        if right(notary) {
            return notary.clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agencies_watch_each_other_and_an_older_copy_is_found_out() {
    let (one, other) = (Office::new("G98"), Office::new("G99"));
    // The logs' names come with the first start.
    for office in [&one, &other] {
        assert!(office.serve().terminate().success());
    }
    for (watched, witness) in [(&one, &other), (&other, &one)] {
        let logs = format!("# who watches whom\nlog {}\n", log_key(watched.path()));
        fs::write(witness.path().join("witness-for.txt"), logs).unwrap();
    }
    let (mut first, first_key) = serve(&one, "0");
    let (mut second, second_key) = serve(&other, "0");
    let (first_key, second_key) = (first_key.unwrap(), second_key.unwrap());
    let asking = |log: &Office, witness: &VerifierKey, url: &str| {
        let key = log_key(log.path());
        let policy = format!("log {key}\nwitness so-ban {witness} {url}/witness\nquorum so-ban\n");
        fs::write(log.path().join("witnesses.txt"), policy).unwrap();
    };
    asking(&one, &second_key, &second.url);
    assert!(first.terminate().success());
    let port = first.url.rsplit(':').next().unwrap().to_owned();
    (first, _) = serve(&one, &port);
    asking(&other, &first_key, &first.url);
    assert!(second.terminate().success());
    let port = second.url.rsplit(':').next().unwrap().to_owned();
    (second, _) = serve(&other, &port);

    // Each cosigns what the other has.
    for (office, url) in [(&one, &first.url), (&other, &second.url)] {
        let both = |notary: &Value| notary["cosigned"]["size"] == notary["checkpoint"]["size"];
        until(office, url, |notary| notary["cosigned"]["size"].is_number() && both(notary)).await;
    }
    let person = one.clerk(&first.url, "Ngô Thị Lan").await;
    let clerk = one.client(&first.url, &person);
    clerk.must(RECEIVE, paper("1")).await;
    let size = |notary: &Value| notary["checkpoint"]["size"].as_u64().unwrap_or(0);
    let right = |notary: &Value| size(notary) > 5 && notary["cosigned"]["size"] == notary["checkpoint"]["size"];
    let shown = until(&one, &first.url, right).await;
    let text = shown["cosigned"]["text"].as_str().unwrap();
    let note = Note::parse(text.as_bytes()).unwrap();
    let policy = Policy::new(log_key(one.path()), vec![second_key.clone()], 1).unwrap();
    assert_eq!(policy.check(&note).unwrap().checkpoint.size(), size(&shown));
    let public = reqwest::get(format!("{}/log/checkpoint/cosigned", first.url)).await.unwrap().text().await.unwrap();
    assert!(policy.check(&Note::parse(public.as_bytes()).unwrap()).is_ok(), "{public}");
    let origin = origin_hash(log_key(one.path()).name());
    let seen = reqwest::get(format!("{}/witness/{origin}/checkpoint", second.url)).await.unwrap().text().await.unwrap();
    let seen = Note::parse(seen.as_bytes()).unwrap();
    assert!(cosigned(&seen, &second_key).is_ok() && seen.verify(&log_key(one.path())).is_ok());

    // What the witness has cosigned, it knows after a kill.
    let request = AddCheckpoint { old: 0, proof: Vec::new(), note: note.clone() }.to_string();
    second.kill();
    (second, _) = serve(&other, &port);
    let (status, told) = post(&second.url, request.clone()).await;
    let known = Checkpoint::parse(note.text()).unwrap().size();
    assert_eq!((status, told.trim().parse::<u64>().unwrap() >= known), (409, true), "{told}");
    assert_eq!(post(&second.url, "old 1\n".into()).await.0, 400);
    assert_eq!(post(&second.url, request.replace(log_key(one.path()).name().as_str(), "log.example")).await.0, 404);
    assert_eq!(post(&second.url, request.replace(&format!("\n{known}\n"), "\n999999\n")).await.0, 403);
    assert_eq!(post(&second.url, "a".repeat(1 << 20)).await.0, 413);

    let asked = "{ ledger { watched { origin cosignedSize splits } } }";
    let told = other.administrator(&second.url).ask(asked, json!({})).await;
    let seen = told["data"]["ledger"]["watched"][0]["cosignedSize"].as_u64();
    assert!(seen >= Some(known) && told["data"]["ledger"]["watched"][0]["splits"] == 0, "{told}");

    // An older copy of log and notary is put back: the witness holds more than was signed.
    assert!(first.terminate().success());
    let kept = tempfile::tempdir().unwrap();
    copy(one.path(), kept.path());
    let port = first.url.rsplit(':').next().unwrap().to_owned();
    (first, _) = serve(&one, &port);
    let clerk = one.client(&first.url, &person);
    clerk.must(RECEIVE, paper("2")).await;
    let before = size(&shown);
    let right = |notary: &Value| size(notary) > before && notary["cosigned"]["size"] == notary["checkpoint"]["size"];
    until(&one, &first.url, right).await;
    assert!(first.terminate().success());
    fs::remove_dir_all(one.path()).unwrap();
    copy(kept.path(), one.path());
    (first, _) = serve(&one, &port);
    let right = |notary: &Value| notary["witnesses"][0]["problem"] == "REFUSES";
    until(&one, &first.url, right).await;
    let health = reqwest::get(format!("{}/health/ready", first.url)).await.unwrap().text().await.unwrap();
    assert!(health.contains("witnesses"), "{health}");
    // And when it goes on otherwise, past that size, it is not cosigned either; the witness keeps both checkpoints.
    let clerk = one.client(&first.url, &person);
    for number in 3..6 {
        clerk.must(RECEIVE, paper(&number.to_string())).await;
    }
    let evidence = other.path().join("witness/evidence");
    while fs::read_dir(&evidence).unwrap().count() == 0 {
        until(&one, &first.url, right).await;
    }
    assert!(first.terminate().success() && second.terminate().success());
}

/// Copies a directory with all below it.
fn copy(from: &Path, to: &Path) {
    socai::files::make_private_dir(to).unwrap();
    socai::files::keep_others_out(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_behind_tls_is_asked_if_its_certificate_is_trusted() {
    let (office, other) = (Office::new("G98"), Office::new("G99"));
    assert!(office.serve().terminate().success());
    fs::write(other.path().join("witness-for.txt"), format!("log {}\n", log_key(office.path()))).unwrap();
    let (witness, key) = serve(&other, "0");
    let (url, certificate) = speak_tls(&witness.url).await;
    let (log, key) = (log_key(office.path()), key.unwrap());
    let policy = format!("log {log}\nwitness so-ban {key} {url}/witness\nquorum so-ban\n");
    fs::write(office.path().join("witnesses.txt"), policy).unwrap();
    let certificates = tempfile::tempdir().unwrap();
    let (ours, strange) = (certificates.path().join("ours.pem"), certificates.path().join("strange.pem"));
    fs::write(&ours, certificate).unwrap();
    fs::write(&strange, speak_tls(&witness.url).await.1).unwrap();

    let (mut serving, _) = serve_trusting(&office, "0", &strange);
    let told = until(&office, &serving.url, |notary| notary["witnesses"][0]["problem"] == "UNREACHABLE").await;
    assert!(told["cosigned"].is_null(), "{told}");
    assert!(serving.terminate().success());

    let (serving, _) = serve_trusting(&office, "0", &ours);
    until(&office, &serving.url, |notary| notary["cosigned"]["size"].is_number()).await;
}
