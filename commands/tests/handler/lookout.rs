//! How a server hears of what others write.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use socai_domain::{
    ledger::{Direction, EventLog, Head, ReadError, Recorded, Revision, StreamId, memory::MemoryLog},
    organ::{self, Organ, events::OrganCodeChanged},
    text::OrganCode,
    time::Date,
};
use tokio::sync::Mutex;

use crate::{
    servers::{SharedLog, annotated, passes},
    world::{Happen, World},
};

/// A log that answers one question after the other, and takes its time over each.
#[derive(Clone)]
struct Slow {
    inner: MemoryLog,
    one: Arc<Mutex<()>>,
}

impl EventLog for Slow {
    socai_domain::hand_on!(inner: append, follow, stood_at, ledger, engine);

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        Box::pin(async move {
            let _one = self.one.lock().await;
            passes(Duration::from_millis(30)).await;
            self.inner.read(stream, direction, from, limit).await
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        Box::pin(async move {
            let _one = self.one.lock().await;
            passes(Duration::from_millis(500)).await;
            self.inner.head().await
        })
    }

    fn is_shared(&self) -> bool {
        true
    }
}

/// What is read because another server changed the organ waits for the question where the log ends, not the other way round.
#[tokio::test(start_paused = true)]
async fn no_question_to_the_log_waits_for_one_that_nobody_goes_on_with() {
    let world = World::new().await;
    let plain = world.handler_on(Arc::new(SharedLog::new(&world))).await;
    world.arrived(&plain, 1).await;
    let slow = world.handler_on(Arc::new(Slow { inner: world.log.clone(), one: Arc::default() })).await;
    annotated(&slow, &world, 1).await.unwrap();
    for n in 0..40 {
        let (code, from) = (OrganCode::new(format!("000.00.{n:02}.H99")).unwrap(), Date::new(2026, 1, 1).unwrap());
        let changes = Happen::<Organ>(vec![OrganCodeChanged { code, from }.into()]);
        plain.execute(organ::stream(world.organ), world.system(0x1000 + n), changes).await.unwrap();
        passes(Duration::from_millis(330)).await;
    }
    annotated(&slow, &world, 2).await.unwrap();
}
