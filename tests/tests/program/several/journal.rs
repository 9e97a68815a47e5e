//! What happened when, and what was wrong.

use std::{
    fmt::Display,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Told on standard error as it happens: the test runner shows it when the test fails.
#[derive(Debug)]
pub(super) struct Journal {
    began: Instant,
    wrong: Mutex<Vec<String>>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), wrong: Mutex::default() }
    }

    pub(super) fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.began)
    }

    pub(super) fn say(&self, what: impl Display) {
        eprintln!("{:8.2} {what}", self.began.elapsed().as_secs_f64());
    }

    /// Something that must not be. The run goes on: what comes after it says more.
    pub(super) fn wrong(&self, what: impl Display) {
        self.say(format_args!("WRONG: {what}"));
        self.wrong.lock().unwrap().push(format!("{:.2} {what}", self.began.elapsed().as_secs_f64()));
    }

    pub(super) fn all_wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }
}
