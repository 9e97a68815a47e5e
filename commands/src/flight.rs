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
        Self(Some(Course { inner, slot, incarnation, at, append, before, appending, unknown: 0, _pass: pass }))
    }

    /// Waits until the append is durable, or is known not to be.
    pub(crate) async fn land(mut self) -> Result<Appended, AppendError> {
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
                if let Err(error) = course.fly().await {
                    tracing::debug!(stream = %course.slot.stream, %error, "an append that nobody waits for failed");
                }
            });
        }
    }
}

impl<A: Aggregate> Drop for Course<A> {
    fn drop(&mut self) {
        self.slot.flights.send_modify(|flights| *flights -= 1);
    }
}

impl<A: Aggregate> Course<A> {
    /// May be dropped and called again at any point.
    async fn fly(&mut self) -> Result<Appended, AppendError> {
        let stands = durable(self.before.as_mut()).await;
        self.before = None;
        if !stands {
            return Err(AppendError::Conflict { stream: self.append.stream, actual: None });
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
                    return Ok(appended);
                }
                Err(AppendError::Unknown(why)) => self.again(why).await?,
                // This reissue was not written; of the first it is still not known.
                Err(AppendError::Busy(why)) if self.unknown > 0 => self.again(why).await?,
                Err(error) => {
                    self.slot.discard(self.incarnation);
                    return Err(error);
                }
            }
        }
    }

    /// Waits a little before the next issue, or gives up.
    async fn again(&mut self, why: String) -> Result<(), AppendError> {
        self.unknown += 1;
        if self.unknown > REISSUES {
            self.slot.discard(self.incarnation);
            return Err(AppendError::Unknown(why));
        }
        tokio::time::sleep(Duration::from_millis(1 << (2 * self.unknown))).await;
        Ok(())
    }
}
