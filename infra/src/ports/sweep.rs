//! Sweeping: files that were uploaded and never attached go, when no ticket for them is good any more.

use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::StreamExt as _;
use socai_domain::ledger::{EventLog, Followed, Opener, Position};
use socai_graphql::files::TICKET_MINUTES;

use super::{claim, erasure::files_in};
use crate::blobs::{BlobError, BlobHash, BlobStore};

/// How often.
const EVERY: Duration = Duration::from_hours(1);
/// Files that are younger stay: a ticket's life and an hour more, for clocks that were set and commands under way.
const AGE: Duration = Duration::from_mins(TICKET_MINUTES.unsigned_abs() + 60);

/// Files that are removed while nobody may attach one: then whoever waits has a turn. They wait two seconds, and a storage may take
/// a tenth of one for each.
const AT_ONCE: usize = 10;

/// Removes old files that no document has. Which have one, is read from the ledger itself, each record once.
pub struct Sweep {
    blobs: Arc<BlobStore>,
    log: Arc<dyn EventLog>,
    opener: Opener,
    /// The first 8 bytes of each attached file's hash: if two files agree in it, one stays that might go.
    attached: HashSet<u64>,
    /// The last record that was looked at.
    read_to: Option<Position>,
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sweep({:?}, {} files attached)", self.read_to, self.attached.len())
    }
}

fn short(hash: &[u8; 32]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(bytes)
}

impl Sweep {
    /// Of this store, by what the log says.
    pub fn new(blobs: Arc<BlobStore>, log: Arc<dyn EventLog>, opener: Opener) -> Self {
        Self { blobs, log, opener, attached: HashSet::new(), read_to: None }
    }

