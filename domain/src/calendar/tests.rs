use proptest::{collection::vec, prelude::*};

use super::*;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}+07:00")).unwrap()
}

fn holiday(date: Date) -> Holiday {
    Holiday { date, name: ShortText::new("Nghỉ lễ").unwrap() }
}

fn swap(off: Date, worked: Date) -> SwappedDay {
    SwappedDay { off, worked, reason: ShortText::new("Hoán đổi ngày làm việc").unwrap() }
}

/// 2026 with 2 September and the Monday before it off, for which Saturday 22 August is worked.
fn calendar() -> WorkingCalendar {
    let year = CalendarYear {
        holidays: vec![holiday(date("2026-09-01")), holiday(date("2026-09-02"))],
        swapped: vec![swap(date("2026-08-31"), date("2026-08-22"))],
        ..CalendarYear::plain(2026)
    };
    WorkingCalendar::new([year])
}

#[test]
fn each_day_has_its_kind() {
    let calendar = calendar();
    assert_eq!(calendar.kind_of(date("2026-08-21")), DayKind::Weekday);
    assert_eq!(calendar.kind_of(date("2026-08-22")), DayKind::WorkedInstead { of: date("2026-08-31") });
    assert_eq!(calendar.kind_of(date("2026-08-23")), DayKind::Weekend);
    assert_eq!(calendar.kind_of(date("2026-08-31")), DayKind::OffInstead { worked: date("2026-08-22") });
    assert!(matches!(calendar.kind_of(date("2026-09-02")), DayKind::Holiday { .. }));
    assert!(calendar.knows(2026) && !calendar.knows(2027));
}

#[test]
fn a_holiday_outweighs_an_exchange() {
    let day = date("2026-08-22");
    let year = CalendarYear {
        holidays: vec![holiday(day)],
        swapped: vec![swap(date("2026-08-31"), day)],
        ..CalendarYear::plain(2026)
    };
    assert!(!WorkingCalendar::new([year]).is_working_day(day));
}

#[test]
fn days_are_counted_over_weekends_holidays_and_exchanges() {
    let calendar = calendar();
    assert_eq!(calendar.next_working_day(date("2026-08-21")), date("2026-08-22"));
    assert_eq!(calendar.next_working_day(date("2026-08-28")), date("2026-09-03"));
    assert_eq!(calendar.add_working_days(date("2026-08-21"), 6), date("2026-08-28"));
    assert_eq!(calendar.add_working_days(date("2026-08-21"), 7), date("2026-09-03"));
    assert_eq!(calendar.add_working_days(date("2026-08-23"), 0), date("2026-08-23"));
    assert_eq!(calendar.working_days_between(date("2026-08-21"), date("2026-09-03")), 7);
    assert_eq!(calendar.working_days_between(date("2026-09-03"), date("2026-08-21")), 0);
}

#[test]
fn a_new_set_takes_the_place_of_the_old_one() {
    let mut calendar = calendar();
    calendar.set(CalendarYear::plain(2026));
    assert!(calendar.is_working_day(date("2026-09-02")));
    assert!(!calendar.is_working_day(date("2026-08-22")));
}

#[test]
fn registration_is_on_time_until_the_end_of_the_next_working_day() {
    assert_eq!(calendar().end_of_next_working_day(at("2026-08-28T16:59:00")), at("2026-09-04T00:00:00"));
    assert_eq!(calendar().end_of_next_working_day(at("2026-08-24T00:00:00")), at("2026-08-26T00:00:00"));
}

#[test]
fn working_time_leaves_out_the_night_noon_and_days_off() {
    const HOUR: i64 = 3_600_000_000;
    let calendar = calendar();
    let hours = |from, until| calendar.working_time_between(at(from), at(until));
    assert_eq!(hours("2026-08-24T00:00:00", "2026-08-25T00:00:00"), 8 * HOUR);
    assert_eq!(hours("2026-08-24T11:30:00", "2026-08-24T13:15:00"), 3 * HOUR / 4);
    assert_eq!(hours("2026-08-28T16:00:00", "2026-09-03T09:00:00"), 2 * HOUR);
    assert_eq!(hours("2026-08-24T09:00:00", "2026-08-24T08:00:00"), 0);
}

