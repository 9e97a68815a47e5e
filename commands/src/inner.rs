//! What the handler consists of.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use socai_domain::{
    decide::Aggregate,
    ledger::{Direction, EventLog, KeyError, Opener},
    time::{Clock, Timestamp},
};
use tokio::sync::oneshot::error::RecvError;

use crate::{
    Blobs, CommandError,
    cache::Cache,
    gate::Gate,
    lookout::Lookout,
    organs::Organs,
    slot::{Resting, Slot},
};

pub(crate) struct Inner {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) opener: Opener,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache,
    pub(crate) organs: Organs,
    /// On a log that others write to.
    pub(crate) lookout: Option<Arc<Lookout>>,
    pub(crate) gate: Gate,
    /// Where an append goes on when nobody waits for it any more.
    pub(crate) runtime: tokio::runtime::Handle,
    /// The last instant that was given, in microseconds.
    pub(crate) last: AtomicI64,
    /// Counts the lives of slots and, on a log that others write to, the commands as they come in.
    pub(crate) incarnations: AtomicU64,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handler({} on {})", self.log.ledger(), self.log.engine())
    }
}

impl Inner {
    /// The log took a record then: no later decision is made before that, whatever this clock says.
    pub(crate) fn recorded(&self, at: Timestamp) {
        self.last.fetch_max(at.as_micros(), Ordering::AcqRel);
    }

    /// The instant for the next decision: never before one that was given already, nor before the last record.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now().as_micros();
        Timestamp::from_micros(self.last.fetch_max(now, Ordering::AcqRel).max(now))
    }

    pub(crate) fn next_incarnation(&self) -> u64 {
        self.incarnations.fetch_add(1, Ordering::Relaxed)
    }

    /// For whoever is to be answered by what the log says from now on; none where nobody else writes.
    pub(crate) fn came_in(&self) -> Option<u64> {
        self.lookout.is_some().then(|| self.next_incarnation())
    }

    /// Waits until what an answer rests on is durable, then asks whether the state of that life of the slot was the stream's
    /// end at some time since `came_in`. If another server wrote in between, the slot is emptied: judge again.
    pub(crate) async fn stands<A: Aggregate>(
        &self,
        slot: &Slot<A>,
        incarnation: u64,
        resting: Resting,
        came_in: Option<u64>,
    ) -> Result<bool, CommandError> {
        if !durable(resting).await {
            return Ok(false);
        }
        // It was read from the log since then.
        let Some(_) = came_in.filter(|came_in| incarnation < *came_in) else { return Ok(true) };
        let last = self.log.read(slot.stream, Direction::Backwards, None, 1).await?;
        let last = last.first().map(|last| last.record.header().revision);
        slot.outrun(last);
        let resting = match slot.lock().as_mut() {
            // What stands beyond the judged state may be our own, decided after it: then that was the end until these came.
            Some(live) if live.incarnation == incarnation => live.rests_on(last),
            _ => return Ok(false),
        };
        Ok(durable(resting).await)
    }

    /// Fills the slot from the log, if nobody did so in the meantime.
    pub(crate) async fn load<A: Aggregate>(&self, slot: &Slot<A>) -> Result<(), CommandError> {
        let _alone = slot.alone.lock().await;
        if slot.lock().is_none() {
            let live = self.fold_again(slot).await?;
            *slot.lock() = Some(live);
        }
        Ok(())
    }

    /// Fetches what seals the stream's next events; makes the key of a new stream.
    pub(crate) async fn fetch_key<A: Aggregate>(
        &self,
        slot: &Slot<A>,
        came_in: Option<u64>,
    ) -> Result<(), CommandError> {
        let _alone = slot.alone.lock().await;
        // Without the key nothing is written, so the revision stays where it is.
        let place =
            slot.lock().as_ref().filter(|live| live.cipher.is_none()).map(|live| (live.incarnation, live.next()));
        if let Some((incarnation, revision)) = place {
            let cipher = match self.opener.ring().sealing(slot.stream, revision).await {
                Ok(key) => key.cipher(),
                // Another server erased the stream, and this state does not know it yet.
                Err(KeyError::Destroyed(_)) if came_in.is_some_and(|came_in| incarnation < came_in) => {
                    slot.discard(incarnation);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(live) = slot.lock().as_mut().filter(|live| live.incarnation == incarnation) {
                live.cipher = Some(cipher);
            }
        }
        Ok(())
    }
}

/// False if it was lost.
pub(crate) async fn durable(resting: Option<impl Future<Output = Result<(), RecvError>>>) -> bool {
    match resting {
        Some(told) => told.await.is_ok(),
        None => true,
    }
}
