//! Assign: who holds a branch as the head of a unit gives it, or parts of it, on: to people, to units below, and, where the
//! unit leads, to another unit to coordinate (Decree 30/2020, Annex IV: the handling sheet's second layer).

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Branch, Event, IncomingDocument,
    assignment::{Assignment, Misassigned, To},
    events::{Assigned, Assignee, BranchRole},
};
use crate::{
    decide::{By, Decide},
    id::BranchId,
    organ::{Organ, Role},
    refusal::Code,
    text::LongText,
};

/// Why a branch cannot be given on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only who holds the open branch gives it on.
    #[error("only who holds the branch gives it on: {0}")]
    Barred(#[from] Barred),
    /// One handler layer: a specialist does the work.
    #[error("who handles the work does not give it on")]
    HandlerLayer,
    /// Who is informed has nothing to give on.
    #[error("who is informed has nothing to give on")]
    Informed,
    /// Not like this.
    #[error(transparent)]
    Misassigned(#[from] Misassigned),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::HandlerLayer => Code::HandlerLayer,
            Self::Informed => Code::InformedOwesNothing,
            Self::Misassigned(misassigned) => misassigned.code(),
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if let Self::Misassigned(misassigned) = self { misassigned.fields() } else { &[] }
    }
}

/// Give a branch, or parts of it, on.
#[derive(Clone, Debug, Serialize)]
pub struct AssignIncoming {
    /// The branch.
    pub branch: BranchId,
    /// Who acts: exactly one leads among all who have a part in it.
    pub branches: Vec<Assignment>,
    /// Remarks.
    pub note: Option<LongText>,
}

impl Branch {
    /// Is it held where work is given on: by a unit, its head or a leader?
    pub(super) fn is_above_handlers(&self, organ: &Organ) -> bool {
        match self.assignee {
            Assignee::Unit { .. } => true,
            Assignee::Person { holder } => {
                let role = organ.posts.get(&holder.post).map(|post| post.role);
                matches!(role, Some(Role::UnitHead | Role::Leader))
            }
        }
    }
}

impl IncomingDocument {
    /// May a part of `branch` go there: inside its unit, or, from the unit that leads the document, to another unit that
    /// coordinates?
    pub(super) fn is_in_reach(&self, branch: BranchId, to: Assignee, role: BranchRole, organ: &Organ) -> bool {
        let path = self.path_up(branch);
        let unit = path.first().and_then(|(_, branch)| branch.assignee.unit(organ));
        let inside = to.unit(organ).zip(unit).is_some_and(|(to, unit)| organ.is_within(to, unit));
        let to_itself = unit.is_some_and(|unit| to == Assignee::Unit { unit });
        let leads = path.iter().all(|(_, branch)| branch.role == BranchRole::Lead);
        let asks = leads && role == BranchRole::Coordinating && matches!(to, Assignee::Unit { .. });
        !to_itself && (inside || asks)
    }
}

/// May a branch like this be given on?
fn given_on(branch: &Branch, organ: &Organ) -> Result<(), Refusal> {
    if branch.role == BranchRole::Informed {
        return Err(Refusal::Informed);
    }
    if branch.is_above_handlers(organ) { Ok(()) } else { Err(Refusal::HandlerLayer) }
}

