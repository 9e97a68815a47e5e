//! The years that are played: their working days, and how many documents arrive on each.

use socai_domain::{
    calendar::{CalendarYear, Holiday, SwappedDay, WorkingCalendar},
    text::ShortText,
    time::{Date, Timestamp},
};

use super::dice::Dice;

/// The last year that is played. Not the present one: the same number of documents gives the same on any day.
const LAST_YEAR: i16 = 2025;
/// About as many documents as the Government Office receives in a year: more of them take more years.
const A_YEAR: u64 = 290_000;
/// The least and the most years; beyond the most, the days get fuller.
const YEARS: (u64, u64) = (3, 9);

/// Working hours, in minutes of the day.
const HOURS: [(i64, i64); 2] = [(480, 720), (780, 1_020)];

/// The days of the years that are played.
#[derive(Debug)]
pub(super) struct Days {
    /// Holidays and all.
    pub(super) calendar: WorkingCalendar,
    /// The years of the calendar: one before the first that is played, and one after the last.
    pub(super) years: Vec<CalendarYear>,
    working: Vec<Date>,
    /// Of each working day, how many documents arrive before it; and at the end, how many there are.
    before: Vec<u64>,
    end: Timestamp,
}

impl Days {
    /// For so many documents.
    pub(super) fn of(documents: u64) -> Self {
        let played = documents.div_ceil(A_YEAR).clamp(YEARS.0, YEARS.1);
        let first = LAST_YEAR + 1 - i16::try_from(played).unwrap_or(1);
        let years: Vec<_> = (first - 1..=LAST_YEAR + 1).map(days_off).collect();
        let calendar = WorkingCalendar::new(years.iter().cloned());
        let (begin, end) = (new_year(first), new_year(LAST_YEAR + 1));
        let days = (begin.as_days()..end.as_days()).map(Date::from_days);
        let working: Vec<_> = days.filter(|day| calendar.is_working_day(*day)).collect();
        let mut sum = 0;
        let sums: Vec<u64> = std::iter::once(0)
            .chain(working.iter().map(|day| {
                sum += weight(*day, first);
                sum
            }))
            .collect();
        let share = |sum_before: &u64| {
            u64::try_from(u128::from(documents) * u128::from(*sum_before) / u128::from(sum.max(1))).unwrap_or(u64::MAX)
        };
        let before = sums.iter().map(share).collect();
        Self { calendar, years, working, before, end: end.start() }
    }

    /// The working days, in order, with the numbers of the documents that arrive on each.
    pub(super) fn arrivals(&self) -> impl Iterator<Item = (Date, std::ops::Range<u64>)> {
        self.working.iter().zip(self.before.windows(2)).map(|(day, around)| (*day, around[0]..around[1]))
    }

    /// The first working day.
    pub(super) fn first(&self) -> Date {
        self.working[0]
    }

    /// The first instant after all.
    pub(super) fn end(&self) -> Timestamp {
        self.end
    }

    /// The years that are played.
    pub(super) fn played(&self) -> std::ops::RangeInclusive<i16> {
        self.first().year()..=LAST_YEAR
    }

