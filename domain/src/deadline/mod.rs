//! Deadlines as sums: start + limit − pauses + extensions, by the newest calendar. Never stored, always derived and shown.
//!
//! - A limit in working days ends at 24:00 of the nth working day after the start; the day of the start is day 0.
//! - A working day during whose end (24:00) the clock stands does not count; one that ends with the clock running does.
//!   So a pause from Tuesday 10:00 until Thursday 15:00 adds two days, one that ends the same day adds none.
//! - A limit in minutes runs by the wall clock, day and night, and is moved by the time paused. A stated instant is what it
//!   says: pauses do not move it, only an extension does.
//! - An extension never brings a deadline nearer. A part of the work is never due after the whole.

mod explain;

use crate::{
    calendar::{WorkingCalendar, days_after},
    time::{Date, Timestamp},
};

pub use explain::{Skipped, SumLine};

/// Limits and extensions of more working days count as this many: about ten years.
pub const MAX_WORKING_DAYS: u16 = 2_500;

stable! {
    /// How long there is for a piece of work.
    #[derive(Copy)]
    pub enum Limit {
        /// Working days after the day of the start.
        WorkingDays {
            /// How many; more than [`MAX_WORKING_DAYS`] count as so many.
            days: u16,
        },
        /// Minutes of the wall clock: urgent documents (Decree 30/2020, art. 23.1: immediately).
        Minutes {
            /// How many.
            minutes: u32,
        },
        /// A stated instant: flash with an hour, a date of the author or the sender.
        At {
            /// The instant.
            at: Timestamp,
        },
        /// No deadline; counted apart.
        None,
    }

    /// A time in which the clock stands.
    #[derive(Copy)]
    pub struct Pause {
        /// From when.
        pub from: Timestamp,
        /// Until when at the latest; open when nobody said.
        pub until: Option<Timestamp>,
    }

    /// More time, granted by the author of the work.
    #[derive(Copy)]
    pub struct Extension {
        /// When it was granted.
        pub granted_at: Timestamp,
        /// How much.
        pub by: ExtendBy,
    }

    /// How much more time.
    #[derive(Copy)]
    pub enum ExtendBy {
        /// Until a stated instant.
        Until {
            /// The instant.
            at: Timestamp,
        },
        /// So many working days after the deadline of before.
        WorkingDays {
            /// How many; more than [`MAX_WORKING_DAYS`] count as so many.
            days: u16,
        },
    }
}

/// What a deadline is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlineSum {
    /// When the work was assigned.
    pub start: Timestamp,
    /// The limit: the one in force at that moment, or what its author changed it to.
    pub limit: Limit,
    /// What it was before its author changed it, the first first.
    pub replaced: Vec<Limit>,
    /// The pauses, in any order; they may overlap.
    pub pauses: Vec<Pause>,
    /// The extensions, in the order in which they were granted.
    pub extensions: Vec<Extension>,
    /// The deadline of the whole that this is a part of.
    pub parent_due: Option<Timestamp>,
}

/// Where a sum stands. Ordered by how much time it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Due {
    /// Due at this instant: what ends at or before it is on time.
    At(Timestamp),
    /// The clock stands with no end in sight.
    Stopped,
    /// Without a deadline.
    Never,
}

impl Due {
    /// The instant, if there is one.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Stopped | Self::Never => None,
        }
    }
}

impl Limit {
    /// Until 24:00 of a date in Viet Nam.
    pub fn end_of(date: Date) -> Self {
        Self::At { at: date.end() }
    }

    /// Can it be the rule for all work to come? An instant passes.
    pub fn stands(self) -> bool {
        !matches!(self, Self::At { .. })
    }
}

impl Pause {
    fn covers(&self, instant: Timestamp) -> bool {
        self.from < instant && self.until.is_none_or(|until| instant <= until)
    }
}

impl DeadlineSum {
    /// A start and a limit, and nothing else yet.
    pub fn new(start: Timestamp, limit: Limit) -> Self {
        Self { start, limit, replaced: Vec::new(), pauses: Vec::new(), extensions: Vec::new(), parent_due: None }
    }

    /// As a part of a whole that is due then: not due after it, and due with it when it has no limit of its own.
    #[must_use]
    pub fn capped_by(self, parent_due: Option<Timestamp>) -> Self {
        Self { parent_due, ..self }
    }

    /// When it is due, all extensions counted; `None` without a deadline or while the clock stands with no end in sight.
    pub fn due(&self, calendar: &WorkingCalendar) -> Option<Timestamp> {
        self.standing(calendar).at()
    }

