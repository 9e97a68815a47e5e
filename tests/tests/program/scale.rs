//! The calculation of docs/SCALE.md.

use std::{path::Path, process::Command};

use crate::{binary::text, python::python};

#[test]
fn the_page_shows_what_the_calculation_gives() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let told = Command::new(python()).arg(docs.join("scale.py")).output().unwrap();
    assert!(told.status.success(), "{}", text(&told.stderr));
    let page = std::fs::read_to_string(docs.join("SCALE.md")).unwrap();
    let tables = text(&told.stdout);
    assert!(page.contains(tables.trim_end()), "copy what `python3 docs/scale.py` prints into docs/SCALE.md:\n{tables}");
}

/// The rate at which views are rebuilt is the one that README.md tells, and PERFORMANCE.md measured.
#[test]
fn it_counts_with_the_rate_that_is_told_elsewhere() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap();
    let script = read("scale.py");
    let rate =
        script.split_once("\nREBUILT = ").and_then(|(_, rest)| rest.split_once(' ')).unwrap().0.replace('_', " ");
    assert!(read("PERFORMANCE.md").contains(&rate), "{rate}");
    let readme = read("../README.md");
    let row = readme.lines().find(|line| line.starts_with("| views from nothing")).unwrap();
    assert!(row.contains(&rate), "{rate}: {row}");
}
