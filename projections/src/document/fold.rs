//! How events change a document. Total: any event in any order leaves some document.

use socai_domain::{
    calendar::WorkingCalendar,
    deadline::{DeadlineSum, Extension, Pause},
    decide::Meta,
    id::{BranchId, UnitId},
    incoming::{
        BranchEnd, Event, Stage,
        events::{Assignee, BranchRole, Expunged, Holder, NewBranch, Reopened},
    },
    ledger::Header,
    register::VoidReason,
    text::ArrivalNumber,
    time::Timestamp,
};

use super::{
    rows::PartyKind,
    state::{Branch, Document, Erased, Registration, Remark, ResolutionMade, Rework, Round, RoundEnd},
};
use crate::directory::Organ;

impl Document {
    /// Takes in one event. `organ` is the agency as the log knew it at this record.
    pub(crate) fn apply(&mut self, event: &Event, meta: &Meta, organ: &Organ, place: i64) {
        self.revision = meta.revision.number();
        self.changed = place;
        if self.erased.is_some_and(|erased| erased.level.is_some()) && !matches!(event, Event::ErasureCompleted(_)) {
            return;
        }
        self.arrive(event, meta);
        self.pass_on(event, meta, organ);
        self.work(event, meta, organ);
        self.end(event, meta, organ);
        if changes_deadlines(event) {
            self.derive_deadlines(&organ.calendar);
        }
    }

    /// Takes in a record whose content was erased: its header tells what happened, not more.
    pub(crate) fn apply_erased(&mut self, header: &Header, place: i64) {
        self.revision = header.revision.number();
        self.changed = place;
        if self.erased.is_some_and(|erased| erased.level.is_some()) {
            return;
        }
        let fresh = Self { revision: self.revision, rounds: std::mem::take(&mut self.rounds), ..self.blank() };
        let (stage, stage_since) = (self.stage, self.stage_since);
        *self = Self { stage, stage_since, erased: Some(Erased { level: None, completed: false }), ..fresh };
        let at = header.recorded;
        match header.kind.number() {
            400 => self.go(Stage::Arrived, at),
            402 => self.go(Stage::Unopened, at),
            408 => self.go(Stage::Refused, at),
            412 => {
                self.go(Stage::Registered, at);
                self.begin_round(at);
            }
            420 => self.go(Stage::Submitted, at),
            422 => self.go(Stage::Registered, at),
            423 => self.go(Stage::Directed, at),
            452 => {
                self.go(Stage::Resolved, at);
                self.end_round(RoundEnd::Resolved, at);
            }
            453 => {
                self.go(Stage::Directed, at);
                self.begin_round(at);
            }
            460 => {
                self.go(Stage::Cancelled, at);
                self.end_round(RoundEnd::Cancelled, at);
            }
            _ => {}
        }
    }

    /// Derives the deadlines of all that is open from the newest calendar. What has ended keeps its own.
    pub(crate) fn derive_deadlines(&mut self, calendar: &WorkingCalendar) {
        for at in 0..self.branches.len() {
            let whole = self.branches[at].parent;
            let capped_by =
                self.branches[..at].iter().find(|above| Some(above.id) == whole).and_then(|above| above.due);
            let branch = &mut self.branches[at];
            if branch.ended.is_some() || branch.role == BranchRole::Informed {
                continue;
            }
            branch.capped_by = capped_by;
            let sum = branch.sum(&self.pauses);
            branch.due = sum.due(calendar);
            branch.original_due = sum.original_due(calendar);
            branch.binding_due = sum.binding_due(calendar);
            if let Some(late) = branch.late_before_amended {
                branch.binding_due = Some(branch.binding_due.map_or(late, |due| due.min(late)));
            }
        }
        let Some(at) = self.rounds.len().checked_sub(1) else { return };
        if self.rounds[at].ended.is_none() {
            let lead = self.root_lead(self.rounds[at].number);
            let due = lead.map_or((None, None, None), |lead| (lead.due, lead.original_due, lead.binding_due));
            let round = &mut self.rounds[at];
            (round.due, round.original_due, round.binding_due) = due;
        }
    }

    fn blank(&self) -> Self {
        Self { changed: self.changed, ..Self::new(self.ordinal, self.id, self.organ) }
    }

    fn go(&mut self, stage: Stage, at: Timestamp) {
        self.stage = Some(stage);
        self.stage_since = at;
    }

    fn begin_round(&mut self, at: Timestamp) {
        let number = u32::try_from(self.rounds.len()).unwrap_or(u32::MAX).saturating_add(1);
        let (due, original_due, binding_due) = (None, None, None);
        self.rounds.push(Round { number, began_at: at, due, original_due, binding_due, ended: None, resolution: None });
    }

