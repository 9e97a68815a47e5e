//! Several handlers on one log, as several servers are. Time stands still, so that five seconds pass when the test says so.

use std::{sync::Arc, time::Duration};

use futures::{
    StreamExt,
    future::{BoxFuture, ready},
    stream::BoxStream,
};
use socai_commands::{CommandError, Envelope, Handler, Reactions, Receipt, Requester};
use socai_domain::{
    document_types::SecrecyLevel,
    id::CommandId,
    incoming::{IncomingDocument, confirm_expunge::ConfirmExpunge, events::Annotated, expunge::ExpungeIncoming},
    ledger::{
        EventLog, Followed, Head, KeyRing as _, Opener, Position, ReadError, Revision, StreamId, memory::MemoryLog,
    },
    organ::{self, Organ, events::PostLeft},
    refusal::Code,
    register::Register,
    testing::{MORNING, SetClock, acting, scene},
    text::LongText,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    faults::{HeldLog, Outcome},
    world::{Happen, MemoryCheckpoints, World, document},
};

/// Time stands still but for this.
pub(crate) async fn passes(time: Duration) {
    tokio::time::sleep(time).await; // tidy: time is paused here, and passes at once
}

/// How well a server hears the log. It can always read and write.
#[derive(Clone, Debug, PartialEq)]
enum Hears {
    Well,
    /// Its subscription is silent.
    Nothing,
    /// And the log's end is not told.
    No(ReadError),
}

/// A log that others write to, too.
#[derive(Clone)]
pub(crate) struct SharedLog {
    inner: MemoryLog,
    hears: Arc<watch::Sender<Hears>>,
}

impl SharedLog {
    pub(crate) fn new(world: &World) -> Self {
        Self { inner: world.log.clone(), hears: Arc::new(watch::Sender::new(Hears::Well)) }
    }
}

impl EventLog for SharedLog {
    socai_domain::hand_on!(inner: append, read, stood_at, ledger, engine);

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        let state = self.hears.subscribe();
        let heard = move |told| {
            let mut state = state.clone();
            async move {
                let _ = state.wait_for(|hears| *hears == Hears::Well).await;
                told
            }
        };
        self.inner.follow(after).then(heard).boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        match &*self.hears.borrow() {
            Hears::No(error) => Box::pin(ready(Err(error.clone()))),
            _ => self.inner.head(),
        }
    }

    fn is_shared(&self) -> bool {
        true
    }
}

/// A server, and one that hears nothing of what it does.
async fn two(world: &World) -> (Handler, Handler, SharedLog) {
    let one = world.handler_on(Arc::new(SharedLog::new(world))).await;
    let log = SharedLog::new(world);
    let other = world.handler_on(Arc::new(log.clone())).await;
    log.hears.send_replace(Hears::Nothing);
    (one, other, log)
}

fn annotate() -> Happen<IncomingDocument> {
    Happen(vec![Annotated { note: LongText::new("một").unwrap() }.into()])
}

pub(crate) async fn annotated(handler: &Handler, world: &World, command: u128) -> Result<Receipt, CommandError> {
    handler.execute(document(1), world.clerk(command), annotate()).await
}

pub(crate) fn leader(world: &World, command: u128) -> Envelope {
    Envelope::of(world.organ, Requester::Person(world.leader), CommandId::new(Uuid::from_u128(command)))
}

