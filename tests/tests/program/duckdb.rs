//! DuckDB, asked from outside: what `cargo xtask prerequisites` installs for the tests.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::binary::text;

/// The Python that has it: `SOCAI_PYTHON`, or the one under cargo's target folder.
fn python() -> PathBuf {
    if let Some(given) = std::env::var_os("SOCAI_PYTHON") {
        return given.into();
    }
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let path = target.join("tests-python/bin/python");
    assert!(path.exists(), "there is no {}: `cargo xtask prerequisites` installs DuckDB there", path.display());
    path
}

/// Runs these statements in `directory`, then the queries; their rows by name.
pub(crate) fn ask<'a>(
    directory: &Path,
    first: &[String],
    queries: impl IntoIterator<Item = (&'a str, String)>,
) -> BTreeMap<String, Vec<Vec<Value>>> {
    let queries: BTreeMap<&str, String> = queries.into_iter().collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/duckdb/ask.py");
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
