//! Verifying a ledger from its segment files alone: every checksum, every record's hash, every stream's chain, every log
//! head. Reads only, takes no lock, and can be used while a server writes to the same files.
//!
//! Whoever could write to the files could also make all of this fit again, from some record on to the end. Only a head
//! that was taken out of their reach before ([`verify`]'s `expect`) shows that. A log that a server keeps is verified by what
//! it tells ([`verify_told`]).

mod chains;
mod fault;
mod locate;
mod span;
mod spans;
mod told;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use socai_domain::ledger::{Head, LedgerId, Position, RecordHash};

pub(crate) use self::told::head_of;
use self::{chains::Chains, span::Verified, spans::Plan};
pub use self::{
    fault::{Fault, Wrong},
    told::verify_told,
};
pub use crate::log::walk::Misplaced;
use crate::{
    disk::RealDisk,
    log::file::{
        Damage, Known,
        closed::{self, Closed},
    },
};

/// What was verified.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyReport {
    /// The ledger.
    pub ledger: LedgerId,
    /// How many segment files; none of a log that a server keeps.
    pub segments: usize,
    /// How many records.
    pub records: u64,
    /// How many streams.
    pub streams: usize,
    /// Bytes of batches; of a log that a server keeps, of records.
    pub bytes: u64,
    /// The end of the log as it was found: keep it, and expect it the next time.
    pub head: Head,
    /// A batch at the very end that is not whole, where that is. As far as is known nobody was told that it was taken, and the
    /// next start cuts it.
    pub torn: Option<Damage>,
    /// How long it took.
    pub elapsed: Duration,
}

impl VerifyReport {
    /// Records per second.
    #[allow(clippy::cast_precision_loss)] // a rate for people
    pub fn rate(&self) -> f64 {
        self.records as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of segment files that were looked at; of a log that a server keeps, records.
    pub done: u64,
    /// All of them.
    pub total: u64,
    /// Records verified.
    pub records: u64,
}

/// Verifies the ledger in `dir` on all cores. With `expect`, the log must have had this head at this position; with `known`,
/// it must go on to there at least, because somebody was told so.
pub fn verify(
    dir: &Path,
    expect: Option<(Position, RecordHash)>,
    known: Known,
    on_progress: impl FnMut(Progress),
) -> Result<VerifyReport, Fault> {
    verify_on(std::thread::available_parallelism().map_or(1, usize::from), dir, expect, known, on_progress)
}

/// The same on so many threads.
pub fn verify_on(
    threads: usize,
    dir: &Path,
    expect: Option<(Position, RecordHash)>,
    known: Known,
    mut on_progress: impl FnMut(Progress),
) -> Result<VerifyReport, Fault> {
    let disk = RealDisk::new(dir);
    // Where there is no directory, `Plan` says so.
    let marker = || if dir.is_dir() { closed::look(&disk) } else { Ok(None) };
    let before = marker()?;
    let found = attempt(threads, dir, expect, known, before, &mut on_progress);
    if matches!(&found, Ok(report) if report.torn.is_none()) {
        return found;
    }
    if marker()? == before {
        return found;
    }
    // A server started or stopped meanwhile, and what looked wrong may have been its work: once more, and as it may do so
    // again, the marker says nothing.
    attempt(threads, dir, expect, known, None, &mut on_progress)
}

fn attempt(
    threads: usize,
    dir: &Path,
    expect: Option<(Position, RecordHash)>,
    known: Known,
    marker: Option<Closed>,
    on_progress: &mut impl FnMut(Progress),
) -> Result<VerifyReport, Fault> {
    let started = Instant::now();
    let disk = RealDisk::new(dir);
    let plan = Plan::make(&disk, dir, expect, known, marker)?;
    let mut chains = Chains::new(&plan);
    let mut done = 0;
    let mut merge = |index: usize, verified: Verified| -> Result<(), Fault> {
        chains.add(&plan, index, &verified)?;
        plan.give_back(verified.links);
        done += plan.spans[index].len();
        on_progress(Progress { done, total: plan.total(), records: chains.place() });
        Ok(())
    };
    if threads <= 1 {
        for (index, span) in plan.spans.iter().enumerate() {
            merge(index, span::verify(&plan, span)?)?;
        }
    } else {
        in_parallel(&plan, threads, &mut merge)?;
    }
    plan.check_end(&chains)?;
    Ok(VerifyReport {
        ledger: plan.ledger(),
        segments: plan.segments.len(),
        records: chains.place(),
        streams: chains.streams(),
        bytes: chains.bytes(),
        head: Head {
            position: Position::new(plan.ledger(), plan.epoch(), chains.place()),
            records: chains.place(),
            hash: chains.head().unwrap_or(RecordHash([0; 32])),
            recorded: chains.recorded().unwrap_or_default(),
        },
        torn: chains.torn(),
        elapsed: started.elapsed(),
    })
}

/// Spans are verified by several threads and joined by this one, in order: the first fault in the log is the one told.
fn in_parallel(
    plan: &Plan,
    threads: usize,
    merge: &mut impl FnMut(usize, Verified) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let (claimed, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, results) = mpsc::sync_channel(4 * threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, claimed, stop) = (sender.clone(), &claimed, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = claimed.fetch_add(1, Ordering::Relaxed);
                    let Some(span) = plan.spans.get(index) else { break };
                    let verified = span::verify(plan, span);
                    stop.fetch_or(verified.is_err(), Ordering::Relaxed);
                    if sender.send((index, verified)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (index, verified) in results {
            early.insert(index, verified);
            while let Some(verified) = early.remove(&next) {
                if let Err(fault) = verified.and_then(|verified| merge(next, verified)) {
                    stop.store(true, Ordering::Relaxed);
                    return Err(fault);
                }
                next += 1;
            }
        }
        Ok(())
    })
}
