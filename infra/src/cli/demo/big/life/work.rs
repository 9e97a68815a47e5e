//! The work: directed, given to a unit and there to an officer, with all that comes in between, until it is to be resolved.

use socai_domain::{
    deadline::{DeadlineSum, Limit},
    id::BranchId,
    incoming::{
        accept_branch::AcceptBranch,
        assign::AssignIncoming,
        assignment::{Assignment, To},
        complete_branch::CompleteBranch,
        direct::DirectIncoming,
        events::BranchRole,
        hand_over::HandOverWork,
        pass_on::PassOnIncoming,
        reassign_branch::ReassignBranch,
        report_progress::ReportProgress,
        return_branch::ReturnBranch,
    },
    time::{Date, Timestamp},
};

use super::{
    Actor, Script,
    desk::{Director, two},
    text, why,
};
use crate::cli::demo::big::{
    fate::{Fate, Turn},
    found::LIMITS,
};

/// The work on a document, as far as later steps need to know it.
pub(super) struct Work {
    /// Who directs it, or would.
    pub(super) leader: usize,
    /// The lead branch, and the head of the unit that has it.
    pub(super) root: BranchId,
    pub(super) unit: usize,
    pub(super) head: usize,
    /// The deadline of the lead branch.
    pub(super) sum: DeadlineSum,
    /// When it was directed; when the officer is done; and when it is to be resolved.
    pub(super) begin: Timestamp,
    pub(super) done: Timestamp,
    pub(super) end: Timestamp,
    /// The other units: the branch, the unit, and whether a contribution is owed.
    others: Vec<(BranchId, usize, bool)>,
    /// Some contribution will not come.
    pub(super) left_open: bool,
    /// The branch of the officer who does it, and their post.
    pub(super) officer: (BranchId, usize),
}

