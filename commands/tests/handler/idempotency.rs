//! What a repetition of a command is answered with.

use crate::world::{Happen, World, document, register};
use socai_commands::{CommandError, Envelope, Requester};
use socai_domain::{
    id::PersonId,
    incoming::{IncomingDocument, events::Annotated},
    refusal::Code,
    text::LongText,
};

fn annotate(text: &str) -> Happen<IncomingDocument> {
    Happen(vec![Annotated { note: LongText::new(text).unwrap() }.into()])
}

fn code<T: std::fmt::Debug>(result: Result<T, CommandError>) -> Code {
    result.unwrap_err().code()
}

#[tokio::test]
async fn the_same_command_is_answered_with_its_first_outcome() {
    let world = World::new().await;
    let handler = world.handler().await;
    let stream = world.arrived(&handler, 1).await;
    let first = handler.execute(stream, world.clerk(7), annotate("một")).await.unwrap();
    assert!(first.changed && !first.repeated);
    handler.execute(stream, world.clerk(8), annotate("hai")).await.unwrap();
    for handler in [handler, world.handler().await] {
        let again = handler.execute(stream, world.clerk(7), annotate("một")).await.unwrap();
        assert_eq!(again, socai_commands::Receipt { repeated: true, ..first });
        let other_input = handler.execute(stream, world.clerk(7), annotate("ba")).await;
        assert_eq!(code(other_input), Code::CommandIdReused);
        let other_actor = handler.execute(stream, world.system(7), annotate("một")).await;
        assert_eq!(code(other_actor), Code::CommandIdReused);
    }
    assert_eq!(world.history(stream).await, ["IncomingArrived", "IncomingAnnotated", "IncomingAnnotated"]);
}

#[tokio::test]
async fn a_registration_is_carried_through_and_repeated_whole() {
    let world = World::new().await;
    let handler = world.handler().await;
    let stream = world.arrived(&handler, 1).await;
    let first = world.register(&handler, 1, 7).await.unwrap();
    assert_eq!(first.revision.number(), 2);
    let again = world.register(&world.handler().await, 1, 7).await.unwrap();
    assert_eq!(again, socai_commands::Receipt { repeated: true, ..first });
    let already = world.register(&handler, 1, 8).await.unwrap();
    assert!(!already.changed);
    assert_eq!(already.hash, first.hash);
    assert_eq!(world.history(stream).await, ["IncomingArrived", "RegistrationBegan", "IncomingRegistered"]);
    assert_eq!(world.assignments(2026).await.len(), 1);
}

#[tokio::test]
async fn who_saw_an_older_revision_is_told() {
    let world = World::new().await;
    let handler = world.handler().await;
    let stream = world.arrived(&handler, 1).await;
    let seen = handler.state::<IncomingDocument>(stream).await.unwrap().1;
    handler.execute(stream, world.clerk(7).expecting(seen), annotate("một")).await.unwrap();
    let stale = handler.execute(stream, world.clerk(8).expecting(seen), annotate("hai")).await;
    assert_eq!(code(stale), Code::ChangedSince);
    // A repetition is one, whatever was expected.
    handler.execute(stream, world.clerk(7).expecting(seen), annotate("một")).await.unwrap();
    let nothing = handler.execute(document(99), world.clerk(9), Happen::<IncomingDocument>(vec![])).await;
    assert_eq!(code(nothing), Code::NotFound);
}

#[tokio::test]
async fn a_preview_tells_what_would_happen_and_writes_nothing() {
    let world = World::new().await;
    let handler = world.handler().await;
    let stream = world.arrived(&handler, 1).await;
    let outsider = PersonId::new(uuid::Uuid::from_u128(0xff));
    let stranger = Envelope { who: Requester::Person(outsider), ..world.clerk(8) };
    assert_eq!(handler.preview(stream, &world.clerk(7), &register()).await, Ok(true));
    assert_eq!(code(handler.preview(stream, &stranger, &register()).await), Code::NoPost);
    assert_eq!(world.history(stream).await.len(), 1);
    world.register(&handler, 1, 7).await.unwrap();
    assert_eq!(handler.preview(stream, &world.clerk(9), &register()).await, Ok(false));
}
