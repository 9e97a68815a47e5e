//! How events change an incoming document. Total: any event in any order leaves some document.

use super::{
    Branch, BranchEnd, Event, ExpungeRequest, IncomingDocument, Proposal, Stage,
    events::{self, Directed, Holder},
};
use crate::{
    deadline::Pause,
    decide::{Aggregate, Meta},
    document_types::Channel,
    id::{BranchId, IncomingId, OrganId},
    ledger::StreamKind,
    register::VoidReason,
    time::Timestamp,
};

impl Aggregate for IncomingDocument {
    const KIND: StreamKind = StreamKind::Incoming;
    type Event = Event;

    fn organ(&self) -> Option<OrganId> {
        self.organ
    }

    #[allow(clippy::too_many_lines)] // one arm an event, in the catalogue's order
    fn evolve(&mut self, event: &Event, meta: &Meta) {
        self.id = Some(IncomingId::new(meta.stream));
        self.organ = Some(meta.organ);
        match event {
            Event::Arrived(e) => {
                self.stage = Some(Stage::Arrived);
                self.channel = Some(e.channel);
                self.contents.extend(e.axis.as_ref().map(|axis| axis.content));
                self.axis.clone_from(&e.axis);
                self.arrived_at = e.arrived_at;
                self.given_by_axis = e.axis.is_some() || (e.channel == Channel::Axis && meta.person.is_none());
                self.details = Some(e.details.clone());
                self.files.clone_from(&e.files);
            }
            Event::ArrivedAgain(e) => {
                self.contents.push(e.content);
                // The same remark made again is one on this content.
                self.annotations.clear();
                self.other_files.extend(e.files.iter().map(|file| file.hash));
            }
            Event::UnopenedLogged(e) => {
                self.stage = Some(Stage::Unopened);
                self.channel = Some(Channel::Paper);
                self.arrived_at = e.arrived_at;
            }
            Event::Corrected(e) => {
                let given = self.details.replace(e.new.clone());
                self.as_given = self.as_given.take().or(given.filter(|_| self.given_by_axis));
            }
            Event::ScanAttached(e) => self.files.extend(e.files.iter().cloned()),
            Event::PaperArrived(e) => self.paper_arrived_at = Some(e.arrived_at),
            Event::ReceiptRefused(_) => self.stage = Some(Stage::Refused),
            Event::RegistrationBegan(e) => {
                self.registering = Some(e.clone());
                self.began_by = Some(meta.command);
            }
            Event::RegistrationAbandoned(_) => self.registering = None,
            Event::Registered(e) => {
                self.registering = None;
                self.registered = Some((e.register, e.number));
                self.stage = Some(Stage::Registered);
            }
            Event::Submitted(e) => {
                self.stage = Some(Stage::Submitted);
                self.leader = Some(e.to);
            }
            Event::PassedToLeader(e) => self.leader = Some(e.to),
            Event::ReturnedToClerk(_) => {
                self.stage = Some(Stage::Registered);
                self.leader = None;
            }
            Event::Directed(e) => self.begin_round(e, meta),
            Event::Assigned(e) => {
                self.change(e.parent, |branch| branch.started_at = branch.started_at.or(Some(meta.at)));
                self.add_branches(Some(e.parent), &e.branches, meta);
            }
            Event::BranchAccepted(e) => self.change(e.branch, |branch| branch.accepted_at = Some(meta.at)),
            Event::ProgressReported(e) => {
                self.change(e.branch, |branch| branch.report(&e.text, meta.at));
            }
            Event::BranchAmended(e) => self.change(e.branch, |branch| branch.amend(e.limit, e.note.as_ref())),
            Event::BranchReassigned(e) => self.change(e.branch, |branch| branch.reassign(e.to)),
            Event::BranchWithdrawn(e) => self.end(e.branch, BranchEnd::Withdrawn, meta.at),
            Event::BranchReturned(e) => self.end(e.branch, BranchEnd::Returned, meta.at),
            Event::ExtensionRequested(e) => self.change(e.branch, |branch| branch.extension_asked = Some(e.until)),
            Event::ExtensionDecided(e) => self.change(e.branch, |branch| branch.extend(meta.at, e.until)),
            Event::Paused(e) => self.pauses.push(Pause { from: meta.at, until: Some(e.until) }),
            Event::Resumed(_) => self.resume(meta.at),
            Event::BranchCompleted(e) => {
                self.files.extend(e.files.iter().cloned());
                self.change(e.branch, |branch| branch.complete(meta.at));
            }
            Event::FollowerAppointed(e) => self.follower = Some(e.follower),
            Event::WorkHandedOver(e) => {
                for branch in &e.branches {
                    self.change(*branch, |branch| branch.reassign(events::Assignee::Person { holder: e.to }));
                }
                if self.leader == Some(e.from) {
                    self.leader = Some(e.to);
                }
                if self.follower == Some(events::Assignee::Person { holder: e.from }) {
                    self.follower = Some(events::Assignee::Person { holder: e.to });
                }
            }
            Event::AccessGranted(e) => self.granted.push(e.to),
            Event::ResolutionProposed(e) => {
                let people = meta.person.into_iter().chain(meta.on_behalf_of).collect();
                self.proposed = Some(Proposal { what: e.clone(), people, command: meta.command });
            }
            Event::ResolutionDeclined(_) => self.proposed = None,
            Event::Resolved(_) => {
                self.proposed = None;
                self.resume(meta.at);
                self.end_all(BranchEnd::ClosedWithDocument, meta.at);
                self.stage = Some(Stage::Resolved);
            }
            Event::Reopened(e) => self.reopen(e, meta),
            Event::Cancelled(e) => {
                self.registering = None;
                self.cancelled = Some(e.kind);
                self.end_all(BranchEnd::ClosedWithDocument, meta.at);
                self.stage = Some(Stage::Cancelled);
            }
            Event::ExpungeRequested(e) => {
                let request = |person| ExpungeRequest { person, on_behalf_of: meta.on_behalf_of, level: e.level };
                self.expunge_requested = meta.person.map(request);
            }
            Event::ExpungeDeclined(_) => self.expunge_requested = None,
            Event::Expunged(e) => {
                let erased = Self { id: self.id, organ: Some(e.organ), erased: true, ..Self::default() };
                *self = Self {
                    stage: Some(Stage::Cancelled),
                    cancelled: Some(VoidReason::BelongsToSecretRegister),
                    ..erased
                };
                self.registered = e.register.zip(e.void_number);
            }
            Event::ErasureCompleted(_) => self.erasure_completed = true,
            Event::AuthenticityChecked(e) => self.authenticity = Some(e.clone()),
            Event::Annotated(e) => self.annotations.push(e.note.clone()),
            Event::Urged(_) => {}
        }
    }
}