/// The clerk leaves their post.
async fn clerk_leaves(handler: &Handler, world: &World) -> Receipt {
    let clerk = acting(scene().clerk);
    let left = PostLeft { post: clerk.post, person: clerk.person, from: MORNING };
    let left = Happen::<Organ>(vec![left.into()]);
    handler.execute(organ::stream(world.organ), world.system(0xfff), left).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_refused_for_what_was_so_before_another_server_wrote() {
    let world = World::new().await;
    let (one, other, _) = two(&world).await;
    // There is no document yet, and no book.
    assert_eq!(other.state::<IncomingDocument>(document(1)).await.unwrap().1, None);
    world.arrived(&one, 1).await;
    let early = other.execute(document(1), world.clerk(1).expecting(Some(Revision::new(0))), annotate()).await;
    assert_eq!(early.unwrap().revision, Revision::new(1), "not changed since");
    annotated(&one, &world, 2).await.unwrap();
    world.register(&other, 1, 3).await.unwrap();
    let late = other.execute(document(1), world.clerk(4).expecting(Some(Revision::new(1))), annotate()).await;
    assert_eq!(late.unwrap_err().code(), Code::ChangedSince);
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_at_is_as_the_log_has_it() {
    let world = World::new().await;
    let (one, other, _) = two(&world).await;
    world.arrived(&one, 1).await;
    assert_eq!(other.state::<IncomingDocument>(document(1)).await.unwrap().1, Some(Revision::new(0)));
    assert!(world.register(&one, 1, 1).await.unwrap().changed);
    let (state, revision) = other.state::<IncomingDocument>(document(1)).await.unwrap();
    assert_eq!((state.registered.is_some(), revision), (true, Some(Revision::new(2))));
    let again = other.preview(document(1), &world.clerk(2), &crate::world::register()).await;
    assert!(!again.unwrap_or_default(), "it is registered");
    // The same command there.
    let there = world.register(&other, 1, 1).await.unwrap();
    assert!(there.repeated && there.revision == Revision::new(2), "{there:?}");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_found_in_a_book_that_another_server_wrote() {
    let world = World::new().await;
    let (one, other, _) = two(&world).await;
    for n in [1, 2] {
        world.arrived_as(&one, n, 5).await;
    }
    // Both books are known there: this year's, and the next, from which the duplicate is looked for here.
    other.state::<Register>(world.book(2026)).await.unwrap();
    other.state::<Register>(world.book(2027)).await.unwrap();
    world.register(&one, 1, 1).await.unwrap();
    world.clock.set(MORNING.plus_minutes(366 * 24 * 60));
    let refused = world.register(&other, 2, 2).await.unwrap_err();
    assert_eq!(refused.code(), Code::PossibleDuplicate);
}

#[tokio::test(start_paused = true)]
async fn a_reaction_takes_the_steps_of_what_another_server_began() {
    let world = World::new().await;
    let (_, other, log) = two(&world).await;
    world.arrived(&other, 1).await;
    // It ends between two writes.
    let _ = world.register(&world.dying_handler(&crate::faults::Life::of(1)).await, 1, 7).await;
    log.hears.send_replace(Hears::Well);
    let mut reactions = Reactions::start(other, Arc::new(MemoryCheckpoints::default())).await.unwrap();
    reactions.catch_up().await.unwrap();
    assert_eq!(world.history(document(1)).await, ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_a_post_at_one_server_has_lost_it_at_all() {
    let world = World::new().await;
    let (one, other, log) = two(&world).await;
    world.arrived(&one, 1).await;
    other.organ(world.organ).await.unwrap();
    let left = clerk_leaves(&one, &world).await.revision;
    // What it has not heard of it accepts, for a few seconds.
    assert!(other.organ(world.organ).await.unwrap().revision < Some(left));
    log.hears.send_replace(Hears::Well);
    while other.organ(world.organ).await.unwrap().revision < Some(left) {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.register(&other, 1, 1).await.unwrap_err().code(), Code::NoPost);
}

/// As the time runs for a process that was stopped, too.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_hear_the_log_judges_nobody_by_old_rights() {
    let damaged = ReadError::Corrupt("a record was skipped".to_owned());
    for (deaf, why) in [
        (Hears::Nothing, "caught up"),
        (Hears::No(ReadError::Busy("no answer".to_owned())), "no answer"),
        (Hears::No(damaged), "a record was skipped"),
    ] {
        let world = World::new().await;
        let (one, other, log) = two(&world).await;
        world.arrived(&one, 1).await;
        log.hears.send_replace(Hears::Well);
        passes(Duration::from_mins(1)).await;
        annotated(&other, &world, 1).await.unwrap();
        log.hears.send_replace(deaf);
        clerk_leaves(&one, &world).await;
        tokio::time::advance(Duration::from_secs(3)).await;
        annotated(&other, &world, 2).await.unwrap();
        passes(Duration::from_secs(4)).await;
        let refused = annotated(&other, &world, 3).await.unwrap_err();
        assert!(matches!(&refused, CommandError::Busy(text) if text.contains(why)), "{refused}");
        let preview = other.preview(document(1), &world.clerk(3), &crate::world::register()).await;
        assert_eq!(preview.unwrap_err().code(), Code::Busy);
        other.state::<IncomingDocument>(document(1)).await.unwrap();
        // It goes on by itself, and knows what was done meanwhile.
        log.hears.send_replace(Hears::Well);
        passes(Duration::from_secs(15)).await;
        assert_eq!(world.register(&other, 1, 4).await.unwrap_err().code(), Code::NoPost);
        assert_eq!(world.history(document(1)).await.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_lookout_ends_with_its_handler() {
    let world = World::new().await;
    for closed in [true, false] {
        let log: Arc<dyn EventLog> = Arc::new(SharedLog::new(&world));
        let handler = world.handler_on(log.clone()).await;
        passes(Duration::from_secs(3)).await;
        if closed {
            handler.close().await;
        }
        drop(handler);
        passes(Duration::from_secs(2)).await;
        assert_eq!(Arc::strong_count(&log), 1, "{closed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_share_a_book_leave_no_gap_and_give_no_number_twice() {
    const DOCUMENTS: u128 = 300;
    let world = Arc::new(World::new().await);
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(world.handler_on(Arc::new(SharedLog::new(&world))).await);
    }
    for n in 0..DOCUMENTS {
        world.arrived(&servers[0], n).await;
    }
    let servers = Arc::new(servers);
    let clerks = (0..12).map(|clerk| {
        let (world, servers) = (world.clone(), servers.clone());
        tokio::spawn(async move {
            for n in (0..DOCUMENTS).filter(|n| n % 12 == clerk) {
                let at = |shift| &servers[usize::try_from(n + shift).unwrap() % servers.len()];
                let first = busily(&world, at(0), n).await;
                let again = busily(&world, at(1), n).await;
                assert_eq!((again.repeated, again.revision, again.hash), (true, first.revision, first.hash));
            }
        })
    });
    for clerk in clerks.collect::<Vec<_>>() {
        clerk.await.unwrap();
    }
    let assigned = world.assignments(2026).await;
    let numbers: Vec<u128> = assigned.iter().map(|(number, _)| u128::from(*number)).collect();
    assert_eq!(numbers, (1..=DOCUMENTS).collect::<Vec<_>>());
}

/// Again and again, while others are quicker.
async fn busily(world: &World, handler: &Handler, n: u128) -> Receipt {
    loop {
        match world.register(handler, n, 0xb_0000_0000 + n).await {
            Ok(receipt) => return receipt,
            Err(error) if matches!(error.code(), Code::Busy | Code::OutcomeUnknown) => {
                // The lookouts need a turn, too.
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it comes to its end")
}

/// A document whose erasure was asked for.
pub(crate) async fn to_be_erased(world: &World, handler: &Handler) -> StreamId {
    world.arrived(handler, 1).await;
    world.register(handler, 1, 10).await.unwrap();
    handler.execute(document(1), world.clerk(11), ExpungeIncoming { level: SecrecyLevel::Secret }).await.unwrap();
    document(1)
}

/// Every record opens or is erased; those after the erasure open.
async fn opens_or_is_erased(world: &World, later: usize) {
    let history = world.history(document(1)).await;
    let erased = history.iter().rposition(|name| name.starts_with('(')).unwrap();
    assert_eq!(history[erased + 1], "IncomingExpunged", "{history:?}");
    assert_eq!(history.len() - erased - 3, later, "{history:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sealed_with_a_key_that_another_server_destroyed() {
    // With the key in memory, and without.
    for with_key in [true, false] {
        let world = World::new().await;
        let (one, other, _) = two(&world).await;
        let stream = to_be_erased(&world, &one).await;
        if with_key {
            annotated(&other, &world, 12).await.unwrap();
        } else {
            other.state::<IncomingDocument>(stream).await.unwrap();
            // The place that it would seal for is below the erasure.
            annotated(&one, &world, 12).await.unwrap();
        }
        one.execute(stream, leader(&world, 13), ConfirmExpunge {}).await.unwrap();
        let noted = annotated(&other, &world, 14).await.unwrap();
        assert_eq!(world.history(stream).await.len() as u64, noted.revision.number() + 1);
        opens_or_is_erased(&world, 1).await;
        // Whether it was done cannot be told any more, as after a new start.
        assert!(!annotated(&other, &world, 12).await.unwrap().repeated);
    }
}

/// Between the end of the keys and the record that says so.
#[tokio::test(start_paused = true)]
async fn what_was_done_cannot_be_told_while_another_server_erases_it() {
    let world = World::new().await;
    let (_, other, _) = two(&world).await;
    world.arrived(&other, 1).await;
    let done = annotated(&other, &world, 1).await.unwrap().revision.next();
    world.ring.renew(document(1), done).await.unwrap();
    world.ring.destroy(document(1), done).await.unwrap();
    let erased = annotated(&other, &world, 1).await.unwrap_err();
    assert!(matches!(&erased, CommandError::Busy(why) if why.contains("erased")), "{erased}");
    let again = annotated(&other, &world, 1).await.unwrap();
    assert_eq!((again.repeated, again.revision), (false, done));
}

#[tokio::test(start_paused = true)]
async fn no_decision_is_made_before_one_of_a_server_with_a_fast_clock() {
    let world = World::new().await;
    let (_, slow, _) = two(&world).await;
    let (opener, clock) = (Opener::new(world.ring.clone()), SetClock::at(MORNING.plus_minutes(60)));
    let log = Arc::new(SharedLog::new(&world));
    let fast = Handler::start(log, opener, world.blobs.clone(), Arc::new(clock)).await.unwrap();
    world.arrived(&slow, 1).await;
    annotated(&fast, &world, 1).await.unwrap();
    assert_eq!(annotated(&slow, &world, 2).await.unwrap().at, MORNING.plus_minutes(60));
}

/// The key was renewed, then the other server was quicker.
#[tokio::test(start_paused = true)]
async fn what_comes_between_a_new_key_and_the_erasure_opens() {
    let world = World::new().await;
    let log = HeldLog::shared(world.log.clone());
    let plain = world.handler_on(Arc::new(SharedLog::new(&world))).await;
    let stream = to_be_erased(&world, &plain).await;
    annotated(&plain, &world, 12).await.unwrap(); // has the key
    let eraser = world.handler_on(Arc::new(log.clone())).await;
    let envelope = leader(&world, 13);
    let erasing = tokio::spawn(async move { eraser.execute(stream, envelope, ConfirmExpunge {}).await });
    for command in [14, 15, 16] {
        within(log.holding(1)).await;
        annotated(&plain, &world, command).await.unwrap();
        assert!(world.history(stream).await.iter().all(|name| !name.starts_with('(')));
        log.release(Outcome::Taken).await; // a conflict
    }
    // The erasure, the number's end, the erasure's end.
    for _ in 0..3 {
        within(log.release(Outcome::Taken)).await;
    }
    within(erasing).await.unwrap().unwrap();
    annotated(&plain, &world, 17).await.unwrap();
    opens_or_is_erased(&world, 1).await;
}
