//! One shell, in which the commands are typed one after the other.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::blocks::{Command, matches};
use crate::process;
use crate::scratch::Scratch;

/// The most that all commands together may take.
pub(super) const LIMIT: Duration = Duration::from_mins(5);

/// Runs the commands in `dir`, with `programs` first on `PATH`; the first that fails or prints something else ends it.
pub(super) fn run(commands: &[Command], dir: &Path, programs: &Path, limit: Duration) -> Result<()> {
    let notes = Scratch::new()?;
    let mut script = String::new();
    for (index, command) in commands.iter().enumerate() {
        std::fs::write(notes.path().join(format!("{index}.sh")), format!("{}\n", command.text))?;
        // Sourced, so that `cd`, variables and background jobs last; writing to a string cannot fail.
        let _ = writeln!(script, r#". "$NOTES/{index}.sh" >"$NOTES/{index}.out" 2>&1; status=$?"#);
        let _ = writeln!(script, r#"echo "$status" >"$NOTES/{index}.status"; [ "$status" -eq 0 ] || exit 0"#);
    }
    let mut path = vec![programs.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(path).context("a folder of PATH has a colon in its name")?;
    let mut shell = process::program("bash", dir)
        .args(["--norc", "--noprofile", "-c", &script])
        .env("NOTES", notes.path())
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("TERM", "dumb")
        .process_group(0)
        .spawn()
        .context("cannot start bash")?;
    let ended = process::wait_at_most(&mut shell, limit)?.is_some();
    // What still runs in the background ends here, and after the limit the shell with it.
    process::succeeds(process::program("bash", dir).args(["-c", "kill -KILL -- \"-$0\"", &shell.id().to_string()]));
    shell.wait()?;
    commands.iter().enumerate().try_for_each(|(index, command)| judge(command, index, notes.path(), ended))
}

/// Holds what one command did against what the README says.
fn judge(command: &Command, index: usize, notes: &Path, ended: bool) -> Result<()> {
    let Command { line, text, expected } = command;
    let output = std::fs::read(notes.join(format!("{index}.out"))).unwrap_or_default();
    let output = String::from_utf8_lossy(&output);
    let Ok(status) = std::fs::read_to_string(notes.join(format!("{index}.status"))) else {
        let what =
            if ended { "ended the shell" } else { "did not end in time; should it run in the background (`&`)?" };
        bail!("README.md:{line}: `{text}` {what}\n{output}");
    };
    if status.trim() != "0" {
        bail!("README.md:{line}: `{text}` ended with exit status {}\n{output}", status.trim());
    }
    if !matches(expected, &output) {
        bail!("README.md:{line}: `{text}` printed\n{output}\nwhere the README shows\n{}", expected.join("\n"));
    }
    println!("README.md:{line}: $ {text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::blocks::parse;
    use super::*;

    fn run_lines(lines: &str, limit: Duration) -> Result<()> {
        let dir = Scratch::new().unwrap();
        let commands = parse(&format!("<!-- run -->\n```console\n{lines}\n```\n")).unwrap();
        run(&commands, dir.path(), dir.path(), limit)
    }

    fn error(lines: &str) -> String {
        run_lines(lines, LIMIT).unwrap_err().to_string()
    }

    #[test]
    fn the_folder_and_variables_last_from_command_to_command() {
        let lines = "$ mkdir inner; cd inner; export NAME=ledger\n$ echo $NAME >file; ls ..\ninner\n$ cat file\nledger";
        run_lines(lines, LIMIT).unwrap();
    }

    #[test]
    fn both_streams_are_compared_with_wildcards() {
        run_lines("$ echo one; echo two >&2; echo three\n…\ntwo\nthr…", LIMIT).unwrap();
        assert!(error("$ echo one\ntwo").contains("printed\none"));
    }

    #[test]
    fn a_failing_command_is_named_and_the_rest_is_not_run() {
        let said = error("$ true\n$ echo oh; exit_status() { return 3; }; exit_status\n$ echo never");
        assert!(said.starts_with("README.md:4") && said.contains("exit status 3\noh"), "{said}");
        assert!(error("$ socai-no-such-program").contains("exit status 127"));
        assert!(error("$ if then").contains("README.md:3"));
        assert!(error("$ exit 0").contains("ended the shell"));
    }

    #[test]
    fn standard_input_is_empty() {
        run_lines("$ wc -c\n0", LIMIT).unwrap();
    }

    #[test]
    fn what_runs_in_the_background_ends_with_the_session() {
        let dir = Scratch::new().unwrap();
        process::run(process::program("mkfifo", dir.path()).arg("pipe")).unwrap();
        let pipe = dir.path().join("pipe");
        // Reads to the end only when nobody holds the other end any more.
        let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
        let session = "<!-- run -->\n```console\n$ exec 3>pipe\n$ tail -f /dev/null &\n$ echo on >&3\n```\n";
        run(&parse(session).unwrap(), dir.path(), dir.path(), LIMIT).unwrap();
        assert_eq!(reader.join().unwrap(), "on\n");
    }

    #[test]
    fn a_command_that_does_not_end_is_named() {
        let said = run_lines("$ tail -f /dev/null", Duration::from_millis(500)).unwrap_err().to_string();
        assert!(said.contains("did not end in time"), "{said}");
    }
}
