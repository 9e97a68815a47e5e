//! Turns on the way that move the deadline or change who is asked, and the end.

use socai_domain::{
    deadline::{ExtendBy, Extension, Limit, Pause},
    id::BranchId,
    incoming::{
        amend_branch::AmendDirective,
        appoint_follower::AppointFollower,
        assignment::To,
        complete_branch::CompleteBranch,
        confirm_resolution::ConfirmResolution,
        decide_extension::DecideExtension,
        decline_resolution::DeclineResolution,
        events::{Answer, Resolution},
        grant_access::GrantAccess,
        pause::PauseIncoming,
        reopen::ReopenIncoming,
        request_extension::RequestExtension,
        resolve::ResolveIncoming,
        resume::ResumeIncoming,
        urge::UrgeIncoming,
        withdraw_branch::WithdrawBranch,
    },
    time::Timestamp,
};

use super::{Actor, Script, text, why, work::Work};
use crate::cli::demo::big::{
    fate::{Fate, Turn},
    office::{NAME, short},
};

impl Script<'_> {
    /// What moves the deadline, then when it is to be resolved, then what else happens on the way.
    pub(super) fn turns(&mut self, work: &mut Work) {
        match self.turn {
            Turn::Extended | Turn::NotExtended => self.extended(work),
            Turn::Paused | Turn::Resumed => self.paused(work),
            Turn::Amended => self.amended(work),
            _ => {}
        }
        work.end = self.ends(work);
        let days = &self.world.days;
        let minutes = days.minutes_between(work.begin, work.end);
        let leader = Actor::Post(work.leader);
        let (early, midway) = (days.later(work.begin, minutes / 5), days.later(work.begin, minutes * 6 / 10));
        match self.turn {
            Turn::Withdrawn => {
                if let Some(branch) = Self::no_longer_asked(work) {
                    let reason = why("Không cần lấy ý kiến đơn vị này nữa.");
                    self.act_at(early, leader, WithdrawBranch { branch, reason });
                }
            }
            Turn::FollowedLater => {
                let to = To::Unit(self.world.office.units[1].id);
                self.act_at(early, leader, AppointFollower { to });
            }
            Turn::Shown => {
                let unit = &self.world.office.units[(work.unit + 1) % self.world.office.handling.len()];
                let to = self.world.office.holder(unit.specialists[0], early);
                self.act_at(early, leader, GrantAccess { to: self.world.office.person(to) });
            }
            Turn::Urged => self.urged(midway, work),
            _ => {}
        }
        let passed = work.sum.due(&days.calendar).filter(|due| *due < work.end);
        if let Some(due) = passed
            && self.dice.per_mille(400)
        {
            self.urged(days.later(due, 30), work);
        }
    }

    fn urged(&mut self, at: Timestamp, work: &Work) {
        if at < work.end {
            let note = text("Đề nghị khẩn trương, báo cáo kết quả.");
            self.act_at(at, Actor::Post(work.leader), UrgeIncoming { branch: work.root, note });
        }
    }

    /// The unit asks for more time when half of it is over; the leader grants it or not.
    fn extended(&mut self, work: &mut Work) {
        let days = &self.world.days;
        let Some(due) = work.sum.due(&days.calendar) else { return };
        let half = days.minutes_between(work.begin, due) / 2;
        if half < 120 {
            return;
        }
        let (asked, decided) = (days.later(work.begin, half), days.later(work.begin, half + 60));
        let more = u32::try_from(self.dice.within(2, 5)).unwrap_or(2);
        let until = days.calendar.add_working_days(due.plus_micros(-1).date(), more).end();
        let (branch, reason) = (work.root, why("Chờ ý kiến của địa phương và số liệu bổ sung."));
        self.act_at(asked, Actor::Post(work.head), RequestExtension { branch, until, reason });
        let granted = self.turn == Turn::Extended;
        let decide = DecideExtension { branch, until: granted.then_some(until), note: None };
        self.act_at(decided, Actor::Post(work.leader), decide);
        if granted {
            work.sum.extensions.push(Extension { granted_at: decided, by: ExtendBy::Until { at: until } });
        }
    }

    /// The leader lets the clock stand.
    fn paused(&mut self, work: &mut Work) {
        let days = &self.world.days;
        let from = days.later(work.begin, 30);
        let until = days.days_later(from, 5).date().end();
        let reason = why("Chờ kết luận của cuộc họp liên ngành.");
        self.act_at(from, Actor::Post(work.leader), PauseIncoming { reason, until });
        let mut pause = Pause { from, until: Some(until) };
        if self.turn == Turn::Resumed {
            let at = days.days_later(from, 3);
            let note = Some(text("Đã có kết luận của cuộc họp."));
            self.act_at(at, Actor::Post(work.leader), ResumeIncoming { note });
            pause.until = Some(at);
        }
        work.sum.pauses.push(pause);
    }

    /// The leader gives more days, or says more.
    fn amended(&mut self, work: &mut Work) {
        let at = self.world.days.later(work.begin, 40);
        let reason = why("Điều chỉnh theo chỉ đạo mới của lãnh đạo.");
        let (mut limit, mut note) = (None, None);
        match &mut work.sum.limit {
            Limit::WorkingDays { days } => {
                *days += 3;
                limit = Some(work.sum.limit);
            }
            _ => note = Some(text("Lưu ý phối hợp với địa phương.")),
        }
        self.act_at(at, Actor::Post(work.leader), AmendDirective { branch: work.root, limit, note, reason });
    }

    /// When it is to be resolved: in time, or after the deadline; but not while the clock stands.
    fn ends(&mut self, work: &Work) -> Timestamp {
        let days = &self.world.days;
        let last = self.acts.iter().map(|act| act.at).max().unwrap_or(work.begin).max(work.begin);
        let Some(due) = work.sum.due(&days.calendar) else {
            let minutes = self.dice.within(100, 4_000);
            return days.later(last, minutes);
        };
        if self.late {
            let (more, minutes) = (u32::try_from(self.dice.within(0, 7)).unwrap_or(1), self.dice.within(30, 400));
            return days.later(days.days_later(due.max(last), more), minutes);
        }
        let left = days.minutes_between(last, due);
        let share = self.dice.within(150, 850);
        days.later(last, (left * share / 1_000).max(10))
    }

    /// The officer is done; the document is resolved; and perhaps taken up again.
    pub(super) fn end(&mut self, work: &Work) {
        let how = match self.fate {
            Fate::NoReplyNeeded | Fate::Declined => Resolution::NoReplyNeeded,
            Fate::Transferred => Resolution::Transferred,
            _ => self.dice.weighed(&[
                (62, Resolution::Answered),
                (8, Resolution::AnsweredOtherwise),
                (20, Resolution::Noted),
                (10, Resolution::ForInformation),
            ]),
        };
        let (branch, officer) = work.officer;
        let done = CompleteBranch {
            branch,
            result: text("Đã dự thảo văn bản, trình lãnh đạo đơn vị."),
            proposal: Some(how),
            files: Vec::new(),
        };
        self.act_at(work.done, Actor::Post(officer), done);
        self.now = work.end;
        let resolve = self.resolution(how, work.left_open);
        self.act(Actor::Post(work.head), resolve);
        if matches!(self.fate, Fate::NoReplyNeeded | Fate::Declined | Fate::Transferred) {
            self.wait(3, 60);
            let leader = Actor::Post(work.leader);
            if self.fate == Fate::Declined {
                self.act(leader, DeclineResolution { reason: why("Cần có văn bản trả lời nơi gửi.") });
                self.wait(30, 300);
                let resolve = self.resolution(Resolution::Answered, work.left_open);
                self.act(Actor::Post(work.head), resolve);
            } else {
                self.act(leader, ConfirmResolution {});
            }
        }
        if self.fate == Fate::Reopened {
            self.reopened(work);
        }
    }

    fn resolution(&mut self, how: Resolution, left_open: bool) -> ResolveIncoming {
        let answered = how == Resolution::Answered;
        let code = format!("{}/VPVD-TH", 1 + self.dice.below(9_000));
        let answer = Answer { organ: short(NAME), code: short(code), date: self.now.date() };
        ResolveIncoming {
            how,
            answers: if answered { vec![answer] } else { Vec::new() },
            note: None,
            transferred_to: (how == Resolution::Transferred).then(|| short("Bộ Mẫu")),
            close_open_branches: left_open.then(|| why("Đơn vị phối hợp không gửi ý kiến.")),
        }
    }

    /// A leader, or a clerk on a leader's word, takes it up again; the unit does what was missing.
    fn reopened(&mut self, work: &Work) {
        let days = u32::try_from(self.dice.within(4, 25)).unwrap_or(4);
        self.now = self.world.days.days_later(self.now, days);
        let by_clerk = self.dice.per_mille(500);
        let (post, on_word) = if by_clerk { (self.clerk, Some(work.leader)) } else { (work.leader, None) };
        let reopen = ReopenIncoming {
            reason: why("Nơi gửi có ý kiến bổ sung."),
            limit: Limit::WorkingDays { days: 5 },
            on_word_of: on_word.map(|leader| self.world.office.posts[leader].id),
            to: None,
        };
        let branch = BranchId::of(self.act(Actor::Post(post), reopen), 0);
        self.wait(300, 1_200);
        let result = text("Đã bổ sung theo ý kiến của nơi gửi.");
        let done = CompleteBranch { branch, result, proposal: None, files: Vec::new() };
        self.act(Actor::Post(work.head), done);
        self.wait(10, 100);
        let resolve = self.resolution(Resolution::Answered, false);
        self.act(Actor::Post(work.head), resolve);
    }
}
