//! For tests: numbers that follow from the first one (splitmix64), so that the same start gives the same run.

#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Recorded starts, and one that is new each time, or `SOCAI_TEST_SEED`: a run that fails says its own.
pub(crate) fn starts(recorded: u64) -> impl Iterator<Item = u64> {
    let new = std::env::var("SOCAI_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    (1..=recorded).chain([new.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1)])
}
