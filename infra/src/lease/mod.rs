//! Several servers on one log: which of them does what only one may do at a time.
//!
//! Each server carries out commands and answers questions. The [parts](Part) that write what all share, the views, the
//! notary's tree and the next steps of what was begun, run where the part's *lease* is: a row that its holder renews, and
//! that another server takes once it has run out. Who holds a lease may be paused at any moment and go on much later, so no
//! lease is relied on: each write of a part has a fence of its own (the views' checkpoint, the notary's holder, the
//! revision that a step expects). A lease only says whose turn it is to try.

mod holds;
#[cfg(test)]
pub(crate) mod memory;
mod postgres;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use socai_projections::Lease;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout_at},
};
use uuid::Uuid;

pub(crate) use holds::PostgresHolds;
pub(crate) use postgres::{CHECKPOINTS, PostgresCheckpoints, PostgresLeases};

/// What runs on one server at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Keeps views in step that all servers read.
    Views,
    /// Signs heads of the tree over all records.
    Notary,
    /// Takes the next steps of what was begun.
    Reactions,
}

impl Part {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Notary => "notary",
            Self::Reactions => "reactions",
        }
    }
}

/// How long a lease lasts that nobody renews.
const LASTS: Duration = Duration::from_secs(5);
/// So much earlier its holder stops to rely on it.
const MARGIN: Duration = Duration::from_secs(1);
/// How often each lease is asked for.
const EVERY: Duration = Duration::from_secs(1);

/// Where the leases are. Its own clock says which have run out.
pub(crate) trait Leases: fmt::Debug + Send + Sync + 'static {
    /// Gives `holder` those of these leases that are free, have run out, or are its own, for `lasts` from now; says which.
    fn take<'a>(
        &'a self,
        parts: &'a [Part],
        holder: Uuid,
        lasts: Duration,
    ) -> BoxFuture<'a, Result<BTreeSet<Part>, String>>;

    /// Lets go of all that `holder` has.
    fn release(&self, holder: Uuid) -> BoxFuture<'_, Result<(), String>>;
}

/// Asks for the leases of a server for as long as it lives.
#[derive(Debug)]
pub(crate) struct Keeper {
    rights: Rights,
    stop: watch::Sender<bool>,
    keeping: JoinHandle<()>,
}

impl Keeper {
    /// Begins to. Has asked once when it is ready.
    pub(crate) async fn start(leases: impl Leases, parts: &'static [Part]) -> Self {
        let rights: Rights = parts.iter().map(|part| Right::to(*part)).collect();
        let (stop, stopping) = watch::channel(false);
        let mut keeping =
            Keeping { leases, holder: Uuid::now_v7(), rights: Arc::clone(&rights), until: Instant::now() };
        keeping.ask().await;
        Self { rights, stop, keeping: tokio::spawn(keeping.run(stopping)) }
    }

    /// The right to run this part.
    pub(crate) fn lease(&self, part: Part) -> Lease {
        let right = self.rights.iter().find(|right| right.part == part);
        right.map_or_else(Lease::unshared, |right| Lease::shared(right.held.subscribe()))
    }

    /// To be called when the part fails here: this server asks for its lease no more, until it is told otherwise, and another
    /// one may try.
    pub(crate) fn giving_up(&self, part: Part) -> impl Fn(bool) + Send + 'static {
        let rights = Arc::clone(&self.rights);
        move |gives_up| {
            for right in rights.iter().filter(|right| right.part == part) {
                right.given_up.store(gives_up, Ordering::Relaxed);
            }
        }
    }

    /// Lets go of all leases, so that another server need not wait until they have run out.
    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        // It does nothing that could panic.
        let _ = self.keeping.await;
    }
}

/// The right to run a part.
#[derive(Debug)]
struct Right {
    part: Part,
    held: watch::Sender<bool>,
    /// It fails here: another server may try.
    given_up: AtomicBool,
}

impl Right {
    fn to(part: Part) -> Self {
        Self { part, held: watch::Sender::new(false), given_up: AtomicBool::new(false) }
    }
}

/// Those of this server.
type Rights = Arc<[Right]>;

struct Keeping<L> {
    leases: L,
    holder: Uuid,
    rights: Rights,
    /// What is held is relied on up to then.
    until: Instant,
}

impl<L: Leases> Keeping<L> {
    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        loop {
            let next = Instant::now() + EVERY;
            tokio::select! {
                // The sender lives longer.
                _ = stopping.wait_for(|stop| *stop) => break,
                () = sleep_until(next) => {}
            }
            self.ask().await;
        }
        self.tell(&BTreeSet::new());
        if let Err(why) = self.leases.release(self.holder).await {
            tracing::debug!(why, "leases are not let go of; they run out");
        }
    }

    /// Asks once. While there is no answer, what is held stays so until it may have run out.
    async fn ask(&mut self) {
        let asked = Instant::now();
        if asked >= self.until {
            // This program stood still, or nothing was heard for too long.
            self.tell(&BTreeSet::new());
        }
        let holds = self.rights.iter().any(|right| *right.held.borrow());
        let wanted = self.rights.iter().filter(|right| !right.given_up.load(Ordering::Relaxed));
        let parts: Vec<Part> = wanted.map(|right| right.part).collect();
        let patience = if holds { self.until } else { asked + LASTS - MARGIN };
        match timeout_at(patience, self.leases.take(&parts, self.holder, LASTS)).await {
            Ok(Ok(held)) => {
                // From when it was asked: the lease began at the earliest then.
                self.until = asked + LASTS - MARGIN;
                self.tell(&if Instant::now() < self.until { held } else { BTreeSet::new() });
            }
            Ok(Err(why)) => {
                tracing::warn!(why, "leases cannot be asked for; what this server has, it has until they run out");
                if Instant::now() >= self.until {
                    self.tell(&BTreeSet::new());
                }
            }
            Err(_) if holds => self.tell(&BTreeSet::new()),
            Err(_) => {}
        }
    }

    fn tell(&self, held: &BTreeSet<Part>) {
        for right in self.rights.iter() {
            let (name, has) = (right.part.name(), held.contains(&right.part));
            if right.held.send_if_modified(|had| std::mem::replace(had, has) != has) {
                tracing::info!(part = name, has, "which server runs it has changed; this one, if it has");
            }
            metrics::gauge!("socai_lease_held", "part" => name).set(f64::from(u8::from(has)));
        }
    }
}
