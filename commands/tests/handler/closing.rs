//! Shutting down: what was accepted is finished, nothing new is accepted.

use std::sync::Arc;

use futures::FutureExt;
use socai_commands::{CommandError, Reactions};
use socai_domain::refusal::Code;

use crate::{
    faults::{HeldLog, Outcome},
    world::World,
};

#[tokio::test]
async fn a_registration_that_began_is_finished_before_the_handler_closes() {
    let world = Arc::new(World::new().await);
    let stream = world.arrived(&world.handler().await, 1).await;
    let log = HeldLog::new(world.log.clone());
    let handler = world.handler_on(Arc::new(log.clone())).await;
    let (shared, other) = (world.clone(), handler.clone());
    let registering = tokio::spawn(async move { shared.register(&other, 1, 7).await });
    log.holding(1).await;
    let closing = handler.close();
    tokio::pin!(closing);
    assert!(closing.as_mut().now_or_never().is_none());
    let late = world.register(&handler, 1, 8).await.unwrap_err();
    assert_eq!((late.clone(), late.code()), (CommandError::Closed, Code::Busy));
    for _ in 0..3 {
        assert!(closing.as_mut().now_or_never().is_none());
        log.release(Outcome::Taken).await;
    }
    closing.await;
    assert!(registering.await.unwrap().is_ok());
    assert_eq!(world.history(stream).await.last().unwrap(), "IncomingRegistered");
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_is_waited_for() {
    let world = Arc::new(World::new().await);
    let stream = world.arrived(&world.handler().await, 1).await;
    let log = HeldLog::new(world.log.clone());
    let handler = world.handler_on(Arc::new(log.clone())).await;
    let (shared, other) = (world.clone(), handler.clone());
    let registering = tokio::spawn(async move { shared.register(&other, 1, 7).await });
    log.holding(1).await;
    registering.abort();
    assert!(registering.await.unwrap_err().is_cancelled());
    let closing = handler.close();
    tokio::pin!(closing);
    assert!(closing.as_mut().now_or_never().is_none());
    log.release(Outcome::Taken).await;
    closing.await;
    assert_eq!(world.history(stream).await.last().unwrap(), "RegistrationBegan");
}

#[tokio::test]
async fn the_reactions_end_with_the_handler() {
    let world = World::new().await;
    let handler = world.handler().await;
    let reactions = Reactions::start(handler.clone(), world.checkpoints.clone()).await.unwrap();
    let running = tokio::spawn(reactions.run());
    handler.close().await;
    running.await.unwrap().unwrap();
}
