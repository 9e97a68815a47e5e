//! Deadlines with the sum that they come from.

use async_graphql::{Enum, SimpleObject};
use socai_domain::{
    calendar::DayKind,
    deadline::{Due, ExtendBy, Limit, Skipped, SumLine},
    time,
};

use crate::{
    language::Language,
    scalars::{Date, DateTime},
};

/// What a line of the sum is about (loại dòng trong cách tính hạn).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum SumLineKind {
    /// When the work was given: day 0.
    Start,
    /// A limit that its author replaced by another.
    Replaced,
    /// The limit.
    Limit,
    /// A day that did not count.
    Skipped,
    /// A weekend day that counted, because it is worked for another day.
    Worked,
    /// The calendar of a year is not set, so the sum may move.
    CalendarMissing,
    /// A time in which the clock stood.
    Pause,
    /// What start, limit and pauses make.
    Original,
    /// What the present limit makes, where it replaced another.
    Amended,
    /// An extension.
    Extended,
    /// The whole is due earlier.
    Capped,
    /// The result.
    Result,
}

/// A line of the sum (một dòng trong cách tính hạn).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct DeadlineLine {
    /// What it is about.
    kind: SumLineKind,
    /// In words, in the language of the request.
    text: String,
    /// The day it is about.
    date: Option<Date>,
    /// The instant it is about.
    at: Option<DateTime>,
}

/// A deadline (thời hạn giải quyết; Decree 30/2020/NĐ-CP, art. 24). Derived, never stored: the newest calendar counts.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Deadline {
    /// When it is due, every extension counted. Due at 24:00 is due on the day that ends.
    pub(crate) due_at: Option<DateTime>,
    /// Without any extension.
    pub(crate) original_due_at: Option<DateTime>,
    /// By which lateness is judged: an extension granted too late does not count.
    pub(crate) binding_due_at: Option<DateTime>,
    /// Past, and the work not done (quá hạn).
    pub(crate) late: bool,
    /// How it comes about, line by line (cách tính hạn).
    pub(crate) sum: Vec<DeadlineLine>,
}

/// An instant as people say it: `24:00 06/03/2026` for the end of a day.
pub(crate) fn moment(at: time::Timestamp) -> String {
    let zoned = at.zoned();
    if at.date().start() == at {
        return format!("24:00 {}", day(at.plus_micros(-1).date()));
    }
    zoned.strftime("%H:%M %d/%m/%Y").to_string()
}

pub(crate) fn day(date: time::Date) -> String {
    date.civil().strftime("%d/%m/%Y").to_string()
}

fn due(due: Due, language: Language) -> String {
    match due {
        Due::At(at) => moment(at),
        Due::Stopped => language.choose("đang tạm dừng", "the clock stands").to_owned(),
        Due::Never => language.choose("không thời hạn", "no deadline").to_owned(),
    }
}

/// A limit in words.
pub(crate) fn limit(limit: Limit, language: Language) -> String {
    match limit {
        Limit::WorkingDays { days } => language.choose(format!("{days} ngày làm việc"), format!("{days} working days")),
        Limit::Minutes { minutes } => language.choose(format!("{minutes} phút"), format!("{minutes} minutes")),
        Limit::At { at } => language.choose(format!("đến {}", moment(at)), format!("until {}", moment(at))),
        Limit::None => language.choose("không thời hạn", "no deadline").to_owned(),
    }
}

fn why(why: &Skipped, language: Language) -> String {
    match why {
        Skipped::Paused => language.choose("tạm dừng", "the clock stood").to_owned(),
        Skipped::NotWorked(kind) => match kind {
            DayKind::Holiday { name } => language.choose(format!("nghỉ lễ: {name}"), format!("holiday: {name}")),
            DayKind::OffInstead { worked: of } => {
                language.choose(format!("nghỉ hoán đổi với {}", day(*of)), format!("off in exchange for {}", day(*of)))
            }
            DayKind::Weekend => language.choose("cuối tuần", "weekend").to_owned(),
            _ => language.choose("không làm việc", "not worked").to_owned(),
        },
    }
}

/// The sum in words.
pub(crate) fn lines(sum: &[SumLine], language: Language) -> Vec<DeadlineLine> {
    sum.iter().map(|of| line(of, language)).collect()
}

