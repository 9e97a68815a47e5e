//! Figures, as the law's reports ask for them. Every number is the length of a list that can be asked for.

use async_graphql::SimpleObject;
use socai_domain::incoming;
use socai_projections::{
    lags::{Distribution as Spread, LagFigures, PaperFigures, PromptFigure, Promptness, ReworkFigures},
    statistics::{BranchStatistics, DocumentStatistics, Share as Part},
};

use super::people::{Person, Unit};
use crate::schema::labels::{Channel, Stage};

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
    ($($(#[$meta:meta])* $name:ident($of:ident) { groups { $($(#[$gmeta:meta])* $group:ident: $type:ty = $make:expr;)* } figures { $($(#[$fmeta:meta])* $figure:ident;)* } })*) => { $(
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
    DocumentFigures(DocumentStatistics) {
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
    BranchFigures(BranchStatistics) {
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

/// How many durations are of one length (một khoảng thời gian).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct DurationClass {
    /// At most so many seconds; none for the last class.
    at_most: Option<i64>,
    /// How many.
    count: u64,
}

/// How durations are spread, in seconds (phân bố thời gian).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Distribution {
    /// How many.
    count: u64,
    /// The middle one (trung vị).
    median: Option<i64>,
    /// The one that nine in ten do not exceed.
    p90: Option<i64>,
    /// The longest.
    longest: Option<i64>,
    /// The sum.
    total: i64,
    /// By length.
    classes: Vec<DurationClass>,
}

impl From<Spread> for Distribution {
    fn from(spread: Spread) -> Self {
        let seconds = |micros: i64| micros / 1_000_000;
        let class = |(bound, count): &(Option<i64>, u64)| DurationClass { at_most: bound.map(seconds), count: *count };
        Self {
            count: spread.count,
            median: spread.median.map(seconds),
            p90: spread.p90.map(seconds),
            longest: spread.longest.map(seconds),
            total: seconds(spread.total),
            classes: spread.classes.iter().map(class).collect(),
        }
    }
}

/// How long documents took to come to a stage from the one before (độ trễ giữa các bước).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Lag {
    /// The stage they came to.
    stage: Stage,
    /// By the clock.
    wall: Distribution,
    /// In working time.
    working: Distribution,
}

/// What was given back, and how long it took until it went forward again (việc phải làm lại).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Rework {
    /// How often.
    count: u64,
    /// What still lies there.
    open: u64,
    /// By the clock.
    wall: Distribution,
    /// In working time.
    working: Distribution,
}

/// The wait for paper, and what was done meanwhile (chờ bản giấy).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PaperWait {
    /// Documents whose paper followed or was to follow.
    count: u64,
    /// Paper still awaited.
    awaited: u64,
    /// From the electronic arrival to the paper's, by the clock.
    wall: Distribution,
    /// The same in working time.
    working: Distribution,
    /// Submitted or passed on before the paper came.
    acted_meanwhile: u64,
    /// Resolved before the paper came.
    resolved_meanwhile: u64,
    /// The first act came only with the paper or after it.
    first_act_waited: u64,
}

/// How promptly documents came to a stage (đúng thời gian vào sổ, trình; Decree 30/2020/NĐ-CP, art. 4.2c, 23.1): on time is
/// until the end of the next working day; urgent ones within the organ's minutes.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Prompt {
    /// The stage they came to.
    stage: Stage,
    /// Not urgent.
    normal: u64,
    /// Of these, on the same day.
    same_day: u64,
    /// Of these, by the end of the next working day.
    on_time: u64,
    /// Of these, later.
    late: u64,
    /// Urgent.
    urgent: u64,
    /// Of these, within the organ's minutes.
    urgent_on_time: u64,
    /// Of these, later.
    urgent_late: u64,
    /// On the same day, among those not urgent.
    same_day_share: Share,
    /// In time, among all.
    on_time_share: Share,
}

impl Prompt {
    pub(crate) fn of(stage: incoming::Stage, counted: &Promptness) -> Self {
        Self {
            stage: stage.into(),
            normal: counted.get(PromptFigure::Normal),
            same_day: counted.get(PromptFigure::SameDay),
            on_time: counted.get(PromptFigure::OnTime),
            late: counted.get(PromptFigure::Late),
            urgent: counted.get(PromptFigure::Urgent),
            urgent_on_time: counted.get(PromptFigure::UrgentOnTime),
            urgent_late: counted.get(PromptFigure::UrgentLate),
            same_day_share: counted.same_day_share().into(),
            on_time_share: counted.on_time_share().into(),
        }
    }
}

/// Figures of time (số liệu về thời gian xử lý).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct LagStatistics {
    /// From stage to stage, first arrivals only.
    lags: Vec<Lag>,
    /// How promptly documents were registered and submitted.
    promptness: Vec<Prompt>,
    /// Time after returns.
    rework: Rework,
    /// The wait for paper.
    paper: PaperWait,
}

impl LagStatistics {
    pub(crate) fn of(
        lags: Vec<LagFigures>,
        promptness: Vec<Prompt>,
        rework: ReworkFigures,
        paper: PaperFigures,
    ) -> Self {
        let lag = |lag: LagFigures| Lag { stage: lag.stage.into(), wall: lag.wall.into(), working: lag.working.into() };
        let ReworkFigures { count, open, wall, working } = rework;
        Self {
            lags: lags.into_iter().map(lag).collect(),
            promptness,
            rework: Rework { count, open, wall: wall.into(), working: working.into() },
            paper: PaperWait {
                count: paper.count,
                awaited: paper.awaited,
                wall: paper.wall.into(),
                working: paper.working.into(),
                acted_meanwhile: paper.acted_meanwhile,
                resolved_meanwhile: paper.resolved_meanwhile,
                first_act_waited: paper.first_act_waited,
            },
        }
    }
}

/// Figures of documents and of branches, never mixed (số liệu thống kê).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ProcessingStatistics {
    /// Of documents: of the organ, of types, of channels.
    pub(crate) documents: Vec<DocumentFigures>,
    /// Of branches: of units and persons.
    pub(crate) branches: Vec<BranchFigures>,
}
