//! Times, deadlines and events in words, in both languages.

use socai_domain::{
    deadline::{Due, ExtendBy, Extension, Limit, Skipped, SumLine},
    incoming::events::{Assignee, BranchRole},
    ledger::catalogue::IncomingEvent as Event,
    time::{Date, Timestamp},
};

/// The language of what the demo tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lang {
    /// Tiếng Việt.
    Vi,
    /// English.
    En,
}

impl Lang {
    /// What `LANG` asks for; English where it asks for another language.
    pub(crate) fn of_environment() -> Self {
        let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let asked = of("LC_ALL").or_else(|| of("LC_MESSAGES")).or_else(|| of("LANG"));
        if asked.is_some_and(|lang| lang.to_lowercase().starts_with("vi")) { Self::Vi } else { Self::En }
    }

    /// One of the two.
    pub(crate) fn of<'t>(self, vi: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    /// `T3 10/11`, `Tue 10 Nov`.
    pub(crate) fn day(self, date: Date) -> String {
        let civil = date.civil();
        match self {
            Self::Vi => {
                let name = ["T2", "T3", "T4", "T5", "T6", "T7", "CN"][usize::from(date.weekday().unsigned_abs()) - 1];
                format!("{name} {:02}/{:02}", civil.day(), civil.month())
            }
            Self::En => civil.strftime("%a %d %b").to_string(),
        }
    }

    /// A day and a time; midnight is 24:00 of the day before.
    pub(crate) fn time(self, at: Timestamp) -> String {
        if at == at.date().start() {
            return format!("{} 24:00", self.day(at.date().plus_days(-1)));
        }
        format!("{} {}", self.day(at.date()), at.zoned().strftime("%H:%M"))
    }

    /// The sum of a deadline in one line.
    pub(crate) fn sum(self, lines: &[SumLine]) -> String {
        let mut told = String::new();
        let mut skipped = Vec::new();
        let amended = lines.iter().any(|line| matches!(line, SumLine::Amended { .. }));
        let due = |due: &Due| due.at().map_or_else(|| "–".to_owned(), |at| self.time(at));
        for line in lines {
            match line {
                SumLine::Start { at } => told = self.day(at.date()),
                SumLine::Limit { limit: Limit::WorkingDays { days } } => {
                    told = format!("{told} + {days} {}", self.of("ngày làm việc", "working days"));
                }
                SumLine::Skipped { date, why: Skipped::NotWorked(_) } => skipped.push(self.day(*date)),
                // Of a limit that was replaced.
                SumLine::Original { .. } if amended => {}
                SumLine::Original { due: reached } | SumLine::Amended { due: reached } => {
                    if !skipped.is_empty() {
                        told = format!("{told} ({} {})", self.of("không tính", "not counting"), skipped.join(", "));
                    }
                    told = format!("{told} = {}", due(reached));
                }
                SumLine::Extended { extension: Extension { by: ExtendBy::Until { .. }, .. }, new, .. } => {
                    told = format!("{told}; {} {}", self.of("gia hạn đến", "extended to"), due(new));
                }
                _ => {}
            }
        }
        told
    }

    /// What happened, in words; none for steps that only a machine takes. `name` knows people and units.
    pub(crate) fn event(self, event: &Event, who: &str, name: &dyn Fn(Assignee) -> String) -> Option<String> {
        let t = |vi: &'static str, en: &'static str| self.of(vi, en);
        Some(match event {
            Event::Arrived(e) => format!(
                "{} {}",
                t("đến qua trục liên thông, từ", "arrives over the exchange axis, from"),
                e.details.issuer_name
            ),
            Event::Registered(e) => {
                format!("{who} {} {}", t("vào sổ, số đến", "registers it, arrival number"), e.number)
            }
            Event::Submitted(e) => {
                format!("{who} {} {}", t("trình", "submits it to"), name(Assignee::Person { holder: e.to }))
            }
            Event::Directed(e) => {
                let part = |role, words: &str| {
                    let names: Vec<_> =
                        e.branches.iter().filter(|b| b.role == role).map(|b| name(b.assignee)).collect();
                    if names.is_empty() { String::new() } else { format!("; {words} {}", names.join(", ")) }
                };
                let lead = part(BranchRole::Lead, t("chủ trì", "lead"));
                let others = part(BranchRole::Coordinating, t("phối hợp", "coordinating"));
                format!("{who} {}{lead}{others}", t("chỉ đạo", "directs"))
            }
            Event::Assigned(e) => {
                let names: Vec<_> = e.branches.iter().map(|branch| name(branch.assignee)).collect();
                format!("{who} {} {}", t("phân công", "assigns"), names.join(", "))
            }
            Event::ExtensionRequested(e) => {
                format!("{who} {} {}", t("xin gia hạn đến", "asks for more time, until"), self.time(e.until))
            }
            Event::ExtensionDecided(e) => match e.until {
                Some(until) => format!("{who} {} {}", t("cho gia hạn đến", "grants it, until"), self.time(until)),
                None => format!("{who} {}", t("không cho gia hạn", "does not grant it")),
            },
            // Without a result it ends with the document: that is told next.
            Event::BranchCompleted(e) => format!("{who}: “{}”", e.result.as_ref()?),
            Event::Resolved(e) => {
                let codes: Vec<_> = e.answers.iter().map(|answer| answer.code.as_str()).collect();
                format!("{who} {} {}", t("kết thúc, trả lời bằng", "resolves it, answered by"), codes.join(", "))
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::deadline::DeadlineSum;

    use super::*;
    use crate::cli::demo::world::calendar;

    #[test]
    fn times_are_read_as_people_write_them() {
        let day = Date::new(2026, 11, 15).unwrap();
        assert_eq!(Lang::Vi.time(day.start().plus_minutes(482)), "CN 15/11 08:02");
        assert_eq!(Lang::En.time(day.end()), "Sun 15 Nov 24:00");
    }

    #[test]
    fn a_sum_says_which_days_do_not_count() {
        let start = Timestamp::parse("2026-12-30T08:40:00+07:00").unwrap();
        let by = ExtendBy::Until { at: Timestamp::parse("2027-01-09T00:00:00+07:00").unwrap() };
        let extensions = vec![Extension { granted_at: start.plus_minutes(10), by }];
        let limit = Limit::WorkingDays { days: 3 };
        let sum = DeadlineSum { extensions, ..DeadlineSum::new(start, limit) };
        let lines = sum.explain(&calendar(start.date()));
        assert_eq!(
            Lang::Vi.sum(&lines),
            "T4 30/12 + 3 ngày làm việc (không tính T6 01/01, T7 02/01, CN 03/01) = T3 05/01 24:00; gia hạn đến T6 08/01 24:00"
        );
        assert!(Lang::En.sum(&lines).starts_with("Wed 30 Dec + 3 working days (not counting Fri 01 Jan, "));
    }
}
