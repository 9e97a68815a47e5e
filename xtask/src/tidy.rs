//! House rules that clippy does not know: no ignored tests, no sleeping tests, no endless files.
//!
//! A line that must break a rule says why in a comment, on it or just above it: `// tidy: the reason`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A longer file is worth splitting: a warning, not an error.
const LONG: usize = 400;

/// The name of the functions that wait for a time; a test waits for what it expects.
const SLEEPING: [&str; 2] = ["sleep", "sleep_until"];

/// Looks at every Rust file under `root`; says how many those were.
pub(crate) fn check(root: &Path) -> Result<String> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    rust_files(root, &mut files)?;
    files.sort();
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file);
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", name.display()))?;
        let lines = text.lines().count();
        if lines > LONG {
            println!("warning: {} has {lines} lines, more than {LONG}: split it", name.display());
        }
        faults.extend(look(name, &text).into_iter().map(|(line, what)| format!("{}:{line}: {what}", name.display())));
    }
    if !faults.is_empty() {
        bail!("against the house rules:\n  {}", faults.join("\n  "));
    }
    Ok(format!("{} files are tidy", files.len()))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if entry.file_type()?.is_dir() {
            // Hidden folders and what cargo built are not ours to judge.
            if !name.to_string_lossy().starts_with('.') && name != "target" {
                rust_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The faults of one file: line number, counted from 1, and what is wrong.
fn look(name: &Path, text: &str) -> Vec<(usize, &'static str)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut in_tests = is_test_file(name);
    let mut faults = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        in_tests |= begins_tests(line, lines.get(index + 1).unwrap_or(&""));
        let above = index.checked_sub(1).map_or("", |above| lines[above]);
        if line.contains("// tidy: ") || above.starts_with("// tidy: ") {
            continue;
        }
        let code = line.split("//").next().unwrap_or_default();
        if code.starts_with("#[ignore") {
            faults.push((index + 1, "an ignored test is no test: make it quick, or its size depend on SOCAI_LONG"));
        }
        if in_tests && SLEEPING.iter().any(|name| calls(code, name)) {
            faults.push((index + 1, "a test does not sleep: wait for a position, a message or a state"));
        }
    }
    faults
}

/// Files that are tests from the first line: the `tests` crate, a crate's `tests` folder, a module `tests.rs`.
fn is_test_file(name: &Path) -> bool {
    name.ends_with("tests.rs") || name.components().any(|part| part.as_os_str() == "tests")
}

/// Tests come last in a file: from their first attribute on, all of it is tests.
fn begins_tests(line: &str, next: &str) -> bool {
    let module = line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{');
    module || line == "#[test]" || line.starts_with("#[tokio::test")
}

/// Whether the code calls a function of exactly this name, by whatever path.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let own = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !own && code[at + name.len()..].starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_at_fault(name: &str, text: &str) -> Vec<usize> {
        look(Path::new(name), text).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn the_workspace_is_tidy() {
        check(&crate::process::workspace_root().unwrap()).unwrap();
    }

    #[test]
    fn an_ignored_test_is_found() {
        assert_eq!(lines_at_fault("domain/src/a.rs", "#[test]\n#[ignore]\nfn a() {}"), [2]);
        assert_eq!(lines_at_fault("domain/src/a.rs", "#[test]\n  #[ignore = \"slow\"]\nfn a() {}"), [2]);
    }

    #[test]
    fn sleeping_is_found_in_tests_only() {
        let call = ["thread::sl", "eep(SECOND);"].concat();
        let until = ["sl", "eep_until(then).await;"].concat();
        assert_eq!(lines_at_fault("infra/src/a.rs", &call), [0; 0]);
        assert_eq!(lines_at_fault("infra/tests/a.rs", &call), [1]);
        assert_eq!(lines_at_fault("tests/src/a.rs", &call), [1]);
        assert_eq!(lines_at_fault("infra/src/a/tests.rs", &until), [1]);
        assert_eq!(lines_at_fault("infra/src/a.rs", &format!("{call}\n#[cfg(test)]\nmod tests {{\n{call}")), [4]);
        assert_eq!(lines_at_fault("infra/src/a.rs", &format!("{call}\n#[tokio::test]\nfn a() {{\n{until}")), [4]);
        assert_eq!(lines_at_fault("infra/src/a.rs", &format!("#[cfg(test)]\nmod tests;\n{call}")), [0; 0]);
        assert_eq!(lines_at_fault("tests/src/a.rs", &format!("// {call}\nfn no_{until}")), [0; 0]);
    }

    #[test]
    fn a_reason_lets_a_line_pass_but_only_that_line() {
        let call = ["sl", "eep(SECOND);"].concat();
        let reason = "// tidy: time is paused here";
        assert_eq!(lines_at_fault("tests/src/a.rs", &format!("{reason}\n{call}\n{call} {reason}\n{call}")), [4]);
    }
}
