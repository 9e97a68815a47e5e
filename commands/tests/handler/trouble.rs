//! A log that does not say what it did, and another writer.

use std::sync::Arc;

use socai_commands::{CommandError, Envelope, Handler, Receipt, Requester};
use socai_domain::{
    document_types::SecrecyLevel,
    id::CommandId,
    incoming::{IncomingDocument, confirm_expunge::ConfirmExpunge, events::Annotated, expunge::ExpungeIncoming},
    ledger::{Revision, StreamId},
    refusal::Code,
    testing::MORNING,
    text::LongText,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{
    faults::{HeldLog, Outcome},
    world::{Happen, World},
};

fn annotate() -> Happen<IncomingDocument> {
    Happen(vec![Annotated { note: LongText::new("một").unwrap() }.into()])
}

fn sent(handler: &Handler, world: &World, stream: StreamId) -> JoinHandle<Result<Receipt, CommandError>> {
    let (handler, envelope) = (handler.clone(), world.clerk(7));
    tokio::spawn(async move { handler.execute(stream, envelope, annotate()).await })
}

async fn held() -> (World, HeldLog, Handler, StreamId) {
    let world = World::new().await;
    let stream = world.arrived(&world.handler().await, 1).await;
    let log = HeldLog::new(world.log.clone());
    let handler = world.handler_on(Arc::new(log.clone())).await;
    (world, log, handler, stream)
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_about() {
    for unknown in [Outcome::UnknownTaken, Outcome::UnknownLost] {
        let (world, log, handler, stream) = held().await;
        let answered = sent(&handler, &world, stream);
        log.release(unknown).await;
        log.release(Outcome::Busy).await; // says nothing about the first
        log.release(Outcome::Taken).await;
        let receipt = answered.await.unwrap().unwrap();
        assert_eq!(receipt.revision, Revision::new(1), "{unknown:?}");
        assert_eq!(world.history(stream).await, ["IncomingArrived", "IncomingAnnotated"], "{unknown:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_by_the_same_command() {
    for unknown in [Outcome::UnknownTaken, Outcome::UnknownLost] {
        let (world, log, handler, stream) = held().await;
        let answered = sent(&handler, &world, stream);
        for _ in 0..5 {
            log.release(unknown).await;
        }
        let error = answered.await.unwrap().unwrap_err();
        assert_eq!(error.code(), Code::OutcomeUnknown);
        let again = sent(&handler, &world, stream);
        if unknown == Outcome::UnknownLost {
            log.release(Outcome::Taken).await;
        }
        let receipt = again.await.unwrap().unwrap();
        assert_eq!((receipt.revision, receipt.repeated), (Revision::new(1), unknown == Outcome::UnknownTaken));
        assert_eq!(world.history(stream).await, ["IncomingArrived", "IncomingAnnotated"], "{unknown:?}");
    }
}

/// It was sealed with the key before: behind the new one nobody could open it.
#[tokio::test]
async fn an_erasure_waits_for_an_append_of_unknown_outcome() {
    let (world, log, handler, stream) = held().await;
    let plain = world.handler().await;
    world.register(&plain, 1, 10).await.unwrap();
    plain.execute(stream, world.clerk(11), ExpungeIncoming { level: SecrecyLevel::Secret }).await.unwrap();
    let lost = sent(&handler, &world, stream);
    log.holding(1).await;
    let (other, envelope) = (handler.clone(), world.clerk(8));
    let second = tokio::spawn(async move { other.execute(stream, envelope, annotate()).await });
    log.holding(2).await;
    log.release(Outcome::UnknownLost).await;
    log.release(Outcome::Busy).await; // the slot is dropped
    assert!(second.await.unwrap().is_err());
    log.holding(1).await; // the first is issued again
    let envelope = Envelope::of(world.organ, Requester::Person(world.leader), CommandId::new(Uuid::from_u128(12)));
    let confirming = tokio::spawn(async move { handler.execute(stream, envelope, ConfirmExpunge {}).await });
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.holding(1).await.len(), 1, "the erasure waits");
    let releasing = tokio::spawn(async move {
        loop {
            log.release(Outcome::Taken).await;
        }
    });
    lost.await.unwrap().unwrap();
    confirming.await.unwrap().unwrap();
    releasing.abort();
    // Every record opens, or is erased.
    let history = world.history(stream).await;
    assert!(history.contains(&"(IncomingAnnotated)".to_owned()), "{history:?}");
    assert_eq!(history.last().unwrap(), "ErasureCompleted");
}

#[tokio::test]
async fn no_decision_is_made_before_another_though_the_clock_goes_back() {
    let (world, log, handler, stream) = held().await;
    world.clock.set(MORNING.plus_minutes(60));
    let decided = sent(&handler, &world, stream);
    log.holding(1).await;
    // Before the log stamps it; and the next handler starts with that clock, too.
    world.clock.set(MORNING.plus_minutes(1));
    log.release(Outcome::Taken).await;
    let decided = decided.await.unwrap().unwrap();
    let next = world.handler().await.execute(stream, world.clerk(9), annotate()).await.unwrap();
    assert!(decided.at <= next.at, "{decided:?} {next:?}");
    assert_eq!(next.at, MORNING.plus_minutes(60));
}

#[tokio::test]
async fn another_writer_is_noticed_and_decided_upon() {
    let world = World::new().await;
    let (one, other) = (world.handler().await, world.handler().await);
    let stream = world.arrived(&one, 1).await;
    other.state::<IncomingDocument>(stream).await.unwrap();
    one.execute(stream, world.clerk(1), annotate()).await.unwrap();
    world.clock.set(MORNING.plus_minutes(1));
    let receipt = other.execute(stream, world.clerk(2), annotate()).await.unwrap();
    assert_eq!(receipt.revision, Revision::new(2));
    // The same command at both, a minute later.
    world.clock.set(MORNING.plus_minutes(2));
    let again = one.execute(stream, world.clerk(2), annotate()).await.unwrap();
    assert_eq!(again, Receipt { repeated: true, ..receipt });
}

#[tokio::test]
async fn two_handlers_give_no_number_twice() {
    let world = World::new().await;
    let handlers = [world.handler().await, world.handler().await];
    for n in 0..40 {
        world.arrived(&handlers[0], n).await;
    }
    let world = Arc::new(world);
    let registering = (0..40).map(|n| {
        let (world, handler) = (world.clone(), handlers[usize::try_from(n % 2).unwrap()].clone());
        tokio::spawn(async move { world.register(&handler, n, 1_000 + n).await })
    });
    for registered in registering.collect::<Vec<_>>() {
        registered.await.unwrap().unwrap();
    }
    let numbers: Vec<u32> = world.assignments(2026).await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_busy_book_leaves_a_registration_that_the_same_command_finishes() {
    let (world, log, handler, stream) = held().await;
    let world = Arc::new(world);
    let (other, shared) = (handler.clone(), world.clone());
    let answered = tokio::spawn(async move { shared.register(&other, 1, 7).await });
    log.release(Outcome::Taken).await;
    log.release(Outcome::Busy).await;
    assert_eq!(answered.await.unwrap().unwrap_err().code(), Code::OutcomeUnknown);
    let shared = world.clone();
    let again = tokio::spawn(async move { shared.register(&handler, 1, 7).await });
    log.release(Outcome::Taken).await;
    log.release(Outcome::Taken).await;
    let receipt = again.await.unwrap().unwrap();
    assert!(receipt.repeated);
    assert_eq!(world.history(stream).await, ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"]);
}