impl Decide for AssignIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "assignIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        document.holds_any(by, |_, branch| given_on(branch, by.organ))
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        let (branch, _) = document.held(self.branch, by)?;
        branch.still_open()?;
        given_on(branch, by.organ)?;
        for one in &self.branches {
            let to = match one.to {
                To::Unit(unit) => Assignee::Unit { unit },
                To::Post(_) => one.to.assignee(by.organ, by.at)?,
            };
            if !document.is_in_reach(self.branch, to, one.role, by.organ) {
                return Err(Misassigned::OutsideUnit.into());
            }
        }
        let branches = document.branch_out(Some(self.branch), &self.branches, by)?;
        Ok(vec![Assigned { parent: self.branch, branches, note: self.note.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deadline::Limit,
        decide::Who,
        incoming::{
            events::{BranchCompleted, BranchReturned, NewBranch},
            testing::*,
        },
        testing::{MORNING, Scene, command_id, given, scene},
    };

    fn assign(to: u128, branches: Vec<Assignment>) -> AssignIncoming {
        AssignIncoming { branch: branch(to), branches, note: None }
    }

    fn lead(who: Who) -> Vec<Assignment> {
        vec![for_person(who, BranchRole::Lead)]
    }

    #[track_caller]
    fn refused(scene: &Scene, who: Who, command: AssignIncoming, code: Code) {
        given(&scene.organ, to_assigned(scene)).when(who, command).then_refused(code);
    }

    #[test]
    fn the_head_gives_the_units_branch_to_people_with_one_lead() {
        let scene = scene();
        let command = || {
            assign(LEAD, [lead(scene.officer), vec![for_person(scene.colleague, BranchRole::Coordinating)]].concat())
        };
        let new = |index, who, role| NewBranch {
            branch: BranchId::of(command_id(), index),
            assignee: person(who),
            role,
            limit: Limit::None,
            note: None,
        };
        let branches = vec![new(0, scene.officer, BranchRole::Lead), new(1, scene.colleague, BranchRole::Coordinating)];
        let expected = Assigned { parent: branch(LEAD), branches, note: None };
        let assigned = given(&scene.organ, to_directed(&scene)).when(scene.head, command()).then([expected.into()]);
        let document = assigned.state();
        let officer = BranchId::of(command_id(), 0);
        assert_eq!(document.lead_leaf().map(|(id, _)| id), Some(officer));
        let calendar = &scene.organ.calendar;
        assert_eq!(document.due(officer, calendar), document.due(branch(LEAD), calendar), "due with the whole");
        assert!(document.due(officer, calendar).is_some());
        assigned.when(scene.head, command()).then_refused(Code::ExactlyOneLead);
    }

    #[test]
    fn only_who_holds_the_branch_gives_it_on() {
        let mut scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "head") {
            let denied = given(&scene.organ, to_directed(&scene)).when(who, assign(LEAD, lead(scene.officer)));
            denied.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let substitute = scene.substitutes(scene.colleague, scene.head);
        given(&scene.organ, to_directed(&scene)).when(substitute, assign(LEAD, lead(scene.officer))).happened();
        let fresh = scene.succeeds(scene.head, MORNING.plus_minutes(60));
        given(&scene.organ, to_directed(&scene)).when(fresh, assign(LEAD, lead(scene.officer))).happened();
    }

    #[test]
    fn a_document_not_being_handled_has_no_branches_to_give() {
        let scene = scene();
        given(&scene.organ, to_submitted(&scene))
            .when(scene.head, assign(LEAD, lead(scene.officer)))
            .then_refused(Code::WrongStage);
        refused(&scene, scene.head, assign(99, lead(scene.officer)), Code::NotFound);
        let returned = past(scene.head, 5, BranchReturned { branch: branch(LEAD), reason: because() });
        let past = to_directed(&scene).into_iter().chain([returned]);
        given(&scene.organ, past).when(scene.head, assign(LEAD, lead(scene.officer))).then_refused(Code::BranchEnded);
    }

    #[test]
    fn specialists_and_the_informed_do_not_give_work_on() {
        let scene = scene();
        refused(&scene, scene.officer, assign(OFFICER, lead(scene.colleague)), Code::HandlerLayer);
        refused(&scene, scene.deputy, assign(INFORMED, lead(scene.colleague)), Code::InformedOwesNothing);
    }

    #[test]
    fn inside_the_unit_and_its_units_below() {
        let mut scene = scene();
        let (below, head_below) = scene.sub_unit(scene.unit);
        let parts = vec![for_unit(below, BranchRole::Lead), for_person(head_below, BranchRole::Informed)];
        given(&scene.organ, to_directed(&scene)).when(scene.head, assign(LEAD, parts)).happened();
        let outside = |command| given(&scene.organ, to_directed(&scene)).when(scene.head, command);
        outside(assign(LEAD, lead(scene.other_officer))).then_refused(Code::OutsideUnit);
        outside(assign(LEAD, vec![for_unit(scene.other_unit, BranchRole::Lead)])).then_refused(Code::OutsideUnit);
        outside(assign(LEAD, vec![for_unit(scene.unit, BranchRole::Lead)])).then_refused(Code::OutsideUnit);
    }

    #[test]
    fn the_lead_unit_asks_another_unit_to_coordinate_and_a_coordinating_one_does_not() {
        let mut scene = scene();
        let (third, _) = scene.sub_unit(scene.organ.root.unwrap());
        let ask = |to, of: u128| assign(of, vec![for_unit(to, BranchRole::Coordinating)]);
        given(&scene.organ, to_assigned(&scene)).when(scene.head, ask(third, LEAD)).happened();
        let from_coordinating = AssignIncoming {
            branches: [lead(scene.other_officer), ask(third, COORDINATING).branches].concat(),
            ..ask(third, COORDINATING)
        };
        refused(&scene, scene.other_head, from_coordinating, Code::OutsideUnit);
        let informed = assign(LEAD, vec![for_unit(third, BranchRole::Informed)]);
        refused(&scene, scene.head, informed, Code::OutsideUnit);
    }

    #[test]
    fn a_part_is_never_due_after_the_whole_nor_in_the_past() {
        let scene = scene();
        let within = |days| {
            let limit = Some(Limit::WorkingDays { days });
            assign(LEAD, vec![Assignment { limit, ..for_person(scene.officer, BranchRole::Lead) }])
        };
        given(&scene.organ, to_directed(&scene)).when(scene.head, within(10)).happened();
        given(&scene.organ, to_directed(&scene)).when(scene.head, within(11)).then_refused(Code::BeyondParentDeadline);
        let limit = Some(Limit::At { at: MORNING });
        let past_due = assign(LEAD, vec![Assignment { limit, ..for_person(scene.officer, BranchRole::Lead) }]);
        given(&scene.organ, to_directed(&scene)).when(scene.head, past_due).then_refused(Code::DeadlineInPast);
    }

    #[test]
    fn who_left_is_given_nothing() {
        let mut scene = scene();
        scene.leaves_at(scene.officer, MORNING);
        given(&scene.organ, to_directed(&scene))
            .when(scene.head, assign(LEAD, lead(scene.officer)))
            .then_refused(Code::NotAssignable);
        given(&scene.organ, to_directed(&scene))
            .when(scene.head, assign(LEAD, vec![]))
            .then_refused(Code::NothingAssigned);
    }

    #[test]
    fn another_lead_follows_one_that_is_done_or_came_back() {
        let scene = scene();
        let (result, files) = (words("Đã xong dự thảo"), vec![]);
        let done = BranchCompleted { branch: branch(OFFICER), result: Some(result), proposal: None, files };
        let returned = BranchReturned { branch: branch(OFFICER), reason: because() };
        for ended in [past(scene.officer, 6, done), past(scene.officer, 6, returned)] {
            let past: Vec<_> = to_assigned(&scene).into_iter().chain([ended]).collect();
            let again = assign(LEAD, lead(scene.officer));
            given(&scene.organ, past.clone()).when(scene.head, again).happened();
        }
        refused(&scene, scene.head, assign(LEAD, lead(scene.head)), Code::ExactlyOneLead);
    }
}
