//! The reactions among disks that are full for a while, and damage.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Instant,
};

use socai_commands::{CommandError, Ended, Handler, ReactionError, Reactions};
use socai_domain::{
    incoming::IncomingDocument,
    ledger::{EventLog, Following, Opener},
};

use crate::{
    faults::{Fault, Flaky, HeldLog, Life, Outcome},
    world::{World, document},
};

/// A document whose registration began, and nobody lived to go on with it; and a handler and reactions among faults.
async fn begun() -> (World, Arc<Mutex<Option<Fault>>>, Handler, Reactions) {
    let world = World::new().await;
    world.arrived(&world.handler().await, 1).await;
    let _ = world.register(&world.dying_handler(&Life::of(1)).await, 1, 7).await;
    let fault = Arc::new(Mutex::new(None));
    let log = Flaky { fault: fault.clone(), inner: Arc::new(world.log.clone()) as Arc<dyn EventLog> };
    let ring = Flaky { fault: fault.clone(), inner: world.ring.clone() };
    let checkpoints = Flaky { fault: fault.clone(), inner: world.checkpoints.clone() };
    let clock = Arc::new(world.clock.clone());
    let handler = Handler::start(Arc::new(log), Opener::new(Arc::new(ring)), world.blobs.clone(), clock).await.unwrap();
    let reactions = Reactions::start(handler.clone(), Arc::new(checkpoints)).await.unwrap();
    (world, fault, handler, reactions)
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_it_has_passed() {
    for wrong in [Fault::Follow, Fault::Append, Fault::Key, Fault::Checkpoint] {
        let (world, fault, handler, _) = begun().await;
        *fault.lock().unwrap() = Some(wrong);
        let checkpoints = Flaky { fault: fault.clone(), inner: world.checkpoints.clone() };
        let reactions = Reactions::start(handler.clone(), Arc::new(checkpoints)).await.unwrap();
        let mut state = reactions.state();
        let running = tokio::spawn(reactions.run());
        let retrying = |state: &Following| matches!(state, Following::Retrying(_));
        assert!(retrying(&state.wait_for(|state| *state != Following::Well).await.unwrap()), "{wrong:?}");
        *fault.lock().unwrap() = None;
        state.wait_for(|state| *state == Following::Well).await.unwrap();
        let history = world.history(document(1)).await;
        assert_eq!(history, ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"], "{wrong:?}");
        assert_eq!(world.assignments(2026).await.len(), 1);
        handler.close().await;
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn damage_stops_the_reactions_and_says_what_to_do() {
    let (world, fault, handler, reactions) = begun().await;
    handler.state::<IncomingDocument>(document(1)).await.unwrap();
    *fault.lock().unwrap() = Some(Fault::DamagedKey);
    let state = reactions.state();
    let error = reactions.run().await.unwrap_err();
    assert!(matches!(error, ReactionError::Record(_)), "{error}");
    let Following::Stopped(why) = state.borrow().clone() else { panic!("stopped") };
    assert!(why.contains("restore the newest copy of the ring"), "{why}");
    handler.state::<IncomingDocument>(document(1)).await.unwrap();
    let refused = handler.state::<IncomingDocument>(document(2)).await.unwrap();
    assert_eq!(refused.1, None, "what is not damaged can be read");
    let other = handler.state::<socai_domain::organ::Organ>(socai_domain::organ::stream(world.organ)).await;
    assert!(matches!(other, Err(CommandError::Stopped(_))), "{other:?}");
}

/// Its lease ended in the middle of a step; when it is its turn again, the step is not forgotten.
#[tokio::test]
async fn a_step_that_was_broken_off_is_taken_in_the_next_turn() {
    let (world, _, _, _) = begun().await;
    let log = HeldLog::new(world.log.clone());
    let handler = world.handler_on(Arc::new(log.clone())).await;
    let mut reactions = Reactions::start(handler, world.checkpoints.clone()).await.unwrap();
    let over = async {
        log.holding(1).await;
    };
    assert_eq!(reactions.run_until(over).await.unwrap(), Ended::Over);
    log.release(Outcome::Busy).await;
    assert_eq!(world.history(document(1)).await, ["IncomingArrived", "RegistrationBegan"]);
    tokio::select! {
        caught_up = reactions.catch_up() => caught_up.unwrap(),
        () = async { loop { log.release(Outcome::Taken).await } } => {}
    }
    assert_eq!(world.history(document(1)).await, ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"]);
    assert_eq!(world.assignments(2026).await.len(), 1);
}

#[tokio::test]
async fn the_checkpoint_is_saved_now_and_then_and_at_the_end() {
    let (world, _, handler, reactions) = begun().await;
    let running = tokio::spawn(reactions.run());
    let (begun, saves) = (Instant::now(), || world.checkpoints.saves.load(Ordering::SeqCst));
    for n in 2..200 {
        world.arrived(&handler, n).await;
    }
    while saves() == 0 {
        tokio::task::yield_now().await;
    }
    handler.close().await;
    running.await.unwrap().unwrap();
    // One at the beginning, one a second, one at the end.
    let at_most = begun.elapsed().as_secs() + 2;
    assert!(saves() as u64 <= at_most, "{} of {at_most}", saves());
    let position = Reactions::start(world.handler().await, world.checkpoints.clone()).await.unwrap().position();
    assert!(position.is_some());
}
