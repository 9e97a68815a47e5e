//! `socai export`: opened by `DuckDB`, and the same figures as `socai stats`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    binary::{self, Serving, run, socai, text, told},
    duckdb::ask,
    office::Client,
};

const PAGE: &str = include_str!("../../../docs/EXPORT.md");
const FORMATS: [&str; 3] = ["parquet", "jsonl", "csv"];

/// The statements that the page marks so, in their order, with what stands after the mark.
fn page(mark: &str) -> Vec<(String, String)> {
    let block = |part: &str| {
        let (what, rest) = part.split_once(" -->\n```sql\n")?;
        let (sql, _) = rest.split_once("\n```")?;
        Some((what.trim().to_owned(), sql.to_owned()))
    };
    PAGE.split(&format!("<!-- {mark}")).skip(1).map(|part| block(part).unwrap_or_else(|| panic!("{part}"))).collect()
}

fn sql(mark: &str) -> Vec<String> {
    page(mark).into_iter().map(|(_, sql)| sql).collect()
}

/// Exports to `events.FORMAT` in a directory.
fn export(data: &Path, directory: &Path, format: &str, more: &[&str]) -> Output {
    let output = directory.join(format!("events.{format}"));
    let output = output.to_str().unwrap();
    run(data, &[&["export", "--events", "--json", "--format", format, "--output", output], more].concat())
}

