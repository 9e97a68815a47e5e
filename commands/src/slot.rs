//! One stream, folded, with the events that are decided but not yet durable.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use socai_domain::{
    decide::{Aggregate, Meta},
    id::CommandId,
    ledger::{Appended, Expected, Revision, StreamId, keys::StreamCipher, log::Stamp},
    time::Timestamp,
};
use tokio::sync::{oneshot, watch};

/// The place of one stream in the cache.
#[derive(Debug)]
pub(crate) struct Slot<A> {
    /// The stream.
    pub(crate) stream: StreamId,
    /// Held by who fills the slot, and by who needs it alone. Not needed for a decision.
    pub(crate) alone: tokio::sync::Mutex<()>,
    /// How many appends are on their way, those of earlier lives of the slot included: dropped or not, they may land.
    pub(crate) flights: watch::Sender<usize>,
    live: Mutex<Option<Live<A>>>,
    /// Of a book on a log that others write to: what was last read of it, so that only what came since is read next.
    pub(crate) book: tokio::sync::Mutex<Option<Live<A>>>,
}

/// A stream, folded up to its last decision.
#[derive(Debug)]
pub(crate) struct Live<A> {
    /// Tells this life of the slot from those before: an append of an earlier one says nothing about this.
    pub(crate) incarnation: u64,
    /// What decisions need to know, events not yet durable included.
    pub(crate) state: A,
    /// The revision of the last event, durable or not.
    pub(crate) revision: Option<Revision>,
    /// Up to here all is durable.
    pub(crate) durable: Option<Revision>,
    /// The last durable record, and the instant for which it was decided.
    pub(crate) head: Option<(Stamp, Timestamp)>,
    /// The commands that wrote.
    pub(crate) commands: HashMap<CommandId, Remembered>,
    /// What seals the next events; fetched with the first.
    pub(crate) cipher: Option<StreamCipher>,
    /// Who waits until all up to a revision is durable.
    waiting: Vec<(Revision, oneshot::Sender<()>)>,
}

/// What is remembered of a command that wrote.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered {
    /// Digest of actor and input.
    pub(crate) input: [u8; 32],
    /// Its last record.
    pub(crate) revision: Revision,
}

/// Resolves when what an answer rests on is durable; fails if it was lost.
pub(crate) type Resting = Option<oneshot::Receiver<()>>;

impl<A: Aggregate> Slot<A> {
    /// Empty.
    pub(crate) fn new(stream: StreamId) -> Self {
        let flights = watch::Sender::default();
        let (alone, book) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Self { stream, alone, flights, live: Mutex::default(), book }
    }

    /// What is in the slot. A decision that panicked may have left half a change: then the slot is empty.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Live<A>>> {
        self.live.lock().unwrap_or_else(|poisoned| {
            self.live.clear_poison();
            let mut live = poisoned.into_inner();
            *live = None;
            live
        })
    }

    /// Empties the slot, if it still leads this life: what was decided on top of a failed append is not so.
    pub(crate) fn discard(&self, incarnation: u64) {
        let mut live = self.lock();
        if live.as_ref().is_some_and(|live| live.incarnation == incarnation) {
            *live = None;
        }
    }

    /// Empties the slot if the stream goes beyond what is in it: another server wrote. What was decided on top is lost with it.
    pub(crate) fn outrun(&self, last: Option<Revision>) {
        let mut live = self.lock();
        if live.as_ref().is_some_and(|live| live.revision < last) {
            *live = None;
        }
    }

    /// An append of this life is durable.
    pub(crate) fn landed(&self, incarnation: u64, appended: &Appended, at: Timestamp) {
        if let Some(live) = self.lock().as_mut().filter(|live| live.incarnation == incarnation) {
            live.landed(appended, at);
        }
    }
}

impl<A: Aggregate> Live<A> {
    /// Of a stream without a record.
    pub(crate) fn new(incarnation: u64) -> Self {
        Self {
            incarnation,
            state: A::default(),
            revision: None,
            durable: None,
            head: None,
            commands: HashMap::new(),
            cipher: None,
            waiting: Vec::new(),
        }
    }

    /// The same, nobody waiting for it.
    pub(crate) fn copy(&self) -> Self {
        let (state, commands) = (self.state.clone(), self.commands.clone());
        Self { state, commands, cipher: self.cipher.clone(), waiting: Vec::new(), ..*self }
    }

    /// Takes in an event, and remembers the command.
    pub(crate) fn evolve(&mut self, event: &A::Event, meta: &Meta, input: [u8; 32]) {
        self.state.evolve(event, meta);
        self.revision = Some(meta.revision);
        self.commands.insert(meta.command, Remembered { input, revision: meta.revision });
    }

    /// Appends become durable in their order, so all before this one is, too.
    pub(crate) fn landed(&mut self, appended: &Appended, at: Timestamp) {
        let last = appended.last();
        if self.durable < Some(last.revision) {
            self.durable = Some(last.revision);
            self.head = Some((last, at));
            // A receiver that is gone has no interest in the news.
            self.waiting.extract_if(.., |(revision, _)| *revision <= last.revision).for_each(|(_, told)| {
                let _ = told.send(());
            });
        }
    }

    /// The place of the next event.
    pub(crate) fn next(&self) -> Revision {
        Expected::after(self.revision).next()
    }

    /// What an answer from this state rests on.
    pub(crate) fn rests_on(&mut self, revision: Option<Revision>) -> Resting {
        let revision = revision.filter(|revision| self.durable < Some(*revision))?;
        let (tell, told) = oneshot::channel();
        self.waiting.push((revision, tell));
        Some(told)
    }
}
