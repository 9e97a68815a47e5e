//! Lines of figures: each figure is one condition, each line the numbers of one group. Documents and branches share this,
//! not their figures.

use socai_domain::{
    document_types::Channel,
    id::{PersonId, UnitId},
};

use super::{StatisticsFilter, start};
use crate::{error::ViewsError, sql::Sql, store::Views, value::Cells, viewer::Viewer};

/// What figures are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// The whole organ.
    #[default]
    Organ,
    /// The unit that branches count for. Documents are not grouped by it.
    Unit,
    /// The person who holds or held branches. Documents are not grouped by them.
    Person,
    /// The document's type.
    DocumentType,
    /// How the document came.
    Channel,
}

impl GroupBy {
    pub(super) const ALL: [Self; 5] = [Self::Organ, Self::Unit, Self::Person, Self::DocumentType, Self::Channel];

    /// The column that tells the groups apart, and what is shown of it.
    fn columns(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Organ => None,
            Self::Unit => Some(("b.for_unit", "b.for_unit")),
            Self::Person => Some(("b.person", "b.person")),
            Self::DocumentType => Some(("d.type_key", "MIN(d.type_name)")),
            Self::Channel => Some(("d.channel", "d.channel")),
        }
    }
}

/// The figures of one group. The fields that it is not grouped by are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiguresLine<F> {
    /// The unit.
    pub unit: Option<UnitId>,
    /// The person.
    pub person: Option<PersonId>,
    /// The type's name.
    pub document_type: Option<String>,
    /// The channel.
    pub channel: Option<Channel>,
    /// The numbers.
    pub figures: F,
}

/// A figure: the condition under which something is counted, for the number and for its list alike.
pub(crate) trait Figure: Copy + 'static {
    /// A number for each.
    type Numbers;
    const EVERY: &'static [Self];

    fn condition(self) -> &'static str;
    /// The column that dates it, where that one is within the period and never null: its list comes in that order.
    fn dated(self) -> Option<&'static str>;
    fn read(cells: &mut Cells<'_>) -> Result<Self::Numbers, ViewsError>;
}

/// A list of what a figure counts, or the part of it to which one column leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// What it is called in cursors.
    pub(super) name: &'static str,
    pub(super) condition: &'static str,
    /// What else is true of this part.
    pub(super) only: &'static str,
    /// The column that dates it: what comes last comes first.
    pub(super) dated: Option<&'static str>,
}

impl Part {
    /// All that a figure counts; what has no date is called `list`.
    pub(super) fn of(figure: impl Figure, list: &'static str) -> Self {
        let dated = figure.dated();
        Self { name: dated.unwrap_or(list), condition: figure.condition(), only: "", dated }
    }

    /// Its order, of which these two keys are the end.
    pub(super) fn order(self, keys: [&'static str; 2]) -> Vec<&'static str> {
        self.dated.into_iter().chain(keys).collect()
    }

    /// What it is called in cursors, and how many keys they have.
    pub(super) fn named(self) -> (&'static str, usize) {
        (self.name, 2 + self.dated.iter().len())
    }
}

impl Sql {
    /// The numbers of every figure, as columns.
    pub(crate) fn sums<F: Figure>(&mut self) -> &mut Self {
        for (at, figure) in F::EVERY.iter().enumerate() {
            self.push(if at == 0 { "" } else { ", " }).push("COALESCE(SUM(CASE WHEN ").push(figure.condition());
            self.push(" THEN 1 ELSE 0 END), 0)");
        }
        self
    }
}

impl Views {
    /// A line for each group of what `from` gives; the document `d` is there, too, where the groups want it (`true`). What an erasure took is in no group; what a unit holds is no
    /// person's.
    pub(super) async fn lines<F: Figure>(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        by: GroupBy,
        from: fn(&mut Sql, &StatisticsFilter, bool),
    ) -> Result<Vec<FiguresLine<F::Numbers>>, ViewsError> {
        let mut sql = start(viewer, filter);
        sql.push("SELECT ");
        for group in &GroupBy::ALL[1..] {
            let shown = group.columns().filter(|_| *group == by).map_or("NULL", |(_, shown)| shown);
            sql.push(shown).push(", ");
        }
        sql.sums::<F>();
        let joined = by.columns().is_some_and(|(key, _)| key.starts_with("d."));
        from(&mut sql, filter, joined);
        if let Some((key, _)) = by.columns() {
            sql.push(&format!(" AND {key} IS NOT NULL GROUP BY {key} ORDER BY {key}"));
        }
        let line = |cells: &mut Cells<'_>| {
            Ok(FiguresLine {
                unit: cells.next()?,
                person: cells.next()?,
                document_type: cells.next()?,
                channel: cells.next()?,
                figures: F::read(cells)?,
            })
        };
        sql.read_all(&mut self.reading().await?, line).await
    }
}

/// Makes figures: an enum, a struct with a number for each, and for each its condition and, after `by`, the column that dates
/// it. In the conditions `$3` is now, `$4` and `$5` the period.
macro_rules! figures {
    ($(#[$fmeta:meta])* $figure:ident, $(#[$smeta:meta])* $figures:ident { $($(#[$meta:meta])* $name:ident $field:ident $(by $date:literal)?: $condition:expr;)* }) => {
        $(#[$fmeta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $figure { $($(#[$meta])* $name),* }

        impl $figure {
            /// Every figure.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }

        impl $crate::statistics::Figure for $figure {
            type Numbers = $figures;
            const EVERY: &'static [Self] = Self::ALL;

            fn condition(self) -> &'static str {
                match self { $(Self::$name => $condition),* }
            }

            fn dated(self) -> Option<&'static str> {
                match self { $(Self::$name => $crate::statistics::dated!($($date)?)),* }
            }

            fn read(cells: &mut $crate::value::Cells<'_>) -> Result<$figures, $crate::error::ViewsError> {
                Ok($figures { $($field: cells.next::<i64>()?.unsigned_abs()),* })
            }
        }

        $(#[$smeta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $figures { $($(#[$meta])* pub $field: u64),* }

        impl $figures {
            /// One of them.
            pub fn get(&self, figure: $figure) -> u64 {
                match figure { $($figure::$name => self.$field),* }
            }
        }
    };
}
pub(crate) use figures;

macro_rules! dated {
    () => {
        None
    };
    ($date:literal) => {
        Some($date)
    };
}
pub(crate) use dated;