#[test]
fn hours_are_those_of_the_year() {
    let short =
        CalendarYear { hours: vec![WorkingSpan { from_minute: 450, until_minute: 690 }], ..CalendarYear::plain(2026) };
    let calendar = WorkingCalendar::new([short]);
    let day = |text| calendar.working_time_between(date(text).start(), date(text).end()) / 60_000_000;
    assert_eq!(day("2026-08-24"), 240);
    assert_eq!(day("2027-08-24"), 480);
}

#[test]
fn counting_ends_at_the_bounds_of_time() {
    let calendar = calendar();
    let last = Date::from_days(i32::MAX);
    assert_eq!(calendar.add_working_days(last, u32::MAX), last);
    assert_eq!(calendar.next_working_day(last), last);
    let first = Date::from_days(i32::MIN);
    assert_eq!(calendar.add_working_days(first, u32::MAX), first.plus_days(HORIZON_DAYS));
    assert!(calendar.working_time_between(first.start(), last.end()) > 0);
    let wild = |days: i32| postcard::from_bytes::<Date>(&postcard::to_stdvec(&days).unwrap()).unwrap();
    let (first, last) = (wild(i32::MIN), wild(i32::MAX));
    assert_eq!(calendar.add_working_days(last, 3), Date::from_days(i32::MAX));
    assert!(calendar.working_days_between(first, last) > 200_000);
    assert!(calendar.working_time_between(first.start(), last.end()) > 0);
    let wild = |micros: i64| postcard::from_bytes::<Timestamp>(&postcard::to_stdvec(&micros).unwrap()).unwrap();
    assert_eq!(calendar.working_time_between(wild(i64::MIN), wild(i64::MIN + 1)), 0);
    assert!(calendar.working_time_between(wild(i64::MIN), wild(i64::MAX)) > 0);
}

fn days() -> impl Strategy<Value = Date> {
    (20_000..21_000i32).prop_map(Date::from_days)
}

fn calendars() -> impl Strategy<Value = WorkingCalendar> {
    let span =
        (any::<u16>(), any::<u16>()).prop_map(|(from_minute, until_minute)| WorkingSpan { from_minute, until_minute });
    (vec(days(), 0..40), vec((days(), days()), 0..10), vec(span, 0..4)).prop_map(|(holidays, swaps, hours)| {
        let mut years: BTreeMap<i16, CalendarYear> =
            (2024..=2028).map(|year| (year, CalendarYear::plain(year))).collect();
        for year in years.values_mut() {
            year.hours.clone_from(&hours);
        }
        for day in holidays {
            years.entry(day.year()).or_insert_with(|| CalendarYear::plain(day.year())).holidays.push(holiday(day));
        }
        for (off, worked) in swaps {
            years.entry(off.year()).or_insert_with(|| CalendarYear::plain(off.year())).swapped.push(swap(off, worked));
        }
        WorkingCalendar::new(years.into_values())
    })
}

proptest! {
    #[test]
    fn weekends_are_those_of_the_civil_calendar(day in -25_000..370_000i32) {
        let day = Date::from_days(day);
        prop_assert_eq!(is_weekend(day), day.weekday() > 5);
    }

    #[test]
    fn counting_forth_and_back_agree(calendar in calendars(), start in days(), n in 1..200u32) {
        let end = calendar.add_working_days(start, n);
        prop_assert!(calendar.is_working_day(end));
        prop_assert_eq!(calendar.working_days_between(start, end), n);
        prop_assert!(calendar.add_working_days(start, n + 1) > end);
        prop_assert!(calendar.add_working_days(start.plus_days(1), n) >= end);
    }

    #[test]
    fn one_more_holiday_never_brings_a_day_nearer(calendar in calendars(), start in days(), n in 0..200u32, extra in days()) {
        let before = calendar.add_working_days(start, n);
        let mut year = calendar.year(extra.year()).cloned().unwrap_or_else(|| CalendarYear::plain(extra.year()));
        year.holidays.push(holiday(extra));
        let mut later = calendar;
        later.set(year);
        prop_assert!(later.add_working_days(start, n) >= before);
    }

    #[test]
    fn working_time_adds_up(calendar in calendars(), start in days(), cuts in vec(0..40_000i64, 3)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let [a, b, c] = [0, 1, 2].map(|i| start.start().plus_minutes(cuts[i]));
        let (first, second) = (calendar.working_time_between(a, b), calendar.working_time_between(b, c));
        prop_assert!(first >= 0 && second >= 0);
        prop_assert_eq!(first + second, calendar.working_time_between(a, c));
        prop_assert!(first <= b.as_micros() - a.as_micros());
    }
}
