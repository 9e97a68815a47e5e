//! An append on its way to the disk. It arrives whether or not anybody waits for it.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use socai_domain::{
    decide::Aggregate,
    ledger::{Append, AppendError, Appended},
    time::Timestamp,
};

use crate::{
    gate::Pass,
    inner::{Inner, durable},
    slot::{Resting, Slot},
};

/// How often an append of unknown outcome is issued again.
const REISSUES: u32 = 4;

type Appending = BoxFuture<'static, Result<Appended, AppendError>>;

/// Why an append did not land.
#[derive(Debug)]
pub(crate) enum Missed {
    /// What it was decided on never came to be: it did not set out.
    Unsent,
    /// The log did not take it, or it is not known whether it did.
    Log(AppendError),
}

/// An append on its way. Dropping it takes nothing back: the rest of the way goes on by itself.
pub(crate) struct Flight<A: Aggregate>(Option<Course<A>>);

pub(crate) struct Course<A: Aggregate> {
    inner: Arc<Inner>,
    slot: Arc<Slot<A>>,
    incarnation: u64,
    at: Timestamp,
    append: Append,
    /// What it was decided on top of, where that is still on its way and others write, too.
    before: Resting,
    appending: Option<Appending>,
    /// Times that the outcome was unknown.
    unknown: u32,
    landed: bool,
    /// The program does not shut down before it has arrived.
    _pass: Pass,
}

impl<A: Aggregate> Flight<A> {
    /// Takes the append's place in the log's order now. Where others write, too, it sets out when what stands `before` it is
    /// durable: if that is lost to a record of another server, this one would find the revision that it expects all the same.
    pub(crate) fn start(
        inner: &Arc<Inner>,
        slot: &Arc<Slot<A>>,
        incarnation: u64,
        at: Timestamp,
        append: Append,
        before: Resting,
        pass: Pass,
    ) -> Self {
        slot.flights.send_modify(|flights| *flights += 1);
        let appending = before.is_none().then(|| inner.log.append(append.clone()));
        let (inner, slot) = (Arc::clone(inner), Arc::clone(slot));
        let (unknown, landed) = (0, false);
        Self(Some(Course { inner, slot, incarnation, at, append, before, appending, unknown, landed, _pass: pass }))
    }

    /// Waits until the append is durable, or is known not to be.
    pub(crate) async fn land(mut self) -> Result<Appended, Missed> {
        let course = self.0.as_mut().expect("taken only where it is dropped");
        let landed = course.fly().await;
        self.0 = None;
        landed
    }
}

impl<A: Aggregate> Drop for Flight<A> {
    fn drop(&mut self) {
        if let Some(mut course) = self.0.take() {
            let runtime = course.inner.runtime.clone();
            runtime.spawn(async move {
                if let Err(missed) = course.fly().await {
                    tracing::debug!(stream = %course.slot.stream, ?missed, "an append that nobody waits for failed");
                }
            });
        }
    }
}

impl<A: Aggregate> Drop for Course<A> {
    fn drop(&mut self) {
        if !self.landed {
            // Who waits for it waits no longer.
            self.slot.discard(self.incarnation);
        }
        self.slot.flights.send_modify(|flights| *flights -= 1);
    }
}

impl<A: Aggregate> Course<A> {
    /// May be dropped and called again at any point.
    async fn fly(&mut self) -> Result<Appended, Missed> {
        let stands = durable(self.before.as_mut()).await;
        self.before = None;
        if !stands {
            return Err(Missed::Unsent);
        }
        loop {
            let appending = self.appending.get_or_insert_with(|| self.inner.log.append(self.append.clone()));
            let outcome = appending.await;
            self.appending = None;
            match outcome {
                Ok(mut appended) => {
                    // What was there before may be the first issue of this one.
                    appended.repeated &= self.unknown == 0;
                    self.inner.recorded(appended.last().recorded);
                    self.slot.landed(self.incarnation, &appended, self.at);
                    self.landed = true;
                    return Ok(appended);
                }
                Err(AppendError::Unknown(why)) => self.again(why).await?,
                // This reissue was not written; of the first it is still not known.
                Err(AppendError::Busy(why)) if self.unknown > 0 => self.again(why).await?,
                Err(error) => return Err(Missed::Log(error)),
            }
        }
    }

    /// Waits a little before the next issue, or gives up.
    async fn again(&mut self, why: String) -> Result<(), Missed> {
        self.unknown += 1;
        if self.unknown > REISSUES {
            return Err(Missed::Log(AppendError::Unknown(why)));
        }
        tokio::time::sleep(Duration::from_millis(1 << (2 * self.unknown))).await;
        Ok(())
    }
}
