//! The organs, folded, as commands are judged by them.

use std::{
    any::Any,
    collections::HashMap,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock},
};

use socai_domain::{
    decide::Aggregate,
    id::OrganId,
    ledger::{Revision, StreamId},
    organ::{Organ, stream},
};

use crate::{
    CommandError,
    inner::Inner,
    lookout::Seen,
    slot::{Live, Slot},
};

/// An organ at a revision of its stream. All of it is durable.
#[derive(Clone, Debug, Default)]
pub struct KnownOrgan {
    /// The organ; without an id if it was never registered.
    pub organ: Organ,
    /// The revision that it was folded to: what a record names as the one it was judged by.
    pub revision: Option<Revision>,
}

impl Deref for KnownOrgan {
    type Target = Organ;

    fn deref(&self) -> &Organ {
        &self.organ
    }
}

/// Every organ that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Organs(RwLock<HashMap<OrganId, Arc<KnownOrgan>>>);

impl Organs {
    fn get(&self, id: OrganId) -> Option<Arc<KnownOrgan>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Puts in what is newer.
    fn put(&self, id: OrganId, live: &Live<Organ>) -> Arc<KnownOrgan> {
        let known = Arc::new(KnownOrgan { organ: live.state.clone(), revision: live.revision });
        let mut organs = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match organs.get(&id) {
            Some(newer) if newer.revision >= known.revision => Arc::clone(newer),
            _ => {
                // An id under which nothing was ever registered may be anybody's guess: not kept.
                if known.revision.is_some() {
                    organs.insert(id, Arc::clone(&known));
                }
                known
            }
        }
    }
}

impl Inner {
    /// The organ as it is known now.
    pub(crate) async fn organ(&self, id: OrganId) -> Result<Arc<KnownOrgan>, CommandError> {
        if let Some(known) = self.organs.get(id) {
            return Ok(known);
        }
        let slot = self.cache.slot::<Organ>(stream(id));
        loop {
            // Changes of an organ are written alone, so what is in the slot is durable.
            if let Some(live) = slot.lock().as_ref() {
                return Ok(self.organs.put(id, live));
            }
            self.load(&slot).await?;
        }
    }

    /// The organ for whoever judges by it without waiting for anything else. Where others write to the log, it is known to
    /// be as it was a few seconds ago, or later; otherwise nobody may judge.
    pub(crate) async fn judging_organ(&self, id: OrganId) -> Result<Arc<KnownOrgan>, CommandError> {
        // Taken before the organ: what was confirmed by then is in it, however long it takes.
        let seen = self.seen();
        let organ = self.organ(id).await?;
        seen.may_judge()?;
        Ok(organ)
    }

    /// The same, asked for by who has a stream for themselves: if it is the organ's own, it is not in its slot.
    pub(crate) async fn judging_organ_beside<A: Aggregate>(
        &self,
        id: OrganId,
        slot: &Slot<A>,
        live: &Live<A>,
    ) -> Result<Arc<KnownOrgan>, CommandError> {
        let seen = self.seen();
        let organ = match (live as &dyn Any).downcast_ref::<Live<Organ>>() {
            Some(live) if slot.stream == stream(id) => self.organs.put(id, live),
            _ => self.organ(id).await?,
        };
        seen.may_judge()?;
        Ok(organ)
    }

    fn seen(&self) -> Seen {
        self.lookout.as_ref().map_or(Seen::Always, |lookout| lookout.seen())
    }

    /// Another server may have written this to an organ: whoever is judged from now on is judged by it.
    pub(crate) async fn organ_heard(&self, heard: StreamId, revision: Revision) -> Result<(), CommandError> {
        let id = OrganId::new(heard.key());
        let known = self.organs.get(id);
        if known.as_ref().is_some_and(|known| known.revision >= Some(revision)) {
            return Ok(());
        }
        if known.is_none() && self.cache.peek::<Organ>(heard).is_none() {
            // Whoever asks for it reads it from the log.
            return Ok(());
        }
        let slot = self.cache.slot::<Organ>(heard);
        // Whoever reads or changes it meanwhile may have begun before that record.
        let _alone = slot.alone.lock().await;
        slot.outrun(Some(revision));
        let emptied = slot.lock().is_none();
        if emptied {
            let live = self.fold::<Organ>(heard).await?;
            *slot.lock() = Some(live);
        }
        match slot.lock().as_ref() {
            Some(live) if live.revision >= Some(revision) => {
                self.organs.put(id, live);
                Ok(())
            }
            _ => Err(CommandError::Busy(format!("{heard} was read without its revision {revision}"))),
        }
    }

    /// Commands are judged by the organ as it is now, if that is what `live` is.
    pub(crate) fn organ_changed<A: Aggregate>(&self, slot: &Slot<A>, live: &Live<A>) {
        if let Some(live) = (live as &dyn Any).downcast_ref::<Live<Organ>>() {
            self.organs.put(OrganId::new(slot.stream.key()), live);
        }
    }
}
