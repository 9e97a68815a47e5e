//! How often one person may ask: a token bucket each.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use socai_domain::id::PersonId;

/// With more buckets than this, full ones are forgotten: a full bucket and none are the same.
const MANY: usize = 10_000;

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets of all who asked lately.
#[derive(Debug)]
pub(crate) struct Rates {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<PersonId, Bucket>>,
}

impl Rates {
    pub(crate) fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst: burst.into(), buckets: Mutex::default() }
    }

    /// May this person ask once more at `now`?
    pub(crate) fn take(&self, person: PersonId, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| self.level(bucket, now) < self.burst);
        }
        let bucket = buckets.entry(person).or_insert(Bucket { left: self.burst, at: now });
        bucket.left = self.level(bucket, now);
        bucket.at = now;
        let enough = bucket.left >= 1.0;
        if enough {
            bucket.left -= 1.0;
        }
        enough
    }

    fn level(&self, bucket: &Bucket, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + seconds * self.per_second).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_a_stream() {
        let (rates, start) = (Rates::new(2.0, 3), Instant::now());
        let (one, other) = (PersonId::new(Uuid::from_u128(1)), PersonId::new(Uuid::from_u128(2)));
        let asked: Vec<_> = (0..4).map(|_| rates.take(one, start)).collect();
        assert_eq!(asked, [true, true, true, false]);
        assert!(rates.take(other, start), "each has a bucket of their own");
        let later = start + Duration::from_millis(600);
        assert_eq!([rates.take(one, later), rates.take(one, later)], [true, false]);
    }
}
