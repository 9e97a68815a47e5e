//! A post (vị trí): who held it when, and who substitutes in it.

use super::Role;
use crate::{
    decide::Acting,
    id::{PersonId, PostId, UnitId},
    text::ShortText,
    time::Timestamp,
};

/// A post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where it is.
    pub unit: UnitId,
    /// What it may do.
    pub role: Role,
    /// Its title.
    pub title: ShortText,
    /// It is no more.
    pub abolished: bool,
    /// Who held it when, oldest first. Past tenures stay.
    pub tenures: Vec<Tenure>,
    /// Who substitutes when, in the order given.
    pub delegations: Vec<Delegation>,
}

/// A substitute in a post for a time. They act only while the tenure in which it was given lasts: a successor delegated
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The substitute.
    pub person: PersonId,
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
    /// Which of the post's tenures lasted when it was given; none: the post was vacant, and nobody acts by it.
    pub given_in: Option<usize>,
}

/// Somebody in a post for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// Who.
    pub person: PersonId,
    /// First instant.
    pub from: Timestamp,
    /// First instant after it; none: open.
    pub until: Option<Timestamp>,
}

impl Tenure {
    fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl Post {
    pub(super) fn held_by(&self, person: PersonId, at: Timestamp) -> bool {
        self.holder(at) == Some(person)
    }

    pub(super) fn holder(&self, at: Timestamp) -> Option<PersonId> {
        let (_, tenure) = self.tenure(at)?;
        (!self.abolished).then_some(tenure.person)
    }

    /// The tenure at `at` and its place: the newest that covers it.
    pub(super) fn tenure(&self, at: Timestamp) -> Option<(usize, Tenure)> {
        self.tenures.iter().copied().enumerate().rev().find(|(_, tenure)| tenure.covers(at))
    }

    /// Ends the newest tenure of a person that has not ended by then.
    pub(super) fn leave(&mut self, person: PersonId, at: Timestamp) {
        let open = |tenure: &&mut Tenure| tenure.person == person && tenure.until.is_none_or(|until| until > at);
        if let Some(tenure) = self.tenures.iter_mut().rev().find(open) {
            tenure.until = Some(at);
        }
    }

    /// Ends every delegation to a person that has not ended by then: they may overlap.
    pub(super) fn end_delegations(&mut self, person: PersonId, at: Timestamp) {
        for delegation in self.delegations.iter_mut().filter(|delegation| delegation.person == person) {
            delegation.until = delegation.until.min(at);
        }
    }

    pub(super) fn acting(&self, id: PostId, person: PersonId, on_behalf_of: Option<PersonId>) -> Acting {
        Acting { person, post: id, role: self.role, unit: self.unit, on_behalf_of }
    }

    /// For whom this person substitutes in it at `at`; none: for nobody.
    pub(super) fn delegated_to(&self, person: PersonId, at: Timestamp) -> Option<PersonId> {
        let (given_in, holder) = self.tenure(at)?;
        let acts = |delegation: &Delegation| {
            delegation.person == person
                && delegation.given_in == Some(given_in)
                && delegation.from <= at
                && at < delegation.until
        };
        self.delegations.iter().any(acts).then_some(holder.person)
    }
}
