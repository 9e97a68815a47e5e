//! How far a rebuild is.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Rebuilt;

/// What a rebuild does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It reads the log and writes rows.
    Building,
    /// It makes the indexes.
    Indexing,
    /// It reads what came meanwhile.
    CatchingUp,
    /// It builds a second time, to compare.
    Checking,
    /// It compares the rows of both.
    Comparing,
    /// It puts the new file in the place of the old one.
    Switching,
}

impl Phase {
    /// All, in their order.
    pub const ALL: [Self; 6] =
        [Self::Building, Self::Indexing, Self::CatchingUp, Self::Checking, Self::Comparing, Self::Switching];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Indexing => "indexing",
            Self::CatchingUp => "catching up",
            Self::Checking => "building a second time to compare",
            Self::Comparing => "comparing",
            Self::Switching => "switching",
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// Of the log's records, as many as this phase has taken in.
    pub done: u64,
    /// As many as it will take in; 0 where a phase does not go by records.
    pub total: u64,
    /// Records per second, in this phase.
    pub rate: u64,
    /// How long it still takes to the end, the second build included, by that rate; none where that is not known.
    pub left: Option<Duration>,
    /// How long it takes already.
    pub elapsed: Duration,
}

impl Progress {
    /// In per cent of the phase.
    pub fn percent(&self) -> u64 {
        (self.done.saturating_mul(100)).checked_div(self.total).unwrap_or(0).min(100)
    }
}

/// Is there a rebuild, and how did the last one end?
#[derive(Clone, Debug, Default)]
pub enum Rebuilding {
    /// None since the program was started.
    #[default]
    No,
    /// It runs.
    Running(Progress),
    /// It is in its place.
    Done(Rebuilt),
    /// It failed; the views are as before.
    Failed(String),
}

impl Rebuilding {
    /// How far it is, while it runs.
    pub fn progress(&self) -> Option<Progress> {
        match self {
            Self::Running(progress) => Some(*progress),
            _ => None,
        }
    }
}

/// Tells how far it is.
pub(crate) struct Teller<'a> {
    to: &'a watch::Sender<Rebuilding>,
    began: Instant,
    phase: Phase,
    phase_began: Instant,
    /// With how many records the phase began: an interrupted one goes on.
    first: u64,
    done: u64,
    total: u64,
    told: Instant,
}

/// So often it is told, at most.
const OFTEN: Duration = Duration::from_millis(200);

impl<'a> Teller<'a> {
    pub(crate) fn new(to: &'a watch::Sender<Rebuilding>) -> Self {
        let now = Instant::now();
        Self { to, began: now, phase: Phase::Building, phase_began: now, first: 0, done: 0, total: 0, told: now }
    }

    /// A phase begins, with so many records of `total`.
    pub(crate) fn begin(&mut self, phase: Phase, done: u64, total: u64) {
        tracing::info!(phase = phase.name(), done, total, "the views are built anew");
        (self.phase, self.phase_began, self.first) = (phase, Instant::now(), done);
        (self.done, self.total) = (done, total);
        self.tell();
    }

    /// So many more.
    pub(crate) fn add(&mut self, records: u64) {
        self.done += records;
        self.total = self.total.max(self.done);
        if self.told.elapsed() >= OFTEN {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.told = Instant::now();
        let progress = self.progress();
        figures(&progress, true);
        self.to.send_replace(Rebuilding::Running(progress));
    }

    fn progress(&self) -> Progress {
        let rate = per_second(self.done - self.first, self.phase_began.elapsed());
        // The second build reads all once more.
        let again = if matches!(self.phase, Phase::Building) { self.total } else { 0 };
        let left = (self.total - self.done.min(self.total)).saturating_add(again);
        let by_records = matches!(self.phase, Phase::Building | Phase::CatchingUp | Phase::Checking);
        Progress {
            phase: self.phase,
            done: self.done,
            total: self.total,
            rate,
            left: left.checked_div(rate).filter(|_| by_records).map(Duration::from_secs),
            elapsed: self.began.elapsed(),
        }
    }

    /// It ended.
    pub(crate) fn end(&self, how: Rebuilding) {
        let outcome = if matches!(how, Rebuilding::Done(_)) { "done" } else { "failed" };
        metrics::counter!("socai_rebuilds_total", "outcome" => outcome).increment(1);
        figures(&Progress { rate: 0, left: None, ..self.progress() }, false);
        self.to.send_replace(how);
    }
}

fn per_second(records: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    records.saturating_mul(1_000) / millis
}

#[allow(clippy::cast_precision_loss)] // gauges for people
fn figures(progress: &Progress, running: bool) {
    metrics::gauge!("socai_rebuild_running").set(f64::from(u8::from(running)));
    for phase in Phase::ALL {
        let here = running && phase == progress.phase;
        metrics::gauge!("socai_rebuild_phase", "phase" => phase.name()).set(f64::from(u8::from(here)));
    }
    metrics::gauge!("socai_rebuild_records_done").set(progress.done as f64);
    metrics::gauge!("socai_rebuild_records_total").set(progress.total as f64);
    metrics::gauge!("socai_rebuild_records_per_second").set(progress.rate as f64);
    metrics::gauge!("socai_rebuild_seconds_left").set(progress.left.map_or(f64::NAN, |left| left.as_secs_f64()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_both_builds_at_the_rate_so_far() {
        let to = watch::Sender::new(Rebuilding::No);
        let mut teller = Teller::new(&to);
        teller.begin(Phase::Building, 100, 1_100);
        assert_eq!(to.borrow().progress().unwrap().left, None, "no rate is known yet");
        teller.phase_began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        teller.told = teller.phase_began;
        teller.add(500);
        let progress = to.borrow().progress().unwrap();
        assert_eq!((progress.done, progress.total, progress.percent()), (600, 1_100, 54));
        assert!((49..=50).contains(&progress.rate), "what was done before an interruption does not count");
        assert_eq!(progress.left.map(|left| left.as_secs() / 10), Some(3), "1 600 at 50 a second");
        teller.begin(Phase::Checking, 0, 1_100);
        teller.begin(Phase::Indexing, 0, 0);
        assert_eq!(to.borrow().progress().unwrap().left, None);
        teller.end(Rebuilding::Failed("full".into()));
        assert!(to.borrow().progress().is_none());
    }

    #[test]
    fn a_total_of_nothing_is_no_per_cent() {
        let progress =
            Progress { phase: Phase::Switching, done: 0, total: 0, rate: 0, left: None, elapsed: Duration::ZERO };
        assert_eq!(progress.percent(), 0);
    }
}
