//! Figures of time: lags, promptness, rework, the wait for paper.

use async_graphql::SimpleObject;
use socai_projections::lags::{
    self, Distribution as Spread, LagFigures, PaperFigures, PromptFigure, Promptness, ReworkFigures,
};

use super::figures::Share;
use crate::{
    scalars::Position,
    schema::labels::{PromptStage, Stage},
};

/// How many durations are of one length (một khoảng thời gian).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct DurationClass {
    /// More than so many seconds; none for the first class.
    more_than: Option<i64>,
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
        let bounds = spread.classes.iter().map(|(bound, _)| bound.map(seconds));
        let classes = std::iter::once(None).chain(bounds).zip(&spread.classes);
        let class = |(more_than, (bound, count)): (Option<i64>, &(Option<i64>, u64))| DurationClass {
            more_than,
            at_most: bound.map(seconds),
            count: *count,
        };
        Self {
            count: spread.count,
            median: spread.median.map(seconds),
            p90: spread.p90.map(seconds),
            longest: spread.longest.map(seconds),
            total: seconds(spread.total),
            classes: classes.map(class).collect(),
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

/// How promptly the documents that arrived in the period came to a stage (đúng thời gian vào sổ, trình; Decree
/// 30/2020/NĐ-CP, art. 4.2c, 23.1): on time is until the end of the next working day after the day of arrival; urgent ones
/// within the organ's minutes. What was refused or cancelled is not counted.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Prompt {
    /// The stage they came to.
    stage: PromptStage,
    /// Not urgent.
    normal: u64,
    /// Of these, on the day of arrival.
    same_day: u64,
    /// Of these, by the end of the next working day.
    on_time: u64,
    /// Of these, later, or not yet although the time is over.
    late: u64,
    /// Of the late, not yet.
    late_open: u64,
    /// Not urgent, not yet, and still in time: in no share.
    pending: u64,
    /// Urgent.
    urgent: u64,
    /// Of these, within the organ's minutes.
    urgent_on_time: u64,
    /// Of these, later, or not yet although the time is over.
    urgent_late: u64,
    /// Of the late, not yet.
    urgent_late_open: u64,
    /// Urgent, not yet, and still in time: in no share.
    urgent_pending: u64,
    /// On the day of arrival, among those not urgent that are on time or late.
    same_day_share: Share,
    /// In time, among all that are on time or late.
    on_time_share: Share,
}

impl Prompt {
    pub(crate) fn of(stage: lags::PromptStage, counted: &Promptness) -> Self {
        Self {
            stage: stage.into(),
            normal: counted.get(PromptFigure::Normal),
            same_day: counted.get(PromptFigure::SameDay),
            on_time: counted.get(PromptFigure::OnTime),
            late: counted.get(PromptFigure::Late),
            late_open: counted.get(PromptFigure::LateOpen),
            pending: counted.get(PromptFigure::Pending),
            urgent: counted.get(PromptFigure::Urgent),
            urgent_on_time: counted.get(PromptFigure::UrgentOnTime),
            urgent_late: counted.get(PromptFigure::UrgentLate),
            urgent_late_open: counted.get(PromptFigure::UrgentLateOpen),
            urgent_pending: counted.get(PromptFigure::UrgentPending),
            same_day_share: counted.same_day_share().into(),
            on_time_share: counted.on_time_share().into(),
        }
    }
}

/// Figures of time (số liệu về thời gian xử lý).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct LagStatistics {
    /// The position of the ledger that the figures reflect, at least; exactly it with asOf.
    position: Option<Position>,
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
        position: Option<Position>,
        lags: Vec<LagFigures>,
        promptness: Vec<Prompt>,
        rework: ReworkFigures,
        paper: PaperFigures,
    ) -> Self {
        let lag = |lag: LagFigures| Lag { stage: lag.stage.into(), wall: lag.wall.into(), working: lag.working.into() };
        let ReworkFigures { numbers, wall, working } = rework;
        Self {
            position,
            lags: lags.into_iter().map(lag).collect(),
            promptness,
            rework: Rework { count: numbers.all, open: numbers.open, wall: wall.into(), working: working.into() },
            paper: PaperWait {
                count: paper.numbers.all,
                awaited: paper.numbers.awaited,
                wall: paper.wall.into(),
                working: paper.working.into(),
                acted_meanwhile: paper.numbers.acted_meanwhile,
                resolved_meanwhile: paper.numbers.resolved_meanwhile,
                first_act_waited: paper.numbers.first_act_waited,
            },
        }
    }
}
