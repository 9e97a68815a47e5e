//! Golden files: the tests that compare with them write them anew.

use std::path::Path;

use anyhow::Result;

use crate::process;

/// Runs the tests whose path contains `filter` with `SOCAI_UPDATE_GOLDEN=1`, then shows what changed.
pub(crate) fn run(root: &Path, filter: &str) -> Result<()> {
    let mut tests = process::cargo(root, ["test", "--workspace", "--locked", "--tests", "--quiet", filter]);
    process::run(tests.env("SOCAI_UPDATE_GOLDEN", "1"))?;
    if process::succeeds(process::program("git", root).args(["rev-parse", "--is-inside-work-tree"])) {
        println!("\nchanged files (look at each before you commit it):");
        process::run(process::program("git", root).args(["status", "--short"]))?;
    }
    Ok(())
}
