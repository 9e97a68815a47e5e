//! Pass on: a clerk gives a document straight to a unit whose work it clearly is, where the agency's regulation lets them
//! (Decree 30/2020, art. 23.1).

use serde::Serialize;
use thiserror::Error;

use super::{
    Event, IncomingDocument, Stage,
    assignment::{Assignment, Misassigned, To},
    events::Directed,
};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::LongText,
};

/// Why a document cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a records clerk passes on.
    #[error("only a records clerk passes on: {0}")]
    NotTheClerk(#[from] Denied),
    /// The agency's regulation does not say so.
    #[error("the agency's regulation does not let clerks pass on")]
    NotByRegulation,
    /// It is not registered, or it lies with a leader, or somebody has the lead.
    #[error("only a registered document that lies with the clerk is passed on")]
    WrongStage,
    /// There is nothing to read yet.
    #[error("the document has no main file")]
    NoMainFile,
    /// Not like this.
    #[error(transparent)]
    Misassigned(#[from] Misassigned),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::NotTheClerk(denied) => denied.code(),
            Self::NotByRegulation => Code::PassingOnNotAllowed,
            Self::WrongStage => Code::WrongStage,
            Self::NoMainFile => Code::MainFileMissing,
            Self::Misassigned(misassigned) => misassigned.code(),
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if let Self::Misassigned(misassigned) = self { misassigned.fields() } else { &[] }
    }
}

/// Give the document straight to units: exactly one leads.
#[derive(Clone, Debug, Serialize)]
pub struct PassOnIncoming {
    /// Remarks.
    pub note: Option<LongText>,
    /// The units.
    pub branches: Vec<Assignment>,
}

impl IncomingDocument {
    /// With the clerk: registered, or passed on and come back.
    fn lies_with_clerk(&self) -> bool {
        let lead_open = || self.root_lead().is_some_and(|(_, lead)| lead.is_live());
        match self.stage {
            Some(Stage::Registered) => true,
            Some(Stage::Directed) => self.leader.is_none() && !lead_open(),
            _ => false,
        }
    }
}

impl Decide for PassOnIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "passOnIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require(Role::RecordsClerk)?;
        if !by.organ.settings.clerk_may_pass_on {
            return Err(Refusal::NotByRegulation);
        }
        if !document.lies_with_clerk() {
            return Err(Refusal::WrongStage);
        }
        if document.has_main_file() { Ok(()) } else { Err(Refusal::NoMainFile) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        if self.branches.iter().any(|one| matches!(one.to, To::Post(_))) {
            return Err(Misassigned::NotAUnit.into());
        }
        let branches = document.branch_out(None, &self.branches, by)?;
        Ok(vec![Directed { note: self.note.clone(), branches, follower: None, by_regulation: true }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::BranchId,
        incoming::{
            events::{BranchReturned, BranchRole, FileRole},
            testing::*,
        },
        organ::Setting,
        testing::{Scene, command_id, given, scene},
    };

    fn regulated() -> Scene {
        let mut scene = scene();
        scene.set(Setting::ClerkMayPassOn { on: true });
        scene
    }

    fn pass_on(scene: &Scene) -> PassOnIncoming {
        let branches =
            vec![for_unit(scene.unit, BranchRole::Lead), for_unit(scene.other_unit, BranchRole::Coordinating)];
        PassOnIncoming { note: None, branches }
    }

    #[test]
    fn the_clerk_passes_on_straight_to_units_where_the_regulation_says_so() {
        let scene = regulated();
        let events = given(&scene.organ, to_registered(&scene)).when(scene.clerk, pass_on(&scene)).happened();
        let [Event::Directed(directed)] = &events[..] else { panic!("{events:?}") };
        assert!(directed.by_regulation);
        assert_eq!(directed.branches[1].branch, BranchId::of(command_id(), 1));
        given(&scene.organ, to_registered(&scene))
            .when(scene.clerk, pass_on(&scene))
            .then(events)
            .when(scene.clerk, pass_on(&scene))
            .then_refused(Code::WrongStage);
        let plain = crate::testing::scene();
        given(&plain.organ, to_registered(&plain))
            .when(plain.clerk, pass_on(&plain))
            .then_refused(Code::PassingOnNotAllowed);
    }

    #[test]
    fn only_the_clerk_and_only_a_registered_document_with_its_file() {
        let scene = regulated();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "clerk") {
            let refused = given(&scene.organ, to_registered(&scene)).when(who, pass_on(&scene));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        for past in [vec![arrived(&scene)], to_submitted(&scene), to_directed(&scene)] {
            given(&scene.organ, past).when(scene.clerk, pass_on(&scene)).then_refused(Code::WrongStage);
        }
        let mut past = to_registered(&scene);
        if let Event::Arrived(arrived) = &mut past[0].event {
            arrived.files[0].role = FileRole::Annex;
        }
        given(&scene.organ, past).when(scene.clerk, pass_on(&scene)).then_refused(Code::MainFileMissing);
    }

    #[test]
    fn to_units_one_of_which_leads() {
        let scene = regulated();
        let to_person = PassOnIncoming { note: None, branches: vec![for_person(scene.head, BranchRole::Lead)] };
        given(&scene.organ, to_registered(&scene)).when(scene.clerk, to_person).then_refused(Code::UnitsOnly);
        let nobody_leads = PassOnIncoming { note: None, branches: vec![for_unit(scene.unit, BranchRole::Informed)] };
        given(&scene.organ, to_registered(&scene)).when(scene.clerk, nobody_leads).then_refused(Code::ExactlyOneLead);
    }

    #[test]
    fn what_comes_back_is_passed_on_again() {
        let scene = regulated();
        let first = given(&scene.organ, to_registered(&scene)).when(scene.clerk, pass_on(&scene)).happened();
        let returned = BranchReturned { branch: BranchId::of(command_id(), 0), reason: because() };
        let happened = [past(scene.clerk, 3, first[0].clone()), past(scene.head, 4, returned)];
        let past = to_registered(&scene).into_iter().chain(happened);
        let again = PassOnIncoming { note: None, branches: vec![for_unit(scene.unit, BranchRole::Lead)] };
        given(&scene.organ, past).when(scene.clerk, again).happened();
    }
}
