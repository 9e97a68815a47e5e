//! Starting other programs: always without standard input, so that nothing ever waits for an answer.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What `cargo run` sets for the program it runs. Passed on, it would make build scripts that watch these run again.
const SET_BY_CARGO_RUN: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_PACKAGE"];

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn workspace_root() -> Result<PathBuf> {
    // Read at run time, not baked in: the checkout may have moved since xtask was built.
    match std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) {
        Some(xtask) => Ok(xtask.parent().context("xtask lies in the workspace")?.to_owned()),
        None => std::env::current_dir().context("no current folder"),
    }
}

/// A program to run in `dir`, without standard input.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(dir).stdin(Stdio::null()).env_remove("OUT_DIR");
    for (key, _) in std::env::vars_os() {
        if key.to_str().is_some_and(|key| SET_BY_CARGO_RUN.iter().any(|prefix| key.starts_with(prefix))) {
            command.env_remove(key);
        }
    }
    command
}

/// `cargo ARGS…` with the cargo that runs us. Tests never rewrite golden files unless asked to.
pub(crate) fn cargo<'a>(root: &Path, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), root);
    command.args(args).env_remove("SOCAI_UPDATE_GOLDEN");
    command
}

/// Runs to the end with our output; an exit status other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// Whether the command starts and succeeds; what it prints is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Whether a program of this name is on `PATH`.
pub(crate) fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Waits for the child, but no longer than `limit`; `None` when it still runs then.
pub(crate) fn wait_at_most(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The command as one would type it; `cargo` without its folder.
fn show(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(name).chain(command.get_args()).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let error = run(&mut program("false", Path::new("/"))).unwrap_err().to_string();
        assert!(error.starts_with("`false` failed"), "{error}");
        run(&mut program("true", Path::new("/"))).unwrap();
    }

    #[test]
    fn a_program_that_does_not_exist_neither_succeeds_nor_is_on_the_path() {
        assert!(!succeeds(&mut program("socai-no-such-program", Path::new("/"))));
        assert!(!on_path("socai-no-such-program"));
        assert!(on_path("sh"));
    }

    #[test]
    fn waiting_ends_with_the_limit() {
        let mut child = program("tail", Path::new("/")).args(["-f", "/dev/null"]).spawn().unwrap();
        assert_eq!(wait_at_most(&mut child, Duration::ZERO).unwrap(), None);
        child.kill().unwrap();
        assert!(wait_at_most(&mut child, Duration::from_mins(1)).unwrap().is_some());
    }
}