    fn end_round(&mut self, how: RoundEnd, at: Timestamp) {
        if self.rounds.last().is_none_or(|round| round.ended.is_some()) {
            self.begin_round(at);
        }
        if let Some(round) = self.rounds.last_mut() {
            round.ended = Some((how, at));
        }
    }

    fn present(&self) -> u32 {
        self.rounds.last().map_or(1, |round| round.number)
    }

    fn arrive(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::Arrived(e) => {
                self.go(Stage::Arrived, meta.at);
                self.channel = Some(e.channel);
                self.arrived_at = Some(e.arrived_at);
                self.details = Some(e.details.clone());
                self.files.clone_from(&e.files);
                self.follows = e.follows;
            }
            Event::ArrivedAgain(_) => self.arrived_again = self.arrived_again.saturating_add(1),
            Event::UnopenedLogged(e) => {
                self.go(Stage::Unopened, meta.at);
                self.channel = Some(socai_domain::document_types::Channel::Paper);
                self.arrived_at = Some(e.arrived_at);
                self.unopened = Some(e.clone());
            }
            Event::AuthenticityChecked(e) => self.authenticity = Some((meta.at, e.clone())),
            Event::Corrected(e) => self.details = Some(e.new.clone()),
            Event::Annotated(e) => self.remarks.push(Remark { at: meta.at, by: meta.person, text: e.note.clone() }),
            Event::ScanAttached(e) => self.files.extend(e.files.iter().cloned()),
            Event::PaperArrived(e) => self.paper_arrived_at = Some(e.arrived_at),
            Event::ReceiptRefused(e) => {
                self.go(Stage::Refused, meta.at);
                self.refused = Some(e.reason.clone());
                self.end_round(RoundEnd::Refused, meta.at);
            }
            Event::RegistrationBegan(e) => self.registering = Some((e.register, e.series.clone(), e.year)),
            Event::RegistrationAbandoned(_) => self.registering = None,
            Event::Registered(e) => {
                let book = self.registering.take().filter(|(register, ..)| *register == e.register);
                let (series, year) = book.map_or((None, None), |(_, series, year)| (Some(series), Some(year)));
                self.go(Stage::Registered, meta.at);
                let (register, number, at) = (e.register, e.number, Some(meta.at));
                self.registration = Some(Registration { register, series, year, number, at });
                self.begin_round(meta.at);
            }
            _ => {}
        }
    }

    fn pass_on(&mut self, event: &Event, meta: &Meta, organ: &Organ) {
        match event {
            Event::Submitted(e) => {
                self.go(Stage::Submitted, meta.at);
                self.submitted_at = self.submitted_at.or(Some(meta.at));
                self.leader = Some(e.to);
                self.joins(Assignee::Person { holder: e.to }, organ);
                self.goes_forward(None, meta.at);
            }
            Event::PassedToLeader(e) => {
                self.stage_since = meta.at;
                self.leader = Some(e.to);
                self.joins(Assignee::Person { holder: e.to }, organ);
            }
            Event::ReturnedToClerk(e) => {
                self.go(Stage::Registered, meta.at);
                self.leader = None;
                let (round, branch, from, reason) = (self.present(), None, meta.at, e.reason.clone());
                self.rework.push(Rework { round, branch, from, until: None, reason });
            }
            Event::Directed(e) => {
                self.go(Stage::Directed, meta.at);
                self.directed_at = self.directed_at.or(Some(meta.at));
                self.directive.clone_from(&e.note);
                if !e.by_regulation {
                    self.leader = acting(meta).or(self.leader);
                }
                if let Some(follower) = e.follower {
                    self.follower = Some(follower);
                    self.joins(follower, organ);
                }
                self.goes_forward(None, meta.at);
                self.goes_forward_roots(meta.at);
                self.add(None, &e.branches, meta, organ);
            }
            Event::Assigned(e) => {
                self.starts(e.parent, meta.at);
                self.goes_forward(Some(e.parent), meta.at);
                self.add(Some(e.parent), &e.branches, meta, organ);
            }
            Event::FollowerAppointed(e) => {
                self.follower = Some(e.follower);
                self.joins(e.follower, organ);
            }
            Event::AccessGranted(e) => {
                self.parties.insert((PartyKind::Granted, *e.to.uuid().as_bytes()));
            }
            _ => {}
        }
    }

    fn work(&mut self, event: &Event, meta: &Meta, organ: &Organ) {
        let remark = |text| Remark { at: meta.at, by: meta.person, text };
        match event {
            Event::BranchAccepted(e) => {
                self.change(e.branch, |branch| branch.accepted = Some((meta.at, meta.person)));
            }
            Event::ProgressReported(e) => {
                self.starts(e.branch, meta.at);
                self.change(e.branch, |branch| branch.progress.push(remark(e.text.clone())));
            }
            Event::BranchAmended(e) => self.change(e.branch, |branch| {
                if let Some(limit) = e.limit {
                    let late = branch.binding_due.filter(|due| *due < meta.at);
                    branch.late_before_amended = branch.late_before_amended.or(late);
                    branch.limit = limit;
                    branch.extensions.clear();
                }
                if e.note.is_some() {
                    branch.note.clone_from(&e.note);
                }
            }),
            Event::BranchReassigned(e) => self.reassign(e.branch, e.to, meta.at, organ),
            Event::WorkHandedOver(e) => {
                for branch in &e.branches {
                    self.reassign(*branch, Assignee::Person { holder: e.to }, meta.at, organ);
                }
                if self.leader == Some(e.from) {
                    self.leader = Some(e.to);
                    self.joins(Assignee::Person { holder: e.to }, organ);
                }
                if self.follower == Some(Assignee::Person { holder: e.from }) {
                    self.follower = Some(Assignee::Person { holder: e.to });
                    self.joins(Assignee::Person { holder: e.to }, organ);
                }
            }
            Event::ExtensionRequested(e) => {
                self.change(e.branch, |branch| branch.extension_asked = Some((e.until, e.reason.clone())));
            }
            Event::ExtensionDecided(e) => self.change(e.branch, |branch| {
                branch.extension_asked = None;
                let by = e.until.map(|at| socai_domain::deadline::ExtendBy::Until { at });
                branch.extensions.extend(by.map(|by| Extension { granted_at: meta.at, by }));
            }),
            Event::Urged(e) => self.change(e.branch, |branch| branch.urged.push(remark(e.note.clone()))),
            Event::Paused(e) => self.pauses.push(Pause { from: meta.at, until: Some(e.until) }),
            Event::Resumed(_) => self.resume(meta.at),
            _ => {}
        }
    }

    fn end(&mut self, event: &Event, meta: &Meta, organ: &Organ) {
        match event {
            Event::BranchWithdrawn(e) => {
                self.change(e.branch, |branch| branch.result = Some(e.reason.to_string()));
                self.end_branch(e.branch, BranchEnd::Withdrawn, meta.at);
            }
            Event::BranchReturned(e) => {
                self.change(e.branch, |branch| branch.result = Some(e.reason.to_string()));
                self.end_branch(e.branch, BranchEnd::Returned, meta.at);
                let (round, branch, from, reason) = (self.present(), Some(e.branch), meta.at, e.reason.clone());
                self.rework.push(Rework { round, branch, from, until: None, reason });
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
            }
            Event::ResolutionProposed(e) => {
                self.proposed = acting(meta).map(|by| (meta.at, by, e.clone()));
            }
            Event::ResolutionDeclined(_) => self.proposed = None,
            Event::Resolved(e) => {
                self.close(Stage::Resolved, RoundEnd::Resolved, meta.at, &organ.calendar);
                let (how, by, transferred_to) = (e.how, acting(meta), e.transferred_to.clone());
                let (answers, note) = (e.answers.clone(), e.note.clone());
                if let Some(round) = self.rounds.last_mut() {
                    round.resolution = Some(ResolutionMade { how, answers, note, transferred_to, by });
                }
            }
            Event::Reopened(e) => self.reopen(e, meta, organ),
            Event::Cancelled(e) => {
                self.close(Stage::Cancelled, RoundEnd::Cancelled, meta.at, &organ.calendar);
                self.cancelled = Some((e.kind, Some(e.reason.clone())));
            }
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
    fn reopen(&mut self, e: &Reopened, meta: &Meta, organ: &Organ) {
        let lead = self.root_lead(self.present()).map(|lead| lead.assignee);
        self.go(Stage::Directed, meta.at);
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

    fn add(&mut self, parent: Option<BranchId>, new: &[NewBranch], meta: &Meta, organ: &Organ) {
        let round = self.present();
        for new in new {
            self.joins(new.assignee, organ);
            self.branches.push(Branch::new(parent, new, round, meta, unit_of(new.assignee, organ)));
        }
    }

    fn change(&mut self, id: BranchId, change: impl FnOnce(&mut Branch)) {
        if let Some(branch) = self.branches.iter_mut().find(|branch| branch.id == id) {
            change(branch);
        }
    }

    fn starts(&mut self, id: BranchId, at: Timestamp) {
        self.change(id, |branch| branch.started_at = branch.started_at.or(Some(at)));
    }

    fn reassign(&mut self, id: BranchId, to: Assignee, at: Timestamp, organ: &Organ) {
        self.joins(to, organ);
        self.change(id, |branch| {
            branch.held_before.push((branch.assignee, at));
            branch.assignee = to;
            branch.unit = unit_of(to, organ);
            branch.held_since = at;
            branch.accepted = None;
            branch.started_at = None;
        });
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

    fn resume(&mut self, at: Timestamp) {
        if let Some(pause) = self.pauses.last_mut()
            && pause.until.is_none_or(|until| until > at)
        {
            pause.until = Some(at);
        }
    }

    /// What had been given back to this author goes on.
    fn goes_forward(&mut self, author_of: Option<BranchId>, at: Timestamp) {
        let returned_to = |branch: Option<BranchId>| {
            let found = branch.and_then(|id| self.branches.iter().find(|other| other.id == id));
            found.and_then(|branch| branch.parent)
        };
        let ends = |rework: &Rework| {
            rework.until.is_none()
                && rework.branch.is_some() == author_of.is_some()
                && returned_to(rework.branch) == author_of
        };
        let which: Vec<usize> = (0..self.rework.len()).filter(|at| ends(&self.rework[*at])).collect();
        for index in which {
            self.rework[index].until = Some(at);
        }
    }

    /// A root branch that was given back is directed anew.
    fn goes_forward_roots(&mut self, at: Timestamp) {
        let roots: Vec<_> =
            self.branches.iter().filter(|branch| branch.parent.is_none()).map(|branch| branch.id).collect();
        let open = |rework: &&mut Rework| rework.until.is_none() && rework.branch.is_some_and(|id| roots.contains(&id));
        for rework in self.rework.iter_mut().filter(open) {
            rework.until = Some(at);
        }
    }

    /// From now on they see the document.
    fn joins(&mut self, who: Assignee, organ: &Organ) {
        match who {
            Assignee::Unit { unit } => {
                self.parties.insert((PartyKind::Unit, *unit.uuid().as_bytes()));
            }
            Assignee::Person { holder } => {
                self.parties.insert((PartyKind::Person, *holder.person.uuid().as_bytes()));
                self.parties.insert((PartyKind::Post, *holder.post.uuid().as_bytes()));
                if let Some(unit) = unit_of(who, organ) {
                    self.parties.insert((PartyKind::UnitOfPerson, *unit.uuid().as_bytes()));
                }
            }
        }
    }
}

impl Branch {
    fn new(parent: Option<BranchId>, new: &NewBranch, round: u32, meta: &Meta, unit: Option<UnitId>) -> Self {
        Self {
            id: new.branch,
            parent,
            round,
            author: acting(meta),
            assignee: new.assignee,
            unit,
            held_since: meta.at,
            role: new.role,
            limit: new.limit,
            note: new.note.clone(),
            assigned_at: meta.at,
            accepted: None,
            started_at: None,
            extension_asked: None,
            extensions: Vec::new(),
            progress: Vec::new(),
            urged: Vec::new(),
            held_before: Vec::new(),
            ended: None,
            result: None,
            proposal: None,
            due: None,
            original_due: None,
            binding_due: None,
            late_before_amended: None,
            capped_by: None,
        }
    }

    /// What its deadline is made of.
    pub fn sum(&self, pauses: &[Pause]) -> DeadlineSum {
        DeadlineSum {
            pauses: pauses.to_vec(),
            extensions: self.extensions.clone(),
            ..DeadlineSum::new(self.assigned_at, self.limit).capped_by(self.capped_by)
        }
    }
}

/// The post acted in, held by its holder (not the substitute).
fn acting(meta: &Meta) -> Option<Holder> {
    meta.on_behalf_of.or(meta.person).zip(meta.acting_as).map(|(person, post)| Holder { post, person })
}

fn unit_of(who: Assignee, organ: &Organ) -> Option<UnitId> {
    match who {
        Assignee::Unit { unit } => Some(unit),
        Assignee::Person { holder } => organ.unit_of(holder.post),
    }
}

fn changes_deadlines(event: &Event) -> bool {
    matches!(
        event,
        Event::Directed(_)
            | Event::Assigned(_)
            | Event::BranchAmended(_)
            | Event::BranchWithdrawn(_)
            | Event::BranchReturned(_)
            | Event::ExtensionDecided(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::Reopened(_)
    )
}
