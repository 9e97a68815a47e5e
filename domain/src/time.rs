//! Instants and dates as they are stored, and the one time zone of the registers, `Asia/Ho_Chi_Minh`.

use std::fmt;

use jiff::{civil, tz::TimeZone};
use thiserror::Error;

stable! {
    /// An instant: microseconds since 1970-01-01T00:00:00Z.
    #[derive(Copy, Default)]
    pub struct Timestamp(i64);

    /// A calendar date: days since 1970-01-01.
    #[derive(Copy, Default)]
    pub struct Date(i32);
}

/// Tells the time. The program gives the system's clock, the demo and the tests one that they set.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A date or an instant that does not exist or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a date or time: {0}; write 2026-11-21 or 2026-11-21T08:00:00+07:00")]
pub struct NotATime(String);

/// The zone in which days and years of registers begin and end: UTC+7, without summer time since 1975.
pub fn zone() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

/// The first and last microsecond that are accepted: years 1900 to 2999. Outside them calendars stop making sense.
const EARLIEST: i64 = -2_208_988_800_000_000;
const LATEST: i64 = 32_503_680_000_000_000 - 1;

impl Timestamp {
    /// From microseconds since the epoch; an instant outside the years 1900 to 2999 is brought to the nearest bound.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(EARLIEST, LATEST))
    }

    /// As [`Timestamp::from_micros`], for constants; panics outside the bounds, at compile time.
    pub const fn from_micros_const(micros: i64) -> Self {
        assert!(EARLIEST <= micros && micros <= LATEST);
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant and `micros` microseconds (may be negative).
    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This instant and `minutes` minutes (may be negative).
    #[must_use]
    pub fn plus_minutes(self, minutes: i64) -> Self {
        self.plus_micros(minutes.saturating_mul(60_000_000))
    }

    /// The date in Viet Nam at this instant.
    pub fn date(self) -> Date {
        Date::from_civil(self.zoned().date())
    }

    /// The civil year in Viet Nam at this instant: the year of the register book.
    pub fn year(self) -> i16 {
        self.zoned().year()
    }

    /// Reads RFC 3339 with an offset, years 1900 to 2999.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| NotATime(text.to_owned()))?;
        let micros = instant.as_microsecond();
        if (EARLIEST..=LATEST).contains(&micros) { Ok(Self(micros)) } else { Err(NotATime(text.to_owned())) }
    }

    /// As a date and time of Viet Nam.
    pub fn zoned(self) -> jiff::Zoned {
        jiff::Timestamp::from_microsecond(Self::from_micros(self.0).0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(zone())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in Viet Nam's offset: `2026-11-21T08:02:00.000000+07:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.zoned().strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string())
    }
}

impl Date {
    /// A date of the Gregorian calendar, years 1900 to 2999.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, NotATime> {
        match civil::Date::new(year, month, day) {
            Ok(date) if (1900..=2999).contains(&year) => Ok(Self::from_civil(date)),
            _ => Err(NotATime(format!("{year:04}-{month:02}-{day:02}"))),
        }
    }

    /// Reads `yyyy-mm-dd`, and nothing else that ISO 8601 allows: a time without an offset is no day.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let not_a_date = || NotATime(text.to_owned());
        let date: civil::Date = text.parse().map_err(|_| not_a_date())?;
        let date = Self::new(date.year(), date.month(), date.day())?;
        if date.to_string() == text { Ok(date) } else { Err(not_a_date()) }
    }

    /// Days since 1970-01-01.
    pub fn as_days(self) -> i32 {
        self.0
    }

    /// From days since 1970-01-01; outside the years 1900 to 2999 brought to the nearest bound.
    pub fn from_days(days: i32) -> Self {
        Self(days.clamp(-25_567, 376_199))
    }

    /// This date and `days` days (may be negative).
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self::from_days(self.0.saturating_add(days))
    }

    /// The first instant of this day in Viet Nam.
    pub fn start(self) -> Timestamp {
        let days = Self::from_days(self.0).0; // a stored date is not checked when it is read
        Timestamp::from_micros(i64::from(days) * 86_400_000_000 - 7 * 3_600_000_000)
    }

    /// The first instant after this day in Viet Nam (24:00).
    pub fn end(self) -> Timestamp {
        self.plus_days(1).start()
    }

    /// The civil year.
    pub fn year(self) -> i16 {
        self.civil().year()
    }

    /// Monday = 1 … Sunday = 7.
    pub fn weekday(self) -> i8 {
        self.civil().weekday().to_monday_one_offset()
    }

    /// As a civil date.
    pub fn civil(self) -> civil::Date {
        let start = Date::from_days(self.0).start();
        start.zoned().date()
    }

    fn from_civil(date: civil::Date) -> Self {
        let days = date.since(civil::date(1970, 1, 1)).map_or(0, |span| span.get_days());
        Self::from_days(days)
    }
}

impl fmt::Display for Date {
    /// `2026-11-21`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.civil().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_viet_nam() {
        let day = Date::new(2027, 1, 1).unwrap();
        assert_eq!(day.start().to_string(), "2027-01-01T00:00:00.000000+07:00");
        assert_eq!(day.start(), Timestamp::parse("2026-12-31T17:00:00Z").unwrap());
        assert_eq!(day.start().year(), 2027);
        assert_eq!(day.start().plus_micros(-1).year(), 2026);
        assert_eq!(day.start().plus_micros(-1).date(), Date::new(2026, 12, 31).unwrap());
    }

    #[test]
    fn an_instant_outside_the_years_1900_to_2999_is_refused_not_moved() {
        for wrong in ["0001-01-01T00:00:00Z", "1899-12-31T23:59:59.999999Z", "3000-01-01T00:00:00Z"] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
        for (right, micros) in [("1900-01-01T00:00:00Z", EARLIEST), ("2999-12-31T23:59:59.999999Z", LATEST)] {
            assert_eq!(Timestamp::parse(right).unwrap().as_micros(), micros);
        }
        assert_eq!(Timestamp::from_micros(LATEST).plus_minutes(1).as_micros(), LATEST);
    }

    #[test]
    fn dates_survive_a_round_trip() {
        for days in (-25_000..370_000).step_by(97) {
            let date = Date::from_days(days);
            assert_eq!(Date::parse(&date.to_string()).unwrap(), date);
            assert_eq!(date.start().date(), date);
        }
        assert!(Date::new(2026, 2, 30).is_err());
        for wrong in ["30/10/2020", "20201030", "2020-10-30T17:00:00", "+002020-10-30", "2020-10-30 "] {
            assert!(Date::parse(wrong).is_err(), "{wrong}");
        }
    }
}
