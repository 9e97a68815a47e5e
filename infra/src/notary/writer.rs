//! The one task that writes: follows the log, adds its records to the tree, signs the tree's head and shows it.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, FusedFuture as _, ready},
    stream::FuturesOrdered,
};
use socai_domain::ledger::{EventLog, Followed, Following, ReadError, Recorded, following::wait_after};
use socai_projections::Lease;
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{
    Notary, NotaryError,
    check::Check,
    standing::Voice,
    tree::{Leaf, Tree},
};

/// The least time between two checkpoints.
pub(super) const BETWEEN: Duration = Duration::from_secs(1);
/// So few records are hashed where they come: to hand them to another thread costs more.
const FEW: usize = 64;
/// How often it is looked what another server has signed.
const LOOK: Duration = Duration::from_millis(500);
/// Pieces of the log that are hashed at once.
const AT_ONCE: usize = 4;

/// Runs what may wait for the disk, or takes long, where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotaryError> + Send + 'static,
) -> Result<T, NotaryError> {
    joined(tokio::task::spawn_blocking(work)).await?
}

/// What another thread made. It is not begun when the runtime ends, and that ends this task, too: no reason for an alarm.
async fn joined<T>(task: JoinHandle<T>) -> Result<T, NotaryError> {
    match task.await {
        Err(error) if error.is_cancelled() => std::future::pending().await,
        done => done.map_err(|error| NotaryError::Ended(error.to_string())),
    }
}

/// Follows until `shutdown` ends, with at least the time `between` two checkpoints. What may pass is tried again from what was committed, for as long as it takes.
pub(super) async fn run(
    notary: Notary,
    log: Arc<dyn EventLog>,
    state: watch::Sender<Following>,
    between: Duration,
    lease: Lease,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), NotaryError> {
    let mut shutdown = std::pin::pin!(shutdown.fuse());
    let writer = Writer { notary, log, state, between };
    let mut failures = 0;
    loop {
        let done = if lease.is_held() {
            let over = async {
                tokio::select! {
                    () = shutdown.as_mut() => {}
                    () = lease.lost() => {}
                }
            };
            writer.follow(&mut failures, std::pin::pin!(over)).await
        } else {
            tokio::select! {
                () = shutdown.as_mut() => Ok(()),
                looked = writer.stand_by(&lease, &mut failures) => looked,
            }
        };
        let Err(error) = done else {
            if shutdown.is_terminated() {
                return Ok(());
            }
            continue;
        };
        if !error.may_pass() {
            writer.notary.raise(error.to_string());
            writer.tell(Following::Stopped(error.to_string()));
            return Err(error);
        }
        failures += 1;
        writer.tell(Following::Retrying(error.to_string()));
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            // Whose turn it is does not wait for what it failed at before.
            () = lease.gained_anew() => failures = 0,
            () = tokio::time::sleep(wait_after(failures)) => {}
        }
    }
}

struct Writer {
    notary: Notary,
    log: Arc<dyn EventLog>,
    state: watch::Sender<Following>,
    between: Duration,
}

/// Pieces of the log that are being hashed, in order.
type Hashing = FuturesOrdered<BoxFuture<'static, Result<Vec<Leaf>, NotaryError>>>;

fn leaves(records: &[Recorded]) -> Vec<Leaf> {
    records.iter().map(|recorded| Leaf::new(recorded.record.hash(), recorded.position.place())).collect()
}

/// The leaves of these records.
fn hash(records: Vec<Recorded>) -> BoxFuture<'static, Result<Vec<Leaf>, NotaryError>> {
    if records.len() <= FEW {
        return ready(Ok(leaves(&records))).boxed();
    }
    // Begins now, not when it is waited for.
    joined(tokio::task::spawn_blocking(move || leaves(&records))).boxed()
}

async fn append(mut tree: Tree, leaves: Vec<Leaf>) -> Result<Tree, NotaryError> {
    if leaves.len() <= FEW && tree.has_room(leaves.len()) {
        tree.append(&leaves)?;
        return Ok(tree);
    }
    blocking(move || {
        tree.append(&leaves)?;
        Ok(tree)
    })
    .await
}

/// The tree and all of the log that is there now, from the first record on.
pub(super) async fn catch_up(log: &dyn EventLog, mut tree: Tree, told: impl Fn(u64)) -> Result<Tree, NotaryError> {
    let (mut followed, mut hashing, mut caught_up) = (log.follow(None), Hashing::new(), false);
    while !caught_up || !hashing.is_empty() {
        tokio::select! {
            Some(hashed) = hashing.next() => {
                tree = append(tree, hashed?).await?;
                told(tree.size());
            }
            next = followed.next(), if !caught_up && hashing.len() < AT_ONCE => match next.unwrap_or_else(gone)? {
                Followed::CaughtUp => caught_up = true,
                Followed::Records(records) => hashing.push_back(hash(records)),
            },
        }
    }
    Ok(tree)
}

