//! Leases of a simulation: in memory, by its clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::Part;

/// Who has which, and until when.
#[derive(Debug, Default)]
pub(crate) struct MemoryLeases(Mutex<BTreeMap<Part, (Uuid, Instant)>>);

impl MemoryLeases {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Part, (Uuid, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives those that are free, have run out or are the holder's own; and how many of them somebody else had before.
    pub(crate) fn take(&self, parts: &[Part], holder: Uuid, lasts: Duration) -> (BTreeSet<Part>, usize) {
        let (now, mut leases) = (Instant::now(), self.lock());
        let free = |part: &&Part| leases.get(part).is_none_or(|(by, until)| *by == holder || *until < now);
        let given: BTreeSet<Part> = parts.iter().filter(free).copied().collect();
        let before = given.iter().filter_map(|part| leases.insert(*part, (holder, now + lasts)));
        let turns = before.filter(|(by, _)| *by != holder).count();
        (given, turns)
    }

    pub(crate) fn release(&self, holder: Uuid) {
        self.lock().retain(|_, (by, _)| *by != holder);
    }
}
