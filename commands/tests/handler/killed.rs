//! A process that dies between any two writes: what it began ends, without a client, and nothing happens twice.

use socai_commands::{CommandError, Handler, Reactions, Receipt};
use socai_commands::{Envelope, Requester};
use socai_domain::{
    document_types::SecrecyLevel,
    id::{CommandId, OrganId},
    incoming::{
        IncomingDocument,
        cancel::CancelIncoming,
        confirm_expunge::ConfirmExpunge,
        events::{Corrected, Details},
        expunge::ExpungeIncoming,
        testing::{details, main_file},
    },
    ledger::{EventLog, StreamId},
    refusal::Code,
    register::VoidReason,
    text::{CodeNumber, Reason},
    time::Timestamp,
};

use crate::{
    faults::Life,
    world::{Happen, World, document, register},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Registration,
    Duplicate,
    Correction,
    Cancellation,
    Expunge,
}

impl Process {
    const ALL: [Self; 5] = [Self::Registration, Self::Duplicate, Self::Correction, Self::Cancellation, Self::Expunge];

    /// A ledger in which it can begin.
    async fn ready(self) -> World {
        let world = World::new().await;
        let handler = world.handler().await;
        world.arrived(&handler, 1).await;
        if self == Self::Duplicate {
            world.arrived_as(&handler, 2, 1).await;
            world.register(&handler, 2, 20).await.unwrap();
        }
        if matches!(self, Self::Correction | Self::Cancellation | Self::Expunge) {
            world.register(&handler, 1, 10).await.unwrap();
        }
        if self == Self::Expunge {
            let ask = ExpungeIncoming { level: SecrecyLevel::Secret };
            handler.execute(document(1), world.clerk(11), ask).await.unwrap();
        }
        world.catch_up(&handler).await.unwrap();
        world
    }

    /// Begins it, or repeats the command that began it.
    async fn begin(self, world: &World, handler: &Handler) -> Result<Receipt, CommandError> {
        match self {
            Self::Registration | Self::Duplicate => world.register(handler, 1, 7).await,
            Self::Correction => {
                let (old, reason) = (details(), Reason::new("Nhập nhầm số").unwrap());
                let new = Details { number: CodeNumber::new("77").ok(), ..old.clone() };
                let happen = Happen::<IncomingDocument>(vec![Corrected { old, new, reason }.into()]);
                handler.execute(document(1), world.clerk(7), happen).await
            }
            Self::Cancellation => {
                let reason = Reason::new("Đăng ký nhầm văn bản").unwrap();
                handler.execute(document(1), world.clerk(7), CancelIncoming { kind: VoidReason::Error, reason }).await
            }
            Self::Expunge => handler.execute(document(1), leader(world), ConfirmExpunge {}).await,
        }
    }

    /// The document and its book, once it has ended.
    async fn end(self) -> (Vec<String>, Vec<String>) {
        let world = self.ready().await;
        let _ = self.begin(&world, &world.handler().await).await;
        seen(&world).await
    }
}

fn leader(world: &World) -> Envelope {
    let id = CommandId::new(uuid::Uuid::from_u128(7));
    Envelope::of(world.organ, Requester::Person(world.leader), id)
}

async fn seen(world: &World) -> (Vec<String>, Vec<String>) {
    (world.history(document(1)).await, world.history(world.book(2026)).await)
}

#[tokio::test]
async fn what_each_process_leads_to() {
    let ends = |document: &[&str], book: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        (owned(document), owned(book))
    };
    let registered = ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"];
    let book = ["BookOpened", "NumberAssigned", "FingerprintsRenewed"];
    assert_eq!(Process::Registration.end().await, ends(&registered, &book));
    let abandoned = ["IncomingArrived", "RegistrationBegan", "RegistrationAbandoned"];
    assert_eq!(Process::Duplicate.end().await, ends(&abandoned, &book));
    let corrected = [&registered[..], &["IncomingCorrected"]].concat();
    let renewed = [&book[..], &["FingerprintsRenewed"]].concat();
    assert_eq!(Process::Correction.end().await, ends(&corrected, &renewed));
    let cancelled = [&registered[..], &["IncomingCancelled"]].concat();
    let voided = [&book[..], &["NumberVoided"]].concat();
    assert_eq!(Process::Cancellation.end().await, ends(&cancelled, &voided));
    let erased = ["(IncomingArrived)", "(RegistrationBegan)", "(IncomingRegistered)", "(ExpungeRequested)"];
    let expunged = [&erased[..], &["IncomingExpunged", "ErasureCompleted"]].concat();
    assert_eq!(Process::Expunge.end().await, ends(&expunged, &voided));
}

