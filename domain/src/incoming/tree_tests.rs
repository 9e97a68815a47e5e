//! Whatever people ask for in whatever order, the directive tree stays one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    Event, IncomingDocument, Stage,
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
    events::{BranchRole, NewBranch, Resolution},
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
    submit::SubmitIncoming,
    testing::*,
    urge::UrgeIncoming,
    withdraw_branch::WithdrawBranch,
};
use crate::{
    deadline::{DeadlineSum, Due, Limit},
    decide::{Decide, Who},
    id::BranchId,
    organ::Setting,
    refusal::Code,
    testing::{Given, MORNING, Scene, given, scene},
    time::Timestamp,
};

/// What somebody tries: numbers that choose among what there is.
#[derive(Clone, Debug)]
struct Try {
    who: usize,
    what: u8,
    branch: usize,
    to: [(usize, u8); 3],
    parts: usize,
    days: u16,
    hours: i64,
    yes: bool,
    /// Let somebody try who may, if anybody may.
    fitting: bool,
}

/// Which command, as often as keeps the work going.
const OFTEN: &[u8] = &[
    0, 0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 6, 7, 8, 8, 9, 9, 10, 11, 12, 12, 12, 13, 13, 13, 13,
    14, 15, 16, 17, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 21, 21, 22, 23,
];

prop_compose! {
    fn a_try()(
        who in 0..13_usize,
        what in prop::sample::select(OFTEN),
        branch in 0..12_usize,
        to in [(0..14_usize, 0..3_u8), (0..14_usize, 0..3_u8), (0..14_usize, 0..3_u8)],
        parts in 0..=3_usize,
        days in 0..12_u16,
        hours in 0..30_i64,
        yes in any::<bool>(),
        fitting in prop::bool::weighted(0.8),
    ) -> Try {
        Try { who, what, branch, to, parts, days, hours, yes, fitting }
    }
}

struct World {
    scene: Scene,
    people: Vec<Who>,
    given: Given<IncomingDocument>,
    at: Timestamp,
    done: BTreeMap<&'static str, u32>,
    fitting: bool,
    below: To,
}

impl World {
    fn new() -> Self {
        let mut scene = scene();
        scene.set(Setting::ClerkMayPassOn { on: true });
        let substitute = scene.substitutes(scene.colleague, scene.head);
        let (below, head_below) = scene.sub_unit(scene.unit);
        let below = To::Unit(below);
        let mut people: Vec<Who> = scene.everybody().into_iter().map(|(_, who)| who).collect();
        people.extend([substitute, head_below]);
        let given = given(&scene.organ, to_submitted(&scene));
        Self { scene, people, given, at: MORNING.plus_minutes(180), done: BTreeMap::new(), fitting: false, below }
    }

    fn ask<C: Decide<State = IncomingDocument>>(&mut self, who: Who, command: &C) -> Result<Vec<Event>, Code> {
        let would =
            |who: &Who| self.given.clone().attempt(*who, self.at, command).is_ok_and(|events| !events.is_empty());
        let who = self.people.iter().find(|who| self.fitting && would(who)).copied().unwrap_or(who);
        let before = self.given.state().clone();
        let result = self.given.attempt(who, self.at, command);
        match &result {
            Ok(events) if !events.is_empty() => {
                *self.done.entry(C::NAME).or_default() += 1;
                self.check_new(events);
                let again = self.given.clone().attempt(who, self.at, command);
                let nothing = again.as_ref().map_or(true, Vec::is_empty);
                assert!(nothing || C::NAME == UrgeIncoming::NAME, "{} happened twice: {again:?}", C::NAME);
            }
            _ => assert_eq!(*self.given.state(), before, "{} changed something without an event", C::NAME),
        }
        self.check_tree();
        result
    }

    /// Each new branch is due no later than the whole, and its node has exactly one LEAD that stands.
    fn check_new(&self, events: &[Event]) {
        for event in events {
            let (parent, branches): (Option<BranchId>, &[NewBranch]) = match event {
                Event::Directed(e) => (None, &e.branches),
                Event::Assigned(e) => (Some(e.parent), &e.branches),
                _ => continue,
            };
            let document = self.given.state();
            assert!(document.lead_of(parent).is_some_and(|(_, lead)| lead.is_live()), "nobody leads");
            let calendar = &self.scene.organ.calendar;
            let whole = parent.map_or(Due::Never, |parent| document.standing(parent, calendar));
            for new in branches.iter().filter(|new| new.limit != Limit::None) {
                let sum = DeadlineSum { pauses: document.pauses.clone(), ..DeadlineSum::new(self.at, new.limit) };
                assert!(sum.standing(calendar) <= whole, "a part is due after the whole");
                assert!(sum.standing(calendar) > Due::At(self.at), "due in the past");
            }
        }
    }

