//! Numbers under concurrency: no gap, no duplicate, in order of time.

use std::{collections::HashSet, sync::Arc};

use futures::future::join_all;
use socai_commands::{CommandError, Reactions, Receipt};
use socai_domain::{
    incoming::{
        self, IncomingDocument,
        events::{Corrected, Details},
    },
    ledger::{Direction, EventLog, Opened, Opener},
    organ::{self, Organ, Setting, events::SettingChanged},
    refusal::Code,
    register::Register,
    testing::MORNING,
    text::{CodeNumber, Reason, ShortText},
};
use uuid::Uuid;

use crate::world::{Happen, World, document};

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

#[tokio::test]
async fn the_paper_of_what_came_over_the_axis_is_found_although_the_clerk_knows_no_code() {
    let world = World::new().await;
    let handler = world.handler().await;
    let axis = incoming::testing::details();
    world.arrived_with(&handler, 1, axis.clone()).await;
    world.register(&handler, 1, 1).await.unwrap();
    world.arrived_with(&handler, 2, Details { issuer_code: None, ..axis.clone() }).await;
    assert_eq!(duplicates(world.register(&handler, 2, 2).await), [document(1).key()]);
    // The other way round, and from one year's book to the next.
    let number = CodeNumber::new("77").ok();
    let paper = Details { issuer_code: None, number, ..axis };
    world.arrived_with(&handler, 3, paper.clone()).await;
    world.register(&handler, 3, 3).await.unwrap();
    world.clock.set(MORNING.plus_minutes(366 * 24 * 60));
    world.arrived_with(&handler, 4, Details { issuer_code: incoming::testing::details().issuer_code, ..paper }).await;
    assert_eq!(duplicates(world.register(&handler, 4, 4).await), [document(3).key()]);
}

#[tokio::test]
async fn a_duplicate_is_found_in_the_book_of_an_earlier_series() {
    let world = World::new().await;
    let handler = world.handler().await;
    for n in [1, 2, 3] {
        world.arrived_as(&handler, n, 5).await;
    }
    world.register(&handler, 1, 1).await.unwrap();
    let series = |name| Setting::IncomingSeries { name: ShortText::new(name).unwrap() };
    let change = |name| Happen::<Organ>(vec![SettingChanged { setting: series(name) }.into()]);
    let agency = organ::stream(world.organ);
    handler.execute(agency, world.system(2), change("đến 2")).await.unwrap();
    handler.execute(agency, world.system(3), change("đến 3")).await.unwrap();
    assert_eq!(duplicates(world.register(&handler, 2, 4).await), [document(1).key()]);
    handler.execute(agency, world.system(5), change("đến")).await.unwrap();
    assert_eq!(duplicates(world.register(&handler, 3, 6).await), [document(1).key()], "the same series again");
}

#[tokio::test]
async fn what_was_corrected_is_found_by_what_it_says_now_and_reactions_change_nothing() {
    let world = World::new().await;
    let handler = world.handler().await;
    let old = incoming::testing::details();
    world.arrived_with(&handler, 1, old.clone()).await;
    world.register(&handler, 1, 1).await.unwrap();
    let new = Details { number: CodeNumber::new("77").ok(), ..old.clone() };
    let corrected =
        Corrected { old: old.clone(), new: new.clone(), reason: Reason::new("Nhập nhầm số").unwrap() };
    let happen = Happen::<IncomingDocument>(vec![corrected.into()]);
    handler.execute(document(1), world.clerk(2), happen).await.unwrap();
    assert_eq!(world.history(world.book(2026)).await.last().unwrap(), "FingerprintsRenewed");
    let known = world.history(world.book(2026)).await.len();
    world.arrived_with(&handler, 2, old).await;
    world.register(&handler, 2, 3).await.unwrap();
    world.arrived_with(&handler, 3, new).await;
    assert_eq!(duplicates(world.register(&handler, 3, 4).await), [document(1).key()]);
    // The reactions take the step, too, and change nothing.
    let before = world.history(world.book(2026)).await;
    assert!(before.len() > known);
    world.replay(&world.handler().await).await.unwrap();
    assert_eq!(world.history(world.book(2026)).await, before);
}

fn duplicates(answer: Result<Receipt, CommandError>) -> Vec<Uuid> {
    match answer {
        Err(CommandError::Refused(refused)) if refused.code == Code::PossibleDuplicate => refused.because_of,
        other => panic!("{other:?}"),
    }
}
