//! Everything CI checks, in order; the quick checks first.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::Message;

use crate::report::{Outcome, Report};
use crate::{arrows, prerequisites, process, readme, tidy};

/// The most that fetching the advisories may take before the step is skipped.
const FETCH_LIMIT: Duration = Duration::from_mins(1);

/// One run of all steps.
struct Run {
    root: PathBuf,
    long: bool,
    /// The `socai` program, once built.
    socai: Option<PathBuf>,
}

type Step = fn(&mut Run) -> Result<Outcome>;

const STEPS: &[(&str, Step)] = &[
    ("prerequisites", |run| prerequisites::ensure(&run.root).map(|()| Outcome::Passed)),
    ("format", |run| run.cargo("fmt --all --check")),
    ("arrows", |run| Ok(say(&arrows::check(&run.root)?))),
    ("tidy", |run| Ok(say(&tidy::check(&run.root)?))),
    ("clippy", |run| run.cargo("clippy --workspace --all-targets --locked -- -D warnings")),
    ("build", build),
    ("tests", tests),
    ("doctests", |run| run.cargo("test --doc --workspace --locked")),
    ("readme", |run| readme::check(&run.root, run.socai.as_deref())),
    ("deny", deny),
    ("advisories", advisories),
];

/// Runs the steps up to the first failure, and prints what each took.
pub(crate) fn run(root: PathBuf, long: bool) -> ExitCode {
    let mut run = Run { root, long, socai: None };
    let mut report = Report::default();
    for (name, step) in STEPS {
        report.step(name, || step(&mut run));
    }
    println!("\n{}", report.table());
    if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Run {
    /// `cargo` with these words, knowing where `socai` is.
    fn cargo(&self, words: &str) -> Result<Outcome> {
        let mut command = process::cargo(&self.root, words.split_whitespace());
        if let Some(socai) = &self.socai {
            command.env("SOCAI_BIN", socai);
        }
        if self.long {
            command.env("SOCAI_LONG", "1");
        }
        process::run(&mut command)?;
        Ok(Outcome::Passed)
    }
}

fn say(result: &str) -> Outcome {
    println!("{result}");
    Outcome::Passed
}

fn build(run: &mut Run) -> Result<Outcome> {
    // The tests with it: the same features for every crate, so nothing is compiled a second time by the next step.
    run.socai = Some(build_socai(&run.root, &["--bins", "--tests"])?);
    Ok(Outcome::Passed)
}

/// Builds these targets of the workspace; the path of the `socai` program among them, as cargo itself tells it.
pub(crate) fn build_socai(root: &Path, targets: &[&str]) -> Result<PathBuf> {
    let args = ["build", "--workspace", "--locked", "--message-format", "json-render-diagnostics"];
    println!("$ cargo build --workspace --locked {}", targets.join(" "));
    let mut child = process::cargo(root, args).args(targets).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("its output is piped")?;
    let mut socai = None;
    for message in Message::parse_stream(std::io::BufReader::new(output)) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.is_bin()
            && artifact.target.name == "socai"
            && !artifact.profile.test
        {
            socai = artifact.executable.map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("the build failed: {status}");
    }
    socai.ok_or_else(|| anyhow!("the workspace has no program `socai`"))
}

fn tests(run: &mut Run) -> Result<Outcome> {
    if process::succeeds(&mut process::cargo(&run.root, ["nextest", "--version"])) {
        let profile = if run.long { "long" } else { "default" };
        return run.cargo(&format!("nextest run --workspace --locked --profile {profile}"));
    }
    println!("cargo-nextest is not installed; cargo test does");
    // `--tests`: the doctests are the next step, benchmarks are none of the tests.
    run.cargo("test --workspace --locked --tests --no-fail-fast")
}

fn has_deny(run: &Run) -> bool {
    process::succeeds(&mut process::cargo(&run.root, ["deny", "--version"]))
}

fn deny(run: &mut Run) -> Result<Outcome> {
    if !has_deny(run) {
        return Ok(Outcome::Skipped("cargo-deny is not installed".into()));
    }
    run.cargo("deny --workspace --all-features --locked check --hide-inclusion-graph licenses bans sources")
}

/// A step of its own: it needs a network, and its result changes with the day.
fn advisories(run: &mut Run) -> Result<Outcome> {
    if !has_deny(run) {
        return Ok(Outcome::Skipped("cargo-deny is not installed".into()));
    }
    println!("$ cargo deny fetch db");
    let mut fetch = process::cargo(&run.root, ["deny", "fetch", "db"]).spawn()?;
    let fetched = process::wait_at_most(&mut fetch, FETCH_LIMIT)?;
    if fetched.is_none() {
        fetch.kill()?;
        fetch.wait()?;
    }
    if fetched.is_none_or(|status| !status.success()) {
        return Ok(Outcome::Skipped("the advisories could not be fetched (no network?)".into()));
    }
    run.cargo("deny --workspace --all-features --locked check --disable-fetch advisories")
}
