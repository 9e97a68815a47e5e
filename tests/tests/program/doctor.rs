//! `socai doctor`.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    binary::{Serving, socai, text},
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