impl Script<'_> {
    /// The leader says who acts, or the clerk passes it on.
    pub(super) fn directed(&mut self, director: Director) -> Option<Work> {
        let office = &self.world.office;
        let leader = match director {
            Director::Leader(leader) => leader,
            Director::Clerk => *self.dice.one(&office.leaders),
        };
        if let Director::Leader(_) = director {
            let (least, most) = if self.letter.details.urgency.is_urgent() { (2, 40) } else { (15, 300) };
            self.wait(least, most);
        }
        let mut units = self.units();
        let unit = units.next()?;
        let limit = self.limit();
        let mut branches = vec![part(To::Unit(office.units[unit].id), BranchRole::Lead, limit)];
        let mut asked = vec![];
        let coordinating = match self.dice.below(100) {
            _ if self.turn == Turn::Withdrawn => 2,
            0..16 => 1,
            16..23 => 2,
            23..25 => 3,
            _ => 0,
        };
        let informed = if self.dice.per_mille(200) { 1 + self.dice.index(2) } else { 0 };
        for number in 0..coordinating + informed {
            let other = units.next()?;
            let owes = number < coordinating;
            let limit = owes.then(|| Limit::WorkingDays { days: 3 + u16::from(self.dice.per_mille(400)) * 2 });
            let role = if owes { BranchRole::Coordinating } else { BranchRole::Informed };
            branches.push(part(To::Unit(office.units[other].id), role, limit));
            asked.push((other, owes));
        }
        let command = match director {
            Director::Clerk => self.clerk_does(PassOnIncoming { note: None, branches }),
            Director::Leader(_) => {
                let follower = (self.turn == Turn::Followed).then(|| To::Unit(office.units[0].id));
                let note = self.dice.per_mille(500).then(|| text("Giao đơn vị chủ trì nghiên cứu, đề xuất; đúng hạn."));
                self.act(Actor::Post(leader), DirectIncoming { note, branches, follower })
            }
        };
        let others = asked.into_iter().zip(1..).map(|((unit, owes), index)| (BranchId::of(command, index), unit, owes));
        let others = others.collect();
        let (mut root, mut unit) = (BranchId::of(command, 0), unit);
        let mut sum = DeadlineSum::new(self.now, self.given(limit));
        if self.fate == Fate::Returned {
            let head = Actor::Post(*self.dice.one(&office.units[unit].heads));
            self.wait(60, 500);
            let reason = why("Nội dung thuộc chức năng của đơn vị khác.");
            self.act(head, ReturnBranch { branch: root, reason });
            self.wait(30, 200);
            unit = units.next()?;
            let branches = vec![part(To::Unit(office.units[unit].id), BranchRole::Lead, limit)];
            let command = self.act(Actor::Post(leader), DirectIncoming { note: None, branches, follower: None });
            root = BranchId::of(command, 0);
            sum = DeadlineSum::new(self.now, self.given(limit));
        }
        let head = *self.dice.one(&office.units[unit].heads);
        let (begin, officer) = (self.now, (root, head));
        let left_open = false;
        Some(Work { leader, root, unit, head, sum, begin, done: begin, end: begin, others, left_open, officer })
    }

    /// All units that handle documents, in an order of this document's own.
    fn units(&mut self) -> impl Iterator<Item = usize> + use<> {
        let all = self.world.office.handling.clone();
        // Their number is a prime: every step goes round to all.
        let (first, step) = (self.dice.index(all.len()), 1 + self.dice.index(all.len() - 1));
        (0..all.len()).map(move |number| all[(first + number * step) % all.len()])
    }

    /// What the author says of the time: so many days, nothing, or that there is no hurry.
    fn limit(&mut self) -> Option<Limit> {
        if self.letter.details.urgency.is_urgent() {
            return None;
        }
        match self.dice.below(100) {
            0..50 => Some(Limit::WorkingDays { days: *self.dice.one(&[3, 5, 5, 7, 7, 10, 15]) }),
            50..54 => Some(Limit::None),
            _ => None,
        }
    }

    /// The limit that this comes to: the author's, else by the sender's wish, else by the regulation.
    fn given(&self, limit: Option<Limit>) -> Limit {
        let details = &self.letter.details;
        let wished = details.due_on.map(Date::end).filter(|due| *due > self.now).map(|at| Limit::At { at });
        let fits = |of: &&(Option<&str>, Option<_>, Limit)| {
            of.0.is_none_or(|name| name == self.letter.type_name)
                && of.1.is_none_or(|urgency| urgency == details.urgency)
        };
        let regulated = LIMITS.iter().filter(fits).max_by_key(|of| (of.0.is_some(), of.1.is_some()));
        limit.or(wished).or(regulated.map(|of| of.2)).unwrap_or(Limit::None)
    }

    /// What is done between the directive and the resolution.
    pub(super) fn work(&mut self, work: &mut Work) {
        self.turns(work);
        let minutes = self.world.days.minutes_between(work.begin, work.end);
        let at = |share: i64| self.world.days.later(work.begin, minutes * share / 1_000);
        let shares = [60, 90, 130, 400, 500].map(at);
        work.done = at(900);
        self.assigned(work, shares);
        self.contributions(work, minutes);
    }

    /// The unit's head gives it to an officer, perhaps through a division; the officer begins.
    fn assigned(&mut self, work: &mut Work, [given, further, begun, changed, reported]: [Timestamp; 5]) {
        let office = &self.world.office;
        if self.dice.per_mille(500) {
            self.act_at(given, Actor::Post(work.head), AcceptBranch { branch: work.root });
        }
        let (mut above, mut head, mut unit) = (work.root, work.head, work.unit);
        let divisions = &office.units[unit].divisions;
        if !divisions.is_empty() && self.dice.per_mille(600) {
            let division = *self.dice.one(divisions);
            above = self.gives(given, head, above, To::Unit(office.units[division].id));
            (head, unit) = (office.units[division].heads[0], division);
        }
        let (mut officer, other) = two(&office.units[unit].specialists, &mut self.dice);
        let given = if unit == work.unit { given } else { further };
        let branch = self.gives(given, head, above, To::Post(office.posts[officer].id));
        let mut from = given;
        if self.turn == Turn::Reassigned {
            let reason = why("Chuyên viên được giao nhiệm vụ khác.");
            let to = To::Post(office.posts[other].id);
            self.act_at(changed, Actor::Post(head), ReassignBranch { branch, to, reason });
            self.handed_over(head, officer, from, changed);
            (officer, from) = (other, changed);
        } else if self.dice.per_mille(500) {
            self.act_at(begun, Actor::Post(officer), AcceptBranch { branch });
        }
        if self.dice.per_mille(250) {
            let report =
                ReportProgress { branch, text: text("Đã xin ý kiến các đơn vị, đang tổng hợp.") };
            self.act_at(reported, Actor::Post(officer), report);
        }
        self.handed_over(head, officer, from, work.done);
        work.officer = (branch, officer);
    }

    fn gives(&mut self, at: Timestamp, head: usize, branch: BranchId, to: To) -> BranchId {
        let branches = vec![part(to, BranchRole::Lead, None)];
        BranchId::of(self.act_at(at, Actor::Post(head), AssignIncoming { branch, branches, note: None }), 0)
    }

    /// If the officer's post changes hands meanwhile, the head hands the work over, before the day's work begins.
    fn handed_over(&mut self, head: usize, officer: usize, from: Timestamp, until: Timestamp) {
        let office = &self.world.office;
        let post = office.posts[officer].id;
        for (changed, _) in office.posts[officer].tenures.iter().filter(|(at, _)| from < *at && *at <= until) {
            let person = office.person(office.holder(officer, changed.plus_micros(-1)));
            let at = changed.plus_minutes(10 + self.dice.within(0, 30));
            self.act_at(at, Actor::Post(head), HandOverWork { person, from: post, to: post });
        }
    }

    /// What the other units contribute, and that they were told.
    fn contributions(&mut self, work: &mut Work, minutes: i64) {
        let office = &self.world.office;
        for (branch, unit, owes) in std::mem::take(&mut work.others) {
            let head = Actor::Post(*self.dice.one(&office.units[unit].heads));
            let share = self.dice.within(250, 800);
            let at = self.world.days.later(work.begin, minutes * share / 1_000);
            if !owes {
                if self.dice.per_mille(400) {
                    self.act_at(at, head, AcceptBranch { branch });
                }
            } else if self.dice.per_mille(920) {
                let result = text("Thống nhất với dự thảo; có một số ý kiến gửi kèm.");
                self.act_at(at, head, CompleteBranch { branch, result, proposal: None, files: Vec::new() });
            } else {
                work.left_open = true;
            }
        }
    }

    /// The first of those who owe a contribution, from now on not asked any more.
    pub(super) fn no_longer_asked(work: &mut Work) -> Option<BranchId> {
        let first = work.others.iter().position(|(_, _, owes)| *owes)?;
        Some(work.others.remove(first).0)
    }
}

fn part(to: To, role: BranchRole, limit: Option<Limit>) -> Assignment {
    Assignment { to, role, limit, note: None }
}
