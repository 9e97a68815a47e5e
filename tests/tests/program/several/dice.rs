//! Chance that can be had again: the same seed, the same throws.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and good enough to choose what goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// One's own dice of a run: `who` tells tasks apart, which must not share one in an order that time decides.
    pub(super) fn new(seed: u64, who: u64) -> Self {
        let mut dice = Self(seed ^ who.wrapping_mul(0xd605_1ab7_1f65_c2c9));
        dice.throw();
        dice
    }

    pub(super) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).unwrap()
    }

    /// Once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let millis = usize::try_from(most.saturating_sub(least).as_millis()).unwrap();
        least + Duration::from_millis(self.below(millis + 1) as u64)
    }

    pub(super) fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end + 1));
        }
    }
}

#[test]
fn the_same_seed_throws_the_same() {
    let throws = |who| {
        let mut dice = Dice::new(7, who);
        [dice.below(1_000_000), dice.below(1_000_000)]
    };
    assert_eq!(throws(1), throws(1));
    assert_ne!(throws(1), throws(2));
}
