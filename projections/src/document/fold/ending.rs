//! How branches and rounds end, and begin anew.

use socai_domain::{
    calendar::WorkingCalendar,
    decide::Meta,
    id::BranchId,
    incoming::{
        BranchEnd, Event, Stage,
        events::{BranchRole, Expunged, Holder, NewBranch, Reopened},
    },
    register::VoidReason,
    text::ArrivalNumber,
    time::Timestamp,
};

use crate::{
    directory::Agency,
    document::state::{Document, Erased, ExpungeAsked, Registration, ResolutionMade, Rework, RoundEnd},
};

impl Document {
    pub(super) fn end(&mut self, event: &Event, meta: &Meta, organ: &dyn Agency) {
        match event {
            Event::BranchWithdrawn(e) => {
                self.change(e.branch, |branch| branch.result = Some(e.reason.to_string()));
                self.end_branch(e.branch, BranchEnd::Withdrawn, meta.at);
                self.end_rework_under_ended(meta.at);
            }
            Event::BranchReturned(e) => {
                self.change(e.branch, |branch| branch.result = Some(e.reason.to_string()));
                self.end_branch(e.branch, BranchEnd::Returned, meta.at);
                self.end_rework_under_ended(meta.at);
                // Who was only informed gives back no work.
                if self.branches.iter().any(|branch| branch.id == e.branch && branch.role != BranchRole::Informed) {
                    let (round, branch, from, reason) = (self.present(), Some(e.branch), meta.at, e.reason.clone());
                    self.rework.push(Rework { round, branch, from, until: None, reason });
                }
            }
            Event::BranchCompleted(e) => {
                self.starts(e.branch, meta.at);
                self.files.extend(e.files.iter().cloned());
                self.change(e.branch, |branch| {
                    branch.result = e.result.as_ref().map(ToString::to_string).or(branch.result.take());
                    branch.proposal = e.proposal;
                    branch.extension_asked = None;
                    // it alone: who was only informed of a part stays informed
                    branch.ended = branch.ended.or(Some((BranchEnd::Completed, meta.at)));
                });
                self.end_rework_under_ended(meta.at);
            }
            Event::ResolutionProposed(e) => {
                self.proposers = meta.person.into_iter().chain(meta.on_behalf_of).collect();
                self.proposed = Holder::who_acted(meta).map(|by| (meta.at, by, e.clone()));
            }
            Event::ResolutionDeclined(_) => self.proposed = None,
            Event::Resolved(e) => {
                self.close(Stage::Resolved, RoundEnd::Resolved, meta.at, organ.calendar());
                let (how, by, transferred_to) = (e.how, Holder::who_acted(meta), e.transferred_to.clone());
                let (answers, note) = (e.answers.clone(), e.note.clone());
                if let Some(round) = self.rounds.last_mut() {
                    round.resolution = Some(ResolutionMade { how, answers, note, transferred_to, by });
                }
            }
            Event::Reopened(e) => self.reopen(e, meta, organ),
            Event::Cancelled(e) => {
                self.close(Stage::Cancelled, RoundEnd::Cancelled, meta.at, organ.calendar());
                self.cancelled = Some((e.kind, Some(e.reason.clone())));
            }
            Event::ExpungeRequested(e) => {
                let people: Vec<_> = meta.person.into_iter().chain(meta.on_behalf_of).collect();
                self.expunge_asked = Some(ExpungeAsked { at: meta.at, level: e.level, people });
            }
            Event::ExpungeDeclined(_) => self.expunge_asked = None,
            Event::Expunged(e) => self.expunge(e, meta.at),
            Event::ErasureCompleted(_) => {
                self.erased.get_or_insert(Erased { level: None, completed: true }).completed = true;
            }
            _ => {}
        }
    }

    fn close(&mut self, stage: Stage, how: RoundEnd, at: Timestamp, calendar: &WorkingCalendar) {
        self.proposed = None;
        self.registering = None;
        self.resume(at);
        self.derive_deadlines(calendar);
        let open: Vec<_> =
            self.branches.iter().filter(|branch| branch.ended.is_none()).map(|branch| branch.id).collect();
        for branch in open {
            self.end_branch(branch, BranchEnd::ClosedWithDocument, at);
        }
        for rework in self.rework.iter_mut().filter(|rework| rework.until.is_none()) {
            rework.until = Some(at);
        }
        self.go(stage, at);
        self.end_round(how, at);
    }

    /// The lead of the round before is asked for again.
    fn reopen(&mut self, e: &Reopened, meta: &Meta, organ: &dyn Agency) {
        let lead = self.rounds.iter().rev().find_map(|round| self.root_lead(round.number)).map(|lead| lead.assignee);
        self.go(Stage::Directed, meta.at);
        self.directive = None;
        self.pauses.clear();
        self.begin_round(meta.at);
        if let Some(assignee) = lead {
            let branch = BranchId::of(meta.command, 0);
            let new = NewBranch { branch, assignee, role: BranchRole::Lead, limit: e.limit, note: None };
            self.add(None, &[new], meta, organ);
            self.change(branch, |branch| branch.author = e.on_word_of.or(branch.author));
        }
    }

    /// Only what the record of the erasure itself says is kept: a rebuild knows nothing else.
    fn expunge(&mut self, e: &Expunged, at: Timestamp) {
        let registration = e.register.zip(e.void_number);
        let of = |(register, number): (_, ArrivalNumber)| Registration {
            register,
            number,
            series: None,
            year: None,
            at: None,
        };
        *self = Self {
            revision: self.revision,
            registration: registration.map(of),
            cancelled: Some((VoidReason::BelongsToSecretRegister, None)),
            erased: Some(Erased { level: Some(e.level), completed: false }),
            ..self.blank()
        };
        self.go(Stage::Cancelled, at);
        self.end_round(RoundEnd::Cancelled, at);
    }

    /// Ends a branch and everything open under it.
    fn end_branch(&mut self, id: BranchId, how: BranchEnd, at: Timestamp) {
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let Some(found) = self.branches.iter_mut().find(|branch| branch.id == id && branch.ended.is_none()) else {
                continue;
            };
            found.ended = Some((how, at));
            found.extension_asked = None;
            todo.extend(self.branches.iter().filter(|child| child.parent == Some(id)).map(|child| child.id));
        }
    }

    /// What was given back to a branch that has ended now: its holder did it, or gave it back further up.
    fn end_rework_under_ended(&mut self, at: Timestamp) {
        let Self { branches, rework, .. } = self;
        let find = |id| branches.iter().find(|branch| branch.id == id);
        let above = |rework: &Rework| find(find(rework.branch?)?.parent?);
        for rework in rework.iter_mut().filter(|rework| rework.until.is_none()) {
            if above(rework).is_some_and(|above| above.ended.is_some()) {
                rework.until = Some(at);
            }
        }
    }

    pub(super) fn resume(&mut self, at: Timestamp) {
        if let Some(pause) = self.pauses.last_mut()
            && pause.until.is_none_or(|until| until > at)
        {
            pause.until = Some(at);
        }
    }
}
