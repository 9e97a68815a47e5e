//! The reference key ring: the contract of [`KeyRing`] as plain data, kept in memory and nowhere else. For tests.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::future::{BoxFuture, ready};

use super::{KeyError, KeyRing, KeyState, Revision, StreamId, StreamKey};

type Generations = BTreeMap<Revision, KeyState>;

/// A ring in memory. Its keys are made from the stream's name: the same history gives the same bytes, and nothing is
/// secret.
#[derive(Debug, Default)]
pub struct MemoryKeyRing {
    streams: Mutex<HashMap<StreamId, Generations>>,
}

impl MemoryKeyRing {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Generations>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sealing_key(&self, stream: StreamId, revision: Revision) -> Result<StreamKey, KeyError> {
        let mut streams = self.lock();
        let generations = streams.entry(stream).or_default();
        if generations.is_empty() && revision == Revision::FIRST {
            generations.insert(revision, made(stream, revision));
        }
        match at(generations, revision) {
            Some(state) => state.keys().next().cloned().ok_or(KeyError::Destroyed(stream)),
            None => Err(KeyError::Missing(stream)),
        }
    }
}

fn made(stream: StreamId, from: Revision) -> KeyState {
    let mut hasher = blake3::Hasher::new_derive_key("socai 2026-11 key of a test v1");
    hasher.update(&stream.to_bytes()).update(&from.number().to_le_bytes());
    KeyState::Key(StreamKey::new(hasher.finalize().into()))
}

/// What seals at `revision`: the last generation that begins there or before.
fn at(generations: &Generations, revision: Revision) -> Option<&KeyState> {
    generations.range(..=revision).next_back().map(|(_, key)| key)
}

impl KeyRing for MemoryKeyRing {
    fn sealing(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<StreamKey, KeyError>> {
        Box::pin(ready(self.sealing_key(stream, revision)))
    }

    fn opening(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<KeyState, KeyError>> {
        let streams = self.lock();
        let generations = streams.get(&stream).into_iter().flat_map(|generations| generations.range(..=revision));
        let found = KeyState::of(generations.map(|(_, key)| key));
        Box::pin(ready(found.ok_or(KeyError::Missing(stream))))
    }

    fn renew(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        let mut streams = self.lock();
        let generations = streams.entry(stream).or_default();
        let renewed = match generations.last_key_value() {
            None if revision > Revision::FIRST => Err(KeyError::Missing(stream)),
            Some((last, _)) if *last >= revision => Ok(()),
            _ => {
                generations.insert(revision, made(stream, revision));
                Ok(())
            }
        };
        Box::pin(ready(renewed))
    }

    fn destroy(&self, stream: StreamId, revision: Revision) -> BoxFuture<'_, Result<(), KeyError>> {
        if let Some(generations) = self.lock().get_mut(&stream) {
            generations.range_mut(..revision).for_each(|(_, key)| *key = KeyState::Destroyed);
        }
        Box::pin(ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        crate::testing::key_ring::contract(&MemoryKeyRing::new()).now_or_never().expect("it never waits");
    }
}
