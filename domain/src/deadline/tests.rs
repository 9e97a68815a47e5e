use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    calendar::{CalendarYear, DayKind, Holiday, SwappedDay},
    text::ShortText,
};

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+07:00")).unwrap()
}

#[allow(clippy::unnecessary_wraps)] // what every sum is compared with
fn end_of(text: &str) -> Option<Timestamp> {
    Some(date(text).end())
}

fn named(text: &str) -> ShortText {
    ShortText::new(text).unwrap()
}

/// 2026 with the National Day off, and Monday 31 August exchanged for Saturday 22.
fn calendar() -> WorkingCalendar {
    let off = |text| Holiday { date: date(text), name: named("Quốc khánh") };
    let swap = SwappedDay { off: date("2026-08-31"), worked: date("2026-08-22"), reason: named("Hoán đổi") };
    WorkingCalendar::new([CalendarYear {
        holidays: vec![off("2026-09-01"), off("2026-09-02")],
        swapped: vec![swap],
        ..CalendarYear::plain(2026)
    }])
}

fn days(start: &str, days: u16) -> DeadlineSum {
    DeadlineSum::new(at(start), Limit::WorkingDays { days })
}

fn pause(from: &str, until: &str) -> Pause {
    Pause { from: at(from), until: Some(at(until)) }
}

fn more_days(granted_at: &str, days: u16) -> Extension {
    Extension { granted_at: at(granted_at), by: ExtendBy::WorkingDays { days } }
}

#[test]
fn day_one_is_the_next_working_day_and_it_is_due_at_midnight() {
    let calendar = calendar();
    assert_eq!(days("08-27T23:59", 1).due(&calendar), end_of("2026-08-28"));
    assert_eq!(days("08-28T00:00", 1).due(&calendar), end_of("2026-09-03"));
    assert_eq!(days("08-21T08:40", 1).due(&calendar), end_of("2026-08-22"));
    assert_eq!(days("08-21T08:40", 0).due(&calendar), end_of("2026-08-21"));
    assert_eq!(days("08-27T08:00", 1).due(&calendar).unwrap(), at("08-29T00:00"));
}

#[test]
fn a_holiday_decreed_later_moves_a_running_deadline() {
    let sum = days("09-03T08:00", 2);
    assert_eq!(sum.due(&WorkingCalendar::default()), end_of("2026-09-07"));
    let storm = Holiday { date: date("2026-09-04"), name: named("Nghỉ tránh bão") };
    let newest = WorkingCalendar::new([CalendarYear { holidays: vec![storm], ..CalendarYear::plain(2026) }]);
    assert_eq!(sum.due(&newest), end_of("2026-09-08"));
}

#[test]
fn working_days_that_end_in_a_pause_do_not_count() {
    let calendar = calendar();
    let with = |pauses: &[Pause]| DeadlineSum { pauses: pauses.to_vec(), ..days("08-10T08:00", 3) }.due(&calendar);
    assert_eq!(with(&[]), end_of("2026-08-13"));
    assert_eq!(with(&[pause("08-11T10:00", "08-13T15:00")]), end_of("2026-08-17"));
    assert_eq!(with(&[pause("08-11T10:00", "08-11T15:00")]), end_of("2026-08-13"));
    assert_eq!(with(&[pause("08-11T10:00", "08-12T15:00"), pause("08-11T12:00", "08-12T09:00")]), end_of("2026-08-14"));
    assert_eq!(with(&[pause("08-14T00:00", "08-20T00:00")]), end_of("2026-08-13"), "it was due before");
    assert_eq!(with(&[pause("08-15T09:00", "08-16T09:00")]), end_of("2026-08-13"));
}

