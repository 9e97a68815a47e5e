//! Fuzzing with nightly and cargo-fuzz. Stable CI replays the saved inputs through the same functions, as plain tests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process;

/// How long one target is fuzzed when nothing else is said, in seconds.
const SECONDS: u32 = 60;

/// A fuzz target and the crate it lies in.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    crate_dir: PathBuf,
    name: String,
}

/// Fuzzes one target, or each in turn.
pub(crate) fn run(root: &Path, words: &[&str]) -> Result<()> {
    let (wanted, seconds) = parse(words)?;
    let all = targets(root)?;
    let chosen: Vec<_> = all.iter().filter(|target| wanted.is_none_or(|name| target.name == name)).collect();
    match wanted {
        _ if all.is_empty() => {
            println!("there are no fuzz targets yet: fuzz/fuzz_targets/NAME.rs of any crate is found by itself");
            return Ok(());
        }
        Some(name) if chosen.is_empty() => {
            let names: Vec<_> = all.iter().map(|target| target.name.as_str()).collect();
            bail!("no fuzz target `{name}`; there are: {}", names.join(", "));
        }
        _ => {}
    }
    let missing = missing(root);
    if !missing.is_empty() {
        bail!("fuzzing needs what is not installed here:\n  {}", missing.join("\n  "));
    }
    for Target { crate_dir, name } in chosen {
        let limit = format!("-max_total_time={seconds}");
        let mut command = process::program("rustup", root);
        command
            .args(["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir"])
            .arg(crate_dir)
            .args([name, "--", &limit]);
        // Those of the stable cargo that runs us.
        process::run(command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN"))?;
    }
    Ok(())
}

/// A word that is a number is the seconds, the other the target.
fn parse<'a>(words: &[&'a str]) -> Result<(Option<&'a str>, u32)> {
    match words {
        [] => Ok((None, SECONDS)),
        [one] => Ok(one.parse().map_or((Some(*one), SECONDS), |seconds| (None, seconds))),
        [name, seconds] => Ok((Some(*name), seconds.parse().context("SECONDS is a whole number")?)),
        _ => bail!("usage: cargo xtask fuzz [TARGET] [SECONDS]"),
    }
}

/// What must be installed first, each with the command that does it.
fn missing(root: &Path) -> Vec<&'static str> {
    let nightly = process::succeeds(process::program("rustup", root).args(["run", "nightly", "rustc", "--version"]));
    let fuzz = process::succeeds(&mut process::cargo(root, ["fuzz", "--version"]));
    let needs = [
        (nightly, "a nightly toolchain: rustup toolchain install nightly"),
        (fuzz, "cargo-fuzz: cargo install cargo-fuzz --locked"),
    ];
    needs.into_iter().filter(|(there, _)| !there).map(|(_, how)| how).collect()
}

/// Every `fuzz/fuzz_targets/NAME.rs`, of the workspace itself and of its crates, by name.
fn targets(root: &Path) -> Result<Vec<Target>> {
    let mut folders = vec![root.to_owned()];
    for entry in std::fs::read_dir(root)? {
        folders.push(entry?.path());
    }
    let mut found = Vec::new();
    for crate_dir in folders.into_iter().map(|folder| folder.join("fuzz")) {
        let Ok(files) = std::fs::read_dir(crate_dir.join("fuzz_targets")) else { continue };
        for file in files {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "rs") {
                let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                found.push(Target { crate_dir: crate_dir.clone(), name });
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_seconds_may_each_be_left_out() {
        assert_eq!(parse(&[]).unwrap(), (None, SECONDS));
        assert_eq!(parse(&["5"]).unwrap(), (None, 5));
        assert_eq!(parse(&["edxml"]).unwrap(), (Some("edxml"), SECONDS));
        assert_eq!(parse(&["edxml", "5"]).unwrap(), (Some("edxml"), 5));
        assert!(parse(&["edxml", "long"]).is_err());
    }

    #[test]
    fn targets_are_found_in_any_crate() {
        let scratch = crate::scratch::Scratch::new().unwrap();
        assert_eq!(targets(scratch.path()).unwrap(), []);
        let crate_dir = scratch.path().join("infra/fuzz");
        std::fs::create_dir_all(crate_dir.join("fuzz_targets")).unwrap();
        std::fs::write(crate_dir.join("fuzz_targets/edxml.rs"), "").unwrap();
        assert_eq!(targets(scratch.path()).unwrap(), [Target { crate_dir, name: "edxml".into() }]);
        assert!(run(scratch.path(), &["other"]).unwrap_err().to_string().contains("there are: edxml"));
    }
}