    /// Like [`DeadlineSum::due`], telling a clock that stands from a missing deadline.
    pub fn standing(&self, calendar: &WorkingCalendar) -> Due {
        let own = self.steps(calendar).last().map_or_else(|| self.first_due(calendar), |step| step.new);
        self.cap(own)
    }

    /// When it would be due without any extension: who ended after this and in time "met it only by extension". More time by
    /// another limit is an extension by another name, so the nearest of all its limits counts.
    pub fn original_due(&self, calendar: &WorkingCalendar) -> Option<Timestamp> {
        self.cap(self.original(calendar)).at()
    }

    fn original(&self, calendar: &WorkingCalendar) -> Due {
        let before = self.replaced.iter().map(|limit| self.due_within(*limit, calendar));
        before.fold(self.first_due(calendar), Due::min)
    }

    /// The deadline by which lateness is judged: an extension granted after the deadline had passed does not undo it.
    pub fn binding_due(&self, calendar: &WorkingCalendar) -> Option<Timestamp> {
        let steps = self.steps(calendar);
        let in_time = steps.iter().take_while(|step| !step.too_late).last();
        self.cap(in_time.map_or_else(|| self.first_due(calendar), |step| step.new)).at()
    }

    fn cap(&self, own: Due) -> Due {
        self.parent_due.map_or(own, |parent| own.min(Due::At(parent)))
    }

    fn first_due(&self, calendar: &WorkingCalendar) -> Due {
        self.due_within(self.limit, calendar)
    }

    fn due_within(&self, limit: Limit, calendar: &WorkingCalendar) -> Due {
        match limit {
            Limit::WorkingDays { days } => self.count(self.start.date(), days, calendar),
            Limit::Minutes { minutes } => self.run(minutes),
            Limit::At { at } => Due::At(at),
            Limit::None => Due::Never,
        }
    }

    /// The extensions with the deadline before and after each.
    fn steps(&self, calendar: &WorkingCalendar) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.extensions.len());
        let mut old = self.first_due(calendar);
        let mut latest = old.at().max(self.cap(old).at());
        let mut too_late = false;
        for &extension in &self.extensions {
            too_late = too_late || self.cap(old).at().is_some_and(|passed| passed < extension.granted_at);
            let new = match (extension.by, old) {
                (ExtendBy::Until { at }, _) => Due::At(latest.map_or(at, |latest| latest.max(at))),
                (ExtendBy::WorkingDays { days: 0 }, _) | (_, Due::Stopped | Due::Never) => old,
                (ExtendBy::WorkingDays { days }, Due::At(before)) => {
                    self.count(day_of_deadline(before), days, calendar).max(old)
                }
            };
            steps.push(Step { extension, old, new, too_late });
            latest = latest.max(new.at()).max(self.cap(new).at());
            old = new;
        }
        steps
    }

    /// 24:00 of the nth working day after this one that does not end in a pause.
    fn count(&self, after: Date, days: u16, calendar: &WorkingCalendar) -> Due {
        let Some(skip) = days.min(MAX_WORKING_DAYS).checked_sub(1) else { return Due::At(after.end()) };
        let mut counted = days_after(after).filter(|day| self.counts(*day, calendar));
        counted.nth(skip.into()).map_or(Due::Stopped, |day| Due::At(day.end()))
    }

    fn counts(&self, day: Date, calendar: &WorkingCalendar) -> bool {
        calendar.is_working_day(day) && !self.is_paused(day)
    }

    fn is_paused(&self, day: Date) -> bool {
        self.pauses.iter().any(|pause| pause.covers(day.end()))
    }

    /// The wall clock, stopped during each pause.
    fn run(&self, minutes: u32) -> Due {
        let mut due = self.start.plus_minutes(minutes.into());
        let mut running_from = self.start;
        let mut pauses = self.pauses.clone();
        pauses.sort_unstable_by_key(|pause| pause.from);
        for pause in pauses {
            let from = pause.from.max(running_from);
            if pause.from >= due {
                break;
            }
            let Some(until) = pause.until else { return Due::Stopped };
            if until > from {
                due = due.plus_micros(until.as_micros().saturating_sub(from.as_micros()));
                running_from = until;
            }
        }
        Due::At(due)
    }
}

/// One extension and what it does.
struct Step {
    extension: Extension,
    old: Due,
    new: Due,
    /// This or an earlier one was granted when the deadline had passed.
    too_late: bool,
}

/// What is due at 24:00 is due on the day that ends, not on the one that begins.
fn day_of_deadline(due: Timestamp) -> Date {
    due.plus_micros(-1).date()
}

#[cfg(test)]
mod tests;