    fn check_tree(&self) {
        let document = self.given.state();
        let open: Vec<_> = document.branches.iter().filter(|(_, branch)| branch.is_open()).collect();
        if document.stage != Some(Stage::Directed) {
            assert!(open.is_empty(), "work is open at {:?}", document.stage);
        }
        let mut leads: BTreeMap<Option<BranchId>, u32> = BTreeMap::new();
        for (id, branch) in open {
            assert_eq!(branch.round, document.round, "open work of an earlier round");
            if branch.role == BranchRole::Lead {
                *leads.entry(branch.parent).or_default() += 1;
            }
            let parent = branch.parent.and_then(|parent| document.branches.get(&parent));
            let stands = parent.is_none_or(super::Branch::is_open) || branch.role == BranchRole::Informed;
            assert!(stands, "{id} is open under an ended branch");
            let calendar = &self.scene.organ.calendar;
            let whole = branch.parent.map_or(Due::Never, |parent| document.standing(parent, calendar));
            let informed = branch.role == BranchRole::Informed;
            assert!(informed || document.standing(*id, calendar) <= whole, "{id} is due after the whole");
        }
        assert!(leads.values().all(|leads| *leads == 1), "two lead the same work");
    }

    fn assignee(&self, n: usize) -> To {
        match self.people.get(n) {
            Some(Who::Acting(acting)) => To::Post(acting.post),
            _ if n.is_multiple_of(2) => To::Unit(self.scene.unit),
            _ => To::Unit(self.scene.other_unit),
        }
    }

    /// Parts for the children of a node: mostly with a lead where one is missing, and to those whom the node may name.
    fn parts(&self, one: &Try, parent: Option<BranchId>) -> Vec<Assignment> {
        let Scene { officer, colleague, head, unit, other_unit, other_head, .. } = &self.scene;
        let to_posts = [officer, colleague, head, other_head].map(|who| To::Post(post(*who)));
        let units = [To::Unit(*unit), To::Unit(*other_unit), self.below];
        let fitting = |n: usize| match one.what {
            1 => units[n % 3],
            _ if n < 10 => to_posts[n % 4],
            _ => units[n % 3],
        };
        let led = self.given.state().lead_of(parent).is_some_and(|(_, lead)| lead.is_open());
        let part = |(n, (to, role)): (usize, &(usize, u8))| Assignment {
            to: if one.fitting { fitting(*to) } else { self.assignee(*to) },
            role: match (n, role) {
                (0, 0 | 1) if !(one.fitting && led) => BranchRole::Lead,
                (0, _) if one.fitting && !led => BranchRole::Lead,
                (_, 0 | 1) => BranchRole::Coordinating,
                _ => BranchRole::Informed,
            },
            limit: (one.yes && *role < 2).then_some(Limit::WorkingDays { days: one.days }),
            note: None,
        };
        one.to.iter().take(one.parts).enumerate().map(part).collect()
    }

