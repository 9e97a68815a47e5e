//! A run of named steps: the first failure ends the work, the table at the end shows all of them.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How a step that did not fail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Checked, and good.
    Passed,
    /// Could not be checked here; the reason is printed.
    Skipped(String),
}

#[derive(Debug)]
enum Ending {
    Passed,
    Skipped(String),
    Failed,
    NotRun,
}

struct Row {
    name: &'static str,
    ending: Ending,
    took: Duration,
}

/// What has been run so far, and how it went.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Runs a step and notes how it ended, or only notes it when an earlier one has failed.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        if self.failed() > 0 {
            self.rows.push(Row { name, ending: Ending::NotRun, took: Duration::ZERO });
            return;
        }
        println!("\n== {name}");
        let start = Instant::now();
        let ending = match work() {
            Ok(Outcome::Passed) => Ending::Passed,
            Ok(Outcome::Skipped(reason)) => {
                println!("skipped: {reason}");
                Ending::Skipped(reason)
            }
            Err(error) => {
                println!("failed: {error:#}");
                Ending::Failed
            }
        };
        self.rows.push(Row { name, ending, took: start.elapsed() });
    }

    /// How many steps failed: none or one.
    pub(crate) fn failed(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.ending, Ending::Failed)).count()
    }

    /// The table, and as the last line the summary.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for Row { name, ending, took } in &self.rows {
            let seconds = took.as_secs_f64();
            // Writing to a string cannot fail.
            let _ = match ending {
                Ending::Passed => writeln!(text, "{name:<16} {seconds:>8.1} s  passed"),
                Ending::Skipped(reason) => writeln!(text, "{name:<16} {seconds:>8.1} s  skipped: {reason}"),
                Ending::Failed => writeln!(text, "{name:<16} {seconds:>8.1} s  FAILED"),
                Ending::NotRun => writeln!(text, "{name:<16} {:>10}  not run", "-"),
            };
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        let passed = self.rows.iter().filter(|row| matches!(row.ending, Ending::Passed)).count();
        let _ = writeln!(text, "{:<16} {:>8.1} s\n", "total", total.as_secs_f64());
        let _ = write!(text, "{passed} passed, {} failed", self.failed());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_ends_the_work_but_not_the_table() {
        let mut report = Report::default();
        report.step("one", || Ok(Outcome::Passed));
        report.step("two", || Ok(Outcome::Skipped("no tool".into())));
        report.step("three", || anyhow::bail!("wrong"));
        report.step("four", || panic!("must not run"));
        let table = report.table();
        assert_eq!(report.failed(), 1);
        let ends: Vec<_> = table.lines().filter_map(|line| line.split_once(" s  ").map(|(_, end)| end)).collect();
        assert_eq!(ends, ["passed", "skipped: no tool", "FAILED"]);
        assert!(table.contains("four") && table.contains("not run"), "{table}");
        assert_eq!(table.lines().last(), Some("1 passed, 1 failed"));
    }
}
