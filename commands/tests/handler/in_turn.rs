//! Commands of one stream are decided in turn, on top of each other, without waiting for the disk.

use socai_commands::{CommandError, Handler, Receipt};
use socai_domain::{
    incoming::{IncomingDocument, events::Annotated, refuse::RefuseIncoming},
    ledger::{Opener, Revision, StreamId},
    testing::{MORNING, SetClock},
    text::{LongText, Reason},
};
use std::sync::Arc;
use tokio::task::JoinHandle;

use crate::{
    faults::{HeldLog, Outcome},
    world::{Happen, World},
};

fn annotate(text: &str) -> Happen<IncomingDocument> {
    Happen(vec![Annotated { note: LongText::new(text).unwrap() }.into()])
}

fn refuse() -> RefuseIncoming {
    RefuseIncoming { reason: Reason::new("Văn bản gửi nhầm cơ quan").unwrap() }
}

type Answered = JoinHandle<Result<Receipt, CommandError>>;

/// An arrived document, and a handler that has it in its cache and whose appends are held.
async fn held() -> (World, HeldLog, Handler, StreamId) {
    let world = World::new().await;
    let stream = world.arrived(&world.handler().await, 1).await;
    let log = HeldLog::new(world.log.clone());
    let handler = world.handler_on(Arc::new(log.clone())).await;
    (world, log, handler, stream)
}

/// Sends a command that writes and waits until its append is on its way.
async fn annotating(world: &World, log: &HeldLog, handler: &Handler, stream: StreamId, n: u128) -> Answered {
    let before = log.holding(0).await.len();
    let (handler, envelope) = (handler.clone(), world.clerk(n));
    let answered = tokio::spawn(async move { handler.execute(stream, envelope, annotate(&format!("{n}"))).await });
    log.holding(before + 1).await;
    answered
}

/// Sends a command and lets it come as far as it can without the log.
async fn asking(world: &World, handler: &Handler, stream: StreamId, n: u128) -> Answered {
    let (handler, envelope) = (handler.clone(), world.clerk(n));
    let answered = tokio::spawn(async move { handler.execute(stream, envelope, refuse()).await });
    // One thread: everything that can go on has gone on when this comes back.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    answered
}

#[tokio::test]
async fn the_second_is_decided_before_the_first_is_durable() {
    let (world, log, handler, stream) = held().await;
    let first = annotating(&world, &log, &handler, stream, 1).await;
    let second = annotating(&world, &log, &handler, stream, 2).await;
    assert_eq!(log.holding(2).await, [Revision::new(1), Revision::new(2)]);
    assert!(!first.is_finished() && !second.is_finished());
    log.release(Outcome::Taken).await;
    assert_eq!(first.await.unwrap().unwrap().revision, Revision::new(1));
    assert!(!second.is_finished());
    log.release(Outcome::Taken).await;
    assert_eq!(second.await.unwrap().unwrap().revision, Revision::new(2));
}

#[tokio::test]
async fn what_was_decided_on_a_failed_append_is_decided_again() {
    let (world, log, handler, stream) = held().await;
    let first = annotating(&world, &log, &handler, stream, 1).await;
    let second = annotating(&world, &log, &handler, stream, 2).await;
    log.release(Outcome::Busy).await;
    assert!(matches!(first.await.unwrap(), Err(CommandError::Busy(_))));
    log.release(Outcome::Taken).await;
    assert_eq!(log.holding(1).await, [Revision::new(1)], "anew, in the place that is free");
    log.release(Outcome::Taken).await;
    assert_eq!(second.await.unwrap().unwrap().revision, Revision::new(1));
    assert_eq!(world.history(stream).await, ["IncomingArrived", "IncomingAnnotated"]);
}