fn exported(data: &Path, directory: &Path, format: &str, more: &[&str]) -> Value {
    let output = export(data, directory, format, more);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The events of a ledger, as JSON lines on standard output.
fn events(data: &Path) -> Vec<Value> {
    let lines = told(data, &["export", "--events", "--format", "jsonl"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'a>(events: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event_name"] == name)
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A demo's ledger.
struct Demo {
    data: tempfile::TempDir,
    organ: String,
}

impl Demo {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        told(data.path(), &["demo", "--exit"]);
        Self { data, organ: socai_domain::id::OrganId::of_code("G99").to_string() }
    }

    fn path(&self) -> &Path {
        self.data.path()
    }

    /// Somebody with this role, by what the export tells of posts.
    fn client(&self, events: &[Value], role: &str, url: &str) -> Client {
        let of_organ = |event: &&Value| event["organ_id"] == *self.organ;
        let post =
            of_kind(events, "PostCreated").filter(of_organ).find(|event| event["event"]["role"] == role).unwrap();
        let post = &post["event"]["post"];
        let assumed = of_kind(events, "PostAssumed").find(|event| event["event"]["post"] == *post).unwrap();
        let person = assumed["event"]["person"].as_str().unwrap();
        let token = told(self.path(), &["token", "--organ", &self.organ, "--person", person]);
        Client { http: reqwest::Client::new(), url: format!("{url}/graphql"), token: token.trim().to_owned() }
    }

    /// A document in process is found to be secret, and erased; beside the server it is exported before and after.
    async fn erase_one(&self) -> String {
        let mut serving = Serving::start(self.path(), &[]);
        let all = events(self.path());
        let resolved: Vec<_> = of_kind(&all, "IncomingResolved").map(|event| event["stream_id"].clone()).collect();
        let of_organ = of_kind(&all, "IncomingRegistered").filter(|event| event["organ_id"] == *self.organ);
        let mut registered = of_organ.map(|event| event["stream_id"].clone());
        let document = registered.find(|document| !resolved.contains(document)).unwrap();
        let document = document.as_str().unwrap().to_owned();
        let (clerk, leader) =
            (self.client(&all, "RecordsClerk", &serving.url), self.client(&all, "Leader", &serving.url));
        let input = |more: Value| {
            let mut input = json!({ "commandId": Uuid::now_v7(), "document": format!("incoming-{document}") });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let ask = "mutation($input: ExpungeIncomingInput!) { expungeIncoming(input: $input) { receipt { revision } } }";
        clerk.must(ask, input(json!({ "level": "SECRET" }))).await;
        let confirm = "mutation($input: DocumentInput!) { confirmExpunge(input: $input) { receipt { revision } } }";
        leader.must(confirm, input(json!({}))).await;
        let meanwhile = events(self.path());
        assert!(meanwhile.len() >= all.len() + 2, "what the server acknowledged is exported");
        assert!(serving.terminate().success());
        document
    }

    fn stats(&self, from: &str, to: Option<&str>) -> Value {
        let to = to.map_or(vec![], |to| vec!["--to", to]);
        let arguments = [&["stats", "--json", "--organ", &self.organ, "--from", from][..], &to].concat();
        serde_json::from_str(&told(self.path(), &arguments)).unwrap()
    }
}

/// The first and the last day of `2026-11`.
fn days(month: &str) -> (String, String) {
    let first = socai_domain::time::Date::parse(&format!("{month}-01")).unwrap();
    let next = first.plus_days(31);
    let last = socai_domain::time::Date::parse(&format!("{}-01", &next.to_string()[..7])).unwrap().plus_days(-1);
    (first.to_string(), last.to_string())
}

#[tokio::test]
async fn duckdb_counts_what_stats_counts_in_every_format() {
    let demo = Demo::new();
    let erased = demo.erase_one().await;
    let stats = demo.stats("2020-01-01", None);
    // Not a comparison of zeros.
    for (figure, least) in [("registered", 6), ("arrived", 6), ("processed", 1), ("refused", 1), ("cancelled", 1)] {
        assert!(stats["documents"][figure].as_u64() >= Some(least), "{figure}: {stats}");
    }
    let directory = tempfile::tempdir().unwrap();
    let ledger: Value = serde_json::from_str(&told(demo.path(), &["verify", "--json"])).unwrap();
    let (figures, opens) = (page("figure"), page("open"));
    assert_eq!(figures.len(), 6);
    let mut answers = Vec::new();
    for format in FORMATS {
        let exported = exported(demo.path(), directory.path(), format, &[]);
        assert_eq!((&exported["rows"], &exported["head"]), (&ledger["records"], &ledger["head"]), "{format}");
        let open = opens.iter().find(|(of, _)| of == format).unwrap().1.clone();
        let period = ["organ", "from_at", "before_at"].map(|name| {
            let value = match name {
                "organ" => &demo.organ,
                "from_at" => stats["from"].as_str().unwrap(),
                _ => stats["before"].as_str().unwrap(),
            };
            format!("SET VARIABLE {name} = '{value}'")
        });
        let first: Vec<String> = [open].into_iter().chain(period).chain(sql("first")).collect();
        let mut queries: Vec<(&str, String)> = figures.iter().map(|(name, sql)| (name.as_str(), sql.clone())).collect();
        queries.push(("months", sql("months").remove(0)));
        queries.push(("erased", sql("erased").remove(0)));
        queries.push(("rows", "SELECT count(*), sum(erased::INT), count(event), max(sequence) FROM events".into()));
        queries.push(("events", "SELECT * EXCLUDE (event), event::VARCHAR FROM events ORDER BY sequence".into()));
        let told = ask(directory.path(), &first, queries);
        for (figure, _) in &figures {
            assert_eq!(told[figure][0][0], stats["documents"][figure], "{format}: {figure}");
        }
        let months: u64 = told["months"].iter().map(|line| line[1].as_u64().unwrap()).sum();
        assert_eq!(months, stats["documents"]["registered"], "{format}");
        for line in &told["months"] {
            let (first, last) = days(line[0].as_str().unwrap());
            assert_eq!(line[1], demo.stats(&first, Some(&last))["documents"]["registered"], "{format}: {first}");
        }
        assert_eq!(told["erased"].len(), 1, "{format}");
        assert_eq!(told["erased"][0], [json!(erased), exported["erased"].clone()], "{format}");
        let (rows, events, lost) = (&told["rows"][0][0], &told["rows"][0][2], &told["rows"][0][1]);
        assert_eq!(rows, &ledger["records"], "{format}");
        assert!(lost.as_f64() > Some(3.0) && rows.as_f64() > events.as_f64(), "{format}: {told:?}");
        answers.push(told["events"].clone());
    }
    // The same rows, cell by cell; JSON lines keep no spaces, so events are compared as JSON.
    let as_json = |rows: &Vec<Vec<Value>>| -> Vec<Vec<Value>> {
        let cell =
            |cell: &Value| cell.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(cell.clone());
        rows.iter().map(|row| row.iter().map(cell).collect()).collect()
    };
    assert_eq!(as_json(&answers[0]), as_json(&answers[1]));
    assert_eq!(as_json(&answers[0]), as_json(&answers[2]));
}

#[test]
fn a_range_of_nothing_is_a_table_of_nothing_and_nonsense_is_refused() {
    let demo = Demo::new();
    let directory = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let report = exported(demo.path(), directory.path(), format, &["--to", "2020-12-31"]);
        assert_eq!((&report["rows"], &report["first"]), (&json!(0), &Value::Null), "{report}");
        let open = page("open").into_iter().find(|(of, _)| of == format).unwrap().1;
        let told = ask(directory.path(), &[open], [("n", "SELECT count(event_name) FROM events".to_owned())]);
        assert_eq!(told["n"], [[json!(0)]], "{format}");
    }
    let before = names(directory.path());
    let nonsense: [&[&str]; 6] = [
        &["--from", "2026-11-30", "--to", "2026-11-01"],
        &["--from", "2026-11-30T08:00:00+07:00", "--to", "2026-11-30T08:00:00+07:00"],
        &["--from", "30/11/2026"],
        &["--organ", "Sở Ví Dụ"],
        &["--format", "xlsx"],
        &["--document", "incoming-1"],
    ];
    for wrong in nonsense {
        let output = directory.path().join("wrong.csv");
        let format: &[&str] = if wrong[0] == "--format" { &[] } else { &["--format", "csv"] };
        let arguments = [&["export", "--events", "--output", output.to_str().unwrap()], format, wrong].concat();
        let refused = run(demo.path(), &arguments);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", text(&refused.stderr));
        assert!(!refused.stderr.is_empty());
    }
    for incomplete in [&["export"][..], &["export", "--events"], &["export", "--format", "csv"]] {
        assert_eq!(run(demo.path(), incomplete).status.code(), Some(2), "{incomplete:?}");
    }
    assert_eq!(names(directory.path()), before, "nothing was written");
}

#[test]
fn it_writes_nowhere_but_where_it_may() {
    let demo = Demo::new();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("events.csv"), "another's").unwrap();
    let refused = export(demo.path(), directory.path(), "csv", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("--replace"), "{}", text(&refused.stderr));
    assert_eq!(fs::read(directory.path().join("events.csv")).unwrap(), b"another's");
    exported(demo.path(), directory.path(), "csv", &["--replace"]);
    assert!(fs::read(directory.path().join("events.csv")).unwrap().starts_with(b"sequence,position,"));

    let before = names(demo.path());
    let (ring, nowhere) = (demo.path().join("keys/ring.sqlite"), directory.path().join("no/where.csv"));
    for (output, says) in [(&ring, "files of the ledger"), (&nowhere, "No such file")] {
        let output = output.to_str().unwrap();
        let refused = run(demo.path(), &["export", "--events", "--format", "csv", "--replace", "--output", output]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
    }
    assert_eq!(names(demo.path()), before);
    told(demo.path(), &["verify"]);

    // Standard output that takes nothing.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = socai();
    command.args(["export", "--events", "--format", "parquet", "--data"]).arg(demo.path());
    let failed = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("No space left"), "{}", text(&failed.stderr));
    let nothing = tempfile::tempdir().unwrap();
    let missing = run(nothing.path(), &["export", "--events", "--format", "csv"]);
    assert!(text(&missing.stderr).contains("holds no ledger"), "{}", text(&missing.stderr));
    assert!(missing.stdout.is_empty() && names(nothing.path()).is_empty());
}

#[test]
fn what_is_cut_off_never_has_the_name() {
    let demo = Demo::new();
    let directory = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let path = directory.path().join(format!("events.{format}"));
        // No file may grow longer than 4 KiB: the system ends the program in the middle of writing.
        let command = format!(
            "ulimit -f 8; ulimit -c 0; exec {} export --events --sealed --format {format} --data {} --output {}",
            binary::path().display(),
            demo.path().display(),
            path.display()
        );
        let ended = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(ended.status.signal().is_some(), "{format}: {:?} {}", ended.status, text(&ended.stderr));
        assert_eq!(names(directory.path()), [format!("events.{format}.partial")]);
        // And it is no obstacle to the next one.
        exported(demo.path(), directory.path(), format, &[]);
        assert_eq!(names(directory.path()), [format!("events.{format}")]);
        fs::remove_file(path).unwrap();
    }
    // Asked to end at whatever moment: whole, or not there.
    let mut seen = BTreeMap::<bool, u32>::new();
    for _ in 0..20 {
        let path = directory.path().join("events.csv");
        let mut command = socai();
        command.args(["export", "--events", "--format", "csv", "--data"]).arg(demo.path()).arg("--output").arg(&path);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
        let done = child.wait_with_output().unwrap().status;
        assert_eq!(path.exists(), done.success(), "{done:?}");
        *seen.entry(done.success()).or_default() += 1;
        if done.code() == Some(1) {
            assert!(names(directory.path()).is_empty(), "an orderly end leaves nothing");
        }
        for name in names(directory.path()) {
            fs::remove_file(directory.path().join(name)).unwrap();
        }
    }
    assert!(seen.contains_key(&false), "none was interrupted: {seen:?}");
}

#[test]
fn sealed_rows_tell_no_content_and_need_no_keys() {
    let demo = Demo::new();
    let whole = events(demo.path());
    fs::remove_dir_all(demo.path().join("keys")).unwrap();
    let refused = run(demo.path(), &["export", "--events", "--format", "jsonl"]);
    assert!(text(&refused.stderr).contains("--sealed") && refused.stdout.is_empty(), "{}", text(&refused.stderr));
    let sealed = told(demo.path(), &["export", "--events", "--format", "jsonl", "--sealed"]);
    let sealed: Vec<Value> = sealed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sealed.len(), whole.len());
    for (sealed, whole) in sealed.iter().zip(&whole) {
        assert_eq!(sealed["hash"], whole["hash"]);
        for (name, value) in sealed.as_object().unwrap() {
            assert!(value.is_null() || *value == whole[name], "{name}");
        }
        assert!(sealed["event"].is_null() && sealed["command_id"].is_null() && whole["event"].is_object());
    }
}