#[test]
fn an_open_pause_leaves_no_date_unless_it_was_due_before() {
    let calendar = calendar();
    let open = |from: &str| Pause { from: at(from), until: None };
    let sum = DeadlineSum { pauses: vec![open("08-12T09:00")], ..days("08-10T08:00", 3) };
    assert_eq!(sum.standing(&calendar), Due::Stopped);
    assert_eq!(sum.due(&calendar), None);
    let sum = DeadlineSum { pauses: vec![open("08-14T09:00")], ..sum };
    assert_eq!(sum.due(&calendar), end_of("2026-08-13"));
}

#[test]
fn a_stated_extension_ends_an_open_pause_but_is_never_nearer() {
    let until = |text| Extension { granted_at: at("08-12T09:00"), by: ExtendBy::Until { at: at(text) } };
    let open = Pause { from: at("08-14T09:00"), until: None };
    let extended = |last| DeadlineSum {
        pauses: vec![open],
        extensions: vec![more_days("08-12T08:00", 3), until(last)],
        ..days("08-10T08:00", 3)
    };
    assert_eq!(extended("08-20T12:00").due(&calendar()), Some(at("08-20T12:00")));
    assert_eq!(extended("08-11T12:00").due(&calendar()), end_of("2026-08-13"));
}

#[test]
fn minutes_run_day_and_night_but_not_in_a_pause() {
    let minutes = |minutes, pauses: &[Pause]| {
        let sum = DeadlineSum::new(at("08-10T08:00"), Limit::Minutes { minutes });
        DeadlineSum { pauses: pauses.to_vec(), ..sum }.standing(&calendar())
    };
    assert_eq!(minutes(60, &[]), Due::At(at("08-10T09:00")));
    assert_eq!(minutes(60, &[pause("08-10T08:30", "08-10T08:45")]), Due::At(at("08-10T09:15")));
    let twice = [pause("08-10T09:10", "08-10T09:20"), pause("08-10T08:30", "08-10T08:45")];
    assert_eq!(minutes(60, &twice), Due::At(at("08-10T09:25")), "the second begins in the time that the first gave");
    let inside = [pause("08-10T08:10", "08-10T08:50"), pause("08-10T08:20", "08-10T08:30")];
    assert_eq!(minutes(60, &inside), Due::At(at("08-10T09:40")));
    assert_eq!(minutes(60, &[Pause { from: at("08-10T08:30"), until: None }]), Due::Stopped);
    assert_eq!(minutes(60, &[pause("08-09T08:00", "08-10T08:30")]), Due::At(at("08-10T09:30")));
}

#[test]
fn a_stated_instant_is_moved_by_extensions_only() {
    let sum = DeadlineSum::new(at("08-10T08:00"), Limit::At { at: at("08-12T10:00") });
    let paused = DeadlineSum { pauses: vec![pause("08-10T09:00", "08-20T09:00")], ..sum.clone() };
    assert_eq!(paused.due(&calendar()), Some(at("08-12T10:00")));
    let extended = DeadlineSum { extensions: vec![more_days("08-11T08:00", 2)], ..sum };
    assert_eq!(extended.due(&calendar()), end_of("2026-08-14"));
}

#[test]
fn an_extension_in_days_goes_on_counting() {
    let calendar = calendar();
    let sum = DeadlineSum { extensions: vec![more_days("08-27T08:00", 1)], ..days("08-26T08:00", 2) };
    assert_eq!(sum.original_due(&calendar), end_of("2026-08-28"));
    assert_eq!(sum.due(&calendar), end_of("2026-09-03"));
    let back = Extension { granted_at: at("08-27T09:00"), by: ExtendBy::Until { at: at("08-27T12:00") } };
    let sum = DeadlineSum { extensions: vec![back], ..sum };
    assert_eq!(sum.due(&calendar), end_of("2026-08-28"), "never nearer");
}

