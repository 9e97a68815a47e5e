//! For tests of what stands around decisions: a clock that is set, and events that happen whatever the state.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde::{Serialize, Serializer};

use crate::{
    decide::{Aggregate, By, Decide},
    refusal::Denied,
    time::{Clock, Timestamp},
};

/// A clock that is set. All clones are one clock.
#[derive(Clone, Debug)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    /// It stands there.
    pub fn at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(instant.as_micros())))
    }

    /// Now it stands there.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_micros(), Ordering::SeqCst);
    }

    /// So many minutes later.
    pub fn pass_minutes(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000_000, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Lets events happen, whatever the state: how an agency or a document came about.
#[derive(Clone, Debug)]
pub struct Happen<A: Aggregate>(pub Vec<A::Event>);

impl<A: Aggregate> Serialize for Happen<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

impl<A: Aggregate> Decide for Happen<A> {
    type State = A;
    type Refusal = Denied;
    const NAME: &'static str = "happen";

    fn permit(_: &A, _: &By<'_>) -> Result<(), Denied> {
        Ok(())
    }

    fn decide(&self, _: &A, _: &By<'_>) -> Result<Vec<A::Event>, Denied> {
        Ok(self.0.clone())
    }
}
