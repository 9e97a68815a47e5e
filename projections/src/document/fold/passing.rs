//! From arrival to the directive tree.

use socai_domain::{
    decide::Meta,
    id::BranchId,
    incoming::{
        Event, Stage,
        events::{Assignee, Holder},
    },
    time::Timestamp,
};

use crate::{
    directory::Agency,
    document::{
        rows::PartyKind,
        state::{Document, OtherContent, Registration, Remark, Rework, RoundEnd},
    },
};

impl Document {
    pub(super) fn arrive(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::Arrived(e) => {
                self.go(Stage::Arrived, meta.at);
                self.channel = Some(e.channel);
                self.arrived_at = Some(e.arrived_at);
                self.details = Some(e.details.clone());
                self.files.clone_from(&e.files);
                self.follows = e.follows;
            }
            Event::ArrivedAgain(e) => {
                let (details, files) = (e.details.clone(), e.files.clone());
                self.arrived_again.push(OtherContent { at: meta.at, details, files, noted_at: None });
            }
            Event::UnopenedLogged(e) => {
                self.go(Stage::Unopened, meta.at);
                self.channel = Some(socai_domain::document_types::Channel::Paper);
                self.arrived_at = Some(e.arrived_at);
                self.unopened = Some(e.clone());
            }
            Event::AuthenticityChecked(e) => self.authenticity = Some((meta.at, e.clone())),
            Event::Corrected(e) => self.details = Some(e.new.clone()),
            Event::Annotated(e) => {
                self.remarks.push(Remark { at: meta.at, by: meta.person, text: e.note.clone() });
                for other in self.arrived_again.iter_mut().filter(|other| other.noted_at.is_none()) {
                    other.noted_at = Some(meta.at);
                }
            }
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

    pub(super) fn pass_on(&mut self, event: &Event, meta: &Meta, organ: &dyn Agency) {
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
                if !e.by_regulation {
                    // More units without a word take nothing back; what a clerk remarks is no opinion of a leader.
                    self.directive = e.note.clone().or(self.directive.take());
                    self.leader = Holder::who_acted(meta).or(self.leader);
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
}
