//! The demo's clock: set while the ten days are played, then the machine's.

use std::sync::atomic::{AtomicI64, Ordering};

use socai::clock::SystemClock;
use socai_domain::{
    calendar::WorkingCalendar,
    time::{Clock, Date, Timestamp},
};

/// A clock that can be set, and let go.
#[derive(Debug, Default)]
pub(crate) struct DemoClock(AtomicI64);

/// Not set: the machine's time.
const LET_GO: i64 = i64::MIN;

impl DemoClock {
    /// As the machine has it.
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(LET_GO))
    }

    /// From now on it is this instant.
    pub(crate) fn set(&self, at: Timestamp) {
        self.0.store(at.as_micros(), Ordering::Release);
    }

    /// From now on it is the machine's time.
    pub(crate) fn let_go(&self) {
        self.0.store(LET_GO, Ordering::Release);
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        match self.0.load(Ordering::Acquire) {
            LET_GO => SystemClock.now(),
            set => Timestamp::from_micros(set),
        }
    }
}

/// How many days are played.
pub(crate) const DAYS: usize = 10;

/// The last ten whole working days before `today`, oldest first. All of them are over, whatever the time of day is.
pub(crate) fn days_before(today: Date, calendar: &WorkingCalendar) -> [Date; DAYS] {
    let mut days = [today; DAYS];
    let mut day = today;
    for place in days.iter_mut().rev() {
        day = day.plus_days(-1);
        // A calendar with no working day in a year is not one that the demo makes.
        while !calendar.is_working_day(day) {
            day = day.plus_days(-1);
        }
        *place = day;
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::world::calendar;

    #[test]
    fn ten_working_days_are_over_on_any_day() {
        for start in [Date::new(2026, 1, 1).unwrap(), Date::new(2026, 11, 1).unwrap()] {
            for offset in 0..120 {
                let today = start.plus_days(offset);
                let calendar = calendar(today);
                let days = days_before(today, &calendar);
                assert!(days.iter().all(|day| calendar.is_working_day(*day)) && days.is_sorted());
                assert_eq!(calendar.working_days_between(days[0].plus_days(-1), days[9]), 10, "{today}");
                assert!(days[9] < today && calendar.next_working_day(days[9]) >= today);
            }
        }
    }

    #[test]
    fn new_year_is_no_working_day_and_is_crossed() {
        let today = Date::new(2027, 1, 5).unwrap();
        let days = days_before(today, &calendar(today));
        assert_eq!((days[0].year(), days[9].to_string().as_str()), (2026, "2027-01-04"));
        assert!(!days.contains(&Date::new(2027, 1, 1).unwrap()));
    }

    #[test]
    fn it_is_set_and_let_go() {
        let clock = DemoClock::new();
        let at = Date::new(2026, 1, 1).unwrap().start();
        clock.set(at);
        assert_eq!(clock.now(), at);
        clock.let_go();
        assert!(clock.now() > at);
    }
}
