//! How durations are spread.

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
