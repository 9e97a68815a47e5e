//! Resolve: one act of the lead unit's head or the directing leader ends the document, saying how (Decree 30/2020, art. 24;
//! axis status 06). That no reply is needed waits for another person's word; that another agency is to answer, for a leader's.

use serde::Serialize;
use thiserror::Error;

use super::{
    Barred, Event, IncomingDocument, Stage,
    events::{Answer, Assignee, BranchCompleted, BranchRole, Resolution, ResolutionProposed, Resolved},
};
use crate::{
    decide::{Acting, By, Decide},
    id::BranchId,
    organ::Role,
    refusal::{Code, Denied},
    text::{LongText, Reason, ShortText},
};

/// Why a document cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Only the lead unit's head or the leader who directs.
    #[error("only the lead unit's head or the directing leader resolves: {0}")]
    Barred(#[from] Barred),
    /// The lead's work is not done.
    #[error("the lead branch is not complete")]
    LeadOpen(Vec<BranchId>),
    /// Coordinating branches are open and were not closed with a reason.
    #[error("{} branches are still open", .0.len())]
    OpenBranches(Vec<BranchId>),
    /// Answered by no document.
    #[error("an answered document names its answers")]
    NoAnswers,
    /// Answers to a document that is not answered by them.
    #[error("only an answered document names answers")]
    Answers,
    /// A transfer names the other agency, and nothing else does.
    #[error("a transfer names the other agency, and nothing else does")]
    TransferTarget,
}

impl crate::decide::Refusal for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Barred(barred) => barred.code(),
            Self::LeadOpen(_) => Code::LeadOpen,
            Self::OpenBranches(_) => Code::OpenBranches,
            Self::NoAnswers => Code::AnswersMissing,
            Self::Answers => Code::AnswersNotExpected,
            Self::TransferTarget => Code::TransferTarget,
        }
    }

    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Barred(_) | Self::LeadOpen(_) => &[],
            Self::OpenBranches(_) => &["closeOpenBranches"],
            Self::NoAnswers | Self::Answers => &["answers"],
            Self::TransferTarget => &["transferredTo"],
        }
    }

    fn because_of(&self) -> Vec<uuid::Uuid> {
        match self {
            Self::LeadOpen(open) | Self::OpenBranches(open) => open.iter().map(|branch| branch.uuid()).collect(),
            _ => Vec::new(),
        }
    }
}

/// End the work on the document.
#[derive(Clone, Debug, Serialize)]
pub struct ResolveIncoming {
    /// How.
    pub how: Resolution,
    /// The documents that answer, where it is answered by documents.
    pub answers: Vec<Answer>,
    /// In words.
    pub note: Option<LongText>,
    /// The agency it goes to, where it is transferred.
    pub transferred_to: Option<ShortText>,
    /// Close coordinating branches that are still open, for this reason.
    pub close_open_branches: Option<Reason>,
}

/// What the end of the document does to its open branches.
pub(super) struct Ending {
    /// Open branches of the lead whose work was given on and done: completed by the resolution.
    pub completed: Vec<BranchId>,
    /// Other open branches that owe something.
    pub open: Vec<BranchId>,
}

impl IncomingDocument {
    /// Does this person head the unit that leads: as its head, or as the leader who leads in person?
    fn is_led_by(&self, acting: &Acting, by: &By<'_>) -> bool {
        let Some((_, lead)) = self.root_lead().filter(|(_, lead)| lead.is_live()) else { return false };
        let heads = acting.role == Role::UnitHead && lead.assignee.unit(by.organ) == Some(acting.unit);
        let in_person =
            acting.role == Role::Leader && matches!(lead.assignee, Assignee::Person { holder } if holder.is(acting));
        heads || in_person
    }

    /// The lead, from the root down, is done: each branch is complete, or the LEAD it was given on to is.
    pub(super) fn ending(&self) -> Result<Ending, Refusal> {
        let mut completed = Vec::new();
        let mut at = self.root_lead().filter(|(_, lead)| lead.is_live());
        if at.is_none() {
            return Err(Refusal::LeadOpen(Vec::new()));
        }
        while let Some((id, lead)) = at.filter(|(_, lead)| lead.is_open()) {
            let below = self.lead_of(Some(id)).filter(|(_, below)| below.is_live());
            if below.is_none() || completed.contains(&id) {
                return Err(Refusal::LeadOpen(vec![id]));
            }
            debug_assert!(lead.role == BranchRole::Lead);
            completed.push(id);
            at = below;
        }
        let owes = |id: &BranchId, role| role != BranchRole::Informed && !completed.contains(id);
        let branches = self.present_branches().filter(|(id, branch)| branch.is_open() && owes(id, branch.role));
        let open = branches.map(|(id, _)| id).collect();
        Ok(Ending { completed, open })
    }
}

impl Ending {
    /// Lowest first, the lead's open branches are complete; then the document is resolved.
    pub(super) fn with(self, resolved: Resolved) -> Vec<Event> {
        let done = |branch| BranchCompleted { branch, result: None, proposal: None, files: Vec::new() }.into();
        self.completed.into_iter().rev().map(done).chain([resolved.into()]).collect()
    }
}

