//! Reopen: a leader, or the clerk on a leader's word, takes up a resolved document again, with a reason and a new deadline.
//! The old resolution stays; a new round begins. The lead goes to whom is named, else to the unit or post that had it, whoever
//! holds that post now.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Event, IncomingDocument, Stage,
    assignment::{Misassigned, To},
    events::{Assignee, BranchReassigned, Reopened},
};
use crate::{
    deadline::Limit,
    decide::{By, Decide},
    id::{BranchId, PostId},
    organ::Role,
    refusal::Code,
    text::Reason,
};

/// Why a document cannot be reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only a leader or a clerk, and only what is resolved.
    #[error("only a leader, or a clerk on a leader's word, reopens a resolved document: {0}")]
    Barred(#[from] Barred),
    /// A clerk names the leader.
    #[error("a clerk names the leader on whose word they reopen, who holds that post now")]
    NoWord,
    /// A new deadline is stated.
    #[error("a new deadline is stated")]
    NoDeadline,
    /// The unit that led is closed, or nobody holds the post.
    #[error("the unit that led is closed, or nobody holds the post that led: name who leads now")]
    LeadGone,
    /// Nobody may be given work like this.
    #[error("{0}")]
    NotAssignable(Misassigned),
    /// Not this deadline.
    #[error(transparent)]
    Misassigned(#[from] Misassigned),
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::NoWord => Code::LeadersWord,
            Self::NoDeadline => Code::DeadlineMissing,
            Self::LeadGone => Code::LeadGone,
            Self::NotAssignable(misassigned) | Self::Misassigned(misassigned) => misassigned.code(),
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Barred(_) => &[],
            Self::NoWord => &["onWordOf"],
            Self::LeadGone | Self::NotAssignable(_) => &["to"],
            Self::NoDeadline | Self::Misassigned(_) => &["limit"],
        }
    }
}

/// Take the document up again.
#[derive(Clone, Debug, Serialize)]
pub struct ReopenIncoming {
    /// Why.
    pub reason: Reason,
    /// The new limit of the lead branch.
    pub limit: Limit,
    /// For a clerk: the post of the leader on whose word it is.
    pub on_word_of: Option<PostId>,
    /// Who leads; none: who led before.
    pub to: Option<To>,
}

impl ReopenIncoming {
    /// The lead of the round before, and who has it from now on.
    fn lead(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Option<(Assignee, Assignee)>, Refusal> {
        let Some((_, lead)) = document.root_lead() else { return Ok(None) };
        let again = match lead.assignee {
            Assignee::Unit { unit } => To::Unit(unit),
            Assignee::Person { holder } => To::Post(holder.post),
        };
        let to = match self.to {
            Some(to) => to.assignee(by.organ, by.at).map_err(Refusal::NotAssignable),
            None => again.assignee(by.organ, by.at).map_err(|_| Refusal::LeadGone),
        };
        Ok(Some((lead.assignee, to?)))
    }
}

impl Decide for ReopenIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "reopenIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        by.require_any(&[Role::Leader, Role::RecordsClerk]).map_err(Barred::from)?;
        if document.stage == Some(Stage::Resolved) { Ok(()) } else { Err(Barred::WrongStage.into()) }
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        let acting = by.acting().map_err(Barred::from)?;
        let word = self.on_word_of.map(|post| To::leader(post, by.organ, by.at).ok_or(Refusal::NoWord)).transpose()?;
        if acting.role == Role::RecordsClerk && word.is_none() {
            return Err(Refusal::NoWord);
        }
        if self.limit == Limit::None {
            return Err(Refusal::NoDeadline);
        }
        // the pauses of the round before do not touch the new one
        IncomingDocument::default().check_limit(None, self.limit, by.at, by)?;
        let lead = self.lead(document, by)?;
        let mut events = vec![Reopened { reason: self.reason.clone(), limit: self.limit, on_word_of: word }.into()];
        if let Some((from, to)) = lead.filter(|(from, to)| from != to) {
            let branch = BranchId::of(by.command, 0);
            events.push(BranchReassigned { branch, from, to, reason: self.reason.clone() }.into());
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incoming::{
            events::{BranchRole, Directed, Resolution, Resolved},
            testing::*,
        },
        testing::{Given, MORNING, Past, Scene, given, scene},
    };

    fn reopen() -> ReopenIncoming {
        ReopenIncoming { reason: because(), limit: Limit::WorkingDays { days: 4 }, on_word_of: None, to: None }
    }

    fn resolved(scene: &Scene) -> Given<IncomingDocument> {
        resolved_after(scene, to_assigned(scene))
    }

    fn resolved_after(scene: &Scene, events: Vec<Past<Event>>) -> Given<IncomingDocument> {
        let resolved = Resolved {
            how: Resolution::Noted,
            answers: vec![],
            note: None,
            transferred_to: None,
            closed: vec![],
            closed_because: None,
            confirms: None,
        };
        given(&scene.organ, events.into_iter().chain([past(scene.head, 7, resolved)]))
    }

