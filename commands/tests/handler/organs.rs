//! Whose things they are: nobody decides on those of another organ.

use crate::world::{Happen, World};
use socai_commands::{CommandError, Envelope, Requester};
use socai_domain::{
    id::{CommandId, OrganId},
    incoming::{IncomingDocument, annotate::AnnotateIncoming},
    organ,
    refusal::Code,
    text::LongText,
};
use uuid::Uuid;

fn refused<T: std::fmt::Debug>(result: Result<T, CommandError>) -> Code {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_clerk_of_another_organ_finds_nothing() {
    let world = World::new().await;
    let handler = world.handler().await;
    let document = world.arrived(&handler, 1).await;
    // The same person is a clerk there, too: what differs is the organ alone.
    let other = OrganId::new(Uuid::from_u128(0xb));
    let there = |command| Envelope::of(other, Requester::Person(world.clerk), CommandId::new(Uuid::from_u128(command)));
    let system = Envelope::of(other, Requester::System, CommandId::new(Uuid::from_u128(1)));
    let agency = socai_domain::testing::agency_events();
    handler.execute(organ::stream(other), system, Happen::<organ::Organ>(agency)).await.unwrap();

    let note = || AnnotateIncoming { note: LongText::new("Thiếu trang 2").unwrap() };
    assert_eq!(refused(handler.execute(document, there(2), note()).await), Code::NotFound);
    assert_eq!(refused(handler.preview(document, &there(2), &note()).await), Code::NotFound);
    let stale = there(3).expecting(Some(socai_domain::ledger::Revision::new(7)));
    assert_eq!(refused(handler.execute(document, stale, note()).await), Code::NotFound);
    let nothing = Happen::<organ::Organ>(socai_domain::testing::agency_events());
    assert_eq!(refused(handler.execute(organ::stream(world.organ), there(4), nothing).await), Code::NotFound);
    assert!(handler.execute(document, world.clerk(5), note()).await.unwrap().changed);
    let (noted, _) = handler.state::<IncomingDocument>(document).await.unwrap();
    assert_eq!(noted.annotations.len(), 1);
}
