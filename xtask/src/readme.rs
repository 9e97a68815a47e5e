//! README blocks that are really run.
//!
//! A block marked so is run as if typed into one terminal, with all others of the file, from top to bottom:
//!
//! ````text
//! <!-- run -->
//! ```console
//! $ socai verify --data demo
//! … records in 12 streams …
//! …
//! ```
//! ````
//!
//! - They start in a fresh copy of the repository; `cd`, variables and programs in the background (`&`) stay until the
//!   end. `socai` is the one just built. There is no standard input.
//! - Every command must succeed. Where failing is the point: `$ socai verify --data demo || echo "exit status $?"`.
//! - The lines after a command are what it prints, both streams together. `…` in a line stands for any text, `…` alone
//!   for any number of lines. With no line after it, a command may print what it likes.
//! - A command that ends with `\` goes on in the next line. Comments have no place in a command.

mod blocks;
mod session;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::report::Outcome;
use crate::scratch::Scratch;
use crate::{ci, process};

/// Runs the marked blocks of `README.md`, with the program `socai` if given, else with one built now.
pub(crate) fn check(root: &Path, socai: Option<&Path>) -> Result<Outcome> {
    let readme = root.join("README.md");
    if !readme.is_file() {
        return Ok(Outcome::Skipped("there is no README.md yet".into()));
    }
    let commands = blocks::parse(&std::fs::read_to_string(readme).context("cannot read README.md")?)?;
    if commands.is_empty() {
        return Ok(Outcome::Skipped("README.md has no block marked <!-- run -->".into()));
    }
    let given = socai.map(Path::to_owned).or_else(|| std::env::var_os("SOCAI_BIN").map(Into::into));
    let socai = match given {
        Some(socai) => root.join(socai),
        None => ci::build_socai(root, &["--bins"])?,
    };
    let programs = socai.parent().context("a program lies in a folder")?;
    if !socai.is_file() {
        bail!("there is no program {}", socai.display());
    }
    let copy = Scratch::new()?;
    copy_repository(root, copy.path())?;
    session::run(&commands, copy.path(), programs, session::LIMIT)?;
    println!("{} commands of README.md do what it says", commands.len());
    Ok(Outcome::Passed)
}

/// What git knows or would add: no build output, no data that a developer left behind.
fn copy_repository(from: &Path, to: &Path) -> Result<()> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = process::program("git", from).args(list).output().context("cannot start git")?;
    if !output.status.success() {
        bail!("git cannot list the files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    for name in names.split_terminator('\0') {
        let (source, target) = (from.join(name), to.join(name));
        // Listed, but deleted in the work tree: not there for the reader, either.
        if source.is_file() {
            std::fs::create_dir_all(target.parent().unwrap_or(to))?;
            std::fs::copy(&source, &target).with_context(|| format!("cannot copy {name}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with this README and a `socai` that prints its arguments.
    fn repository(readme: &str) -> Scratch {
        let scratch = Scratch::new().unwrap();
        let programs = scratch.path().join("target/debug");
        std::fs::create_dir_all(&programs).unwrap();
        std::fs::write(scratch.path().join("README.md"), readme).unwrap();
        std::fs::write(scratch.path().join(".gitignore"), "/target\n").unwrap();
        std::fs::write(programs.join("socai"), "#!/bin/sh\necho \"ran $*\"\n").unwrap();
        process::run(process::program("chmod", &programs).args(["+x", "socai"])).unwrap();
        process::run(process::program("git", scratch.path()).args(["init", "--quiet"])).unwrap();
        scratch
    }

    fn check_readme(readme: &str) -> Result<Outcome> {
        let repository = repository(readme);
        check(repository.path(), Some(&repository.path().join("target/debug/socai")))
    }

    #[test]
    fn the_built_program_runs_in_a_copy() {
        let readme = "<!-- run -->\n```console\n$ socai demo --exit\nran demo --exit\n$ ls\nREADME.md\n```\n";
        assert_eq!(check_readme(readme).unwrap(), Outcome::Passed);
    }

    #[test]
    fn what_it_says_must_be_so() {
        let error = check_readme("<!-- run -->\n```console\n$ socai demo\nran nothing\n```\n").unwrap_err();
        assert!(error.to_string().contains("ran demo"), "{error}");
    }

    #[test]
    fn without_a_marked_block_nothing_is_run_and_that_is_said() {
        let skipped = |outcome| matches!(outcome, Outcome::Skipped(_));
        let repository = repository("```console\n$ false\n```\n");
        assert!(skipped(check(repository.path(), Some(Path::new("no-such-program"))).unwrap()));
        std::fs::remove_file(repository.path().join("README.md")).unwrap();
        assert!(skipped(check(repository.path(), None).unwrap()));
    }
}
