//! Chance that is the same each time: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
//! 2014). Good enough to make samples, and for nothing else.

/// A row of numbers that follows from what it is for.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The numbers for the `n`th of something.
    pub(super) fn of(what: &str, n: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(what.as_bytes()).update(&n.to_le_bytes());
        let mut seed = [0; 8];
        seed.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // How uneven this is can be seen in no sample.
        self.next() % end.max(1)
    }

    /// From `first` up to and including `last`.
    pub(super) fn within(&mut self, first: i64, last: i64) -> i64 {
        let span = last.saturating_sub(first).max(0).unsigned_abs() + 1;
        first.saturating_add_unsigned(self.below(span))
    }

    /// Yes, in so many of a thousand cases.
    pub(super) fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// One of them; the list is not empty.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    /// The place of one of so many.
    pub(super) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }

    /// One of them, by their weights, which are not all 0.
    pub(super) fn weighed<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in of {
            if left < *weight {
                return *one;
            }
            left -= weight;
        }
        of[of.len() - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_each_time_and_spread() {
        let row =
            |n| (0..5).map(|_| 0).scan(Dice::of("a test", n), |dice, _| Some(dice.below(1_000))).collect::<Vec<_>>();
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
        let mut dice = Dice::of("a test", 3);
        let (mut sum, mut kinds) = (0, [0; 3]);
        for _ in 0..30_000 {
            sum += dice.within(-5, 5);
            kinds[dice.weighed(&[(70, 0), (20, 1), (10, 2)])] += 1;
        }
        assert!(sum.abs() < 2_000, "{sum}");
        assert!((20_400..21_600).contains(&kinds[0]) && (2_700..3_300).contains(&kinds[2]), "{kinds:?}");
    }
}
