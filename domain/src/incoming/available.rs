//! What may I do? The list of all commands that people give to an incoming document; what a client offers, the table in
//! `docs/INCOMING.md`, and the property tests are all made from it.

use super::IncomingDocument;
use crate::{
    decide::{By, Decide, Refusal},
    refusal::Code,
};

/// One line a command, in the order of a document's life. `begins`: the command makes the document.
macro_rules! incoming_commands {
    (begins { $($begins:ty),* $(,)? } changes { $($changes:ty),* $(,)? }) => {
        /// Each command that changes a document, by its name in the API, with why this person may not give it now,
        /// whatever the input.
        pub fn available_actions(document: &IncomingDocument, by: &By<'_>) -> Vec<(&'static str, Result<(), Code>)> {
            vec![$((<$changes>::NAME, permitted::<$changes>(document, by))),*]
        }

        /// Every command, with a plausible input.
        #[cfg(test)]
        pub(super) fn every_command() -> Vec<super::table::Tried> {
            vec![$(super::table::Tried::of::<$begins>(),)* $(super::table::Tried::of::<$changes>()),*]
        }
    };
}

incoming_commands! {
    begins {
        super::receive::ReceiveIncoming,
        super::log_unopened::LogUnopened,
    }
    changes {
        super::bring_back::BringBackIncoming,
        super::check_authenticity::RecordAuthenticityCheck,
        super::correct::CorrectIncoming,
        super::annotate::AnnotateIncoming,
        super::attach_scan::AttachScan,
        super::record_paper::RecordPaperArrival,
        super::refuse::RefuseIncoming,
        super::register::RegisterIncoming,
        super::submit::SubmitIncoming,
        super::pass_on::PassOnIncoming,
        super::pass_to_leader::PassToLeader,
        super::return_to_clerk::ReturnToClerk,
        super::direct::DirectIncoming,
        super::assign::AssignIncoming,
        super::accept_branch::AcceptBranch,
        super::report_progress::ReportProgress,
        super::return_branch::ReturnBranch,
        super::withdraw_branch::WithdrawBranch,
        super::amend_branch::AmendDirective,
        super::reassign_branch::ReassignBranch,
        super::complete_branch::CompleteBranch,
        super::request_extension::RequestExtension,
        super::decide_extension::DecideExtension,
        super::urge::UrgeIncoming,
        super::appoint_follower::AppointFollower,
        super::pause::PauseIncoming,
        super::resume::ResumeIncoming,
        super::resolve::ResolveIncoming,
        super::confirm_resolution::ConfirmResolution,
        super::decline_resolution::DeclineResolution,
        super::reopen::ReopenIncoming,
        super::hand_over::HandOverWork,
        super::cancel::CancelIncoming,
        super::expunge::ExpungeIncoming,
        super::confirm_expunge::ConfirmExpunge,
        super::decline_expunge::DeclineExpunge,
        super::grant_access::GrantAccess,
    }
}

/// May this person give this command now, whatever the input?
pub(super) fn permitted<C: Decide<State = IncomingDocument>>(
    document: &IncomingDocument,
    by: &By<'_>,
) -> Result<(), Code> {
    C::permit(document, by).map_err(|refusal| refusal.code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::CommandId,
        incoming::testing::{arrived, registered, registration_began},
        testing::{MORNING, Scene, given, scene},
    };

    fn offered(scene: &Scene, who: crate::decide::Who, events: usize) -> Vec<&'static str> {
        let past = [arrived(scene), registration_began(scene), registered(scene)];
        let given = given::<IncomingDocument>(&scene.organ, past[..events].iter().cloned());
        let by = By { at: MORNING, command: CommandId::new(uuid::Uuid::nil()), who, organ: &scene.organ };
        let available = available_actions(given.state(), &by).into_iter();
        available.filter(|(_, allowed)| allowed.is_ok()).map(|(name, _)| name).collect()
    }

    #[test]
    fn a_clerk_is_offered_what_fits_the_stage() {
        let scene = scene();
        let arrived = offered(&scene, scene.clerk, 1);
        assert!(arrived.contains(&"refuseIncoming") && arrived.contains(&"registerIncoming"));
        assert!(!arrived.contains(&"submitIncoming") && !arrived.contains(&"receiveIncoming"));
        let underway = offered(&scene, scene.clerk, 2);
        assert!(!underway.iter().any(|name| ["refuseIncoming", "registerIncoming", "cancelIncoming"].contains(name)));
        let registered = offered(&scene, scene.clerk, 3);
        assert!(registered.contains(&"submitIncoming") && !registered.contains(&"refuseIncoming"));
    }

    #[test]
    fn an_inspector_and_an_outsider_are_offered_nothing() {
        let scene = scene();
        for who in [scene.inspector, scene.administrator, scene.outsider] {
            for events in 0..=3 {
                assert_eq!(offered(&scene, who, events), Vec::<&str>::new());
            }
        }
    }
}
