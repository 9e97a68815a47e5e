//! The closed loop, and what came of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use socai_domain::ledger::{Append, AppendError, Appended, Draft, EventKind, Expected, StreamId, StreamKind};
use uuid::Uuid;

/// Length of every record, header included.
pub(crate) const RECORD_LEN: usize = 300;

/// What takes appends.
pub(crate) trait Log: Send + Sync + 'static {
    /// Answers when the append is durable.
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>>;
}

/// What came of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Per second.
    pub(crate) rate: f64,
    /// In microseconds.
    pub(crate) p50: f64,
    /// In microseconds.
    pub(crate) p99: f64,
}

impl Figures {
    /// From the time that each operation took, in nanoseconds.
    #[allow(clippy::cast_precision_loss)] // figures for people
    pub(crate) fn of(mut nanos: Vec<u64>, elapsed: Duration) -> Self {
        nanos.sort_unstable();
        let at = |share: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
            let index = ((nanos.len() as f64 * share) as usize).min(nanos.len().saturating_sub(1));
            nanos.get(index).map_or(f64::NAN, |&nanos| nanos as f64 / 1e3)
        };
        Self { rate: nanos.len() as f64 / elapsed.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }
}

fn draft(seed: u64) -> Draft {
    // Sealed bodies look random.
    let mut body = Vec::with_capacity(RECORD_LEN - 100);
    let mut state = seed;
    while body.len() < RECORD_LEN - 100 {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        body.extend_from_slice(&state.to_le_bytes());
    }
    body.truncate(RECORD_LEN - 100);
    Draft { kind: EventKind::new(401), organ: Uuid::from_u128(1), person: Uuid::from_u128(2), body }
}

/// So many writers, each with a stream of its own, each waiting for every answer.
pub(crate) fn run<L: Log>(log: &Arc<L>, writers: usize, time: Duration) -> Figures {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime starts");
    runtime.block_on(async {
        let started = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let log = Arc::clone(log);
                tokio::spawn(async move {
                    let stream = StreamId::new(StreamKind::Incoming, Uuid::new_v5(&Uuid::nil(), &writer.to_le_bytes()));
                    let (mut nanos, mut expected) = (Vec::new(), Expected::New);
                    while started.elapsed() < time {
                        let drafts = vec![draft(writer as u64 ^ (nanos.len() as u64) << 20)];
                        let asked = Instant::now();
                        let appended = log.append(Append { stream, expected, drafts }).await.expect("it is taken");
                        nanos.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
                        expected = Expected::At(appended.last().revision);
                    }
                    nanos
                })
            })
            .collect();
        let mut nanos = Vec::new();
        for task in tasks {
            nanos.extend(task.await.expect("no writer panics"));
        }
        Figures::of(nanos, started.elapsed())
    })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let values = sorted(values);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The middle one, the least and the most, as whole numbers.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> String {
    let values = sorted(values);
    match values.as_slice() {
        [] => "-".into(),
        [least, .., most] | [least @ most] => format!("{:.0} [{least:.0}–{most:.0}]", values[values.len() / 2]),
    }
}

/// The same with two digits after the point.
pub(crate) fn spread_fine(values: impl Iterator<Item = f64>) -> String {
    let values = sorted(values);
    match values.as_slice() {
        [] => "-".into(),
        [least, .., most] | [least @ most] => format!("{:.2} [{least:.2}–{most:.2}]", values[values.len() / 2]),
    }
}