#[test]
fn an_extension_after_the_deadline_does_not_undo_lateness() {
    let calendar = calendar();
    let granted = |when: &str| DeadlineSum { extensions: vec![more_days(when, 5)], ..days("08-10T08:00", 3) };
    let in_time = granted("08-14T00:00");
    assert_eq!(in_time.binding_due(&calendar), end_of("2026-08-20"));
    let late = granted("08-14T00:01");
    assert_eq!(late.due(&calendar), end_of("2026-08-20"));
    assert_eq!(late.binding_due(&calendar), end_of("2026-08-13"));
}

#[test]
fn more_time_by_another_limit_is_more_time() {
    let within = |limits: &[u16]| {
        let limits: Vec<_> = limits.iter().map(|days| Limit::WorkingDays { days: *days }).collect();
        let (last, replaced) = limits.split_last().unwrap();
        DeadlineSum { replaced: replaced.to_vec(), ..DeadlineSum::new(at("08-10T08:00"), *last) }
    };
    let calendar = calendar();
    let longer = within(&[2, 5]);
    assert_eq!(longer.due(&calendar), end_of("2026-08-17"));
    assert_eq!(longer.original_due(&calendar), end_of("2026-08-12"));
    let shorter = within(&[5, 2]);
    assert_eq!(
        (shorter.due(&calendar), shorter.original_due(&calendar)),
        (longer.original_due(&calendar), end_of("2026-08-12"))
    );
    let (first, now) = (Due::At(date("2026-08-12").end()), Due::At(date("2026-08-17").end()));
    let skipped = |text| SumLine::Skipped { date: date(text), why: Skipped::NotWorked(DayKind::Weekend) };
    assert_eq!(
        longer.explain(&calendar),
        [
            SumLine::Start { at: at("08-10T08:00") },
            SumLine::Replaced { limit: Limit::WorkingDays { days: 2 }, due: first },
            SumLine::Original { due: first },
            SumLine::Limit { limit: Limit::WorkingDays { days: 5 } },
            skipped("2026-08-15"),
            skipped("2026-08-16"),
            SumLine::Amended { due: now },
            SumLine::Result { due: now, original: first },
        ]
    );
}

#[test]
fn a_part_is_never_due_after_the_whole() {
    let calendar = calendar();
    let parent = Some(at("08-12T17:00"));
    assert_eq!(days("08-10T08:00", 3).capped_by(parent).due(&calendar), parent);
    assert_eq!(days("08-10T08:00", 1).capped_by(parent).due(&calendar), end_of("2026-08-11"));
    let none = DeadlineSum::new(at("08-10T08:00"), Limit::None);
    assert_eq!(none.standing(&calendar), Due::Never);
    assert_eq!(none.capped_by(parent).due(&calendar), parent);
}

#[test]
fn an_extension_under_a_cap_is_never_nearer_when_the_cap_goes() {
    let until = Extension { granted_at: at("08-11T09:00"), by: ExtendBy::Until { at: at("08-12T12:00") } };
    let sum = DeadlineSum { extensions: vec![until], ..days("08-10T08:00", 3) };
    assert_eq!(sum.clone().capped_by(Some(at("08-11T17:00"))).due(&calendar()), Some(at("08-11T17:00")));
    assert_eq!(sum.due(&calendar()), end_of("2026-08-13"));
    let none = DeadlineSum { limit: Limit::None, ..sum }.capped_by(Some(at("08-13T17:00")));
    assert_eq!(none.due(&calendar()), Some(at("08-13T17:00")));
}

