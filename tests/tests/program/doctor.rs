//! `socai doctor`.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};
use socai_kurrent_double::Double;
use socai_test_postgres::Cluster;
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::{
    binary::{Serving, socai, text, told},
    office::Office,
};

/// What it found: of each thing the verdict and the text; and whether it said that all is well.
fn examined(data: &Path, settings: &[&str]) -> (Vec<(String, String, String)>, bool) {
    let mut command = socai();
    let output = command.args(["doctor", "--json", "--data"]).arg(data).args(settings).output().unwrap();
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let found: Vec<_> = found.iter().map(|of| (word(of, "about"), word(of, "verdict"), word(of, "text"))).collect();
    let well = found.iter().all(|(_, verdict, _)| verdict != "wrong");
    assert_eq!(output.status.success(), well, "{found:?}");
    // The disk is the machine's.
    let found: Vec<_> = found.into_iter().filter(|(about, ..)| about != "room").collect();
    let well = found.iter().all(|(_, verdict, _)| verdict != "wrong");
    (found, well)
}

/// The one thing that is wrong.
fn wrong(data: &Path, settings: &[&str]) -> (String, String) {
    let (found, well) = examined(data, settings);
    let mut wrong: Vec<_> = found.into_iter().filter(|(_, verdict, _)| verdict == "wrong").collect();
    assert_eq!((wrong.len(), well), (1, false), "{wrong:?}");
    let (about, _, text) = wrong.remove(0);
    (about, text)
}

const ANY_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[test]
fn a_good_installation_is_good_whether_it_runs_or_not() {
    let office = Office::new("G98");
    let (found, well) = examined(office.path(), &ANY_PORT);
    assert!(well && found.iter().any(|(about, verdict, _)| about == "log" && verdict == "good"), "{found:?}");
    let serving = Serving::start(office.path(), &[]);
    let address = serving.url.strip_prefix("http://").unwrap();
    let (found, well) = examined(office.path(), &["--listen", address]);
    let runs = |(about, verdict, text): &(String, String, String)| {
        about == "listen" && verdict == "good" && text.contains("runs now")
    };
    assert!(well && found.iter().any(runs), "{found:?}");
}

#[test]
fn each_thing_that_is_wrong_is_named_with_what_to_do() {
    let office = Office::new("G98");
    let data = office.path();
    let place = |name: &str| data.join(name);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (about, told) = wrong(data, &["--listen", &taken.local_addr().unwrap().to_string()]);
    assert!(about == "listen" && told.contains("--listen"), "{told}");

    // What is moved away or changed, and what is said.
    let gone = |name: &str, says: (&str, &str)| {
        fs::rename(place(name), place("aside")).unwrap();
        let (about, told) = wrong(data, &ANY_PORT);
        assert!(about == says.0 && told.contains(says.1), "{name}: {about}: {told}");
        fs::rename(place("aside"), place(name)).unwrap();
    };
    gone("keys/master.key", ("master key", "master.key"));
    gone("keys/log.key", ("log key", "put it back"));
    gone("keys/token.pub", ("token key", "token.pub"));
    gone("keys/ring.sqlite", ("key ring", "put it back"));

    let mode = |name: &str, mode| fs::set_permissions(place(name), fs::Permissions::from_mode(mode)).unwrap();
    for (name, about) in [("keys/master.key", "master key"), ("keys/token.key", "token key"), (".", "data")] {
        mode(name, 0o755);
        assert_eq!(wrong(data, &ANY_PORT).0, about);
        mode(name, 0o700);
    }

    for (name, about) in [("witnesses.txt", "witnesses"), ("witness-for.txt", "watched logs")] {
        fs::write(place(name), "nobody\n").unwrap();
        let (of, told) = wrong(data, &ANY_PORT);
        assert!(of == about && told.contains(name), "{of}: {told}");
        fs::remove_file(place(name)).unwrap();
    }

    let key = place("keys/log.key").display().to_string();
    let (about, told) = wrong(data, &["--listen", "127.0.0.1:0", "--tls-certificate", &key, "--tls-key", &key]);
    assert!(about == "TLS" && told.contains("no certificate"), "{told}");

    let segment = fs::File::options().append(true).open(place("log/00000001.segment")).unwrap();
    segment.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
    assert_eq!(wrong(data, &ANY_PORT).0, "clock");
    segment.set_modified(SystemTime::now()).unwrap();

    assert!(examined(data, &ANY_PORT).1, "all was put back");
    fs::write(place("log/unfinished"), "").unwrap();
    assert!(wrong(data, &ANY_PORT).1.contains("delete its data directory"));
}

