//! Read model: the figures. Documents (of an organ, by the document's own deadline) and branches (of units and persons)
//! are counted apart and never mixed. Every figure is one condition, used for the number and for its drill-down alike.
//!
//! A reopened document has a round for each time it was worked on; each round ends once and counts once.

mod branches;
mod documents;
mod facts;
mod lines;

use lines::Part;
use socai_domain::{
    document_types::Channel,
    id::{PersonId, UnitId},
    time::Timestamp,
};

pub use branches::{BranchFigure, BranchFigures};
pub use documents::{CountedDocument, DocumentFigure, DocumentFigures};
pub use lines::{FiguresLine, GroupBy};

pub(crate) use documents::{of_documents, start, with_branches};
pub(crate) use facts::{FACT, rows};
pub(crate) use lines::{Figure, dated, figures};

/// The read model's name.
pub(crate) const NAME: &str = "statistics";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 5;

/// A stretch of time: from its first instant to the first one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub before: Timestamp,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatisticsFilter {
    /// What ended, arrived or was given in this time. Figures of what is open are of the viewer's now.
    pub period: Period,
    /// Documents of this type, by name.
    pub document_type: Option<String>,
    /// Documents that came this way.
    pub channel: Option<Channel>,
    /// Branches that count for this unit; documents with such a branch.
    pub unit: Option<UnitScope>,
    /// Branches of this person; documents with such a branch.
    pub person: Option<PersonId>,
}

/// A unit, with or without those under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitScope {
    /// The unit itself: what a line of figures by unit counts.
    Exactly(UnitId),
    /// With all units under it, by the tree of the moment that the views reflect.
    WithSubUnits(UnitId),
    /// These units: those under one by the tree of another moment ([`Views::with_sub_units`](crate::Views::with_sub_units)).
    AnyOf(Vec<UnitId>),
}

impl UnitScope {
    /// ` AND` the column is in it.
    fn and(&self, sql: &mut crate::sql::Sql, column: &str) {
        match self {
            Self::Exactly(unit) => sql.and_equal(column, Some(*unit)),
            Self::WithSubUnits(unit) => sql.push(" AND ").within(column, *unit),
            Self::AnyOf(units) => {
                sql.push(" AND ").push(column).push(" IN (").bind_all(units.iter().copied()).push(")")
            }
        };
    }
}

impl StatisticsFilter {
    /// Everything in a period.
    pub fn of(period: Period) -> Self {
        Self { period, document_type: None, channel: None, unit: None, person: None }
    }

    /// Does it ask for what only the document itself tells?
    fn is_of_documents(&self) -> bool {
        self.document_type.is_some() || self.channel.is_some()
    }
}

/// A share, with what it is a share of. None in place of a share of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Counted.
    pub of: u64,
    /// Among.
    pub among: u64,
}

impl Share {
    /// In thousandths; none when there is nothing to be a share of.
    pub fn per_mille(self) -> Option<u64> {
        self.of.saturating_mul(1000).checked_div(self.among)
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::incoming::{BranchEnd, events::BranchRole};

    use crate::{document::RoundEnd, value::literal};

    #[test]
    fn the_conditions_name_words_by_their_stored_place() {
        let ends = [RoundEnd::Resolved, RoundEnd::Refused, RoundEnd::Cancelled].each_ref().map(literal);
        assert_eq!(ends, ["0", "1", "2"]);
        let ends = [BranchEnd::Completed, BranchEnd::Withdrawn, BranchEnd::Returned, BranchEnd::ClosedWithDocument];
        assert_eq!(ends.each_ref().map(literal), ["0", "1", "2", "3"]);
        assert_eq!(literal(&BranchRole::Informed), "2");
    }
}