    /// The head led in person, not their unit.
    fn led_by_the_head(scene: &Scene) -> Given<IncomingDocument> {
        let branches = vec![new_branch(LEAD, person(scene.head), BranchRole::Lead, 10)];
        let directed = Directed { note: None, branches, follower: None, by_regulation: false };
        resolved_after(scene, to_submitted(scene).into_iter().chain([past(scene.leader, 3, directed)]).collect())
    }

    fn leads_now(given: &Given<IncomingDocument>) -> Assignee {
        given.state().root_lead().unwrap().1.assignee
    }

    #[test]
    fn the_successor_in_the_post_leads() {
        let mut scene = scene();
        let document = led_by_the_head(&scene);
        let (from, successor) = (person(scene.head), scene.succeeds(scene.head, MORNING.plus_minutes(400)));
        let (branch, to) = (BranchId::of(crate::testing::command_id(), 0), person(successor));
        let reopened = Reopened { reason: because(), limit: reopen().limit, on_word_of: None };
        let reassigned = BranchReassigned { branch, from, to, reason: because() };
        let given =
            document.in_organ(&scene.organ).when(scene.leader, reopen()).then([reopened.into(), reassigned.into()]);
        assert_eq!(leads_now(&given), to);
    }

    #[test]
    fn who_led_has_gone_so_another_is_named() {
        let mut scene = scene();
        let (unit_led, head_led) = (resolved(&scene), led_by_the_head(&scene));
        scene.leaves_at(scene.head, MORNING);
        scene.organ.units.get_mut(&scene.unit).unwrap().closed = true;
        for document in [unit_led, head_led] {
            let given = || document.clone().in_organ(&scene.organ);
            given().when(scene.leader, reopen()).then_refused(Code::LeadGone);
            let to = |to| ReopenIncoming { to: Some(to), ..reopen() };
            given().when(scene.leader, to(To::Unit(scene.unit))).then_refused(Code::NotAssignable);
            let mut given = given();
            given.attempt(scene.leader, MORNING, &to(To::Unit(scene.other_unit))).unwrap();
            assert_eq!(leads_now(&given), Assignee::Unit { unit: scene.other_unit });
        }
    }

    #[test]
    fn a_leader_reopens_and_the_lead_unit_has_it_in_a_new_round() {
        let scene = scene();
        let expected = Reopened { reason: because(), limit: reopen().limit, on_word_of: None };
        let reopened = resolved(&scene).when(scene.leader, reopen()).then([expected.into()]);
        let document = reopened.state();
        assert_eq!((document.stage, document.round), (Some(Stage::Directed), 2));
        let (_, lead) = document.root_lead().unwrap();
        assert_eq!((lead.assignee, lead.limit), (Assignee::Unit { unit: scene.unit }, reopen().limit));
        assert_eq!(document.present_branches().count(), 1);
        reopened.when(scene.leader, reopen()).then_refused(Code::WrongStage);
    }

    #[test]
    fn the_clerk_reopens_on_a_leaders_word() {
        let mut scene = scene();
        resolved(&scene).when(scene.clerk, reopen()).then_refused(Code::LeadersWord);
        let on_word_of = |who| ReopenIncoming { on_word_of: Some(post(who)), ..reopen() };
        resolved(&scene).when(scene.clerk, on_word_of(scene.head)).then_refused(Code::LeadersWord);
        let expected = Reopened { reason: because(), limit: reopen().limit, on_word_of: Some(holder(scene.deputy)) };
        let reopened = resolved(&scene).when(scene.clerk, on_word_of(scene.deputy)).then([expected.into()]);
        assert_eq!(reopened.state().root_lead().unwrap().1.author, Some(holder(scene.deputy)));
        scene.leaves_at(scene.deputy, MORNING);
        resolved(&scene).when(scene.clerk, on_word_of(scene.deputy)).then_refused(Code::LeadersWord);
    }

    #[test]
    fn with_a_deadline_that_lies_ahead() {
        let scene = scene();
        let limited = |limit| ReopenIncoming { limit, ..reopen() };
        resolved(&scene).when(scene.leader, limited(Limit::None)).then_refused(Code::DeadlineMissing);
        resolved(&scene).when(scene.leader, limited(Limit::At { at: MORNING })).then_refused(Code::DeadlineInPast);
    }

    #[test]
    fn nobody_else_and_only_what_is_resolved() {
        let scene = scene();
        let may = ["leader", "deputy", "clerk"];
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !may.contains(name)) {
            let refused = resolved(&scene).when(who, reopen());
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        given(&scene.organ, to_assigned(&scene)).when(scene.leader, reopen()).then_refused(Code::WrongStage);
    }
}
