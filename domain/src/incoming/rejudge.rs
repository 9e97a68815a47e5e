//! Judging again: was what stands in the ledger for this person to do, then, in that post, and is it what the rules make of it?
//!
//! An event holds what its command said. So the command is made again from the events, decided again on what the document
//! was before, by what the organ was, and must bring the very same events. Nothing is judged by another rule than the one
//! that judged the first time: this has no rules of its own.

use super::{
    Event, IncomingDocument, Stage,
    abandon_registration::AbandonRegistration,
    accept_branch::AcceptBranch,
    amend_branch::AmendDirective,
    annotate::AnnotateIncoming,
    appoint_follower::AppointFollower,
    arrival::Arriving,
    assign::AssignIncoming,
    assignment::{Assignment, To},
    attach_scan::AttachScan,
    bring_back::BringBackIncoming,
    cancel::CancelIncoming,
    check_authenticity::RecordAuthenticityCheck,
    complete_branch::CompleteBranch,
    complete_erasure::CompleteErasure,
    confirm_expunge::ConfirmExpunge,
    confirm_resolution::ConfirmResolution,
    correct::CorrectIncoming,
    decide_extension::DecideExtension,
    decline_expunge::DeclineExpunge,
    decline_resolution::DeclineResolution,
    direct::DirectIncoming,
    events::{self, Assignee, AxisArrival, BranchRole, NewBranch, Resolved},
    expunge::ExpungeIncoming,
    finish_registration::FinishRegistration,
    grant_access::GrantAccess,
    hand_over::HandOverWork,
    log_unopened::LogUnopened,
    pass_on::PassOnIncoming,
    pass_to_leader::PassToLeader,
    pause::PauseIncoming,
    reassign_branch::ReassignBranch,
    receive::ReceiveIncoming,
    record_paper::RecordPaperArrival,
    refuse::RefuseIncoming,
    register::RegisterIncoming,
    reopen::ReopenIncoming,
    report_progress::ReportProgress,
    request_extension::RequestExtension,
    resolve::ResolveIncoming,
    resume::ResumeIncoming,
    return_branch::ReturnBranch,
    return_to_clerk::ReturnToClerk,
    submit::SubmitIncoming,
    urge::UrgeIncoming,
    withdraw_branch::WithdrawBranch,
};
use crate::{
    decide::{By, Decide, Refusal as _},
    document_types::Channel,
    id::BranchId,
    refusal::Code,
};

/// What judging again comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejudged {
    /// The same events: this was theirs to do.
    Same {
        /// The command, as the API names it.
        command: &'static str,
    },
    /// The rules refuse it.
    Refused {
        /// The command, as the API names it.
        command: &'static str,
        /// The code.
        code: Code,
        /// In words.
        why: String,
    },
    /// The rules make something else of it, or nothing.
    Other {
        /// The command, as the API names it.
        command: &'static str,
    },
    /// No one command brings these events together.
    NoCommand,
}

/// Judges again what one command brought: its events in their order, on what the document was before the first.
pub fn rejudge(document: &IncomingDocument, by: &By<'_>, events: &[Event]) -> Rejudged {
    match events {
        [one] => rejudge_one(document, by, one),
        [.., Event::Resolved(e)] if events[..events.len() - 1].iter().all(is_completed_by_resolution) => {
            rejudge_resolved(document, by, e, events)
        }
        [Event::Reopened(e), Event::BranchReassigned(lead)] => again(&reopened(e, Some(lead.to)), document, by, events),
        _ => Rejudged::NoCommand,
    }
}

fn again<C: Decide<State = IncomingDocument>>(
    command: &C,
    document: &IncomingDocument,
    by: &By<'_>,
    events: &[Event],
) -> Rejudged {
    match command.decide(document, by) {
        Ok(decided) if decided == events => Rejudged::Same { command: C::NAME },
        Ok(_) => Rejudged::Other { command: C::NAME },
        Err(refusal) => Rejudged::Refused { command: C::NAME, code: refusal.code(), why: refusal.to_string() },
    }
}

fn is_completed_by_resolution(event: &Event) -> bool {
    matches!(event, Event::BranchCompleted(e) if e.result.is_none())
}

