//! The marked blocks of a README, and whether an output is the one it shows.

use anyhow::{Result, bail, ensure};

const MARK: &str = "<!-- run -->";
const ANYTHING: &str = "…";

/// A command and what it should print.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The line of the README where it stands, counted from 1.
    pub(super) line: usize,
    /// What the shell is given.
    pub(super) text: String,
    /// The lines it should print; none: anything.
    pub(super) expected: Vec<String>,
}

/// The commands of all marked blocks, in order.
pub(super) fn parse(readme: &str) -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    let mut lines = readme.lines().zip(1..);
    let mut marked = false;
    while let Some((line, number)) = lines.next() {
        let after_mark = std::mem::replace(&mut marked, line.trim() == MARK);
        let fence = fence(line);
        if fence.is_empty() {
            ensure!(!after_mark, "README.md:{number}: {MARK} must stand on the line before a ```console block");
            continue;
        }
        if after_mark {
            let kind = line.trim().trim_start_matches('`');
            ensure!(kind == "console", "README.md:{number}: a block marked {MARK} is a ```console block, not `{kind}`");
        }
        let body: Vec<_> = lines.by_ref().take_while(|(line, _)| line.trim() != fence).collect();
        if after_mark {
            commands.extend(parse_block(&body, number)?);
        }
    }
    ensure!(!marked, "README.md ends after {MARK}");
    Ok(commands)
}

/// The backticks that begin a fenced block; empty if the line begins none.
fn fence(line: &str) -> &str {
    let line = line.trim();
    let length = line.len() - line.trim_start_matches('`').len();
    if length >= 3 { &line[..length] } else { "" }
}

fn parse_block(body: &[(&str, usize)], block: usize) -> Result<Vec<Command>> {
    let mut commands: Vec<Command> = Vec::new();
    for &(line, number) in body {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(text), _) => {
                ensure!(!has_comment(text), "README.md:{number}: a command that is run has no comment");
                commands.push(Command { line: number, text: text.into(), expected: vec![] });
            }
            (None, Some(last)) if last.expected.is_empty() && last.text.ends_with('\\') => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            (None, Some(last)) => last.expected.push(line.trim_end().into()),
            (None, None) => bail!("README.md:{number}: a block that is run begins with `$ ` and a command"),
        }
    }
    ensure!(!commands.is_empty(), "README.md:{block}: a block that is run has at least one command");
    for command in &mut commands {
        // An empty line before the next command is there for the eye.
        while command.expected.last().is_some_and(String::is_empty) {
            command.expected.pop();
        }
    }
    Ok(commands)
}

/// A `#` that begins a word, outside of quotes, begins a comment.
fn has_comment(text: &str) -> bool {
    let (mut quote, mut before) = (None, ' ');
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return true,
            _ => {}
        }
        before = c;
    }
    false
}

/// Whether the output is what these lines show.
pub(super) fn matches(expected: &[String], output: &str) -> bool {
    let output: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    expected.is_empty()
        || wildcard(expected, &output, |line| line.trim() == ANYTHING, |line, shown| line_matches(line, shown))
}

fn line_matches(line: &str, shown: &str) -> bool {
    let (line, shown): (Vec<char>, Vec<char>) = (line.chars().collect(), shown.chars().collect());
    wildcard(&line, &shown, |c| ANYTHING.starts_with(*c), |one, other| one == other)
}

/// Whether `text` is `pattern`, where a wildcard of the pattern stands for any number of items.
///
/// Going back to the last wildcard is enough: what the earlier ones took need never change.
fn wildcard<P, T>(pattern: &[P], text: &[T], wild: impl Fn(&P) -> bool, same: impl Fn(&P, &T) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // After the last wildcard: the place in the pattern, and how far into the text the wildcard reaches.
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p).is_some_and(&wild) {
            p += 1;
            back = Some((p, t));
        } else if pattern.get(p).is_some_and(|item| same(item, &text[t])) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, reach)) = back {
            (p, t) = (after, reach + 1);
            back = Some((after, reach + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(wild)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(expected: &str, output: &str) -> bool {
        matches(&expected.lines().map(String::from).collect::<Vec<_>>(), output)
    }

    #[test]
    fn only_marked_blocks_are_taken() {
        let readme = "# socai\n```console\n$ no\n```\n<!-- run -->\n```console\n$ one \\\n  --two\nshown\n\n$ three\n```\n\
                      ````text\n<!-- run -->\n```console\n$ no\n```\n````\n";
        let command = |line, text: &str, expected: &[&str]| Command {
            line,
            text: text.into(),
            expected: expected.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(parse(readme).unwrap(), [command(7, "one \\\n  --two", &["shown"]), command(11, "three", &[])]);
    }

    #[test]
    fn a_mark_that_would_run_nothing_is_an_error() {
        let wrong = [
            "<!-- run -->",
            "<!-- run -->\n\n```console\n$ true\n```",
            "<!-- run -->\n```sh\ntrue\n```",
            "<!-- run -->\n```console\n```",
            "<!-- run -->\n```console\nshown\n$ true\n```",
            "<!-- run -->\n```console\n$ true # a comment\n```",
        ];
        for readme in wrong {
            assert!(parse(readme).is_err(), "{readme}");
        }
        assert!(parse("<!-- run -->\n```console\n$ echo '# no comment' a#b\n```").is_ok());
    }

    #[test]
    fn lines_are_matched_whole_and_in_order() {
        assert!(shows("one\ntwo", "one\ntwo\n\n"));
        assert!(!shows("one", "one\ntwo"));
        assert!(!shows("one\ntwo", "one"));
        assert!(!shows("two\none", "one\ntwo"));
        assert!(!shows("one", "one more"));
        assert!(shows("", "whatever"));
    }

    #[test]
    fn the_wildcard_stands_for_text_or_for_lines() {
        assert!(shows("… records, head …", "12 records, head 3f9a"));
        assert!(shows("a…b…c", "a-b-b-c"));
        assert!(!shows("a…b…c", "a-b-b"));
        assert!(!shows("… records", "12 records\n"[..9].trim()));
        assert!(shows("…", "") && shows("…", "one\ntwo"));
        assert!(shows("one\n…\nfour", "one\ntwo\nthree\nfour"));
        assert!(shows("one\n…\nfour", "one\nfour"));
        assert!(!shows("one\n…\nfour", "one\ntwo"));
        assert!(!shows("…\nfour", "four\nfive"));
    }
}