    /// How many documents there are in all.
    pub(super) fn documents(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// The most documents of a day.
    pub(super) fn fullest(&self) -> u64 {
        self.before.windows(2).map(|around| around[1] - around[0]).max().unwrap_or(0)
    }

    /// On which day document `n` arrives, and the how manieth of its year it is, from 0.
    pub(super) fn day_of(&self, n: u64) -> (Date, u64) {
        let index = self.before.partition_point(|before| *before <= n).saturating_sub(1).min(self.working.len() - 1);
        let day = self.working[index];
        let of_year = self.working.partition_point(|other| *other < new_year(day.year()));
        (day, n - self.before[of_year])
    }

    /// So many minutes of office hours later.
    pub(super) fn later(&self, at: Timestamp, minutes: i64) -> Timestamp {
        let (mut left, mut day, mut from) = (minutes.max(0), at.date(), minute_of(at));
        loop {
            if self.calendar.is_working_day(day) {
                for (opens, closes) in HOURS {
                    let begin = from.max(opens);
                    if begin + left < closes {
                        return day.start().plus_minutes(begin + left);
                    }
                    left -= (closes - begin).max(0);
                }
            }
            (day, from) = (day.plus_days(1), 0);
        }
    }

    /// The same time of day, so many working days later.
    pub(super) fn days_later(&self, at: Timestamp, days: u32) -> Timestamp {
        let day = self.calendar.add_working_days(at.date(), days);
        self.later(day.start().plus_minutes(minute_of(at)), 0)
    }

    /// Minutes of office hours between two instants.
    pub(super) fn minutes_between(&self, from: Timestamp, until: Timestamp) -> i64 {
        self.calendar.working_time_between(from, until) / 60_000_000
    }
}

/// Minutes since midnight.
fn minute_of(at: Timestamp) -> i64 {
    (at.as_micros() - at.date().start().as_micros()) / 60_000_000
}

/// A little more each year, most on Mondays, and each day somewhat different.
fn weight(day: Date, first: i16) -> u64 {
    let of_weekday = [115, 105, 100, 98, 94][usize::from(day.weekday().unsigned_abs() - 1).min(4)];
    let growth = 100 + 3 * u64::from((day.year() - first).unsigned_abs());
    let swing = 90 + Dice::of("a day", u64::from(day.as_days().unsigned_abs())).below(21);
    of_weekday * growth * swing
}

fn new_year(year: i16) -> Date {
    date(year, 1, 1)
}

fn date(year: i16, month: i8, day: i8) -> Date {
    Date::new(year, month, day).expect("a date of the table")
}

/// Month and day.
type Day = (i8, i8);

/// The first day of Tết and the day of the Hùng kings (10/3 of the lunar calendar) in each year.
const LUNAR: [(i16, Day, Day); 11] = [
    (2016, (2, 8), (4, 16)),
    (2017, (1, 28), (4, 6)),
    (2018, (2, 16), (4, 25)),
    (2019, (2, 5), (4, 14)),
    (2020, (1, 25), (4, 2)),
    (2021, (2, 12), (4, 21)),
    (2022, (2, 1), (4, 10)),
    (2023, (1, 22), (4, 29)),
    (2024, (2, 10), (4, 18)),
    (2025, (1, 29), (4, 7)),
    (2026, (2, 17), (4, 26)),
];
/// Days off in exchange for Saturdays.
const SWAPPED: [(i16, Day, i16, Day); 4] = [
    (2018, (12, 31), 2019, (1, 5)),
    (2024, (4, 29), 2024, (5, 4)),
    (2025, (5, 2), 2025, (4, 26)),
    (2026, (1, 2), 2026, (1, 10)),
];

/// The days off of a year. One that falls on a weekend is made good on the next day that is worked.
fn days_off(year: i16) -> CalendarYear {
    let mut holidays: Vec<(Date, &str)> = vec![
        (date(year, 1, 1), "Tết Dương lịch"),
        (date(year, 4, 30), "Ngày Chiến thắng"),
        (date(year, 5, 1), "Ngày Quốc tế lao động"),
        (date(year, 9, 2), "Quốc khánh"),
    ];
    // Two days since the Labour Code of 2019.
    if year >= 2021 {
        holidays.push((date(year, 9, 1), "Quốc khánh"));
    }
    let swapped = SWAPPED.iter().map(|(year_off, off, year_worked, worked)| {
        (date(*year_off, off.0, off.1), date(*year_worked, worked.0, worked.1))
    });
    let swapped: Vec<_> = swapped.filter(|(off, _)| off.year() == year).collect();
    if let Some((_, tet, kings)) = LUNAR.iter().find(|(of, ..)| *of == year) {
        let tet = date(year, tet.0, tet.1);
        holidays.extend((-2..5).map(|offset| (tet.plus_days(offset), "Tết Nguyên đán")));
        holidays.push((date(year, kings.0, kings.1), "Giỗ Tổ Hùng Vương"));
    }
    let single: Vec<Date> = holidays
        .iter()
        .filter(|(day, name)| day.weekday() > 5 && *name != "Tết Nguyên đán")
        .map(|(day, _)| *day)
        .collect();
    for day in single {
        let mut instead = day.plus_days(1);
        while instead.weekday() > 5
            || holidays.iter().any(|(taken, _)| *taken == instead)
            || swapped.iter().any(|(off, _)| *off == instead)
        {
            instead = instead.plus_days(1);
        }
        holidays.push((instead, "Nghỉ bù"));
    }
    holidays.sort_unstable();
    let name = |name: &str| ShortText::new(name).expect("a short text");
    CalendarYear {
        year,
        holidays: holidays.into_iter().map(|(date, of)| Holiday { date, name: name(of) }).collect(),
        swapped: swapped
            .into_iter()
            .map(|(off, worked)| SwappedDay { off, worked, reason: name("Hoán đổi ngày làm việc") })
            .collect(),
        hours: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_year_can_be_decided() {
        for year in 2016..=2026 {
            let year = days_off(year);
            assert_eq!(year.check(), Ok(()), "{year:?}");
            assert!(year.holidays.len() >= 12, "{year:?}");
        }
    }

    #[test]
    fn documents_are_spread_over_whole_years() {
        for documents in [300, 1_000, 870_001, 2_400_000] {
            let days = Days::of(documents);
            assert_eq!(days.documents(), documents);
            let years = days.played();
            assert_eq!(years.clone().count() as u64, documents.div_ceil(290_000).clamp(3, 9));
            let all: Vec<_> = days.arrivals().collect();
            assert_eq!(all.last().unwrap().1.end, documents);
            for year in years {
                let of_year: u64 =
                    all.iter().filter(|(day, _)| day.year() == year).map(|(_, of)| of.end - of.start).sum();
                let even = documents / days.played().count() as u64;
                assert!(of_year > even * 8 / 10 && of_year < even * 12 / 10, "{year}: {of_year}");
            }
            for (day, numbers) in all.iter().step_by(97).filter(|(_, numbers)| !numbers.is_empty()) {
                assert_eq!(days.day_of(numbers.start).0, *day);
                assert_eq!(days.day_of(numbers.end - 1).0, *day);
            }
            let (first_of_2024, _) = all.iter().find(|(day, of)| day.year() == 2024 && !of.is_empty()).unwrap();
            let first = all.iter().find(|(day, _)| day == first_of_2024).unwrap().1.start;
            assert_eq!(days.day_of(first), (*first_of_2024, 0));
        }
        // As at the Government Office: about 1 150 on a working day.
        assert!((1_000..2_000).contains(&Days::of(2_400_000).fullest()));
    }

    #[test]
    fn time_passes_in_office_hours() {
        let days = Days::of(300);
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let friday = at("2025-01-03T16:50:00+07:00");
        assert_eq!(days.later(friday, 20), at("2025-01-06T08:10:00+07:00"));
        assert_eq!(days.later(at("2025-01-06T11:50:00+07:00"), 20), at("2025-01-06T13:10:00+07:00"));
        assert_eq!(days.later(at("2025-01-24T16:59:00+07:00"), 1), at("2025-02-03T08:00:00+07:00"), "Tết");
        assert_eq!(days.days_later(friday, 2), at("2025-01-07T16:50:00+07:00"));
        assert_eq!(days.minutes_between(friday, at("2025-01-06T08:10:00+07:00")), 20);
    }
}
