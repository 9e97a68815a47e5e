//! How a follower of the log is doing, and when it tries again.

use std::{fmt, time::Duration};

use super::{KeyError, OpenError, ReadError};

/// How a follower of the log is doing. Whatever it says, no record is skipped: it stands before the one that it could
/// not take, and what was taken before can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Following {
    /// It goes on.
    #[default]
    Well,
    /// Something is in the way that may pass: a full disk, a database that does not answer. It tries again and again.
    Retrying(String),
    /// Something is damaged or does not belong together: a person must act, then start the program again.
    Stopped(String),
}

impl Following {
    /// For a gauge: 0, 1 or 2, in the order of the variants.
    pub fn level(&self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Retrying(_) => 1,
            Self::Stopped(_) => 2,
        }
    }
}

impl fmt::Display for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("ok"),
            Self::Retrying(why) => write!(f, "trying again: {why}"),
            Self::Stopped(why) => write!(f, "stopped: {why}"),
        }
    }
}

/// The wait before the next attempt, after so many failures in a row: from 0.1 to 10 seconds.
pub fn wait_after(failures: u32) -> Duration {
    let longest = Duration::from_secs(10);
    Duration::from_millis(50).checked_mul(2_u32.saturating_pow(failures.max(1))).unwrap_or(longest).min(longest)
}

impl ReadError {
    /// May it pass by itself?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl KeyError {
    /// May it pass by itself?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl OpenError {
    /// May it pass by itself?
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Key(error) if error.may_pass())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let waits: Vec<u128> = [0, 1, 2, 3, 7, 8, 31, u32::MAX].map(|n| wait_after(n).as_millis()).into();
        assert_eq!(waits, [100, 100, 200, 400, 6_400, 10_000, 10_000, 10_000]);
    }
}
