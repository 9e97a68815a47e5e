//! What is decided on top of an append that is still on its way, where another server may be quicker.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use socai_domain::{id::IncomingId, incoming::confirm_expunge::ConfirmExpunge};

use crate::{
    faults::{HeldLog, Life, Outcome},
    servers::{SharedLog, annotated, leader, passes, to_be_erased, within},
    world::{World, document},
};

/// Lets go of every append that is held, for ever.
async fn letting_go(log: &HeldLog) {
    loop {
        log.release(Outcome::Taken).await;
    }
}

/// Two numbers are given on top of each other, and another server is quicker: it gives as many. The first is refused by the log;
/// the second stands at the right revision, but was decided on what never came to be.
#[tokio::test(start_paused = true)]
async fn what_was_decided_on_a_lost_append_does_not_land_on_another_servers() {
    let world = World::new().await;
    let plain = world.handler_on(Arc::new(SharedLog::new(&world))).await;
    for n in [1, 2] {
        world.arrived(&plain, n).await;
        let _ = world.register(&world.dying_handler(&Life::of(1)).await, n, n).await;
    }
    let world = Arc::new(world);
    let log = HeldLog::shared(world.log.clone());
    let quick = world.handler_on(Arc::new(log.clone())).await;
    let mut registering = Vec::new();
    for n in [1, 2] {
        let (world, quick) = (Arc::clone(&world), quick.clone());
        registering.push(tokio::spawn(async move { world.register(&quick, n, n).await }));
        // All that can go on without the log has gone on.
        passes(Duration::from_millis(1)).await;
    }
    within(log.holding(1)).await;
    world.register(&plain, 2, 2).await.unwrap();
    tokio::select! {
        done = within(join_all(registering)) => {
            assert!(done.iter().all(|done| matches!(done, Ok(Ok(_)))), "{done:?}");
        }
        () = letting_go(&log) => unreachable!("it has no end"),
    }
    let given = |number: u32, n: u128| (number, IncomingId::new(document(n).key()));
    assert_eq!(world.assignments(2026).await, [given(1, 2), given(2, 1)]);
}

/// Nothing waits for the erasure that the erasure waits for.
#[tokio::test(start_paused = true)]
async fn an_erasure_comes_after_what_waits_for_its_turn() {
    let world = World::new().await;
    let log = HeldLog::shared(world.log.clone());
    let plain = world.handler_on(Arc::new(SharedLog::new(&world))).await;
    let stream = to_be_erased(&world, &plain).await;
    let handler = world.handler_on(Arc::new(log.clone())).await;
    let world = Arc::new(world);
    let mut annotating = Vec::new();
    for command in [12, 13] {
        let (world, handler) = (Arc::clone(&world), handler.clone());
        annotating.push(tokio::spawn(async move { annotated(&handler, &world, command).await }));
        passes(Duration::from_millis(1)).await;
    }
    within(log.holding(1)).await;
    let envelope = leader(&world, 14);
    let erasing = tokio::spawn(async move { handler.execute(stream, envelope, ConfirmExpunge {}).await });
    passes(Duration::from_millis(1)).await;
    let all = async { (join_all(annotating).await, erasing.await) };
    let (noted, erased) = tokio::select! {
        done = within(all) => done,
        () = letting_go(&log) => unreachable!("it has no end"),
    };
    erased.unwrap().unwrap();
    // One stood before it; the other was judged behind it, and may still say something.
    assert!(noted.iter().all(|noted| matches!(noted, Ok(Ok(_)))), "{noted:?}");
}
