//! The table command × stage × who, written out as `docs/INCOMING.md` and held: a filled cell does something, an empty one
//! refuses with the code that stands in it.

mod page;
mod walks;

use super::{
    Event, IncomingDocument, Stage,
    available::{every_command, permitted},
    testing::{self as pasts, Plausible},
};
use crate::{
    decide::{By, Refusal, Who},
    id::CommandId,
    refusal::Code,
    testing::{Given, MORNING, Past, Scene, given, scene},
    time::Timestamp,
};

type Decided = Result<Vec<Event>, Code>;
type Decision = Box<dyn Fn(&IncomingDocument, &By<'_>) -> Decided>;

/// A command that is tried.
pub(super) struct Tried {
    name: &'static str,
    permit: fn(&IncomingDocument, &By<'_>) -> Result<(), Code>,
    /// A plausible input for this document of this person; it can be decided again and again.
    plausible: fn(&Scene, &IncomingDocument, Who) -> Decision,
}

impl Tried {
    /// This command.
    pub(super) fn of<C: Plausible + 'static>() -> Self {
        Self {
            name: C::NAME,
            permit: permitted::<C>,
            plausible: |scene, document, who| {
                let command = C::plausible(scene, document, who);
                Box::new(move |document, by| command.decide(document, by).map_err(|refusal| refusal.code()))
            },
        }
    }
}

/// A document at a stage, or at a particular moment of one.
struct Situation {
    name: &'static str,
    given: Given<IncomingDocument>,
}

/// The stages in order, with the moments in which a stage behaves in another way.
fn situations(scene: &Scene) -> Vec<Situation> {
    let life = [
        pasts::arrived(scene),
        pasts::registration_began(scene),
        pasts::registered(scene),
        pasts::submitted(scene),
        pasts::directed(scene),
        pasts::resolved(scene),
    ];
    let of = |name, past: &[Past<Event>]| Situation { name, given: given(&scene.organ, past.iter().cloned()) };
    let arrived_and = |name, next| of(name, &[life[0].clone(), next]);
    vec![
        of("nothing yet", &[]),
        of("UNOPENED", &[pasts::unopened(scene)]),
        of("ARRIVED", &life[..1]),
        arrived_and("ARRIVED, erasure asked for by the clerk", pasts::expunge_requested(scene)),
        of("ARRIVED, its number on the way", &life[..2]),
        of("REGISTERED", &life[..3]),
        of("SUBMITTED", &life[..4]),
        of("DIRECTED", &life[..5]),
        of("RESOLVED", &life[..6]),
        arrived_and("REFUSED", pasts::receipt_refused(scene)),
        arrived_and("CANCELLED", pasts::cancelled(scene)),
        of("CANCELLED, erased", &[life[0].clone(), pasts::expunge_requested(scene), pasts::expunged(scene)]),
    ]
}

/// Everybody of the scene, and the system.
fn everybody(scene: &Scene) -> Vec<(&'static str, Who)> {
    scene.everybody().into_iter().chain([("system", Who::System)]).collect()
}

fn by(scene: &Scene, who: Who, at: Timestamp, command: u128) -> By<'_> {
    By { at, command: CommandId::new(uuid::Uuid::from_u128(command)), who, organ: &scene.organ }
}

/// A cell of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// It is done.
    Does,
    /// It is refused.
    Refuses(Code),
    /// It is not offered, with this code; given all the same, it succeeds without a record, because it is so already.
    AlreadySo(Code),
}

/// The cell, after trying it: what a client is told beforehand is what happens.
fn cell(command: &Tried, situation: &Situation, scene: &Scene, who: Who) -> Cell {
    let document = situation.given.state();
    let by = by(scene, who, MORNING.plus_minutes(24 * 60), 0x7ab1e);
    let decided = (command.plausible)(scene, document, who)(document, &by);
    let cell = match ((command.permit)(document, &by), &decided) {
        (Ok(()), Ok(events)) if !events.is_empty() => Some(Cell::Does),
        (Err(code), Err(refused)) if code == *refused => Some(Cell::Refuses(code)),
        (Err(code), Ok(events)) if events.is_empty() => Some(Cell::AlreadySo(code)),
        _ => None,
    };
    cell.unwrap_or_else(|| panic!("{} at {}, {who:?}: {decided:?}", command.name, situation.name))
}

#[test]
fn every_stage_stands_in_the_table() {
    let situations = situations(&scene());
    for stage in Stage::ALL {
        assert!(situations.iter().any(|situation| situation.given.state().stage == Some(stage)), "{stage:?}");
    }
}

#[test]
fn every_filled_cell_does_something_and_every_empty_one_refuses_with_its_code() {
    let scene = scene();
    for command in every_command() {
        let mut filled = 0;
        for situation in situations(&scene) {
            for (_, who) in everybody(&scene) {
                filled += u32::from(cell(&command, &situation, &scene, who) == Cell::Does);
            }
        }
        assert!(filled > 0, "{} is never of use: add the situation in which it is", command.name);
    }
}

#[test]
fn nobody_acts_without_a_post_that_may_act() {
    let scene = scene();
    for command in every_command() {
        for situation in situations(&scene) {
            for who in [scene.inspector, scene.administrator, scene.outsider] {
                let refused = matches!(cell(&command, &situation, &scene, who), Cell::Refuses(_));
                assert!(refused, "{} at {}", command.name, situation.name);
            }
        }
    }
}
