//! Benchmarks: every `[[bench]]` of the workspace, in release.

use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::process;

/// Runs the benchmarks whose name contains the first word, or all; what follows `--` goes to them.
pub(crate) fn run(root: &Path, words: &[&str]) -> Result<()> {
    let (wanted, passed_on) = split(words)?;
    let all = benches(root)?;
    if all.is_empty() {
        println!("there are no benchmarks yet: a [[bench]] of any crate is found by itself");
        return Ok(());
    }
    let chosen: Vec<_> = all.iter().filter(|(_, bench)| bench.contains(wanted)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|(_, bench)| bench.as_str()).collect();
        bail!("no benchmark's name contains `{wanted}`; there are: {}", names.join(", "));
    }
    for (package, bench) in chosen {
        let mut command = process::cargo(root, ["bench", "--locked", "--package", package, "--bench", bench]);
        if !passed_on.is_empty() {
            command.arg("--").args(passed_on);
        }
        process::run(&mut command)?;
    }
    Ok(())
}

/// The name wanted (empty: all) and the words after `--`.
fn split<'a>(words: &'a [&'a str]) -> Result<(&'a str, &'a [&'a str])> {
    match words {
        [] => Ok(("", &[])),
        ["--", rest @ ..] => Ok(("", rest)),
        [name] => Ok((name, &[])),
        [name, "--", rest @ ..] => Ok((name, rest)),
        _ => bail!("usage: cargo xtask bench [NAME] [-- ARGS]"),
    }
}

/// Package and name of each benchmark.
fn benches(root: &Path) -> Result<Vec<(String, String)>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata does not answer")?;
    let packages = metadata.workspace_packages();
    let targets = packages.iter().flat_map(|package| package.targets.iter().map(move |target| (package, target)));
    let benches = targets.filter(|(_, target)| target.is_bench());
    Ok(benches.map(|(package, target)| (package.name.to_string(), target.name.clone())).collect())
}

#[test]
fn a_name_and_words_to_pass_on() {
    assert_eq!(split(&[]).unwrap(), ("", [].as_slice()));
    assert_eq!(split(&["append", "--", "--writers", "16"]).unwrap(), ("append", ["--writers", "16"].as_slice()));
    assert_eq!(split(&["--", "--quick"]).unwrap(), ("", ["--quick"].as_slice()));
    assert!(split(&["append", "verify"]).is_err());
}