impl IncomingDocument {
    /// The lead branch of the round before is asked for again, in a new round.
    fn reopen(&mut self, e: &events::Reopened, meta: &Meta) {
        let lead = self.root_lead().map(|(_, branch)| branch.assignee);
        self.stage = Some(Stage::Directed);
        self.round = self.round.saturating_add(1);
        self.pauses.clear();
        if let Some(assignee) = lead {
            let (branch, role) = (BranchId::of(meta.command, 0), events::BranchRole::Lead);
            let new = events::NewBranch { branch, assignee, role, limit: e.limit, note: None };
            let mut branch = Branch::new(None, &new, self.round, meta);
            branch.author = e.on_word_of.or(branch.author);
            self.branches.insert(new.branch, branch);
        }
    }

    fn add_branches(&mut self, parent: Option<BranchId>, new: &[events::NewBranch], meta: &Meta) {
        for new in new {
            self.branches.insert(new.branch, Branch::new(parent, new, self.round, meta));
        }
    }

    fn change(&mut self, branch: BranchId, change: impl FnOnce(&mut Branch)) {
        if let Some(branch) = self.branches.get_mut(&branch) {
            change(branch);
        }
    }

    /// Ends a branch and everything open under it.
    fn end(&mut self, branch: BranchId, how: BranchEnd, at: Timestamp) {
        let mut todo = vec![branch];
        while let Some(id) = todo.pop() {
            let Some(found) = self.branches.get_mut(&id).filter(|found| found.is_open()) else { continue };
            found.ended = Some((how, at));
            todo.extend(self.branches.iter().filter(|(_, child)| child.parent == Some(id)).map(|(id, _)| *id));
        }
    }

    fn end_all(&mut self, how: BranchEnd, at: Timestamp) {
        let open: Vec<_> = self.present_branches().filter(|(_, branch)| branch.is_open()).map(|(id, _)| id).collect();
        for id in open {
            self.end(id, how, at);
        }
    }

    fn resume(&mut self, at: Timestamp) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.until.is_none_or(|until| until > at)) {
            pause.until = Some(at);
        }
    }

    fn begin_round(&mut self, directed: &Directed, meta: &Meta) {
        self.stage = Some(Stage::Directed);
        self.round += u32::from(self.round == 0);
        if !directed.by_regulation {
            self.leader = Holder::who_acted(meta).or(self.leader);
        }
        if directed.follower.is_some() {
            self.follower = directed.follower;
        }
        self.add_branches(None, &directed.branches, meta);
    }
}
