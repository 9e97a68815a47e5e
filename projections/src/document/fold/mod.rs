//! How events change a document. Total: any event in any order leaves some document.

mod ending;
mod passing;

use std::collections::BTreeMap;

use socai_domain::{
    calendar::WorkingCalendar,
    deadline::{DeadlineSum, Extension, Pause},
    decide::Meta,
    id::{BranchId, UnitId},
    incoming::{
        Event, Stage,
        events::{self as on, Assignee, BranchRole, Holder, NewBranch},
    },
    ledger::Header,
    time::Timestamp,
};

use super::{
    rows::PartyKind,
    state::{Branch, Document, Erased, Remark, Round, RoundEnd},
};
use crate::directory::Agency;

impl Document {
    /// Takes in one event. `organ` is the agency as the log knew it at this record.
    pub(crate) fn apply(&mut self, event: &Event, meta: &Meta, organ: &dyn Agency, place: i64) {
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
            self.derive_deadlines(organ.calendar());
        }
        self.keep_sums(organ.calendar());
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
        match header.kind {
            on::Arrived::KIND => self.go(Stage::Arrived, at),
            on::UnopenedLogged::KIND => self.go(Stage::Unopened, at),
            on::ReceiptRefused::KIND => self.go(Stage::Refused, at),
            on::Registered::KIND => {
                self.go(Stage::Registered, at);
                self.begin_round(at);
            }
            on::Submitted::KIND => self.go(Stage::Submitted, at),
            on::ReturnedToClerk::KIND => self.go(Stage::Registered, at),
            on::Directed::KIND => self.go(Stage::Directed, at),
            on::Resolved::KIND => {
                self.go(Stage::Resolved, at);
                self.end_round(RoundEnd::Resolved, at);
            }
            on::Reopened::KIND => {
                self.go(Stage::Directed, at);
                self.begin_round(at);
            }
            on::Cancelled::KIND => {
                self.go(Stage::Cancelled, at);
                self.end_round(RoundEnd::Cancelled, at);
            }
            _ => {}
        }
    }

    /// Derives the deadlines of all that is open from the newest calendar. What has ended keeps its own; but the clock of a
    /// round, and of what is open under an ended branch, runs on.
    pub(crate) fn derive_deadlines(&mut self, calendar: &WorkingCalendar) {
        let mut derived: BTreeMap<BranchId, Deadlines> = BTreeMap::new();
        for branch in &mut self.branches {
            if branch.role == BranchRole::Informed {
                continue;
            }
            let whole = branch.parent.and_then(|whole| derived.get(&whole)).copied().unwrap_or_default();
            let capped_by = whole.due;
            let deadlines = branch.deadlines(whole, &self.pauses, calendar);
            if branch.ended.is_none() {
                branch.capped_by = capped_by;
                (branch.due, branch.original_due, branch.binding_due) =
                    (deadlines.due, deadlines.original, deadlines.binding);
            }
            derived.insert(branch.id, deadlines);
        }
        let Some(at) = self.rounds.len().checked_sub(1).filter(|at| self.rounds[*at].ended.is_none()) else { return };
        let lead = self.root_lead(self.rounds[at].number).and_then(|lead| derived.get(&lead.id)).copied();
        let (lead, round) = (lead.unwrap_or_default(), &mut self.rounds[at]);
        (round.due, round.original_due, round.binding_due) = (lead.due, lead.original, lead.binding);
    }

    /// What has ended keeps its sum, too, whatever calendar and pauses come later.
    fn keep_sums(&mut self, calendar: &WorkingCalendar) {
        for at in 0..self.rounds.len() {
            if self.rounds[at].ended.is_some() && self.rounds[at].sum_at_end.is_empty() {
                let lead = self.root_lead(self.rounds[at].number);
                let sum = lead.map(|lead| lead.sum(&self.pauses).explain(calendar));
                self.rounds[at].sum_at_end = sum.unwrap_or_default();
            }
        }
        let ended = |branch: &&mut Branch| branch.ended.is_some() && branch.role != BranchRole::Informed;
        for branch in self.branches.iter_mut().filter(ended).filter(|branch| branch.sum_at_end.is_empty()) {
            branch.sum_at_end = branch.sum(&self.pauses).explain(calendar);
        }
    }

    /// Is there a deadline of it that still runs?
    pub(crate) fn is_under_way(&self) -> bool {
        let runs = self.round().is_some_and(|round| round.ended.is_none());
        runs || self.branches.iter().any(|branch| branch.ended.is_none())
    }

    /// The record at `place` decided its agency's calendar anew. Does that change anything of it?
    pub(crate) fn calendar_decided(&mut self, calendar: &WorkingCalendar, place: i64) -> bool {
        if !self.is_under_way() {
            return false;
        }
        let before = self.clone();
        self.derive_deadlines(calendar);
        let changed = *self != before;
        if changed {
            self.changed = place;
        }
        changed
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
        self.rounds.push(Round {
            number,
            began_at: at,
            due,
            original_due,
            binding_due,
            ended: None,
            resolution: None,
            sum_at_end: Vec::new(),
        });
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

    fn work(&mut self, event: &Event, meta: &Meta, organ: &dyn Agency) {
        let remark = |text| Remark { at: meta.at, by: meta.person, text };
        match event {
            Event::BranchAccepted(e) => {
                self.change(e.branch, |branch| {
                    branch.accepted = Some((meta.at, meta.person));
                    branch.first_accepted = branch.first_accepted.or(branch.accepted);
                });
            }
            Event::ProgressReported(e) => {
                self.starts(e.branch, meta.at);
                self.change(e.branch, |branch| branch.progress.push(remark(e.text.clone())));
            }
            Event::BranchAmended(e) => self.change(e.branch, |branch| {
                if let Some(limit) = e.limit {
                    let late = branch.binding_due.filter(|due| *due < meta.at);
                    branch.late_before_amended = branch.late_before_amended.or(late);
                    branch.replaced.push(std::mem::replace(&mut branch.limit, limit));
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

    fn add(&mut self, parent: Option<BranchId>, new: &[NewBranch], meta: &Meta, organ: &dyn Agency) {
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

    fn reassign(&mut self, id: BranchId, to: Assignee, at: Timestamp, organ: &dyn Agency) {
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

    /// From now on they see the document.
    fn joins(&mut self, who: Assignee, organ: &dyn Agency) {
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

/// A deadline: every extension counted, without any, and by which lateness is judged.
#[derive(Clone, Copy, Default)]
struct Deadlines {
    due: Option<Timestamp>,
    original: Option<Timestamp>,
    binding: Option<Timestamp>,
}

impl Branch {
    fn new(parent: Option<BranchId>, new: &NewBranch, round: u32, meta: &Meta, unit: Option<UnitId>) -> Self {
        Self {
            id: new.branch,
            parent,
            round,
            author: Holder::who_acted(meta),
            assignee: new.assignee,
            unit,
            held_since: meta.at,
            role: new.role,
            limit: new.limit,
            replaced: Vec::new(),
            note: new.note.clone(),
            assigned_at: meta.at,
            accepted: None,
            first_accepted: None,
            started_at: None,
            extension_asked: None,
            extensions: Vec::new(),
            progress: Vec::new(),
            urged: Vec::new(),
            held_before: Vec::new(),
            ended: None,
            result: None,
            proposal: None,
            sum_at_end: Vec::new(),
            due: None,
            original_due: None,
            binding_due: None,
            late_before_amended: None,
            capped_by: None,
        }
    }

    /// Its deadlines by this calendar, as a part of a whole that is due then. More time for the whole is no other original
    /// deadline of the part and, too late, undoes no lateness of it; but no part is late when it is given.
    fn deadlines(&self, whole: Deadlines, pauses: &[Pause], calendar: &WorkingCalendar) -> Deadlines {
        let sum = self.sum(pauses).capped_by(whole.due);
        let when_given = |of: Option<Timestamp>| of.filter(|due| self.assigned_at < *due);
        let binding = earlier(sum.binding_due(calendar), self.late_before_amended);
        Deadlines {
            due: sum.due(calendar),
            original: earlier(sum.original_due(calendar), when_given(whole.original)),
            binding: earlier(binding, when_given(whole.binding)),
        }
    }

    /// What its deadline is made of.
    pub fn sum(&self, pauses: &[Pause]) -> DeadlineSum {
        DeadlineSum {
            replaced: self.replaced.clone(),
            pauses: pauses.to_vec(),
            extensions: self.extensions.clone(),
            ..DeadlineSum::new(self.assigned_at, self.limit).capped_by(self.capped_by)
        }
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn unit_of(who: Assignee, organ: &dyn Agency) -> Option<UnitId> {
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
