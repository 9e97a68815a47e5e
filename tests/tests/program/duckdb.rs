//! `DuckDB`, asked from outside.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{binary::text, python::python};

/// Runs these statements in `directory`, then the queries; their rows by name.
pub(crate) fn ask<'a>(
    directory: &Path,
    first: &[String],
    queries: impl IntoIterator<Item = (&'a str, String)>,
) -> BTreeMap<String, Vec<Vec<Value>>> {
    let queries: BTreeMap<&str, String> = queries.into_iter().collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/python/ask.py");
    let mut child = Command::new(python())
        .arg(script)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({ "first": first, "queries": queries });
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
