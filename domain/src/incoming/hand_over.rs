//! Hand over: all that a person held in a post goes to another post; one event for each document. The command names one
//! document; carried out for each that the person holds, it may be stopped and taken up again at any point.
//!
//! Two rules of reassigning do not hold here, because people move and work must not stay with who is gone: it may leave the
//! unit that gave it on, and who takes it may have another open part of the same work, each with its own deadline.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Branch, Event, IncomingDocument, Stage,
    assignment::{Misassigned, To},
    events::{Assignee, Holder, WorkHandedOver},
};
use crate::{
    decide::{By, Decide},
    id::{PersonId, PostId},
    organ::decide_hand_over::{entitled, hands_over, in_reach},
    refusal::{Code, Denied},
};

/// Why work cannot be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the head of the unit, a leader or the administrator.
    #[error("only the head of the unit, a leader or the administrator hands work over: {0}")]
    Barred(#[from] Barred),
    /// The post cannot take this work.
    #[error("the post cannot take this work: {0}")]
    Misassigned(#[from] Misassigned),
    /// A leader's work goes to a leader.
    #[error("a document that lies with a leader goes to a leader")]
    NotALeader,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Barred(denied.into())
    }
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::Misassigned(misassigned) => misassigned.code(),
            Self::NotALeader => Code::NotALeader,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        if matches!(self, Self::Barred(_)) { &[] } else { &["to"] }
    }
}

/// Give what a person holds of this document in a post to another post.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HandOverWork {
    /// The person who has it.
    pub person: PersonId,
    /// The post in which they have it.
    pub from: PostId,
    /// The post that takes it.
    pub to: PostId,
}

impl IncomingDocument {
    /// Does anything of this document lie with them: an open branch, the directing of it, the follow-up?
    pub fn lies_with(&self, holder: Holder) -> bool {
        let directs = matches!(self.stage, Some(Stage::Submitted | Stage::Directed)) && self.leader == Some(holder);
        let follows = self.stage == Some(Stage::Directed) && self.follower == Some(Assignee::Person { holder });
        directs || follows || self.held_by(holder).next().is_some()
    }

    /// Everybody with whom something of this document lies; some may be named twice.
    pub fn holders(&self) -> impl Iterator<Item = Holder> {
        let assignees = self.present_branches().map(|(_, branch)| branch.assignee).chain(self.follower);
        let people = assignees.filter_map(|assignee| match assignee {
            Assignee::Person { holder } => Some(holder),
            Assignee::Unit { .. } => None,
        });
        people.chain(self.leader).filter(|holder| self.lies_with(*holder))
    }

    fn held_by(&self, holder: Holder) -> impl Iterator<Item = (crate::id::BranchId, &Branch)> {
        let held = move |branch: &Branch| branch.is_open() && branch.assignee == Assignee::Person { holder };
        self.present_branches().filter(move |(_, branch)| held(branch))
    }
}