fn line(of: &SumLine, language: Language) -> DeadlineLine {
    let say = |vi: String, en: String| language.choose(vi, en);
    let (kind, text, date, at) = match of {
        SumLine::Start { at } => (
            SumLineKind::Start,
            say(format!("Giao lúc {}", moment(*at)), format!("Given at {}", moment(*at))),
            None,
            Some(*at),
        ),
        SumLine::Replaced { limit: of, due: by_it } => {
            let (words, at) = (limit(*of, language), due(*by_it, language));
            let text = say(
                format!("Thời hạn trước khi điều chỉnh: {words} → {at}"),
                format!("Limit before it was changed: {words} → {at}"),
            );
            (SumLineKind::Replaced, text, None, by_it.at())
        }
        SumLine::Limit { limit: of } => {
            let words = limit(*of, language);
            (SumLineKind::Limit, say(format!("Thời hạn: {words}"), format!("Limit: {words}")), None, None)
        }
        SumLine::Skipped { date, why: of } => {
            let (words, day) = (why(of, language), day(*date));
            let text = say(format!("Không tính {day}: {words}"), format!("{day} does not count: {words}"));
            (SumLineKind::Skipped, text, Some(*date), None)
        }
        SumLine::Worked { date, instead_of } => {
            let (day, of) = (day(*date), day(*instead_of));
            let text = say(format!("Tính {day}: làm bù cho {of}"), format!("{day} counts: worked for {of}"));
            (SumLineKind::Worked, text, Some(*date), None)
        }
        SumLine::CalendarMissing { year } => {
            let vi = format!("Chưa có lịch làm việc năm {year}: hạn có thể thay đổi");
            (
                SumLineKind::CalendarMissing,
                say(vi, format!("The calendar of {year} is not set: this may move")),
                None,
                None,
            )
        }
        SumLine::Pause { pause } => {
            let until = pause.until.map_or_else(|| "…".to_owned(), moment);
            let from = moment(pause.from);
            (
                SumLineKind::Pause,
                say(format!("Tạm dừng {from} – {until}"), format!("Paused {from} – {until}")),
                None,
                Some(pause.from),
            )
        }
        SumLine::Original { due: of } => {
            let words = due(*of, language);
            (
                SumLineKind::Original,
                say(format!("Hạn ban đầu: {words}"), format!("Original deadline: {words}")),
                None,
                of.at(),
            )
        }
        SumLine::Amended { due: of } => {
            let words = due(*of, language);
            let text =
                say(format!("Hạn sau khi điều chỉnh: {words}"), format!("Deadline by the changed limit: {words}"));
            (SumLineKind::Amended, text, None, of.at())
        }
        SumLine::Extended { extension, old, new, too_late } => {
            let by = match extension.by {
                ExtendBy::Until { at } => limit(Limit::At { at }, language),
                ExtendBy::WorkingDays { days } => limit(Limit::WorkingDays { days }, language),
            };
            let (old, at) = (due(*old, language), new.at());
            let new = due(*new, language);
            let late = if *too_late {
                say(" (sau khi đã quá hạn)".into(), " (granted too late)".into())
            } else {
                String::new()
            };
            let text = say(format!("Gia hạn {by}: {old} → {new}{late}"), format!("Extended {by}: {old} → {new}{late}"));
            (SumLineKind::Extended, text, None, at)
        }
        SumLine::Capped { own, parent } => {
            let (own, parent) = (due(*own, language), moment(*parent));
            let text = say(
                format!("Không quá hạn chung {parent} (riêng: {own})"),
                format!("Not after the whole's {parent} (own: {own})"),
            );
            (SumLineKind::Capped, text, None, None)
        }
        SumLine::Result { due: of, .. } => {
            let words = due(*of, language);
            (SumLineKind::Result, say(format!("Hạn: {words}"), format!("Due: {words}")), None, of.at())
        }
    };
    DeadlineLine { kind, text, date: date.map(Date), at: at.map(DateTime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_day_belongs_to_that_day() {
        let friday = time::Date::new(2026, 3, 6).unwrap();
        assert_eq!(moment(friday.end()), "24:00 06/03/2026");
        assert_eq!(moment(friday.start().plus_minutes(485)), "08:05 06/03/2026");
    }
}