#[test]
fn the_sum_is_shown_line_by_line() {
    let calendar = calendar();
    let extension = more_days("09-03T08:00", 1);
    let sum = DeadlineSum {
        pauses: vec![pause("08-27T08:00", "08-28T08:00")],
        extensions: vec![extension],
        ..days("08-26T08:00", 2)
    };
    let skipped = |text, kind| SumLine::Skipped { date: date(text), why: Skipped::NotWorked(kind) };
    let (old, new) = (Due::At(date("2026-09-03").end()), Due::At(date("2026-09-04").end()));
    assert_eq!(
        sum.explain(&calendar),
        [
            SumLine::Start { at: at("08-26T08:00") },
            SumLine::Limit { limit: Limit::WorkingDays { days: 2 } },
            SumLine::Pause { pause: pause("08-27T08:00", "08-28T08:00") },
            SumLine::Skipped { date: date("2026-08-27"), why: Skipped::Paused },
            skipped("2026-08-29", DayKind::Weekend),
            skipped("2026-08-30", DayKind::Weekend),
            skipped("2026-08-31", DayKind::OffInstead { worked: date("2026-08-22") }),
            skipped("2026-09-01", DayKind::Holiday { name: named("Quốc khánh") }),
            skipped("2026-09-02", DayKind::Holiday { name: named("Quốc khánh") }),
            SumLine::Original { due: old },
            SumLine::Extended { extension, old, new, too_late: false },
            SumLine::Result { due: new, original: old },
        ]
    );
}

#[test]
fn the_sum_tells_worked_saturdays_missing_calendars_and_the_cap() {
    let parent = at("08-21T12:00");
    let lines = days("08-21T08:00", 1).capped_by(Some(parent)).explain(&calendar());
    let own = Due::At(date("2026-08-22").end());
    assert!(lines.contains(&SumLine::Worked { date: date("2026-08-22"), instead_of: date("2026-08-31") }));
    assert!(lines.contains(&SumLine::Capped { own, parent }));
    let lines = days("12-31T08:00", 1).explain(&calendar());
    assert!(lines.contains(&SumLine::CalendarMissing { year: 2027 }));
}

#[test]
fn huge_sums_end_and_open_pauses_are_not_listed_for_ever() {
    let far = days("08-10T08:00", u16::MAX);
    assert_eq!(far.due(&calendar()), days("08-10T08:00", MAX_WORKING_DAYS).due(&calendar()));
    let open = DeadlineSum { pauses: vec![Pause { from: at("08-12T08:00"), until: None }], ..far };
    assert!(open.explain(&calendar()).len() < 10);
}

fn instants() -> impl Strategy<Value = Timestamp> {
    (1_760_000_000_000_000..1_800_000_000_000_000i64).prop_map(Timestamp::from_micros)
}

fn limits() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (0..60u16).prop_map(|days| Limit::WorkingDays { days }),
        (0..100_000u32).prop_map(|minutes| Limit::Minutes { minutes }),
        instants().prop_map(|at| Limit::At { at }),
        Just(Limit::None),
    ]
}

fn sums() -> impl Strategy<Value = DeadlineSum> {
    let pauses = (instants(), proptest::option::weighted(0.9, 0..3_000_000_000_000i64))
        .prop_map(|(from, length)| Pause { from, until: length.map(|length| from.plus_micros(length)) });
    let by = prop_oneof![
        instants().prop_map(|at| ExtendBy::Until { at }),
        (0..30u16).prop_map(|days| ExtendBy::WorkingDays { days }),
    ];
    let extensions = (instants(), by).prop_map(|(granted_at, by)| Extension { granted_at, by });
    let replaced = vec(limits(), 0..2);
    (instants(), limits(), replaced, vec(pauses, 0..4), vec(extensions, 0..4), proptest::option::of(instants()))
        .prop_map(|(start, limit, replaced, pauses, extensions, parent_due)| {
            let sum = DeadlineSum::new(start, limit).capped_by(parent_due);
            DeadlineSum { replaced, pauses, extensions, ..sum }
        })
}

/// Only a stated instant ends a clock that stands for ever: then less time may be left than if it had not stood yet.
fn restarts(sum: &DeadlineSum) -> bool {
    let stated = |extension: &Extension| matches!(extension.by, ExtendBy::Until { .. });
    sum.extensions.iter().any(stated) && sum.pauses.iter().any(|pause| pause.until.is_none())
}

