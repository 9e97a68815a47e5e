//! The sum of a deadline, line by line, for the person who asks why.

use super::{DeadlineSum, Due, ExtendBy, Extension, Limit, MAX_WORKING_DAYS, Pause, Step, day_of_deadline};
use crate::{
    calendar::{DayKind, WorkingCalendar, days_after},
    time::{Date, Timestamp},
};

/// One line of the sum, in the order in which it is reckoned.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SumLine {
    /// When the work was assigned; that day is day 0.
    Start {
        /// The instant.
        at: Timestamp,
    },
    /// A limit that its author replaced by another.
    Replaced {
        /// As it was given.
        limit: Limit,
        /// The deadline by it.
        due: Due,
    },
    /// The limit.
    Limit {
        /// As given.
        limit: Limit,
    },
    /// A day that did not count.
    Skipped {
        /// The day.
        date: Date,
        /// Why.
        why: Skipped,
    },
    /// A Saturday or Sunday that counted, because it is worked for another day.
    Worked {
        /// The day.
        date: Date,
        /// The day that is off for it.
        instead_of: Date,
    },
    /// Nobody has set the calendar of this year: its holidays are not known, so the sum may move.
    CalendarMissing {
        /// The year.
        year: i16,
    },
    /// A time in which the clock stood.
    Pause {
        /// The pause.
        pause: Pause,
    },
    /// What start, limit and pauses make, before any extension: by the nearest of the limits.
    Original {
        /// The deadline.
        due: Due,
    },
    /// What the present limit makes, where it replaced another.
    Amended {
        /// The deadline by it.
        due: Due,
    },
    /// An extension.
    Extended {
        /// The extension.
        extension: Extension,
        /// The deadline before it.
        old: Due,
        /// The deadline after it.
        new: Due,
        /// It, or one before it, was granted when the deadline had passed: it does not undo the lateness.
        too_late: bool,
    },
    /// The whole is due earlier, or this part has no limit of its own.
    Capped {
        /// The deadline that the part would have.
        own: Due,
        /// The deadline of the whole.
        parent: Timestamp,
    },
    /// The result.
    Result {
        /// The deadline now.
        due: Due,
        /// The deadline without any extension.
        original: Due,
    },
}

/// Why a day did not count.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Skipped {
    /// A weekend, a holiday or an exchanged day off.
    NotWorked(DayKind),
    /// A working day that ended while the clock stood.
    Paused,
}

impl DeadlineSum {
    /// How the deadline comes about: start, limits of before with theirs, limit, pauses, each day that did not count, extensions
    /// with old and new, the whole's deadline, result.
    pub fn explain(&self, calendar: &WorkingCalendar) -> Vec<SumLine> {
        let mut lines = vec![SumLine::Start { at: self.start }];
        let replaced = |&limit| SumLine::Replaced { limit, due: self.due_within(limit, calendar) };
        lines.extend(self.replaced.iter().map(replaced));
        let (original, mut due) = (self.original(calendar), self.first_due(calendar));
        let amended = !self.replaced.is_empty();
        if amended {
            lines.push(SumLine::Original { due: original });
        }
        lines.push(SumLine::Limit { limit: self.limit });
        lines.extend(self.pauses.iter().map(|&pause| SumLine::Pause { pause }));
        if let Limit::WorkingDays { days } = self.limit {
            self.explain_days(&mut lines, self.start.date(), days, calendar);
        }
        lines.push(if amended { SumLine::Amended { due } } else { SumLine::Original { due: original } });

        for Step { extension, old, new, too_late } in self.steps(calendar) {
            if let (ExtendBy::WorkingDays { days }, Due::At(before)) = (extension.by, old) {
                self.explain_days(&mut lines, day_of_deadline(before), days, calendar);
            }
            lines.push(SumLine::Extended { extension, old, new, too_late });
            due = new;
        }

        if let Some(parent) = self.parent_due.filter(|parent| Due::At(*parent) < due) {
            lines.push(SumLine::Capped { own: due, parent });
        }
        lines.push(SumLine::Result { due: self.cap(due), original: self.cap(original) });
        lines
    }

    /// The days passed over, and what was special about those counted, up to the last one counted.
    fn explain_days(&self, lines: &mut Vec<SumLine>, after: Date, days: u16, calendar: &WorkingCalendar) {
        let mut left = days.min(MAX_WORKING_DAYS);
        let mut year = None;
        let unending = self.count(after, days, calendar) == Due::Stopped;
        for date in days_after(after) {
            if left == 0 || (unending && self.never_runs_after(date)) {
                break;
            }
            if year != Some(date.year()) && !calendar.knows(date.year()) {
                lines.push(SumLine::CalendarMissing { year: date.year() });
            }
            year = Some(date.year());
            match calendar.kind_of(date) {
                kind if !kind.is_working() => lines.push(SumLine::Skipped { date, why: Skipped::NotWorked(kind) }),
                _ if self.is_paused(date) => lines.push(SumLine::Skipped { date, why: Skipped::Paused }),
                DayKind::WorkedInstead { of } => {
                    left -= 1;
                    lines.push(SumLine::Worked { date, instead_of: of });
                }
                _ => left -= 1,
            }
        }
    }

    /// Whether the clock stands from this day on for good: listing the days further would say nothing.
    fn never_runs_after(&self, day: Date) -> bool {
        self.pauses.iter().any(|pause| pause.until.is_none() && pause.covers(day.end()))
    }
}
