//! Who has a document now, and since when.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use socai_domain::{
    id::BranchId,
    incoming::{
        Stage,
        events::{Assignee, BranchRole, Holder},
    },
    time::Timestamp,
};

use super::state::{Branch, Document};

/// Who has a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldBy {
    /// The clerks, to register or to submit it.
    Clerks,
    /// A leader, to direct or to resolve it.
    Leader(Holder),
    /// The assignee at the end of the lead.
    Assignee {
        /// Their branch.
        branch: BranchId,
        /// Who.
        assignee: Assignee,
    },
    /// Nobody: it has ended.
    Nobody,
}

impl Document {
    /// Everybody with whom something of it lies, in which post: an open branch, the directing of it, the follow-up. The
    /// rule is the domain's ([`socai_domain::incoming::IncomingDocument::lies_with`]).
    pub(crate) fn holders(&self) -> BTreeSet<Holder> {
        let person = |assignee| match assignee {
            Assignee::Person { holder } => Some(holder),
            Assignee::Unit { .. } => None,
        };
        let open = self.branches.iter().filter(|branch| branch.ended.is_none());
        let mut holders: BTreeSet<Holder> = open.filter_map(|branch| person(branch.assignee)).collect();
        if matches!(self.stage, Some(Stage::Submitted | Stage::Directed)) {
            holders.extend(self.leader);
        }
        if self.stage == Some(Stage::Directed) {
            holders.extend(self.follower.and_then(person));
        }
        holders
    }

    /// Who has it, and since when.
    pub fn held(&self) -> (HeldBy, Timestamp) {
        let leader = || self.leader.map_or(HeldBy::Clerks, HeldBy::Leader);
        match self.stage {
            Some(Stage::Arrived | Stage::Registered) => (HeldBy::Clerks, self.stage_since),
            Some(Stage::Submitted) => (leader(), self.stage_since),
            Some(Stage::Directed) => match self.lead_leaf() {
                Some(branch) => (HeldBy::Assignee { branch: branch.id, assignee: branch.assignee }, branch.held_since),
                // The lead is done or was given back: whoever directed it decides on.
                None => (leader(), self.lead_ended_at().unwrap_or(self.stage_since)),
            },
            Some(Stage::Unopened | Stage::Resolved | Stage::Refused | Stage::Cancelled) | None => {
                (HeldBy::Nobody, self.stage_since)
            }
        }
    }

    /// The branch that carries the lead now: from the root along open LEAD children.
    pub fn lead_leaf(&self) -> Option<&Branch> {
        let round = self.rounds.last()?.number;
        let mut at = self.root_lead(round)?;
        for _ in 0..self.branches.len() {
            match self.open_children(at.id).find(|branch| branch.role == BranchRole::Lead) {
                Some(child) => at = child,
                None => break,
            }
        }
        // A lead may be completed while a part of it is still open, not only the other way round.
        Some(at).filter(|branch| branch.ended.is_none())
    }

    fn lead_ended_at(&self) -> Option<Timestamp> {
        let root = self.root_lead(self.rounds.last()?.number)?;
        root.ended.map(|(_, at)| at)
    }
}
