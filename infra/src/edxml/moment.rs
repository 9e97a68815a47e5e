//! Dates and times as senders write them: read if there is only one reading, and kept as written in any case.

use socai_domain::time::{Date, Timestamp};

/// A date as the message has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateText {
    /// As written.
    pub raw: String,
    /// As understood: `yyyy/MM/dd`, `yyyy-MM-dd` or `dd/MM/yyyy`, with or without a time after it. `None`: ask a person.
    pub date: Option<Date>,
}

/// A local (Viet Nam) time as the message has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeText {
    /// As written.
    pub raw: String,
    /// As understood: a date as in [`DateText`] and `HH:mm:ss`, with `T` or space between. `None`: not a time.
    pub at: Option<Timestamp>,
}

impl DateText {
    pub(super) fn read(raw: String) -> Self {
        let date = date_and_rest(&raw).map(|(date, _)| date);
        Self { raw, date }
    }
}

impl TimeText {
    pub(super) fn read(raw: String) -> Self {
        let at = date_and_rest(&raw).and_then(|(date, rest)| Some(date.start().plus_micros(time_of_day(rest)?)));
        Self { raw, at }
    }
}

/// The date at the start of `text` and what follows it.
fn date_and_rest(text: &str) -> Option<(Date, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !"/-.".contains(c)).unwrap_or(text.len());
    let (day_text, rest) = text.split_at(end);
    if !(rest.is_empty() || rest.starts_with([' ', 'T'])) {
        return None;
    }
    let separator = day_text.find(|c: char| !c.is_ascii_digit()).and_then(|at| day_text[at..].chars().next())?;
    let mut parts = day_text.split(separator);
    let (first, month, last) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // The year is the part of four digits; without one there is more than one reading.
    let (year, day) = match (first.len(), last.len()) {
        (4, 1..=2) => (first, last),
        (1..=2, 4) => (last, first),
        _ => return None,
    };
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some((date, rest))
}

/// Microseconds since midnight of ` HH:mm[:ss[.fff]]`, all that follows ignored unless it names another zone.
fn time_of_day(rest: &str) -> Option<i64> {
    let rest = rest.trim_start_matches(['T', ' ']);
    let (clock, zone) =
        rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && !":.".contains(c)).unwrap_or(rest.len()));
    if !matches!(zone.trim(), "" | "+07:00" | "+0700" | "+07") {
        return None;
    }
    let mut parts =
        clock.split('.').next()?.split(':').map(|part| if part.len() <= 2 { part.parse::<i64>().ok() } else { None });
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Option<String> {
        DateText::read(text.to_owned()).date.map(|d| d.to_string())
    }

    fn time(text: &str) -> Option<String> {
        TimeText::read(text.to_owned()).at.map(|t| t.to_string())
    }

    #[test]
    fn dates_are_read_in_the_forms_that_occur() {
        for text in
            ["2020/10/30", "2020-10-30", "30/10/2020", "30-10-2020", "2020/10/30 08:15:00", "2020-10-30T00:00:00+07:00"]
        {
            assert_eq!(date(text).as_deref(), Some("2020-10-30"), "{text}");
        }
        assert_eq!(date("2026/1/2").as_deref(), Some("2026-01-02"));
    }

    #[test]
    fn dates_that_went_wrong_are_kept_and_not_guessed() {
        for text in [
            "2014/02/30",
            "10/30/2020",
            "30/10/20",
            "0036/10/30",
            "2020/10",
            "2020/10/30/1",
            "hôm nay",
            "",
            "2020-10/30",
            "2020/10/30x",
        ] {
            assert_eq!(date(text), None, "{text}");
            assert_eq!(DateText::read(text.to_owned()).raw, text);
        }
    }

    #[test]
    fn times_are_viet_nam_time() {
        assert_eq!(time("2026/01/02 03:04:05").as_deref(), Some("2026-01-02T03:04:05.000000+07:00"));
        assert_eq!(time("2026-01-02T03:04:05.678").as_deref(), Some("2026-01-02T03:04:05.000000+07:00"));
        assert_eq!(time("02/01/2026 03:04").as_deref(), Some("2026-01-02T03:04:00.000000+07:00"));
        for text in ["2026/01/02", "2026/01/02 25:00:00", "2026-01-02T03:04:05Z", "2026/01/02 3:4:5:6", "null"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
