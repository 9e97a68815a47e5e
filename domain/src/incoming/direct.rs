//! Direct: the leader says who leads, who coordinates, who is informed, and until when (Decree 30/2020, art. 23.2, 24.1).
//!
//! Directing again adds to the tree: coordinating units, or another lead after the first was withdrawn or came back.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Event, IncomingDocument, Stage,
    assignment::{Assignment, Misassigned, To},
    events::Directed,
};
use crate::{
    decide::{By, Decide},
    organ::Role,
    refusal::{Code, Denied},
    text::LongText,
};

/// Why a document cannot be directed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the leader it lies with directs.
    #[error("only the leader with whom the document lies directs it: {0}")]
    Barred(#[from] Barred),
    /// There is nothing to read yet.
    #[error("the document has no main file")]
    NoMainFile,
    /// Not like this.
    #[error(transparent)]
    Misassigned(#[from] Misassigned),
    /// The follower cannot follow.
    #[error("the follower is not an open unit, or not a post that somebody holds")]
    NoFollower,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NoMainFile => Code::MainFileMissing,
            Self::Misassigned(misassigned) => misassigned.code(),
            Self::NoFollower => Code::NotAssignable,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Misassigned(misassigned) => misassigned.fields(),
            Self::NoFollower => &["follower"],
            Self::Barred(_) | Self::NoMainFile => &[],
        }
    }
}

/// Say who acts, in what role and until when.
#[derive(Clone, Debug, Serialize)]
pub struct DirectIncoming {
    /// The directive opinion (ý kiến chỉ đạo).
    pub note: Option<LongText>,
    /// Who acts: exactly one leads.
    pub branches: Vec<Assignment>,
    /// Who follows and urges.
    pub follower: Option<To>,
}