impl ResolveIncoming {
    fn check(&self) -> Result<(), Refusal> {
        match (self.how == Resolution::Answered, self.answers.is_empty()) {
            (true, true) => return Err(Refusal::NoAnswers),
            (false, false) => return Err(Refusal::Answers),
            _ => {}
        }
        let transferred = self.how == Resolution::Transferred;
        if transferred == self.transferred_to.is_some() { Ok(()) } else { Err(Refusal::TransferTarget) }
    }

    fn proposed(&self, closed: Vec<BranchId>, closed_because: Option<Reason>) -> ResolutionProposed {
        let (note, transferred_to) = (self.note.clone(), self.transferred_to.clone());
        ResolutionProposed { how: self.how, note, transferred_to, closed, closed_because }
    }
}

impl Decide for ResolveIncoming {
    type State = IncomingDocument;
    type Refusal = Refusal;
    const NAME: &'static str = "resolveIncoming";

    fn permit(document: &IncomingDocument, by: &By<'_>) -> Result<(), Refusal> {
        let acting = by.require_any(&[Role::Leader, Role::UnitHead]).map_err(Barred::from)?;
        if document.stage != Some(Stage::Directed) {
            return Err(Barred::WrongStage.into());
        }
        let directs = document.is_directed_by(&acting, by.organ, by.at);
        if !directs && !document.is_led_by(&acting, by) {
            return Err(Barred::Denied(Denied::NotInPath).into());
        }
        document.ending().map(drop)
    }