fn rejudge_resolved(document: &IncomingDocument, by: &By<'_>, e: &Resolved, events: &[Event]) -> Rejudged {
    if e.confirms.is_some() {
        return again(&ConfirmResolution {}, document, by, events);
    }
    let Resolved { how, answers, note, transferred_to, closed_because, .. } = e.clone();
    let command = ResolveIncoming { how, answers, note, transferred_to, close_open_branches: closed_because };
    again(&command, document, by, events)
}

fn reopened(e: &events::Reopened, to: Option<Assignee>) -> ReopenIncoming {
    let (reason, limit, on_word_of) = (e.reason.clone(), e.limit, e.on_word_of.map(|leader| leader.post));
    ReopenIncoming { reason, limit, on_word_of, to: to.map(named) }
}

/// Whom its author named.
fn named(assignee: Assignee) -> To {
    match assignee {
        Assignee::Unit { unit } => To::Unit(unit),
        Assignee::Person { holder } => To::Post(holder.post),
    }
}

/// The work as its author gave it. A limit that is the one by default is taken to be it: it comes to the same.
fn given(
    document: &IncomingDocument,
    by: &By<'_>,
    parent: Option<BranchId>,
    branches: &[NewBranch],
) -> Vec<Assignment> {
    let default = parent.is_none().then(|| document.default_limit(by.organ, by.at));
    let given = |new: &NewBranch| {
        let limit = Some(new.limit).filter(|limit| new.role == BranchRole::Informed || default != Some(*limit));
        Assignment { to: named(new.assignee), role: new.role, limit, note: new.note.clone() }
    };
    branches.iter().map(given).collect()
}

