//! Plausible inputs for the commands of the directive tree.

use crate::{
    deadline::Limit,
    decide::{By, Who},
    id::{BranchId, CommandId},
    incoming::{
        Branch, IncomingDocument,
        accept_branch::AcceptBranch,
        amend_branch::AmendDirective,
        appoint_follower::AppointFollower,
        assign::AssignIncoming,
        assignment::{Assignment, To},
        complete_branch::CompleteBranch,
        confirm_resolution::ConfirmResolution,
        decide_extension::DecideExtension,
        decline_resolution::DeclineResolution,
        direct::DirectIncoming,
        events::{Assignee, BranchRole, Resolution},
        hand_over::HandOverWork,
        pass_on::PassOnIncoming,
        pass_to_leader::PassToLeader,
        pause::PauseIncoming,
        reassign_branch::ReassignBranch,
        reopen::ReopenIncoming,
        report_progress::ReportProgress,
        request_extension::RequestExtension,
        resolve::ResolveIncoming,
        resume::ResumeIncoming,
        return_branch::ReturnBranch,
        return_to_clerk::ReturnToClerk,
        testing::{LEAD, Plausible, because, branch, for_person, for_unit, holder, post, words},
        urge::UrgeIncoming,
        withdraw_branch::WithdrawBranch,
    },
    testing::{MORNING, Scene},
    time::{Date, Timestamp},
};

/// Long after every deadline of the tests.
fn later(days: i64) -> Timestamp {
    MORNING.plus_minutes(days * 24 * 60)
}

/// The first open branch in reach that fits; else the first open one in reach, for who may not with any; else one that has
/// ended; else the first at all, for who may nothing.
fn pick(
    document: &IncomingDocument,
    reach: impl Fn(BranchId, &Branch) -> bool,
    fits: impl Fn(BranchId, &Branch) -> bool,
) -> BranchId {
    let all: Vec<_> = document.present_branches().collect();
    let first =
        |may: &dyn Fn(BranchId, &Branch) -> bool| all.iter().find(|(id, branch)| may(*id, branch)).map(|(id, _)| *id);
    first(&|id, branch| branch.is_open() && reach(id, branch) && fits(id, branch))
        .or_else(|| first(&|id, branch| branch.is_open() && reach(id, branch)))
        .or_else(|| first(&reach))
        .or_else(|| first(&|_, _| true))
        .unwrap_or(branch(LEAD))
}

/// A branch that somebody holds, and that fits.
fn held(scene: &Scene, document: &IncomingDocument, who: Who, fits: impl Fn(BranchId, &Branch) -> bool) -> BranchId {
    let Who::Acting(acting) = who else { return pick(document, |_, _| false, fits) };
    pick(document, |_, branch| branch.may_be_handled_by(&acting, &scene.organ, MORNING), fits)
}

/// A branch that somebody stands above or follows, and that fits.
fn governed(
    scene: &Scene,
    document: &IncomingDocument,
    who: Who,
    fits: impl Fn(BranchId, &Branch) -> bool,
) -> BranchId {
    let Who::Acting(acting) = who else { return pick(document, |_, _| false, fits) };
    let by = By { at: MORNING, command: CommandId::new(uuid::Uuid::nil()), who, organ: &scene.organ };
    pick(document, |id, _| document.is_above(id, &by, &acting) || document.is_followed_by(&acting), fits)
}

/// A branch that is somebody's to give, and that fits.
fn given(scene: &Scene, document: &IncomingDocument, who: Who, fits: impl Fn(BranchId, &Branch) -> bool) -> BranchId {
    let Who::Acting(acting) = who else { return pick(document, |_, _| false, fits) };
    let by = By { at: MORNING, command: CommandId::new(uuid::Uuid::nil()), who, organ: &scene.organ };
    pick(document, |_, branch| document.is_given_by(branch, &by, &acting), fits)
}

fn owes(branch: &Branch) -> bool {
    branch.role != BranchRole::Informed
}

/// Work for the first unit: it leads, or, where somebody leads already, a person of it coordinates.
fn more_work(scene: &Scene, document: &IncomingDocument) -> Vec<Assignment> {
    match document.root_lead().filter(|(_, lead)| lead.is_live()) {
        Some(_) => vec![for_person(scene.colleague, BranchRole::Coordinating)],
        None => vec![for_unit(scene.unit, BranchRole::Lead)],
    }
}

impl Plausible for DirectIncoming {
    fn plausible(scene: &Scene, document: &IncomingDocument, _: Who) -> Self {
        DirectIncoming { note: None, branches: more_work(scene, document), follower: None }
    }
}

impl Plausible for PassOnIncoming {
    fn plausible(scene: &Scene, _: &IncomingDocument, _: Who) -> Self {
        PassOnIncoming { note: None, branches: vec![for_unit(scene.unit, BranchRole::Lead)] }
    }
}

impl Plausible for PassToLeader {
    fn plausible(scene: &Scene, _: &IncomingDocument, who: Who) -> Self {
        PassToLeader { to: post(if who == scene.deputy { scene.leader } else { scene.deputy }), note: None }
    }
}

impl Plausible for ReturnToClerk {
    fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
        ReturnToClerk { reason: because() }
    }
}