#[tokio::test]
async fn already_so_is_said_when_it_is_durable() {
    let (world, log, handler, stream) = held().await;
    let first = asking(&world, &handler, stream, 1).await;
    let second = asking(&world, &handler, stream, 2).await;
    assert_eq!(log.holding(1).await.len(), 1, "the second writes nothing");
    assert!(!second.is_finished(), "the first may still be lost");
    log.release(Outcome::Taken).await;
    let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
    assert!(first.changed && !second.changed);
    assert_eq!(first.hash, second.hash);
}

#[tokio::test]
async fn already_so_is_not_said_of_what_was_lost() {
    let (world, log, handler, stream) = held().await;
    let first = asking(&world, &handler, stream, 1).await;
    let second = asking(&world, &handler, stream, 2).await;
    log.release(Outcome::Busy).await;
    assert!(first.await.unwrap().is_err());
    log.release(Outcome::Taken).await;
    assert!(second.await.unwrap().unwrap().changed, "it did it itself");
}

#[tokio::test]
async fn a_command_sent_twice_at_once_writes_once() {
    let (world, log, handler, stream) = held().await;
    let first = asking(&world, &handler, stream, 1).await;
    let second = asking(&world, &handler, stream, 1).await;
    assert!(!second.is_finished());
    log.release(Outcome::Taken).await;
    let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
    assert!(!first.repeated && second.repeated);
    assert_eq!(first.hash, second.hash);
    assert_eq!(world.history(stream).await, ["IncomingArrived", "ReceiptRefused"]);
}

#[tokio::test]
async fn a_refusal_rests_on_what_is_durable_too() {
    let (world, log, handler, stream) = held().await;
    let first = asking(&world, &handler, stream, 1).await;
    let (other, envelope) = (handler.clone(), world.clerk(2));
    let second = tokio::spawn(async move { other.execute(stream, envelope, crate::world::register()).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!second.is_finished());
    log.release(Outcome::Busy).await;
    assert!(first.await.unwrap().is_err());
    for _ in 0..3 {
        log.release(Outcome::Taken).await;
    }
    second.await.unwrap().unwrap();
    assert_eq!(world.history(stream).await, ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"]);
}

#[tokio::test]
async fn dropping_the_future_takes_nothing_back() {
    let (world, log, handler, stream) = held().await;
    let first = annotating(&world, &log, &handler, stream, 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let second = annotating(&world, &log, &handler, stream, 2).await;
    log.release(Outcome::Taken).await;
    log.release(Outcome::Taken).await;
    assert_eq!(second.await.unwrap().unwrap().revision, Revision::new(2));
    let again = handler.execute(stream, world.clerk(1), annotate("1")).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.revision, Revision::new(1));
}

#[tokio::test]
async fn a_dropped_command_whose_append_failed_leaves_no_trace() {
    let (world, log, handler, stream) = held().await;
    let first = annotating(&world, &log, &handler, stream, 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    log.release(Outcome::Busy).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let second = annotating(&world, &log, &handler, stream, 2).await;
    assert_eq!(log.holding(1).await, [Revision::new(1)]);
    log.release(Outcome::Taken).await;
    assert_eq!(second.await.unwrap().unwrap().revision, Revision::new(1));
}

/// As when the clock was set back and the latest decision's record is not the last one.
#[tokio::test]
async fn no_decision_is_before_one_that_the_log_has_even_if_the_clock_is() {
    let world = World::new().await;
    let (behind, ahead) = (world.handler().await, MORNING.plus_minutes(10));
    let (log, clock) = (Arc::new(world.log.clone()), Arc::new(SetClock::at(ahead)));
    let before = Handler::start(log, Opener::new(world.ring.clone()), world.blobs.clone(), clock).await.unwrap();
    world.arrived(&before, 1).await;
    let other = world.arrived(&behind, 2).await;
    let receipt = world.handler().await.execute(other, world.clerk(9), annotate("Đã xem")).await.unwrap();
    assert!(receipt.recorded < ahead && receipt.at >= ahead, "{receipt:?}");
}
