//! Keeps the streams that were used last, each folded, so that a decision need not read the log.

use std::{
    any::{Any, TypeId},
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use socai_domain::{
    decide::Aggregate,
    ledger::{Revision, StreamId, StreamKind},
};

use crate::slot::Slot;

/// Locks per kind of stream. Commands of different streams hardly ever meet at one.
const SHARDS: usize = 32;

type Key = (TypeId, StreamId);

/// The streams that were used last, a number of each kind.
pub(crate) struct Cache {
    kinds: Vec<Vec<Mutex<Shard>>>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache(…)")
    }
}

struct Entry {
    slot: Arc<dyn Any + Send + Sync>,
    /// Used since the hand came by.
    used: bool,
}

/// The second-chance clock: what was not used since the hand last came by goes.
struct Shard {
    entries: HashMap<Key, Entry>,
    hand: VecDeque<Key>,
    room: usize,
}

impl Cache {
    /// With room for so many streams of a kind.
    pub(crate) fn new(room: impl Fn(StreamKind) -> usize) -> Self {
        let shard = |kind| {
            let room = room(kind).div_ceil(SHARDS).max(1);
            Mutex::new(Shard { entries: HashMap::new(), hand: VecDeque::new(), room })
        };
        Self { kinds: StreamKind::ALL.map(|kind| (0..SHARDS).map(|_| shard(kind)).collect()).into() }
    }

    fn shard<A: Aggregate>(&self, stream: StreamId) -> MutexGuard<'_, Shard> {
        let kind = StreamKind::ALL.iter().position(|kind| *kind == A::KIND).unwrap_or(0);
        let shard = usize::from(stream.key().as_bytes()[15]) % SHARDS;
        // A shard is never left half changed: nothing in it can panic between two changes.
        self.kinds[kind][shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a stream, if it has one.
    pub(crate) fn peek<A: Aggregate>(&self, stream: StreamId) -> Option<Arc<Slot<A>>> {
        let shard = self.shard::<A>(stream);
        let entry = shard.entries.get(&(TypeId::of::<A>(), stream))?;
        Some(Arc::clone(&entry.slot).downcast().expect("the key names the slot's type"))
    }

    /// Gives up what is in memory of a stream, if that goes on to this revision.
    pub(crate) fn outrun<A: Aggregate>(&self, stream: StreamId, last: Revision) {
        if let Some(slot) = self.peek::<A>(stream) {
            slot.outrun(Some(last));
        }
    }

    /// The slot of a stream, empty if it was not used lately. Whoever holds it keeps it from being put out.
    pub(crate) fn slot<A: Aggregate>(&self, stream: StreamId) -> Arc<Slot<A>> {
        let mut shard = self.shard::<A>(stream);
        let key = (TypeId::of::<A>(), stream);
        if let Some(entry) = shard.entries.get_mut(&key) {
            entry.used = true;
            return Arc::clone(&entry.slot).downcast().expect("the key names the slot's type");
        }
        let slot = Arc::new(Slot::new(stream));
        shard.entries.insert(key, Entry { slot: slot.clone(), used: false });
        shard.hand.push_back(key);
        shard.make_room();
        slot
    }
}

impl Shard {
    /// Puts out what was not used lately and nobody holds: a slot with a pending append is held by the append.
    fn make_room(&mut self) {
        for _ in 0..2 * self.hand.len() {
            if self.entries.len() <= self.room {
                return;
            }
            let Some(key) = self.hand.pop_front() else { return };
            match self.entries.get_mut(&key) {
                Some(entry) if entry.used || Arc::strong_count(&entry.slot) > 1 => {
                    entry.used = false;
                    self.hand.push_back(key);
                }
                Some(_) => drop(self.entries.remove(&key)),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::{incoming::IncomingDocument, register::Register};
    use uuid::Uuid;

    use super::*;

    fn stream(n: u128) -> StreamId {
        // One shard: the last byte is always 0.
        StreamId::new(StreamKind::Incoming, Uuid::from_u128(n << 8))
    }

    fn kept(cache: &Cache) -> Vec<StreamId> {
        let kind = StreamKind::ALL.iter().position(|kind| *kind == StreamKind::Incoming).unwrap();
        let mut kept: Vec<_> = cache.kinds[kind][0].lock().unwrap().entries.keys().map(|key| key.1).collect();
        kept.sort();
        kept
    }

    #[test]
    fn what_is_used_or_held_stays() {
        let cache = Cache::new(|_| 3 * SHARDS);
        let held = cache.slot::<IncomingDocument>(stream(0));
        for n in 1..100 {
            cache.slot::<IncomingDocument>(stream(1));
            cache.slot::<IncomingDocument>(stream(n));
        }
        assert_eq!(kept(&cache), [stream(0), stream(1), stream(99)]);
        assert!(Arc::ptr_eq(&held, &cache.slot(stream(0))));
        drop(cache.slot::<Register>(stream(0)));
        assert_eq!(kept(&cache).len(), 3, "other kinds have room of their own");
    }

    #[test]
    fn more_may_be_held_than_there_is_room() {
        let cache = Cache::new(|_| 0);
        let held: Vec<_> = (0..10).map(|n| cache.slot::<IncomingDocument>(stream(n))).collect();
        assert_eq!(kept(&cache).len(), 10);
        drop(held);
        drop(cache.slot::<IncomingDocument>(stream(10)));
        assert!(kept(&cache).len() <= 2);
    }
}
