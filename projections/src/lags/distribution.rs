//! How durations are spread.

use socai_domain::{calendar::WorkingCalendar, time::Timestamp};

use crate::{db::Row, error::ViewsError, value::Cells};

/// Upper bounds of the classes, in hours; the last class has none.
const HOURS: [i64; 8] = [1, 4, 8, 24, 48, 120, 240, 720];
const HOUR: i64 = 3_600_000_000;

/// Durations in microseconds: how many, the middle one, the one that nine in ten do not exceed, the longest, and how many
/// fall into each class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many.
    pub count: u64,
    /// The middle one (the lower of two). None without any.
    pub median: Option<i64>,
    /// The smallest that at least nine in ten do not exceed.
    pub p90: Option<i64>,
    /// The longest.
    pub longest: Option<i64>,
    /// The sum.
    pub total: i64,
    /// For each class, its upper bound (none for the last) and how many are in it: more than the bound before, at most
    /// this one.
    pub classes: Vec<(Option<i64>, u64)>,
}

impl Distribution {
    /// Of these durations.
    pub fn of(mut durations: Vec<i64>) -> Self {
        durations.sort_unstable();
        // The nearest rank: the smallest value with at least that share at or below it.
        let rank = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100);
            durations.get(rank.saturating_sub(1)).copied()
        };
        let mut classes: Vec<(Option<i64>, u64)> = HOURS.iter().map(|hours| (Some(hours * HOUR), 0)).collect();
        classes.push((None, 0));
        for duration in &durations {
            let class = classes.iter_mut().find(|(bound, _)| bound.is_none_or(|bound| *duration <= bound));
            if let Some((_, count)) = class {
                *count += 1;
            }
        }
        Self {
            count: durations.len() as u64,
            median: rank(50),
            p90: rank(90),
            longest: durations.last().copied(),
            total: durations.iter().fold(0, |sum, duration| sum.saturating_add(*duration)),
            classes,
        }
    }
}

/// By which clock a duration is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocked {
    /// The one on the wall.
    Wall,
    /// Working hours only.
    Working,
}

impl Clocked {
    /// Nothing, where what is waited for came first.
    fn between(self, from: Timestamp, until: Timestamp, calendar: &WorkingCalendar) -> i64 {
        match self {
            Self::Wall => until.as_micros().saturating_sub(from.as_micros()).max(0),
            Self::Working => calendar.working_time_between(from, until),
        }
    }
}

/// What took so long, in microseconds: with the bounds of a class, what that class counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// By which clock.
    pub clock: Clocked,
    /// Longer than this.
    pub more_than: Option<i64>,
    /// At most this.
    pub at_most: Option<i64>,
}

impl Took {
    /// Did this? What is not over took no time yet.
    pub(super) fn holds(&self, from: Timestamp, until: Option<Timestamp>, calendar: &WorkingCalendar) -> bool {
        until.map(|until| self.clock.between(from, until, calendar)).is_some_and(|took| {
            self.more_than.is_none_or(|bound| took > bound) && self.at_most.is_none_or(|bound| took <= bound)
        })
    }
}

/// By the clock and in working time, of the rows that have both ends: their first two columns.
pub(super) fn durations(rows: &[Row], calendar: &WorkingCalendar) -> Result<(Distribution, Distribution), ViewsError> {
    let (mut wall, mut working) = (Vec::new(), Vec::new());
    for row in rows {
        let mut cells = Cells::of(row);
        let (from, until): (Timestamp, Option<Timestamp>) = (cells.next()?, cells.next()?);
        if let Some(until) = until {
            wall.push(Clocked::Wall.between(from, until, calendar));
            working.push(Clocked::Working.between(from, until, calendar));
        }
    }
    Ok((Distribution::of(wall), Distribution::of(working)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let hours = |list: &[i64]| Distribution::of(list.iter().map(|hours| hours * HOUR).collect());
        assert_eq!(hours(&[]).median, None);
        assert_eq!(hours(&[7]).p90, Some(7 * HOUR));
        assert_eq!(hours(&[4, 1, 3, 2]).median, Some(2 * HOUR));
        let ten = hours(&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!((ten.median, ten.p90, ten.longest), (Some(5 * HOUR), Some(9 * HOUR), Some(10 * HOUR)));
        assert_eq!(ten.total, 55 * HOUR);
        assert_eq!(ten.classes.iter().map(|(_, count)| count).sum::<u64>(), ten.count);
        assert_eq!(ten.classes[1], (Some(4 * HOUR), 3));
    }
}