#[test]
fn before_there_is_anything_it_says_how_to_begin() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = socai();
    let output =
        command.args(["doctor", "--listen", "0.0.0.0:0", "--data"]).arg(dir.path().join("none")).output().unwrap();
    let told = text(&output.stdout);
    assert!(
        !output.status.success() && told.contains("socai keygen --data") && told.contains("proxy with TLS"),
        "{told}"
    );
}

/// What is said of this thing, and its verdict, where nothing is wrong.
fn said(data: &Path, settings: &[&str], about: &str) -> (String, String) {
    let (found, well) = examined(data, settings);
    assert!(well, "{found:?}");
    let (_, verdict, text) = found.into_iter().find(|(of, ..)| of == about).unwrap();
    (verdict, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_cluster_is_asked_and_not_written_to_and_its_password_kept() {
    let double = Double::cluster(3).await.unwrap();
    double.faults().require("clerk", "geheim");
    let url = double.url("so").replace("://", "://clerk:geheim@");
    let with = |url: &str| [&ANY_PORT[..], &["--log", url]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let wrong = |data: &Path, url: &str| {
        let settings = with(url);
        let began = Instant::now();
        let (about, text) = wrong(data, &settings.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(began.elapsed() < Duration::from_secs(30) && !text.contains("geheim"), "{text}");
        (about, text)
    };
    let told_of_log = |data: &Path, url: &str| {
        let settings = with(url);
        said(data, &settings.iter().map(String::as_str).collect::<Vec<_>>(), "log")
    };
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let (verdict, text) = told_of_log(data.path(), &url);
    assert!(verdict == "note" && text.contains("26.1.2") && text.contains("holds no ledger"), "{text}");
    assert_eq!(double.events(""), []);

    let office = Office::joining(data, "G97", &["--log", &url]);
    let data = office.path();
    let written = double.events("");
    // Another node leads: it is found.
    double.lead(Some(2));
    let (verdict, text) = told_of_log(data, &url);
    assert!(verdict == "good" && text.contains("KurrentDB 26.1.2, holds ledger") && !text.contains("geheim"), "{text}");
    let ring = data.join("keys/ring.sqlite");
    fs::rename(&ring, data.join("aside")).unwrap();
    assert_eq!(wrong(data, &url).0, "key ring");
    fs::rename(data.join("aside"), &ring).unwrap();

    for user in ["clerk:geheimer@", "other:geheim@", ""] {
        let (about, text) = wrong(data, &url.replace("clerk:geheim@", user));
        assert!(about == "log" && text.contains("user:password@"), "{user}: {text}");
    }
    assert_eq!(double.events(""), written, "nothing was written");
    let stream = written.iter().find(|event| event.stream.starts_with("so-")).unwrap().stream.clone();
    double.set_metadata(&stream, &json!({ "$maxAge": 60 }));
    let (about, text) = wrong(data, &url);
    assert!(about == "log" && text.contains("$maxAge = 60") && text.contains(&stream), "{text}");
    double.set_metadata(&stream, &json!({ "$acl": { "$r": "clerk" } }));
    assert_eq!(told_of_log(data, &url).0, "good");

    (0..3).for_each(|node| double.stop(node));
    let (about, text) = wrong(data, &url);
    assert!(about == "log" && text.contains("no node of the cluster answers"), "{text}");
    // Somebody takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let (about, text) = wrong(data, &format!("kurrentdb://clerk:geheim@{address}?tls=false"));
    assert!(about == "log" && text.contains("answer"), "{text}");
}

/// A server that many share looks long for one ledger's records: that is not wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_cluster_that_has_much_to_look_through_is_not_called_wrong() {
    let double = Double::start().await.unwrap();
    let url = double.url("so");
    // By the first, the doctor's own patience ends it; by the second, the URL's.
    let urls = [url.clone(), format!("{url}&defaultDeadline=500")];
    let told_of_log = |data: &Path, url: &str| {
        let (found, well) = examined(data, &[&ANY_PORT[..], &["--log", url]].concat());
        assert!(well, "{found:?}");
        let of_log = found.into_iter().filter(|(about, ..)| about == "log");
        of_log.map(|(_, verdict, text)| (verdict, text)).collect::<Vec<_>>()
    };
    let only_notes = |data: &Path, end: &str| {
        double.faults().withhold_all(true);
        for url in &urls {
            let said = told_of_log(data, url);
            assert!(said.len() == 2 && said.iter().all(|(verdict, _)| verdict == "note"), "{said:?}");
            assert!(said[0].1.contains("metadata") && said[1].1.contains(end), "{said:?}");
        }
        double.faults().withhold_all(false);
    };
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    only_notes(data.path(), "holds no ledger of this name yet");
    let office = Office::joining(data, "G94", &["--log", &url]);
    only_notes(office.path(), "its last record was not told in time");
    let said = told_of_log(office.path(), &url);
    assert!(said.len() == 1 && said[0].0 == "good" && said[0].1.contains("may be read"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_cluster_is_asked_over_tls() {
    let [ours, other] = [(); 2].map(|()| rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(ours.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![ours.cert.der().clone()], key).unwrap();
    let double = Double::secure(1, config).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["keygen"]);
    let with = |name: &str, certificate: &rcgen::Certificate| {
        let file = data.path().join(name);
        fs::write(&file, certificate.pem()).unwrap();
        format!("{}&tlsCaFile={}", double.url("so"), file.display())
    };
    let (trusted, strange) = (with("ours.crt", &ours.cert), with("other.crt", &other.cert));
    let log = |url| [&ANY_PORT[..], &["--log", url]].concat();
    assert_eq!(said(data.path(), &log(&trusted), "log").0, "note");
    let (about, text) = wrong(data.path(), &log(&strange));
    assert!(about == "log" && text.contains("certificate"), "{text}");
    let (about, text) = wrong(data.path(), &log(&format!("{}&tlsCaFile=/nowhere/ca.crt", double.url("so"))));
    assert!(about == "log" && text.contains("/nowhere/ca.crt"), "{text}");
}

#[test]
fn keys_or_notary_that_are_not_in_the_database_of_a_ledger_are_missed() {
    let cluster = Cluster::start().unwrap();
    let url = cluster.url("postgres");
    let office = Office::new("G96");
    for (setting, about) in [("--key-ring", "key ring"), ("--notary", "notary")] {
        let settings = [&ANY_PORT[..], &[setting, &url]].concat();
        let (of, text) = wrong(office.path(), &settings);
        assert!(of == about && text.contains("restore it there"), "{of}: {text}");
        let before = tempfile::tempdir().unwrap();
        told(before.path(), &["keygen"]);
        let (verdict, text) = said(before.path(), &settings, about);
        assert!(verdict == "good" && text.contains("holds none yet"), "{text}");
    }
}

#[test]
fn a_database_that_does_not_wait_for_its_disk_is_wrong() {
    let cluster = Cluster::start().unwrap();
    let url = cluster.url("postgres");
    let settings = [&ANY_PORT[..], &["--views", &url]].concat();
    let office = Office::new("G95");
    assert_eq!(said(office.path(), &settings, "views").0, "good");
    cluster.restart("-c fsync=off").unwrap();
    let (about, text) = wrong(office.path(), &settings);
    assert!(about == "views" && text.contains("fsync off"), "{text}");
}
