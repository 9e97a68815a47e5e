//! Figures, as the law's reports ask for them. Every number is the length of a list that can be asked for.

use async_graphql::SimpleObject;
use socai_projections::statistics::{self as view, FiguresLine, Share as Part};

use super::people::{Person, Unit};
use crate::{scalars::Position, schema::labels::Channel};

/// A share with what it is a share of (tỷ lệ).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Share {
    /// Counted.
    of: u64,
    /// Among: the denominator.
    among: u64,
    /// In thousandths; none when there is nothing to be a share of.
    per_mille: Option<u64>,
}

impl From<Part> for Share {
    fn from(share: Part) -> Self {
        Self { of: share.of, among: share.among, per_mille: share.per_mille() }
    }
}

macro_rules! lines {
    ($($(#[$meta:meta])* $name:ident($of:ty) { groups { $($(#[$gmeta:meta])* $group:ident: $type:ty = $make:expr;)* } figures { $($(#[$fmeta:meta])* $figure:ident;)* } })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, SimpleObject)]
        pub(crate) struct $name {
            $($(#[$gmeta])* $group: Option<$type>,)*
            $($(#[$fmeta])* $figure: u64,)*
            /// On time, among those that ended with a deadline (tỷ lệ đúng hạn).
            on_time_share: Share,
        }

        impl From<$of> for $name {
            fn from(of: $of) -> Self {
                Self {
                    $($group: of.$group.map($make),)*
                    $($figure: of.figures.$figure,)*
                    on_time_share: of.figures.on_time_share().into(),
                }
            }
        }
    )* };
}

lines! {
    /// Figures of documents: of the organ, by the document's own deadline (số liệu theo văn bản).
    DocumentFigures(FiguresLine<view::DocumentFigures>) {
        groups {
            /// The type, where grouped by it.
            document_type: String = |name| name;
            /// The channel, where grouped by it.
            channel: Channel = Channel::from;
        }
        figures {
            /// Arrived in the period (đã đến).
            arrived;
            /// Registered in the period (đã vào sổ).
            registered;
            /// Registered and not ended (đang xử lý).
            in_process;
            /// Resolved in the period (đã xử lý).
            processed;
            /// In process past the deadline (đang xử lý quá hạn).
            late_open;
            /// Resolved in the period after the deadline (đã xử lý quá hạn).
            late_done;
            /// Both kinds of late (quá hạn).
            late;
            /// Resolved in the period in time (đúng hạn).
            on_time;
            /// On time only by an extension (đúng hạn nhờ gia hạn).
            met_only_by_extension;
            /// In process without a deadline.
            no_deadline_open;
            /// Resolved without a deadline: in no ratio.
            no_deadline_done;
            /// Receipt refused in the period: in no ratio.
            refused;
            /// Cancelled in the period: in no ratio.
            cancelled;
        }
    }

    /// Figures of branches: of units and persons (số liệu theo đơn vị, cá nhân).
    BranchFigures(FiguresLine<view::BranchFigures>) {
        groups {
            /// The unit, where grouped by it.
            unit: Unit = Unit;
            /// The person, where grouped by it.
            person: Person = Person;
            /// The type, where grouped by it.
            document_type: String = |name| name;
            /// The channel, where grouped by it.
            channel: Channel = Channel::from;
        }
        figures {
            /// Given in the period (được giao).
            assigned;
            /// Owed now (đang xử lý).
            in_process;
            /// Completed in the period (đã xử lý).
            processed;
            /// Owed past the deadline (đang xử lý quá hạn).
            late_open;
            /// Completed after the deadline (đã xử lý quá hạn).
            late_done;
            /// Both kinds of late (quá hạn).
            late;
            /// Completed in time (đúng hạn).
            on_time;
            /// On time only by an extension (đúng hạn nhờ gia hạn).
            met_only_by_extension;
            /// Owed without a deadline.
            no_deadline_open;
            /// Completed without a deadline: in no ratio.
            no_deadline_done;
            /// Only informed: in no ratio (nhận để biết).
            informed;
            /// Withdrawn: in no ratio (thu lại).
            withdrawn;
            /// Given back: in no ratio (trả lại).
            returned;
            /// Ended with the document: neither on time nor late.
            closed_with_document;
        }
    }
}

/// Figures of documents and of branches, never mixed (số liệu thống kê).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ProcessingStatistics {
    /// The position of the ledger that the figures reflect, at least; exactly it with asOf.
    pub(crate) position: Option<Position>,
    /// Of documents: of the organ, of types, of channels.
    pub(crate) documents: Vec<DocumentFigures>,
    /// Of branches: of units and persons.
    pub(crate) branches: Vec<BranchFigures>,
}
