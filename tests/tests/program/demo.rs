//! `socai demo`.

use std::fs;

use serde_json::{Value, json};

use crate::binary::{Serving, run, socai, text, told};

#[test]
fn it_tells_five_beats_in_both_languages_and_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    for (lang, beats) in [
        ("vi", ["1  socai là gì", "2  Một văn bản", "3  Ai đang giữ", "4  Vẫn các số ấy", "5  Sửa một byte"]),
        ("en", ["1  What socai is", "2  One document", "3  Who has what", "4  The same numbers", "5  A byte changed"]),
    ] {
        let output = socai().args(["demo", "--exit", "--lang", lang]).env("TMPDIR", scratch.path()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let told = text(&output.stdout);
        let places: Vec<_> =
            beats.iter().map(|beat| told.find(beat).unwrap_or_else(|| panic!("{beat}: {told}"))).collect();
        assert!(places.is_sorted(), "{told}");
        // One of each, as things stand on opening.
        let marks: [&str; 5] = match lang {
            "vi" => [
                "quá hạn\n",
                "đến hạn ngày làm việc tới\n",
                "bị trả lại\n",
                "chờ bản giấy\n",
                "người giữ đã thôi việc\n",
            ],
            _ => {
                ["late\n", "due the next working day\n", "given back\n", "waiting for paper\n", "its holder is gone\n"]
            }
        };
        for mark in marks {
            assert_eq!(told.matches(&format!("  {mark}")).count(), 1, "{mark}: {told}");
        }
        assert!(told.contains(if lang == "vi" { "từ chối 1" } else { "refused 1" }), "{told}");
        assert!(told.contains("00000001.segment · incoming-") && told.contains(" · revision 4\n"), "{told}");
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing is left");
}

#[tokio::test]
async fn what_it_offers_works_and_a_second_run_serves_the_same() {
    let data = tempfile::tempdir().unwrap();
    let first = run(data.path(), &["demo", "--exit", "--lang", "en"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let mut command = socai();
    command.args(["demo", "--lang", "en", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let told = std::process::Stdio::piped();
    let mut child = command.stdout(told).spawn().unwrap();
    let mut lines = Vec::new();
    let mut reader = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for line in reader.by_ref() {
        let line = line.unwrap();
        let last = line.contains("Ctrl-C");
        lines.push(line);
        if last {
            break;
        }
    }
    let mut serving = Serving::adopt(child, reader);
    let all = lines.join("\n");
    assert!(lines.len() <= 50, "{} lines\n{all}", lines.len());
    assert!(lines[0].contains("already"), "{all}");
    // The same beats as the first time.
    let beats = text(&first.stdout);
    let story = |told: &str| told.split("\n3  ").next().unwrap().split("\n2  ").nth(1).unwrap().to_owned();
    assert_eq!(story(&beats), story(&all));

    let page = lines.iter().find_map(|line| line.split_once("http://")).unwrap().1.to_owned();
    let tokens: Vec<&str> =
        lines.iter().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("eyJ"))).collect();
    let queries: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| line.starts_with('{')).collect();
    assert_eq!((tokens.len(), queries.len()), (4, 3), "{all}");
    let http = reqwest::Client::new();
    // The page that a browser opens, and where the page asks.
    assert_eq!(http.get(format!("http://{page}")).send().await.unwrap().status(), 200);
    let url = format!("http://{}/graphql", page.strip_suffix("/graphiql").unwrap());
    for (token, who) in tokens.iter().zip(["clerk", "leader", "officer", "outsider"]) {
        for query in &queries {
            let body = json!({ "query": query });
            let answer = http.post(&url).bearer_auth(token).json(&body).send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            assert!(answer["errors"].is_null(), "{who}: {query}: {answer}");
            let lines = answer["data"]["incomingRegister"]["edges"].as_array();
            assert_eq!(lines.is_none_or(Vec::is_empty), who == "outsider" || lines.is_none(), "{who}: {answer}");
        }
    }
    assert!(serving.terminate().success());
}

#[test]
fn who_stops_reading_sees_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = socai();
    let ended =
        command.args(["demo", "--exit", "--data"]).arg(dir.path().join("data")).stdout(writer).output().unwrap();
    assert_eq!((ended.status.code(), text(&ended.stderr).as_str()), (Some(141), ""));
    // What was written is there.
    assert!(told(&dir.path().join("data"), &["verify"]).contains("records"));
}