impl Decide for DirectIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "directIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        let acting = by.require(Role::Leader).map_err(Barred::from)?;
        match document.stage {
            Some(Stage::Submitted | Stage::Directed) if document.is_directed_by(&acting, by.organ, by.at) => {}
            Some(Stage::Submitted | Stage::Directed) => return Err(Barred::Denied(Denied::NotInPath).into()),
            _ => return Err(Barred::WrongStage.into()),
        }
        if document.has_main_file() { Ok(()) } else { Err(Refusal::NoMainFile) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let follower = match self.follower {
            Some(to) => Some(to.assignee(by.organ, by.at).map_err(|_| Refusal::NoFollower)?),
            None => None,
        };
        let branches = document.branch_out(None, &self.branches, by)?;
        Ok(vec![Directed { note: self.note.clone(), branches, follower, by_regulation: false }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deadline::Limit,
        id::BranchId,
        incoming::{
            events::{Assignee, BranchReturned, BranchRole, FileRole, NewBranch},
            testing::*,
        },
        organ,
        testing::{MORNING, Past, Scene, command_id, given, scene},
        time::Date,
    };

    fn direct(branches: Vec<Assignment>) -> DirectIncoming {
        DirectIncoming {
            note: Some(words("Phòng Kế hoạch chủ trì, tham mưu trả lời.")), branches, follower: None
        }
    }

    fn usual(scene: &Scene) -> Vec<Assignment> {
        let limited =
            Assignment { limit: Some(Limit::WorkingDays { days: 5 }), ..for_unit(scene.unit, BranchRole::Lead) };
        vec![
            limited,
            for_unit(scene.other_unit, BranchRole::Coordinating),
            for_person(scene.deputy, BranchRole::Informed),
        ]
    }

    fn limit_given(past: Vec<Past<Event>>, scene: &Scene, one: Assignment) -> Limit {
        let events = given(&scene.organ, past).when(scene.leader, direct(vec![one])).happened();
        let [Event::Directed(directed)] = &events[..] else { panic!("{events:?}") };
        directed.branches[0].limit
    }

    #[test]
    fn the_leader_says_who_leads_who_coordinates_and_who_is_informed() {
        let scene = scene();
        let new = |index, assignee, role, limit| NewBranch {
            branch: BranchId::of(command_id(), index),
            assignee,
            role,
            limit,
            note: None,
        };
        let expected = Directed {
            note: direct(vec![]).note,
            branches: vec![
                new(0, Assignee::Unit { unit: scene.unit }, BranchRole::Lead, Limit::WorkingDays { days: 5 }),
                new(1, Assignee::Unit { unit: scene.other_unit }, BranchRole::Coordinating, Limit::None),
                new(2, person(scene.deputy), BranchRole::Informed, Limit::None),
            ],
            follower: Some(person(scene.clerk)),
            by_regulation: false,
        };
        let follower = Some(To::Post(post(scene.clerk)));
        let directed = given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, DirectIncoming { follower, ..direct(usual(&scene)) })
            .then([expected.into()]);
        assert_eq!(directed.state().stage, Some(Stage::Directed));
        assert_eq!(directed.state().follower, Some(person(scene.clerk)));
        directed.when(scene.leader, direct(usual(&scene))).then_refused(Code::ExactlyOneLead);
    }

    #[test]
    fn nobody_else_directs_but_a_substitute_does() {
        let mut scene = scene();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| *name != "leader") {
            let refused = given(&scene.organ, to_submitted(&scene)).when(who, direct(usual(&scene)));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let substitute = scene.substitutes(scene.head, scene.leader);
        given(&scene.organ, to_submitted(&scene)).when(substitute, direct(usual(&scene))).happened();
    }

    #[test]
    fn it_is_registered_and_submitted_first_and_has_its_main_file() {
        let scene = scene();
        given(&scene.organ, to_registered(&scene))
            .when(scene.leader, direct(usual(&scene)))
            .then_refused(Code::WrongStage);
        let mut past = to_submitted(&scene);
        if let Event::Arrived(arrived) = &mut past[0].event {
            arrived.files[0].role = FileRole::Annex;
        }
        given(&scene.organ, past).when(scene.leader, direct(usual(&scene))).then_refused(Code::MainFileMissing);
    }

    #[test]
    fn exactly_one_leads() {
        let scene = scene();
        let two = vec![for_unit(scene.unit, BranchRole::Lead), for_unit(scene.other_unit, BranchRole::Lead)];
        let none = vec![for_unit(scene.unit, BranchRole::Coordinating)];
        for branches in [two, none] {
            given(&scene.organ, to_submitted(&scene))
                .when(scene.leader, direct(branches))
                .then_refused(Code::ExactlyOneLead);
        }
        given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, direct(vec![]))
            .then_refused(Code::NothingAssigned);
    }

    #[test]
    fn work_is_given_to_units_and_posts_that_can_do_it_and_once() {
        let mut scene = scene();
        scene.leaves_at(scene.officer, MORNING);
        let closed = organ::events::UnitClosed { unit: scene.other_unit };
        scene.happens(MORNING, &organ::Event::UnitClosed(closed));
        let root = scene.organ.root.unwrap();
        for lead in [
            for_person(scene.officer, BranchRole::Lead),
            for_person(scene.inspector, BranchRole::Lead),
            for_person(scene.administrator, BranchRole::Lead),
            for_unit(scene.other_unit, BranchRole::Lead),
            for_unit(root, BranchRole::Lead),
        ] {
            given(&scene.organ, to_submitted(&scene))
                .when(scene.leader, direct(vec![lead]))
                .then_refused(Code::NotAssignable);
        }
        let twice = vec![for_unit(scene.unit, BranchRole::Lead), for_unit(scene.unit, BranchRole::Coordinating)];
        given(&scene.organ, to_submitted(&scene)).when(scene.leader, direct(twice)).then_refused(Code::AssignedTwice);
        let follower = Some(To::Post(post(scene.officer)));
        let lead = vec![for_unit(scene.unit, BranchRole::Lead)];
        given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, DirectIncoming { follower, ..direct(lead) })
            .then_refused(Code::NotAssignable);
    }

    #[test]
    fn deadlines_lie_ahead_and_the_informed_have_none() {
        let scene = scene();
        let limited = |limit, role| vec![Assignment { limit: Some(limit), ..for_unit(scene.unit, role) }];
        given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, direct(limited(Limit::At { at: MORNING }, BranchRole::Lead)))
            .then_refused(Code::DeadlineInPast);
        let mut branches = limited(Limit::WorkingDays { days: 3 }, BranchRole::Informed);
        branches.push(for_unit(scene.other_unit, BranchRole::Lead));
        given(&scene.organ, to_submitted(&scene))
            .when(scene.leader, direct(branches))
            .then_refused(Code::InformedOwesNothing);
    }

    #[test]
    fn the_limit_is_the_authors_else_the_senders_else_the_organs_else_none() {
        let mut scene = scene();
        let lead = for_unit(scene.unit, BranchRole::Lead);
        assert_eq!(limit_given(to_submitted(&scene), &scene, lead.clone()), Limit::None);

        let limit = Limit::WorkingDays { days: 7 };
        let decided = organ::events::LimitDecided { document_type: None, urgency: None, limit };
        scene.happens(MORNING, &organ::Event::LimitDecided(decided));
        assert_eq!(limit_given(to_submitted(&scene), &scene, lead.clone()), limit);

        let due = |date| {
            let mut past = to_submitted(&scene);
            if let Event::Arrived(arrived) = &mut past[0].event {
                arrived.details.due_on = Some(date);
            }
            past
        };
        let date = Date::new(2026, 3, 20).unwrap();
        assert_eq!(limit_given(due(date), &scene, lead.clone()), Limit::end_of(date));
        assert_eq!(limit_given(due(Date::new(2026, 3, 2).unwrap()), &scene, lead.clone()), limit);

        let authors = Limit::WorkingDays { days: 2 };
        let stated = Assignment { limit: Some(authors), ..lead };
        assert_eq!(limit_given(due(date), &scene, stated), authors);
    }

    #[test]
    fn the_leader_adds_to_the_tree_and_names_another_lead_when_the_first_came_back() {
        let scene = scene();
        let more = vec![for_person(scene.colleague, BranchRole::Coordinating)];
        given(&scene.organ, to_directed(&scene)).when(scene.leader, direct(more)).happened();
        let returned = past(scene.head, 5, BranchReturned { branch: branch(LEAD), reason: because() });
        let past: Vec<_> = to_directed(&scene).into_iter().chain([returned]).collect();
        let coordinating = vec![for_person(scene.colleague, BranchRole::Coordinating)];
        given(&scene.organ, past.clone()).when(scene.leader, direct(coordinating)).then_refused(Code::ExactlyOneLead);
        let lead = vec![for_person(scene.colleague, BranchRole::Lead)];
        given(&scene.organ, past).when(scene.leader, direct(lead)).happened();
    }
}
