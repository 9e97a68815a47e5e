//! One year of a working calendar, as it is decreed and stored.

use thiserror::Error;

use crate::{text::ShortText, time::Date};

stable! {
    /// The days off and the working hours of one year, as an organ sets them: what a `CalendarDecided` event holds.
    pub struct CalendarYear {
        /// The year that the decision is about. A new set for a year takes the place of the old one.
        pub year: i16,
        /// The public holidays.
        pub holidays: Vec<Holiday>,
        /// Working days exchanged for other days. Either day may lie just outside the year.
        pub swapped: Vec<SwappedDay>,
        /// The hours of a working day; none means 08:00–12:00 and 13:00–17:00.
        pub hours: Vec<WorkingSpan>,
    }

    /// A day on which nobody works: Tết, 30 April, 2 September …
    pub struct Holiday {
        /// The day.
        pub date: Date,
        /// Its name: `Quốc khánh`.
        pub name: ShortText,
    }

    /// A working day off, in exchange for a Saturday or Sunday that is worked.
    pub struct SwappedDay {
        /// The day off.
        pub off: Date,
        /// The day worked for it.
        pub worked: Date,
        /// The decision that says so.
        pub reason: ShortText,
    }

    /// A stretch of working hours, in minutes since midnight in Viet Nam.
    #[derive(Copy, PartialOrd, Ord)]
    pub struct WorkingSpan {
        /// 480 is 08:00.
        pub from_minute: u16,
        /// Not worked any more from here on; 1440 at most.
        pub until_minute: u16,
    }
}

/// Why a year cannot be set like this.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidCalendar {
    /// Years of registers have four digits.
    #[error("{0} is not a year of a register; years go from 1900 to 2999")]
    Year(i16),
    /// A holiday of another year.
    #[error("{date} is not in {year}; set it in the calendar of its own year")]
    OutsideTheYear {
        /// The holiday.
        date: Date,
        /// The year being set.
        year: i16,
    },
    /// A day exchanged between years that do not follow each other, or with no day in this year.
    #[error(
        "{off} cannot be exchanged for {worked} in the calendar of {year}; one of them must be in it, the other near"
    )]
    SwapOutsideTheYear {
        /// The day off.
        off: Date,
        /// The day worked.
        worked: Date,
        /// The year being set.
        year: i16,
    },
    /// The same day said twice, or said to be both off and worked.
    #[error("{date} is named more than once; name each day once")]
    Twice {
        /// The day.
        date: Date,
    },
    /// The day off is a weekend, or the day worked is not.
    #[error("{date} is already so; exchange a weekday that is off for a Saturday or Sunday that is worked")]
    NotAnExchange {
        /// The day that changes nothing.
        date: Date,
    },
    /// Hours that end before they begin, overlap, or run past midnight.
    #[error("the working hours must follow each other within one day, like 08:00–12:00, 13:00–17:00")]
    Hours,
}

impl CalendarYear {
    /// How far from the year the other day of an exchange may lie.
    const NEAR_DAYS: i32 = 62;

    /// A year with weekends only.
    pub fn plain(year: i16) -> Self {
        Self { year, holidays: Vec::new(), swapped: Vec::new(), hours: Vec::new() }
    }

    /// What a command asks before it stores a year. Calendars read whatever is stored without it.
    pub fn check(&self) -> Result<(), InvalidCalendar> {
        let (Ok(first), Ok(last)) = (Date::new(self.year, 1, 1), Date::new(self.year, 12, 31)) else {
            return Err(InvalidCalendar::Year(self.year));
        };
        let inside = |date: Date| (first..=last).contains(&date);
        let near = |date: Date| (first.plus_days(-Self::NEAR_DAYS)..=last.plus_days(Self::NEAR_DAYS)).contains(&date);

        if let Some(holiday) = self.holidays.iter().find(|holiday| !inside(holiday.date)) {
            return Err(InvalidCalendar::OutsideTheYear { date: holiday.date, year: self.year });
        }
        for &SwappedDay { off, worked, .. } in &self.swapped {
            if !(inside(off) || inside(worked)) || !near(off) || !near(worked) {
                return Err(InvalidCalendar::SwapOutsideTheYear { off, worked, year: self.year });
            }
            if off.weekday() > 5 {
                return Err(InvalidCalendar::NotAnExchange { date: off });
            }
            if worked.weekday() <= 5 {
                return Err(InvalidCalendar::NotAnExchange { date: worked });
            }
        }
        let mut named: Vec<Date> = self.holidays.iter().map(|holiday| holiday.date).collect();
        named.extend(self.swapped.iter().flat_map(|swap| [swap.off, swap.worked]));
        named.sort_unstable();
        if let Some(pair) = named.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(InvalidCalendar::Twice { date: pair[0] });
        }
        let mut free_from = 0;
        for span in &self.hours {
            if span.from_minute < free_from || span.until_minute <= span.from_minute || span.until_minute > 1440 {
                return Err(InvalidCalendar::Hours);
            }
            free_from = span.until_minute;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn text(text: &str) -> ShortText {
        ShortText::new(text).unwrap()
    }

    fn with(holidays: &[&str], swaps: &[(&str, &str)]) -> CalendarYear {
        let holidays = holidays.iter().map(|day| Holiday { date: date(day), name: text("Nghỉ lễ") }).collect();
        let swapped = swaps.iter().map(|(off, worked)| SwappedDay {
            off: date(off),
            worked: date(worked),
            reason: text("Hoán đổi ngày làm việc"),
        });
        CalendarYear { holidays, swapped: swapped.collect(), ..CalendarYear::plain(2026) }
    }

    #[test]
    fn a_sensible_year_is_accepted() {
        assert_eq!(with(&["2026-01-01", "2026-09-02"], &[("2026-01-02", "2026-01-10")]).check(), Ok(()));
        assert_eq!(with(&[], &[("2026-12-31", "2027-01-09")]).check(), Ok(()));
    }

    #[test]
    fn a_slip_of_the_pen_is_refused() {
        let day = date("2027-01-01");
        assert_eq!(with(&["2027-01-01"], &[]).check(), Err(InvalidCalendar::OutsideTheYear { date: day, year: 2026 }));
        let day = date("2026-09-02");
        assert_eq!(with(&["2026-09-02", "2026-09-02"], &[]).check(), Err(InvalidCalendar::Twice { date: day }));
        assert_eq!(
            with(&[], &[("2026-01-03", "2026-01-10")]).check(),
            Err(InvalidCalendar::NotAnExchange { date: date("2026-01-03") })
        );
        assert_eq!(
            with(&[], &[("2026-01-02", "2026-01-09")]).check(),
            Err(InvalidCalendar::NotAnExchange { date: date("2026-01-09") })
        );
        assert!(with(&[], &[("2026-01-02", "2028-01-08")]).check().is_err());
        assert_eq!(CalendarYear::plain(0).check(), Err(InvalidCalendar::Year(0)));
    }

    #[test]
    fn hours_follow_each_other() {
        let hours = |spans: &[(u16, u16)]| {
            let hours = spans.iter().map(|&(from_minute, until_minute)| WorkingSpan { from_minute, until_minute });
            CalendarYear { hours: hours.collect(), ..CalendarYear::plain(2026) }.check()
        };
        assert_eq!(hours(&[(450, 690), (780, 1020)]), Ok(()));
        for wrong in [&[(480, 480)][..], &[(780, 1020), (480, 720)], &[(480, 800), (780, 1020)], &[(480, 1441)]] {
            assert_eq!(hours(wrong), Err(InvalidCalendar::Hours), "{wrong:?}");
        }
    }
}