    /// Every hour, first in an hour: who restored an older log by mistake has that long. Dropping it leaves nothing half
    /// done.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            match self.once().await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "files that were uploaded and never attached were removed"),
                Err(error) => tracing::warn!(error, "files could not be swept; tried again in an hour"),
            }
        }
    }

    /// Removes what is old and not attached; says how many files.
    async fn once(&mut self) -> Result<u64, String> {
        claim(&self.blobs, &*self.log).await.map_err(|error| error.to_string())?;
        self.read().await?;
        let old = self.old_is_before().await?;
        let candidates = self.older(old).await?;
        let candidates: Vec<BlobHash> = candidates.into_iter().filter(|hash| !self.has(*hash)).collect();
        let mut gone = 0;
        for some in candidates.chunks(AT_ONCE) {
            // No command is attaching a file now: all that were are in the log.
            let removing = self.blobs.removing().await.map_err(|error| error.to_string())?;
            self.read().await?;
            let some: Vec<BlobHash> = some.iter().copied().filter(|hash| !self.has(*hash)).collect();
            let blobs = Arc::clone(&self.blobs);
            gone += self
                .blocking(move || {
                    let _alone = removing;
                    some.into_iter().try_fold(0, |gone, hash| Ok(gone + u64::from(blobs.remove_if_older(hash, old)?)))
                })
                .await?;
        }
        Ok(gone)
    }

    fn has(&self, hash: BlobHash) -> bool {
        self.attached.contains(&short(hash.as_bytes()))
    }

    /// Reads on to the end of the log.
    async fn read(&mut self) -> Result<(), String> {
        let mut followed = self.log.follow(self.read_to);
        while let Some(next) = followed.next().await {
            let Followed::Records(records) = next.map_err(|error| error.to_string())? else { return Ok(()) };
            for recorded in &records {
                self.attached.extend(files_in(&self.opener, recorded).await?.iter().map(short));
            }
            self.read_to = records.last().map(|last| last.position).or(self.read_to);
        }
        Err("the log cannot be read to its end".into())
    }

    /// A file that is newer than the log itself may be a document's of a longer log, whose older copy this one is.
    async fn old_is_before(&self) -> Result<SystemTime, String> {
        let head = self.log.head().await.map_err(|error| error.to_string())?;
        let micros = u64::try_from(head.recorded.as_micros()).unwrap_or(0);
        Ok((SystemTime::UNIX_EPOCH + Duration::from_micros(micros)).min(SystemTime::now() - AGE))
    }

    async fn older(&self, than: SystemTime) -> Result<Vec<BlobHash>, String> {
        let blobs = Arc::clone(&self.blobs);
        self.blocking(move || blobs.older(than).collect()).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, String> {
        let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        done.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use socai_domain::ledger::LedgerId;
    use socai_test_s3::Server;
    use uuid::Uuid;

    use super::*;
    use crate::ports::testing::World;

    fn sweep(world: &World) -> Sweep {
        Sweep::new(Arc::clone(&world.blobs), world.log(), world.opener())
    }

    #[tokio::test]
    async fn what_is_old_and_attached_nowhere_goes() {
        let world = World::new().await;
        let [young, old, attached] = [b"young" as &[u8], b"old", b"attached"].map(|bytes| world.stored(bytes));
        world.attach(1, attached).await;
        for file in [old, attached] {
            world.grow_old(file, AGE + Duration::from_secs(1));
        }
        world.grow_old(young, Duration::from_hours(24));
        let mut sweep = sweep(&world);
        assert_eq!(sweep.once().await, Ok(1));
        assert_eq!(sweep.once().await, Ok(0));
        let there = [young, old, attached].map(|file| world.blobs.contains(file).unwrap());
        assert_eq!(there, [true, false, true]);
    }

    /// What became the ledger's, or another's, after the last sweep.
    #[tokio::test]
    async fn nothing_goes_that_a_longer_copy_or_another_ledger_used_meanwhile() {
        let server = Server::start().unwrap();
        let world = World::in_bucket(&server).await;
        world.attach(1, world.stored(b"attached")).await;
        let mut sweep = sweep(&world);
        assert_eq!(sweep.once().await, Ok(0));
        let file = world.stored(b"theirs");
        world.grow_old(file, 2 * AGE);
        let ledger = world.log().ledger();
        for (ledger, more, said) in [(ledger, 1, "Restore a newer one"), (LedgerId(Uuid::max()), 0, "another ledger")] {
            world.last_used(ledger, more).await;
            let refused = sweep.once().await.unwrap_err();
            assert!(refused.contains(said), "{refused}");
            assert!(world.blobs.contains(file).unwrap());
        }
        world.last_used(ledger, 0).await;
        assert_eq!(sweep.once().await, Ok(1));
    }

    /// Newer than the end of the log: it may be of a longer log, which this one is an older copy of.
    #[tokio::test]
    async fn what_is_newer_than_the_log_stays() {
        let world = World::new().await;
        let [file, other] = [b"file", b"them"].map(|bytes| world.stored(bytes));
        world.grow_old(file, 2 * AGE);
        let mut sweep = sweep(&world);
        assert_eq!(sweep.once().await, Ok(0), "the log is empty");
        world.attach(1, other).await;
        assert_eq!(sweep.once().await, Ok(1));
    }

    #[tokio::test]
    async fn what_a_command_in_flight_attaches_stays() {
        let world = World::new().await;
        world.attach(9, world.stored(b"other")).await;
        let file = world.stored(b"file");
        world.grow_old(file, 2 * AGE);
        let hold = world.blobs.attaching().await.unwrap();
        let mut sweep = sweep(&world);
        let mut sweeping = Box::pin(sweep.once());
        while !world.blobs.is_removal_waiting() {
            assert!(sweeping.as_mut().now_or_never().is_none(), "waits for the command");
            tokio::task::yield_now().await;
        }
        world.attach(1, file).await;
        drop(hold);
        assert_eq!(sweeping.await, Ok(0));
        assert!(world.blobs.contains(file).unwrap());
    }

    /// Whoever is told that the file is there has a day again, whatever becomes of the command.
    #[tokio::test]
    async fn what_was_looked_for_or_stored_again_is_young() {
        let world = World::new().await;
        world.attach(9, world.stored(b"other")).await;
        let (looked_for, stored) = (world.stored(b"looked for"), world.stored(b"stored"));
        for file in [looked_for, stored] {
            world.grow_old(file, 2 * AGE);
        }
        assert!(world.blobs.refresh(&[looked_for]).unwrap());
        assert_eq!(world.stored(b"stored"), stored);
        assert_eq!(sweep(&world).once().await, Ok(0));
    }

    #[tokio::test]
    async fn a_crash_between_two_files_or_between_upload_and_record_leaves_what_the_next_sweep_puts_right() {
        let world = World::new().await;
        world.attach(9, world.stored(b"other")).await;
        let files = [b"1", b"2", b"3", b"4"].map(|bytes| world.stored(bytes));
        for file in files {
            world.grow_old(file, 2 * AGE);
        }
        // Dropped before it removes anything: the lock is not held.
        let hold = world.blobs.attaching().await.unwrap();
        assert!(Box::pin(sweep(&world).once()).now_or_never().is_none());
        drop(hold);
        // Another that ended after the first of them.
        assert!(world.blobs.remove_if_older(files[0], SystemTime::now() - AGE).unwrap());
        // A command whose process ended after its record was durable and before anybody was told.
        world.attach(1, files[1]).await;
        assert_eq!(sweep(&world).once().await, Ok(2));
        assert!(world.blobs.contains(files[1]).unwrap());
    }
}
