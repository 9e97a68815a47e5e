//! Which days and hours are worked (founding document: the holidays change each year, so they are data).
//!
//! A calendar is built by folding the stored [`CalendarYear`]s; deadlines and working times are always derived from the
//! newest one. Every function is total: it ends quickly on any input.

mod year;

use std::collections::BTreeMap;

use crate::{
    text::ShortText,
    time::{Date, Timestamp},
};

pub use year::{CalendarYear, Holiday, InvalidCalendar, SwappedDay, WorkingSpan};

/// Counting never looks further ahead than this: about twenty years.
pub const HORIZON_DAYS: i32 = 7_320;

/// The calendar of an organ, folded from its years. A year that was never set has weekends only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkingCalendar {
    years: BTreeMap<i16, CalendarYear>,
    days: BTreeMap<Date, DayKind>,
    hours: BTreeMap<i16, Vec<WorkingSpan>>,
}

/// 08:00–12:00, 13:00–17:00: the hours of a year that sets none.
const USUAL_HOURS: [WorkingSpan; 2] =
    [WorkingSpan { from_minute: 480, until_minute: 720 }, WorkingSpan { from_minute: 780, until_minute: 1020 }];

/// What kind of day a date is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DayKind {
    /// Monday to Friday.
    Weekday,
    /// A Saturday or Sunday worked in exchange for another day.
    WorkedInstead {
        /// The day that was off for it.
        of: Date,
    },
    /// A Saturday or Sunday.
    Weekend,
    /// A public holiday.
    Holiday {
        /// Its name.
        name: ShortText,
    },
    /// A weekday off, in exchange for a worked one.
    OffInstead {
        /// The day worked for it.
        worked: Date,
    },
}

impl DayKind {
    /// Whether it counts as a working day.
    pub fn is_working(&self) -> bool {
        matches!(self, Self::Weekday | Self::WorkedInstead { .. })
    }
}

impl WorkingCalendar {
    /// The years that were set, in their order.
    pub fn years(&self) -> impl Iterator<Item = &CalendarYear> {
        self.years.values()
    }

    /// The calendar that these years make; of two for one year the later in the list counts.
    pub fn new(years: impl IntoIterator<Item = CalendarYear>) -> Self {
        let years = years.into_iter().map(|year| (year.year, year)).collect();
        let mut calendar = Self { years, ..Self::default() };
        calendar.rebuild();
        calendar
    }

    /// Takes in a year, in place of what was known of it.
    pub fn set(&mut self, year: CalendarYear) {
        self.years.insert(year.year, year);
        self.rebuild();
    }

    /// Whether anybody has set this year; sums say so when not.
    pub fn knows(&self, year: i16) -> bool {
        self.years.contains_key(&year)
    }

    /// What was set for this year.
    pub fn year(&self, year: i16) -> Option<&CalendarYear> {
        self.years.get(&year)
    }

    /// A holiday outweighs an exchange, a day off outweighs a day worked.
    fn rebuild(&mut self) {
        let mut days = BTreeMap::new();
        for swap in self.years.values().flat_map(|year| &year.swapped) {
            days.insert(swap.worked, DayKind::WorkedInstead { of: swap.off });
        }
        for swap in self.years.values().flat_map(|year| &year.swapped) {
            days.insert(swap.off, DayKind::OffInstead { worked: swap.worked });
        }
        for holiday in self.years.values().flat_map(|year| &year.holidays) {
            days.insert(holiday.date, DayKind::Holiday { name: holiday.name.clone() });
        }
        self.days = days;
        self.hours = self.years.values().map(|year| (year.year, in_order(&year.hours))).collect();
    }

    /// What kind of day this is.
    pub fn kind_of(&self, date: Date) -> DayKind {
        self.days.get(&date).cloned().unwrap_or(if is_weekend(date) { DayKind::Weekend } else { DayKind::Weekday })
    }

    /// Whether people work on this day.
    pub fn is_working_day(&self, date: Date) -> bool {
        self.days.get(&date).map_or_else(|| !is_weekend(date), DayKind::is_working)
    }

    /// The first working day after this day.
    pub fn next_working_day(&self, date: Date) -> Date {
        self.add_working_days(date, 1)
    }

    /// The `n`th working day after `start`; `start` itself for 0. Never further than [`HORIZON_DAYS`] away.
    pub fn add_working_days(&self, start: Date, n: u32) -> Date {
        let Some(skip) = n.checked_sub(1) else { return start };
        let mut last = Date::from_days(start.as_days());
        let mut working = days_after(start).inspect(|day| last = *day).filter(|day| self.is_working_day(*day));
        match working.nth(skip as usize) {
            Some(day) => day,
            None => last,
        }
    }

    /// How many working days there are after `start`, up to and including `end`; 0 when `end` is not later.
    pub fn working_days_between(&self, start: Date, end: Date) -> u32 {
        let days = days_until(start, end);
        u32::try_from(days.filter(|day| self.is_working_day(*day)).count()).unwrap_or(u32::MAX)
    }

    /// The working time between two instants, in microseconds; 0 when `until` is not later.
    pub fn working_time_between(&self, from: Timestamp, until: Timestamp) -> i64 {
        if until <= from {
            return 0;
        }
        let days = (from.date().as_days()..=until.date().as_days()).map(Date::from_days);
        let worked = days.filter(|day| self.is_working_day(*day)).flat_map(|day| {
            self.hours_of(day).iter().map(move |span| {
                let opens = day.start().plus_minutes(span.from_minute.into()).max(from);
                let closes = day.start().plus_minutes(span.until_minute.into()).min(until);
                closes.as_micros().saturating_sub(opens.as_micros()).max(0)
            })
        });
        worked.sum()
    }

    /// Until when something that came in at this instant is registered and submitted on time: 24:00 of the next working
    /// day (Decree 30/2020, art. 4.2(c), 23.1).
    pub fn end_of_next_working_day(&self, at: Timestamp) -> Timestamp {
        self.next_working_day(at.date()).end()
    }

    /// The working hours of this day, if it is worked: those of its year, else the usual ones.
    fn hours_of(&self, date: Date) -> &[WorkingSpan] {
        self.hours.get(&date.year()).filter(|hours| !hours.is_empty()).map_or(&USUAL_HOURS, Vec::as_slice)
    }
}

/// The days after this one, in order, as far as [`HORIZON_DAYS`] or the last date there is.
pub(crate) fn days_after(start: Date) -> impl Iterator<Item = Date> {
    days_until(start, start.plus_days(HORIZON_DAYS))
}

/// The days after `start` up to and including `end`; stored dates may lie anywhere, so they are brought in bounds first.
fn days_until(start: Date, end: Date) -> impl Iterator<Item = Date> {
    let [start, end] = [start, end].map(|date| Date::from_days(date.as_days()).as_days());
    (start + 1..=end).map(Date::from_days)
}

/// Faster than asking the civil calendar: statistics ask it millions of times. 1970-01-01 was a Thursday.
fn is_weekend(date: Date) -> bool {
    (date.as_days().saturating_add(3)).rem_euclid(7) >= 5
}

/// The spans one after the other within a day, whatever was stored.
fn in_order(spans: &[WorkingSpan]) -> Vec<WorkingSpan> {
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    let mut free_from = 0;
    for span in &mut spans {
        span.until_minute = span.until_minute.min(1440).max(free_from);
        span.from_minute = span.from_minute.clamp(free_from, span.until_minute);
        free_from = span.until_minute;
    }
    spans
}

#[cfg(test)]
mod tests;
