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
    ledger::{EventLog, Opener},
    time::{Clock, Timestamp},
};

use crate::{Blobs, CommandError, cache::Cache, gate::Gate, organs::Organs, slot::Slot};

pub(crate) struct Inner {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) opener: Opener,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache,
    pub(crate) organs: Organs,
    pub(crate) gate: Gate,
    /// Where an append goes on when nobody waits for it any more.
    pub(crate) runtime: tokio::runtime::Handle,
    /// The last instant that was given, in microseconds.
    pub(crate) last: AtomicI64,
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

    /// Fills the slot from the log, if nobody did so in the meantime.
    pub(crate) async fn load<A: Aggregate>(&self, slot: &Slot<A>) -> Result<(), CommandError> {
        let _alone = slot.alone.lock().await;
        if slot.lock().is_none() {
            let live = self.fold(slot.stream).await?;
            *slot.lock() = Some(live);
        }
        Ok(())
    }

    /// Fetches what seals the stream's next events; makes the key of a new stream.
    pub(crate) async fn fetch_key<A: Aggregate>(&self, slot: &Slot<A>) -> Result<(), CommandError> {
        let _alone = slot.alone.lock().await;
        // Without the key nothing is written, so the revision stays where it is.
        let place =
            slot.lock().as_ref().filter(|live| live.cipher.is_none()).map(|live| (live.incarnation, live.next()));
        if let Some((incarnation, revision)) = place {
            let cipher = self.opener.ring().sealing(slot.stream, revision).await?.cipher();
            if let Some(live) = slot.lock().as_mut().filter(|live| live.incarnation == incarnation) {
                live.cipher = Some(cipher);
            }
        }
        Ok(())
    }
}
