//! The table command × stage × who, written out as `docs/INCOMING.md` and held: a filled cell does something, an empty one
//! refuses with the code that stands in it.

mod page;
mod tree;
mod walks;

use super::{
    Event, IncomingDocument, Stage,
    available::{every_command, permitted},
    events::{BranchCompleted, ExtensionRequested, Paused, Resolution, ResolutionProposed},
    testing::{self as pasts, Plausible},
};
use crate::{
    decide::{By, Refusal, Who},
    id::CommandId,
    organ::Setting,
    refusal::Code,
    testing::{Given, MORNING, Past, Scene, given, scene},
    time::Timestamp,
};

type Decided = Result<Vec<Event>, Code>;
type Decision = Box<dyn Fn(&IncomingDocument, &By<'_>) -> Decided>;

/// A command that is tried.
pub(super) struct Tried {
    name: &'static str,
    is_another_each_time: bool,
    permit: fn(&IncomingDocument, &By<'_>) -> Result<(), Code>,
    /// A plausible input for this document of this person; it can be decided again and again.
    plausible: fn(&Scene, &IncomingDocument, Who) -> Decision,
}

impl Tried {
    /// This command.
    pub(super) fn of<C: Plausible + 'static>() -> Self {
        Self {
            name: C::NAME,
            is_another_each_time: C::IS_ANOTHER_EACH_TIME,
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
    /// The agency as it is then.
    scene: Scene,
}

/// The stages in order, with the moments in which a stage behaves in another way.
fn situations(scene: &Scene) -> Vec<Situation> {
    let of_agency =
        |name, scene: Scene, past: Vec<Past<Event>>| Situation { name, given: given(&scene.organ, past), scene };
    let of = |name, past| of_agency(name, scene.clone(), past);
    let arrived_and = |name, next: &[Past<Event>]| of(name, [&[pasts::arrived(scene)], next].concat());
    let mut passing_on = scene.clone();
    passing_on.set(Setting::ClerkMayPassOn { on: true });
    let assigned_and = |name, next| of(name, [pasts::to_assigned(scene), vec![next]].concat());
    let (officer, until) = (pasts::branch(pasts::OFFICER), MORNING.plus_minutes(60 * 24 * 60));
    let asked = pasts::past(scene.officer, 5, ExtensionRequested { branch: officer, until, reason: pasts::because() });
    let paused = pasts::past(scene.leader, 5, Paused { reason: pasts::because(), until });
    let result = Some(pasts::words("Đã dự thảo văn bản trả lời"));
    let done = BranchCompleted { branch: officer, result, proposal: None, files: Vec::new() };
    let done = pasts::past(scene.officer, 5, done);
    let proposed = ResolutionProposed {
        how: Resolution::NoReplyNeeded,
        note: None,
        transferred_to: None,
        closed: vec![pasts::branch(pasts::COORDINATING), pasts::branch(pasts::COLLEAGUE)],
        closed_because: Some(pasts::because()),
    };
    let proposed = pasts::past(scene.head, 6, proposed);
    vec![
        of("nothing yet", vec![]),
        of("UNOPENED", vec![pasts::unopened(scene)]),
        arrived_and("ARRIVED", &[]),
        arrived_and("ARRIVED, erasure asked for by the clerk", &[pasts::expunge_requested(scene)]),
        arrived_and("ARRIVED, its number on the way", &[pasts::registration_began(scene)]),
        of("REGISTERED", pasts::to_registered(scene)),
        of_agency("REGISTERED, clerks pass on by regulation", passing_on, pasts::to_registered(scene)),
        of("SUBMITTED to the leader", pasts::to_submitted(scene)),
        of("DIRECTED: the head's unit leads, the other coordinates, the deputy is informed", pasts::to_directed(scene)),
        of("DIRECTED, and assigned to the officer and the colleague", pasts::to_assigned(scene)),
        assigned_and("DIRECTED, the officer asks for more time", asked),
        assigned_and("DIRECTED, the clock stands", paused),
        assigned_and("DIRECTED, the officer's work is done", done.clone()),
        of(
            "DIRECTED, the head proposes that no reply is needed",
            [pasts::to_assigned(scene), vec![done, proposed]].concat(),
        ),
        of("RESOLVED", [pasts::to_directed(scene), vec![pasts::resolved(scene)]].concat()),
        arrived_and("REFUSED", &[pasts::receipt_refused(scene)]),
        arrived_and("CANCELLED", &[pasts::cancelled(scene)]),
        arrived_and("CANCELLED, erased", &[pasts::expunge_requested(scene), pasts::expunged(scene)]),
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
fn cell(command: &Tried, situation: &Situation, who: Who) -> Cell {
    let scene = &situation.scene;
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
                filled += u32::from(cell(&command, &situation, who) == Cell::Does);
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
            let administrator = (command.name != "handOverWork").then_some(scene.administrator);
            for who in [scene.inspector, scene.outsider].into_iter().chain(administrator) {
                let acts = cell(&command, &situation, who) == Cell::Does;
                assert!(!acts, "{} at {}", command.name, situation.name);
            }
        }
    }
}

#[test]
fn whatever_is_done_is_judged_again_to_be_theirs_and_of_others_as_they_are_judged() {
    use super::rejudge::{Rejudged, rejudge};
    let scene = scene();
    for command in every_command() {
        for situation in situations(&scene) {
            let (scene, document) = (&situation.scene, situation.given.state());
            let by = |who| by(scene, who, MORNING.plus_minutes(24 * 60), 0x7ab1e);
            for (_, who) in everybody(scene) {
                let decide = (command.plausible)(scene, document, who);
                let Ok(events) = decide(document, &by(who)) else { continue };
                if events.is_empty() {
                    continue;
                }
                for (name, other) in everybody(scene) {
                    let fits = match (decide(document, &by(other)), rejudge(document, &by(other), &events)) {
                        (Ok(decided), Rejudged::Same { command: of }) => decided == events && of == command.name,
                        (Ok(decided), Rejudged::Other { .. }) => decided != events,
                        (Err(code), Rejudged::Refused { code: again, .. }) => code == again,
                        _ => false,
                    };
                    assert!(fits, "{} at {}, {who:?}, by {name}", command.name, situation.name);
                }
            }
        }
    }
}
