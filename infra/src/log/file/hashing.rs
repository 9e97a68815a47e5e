//! Hashing of stream ids for tables in memory: their keys are mostly random already, so one multiplication is enough,
//! with a seed of the process that nobody outside can know.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::LazyLock,
};

use socai_domain::ledger::StreamId;

/// A table by stream.
pub(crate) type ByStream<T> = HashMap<StreamId, T, StreamHashing>;

/// Makes the hashers of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamHashing(u64);

impl Default for StreamHashing {
    fn default() -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        Self(*SEED)
    }
}

impl BuildHasher for StreamHashing {
    type Hasher = StreamHasher;

    fn build_hasher(&self) -> StreamHasher {
        StreamHasher(self.0)
    }
}

/// Folds what it is given by multiplication.
#[derive(Debug)]
pub(crate) struct StreamHasher(u64);

impl StreamHasher {
    fn fold(&mut self, word: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.0 ^ word) * u128::from(ODD ^ word.rotate_left(32));
        #[allow(clippy::cast_possible_truncation)] // both halves are used
        {
            self.0 = product as u64 ^ (product >> 64) as u64;
        }
    }
}

impl Hasher for StreamHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = self.0.rotate_left(5).wrapping_add(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_usize(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[test]
fn streams_spread() {
    use socai_domain::ledger::StreamKind;
    use uuid::Uuid;

    let hashing = StreamHashing::default();
    let streams = (0..100_000_u128).map(|number| StreamId::new(StreamKind::Incoming, Uuid::from_u128(number)));
    let mut buckets = vec![0_u32; 1 << 10];
    for stream in streams {
        buckets[usize::try_from(hashing.hash_one(stream) >> 54).unwrap()] += 1;
        buckets[usize::try_from(hashing.hash_one(stream) & 0x3ff).unwrap()] += 1;
    }
    let most = buckets.iter().max().unwrap();
    assert!(*most < 400, "about 195 expected in each, {most} found");
}