impl Decide for HandOverWork {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "handOverWork";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        let acting = hands_over(by)?;
        if !matches!(document.stage, Some(Stage::Submitted | Stage::Directed)) {
            return Err(Barred::WrongStage.into());
        }
        let within = |holder: &Holder| in_reach(&acting, holder.post, by);
        if document.holders().any(|holder| within(&holder)) { Ok(()) } else { Err(Denied::NotInPath.into()) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        entitled(by, self.from, self.to)?;
        let from = Holder { post: self.from, person: self.person };
        if !document.lies_with(from) {
            return Ok(vec![]); // already so: nothing is left to hand over
        }
        Self::permit(document, by)?;
        let Assignee::Person { holder: to } = To::Post(self.to).assignee(by.organ, by.at)? else {
            return Err(Misassigned::NotAssignable.into());
        };
        if to == from {
            return Ok(vec![]);
        }
        if document.leader == Some(from) && To::leader(self.to, by.organ, by.at).is_none() {
            return Err(Refusal::NotALeader);
        }
        let taken = |branch: &Branch| Branch { assignee: Assignee::Person { holder: to }, ..branch.clone() };
        for (id, branch) in document.held_by(from) {
            if document.is_owed_parts(id) && !taken(branch).is_above_handlers(by.organ) {
                return Err(Misassigned::NotAssignable.into());
            }
        }
        let branches = document.held_by(from).map(|(id, _)| id).collect();
        Ok(vec![WorkHandedOver { from, to, branches }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{events::FollowerAppointed, testing::*},
        testing::{MORNING, given, scene},
    };

    fn hand_over(from: Who, to: Who) -> HandOverWork {
        HandOverWork { person: holder(from).person, from: post(from), to: post(to) }
    }

    #[test]
    fn the_head_hands_over_what_an_officer_had_and_then_nothing_is_left() {
        let mut scene = scene();
        scene.leaves_at(scene.officer, MORNING.plus_minutes(250));
        let expected = WorkHandedOver {
            from: holder(scene.officer),
            to: holder(scene.colleague),
            branches: vec![branch(OFFICER)],
        };
        let command = hand_over(scene.officer, scene.colleague);
        let handed = given(&scene.organ, to_assigned(&scene)).when(scene.head, command).then([expected.into()]);
        assert_eq!(handed.state().branches[&branch(OFFICER)].assignee, person(scene.colleague));
        handed.when(scene.head, command).then_nothing_happened();
    }

    #[test]
    fn who_has_a_part_already_may_take_another_and_keeps_both() {
        let scene = scene();
        let command = hand_over(scene.officer, scene.colleague);
        let (from, to) = (holder(scene.officer), holder(scene.colleague));
        let expected = WorkHandedOver { from, to, branches: vec![branch(OFFICER)] };
        let handed = given(&scene.organ, to_assigned(&scene)).when(scene.head, command).then([expected.into()]);
        for part in [OFFICER, COLLEAGUE] {
            let branch = &handed.state().branches[&branch(part)];
            assert!(branch.is_open() && branch.assignee == person(scene.colleague));
        }
    }

    #[test]
    fn a_successor_takes_over_in_the_same_post() {
        let mut scene = scene();
        let old = scene.officer;
        let new = scene.succeeds(old, MORNING.plus_minutes(250));
        let at = MORNING.plus_minutes(300);
        let handed = given(&scene.organ, to_assigned(&scene)).at(at).when(scene.administrator, hand_over(old, new));
        assert_eq!(handed.happened().len(), 1);
    }

    #[test]
    fn what_a_leader_and_a_follower_had_goes_with_it() {
        let mut scene = scene();
        let appointed = past(scene.leader, 5, FollowerAppointed { follower: person(scene.leader) });
        let past: Vec<_> = to_assigned(&scene).into_iter().chain([appointed]).collect();
        given(&scene.organ, past.clone())
            .when(scene.administrator, hand_over(scene.leader, scene.head))
            .then_refused(Code::NotALeader);
        scene.leaves_at(scene.leader, MORNING.plus_minutes(400));
        let command = hand_over(scene.leader, scene.deputy);
        let expected = WorkHandedOver { from: holder(scene.leader), to: holder(scene.deputy), branches: vec![] };
        let handed = given(&scene.organ, past).when(scene.deputy, command).then([expected.into()]);
        assert_eq!(handed.state().leader, Some(holder(scene.deputy)));
        assert_eq!(handed.state().follower, Some(person(scene.deputy)));
    }

    #[test]
    fn not_by_others_nor_across_the_units_of_another_head() {
        let scene = scene();
        let may = ["leader", "deputy", "head", "administrator"];
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !may.contains(name)) {
            let refused = given(&scene.organ, to_assigned(&scene)).when(who, hand_over(scene.officer, scene.colleague));
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let across = hand_over(scene.officer, scene.other_officer);
        given(&scene.organ, to_assigned(&scene)).when(scene.head, across).then_refused(Code::NotEntitled);
        given(&scene.organ, to_assigned(&scene)).when(scene.leader, across).happened();
    }

    #[test]
    fn only_to_a_post_that_can_take_it() {
        let mut scene = scene();
        let direct = crate::incoming::events::Directed {
            note: None,
            branches: vec![new_branch(LEAD, person(scene.head), crate::incoming::events::BranchRole::Lead, 10)],
            follower: None,
            by_regulation: false,
        };
        let past: Vec<_> =
            to_submitted(&scene).into_iter().chain([past(scene.leader, 3, direct), assigned(&scene)]).collect();
        given(&scene.organ, past.clone())
            .when(scene.leader, hand_over(scene.head, scene.colleague))
            .then_refused(Code::NotAssignable);
        given(&scene.organ, past.clone()).when(scene.leader, hand_over(scene.head, scene.deputy)).happened();
        scene.leaves_at(scene.deputy, MORNING);
        given(&scene.organ, past)
            .when(scene.leader, hand_over(scene.head, scene.deputy))
            .then_refused(Code::NotAssignable);
    }
}