#[tokio::test]
async fn what_began_ends_without_a_client() {
    for process in Process::ALL {
        let end = process.end().await;
        for writes in 0.. {
            let world = process.ready().await;
            let before = seen(&world).await;
            let life = Life::of(writes);
            let answer = process.begin(&world, &world.dying_handler(&life).await).await;
            let began = seen(&world).await != before;
            if !life.ended() {
                assert_eq!(seen(&world).await, end, "{process:?} lived to its end");
                assert!(writes >= 2, "{process:?} has several writes");
                break;
            }
            let handler = world.handler().await;
            world.catch_up(&handler).await.unwrap();
            let expected = if began { &end } else { &before };
            assert_eq!(&seen(&world).await, expected, "{process:?} after {writes} writes: {answer:?}");
            // The client comes back, at this handler and at one that knows nothing.
            let again = process.begin(&world, &handler).await;
            assert_eq!(seen(&world).await, end, "{process:?} after {writes} writes");
            same_answer(process, began, again, process.begin(&world, &world.handler().await).await);
            // Everything is looked at again, and nothing happens.
            world.replay(&world.handler().await).await.unwrap();
            assert_eq!(seen(&world).await, end, "{process:?} after {writes} writes, again");
        }
    }
}

fn same_answer(
    process: Process,
    began: bool,
    one: Result<Receipt, CommandError>,
    other: Result<Receipt, CommandError>,
) {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!((one.hash, one.changed), (other.hash, true));
            assert_eq!((one.repeated, other.repeated), (began, true));
        }
        (Err(one), Err(other)) => {
            assert_eq!(process, Process::Duplicate);
            assert_eq!(one, other);
            assert_eq!(one.code(), Code::PossibleDuplicate);
        }
        (one, other) => panic!("{process:?}: {one:?}, then {other:?}"),
    }
}

#[tokio::test]
async fn a_process_that_dies_at_every_write_still_ends() {
    for process in Process::ALL {
        let end = process.end().await;
        let world = process.ready().await;
        // Each life does one write.
        for life in 0..20 {
            let handler = world.dying_handler(&Life::of(1)).await;
            let _ = if life == 0 { process.begin(&world, &handler).await.map(drop) } else { Ok(()) };
            let _ = world.catch_up(&handler).await;
        }
        if process == Process::Expunge {
            // The first life only made the new key: nobody had been told anything, so the leader confirms again.
            assert_eq!(world.history(document(1)).await.last().unwrap(), "ExpungeRequested");
            let _ = process.begin(&world, &world.dying_handler(&Life::of(2)).await).await;
            // Keys, files and record are one step: it needs a life that lasts for the three of them.
            for writes in [1, 2, 3] {
                let _ = world.catch_up(&world.dying_handler(&Life::of(writes)).await).await;
            }
        }
        assert_eq!(seen(&world).await, end, "{process:?}");
    }
}

#[tokio::test]
async fn the_reactions_go_on_from_their_checkpoint() {
    let world = World::new().await;
    let handler = world.handler().await;
    world.arrived(&handler, 1).await;
    let _ = world.register(&world.dying_handler(&Life::of(1)).await, 1, 7).await;
    let handler = world.dying_handler(&Life::of(1)).await;
    assert!(world.catch_up(&handler).await.is_err(), "the number is given, the document does not have it");
    let position =
        || async { Reactions::start(world.handler().await, world.checkpoints.clone()).await.unwrap().position() };
    assert_eq!(position().await, None, "what was not finished is looked at again");
    world.catch_up(&world.handler().await).await.unwrap();
    let before = world.log.head().await.unwrap().position;
    assert!(position().await.is_some_and(|done| done.compare(before).unwrap().is_lt()), "its own records come live");
    world.catch_up(&world.handler().await).await.unwrap();
    assert_eq!(position().await, Some(before));
}

#[tokio::test]
async fn an_expunge_destroys_key_and_files_and_keeps_what_came_after_readable() {
    let world = Process::Expunge.ready().await;
    let handler = world.handler().await;
    let receipt = Process::Expunge.begin(&world, &handler).await.unwrap();
    assert_eq!(receipt.revision.number(), 5);
    assert!(world.blobs.removed.lock().unwrap().contains(&main_file().hash));
    let (cached, revision) = handler.state::<IncomingDocument>(document(1)).await.unwrap();
    let (loaded, again) = world.handler().await.state::<IncomingDocument>(document(1)).await.unwrap();
    assert_eq!((cached, revision), (loaded.clone(), again));
    assert!(loaded.erased && loaded.erasure_completed && loaded.details.is_none());
    // What was remembered of erased records is forgotten, in the cache as in the log.
    let cached = world.register(&handler, 1, 10).await.unwrap_err();
    assert_eq!(cached, world.register(&world.handler().await, 1, 10).await.unwrap_err());
}

