//! Subcommands on files: import, verify, rebuild, stats, and that only one program writes.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    binary::{run, socai, text, told},
    office::{Office, RECEIVE, REGISTER, paper},
};

fn fixtures() -> String {
    format!("{}/fixtures/edxml", env!("CARGO_MANIFEST_DIR"))
}

/// The outcomes of an import, by word.
fn outcomes(output: &std::process::Output) -> Vec<(String, Value)> {
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let told = text(&output.stdout);
    told.lines().map(read).map(|line| (line["outcome"].as_str().unwrap().to_owned(), line)).collect()
}

#[test]
fn a_folder_is_imported_once_however_often() {
    let office = Office::new("G99");
    let folder = fixtures();
    let import = ["import", "--json", "--organ", &office.organ, &folder];
    let first = run(office.path(), &import);
    assert_eq!(first.status.code(), Some(1), "not all went in");
    let outcomes_of_first = outcomes(&first);
    assert_eq!(outcomes_of_first.len(), 13);
    assert_eq!(outcomes_of_first.iter().filter(|(word, _)| word == "received").count(), 1);
    for (_, line) in outcomes_of_first.iter().filter(|(word, _)| word == "refused") {
        assert!(line["message"].as_str().unwrap().contains("not handled yet"), "{line}");
    }
    let second = run(office.path(), &import);
    let known = outcomes(&second).into_iter().filter(|(word, _)| word == "already known").count();
    assert_eq!(known, 1);
    let one = format!("{folder}/edoc-0-new.edxml");
    assert!(run(office.path(), &["import", "--organ", &office.organ, &one]).status.success());
    let ledger: Value = serde_json::from_str(&told(office.path(), &["verify", "--json"])).unwrap();
    // Agency, post, tenure, person, document.
    assert_eq!(ledger["records"], 5, "{ledger}");
    assert!(run(office.path(), &["import", "--organ", "000.00.00.G99", &one]).status.success(), "by its code");
    let again = ["register-organ", "--code", "G99", "--name", "Bộ Khác", "--administrator", "Trần Thị Ví Dụ"];
    let again = text(&run(office.path(), &again).stderr);
    assert!(again.contains("registered already, as Bộ Ví Dụ") && again.contains(&office.organ), "{again}");
    let nobody = run(office.path(), &["import", "--organ", "00000000-0000-0000-0000-000000000001", &one]);
    assert!(text(&nobody.stderr).contains("register-organ"));
}

#[test]
fn a_bad_file_stops_no_other_and_leaves_nothing() {
    let office = Office::new("H99.05");
    let inbox = tempfile::tempdir().unwrap();
    fs::write(inbox.path().join("a.edxml"), "<edXML").unwrap();
    fs::copy(format!("{}/edoc-0-new.edxml", fixtures()), inbox.path().join("b.xml")).unwrap();
    let elsewhere = fs::read_to_string(inbox.path().join("b.xml")).unwrap().replace("000.00.05.H99", "000.00.06.H99");
    fs::write(inbox.path().join("c.edxml"), elsewhere).unwrap();
    fs::write(inbox.path().join("readme.txt"), "not a message").unwrap();
    let folder = inbox.path().to_str().unwrap();
    let output = run(office.path(), &["import", "--json", "--organ", &office.organ, folder, "/nowhere.edxml"]);
    assert_eq!(output.status.code(), Some(1));
    let words: Vec<_> = outcomes(&output).into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, ["refused", "received", "refused", "refused"]);
    assert!(text(&output.stdout).contains("not addressed to this organ"));
    let blobs =
        |path: &Path| fs::read_dir(path).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    // Two files in two folders, and the folder for unfinished ones.
    assert_eq!(blobs(&office.path().join("blobs")), 3);
}

#[test]
fn a_flipped_byte_is_found_and_named() {
    let office = Office::new("G99");
    let one = format!("{}/edoc-0-new.edxml", fixtures());
    told(office.path(), &["import", "--organ", &office.organ, &one]);
    let report: Value = serde_json::from_str(&told(office.path(), &["verify", "--json"])).unwrap();
    let head = report["head"].as_str().unwrap();
    told(office.path(), &["verify", "--expect", head]);
    let other = format!("{}{}", &head[..head.len() - 1], if head.ends_with('0') { '1' } else { '0' });
    assert_eq!(run(office.path(), &["verify", "--expect", &other]).status.code(), Some(1));

    let copy = tempfile::tempdir().unwrap();
    let segment = copy.path().join("00000001.segment");
    let whole = fs::read(office.path().join("log/00000001.segment")).unwrap();
    let marker = "closed";
    fs::copy(office.path().join("log").join(marker), copy.path().join(marker)).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    // Where the last record's body is, and thirty places before.
    let mut named = 0;
    for part in 1..=30 {
        let mut changed = whole.clone();
        let at = used - (part - 1) * 61 - 80;
        changed[at] ^= 0x40;
        fs::write(&segment, &changed).unwrap();
        let log = format!("file:{}", copy.path().display());
        let output = socai().args(["verify", "--json", "--log", &log]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "byte {at}");
        let fault: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(fault["segment"], "00000001.segment", "{fault}");
        named += usize::from(fault["stream"].is_string() && fault["revision"].is_number());
    }
    // Without the mark of a clean shutdown, the last batch may have been torn: told, and no fault; unless its head is known.
    let mut torn = whole.clone();
    torn[used] ^= 0x40;
    fs::write(&segment, &torn).unwrap();
    fs::remove_file(copy.path().join(marker)).unwrap();
    let log = format!("file:{}", copy.path().display());
    let verify = |more: &[&str]| socai().args(["verify", "--json", "--log", &log]).args(more).output().unwrap();
    let report: Value = serde_json::from_slice(&verify(&[]).stdout).unwrap();
    assert!(report["ok"] == true && report["torn"].is_string(), "{report}");
    assert_eq!(verify(&["--expect", head]).status.code(), Some(1));
    assert!(named >= 20, "{named} of 30 faults named stream and revision");
    told(office.path(), &["verify"]);
}

