//! `socai export --document` and `socai verify-bundle`, with the real program.

use std::{fs, path::Path};

use serde_json::Value;

use crate::binary::{Serving, run, socai, text, told};

/// The resolved document of a demo.
fn story(data: &Path) -> String {
    let lines = told(data, &["export", "--events", "--format", "jsonl"]);
    let mut events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let resolved = events.rfind(|event| event["event_name"] == "IncomingResolved").unwrap();
    format!("incoming-{}", resolved["stream_id"].as_str().unwrap())
}

/// Checks a bundle without the ledger; whether it is good, and what was said.
fn verify(bundle: &Path, key: &Path, more: &[&str]) -> (bool, Value) {
    let mut command = socai();
    command.arg("verify-bundle").arg(bundle).arg("--key").arg(key).arg("--json").args(more);
    let output = command.output().unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (output.status.success(), said)
}

#[test]
fn an_inspector_checks_what_the_office_exported_beside_the_running_server() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    told(data.path(), &["demo", "--exit"]);
    let document = story(data.path());
    let mut serving = Serving::start(data.path(), &[]);
    let bundle = elsewhere.path().join("document.zip");
    let exported = told(
        data.path(),
        &["export", "--document", &document, "--with-files", "--json", "--output", bundle.to_str().unwrap()],
    );
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["faults"], serde_json::json!([]));
    // The inspector has the key from the agency, and the bundle.
    let key = elsewhere.path().join("log.key");
    fs::copy(data.path().join("notary/log.pub"), &key).unwrap();
    assert!(serving.terminate().success());
    drop(data);

    let (good, said) = verify(&bundle, &key, &[]);
    assert!(good, "{said}");
    assert_eq!((&said["document"], &said["faults"]), (&Value::from(document), &serde_json::json!([])));
    assert_eq!((said["files"].as_u64(), said["contents"].as_u64()), (Some(2), Some(2)), "{said}");
    assert!(said["judged"].as_array().unwrap().iter().all(|judged| judged["verdict"] == "stands"), "{said}");

    let mut bytes = fs::read(&bundle).unwrap();
    let place = bytes.windows(6).position(|bytes| bytes == b"<thead").unwrap();
    bytes[place + 3] ^= 1;
    fs::write(&bundle, &bytes).unwrap();
    let (good, said) = verify(&bundle, &key, &[]);
    let faults: Vec<_> = said["faults"].as_array().unwrap().iter().map(|fault| fault["fault"].clone()).collect();
    assert!(!good && faults.contains(&"entry".into()) && faults.contains(&"trail".into()), "{said}");
    let output = socai().arg("verify-bundle").arg(&bundle).arg("--key").arg(&key).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert!(
        text(&output.stderr).contains("WRONG     entry: trail.html: it has another hash"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn it_is_asked_in_one_way() {
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["demo", "--exit"]);
    let id = uuid::Uuid::nil().to_string();
    for (arguments, code, said) in [
        (vec!["export", "--document", "person-1"], 2, "incoming-018f2f6e"),
        (vec!["export", "--document", &id, "--events"], 2, "cannot be used with"),
        (vec!["export", "--document", &id, "--sealed", "--with-files"], 2, "cannot be used with"),
        (vec!["export", "--with-files", "--events", "--format", "csv"], 2, "--document"),
        (vec!["export", "--document", &id, "--output", "-"], 1, "there is no record of incoming-"),
    ] {
        let output = run(data.path(), &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}
