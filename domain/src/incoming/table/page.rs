//! `docs/INCOMING.md`.

use std::collections::BTreeMap;

use super::{Cell, Scene, Tried, cell, every_command, everybody, scene, situations};
use crate::refusal::Code;

const HEAD: &str = "\
# The life of an incoming document

Generated from the code by a test (`cargo xtask golden`); do not edit. Every cell of these tables was tried: the command
was given with a plausible input, in an invented agency with one person in each post (the deputy is another leader; head,
officer and colleague are in the unit that leads), and the system itself.

The first table says who may give which command at which of these moments. Below, command by command, stand all refusals
with their codes; from one moment to another in this order is written `first … last`. *Already so* is not offered, but
succeeds without a record when it is asked for.

";

/// Who gets the same answer.
type Answers = BTreeMap<String, Vec<&'static str>>;

/// Who may give the command in a situation, and the answer to everybody else.
struct Row {
    situation: &'static str,
    may: Vec<&'static str>,
    refused: Answers,
}

fn rows(command: &Tried, scene: &Scene, codes: &mut Vec<Code>) -> Vec<Row> {
    let mut rows = Vec::new();
    for situation in situations(scene) {
        let (mut may, mut refused) = (Vec::new(), Answers::new());
        for (name, who) in everybody(scene) {
            let (code, remark) = match cell(command, &situation, who) {
                Cell::Does => {
                    may.push(name);
                    continue;
                }
                Cell::Refuses(code) => (code, ""),
                Cell::AlreadySo(code) => (code, " (already so)"),
            };
            codes.push(code);
            refused.entry(format!("`{}`{remark}", code.name())).or_default().push(name);
        }
        rows.push(Row { situation: situation.name, may, refused });
    }
    rows
}

/// Takes out whoever gets one answer in all situations.
fn always(rows: &mut [Row]) -> Answers {
    let mut always = Answers::new();
    let (first, rest) = rows.split_first_mut().expect("there are situations");
    for (answer, who) in &mut first.refused {
        let everywhere =
            |name: &&str| rest.iter().all(|row| row.refused.get(answer).is_some_and(|who| who.contains(name)));
        let (same, other): (Vec<_>, Vec<_>) = who.iter().partition(|name| everywhere(name));
        for row in rest.iter_mut() {
            row.refused.entry(answer.clone()).or_default().retain(|name| !same.contains(name));
        }
        *who = other;
        if !same.is_empty() {
            always.insert(answer.clone(), same);
        }
    }
    always
}

fn written(answers: &Answers) -> String {
    let said = answers.iter().filter(|(_, who)| !who.is_empty());
    said.map(|(answer, who)| format!("{answer}: {}", who.join(", "))).collect::<Vec<_>>().join("; ")
}

/// A command's own table: situations with the same answers share a line.
fn details(command: &Tried, mut rows: Vec<Row>) -> String {
    let mut text = format!("\n## `{}`\n\nAt every stage: {}.\n\n", command.name, written(&always(&mut rows)));
    let mut lines: Vec<(String, Vec<usize>)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let line = format!("| {} | {} |", row.may.join(", "), written(&row.refused));
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, moments)) => moments.push(at),
            None => lines.push((line, vec![at])),
        }
    }
    let runs = |moments: &[usize]| {
        let runs = moments.chunk_by(|one, next| one + 1 == *next).map(|run| match *run {
            [first, .., last] if run.len() > 2 => format!("{} … {}", rows[first].situation, rows[last].situation),
            _ => run.iter().map(|at| rows[*at].situation).collect::<Vec<_>>().join(" · "),
        });
        runs.collect::<Vec<_>>().join(" · ")
    };
    text.push_str("| Stage | May | Refused |\n|---|---|---|\n");
    text.extend(lines.into_iter().map(|(line, moments)| format!("| {} {line}\n", runs(&moments))));
    text
}

fn page() -> String {
    let (scene, commands, mut codes) = (scene(), every_command(), Vec::new());
    let tables: Vec<_> = commands.iter().map(|command| (command, rows(command, &scene, &mut codes))).collect();
    let moments = situations(&scene);
    let mut page = vec![HEAD.to_owned()];
    page.extend((1..).zip(&moments).map(|(n, moment)| format!("{n}. {}\n", moment.name)));
    let numbers: Vec<_> = (1..=moments.len()).map(|n| n.to_string()).collect();
    page.push(format!("\n| | {} |\n|{}\n", numbers.join(" | "), "---|".repeat(numbers.len() + 1)));
    page.extend(tables.iter().map(|(command, rows)| {
        let may: Vec<_> = rows.iter().map(|row| row.may.join(", ")).collect();
        format!("| `{}` | {} |\n", command.name, may.join(" | "))
    }));
    page.extend(tables.into_iter().map(|(command, rows)| details(command, rows)));
    page.push("\n## The codes\n\n| Code | Article | English | Vietnamese |\n|---|---|---|---|\n".to_owned());
    page.extend(Code::ALL.iter().filter(|code| codes.contains(code)).map(|code| {
        let (name, article) = (code.name(), code.article().unwrap_or_default());
        format!("| `{name}` | {article} | {} | {} |\n", code.en(), code.vi())
    }));
    page.concat()
}

#[test]
fn golden_the_table_in_the_docs_is_this_one() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let path = docs.join("INCOMING.md");
    if std::env::var_os("SOCAI_UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(&docs).unwrap();
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page(), "docs/INCOMING.md is not what the code says: run `cargo xtask golden`, look at the change");
}