    fn decide(&self, document: &IncomingDocument, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(document, by)?;
        self.check()?;
        let ending = document.ending()?;
        let closed_because = self.close_open_branches.clone().filter(|_| !ending.open.is_empty());
        if closed_because.is_none() && !ending.open.is_empty() {
            return Err(Refusal::OpenBranches(ending.open));
        }
        let closed = ending.open.clone();
        let waits = match self.how {
            Resolution::NoReplyNeeded => true,
            Resolution::Transferred => by.require(Role::Leader).is_err(), // a leader's own word needs no other's
            _ => false,
        };
        if waits {
            let proposed = self.proposed(closed, closed_because);
            let already = document.proposed.as_ref().is_some_and(|waiting| waiting.what == proposed);
            return Ok(if already { vec![] } else { vec![proposed.into()] });
        }
        let ResolveIncoming { how, answers, note, transferred_to, .. } = self.clone();
        Ok(ending.with(Resolved { how, answers, note, transferred_to, closed, closed_because, confirms: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        incoming::{BranchEnd, testing::*},
        testing::{Given, MORNING, Past, Scene, given, scene},
        time::Date,
    };

    fn answered() -> ResolveIncoming {
        let short = |text| ShortText::new(text).unwrap();
        let date = Date::new(2026, 3, 3).unwrap();
        let answers = vec![Answer { organ: short("Sở Ví Dụ"), code: short("21/SVD-KH"), date }];
        ResolveIncoming { answers, ..otherwise(Resolution::Answered) }
    }

    fn otherwise(how: Resolution) -> ResolveIncoming {
        ResolveIncoming { how, answers: vec![], note: None, transferred_to: None, close_open_branches: None }
    }

    fn done(n: u128, who: Who) -> Past<Event> {
        let result = Some(words("Đã xong."));
        past(who, 6, BranchCompleted { branch: branch(n), result, proposal: None, files: vec![] })
    }

    /// Officer, colleague and the coordinating unit are done; the lead unit's branch is open.
    fn worked(scene: &Scene) -> Given<IncomingDocument> {
        let done =
            [done(OFFICER, scene.officer), done(COLLEAGUE, scene.colleague), done(COORDINATING, scene.other_head)];
        given(&scene.organ, to_assigned(scene).into_iter().chain(done))
    }

    #[test]
    fn the_head_of_the_lead_unit_resolves_and_their_own_branch_is_complete_with_it() {
        let scene = scene();
        let resolved = worked(&scene).when(scene.head, answered()).then([
            BranchCompleted { branch: branch(LEAD), result: None, proposal: None, files: vec![] }.into(),
            Resolved {
                how: Resolution::Answered,
                answers: answered().answers,
                note: None,
                transferred_to: None,
                closed: vec![],
                closed_because: None,
                confirms: None,
            }
            .into(),
        ]);
        let document = resolved.state();
        assert_eq!(document.stage, Some(Stage::Resolved));
        let ended = |n| document.branches[&branch(n)].ended.map(|(how, _)| how);
        assert_eq!(ended(LEAD), Some(BranchEnd::Completed));
        assert_eq!(ended(INFORMED), Some(BranchEnd::ClosedWithDocument));
        resolved.when(scene.head, answered()).then_refused(Code::WrongStage);
    }

    #[test]
    fn so_does_the_leader_and_nobody_else() {
        let mut scene = scene();
        worked(&scene).when(scene.leader, otherwise(Resolution::Noted)).happened();
        for (name, who) in scene.everybody().into_iter().filter(|(name, _)| !["leader", "head"].contains(name)) {
            let refused = worked(&scene).when(who, answered());
            refused.then_refused(if name == "outsider" { Code::NoPost } else { Code::NotEntitled });
        }
        let substitute = scene.substitutes(scene.colleague, scene.head);
        worked(&scene).when(substitute, answered()).happened();
        scene.leaves_at(scene.leader, MORNING.plus_minutes(400));
        worked(&scene).at(MORNING.plus_minutes(500)).when(scene.deputy, answered()).happened();
    }

    #[test]
    fn the_lead_branch_is_complete_first() {
        let scene = scene();
        given(&scene.organ, to_directed(&scene)).when(scene.head, answered()).then_refused(Code::LeadOpen);
        given(&scene.organ, to_assigned(&scene)).when(scene.leader, answered()).then_refused(Code::LeadOpen);
        let head_alone =
            to_directed(&scene).into_iter().chain([done(LEAD, scene.head), done(COORDINATING, scene.other_head)]);
        given(&scene.organ, head_alone).when(scene.head, answered()).happened();
        given(&scene.organ, to_submitted(&scene)).when(scene.leader, answered()).then_refused(Code::WrongStage);
    }

    #[test]
    fn open_branches_are_named_unless_they_are_closed_with_a_reason() {
        let scene = scene();
        let past = || -> Given<IncomingDocument> {
            let past = to_assigned(&scene).into_iter().chain([done(OFFICER, scene.officer)]);
            given(&scene.organ, past)
        };
        let document: IncomingDocument = past().state().clone();
        let open = document.ending().ok().map(|ending| ending.open);
        assert_eq!(open, Some(vec![branch(COORDINATING), branch(COLLEAGUE)]));
        past().when(scene.head, answered()).then_refused(Code::OpenBranches);
        let closing = ResolveIncoming { close_open_branches: Some(because()), ..answered() };
        let happened = past().when(scene.head, closing.clone()).happened();
        let resolved = past().when(scene.head, closing).then(happened);
        let ended = |n| resolved.state().branches[&branch(n)].ended.map(|(how, _)| how);
        assert_eq!(ended(LEAD), Some(BranchEnd::Completed));
        assert_eq!(ended(COORDINATING), Some(BranchEnd::ClosedWithDocument));
        assert_eq!(ended(COLLEAGUE), Some(BranchEnd::ClosedWithDocument));
    }

    #[test]
    fn answers_belong_to_what_is_answered_and_a_target_to_a_transfer() {
        let scene = scene();
        let wrong = [
            (ResolveIncoming { answers: vec![], ..answered() }, Code::AnswersMissing),
            (ResolveIncoming { how: Resolution::Noted, ..answered() }, Code::AnswersNotExpected),
            (otherwise(Resolution::Transferred), Code::TransferTarget),
            (
                ResolveIncoming { transferred_to: ShortText::new("Sở Mẫu").ok(), ..otherwise(Resolution::Noted) },
                Code::TransferTarget,
            ),
        ];
        for (command, code) in wrong {
            worked(&scene).when(scene.head, command).then_refused(code);
        }
    }

    #[test]
    fn that_no_reply_is_needed_and_a_heads_transfer_are_only_proposed() {
        let scene = scene();
        let proposed = ResolutionProposed {
            how: Resolution::NoReplyNeeded,
            note: None,
            transferred_to: None,
            closed: vec![],
            closed_because: None,
        };
        let waiting = worked(&scene).when(scene.head, otherwise(Resolution::NoReplyNeeded)).then([proposed.into()]);
        assert_eq!(waiting.state().stage, Some(Stage::Directed));
        waiting.clone().when(scene.head, otherwise(Resolution::NoReplyNeeded)).then_nothing_happened();
        waiting.when(scene.head, answered()).happened();
        let target = ShortText::new("Sở Mẫu").ok();
        let transfer = ResolveIncoming { transferred_to: target, ..otherwise(Resolution::Transferred) };
        let events = worked(&scene).when(scene.head, transfer).happened();
        assert!(matches!(&events[..], [Event::ResolutionProposed(_)]), "{events:?}");
        let events = worked(&scene).when(scene.leader, otherwise(Resolution::NoReplyNeeded)).happened();
        assert!(matches!(&events[..], [Event::ResolutionProposed(_)]), "{events:?}");
    }

    #[test]
    fn a_leader_transfers_at_once() {
        let scene = scene();
        let transferred_to = ShortText::new("Sở Mẫu").ok();
        let transfer = ResolveIncoming { transferred_to: transferred_to.clone(), ..otherwise(Resolution::Transferred) };
        let resolved = worked(&scene).when(scene.leader, transfer).then([
            BranchCompleted { branch: branch(LEAD), result: None, proposal: None, files: vec![] }.into(),
            Resolved {
                how: Resolution::Transferred,
                answers: vec![],
                note: None,
                transferred_to,
                closed: vec![],
                closed_because: None,
                confirms: None,
            }
            .into(),
        ]);
        assert_eq!(resolved.state().stage, Some(Stage::Resolved));
    }
}
