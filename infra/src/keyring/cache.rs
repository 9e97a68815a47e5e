//! Recently used keys, unwrapped, in bounded memory. Keys are wiped when the last holder lets go of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use socai_domain::ledger::StreamId;

use super::Generation;
use crate::log::file::hashing::ByStream;

/// Two halves: what is used moves to the young one; when that is full it becomes the old one, and the old one goes.
pub(super) struct Cache {
    half: usize,
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Halves {
    young: ByStream<Arc<[Generation]>>,
    old: ByStream<Arc<[Generation]>>,
}

impl Cache {
    pub(super) fn new(most: usize) -> Self {
        Self { half: (most / 2).max(1), halves: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<Arc<[Generation]>> {
        self.lock().get(self.half, stream)
    }

    /// Of each of these streams, in their order.
    pub(super) fn get_all(&self, streams: impl Iterator<Item = StreamId>) -> Vec<Option<Arc<[Generation]>>> {
        let mut halves = self.lock();
        streams.map(|stream| halves.get(self.half, stream)).collect()
    }

    pub(super) fn put(&self, stream: StreamId, generations: Arc<[Generation]>) {
        self.lock().put(self.half, stream, generations);
    }

    pub(super) fn forget(&self, stream: StreamId) {
        let mut halves = self.lock();
        halves.young.remove(&stream);
        halves.old.remove(&stream);
    }
}

impl Halves {
    fn get(&mut self, half: usize, stream: StreamId) -> Option<Arc<[Generation]>> {
        if let Some(found) = self.young.get(&stream) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(&stream)?;
        self.put(half, stream, Arc::clone(&found));
        Some(found)
    }

    fn put(&mut self, half: usize, stream: StreamId, generations: Arc<[Generation]>) {
        if self.young.len() >= half && !self.young.contains_key(&stream) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, generations);
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::ledger::{KeyState, Revision, StreamKind};
    use uuid::Uuid;

    use super::*;

    fn stream(number: u128) -> StreamId {
        StreamId::new(StreamKind::Incoming, Uuid::from_u128(number))
    }

    #[test]
    fn the_recently_used_stay_and_the_rest_goes() {
        let cache = Cache::new(8);
        for number in 0..100 {
            cache.put(stream(number), [Generation { from: Revision::FIRST, key: KeyState::Destroyed }].into());
            assert!(cache.get(stream(0)).is_some(), "used all the time");
        }
        let kept = (0..100).filter(|number| cache.get(stream(*number)).is_some()).count();
        assert!((2..=8).contains(&kept), "{kept}");
        cache.forget(stream(0));
        assert!(cache.get(stream(0)).is_none());
    }
}