    #[allow(clippy::too_many_lines)] // one arm a command
    fn act(&mut self, one: &Try) {
        self.at = self.at.plus_minutes(one.hours * 20);
        self.fitting = one.fitting;
        let branches = self.given.state().branches.iter();
        let mut ids: Vec<BranchId> =
            branches.filter(|(_, branch)| !one.fitting || branch.is_open()).map(|(id, _)| *id).collect();
        ids.push(branch(77));
        let (id, who) = (ids[one.branch % ids.len()], self.people[one.who]);
        let to = self.assignee(one.to[0].0);
        let post_of = |n: usize| match self.people[n % 10] {
            Who::Acting(acting) => acting.post,
            _ => post(self.scene.clerk),
        };
        let (to_post, until) = (post_of(one.to[0].0), self.at.plus_minutes(i64::from(one.days) * 24 * 60));
        let limit = Limit::WorkingDays { days: one.days };
        let (reason, text) = (because(), words("Ý kiến ví dụ"));
        let how = [Resolution::Noted, Resolution::NoReplyNeeded, Resolution::ForInformation][one.parts % 3];
        let _ = match one.what {
            0 => self.ask(who, &DirectIncoming { note: None, branches: self.parts(one, None), follower: None }),
            1 => self.ask(who, &PassOnIncoming { note: None, branches: self.parts(one, None) }),
            2..=5 => self.ask(who, &AssignIncoming { branch: id, branches: self.parts(one, Some(id)), note: None }),
            6 => self.ask(who, &AcceptBranch { branch: id }),
            7 => self.ask(who, &ReportProgress { branch: id, text }),
            8 => {
                let limit = one.yes.then_some(limit);
                self.ask(who, &AmendDirective { branch: id, limit, note: Some(text), reason })
            }
            9 => self.ask(who, &ReassignBranch { branch: id, to, reason }),
            10 => self.ask(who, &WithdrawBranch { branch: id, reason }),
            11 => self.ask(who, &ReturnBranch { branch: id, reason }),
            12 => self.ask(who, &RequestExtension { branch: id, until, reason }),
            13 => self.ask(who, &DecideExtension { branch: id, until: one.yes.then_some(until), note: None }),
            14 => self.ask(who, &UrgeIncoming { branch: id, note: text }),
            15 => self.ask(who, &PauseIncoming { reason, until }),
            16 => self.ask(who, &ResumeIncoming { note: None }),
            17 => self.ask(who, &CompleteBranch { branch: id, result: text, proposal: None, files: vec![] }),
            18 => {
                let close_open_branches = one.yes.then_some(reason);
                let (answers, note, transferred_to) = (vec![], None, None);
                self.ask(who, &ResolveIncoming { how, answers, note, transferred_to, close_open_branches })
            }
            19 if one.yes => self.ask(who, &ConfirmResolution {}),
            19 => self.ask(who, &DeclineResolution { reason }),
            20 => self.ask(who, &ReopenIncoming { reason, limit, on_word_of: None, to: None }),
            21 => match self.people[one.to[1].0 % 10] {
                Who::Acting(from) => self.ask(who, &HandOverWork { person: from.person, from: from.post, to: to_post }),
                _ => Ok(vec![]),
            },
            22 if one.yes => self.ask(who, &AppointFollower { to }),
            22 => self.ask(who, &PassToLeader { to: to_post, note: None }),
            _ if one.yes && one.parts == 3 => self.ask(who, &ReturnToClerk { reason }),
            _ => self.ask(who, &SubmitIncoming { to: to_post, note: None }),
        };
    }
}

fn cases() -> u32 {
    if std::env::var_os("SOCAI_LONG").is_some() { 20_000 } else { 300 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn one_leads_no_work_outlives_the_document_and_no_part_is_due_after_the_whole(
        tries in prop::collection::vec(a_try(), 1..80),
    ) {
        let mut world = World::new();
        for one in &tries { world.act(one); }
    }
}

/// The sequences above are worth something only if every command succeeds in some of them.
#[test]
fn every_command_is_reached() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut done: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..100 {
        let tries = prop::collection::vec(a_try(), 80).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        for one in &tries {
            world.act(one);
        }
        for (name, times) in world.done {
            *done.entry(name).or_default() += times;
        }
    }
    let names = [
        DirectIncoming::NAME,
        PassOnIncoming::NAME,
        AssignIncoming::NAME,
        AcceptBranch::NAME,
        ReportProgress::NAME,
        AmendDirective::NAME,
        ReassignBranch::NAME,
        WithdrawBranch::NAME,
        ReturnBranch::NAME,
        RequestExtension::NAME,
        DecideExtension::NAME,
        UrgeIncoming::NAME,
        PauseIncoming::NAME,
        ResumeIncoming::NAME,
        CompleteBranch::NAME,
        ResolveIncoming::NAME,
        ConfirmResolution::NAME,
        DeclineResolution::NAME,
        ReopenIncoming::NAME,
        HandOverWork::NAME,
        AppointFollower::NAME,
        PassToLeader::NAME,
        ReturnToClerk::NAME,
    ];
    let missing: Vec<_> = names.iter().filter(|name| !done.contains_key(*name)).collect();
    assert!(missing.is_empty(), "never done: {missing:?}, done: {done:?}");
}