#[allow(clippy::too_many_lines)] // one arm an event, in the catalogue's order
fn rejudge_one(document: &IncomingDocument, by: &By<'_>, event: &Event) -> Rejudged {
    macro_rules! again {
        ($command:expr) => {
            again(&$command, document, by, std::slice::from_ref(event))
        };
    }
    match event {
        Event::Arrived(e) => {
            let (details, files) = (e.details.clone(), e.files.clone());
            let arriving = Arriving { arrived_at: e.arrived_at, details, files, secrecy: None };
            if document.stage == Some(Stage::Unopened) {
                return again!(BringBackIncoming { arriving });
            }
            again!(ReceiveIncoming { channel: e.channel, axis: e.axis.clone(), arriving, follows: e.follows })
        }
        Event::ArrivedAgain(e) => {
            let (details, files) = (e.details.clone(), e.files.clone());
            // When it came is not stored; it was not later than it was decided.
            let arriving = Arriving { arrived_at: by.at, details, files, secrecy: None };
            let axis = document.axis.clone().map(|axis| AxisArrival { content: e.content, ..axis });
            again!(ReceiveIncoming { channel: Channel::Axis, axis, arriving, follows: None })
        }
        Event::UnopenedLogged(e) => {
            let (sender, envelope, addressed_to) = (e.sender.clone(), e.envelope.clone(), e.addressed_to.clone());
            again!(LogUnopened { sender, envelope, addressed_to, arrived_at: e.arrived_at })
        }
        Event::AuthenticityChecked(e) => {
            let (checked_by, note) = (e.checked_by.clone(), e.note.clone());
            again!(RecordAuthenticityCheck { result: e.result, checked_by, note })
        }
        Event::Corrected(e) => again!(CorrectIncoming { details: e.new.clone(), reason: e.reason.clone() }),
        Event::Annotated(e) => again!(AnnotateIncoming { note: e.note.clone() }),
        Event::ScanAttached(e) => again!(AttachScan { files: e.files.clone() }),
        Event::PaperArrived(e) => again!(RecordPaperArrival { arrived_at: e.arrived_at }),
        Event::ReceiptRefused(e) => again!(RefuseIncoming { reason: e.reason.clone() }),
        Event::RegistrationBegan(e) => {
            let accept_duplicate_of = e.accepted_duplicates.clone();
            again!(RegisterIncoming { accept_duplicate_of, accepted_because: e.accepted_because.clone() })
        }
        Event::RegistrationAbandoned(e) => match document.began_by {
            Some(began_by) => again!(AbandonRegistration { began_by, candidates: e.candidates.clone() }),
            None => Rejudged::NoCommand,
        },
        Event::Registered(e) => again!(FinishRegistration { register: e.register, number: e.number }),
        Event::Submitted(e) => again!(SubmitIncoming { to: e.to.post, note: e.note.clone() }),
        Event::PassedToLeader(e) => again!(PassToLeader { to: e.to.post, note: e.note.clone() }),
        Event::ReturnedToClerk(e) => again!(ReturnToClerk { reason: e.reason.clone() }),
        Event::Directed(e) if e.by_regulation => {
            again!(PassOnIncoming { note: e.note.clone(), branches: given(document, by, None, &e.branches) })
        }
        Event::Directed(e) => {
            let (note, follower) = (e.note.clone(), e.follower.map(named));
            again!(DirectIncoming { note, branches: given(document, by, None, &e.branches), follower })
        }
        Event::Assigned(e) => {
            let branches = given(document, by, Some(e.parent), &e.branches);
            again!(AssignIncoming { branch: e.parent, branches, note: e.note.clone() })
        }
        Event::BranchAccepted(e) => again!(AcceptBranch { branch: e.branch }),
        Event::ProgressReported(e) => again!(ReportProgress { branch: e.branch, text: e.text.clone() }),
        Event::BranchAmended(e) => {
            let (branch, limit, note, reason) = (e.branch, e.limit, e.note.clone(), e.reason.clone());
            again!(AmendDirective { branch, limit, note, reason })
        }
        Event::BranchReassigned(e) => {
            again!(ReassignBranch { branch: e.branch, to: named(e.to), reason: e.reason.clone() })
        }
        Event::BranchWithdrawn(e) => again!(WithdrawBranch { branch: e.branch, reason: e.reason.clone() }),
        Event::BranchReturned(e) => again!(ReturnBranch { branch: e.branch, reason: e.reason.clone() }),
        Event::ExtensionRequested(e) => {
            again!(RequestExtension { branch: e.branch, until: e.until, reason: e.reason.clone() })
        }
        Event::ExtensionDecided(e) => {
            again!(DecideExtension { branch: e.branch, until: e.until, note: e.note.clone() })
        }
        Event::Urged(e) => again!(UrgeIncoming { branch: e.branch, note: e.note.clone() }),
        Event::Paused(e) => again!(PauseIncoming { reason: e.reason.clone(), until: e.until }),
        Event::Resumed(e) => again!(ResumeIncoming { note: e.note.clone() }),
        Event::BranchCompleted(e) => match &e.result {
            Some(result) => {
                let (result, files) = (result.clone(), e.files.clone());
                again!(CompleteBranch { branch: e.branch, result, proposal: e.proposal, files })
            }
            None => Rejudged::NoCommand,
        },
        Event::FollowerAppointed(e) => again!(AppointFollower { to: named(e.follower) }),
        Event::WorkHandedOver(e) => {
            again!(HandOverWork { person: e.from.person, from: e.from.post, to: e.to.post })
        }
        Event::AccessGranted(e) => again!(GrantAccess { to: e.to }),
        Event::ResolutionProposed(e) => {
            let (how, note, transferred_to) = (e.how, e.note.clone(), e.transferred_to.clone());
            let close_open_branches = e.closed_because.clone();
            again!(ResolveIncoming { how, answers: Vec::new(), note, transferred_to, close_open_branches })
        }
        Event::ResolutionDeclined(e) => again!(DeclineResolution { reason: e.reason.clone() }),
        Event::Resolved(e) => rejudge_resolved(document, by, e, std::slice::from_ref(event)),
        Event::Reopened(e) => again!(reopened(e, None)),
        Event::Cancelled(e) => again!(CancelIncoming { kind: e.kind, reason: e.reason.clone() }),
        Event::ExpungeRequested(e) => again!(ExpungeIncoming { level: e.level }),
        Event::Expunged(_) => again!(ConfirmExpunge {}),
        Event::ErasureCompleted(e) => {
            again!(CompleteErasure { below: e.below, files_removed: e.files_removed })
        }
        Event::ExpungeDeclined(e) => again!(DeclineExpunge { reason: e.reason.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::Who,
        id::CommandId,
        incoming::testing::{self as pasts, Plausible as _},
        ledger::StreamKind,
        ledger::catalogue::{CATALOGUE, IncomingEvent, StoredEvent as _},
        testing::{MORNING, Past, Scene, given, samples::samples, scene},
        text::{ArrivalNumber, LongText},
    };

    fn by(scene: &Scene, who: Who) -> By<'_> {
        let at = MORNING.plus_minutes(24 * 60);
        By { at, command: CommandId::new(uuid::Uuid::from_u128(0xc0)), who, organ: &scene.organ }
    }

    fn judged(scene: &Scene, past: Vec<Past<Event>>, who: Who, events: &[Event]) -> Rejudged {
        rejudge(given(&scene.organ, past).state(), &by(scene, who), events)
    }

    #[test]
    fn the_systems_steps_are_judged_too() {
        let scene = scene();
        let registering = || vec![pasts::arrived(&scene), pasts::registration_began(&scene)];
        let registered = pasts::registered(&scene).event;
        let abandoned: Event = events::RegistrationAbandoned { candidates: Vec::new() }.into();
        for (event, command) in [(registered, "finishRegistration"), (abandoned, "abandonRegistration")] {
            let event = std::slice::from_ref(&event);
            assert_eq!(judged(&scene, registering(), Who::System, event), Rejudged::Same { command });
            let by_clerk = judged(&scene, registering(), scene.clerk, event);
            assert!(matches!(by_clerk, Rejudged::Refused { code: Code::NotEntitled, .. }), "{by_clerk:?}");
        }
        let expunged = vec![pasts::arrived(&scene), pasts::expunge_requested(&scene), pasts::expunged(&scene)];
        let completed = [events::ErasureCompleted { below: 2, files_removed: 1 }.into()];
        let same = Rejudged::Same { command: "completeErasure" };
        assert_eq!(judged(&scene, expunged, Who::System, &completed), same);
        let too_early = judged(&scene, vec![pasts::arrived(&scene)], Who::System, &completed);
        assert!(matches!(too_early, Rejudged::Refused { code: Code::WrongStage, .. }), "{too_early:?}");
    }

    #[test]
    fn what_the_rules_would_have_written_otherwise_is_found() {
        let scene = scene();
        let number = ArrivalNumber::new(1).unwrap();
        // A cancellation that keeps quiet about the number.
        let Event::Cancelled(cancelled) = pasts::cancelled(&scene).event else { panic!() };
        let quiet = [cancelled.clone().into()];
        let other = Rejudged::Other { command: "cancelIncoming" };
        assert_eq!(judged(&scene, pasts::to_registered(&scene), scene.clerk, &quiet), other);
        let register = Some(pasts::book(&scene));
        let told = [events::Cancelled { void_number: Some(number), register, ..cancelled }.into()];
        let same = Rejudged::Same { command: "cancelIncoming" };
        assert_eq!(judged(&scene, pasts::to_registered(&scene), scene.clerk, &told), same);
        // A correction of something that did not stand there.
        let (mut old, mut new) = (pasts::details(), pasts::details());
        new.page_count = Some(9);
        let corrected = |old: &events::Details| {
            let corrected = events::Corrected { old: old.clone(), new: new.clone(), reason: pasts::because() };
            judged(&scene, vec![pasts::arrived_on_paper(&scene)], scene.clerk, &[corrected.into()])
        };
        assert_eq!(corrected(&old), Rejudged::Same { command: "correctIncoming" });
        old.note = LongText::new("Không có trong văn bản").ok();
        assert_eq!(corrected(&old), Rejudged::Other { command: "correctIncoming" });
        // Two acts under one command.
        let urged =
            UrgeIncoming::plausible(&scene, given(&scene.organ, pasts::to_directed(&scene)).state(), scene.leader);
        let urged = Event::from(events::Urged { branch: urged.branch, note: urged.note });
        let twice = judged(&scene, pasts::to_directed(&scene), scene.leader, &[urged.clone(), urged]);
        assert_eq!(twice, Rejudged::NoCommand);
    }

    #[test]
    fn no_event_that_can_be_stored_is_passed_over_and_none_makes_it_panic() {
        let scene = scene();
        for entry in CATALOGUE.iter().filter(|entry| entry.stream == StreamKind::Incoming) {
            for bytes in samples(entry.schema) {
                let event = IncomingEvent::decode(entry.kind, &bytes).unwrap();
                let of_resolution = is_completed_by_resolution(&event);
                let judged = judged(&scene, pasts::to_assigned(&scene), scene.clerk, &[event]);
                assert_eq!(judged == Rejudged::NoCommand, of_resolution, "{}", entry.name);
            }
        }
    }
}