/// 23:59:59.9 on the last day of 2026 in Viet Nam.
fn before_midnight() -> Timestamp {
    Timestamp::parse("2026-12-31T16:59:59.900000Z").unwrap()
}

fn after_midnight() -> Timestamp {
    Timestamp::parse("2026-12-31T17:00:01Z").unwrap()
}

fn registered(state: &IncomingDocument, organ: OrganId) -> (StreamId, u32) {
    let (register, number) = state.registered.unwrap();
    assert_eq!(state.organ, Some(organ));
    (StreamId::new(socai_domain::ledger::StreamKind::Register, register.uuid()), number.get())
}

#[tokio::test]
async fn the_book_is_that_of_the_year_in_which_the_registration_began() {
    for (writes, same_command) in (0..=3).flat_map(|writes| [(writes, true), (writes, false)]) {
        let world = World::new().await;
        world.clock.set(before_midnight());
        world.arrived(&world.handler().await, 1).await;
        let dead = world.dying_handler(&Life::of(writes)).await;
        assert_eq!(world.register(&dead, 1, 7).await.is_ok(), writes == 3);
        world.clock.set(after_midnight());
        let handler = world.handler().await;
        let answer = world.register(&handler, 1, if same_command { 7 } else { 8 }).await;
        match (writes, same_command) {
            (1 | 2, false) => {
                // The first is still under way: told so, and done as soon as the reactions have caught up.
                let error = answer.unwrap_err();
                assert_eq!(error.code(), Code::RegistrationUnderway);
                world.catch_up(&handler).await.unwrap();
                assert!(!world.register(&handler, 1, 8).await.unwrap().changed);
            }
            (3, false) => assert!(!answer.unwrap().changed),
            (_, _) => assert_eq!(answer.unwrap().repeated, writes > 0),
        }
        let (state, _) = handler.state::<IncomingDocument>(document(1)).await.unwrap();
        let year = if writes == 0 { 2027 } else { 2026 };
        assert_eq!(registered(&state, world.organ), (world.book(year), 1), "{writes} {same_command}");
        assert_eq!(world.assignments(2026).await.len() + world.assignments(2027).await.len(), 1);
    }
}

#[tokio::test]
async fn a_duplicate_is_found_across_the_turn_of_the_year() {
    let world = World::new().await;
    let handler = world.handler().await;
    world.clock.set(before_midnight());
    for n in [1, 2, 3] {
        world.arrived_as(&handler, n, 5).await;
    }
    // The third begins before midnight and is left there.
    let _ = world.register(&world.dying_handler(&Life::of(1)).await, 3, 30).await;
    let handler = world.handler().await;
    world.clock.set(after_midnight());
    world.register(&handler, 1, 10).await.unwrap();
    let CommandError::Refused(refused) = world.register(&handler, 3, 30).await.unwrap_err() else { panic!("refused") };
    assert_eq!((refused.code, &refused.because_of[..]), (Code::PossibleDuplicate, &[document(1).key()][..]));
    let CommandError::Refused(refused) = world.register(&handler, 2, 20).await.unwrap_err() else { panic!("refused") };
    assert_eq!((refused.code, &refused.because_of[..]), (Code::PossibleDuplicate, &[document(1).key()][..]));
    let world_2027 = world.assignments(2027).await;
    assert_eq!((world.assignments(2026).await.len(), world_2027.len()), (0, 1));
    // Next year, the book of this one is looked at.
    world.clock.set(Timestamp::parse("2028-06-01T02:00:00Z").unwrap());
    assert_eq!(world.register(&handler, 2, 21).await.unwrap_err().code(), Code::PossibleDuplicate);
    let mut accepted = register();
    accepted.accept_duplicate_of = vec![socai_domain::id::IncomingId::new(document(1).key())];
    accepted.accepted_because = Reason::new("Bản thứ hai có đóng dấu giáp lai").ok();
    handler.execute(document(2), world.clerk(22), accepted).await.unwrap();
    assert_eq!(world.assignments(2028).await.len(), 1);
}