proptest! {
    #[test]
    fn more_days_are_never_due_earlier(sum in sums(), n in 0..200u16) {
        prop_assume!(!restarts(&sum));
        let with = |days| DeadlineSum { limit: Limit::WorkingDays { days }, ..sum.clone() }.standing(&calendar());
        prop_assert!(with(n) <= with(n + 1));
    }

    #[test]
    fn one_more_holiday_is_never_due_earlier(sum in sums(), day in 20_300..20_900i32) {
        prop_assume!(!restarts(&sum));
        let extra = Date::from_days(day);
        let mut later = calendar();
        let mut year = later.year(extra.year()).cloned().unwrap_or_else(|| CalendarYear::plain(extra.year()));
        year.holidays.push(Holiday { date: extra, name: named("Nghỉ thêm") });
        later.set(year);
        prop_assert!(sum.standing(&later) >= sum.standing(&calendar()));
    }

    #[test]
    fn pauses_and_extensions_never_take_time_away(sum in sums(), more in sums()) {
        let before = sum.standing(&calendar());
        let only_extended = DeadlineSum { replaced: Vec::new(), ..sum.clone() }.original_due(&calendar());
        prop_assert!(Due::at(before) >= only_extended || before.at().is_none());
        prop_assert!(sum.original_due(&calendar()) <= only_extended || only_extended.is_none());
        let mut paused = sum.clone();
        paused.pauses.extend(more.pauses);
        if !sum.extensions.iter().any(|e| matches!(e.by, ExtendBy::Until { .. })) {
            prop_assert!(paused.standing(&calendar()) >= before);
        }
        let mut extended = sum.clone();
        extended.extensions.extend(more.extensions);
        let uncapped = |sum: &DeadlineSum| sum.clone().capped_by(None).standing(&calendar());
        prop_assert!(uncapped(&sum).at().is_none() || uncapped(&extended) >= uncapped(&sum));
        prop_assert!(before.at().is_none() || extended.standing(&calendar()) >= before);
    }

    #[test]
    fn a_part_is_due_with_the_whole_at_the_latest(sum in sums(), parent in instants()) {
        let capped = sum.capped_by(Some(parent));
        prop_assert!(capped.due(&calendar()).is_some_and(|due| due <= parent));
        prop_assert!(capped.binding_due(&calendar()) <= capped.due(&calendar()));
    }

    #[test]
    fn what_is_shown_is_what_counts(sum in sums()) {
        let lines = sum.explain(&calendar());
        let Some(SumLine::Result { due, original }) = lines.last() else { panic!("no result") };
        prop_assert_eq!(*due, sum.standing(&calendar()));
        prop_assert_eq!(original.at(), sum.original_due(&calendar()));
    }

    #[test]
    fn the_order_of_pauses_does_not_matter(sum in sums()) {
        let mut turned = sum.clone();
        turned.pauses.reverse();
        prop_assert_eq!(turned.standing(&calendar()), sum.standing(&calendar()));
    }

    #[test]
    fn whatever_was_stored_there_is_an_answer(bytes in vec(any::<i64>(), 6), n in any::<u16>(), minutes in any::<u32>()) {
        let wild = |i: usize| postcard::from_bytes::<Timestamp>(&postcard::to_stdvec(&bytes[i]).unwrap()).unwrap();
        let extension = Extension { granted_at: wild(1), by: ExtendBy::WorkingDays { days: n } };
        for limit in [Limit::WorkingDays { days: n }, Limit::Minutes { minutes }, Limit::At { at: wild(0) }, Limit::None] {
            let sum = DeadlineSum {
                pauses: vec![Pause { from: wild(3), until: Some(wild(4)) }],
                extensions: vec![extension],
                ..DeadlineSum::new(wild(2), limit).capped_by(Some(wild(5)))
            };
            prop_assert!(sum.due(&calendar()).is_some());
            prop_assert!(sum.explain(&calendar()).len() < 20_000);
        }
    }
}