#[test]
fn views_are_built_anew_and_are_equal() {
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["demo", "--exit"]);
    let report: Value = serde_json::from_str(&told(data.path(), &["rebuild", "--json"])).unwrap();
    assert_eq!(report["ok"], true);
    assert!(report["before"].is_string() && report["before"] == report["after"], "{report}");
    // What is damaged is what is mended.
    fs::write(data.path().join("views.sqlite"), "no database").unwrap();
    let again: Value = serde_json::from_str(&told(data.path(), &["rebuild", "--json"])).unwrap();
    assert_eq!(again["after"], report["after"]);
}

#[test]
fn figures_of_the_past_know_nothing_of_later() {
    let data = tempfile::tempdir().unwrap();
    told(data.path(), &["demo", "--exit"]);
    let organ = socai_domain::id::OrganId::of_code("G99").to_string();
    let figures = |more: &[&str]| -> Value {
        let arguments = [&["stats", "--json", "--organ", &organ], more].concat();
        serde_json::from_str(&told(data.path(), &arguments)).unwrap()
    };
    let now = figures(&["--from", "2020-01-01"]);
    assert_eq!((&now["documents"]["inProcess"], &now["documents"]["refused"]), (&5.into(), &1.into()), "{now}");
    let early = run(data.path(), &["stats", "--organ", &organ, "--as-of", "2020-01-01"]);
    assert!(text(&early.stderr).contains("not registered at that moment"));
    let then = &now["asOf"].as_str().unwrap()[..10];
    let week = socai_domain::time::Date::parse(then).unwrap().plus_days(-9).to_string();
    let before = figures(&["--from", "2020-01-01", "--as-of", &week]);
    let arrived = |of: &Value| of["documents"]["arrived"].as_u64().unwrap();
    assert!(arrived(&before) > 0 && arrived(&before) < arrived(&now), "{before} {now}");
}

/// A copy of a data directory.
fn copied(data: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            if from.is_dir() {
                fs::create_dir(&to).unwrap();
                copy(&from, &to);
            } else {
                fs::copy(from, to).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    copy(data, to.path());
    to
}

#[tokio::test]
async fn the_past_is_that_of_a_ledger_which_really_stopped_there() {
    let office = Office::new("G99");
    let goes_on = async |numbers: std::ops::Range<u32>, registered: u32| {
        let mut serving = office.serve();
        let clerk = office.clerk(&serving.url, &format!("Ngô Thị {}", numbers.start)).await;
        let clerk = office.client(&serving.url, &clerk);
        for number in numbers {
            let received = clerk.must(RECEIVE, paper(&number.to_string())).await;
            let document = received["receiveIncoming"]["document"]["id"].clone();
            if number < registered {
                clerk.must(REGISTER, json!({ "commandId": uuid::Uuid::now_v7(), "document": document })).await;
            }
        }
        assert!(serving.terminate().success());
    };
    let figures = |data: &Path, then: &str| {
        told(data, &["stats", "--json", "--organ", &office.organ, "--from", "2026-01-01", "--as-of", then])
    };
    goes_on(0..5, 3).await;
    let then = socai_domain::time::Clock::now(&socai::clock::SystemClock).to_string();
    let stopped = copied(office.path());
    goes_on(5..9, 9).await;
    let past = figures(office.path(), &then);
    assert_eq!(past, figures(stopped.path(), &then));
    assert_eq!(past, figures(office.path(), &then), "the same question, the same bytes");
    let documents = |of: &str| serde_json::from_str::<Value>(of).unwrap()["documents"].clone();
    assert_eq!((&documents(&past)["arrived"], &documents(&past)["registered"]), (&5.into(), &3.into()), "{past}");
    let now = socai_domain::time::Clock::now(&socai::clock::SystemClock).to_string();
    assert_eq!(documents(&figures(office.path(), &now))["arrived"], 9);
}

#[test]
fn the_table_of_settings_is_printed() {
    let output = socai().args(["serve", "--list-settings"]).output().unwrap();
    assert_eq!(text(&output.stdout), socai::config::Setting::markdown());
}
