//! The program that keeps the ledger's rules against a KurrentDB cluster, linked so that it needs nothing where it runs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::process;

/// Builds it in release, with the C library inside; where it is.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    let target = target()?;
    let arguments = ["build", "--release", "--locked", "--package", "socai-conformance", "--target", &target];
    process::run(process::cargo(root, arguments).env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
    let program = metadata.target_directory.as_std_path().join(target).join("release/socai-conformance");
    if asks_for_a_loader(&std::fs::read(&program)?) {
        bail!("{} is not static: it asks for a loader of the machine that it runs on", program.display());
    }
    Ok(program)
}

/// What this machine's own toolchain builds for.
fn target() -> Result<String> {
    let told = process::program("rustc", Path::new("/")).arg("-vV").output().context("cannot start rustc")?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_owned())
}

/// Has an ELF file of 64 bits, little-endian, a segment that names a program to load it (`PT_INTERP`)?
fn asks_for_a_loader(file: &[u8]) -> bool {
    const INTERP: u32 = 3;
    let number = |at: usize, bytes: usize| {
        let field = file.get(at..at + bytes).unwrap_or_default();
        field.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|segment| number(table + segment * size, 4) == INTERP as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_linked_with_the_machines_libraries_asks_for_a_loader() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(asks_for_a_loader(&this));
        assert!(!asks_for_a_loader(&[]));
    }
}
