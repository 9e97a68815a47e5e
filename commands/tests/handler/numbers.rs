//! Numbers under concurrency: no gap, no duplicate, in order of time.

use std::{collections::HashSet, sync::Arc};

use futures::future::join_all;
use socai_commands::{CommandError, Reactions};
use socai_domain::{
    incoming::IncomingDocument,
    ledger::{Direction, EventLog, Opened, Opener},
    refusal::Code,
    register::Register,
};

use crate::world::{World, document};

const CLERKS: u128 = 64;

fn documents() -> u128 {
    if std::env::var_os("SOCAI_LONG").is_some() { 10_000 } else { 2_000 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_clerks_leave_no_gap_and_give_no_number_twice() {
    let world = Arc::new(World::new().await);
    let handler = world.handler().await;
    // The reactions take the same steps at the same time: nothing happens twice.
    let reactions = Reactions::start(handler.clone(), world.checkpoints.clone()).await.unwrap();
    let reacting = tokio::spawn(reactions.run());
    let clerks = (0..CLERKS).map(|clerk| {
        let (world, handler) = (world.clone(), handler.clone());
        tokio::spawn(async move {
            for n in (0..documents()).filter(|n| n % CLERKS == clerk) {
                world.arrived(&handler, n).await;
                world.register(&handler, n, 0xb_0000_0000 + n).await.unwrap();
            }
        })
    });
    for clerk in join_all(clerks).await {
        clerk.unwrap();
    }
    let assignments = world.assignments(2026).await;
    let numbers: Vec<u128> = assignments.iter().map(|(number, _)| u128::from(*number)).collect();
    assert_eq!(numbers, (1..=documents()).collect::<Vec<_>>());
    let with_number: HashSet<_> = assignments.iter().map(|(_, document)| *document).collect();
    assert_eq!(with_number.len(), numbers.len());
    for (number, id) in assignments.into_iter().step_by(97) {
        let (state, _) = handler.state::<IncomingDocument>(socai_domain::incoming::stream(id)).await.unwrap();
        assert_eq!(state.registered.unwrap().1.get(), number);
    }
    in_order_of_time(&world).await;
    handler.close().await;
    reacting.await.unwrap().unwrap();
    // A book of many pages, read from the log.
    let (book, _) = world.handler().await.state::<Register>(world.book(2026)).await.unwrap();
    assert_eq!((u128::from(book.last), book.numbers.len()), (documents(), numbers.len()));
}

/// The book's records were decided in the order in which they stand.
async fn in_order_of_time(world: &World) {
    let opener = Opener::new(world.ring.clone());
    let mut last = None;
    for recorded in world.log.read(world.book(2026), Direction::Forwards, None, usize::MAX).await.unwrap() {
        let Opened::Event(context, _) = opener.open(&recorded.record).await.unwrap() else { panic!("erased") };
        assert!(last <= Some(context.at) && context.at <= recorded.record.header().recorded);
        last = Some(context.at);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_clerks_with_the_same_document_one_is_refused() {
    let world = Arc::new(World::new().await);
    let handler = world.handler().await;
    for round in 0..50 {
        let pair = [2 * round, 2 * round + 1];
        for n in pair {
            world.arrived_as(&handler, n, 2 * round).await;
        }
        let racing = pair.map(|n| {
            let (world, handler) = (world.clone(), handler.clone());
            tokio::spawn(async move { world.register(&handler, n, 0xb_0000_0000 + n).await })
        });
        let [one, other] = racing.map(|racing| async { racing.await.unwrap() });
        let (refused, registered) = match (one.await, other.await) {
            (Ok(_), Err(error)) => (error, pair[0]),
            (Err(error), Ok(_)) => (error, pair[1]),
            both => panic!("exactly one is refused: {both:?}"),
        };
        let CommandError::Refused(refused) = refused else { panic!("{refused}") };
        assert_eq!((refused.code, refused.because_of), (Code::PossibleDuplicate, vec![document(registered).key()]));
    }
    assert_eq!(world.assignments(2026).await.len(), 50);
}
