//! For tests of the agency's own affairs.

use super::{Event, Organ};
use crate::{
    decide::{Acting, Aggregate, By, Decide, Meta, Refusal as _, Who},
    id::{CommandId, PersonId, PostId},
    ledger::Revision,
    refusal::Code,
    testing::{MORNING, Scene, scene},
    text::ShortText,
};

/// A short text.
pub(super) fn text(text: &str) -> ShortText {
    ShortText::new(text).expect("a short text")
}

/// Asks half an hour after the scene's morning.
pub(super) fn asks<C: Decide<State = Organ>>(scene: &Scene, who: Who, command: &C) -> Result<Vec<Event>, Code> {
    asks_of(&scene.organ, who, command)
}

/// Asks this organ.
pub(super) fn asks_of<C: Decide<State = Organ>>(organ: &Organ, who: Who, command: &C) -> Result<Vec<Event>, Code> {
    let command_id = CommandId::new(uuid::Uuid::from_u128(0xc0));
    let by = By { at: MORNING.plus_minutes(30), command: command_id, who, organ };
    command.decide(organ, &by).map_err(|refusal| refusal.code())
}

/// The organ after these events.
pub(super) fn evolve(organ: &Organ, events: &[Event]) -> Organ {
    let meta = Meta {
        stream: organ.id.map_or(uuid::Uuid::from_u128(0xa9e), crate::id::OrganId::uuid),
        revision: Revision::FIRST,
        at: MORNING.plus_minutes(30),
        organ: organ.id.unwrap_or(crate::id::OrganId::of_code("H99.05")),
        person: None,
        acting_as: None,
        on_behalf_of: None,
        command: CommandId::new(uuid::Uuid::nil()),
    };
    let mut after = organ.clone();
    for event in events {
        after.evolve(event, &meta);
    }
    after
}

/// The first unit of the scene is closed.
pub(super) fn close(scene: &mut Scene) {
    scene.organ = evolve(&scene.organ, &[super::events::UnitClosed { unit: scene.unit }.into()]);
}

/// Post and person of somebody of the scene.
pub(super) fn holder(who: Who) -> (PostId, PersonId) {
    match who {
        Who::Acting(Acting { post, person, .. }) => (post, person),
        _ => panic!("holds no post"),
    }
}

/// Of all people of the scene only the administrator may ask for this at all.
pub(super) fn only_the_administrator_asks<C: Decide<State = Organ>>(command: &C) {
    let scene = scene();
    for (name, who) in scene.everybody() {
        let by = By { at: MORNING, command: CommandId::new(uuid::Uuid::nil()), who, organ: &scene.organ };
        let permitted = C::permit(&scene.organ, &by).map_err(|refusal| refusal.code());
        let expected = match name {
            "administrator" => Ok(()),
            "outsider" => Err(Code::NoPost),
            _ => Err(Code::NotEntitled),
        };
        assert_eq!(permitted, expected, "{name}");
        if let Err(code) = expected {
            assert_eq!(asks(&scene, who, command), Err(code), "{name}");
        }
    }
}
