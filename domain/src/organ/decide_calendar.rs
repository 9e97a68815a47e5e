//! Decide a year's holidays and swapped days, or decide them anew (founding rule S0-60: they are data).

use serde::Serialize;

use super::{Event, Organ, Refusal, events::CalendarDecided};
use crate::{
    calendar::CalendarYear,
    decide::{By, Decide},
};

/// Set the working calendar of a year.
#[derive(Clone, Debug, Serialize)]
pub struct DecideCalendar {
    /// The year's days.
    pub calendar: CalendarYear,
}

impl Decide for DecideCalendar {
    type State = Organ;
    type Refusal = Refusal;
    const NAME: &'static str = "decideCalendar";

    fn permit(organ: &Organ, by: &By<'_>) -> Result<(), Refusal> {
        organ.administered(by)
    }

    fn decide(&self, organ: &Organ, by: &By<'_>) -> Result<Vec<Event>, Refusal> {
        Self::permit(organ, by)?;
        self.calendar.check()?;
        if organ.calendar.year(self.calendar.year) == Some(&self.calendar) {
            return Ok(vec![]); // already so
        }
        Ok(vec![CalendarDecided { calendar: self.calendar.clone() }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{organ::testing::*, testing::scene};

    #[test]
    fn a_calendar_is_decided_and_decided_anew() {
        let scene = scene();
        let plain = DecideCalendar { calendar: CalendarYear::plain(2026) };
        let happened = asks(&scene, scene.administrator, &plain).unwrap();
        let after = evolve(&scene.organ, &happened);
        assert!(after.calendar.knows(2026));
        assert_eq!(asks_of(&after, scene.administrator, &plain), Ok(vec![]));
    }

    #[test]
    fn only_the_administrator() {
        only_the_administrator_asks(&DecideCalendar { calendar: CalendarYear::plain(2026) });
    }
}