fn gone() -> Result<Followed, ReadError> {
    Err(ReadError::Busy("the log cannot be followed".into()))
}

impl Writer {
    /// Shows what another server signs until it is this one's turn.
    async fn stand_by(&self, lease: &Lease, failures: &mut u32) -> Result<(), NotaryError> {
        loop {
            let notary = self.notary.clone();
            blocking(move || notary.look()).await?;
            *failures = 0;
            self.tell(Following::Well);
            if tokio::time::timeout(LOOK, lease.gained()).await.is_ok() {
                return Ok(());
            }
        }
    }

    /// From what was committed until `shutdown` ends or something fails.
    async fn follow(
        &self,
        failures: &mut u32,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<(), NotaryError> {
        let notary = self.notary.clone();
        let (mut tree, mut before) = blocking(move || notary.load()).await?;
        let (mut committed, silent) = (tree.size(), before.is_none());
        let mut check = Check::begin(&self.notary, &*self.log, committed).await?;
        if silent {
            self.fall_silent();
        }
        let mut followed = self.log.follow(check.after);
        let (mut hashing, mut due) = (Hashing::new(), Instant::now());
        loop {
            let news = !silent && tree.size() > committed;
            if !silent && check.done() {
                self.notary.speak();
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                why = self.notary.alarmed() => return Err(NotaryError::Alarm(why)),
                () = tokio::time::sleep_until(due), if news => {
                    (tree, before) = self.commit(tree, before).await?;
                    (committed, due, *failures) = (tree.size(), Instant::now() + self.between, 0);
                }
                Some(hashed) = hashing.next() => tree = append(tree, hashed?).await?,
                next = followed.next(), if hashing.len() < AT_ONCE => match next.unwrap_or_else(gone)? {
                    Followed::CaughtUp => {
                        check.end()?;
                        if !silent {
                            tracing::info!(records = tree.size(), "the notary has caught up");
                            self.tell(Following::Well);
                        }
                    }
                    Followed::Records(mut records) => {
                        records.drain(..check.take(&records)?);
                        hashing.push_back(hash(records));
                    }
                },
            }
        }
        if !silent && tree.size() > committed {
            match self.commit(tree, before).await {
                Err(error) if error.may_pass() => {
                    tracing::warn!(%error, "the last checkpoint was not signed; whoever signs next signs it");
                }
                done => drop(done?),
            }
        }
        Ok(())
    }

    async fn commit(&self, mut tree: Tree, before: Option<Arc<str>>) -> Result<(Tree, Option<Arc<str>>), NotaryError> {
        let (notary, started) = (self.notary.clone(), Instant::now());
        let commit = move || {
            let note = notary.commit(&mut tree, before.as_deref().map(str::as_bytes))?;
            Ok((tree, Some(note)))
        };
        let committed = blocking(commit).await?;
        metrics::histogram!("socai_notary_commit_seconds").record(started.elapsed());
        metrics::counter!("socai_notary_checkpoints_total").increment(1);
        self.tell(Following::Well);
        Ok(committed)
    }

    /// The store was lost: whatever is made of the log now may contradict what was signed before.
    fn fall_silent(&self) {
        self.notary.0.standing.send_modify(|standing| standing.voice = Voice::Silent);
        self.tell(Following::Stopped(
            "the notary's store is missing, but the log has records: nothing is signed or shown until it agrees with the \
             highest checkpoint that anybody outside holds. Restore the store from its backup; or stop the program and run \
             `socai notary agree --checkpoint FILE` with that checkpoint, or `socai notary agree --first` if nobody ever got \
             one"
                .into(),
        ));
    }

    /// Says how it is going: once for each change.
    fn tell(&self, now: Following) {
        metrics::gauge!("socai_follower_state", "follower" => "notary").set(f64::from(now.level()));
        if matches!(now, Following::Retrying(_)) {
            metrics::counter!("socai_follower_retries_total", "follower" => "notary").increment(1);
        }
        let before = self.state.send_replace(now.clone());
        if before.level() == now.level() {
            return;
        }
        match now {
            Following::Well => tracing::info!("the notary goes on"),
            Following::Retrying(why) => {
                tracing::warn!(why, "the notary cannot go on and is tried again until it can; everything else goes on");
            }
            Following::Stopped(why) => {
                tracing::error!(why, "ALARM: the notary signs nothing any more; everything else goes on");
            }
        }
    }
}