impl Plausible for AssignIncoming {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let given_on = held(scene, document, who, |_, branch| owes(branch) && branch.is_above_handlers(&scene.organ));
        let unit = document.branches.get(&given_on).and_then(|branch| branch.assignee.unit(&scene.organ));
        let (lead, next) = if unit == Some(scene.other_unit) {
            (scene.other_officer, scene.other_head)
        } else {
            (scene.officer, scene.head)
        };
        let has_lead = document.open_children(given_on).any(|(_, child)| child.role == BranchRole::Lead);
        let part = if has_lead { for_person(next, BranchRole::Informed) } else { for_person(lead, BranchRole::Lead) };
        AssignIncoming { branch: given_on, branches: vec![part], note: None }
    }
}

impl Plausible for AcceptBranch {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        AcceptBranch { branch: held(scene, document, who, |_, branch| branch.accepted_at.is_none()) }
    }
}

impl Plausible for ReportProgress {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        ReportProgress {
            branch: held(scene, document, who, |_, branch| owes(branch)), text: words("Đang dự thảo")
        }
    }
}

impl Plausible for ReturnBranch {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        ReturnBranch { branch: held(scene, document, who, |id, _| !document.is_owed_parts(id)), reason: because() }
    }
}

impl Plausible for WithdrawBranch {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        WithdrawBranch { branch: governed(scene, document, who, |_, _| true), reason: because() }
    }
}

impl Plausible for AmendDirective {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let branch = governed(scene, document, who, |_, _| true);
        AmendDirective { branch, limit: None, note: Some(words("Bổ sung số liệu quý")), reason: because() }
    }
}

impl Plausible for ReassignBranch {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let branch = governed(scene, document, who, |_, _| true);
        let assignee = document.branches.get(&branch).map(|branch| branch.assignee);
        let to = match assignee.and_then(|assignee| assignee.unit(&scene.organ)) {
            Some(unit) if unit == scene.unit => scene.head,
            Some(unit) if unit == scene.other_unit => scene.other_head,
            _ => scene.leader,
        };
        let somebody_else = assignee != Some(Assignee::Person { holder: holder(to) });
        let to = To::Post(post(if somebody_else { to } else { scene.officer }));
        ReassignBranch { branch, to, reason: because() }
    }
}

impl Plausible for CompleteBranch {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let branch = held(scene, document, who, |id, branch| owes(branch) && !document.is_owed_parts(id));
        CompleteBranch {
            branch, result: words("Đã dự thảo văn bản trả lời"), proposal: None, files: Vec::new()
        }
    }
}

impl Plausible for RequestExtension {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let branch = held(scene, document, who, |id, _| document.due(id, &scene.organ.calendar).is_some());
        RequestExtension { branch, until: later(100), reason: because() }
    }
}

impl Plausible for DecideExtension {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let branch = given(scene, document, who, |_, branch| branch.extension_asked.is_some());
        DecideExtension { branch, until: None, note: None }
    }
}

impl Plausible for UrgeIncoming {
    const IS_ANOTHER_EACH_TIME: bool = true;

    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let branch = governed(scene, document, who, |_, branch| owes(branch));
        UrgeIncoming { branch, note: words("Đề nghị khẩn trương trình dự thảo") }
    }
}

impl Plausible for AppointFollower {
    fn plausible(scene: &Scene, _: &IncomingDocument, _: Who) -> Self {
        AppointFollower { to: To::Unit(scene.other_unit) }
    }
}

impl Plausible for PauseIncoming {
    fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
        PauseIncoming { reason: because(), until: later(60) }
    }
}

impl Plausible for ResumeIncoming {
    fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
        ResumeIncoming { note: None }
    }
}

impl Plausible for ResolveIncoming {
    fn plausible(_: &Scene, document: &IncomingDocument, _: Who) -> Self {
        // Where one waits to be confirmed, the same: otherwise it would not be a repetition.
        let how = if document.proposed.is_some() { Resolution::Noted } else { Resolution::NoReplyNeeded };
        let close_open_branches = Some(because());
        ResolveIncoming { how, answers: Vec::new(), note: None, transferred_to: None, close_open_branches }
    }
}

impl Plausible for ConfirmResolution {
    fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
        ConfirmResolution {}
    }
}

impl Plausible for DeclineResolution {
    fn plausible(_: &Scene, _: &IncomingDocument, _: Who) -> Self {
        DeclineResolution { reason: because() }
    }
}

impl Plausible for ReopenIncoming {
    fn plausible(scene: &Scene, _: &IncomingDocument, who: Who) -> Self {
        let on_word_of = (who == scene.clerk).then(|| post(scene.leader));
        ReopenIncoming {
            reason: because(),
            limit: Limit::end_of(Date::new(2027, 12, 30).unwrap()),
            on_word_of,
            to: None,
        }
    }
}

impl Plausible for HandOverWork {
    fn plausible(scene: &Scene, document: &IncomingDocument, who: Who) -> Self {
        let in_the_unit = [(scene.officer, scene.colleague), (scene.colleague, scene.officer)];
        let in_the_other = [(scene.other_officer, scene.other_head), (scene.other_head, scene.other_officer)];
        let leaders = [(scene.leader, scene.deputy), (scene.deputy, scene.leader)];
        let all = [leaders, in_the_unit, in_the_other].concat();
        let pairs = match who {
            who if who == scene.head => &in_the_unit[..],
            who if who == scene.other_head => &in_the_other,
            _ => &all,
        };
        let held = pairs.iter().find(|(from, _)| document.lies_with(holder(*from)));
        let (from, to) = *held.unwrap_or(&pairs[0]);
        HandOverWork { person: holder(from).person, from: post(from), to: post(to) }
    }
}
