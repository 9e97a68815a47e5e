//! Histories that people can really make, command after command: whatever was done, doing it again changes nothing, and
//! what a client was told beforehand is what happens.

use proptest::prelude::*;
use uuid::Uuid;

use super::{Decided, Event, IncomingDocument, MORNING, Scene, Tried, Who, by, every_command, everybody, scene};
use crate::{
    decide::{Aggregate, Meta},
    id::{CommandId, OrganId},
    incoming::{
        Stage, events,
        rejudge::{Rejudged, rejudge},
    },
    ledger::Revision,
    text::ArrivalNumber,
    time::Timestamp,
};

/// A document and its way so far.
struct Walk<'a> {
    scene: &'a Scene,
    document: IncomingDocument,
    revision: u64,
    step: u128,
}

/// A step that is possible: which command, by whom.
type Step = (usize, Who);

impl Walk<'_> {
    fn at(&self) -> Timestamp {
        MORNING.plus_minutes(i64::try_from(self.step).unwrap_or(0) * 20)
    }

    fn take_in(&mut self, event: &Event, who: Who) {
        let acting = match who {
            Who::Acting(acting) => Some(acting),
            _ => None,
        };
        let meta = Meta {
            stream: Uuid::from_u128(0xd0c),
            revision: Revision::new(self.revision),
            at: self.at(),
            organ: self.scene.organ.id.unwrap_or(OrganId::new(Uuid::nil())),
            person: acting.map(|acting| acting.person),
            acting_as: acting.map(|acting| acting.post),
            on_behalf_of: None,
            command: CommandId::new(Uuid::from_u128(self.step)),
        };
        self.document.evolve(event, &meta);
        self.revision += 1;
    }

    /// Every command by everybody: told beforehand and decided alike. Those that would do something.
    fn possible(&self, commands: &[Tried]) -> Vec<Step> {
        let mut possible = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            for (_, who) in everybody(self.scene) {
                let by = by(self.scene, who, self.at(), self.step);
                let decided = (command.plausible)(self.scene, &self.document, who)(&self.document, &by);
                if let Err(told) = (command.permit)(&self.document, &by) {
                    let kept = decided.as_ref().map_or_else(|code| *code == told, Vec::is_empty);
                    assert!(kept, "{} by {who:?}: told {told:?}, then {decided:?}", command.name);
                }
                if decided.is_ok_and(|events| !events.is_empty()) {
                    possible.push((index, who));
                }
            }
        }
        possible
    }

    /// Does it, and does it again with another command id.
    fn take(&mut self, command: &Tried, who: Who) {
        let decide = (command.plausible)(self.scene, &self.document, who);
        let again = |walk: &Self, command| -> Decided {
            decide(&walk.document, &by(walk.scene, who, walk.at().plus_minutes(1), command))
        };
        let happened = again(self, self.step).unwrap_or_default();
        let by = by(self.scene, who, self.at().plus_minutes(1), self.step);
        let judged = rejudge(&self.document, &by, &happened);
        assert_eq!(judged, Rejudged::Same { command: command.name }, "{happened:?}");
        for event in &happened {
            self.take_in(event, who);
        }
        let twice = again(self, self.step + 0xffff);
        if command.is_another_each_time {
            let before = self.document.clone();
            twice.unwrap_or_default().iter().for_each(|event| self.take_in(event, who));
            assert_eq!(self.document, before, "{} changes no state", command.name);
            return;
        }
        assert!(twice.as_ref().map_or(true, Vec::is_empty), "{} twice by {who:?}: {twice:?}", command.name);
    }

    /// The system's part of a registration: the number comes, or does not.
    fn number_comes(&mut self, comes: bool) {
        let Some(began) = self.document.registering.clone() else { return };
        let event = if comes {
            events::Registered { register: began.register, number: ArrivalNumber::FIRST }.into()
        } else {
            events::RegistrationAbandoned { candidates: Vec::new() }.into()
        };
        self.take_in(&event, Who::System);
    }
}

fn cases() -> ProptestConfig {
    let cases = if std::env::var_os("SOCAI_LONG").is_some() { 2_000 } else { 60 };
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_was_done_doing_it_again_changes_nothing(choices in prop::collection::vec(any::<u16>(), 1..20)) {
        let (scene, commands) = (scene(), every_command());
        let mut walk = Walk { scene: &scene, document: IncomingDocument::default(), revision: 0, step: 0 };
        for choice in choices {
            let possible = walk.possible(&commands);
            if possible.is_empty() {
                prop_assert!(walk.document.erased, "nobody can do anything at {:?}", walk.document.stage);
                break;
            }
            let (command, who) = possible[usize::from(choice) % possible.len()];
            walk.take(&commands[command], who);
            walk.number_comes(choice % 4 != 0);
            walk.step += 1;
        }
        prop_assert_eq!(walk.document.stage == Some(Stage::Cancelled), walk.document.cancelled.is_some());
    }
}
