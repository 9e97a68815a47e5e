//! `socai export --events`: a row for every event.

use std::{process::ExitCode, time::Instant};

use clap::{Args, ValueEnum};
use serde_json::json;
use socai::{
    export::events::{ExportError, Exported, Format, Source, Wanted},
    server::asked_to_stop,
};
use socai_domain::{
    id::OrganId,
    ledger::LedgerId,
    time::{Date, Timestamp},
};

use super::Settled;
use crate::cli::{flags, runtime, telling};

/// What is exported of the events.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// The format.
    #[arg(
        long,
        value_enum,
        required_if_eq("events", "true"),
        conflicts_with = "document",
        help_heading = "Options of --events"
    )]
    format: Option<Written>,
    /// Recorded from this day or instant on: 2026-11-01 (0 o'clock in Viet Nam), 2026-11-01T08:00:00+07:00. From the
    /// beginning if not given.
    #[arg(long, value_name = "TIME", value_parser = from, conflicts_with = "document", help_heading = "Options of --events")]
    from: Option<Timestamp>,
    /// Recorded up to the end of this day, or before this instant. Up to now if not given.
    #[arg(long, value_name = "TIME", value_parser = before, conflicts_with = "document", help_heading = "Options of --events")]
    to: Option<Timestamp>,
    /// Only events of this organ: its id, or the identifier that it was registered under.
    #[arg(long, value_name = "ID|CODE", value_parser = flags::organ, conflicts_with = "document", help_heading = "Options of --events")]
    organ: Option<OrganId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Written {
    /// Apache Parquet.
    Parquet,
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values, with a line of names.
    Csv,
}

impl From<Written> for Format {
    fn from(written: Written) -> Self {
        match written {
            Written::Parquet => Self::Parquet,
            Written::Jsonl => Self::Jsonl,
            Written::Csv => Self::Csv,
        }
    }
}

fn moment(text: &str, of_date: fn(Date) -> Timestamp) -> Result<Timestamp, String> {
    Date::parse(text).map(of_date).or_else(|_| Timestamp::parse(text)).map_err(|error| error.to_string())
}

fn from(text: &str) -> Result<Timestamp, String> {
    moment(text, Date::start)
}

fn before(text: &str) -> Result<Timestamp, String> {
    moment(text, Date::end)
}

/// The exit code of a question that makes no sense.
const ASKED_WRONGLY: u8 = 2;
/// A range without an end has this one: no log holds a later record.
const NEVER: Timestamp = Timestamp::from_micros_const(32_503_680_000_000_000 - 1);

impl Events {
    pub(super) fn run(self, settled: &Settled) -> anyhow::Result<ExitCode> {
        // It is required with --events.
        let format = self.format.map_or(Format::Jsonl, Format::from);
        let (from, before) = (self.from.unwrap_or(Timestamp::from_micros(i64::MIN)), self.to.unwrap_or(NEVER));
        if from >= before {
            eprintln!("socai: the range ends ({before}) before it begins ({from}): give a --to after --from");
            return Ok(ExitCode::from(ASKED_WRONGLY));
        }
        if format == Format::Parquet && settled.goes_to_terminal() {
            eprintln!("socai: Parquet is not for a terminal: give --output FILE, or redirect standard output");
            return Ok(ExitCode::from(ASKED_WRONGLY));
        }
        let wanted = Wanted { from, before, organ: self.organ };
        runtime()?.block_on(async {
            let interrupted = async {
                // What went to standard output cannot be taken back: then an interrupt ends the program as ever.
                if settled.to_standard_output() { std::future::pending().await } else { asked_to_stop().await }
            };
            tokio::select! {
                done = export(settled, format, wanted) => done.map(|()| ExitCode::SUCCESS),
                // What was begun is dropped, and leaves nothing.
                () = interrupted => anyhow::bail!("interrupted; nothing was exported"),
            }
        })
    }
}

async fn export(settled: &Settled, format: Format, wanted: Wanted) -> anyhow::Result<()> {
    let started = Instant::now();
    let source = Source::open(&settled.config, settled.sealed, settled.own).await?;
    let about = [("socai.ledger", source.ledger().to_string()), ("socai.export", "events 1".to_owned())];
    let mut sink = format.sink(settled.target()?, &about).map_err(ExportError::Write)?;
    let bar = telling::bar(source.amount(), "exporting", settled.json);
    let exported = source.export(wanted, &mut *sink, |behind| bar.set_position(behind)).await?;
    let bytes = sink.finish().map_err(ExportError::Write)?.commit()?;
    bar.finish_and_clear();
    if settled.json {
        settled.tell(&in_json(&exported, source.ledger(), bytes).to_string());
    } else {
        tell(settled, &exported, bytes, started);
    }
    Ok(())
}

fn tell(settled: &Settled, exported: &Exported, bytes: u64, started: Instant) {
    let Exported { rows, erased, positions, head, torn } = exported;
    let number = telling::thousands;
    let mut lines = vec![format!(
        "exported  {} events ({} erased), {} bytes, {:.1} s",
        number(*rows),
        number(*erased),
        number(bytes),
        started.elapsed().as_secs_f64()
    )];
    lines.extend(positions.map(|(first, last)| format!("from      {first}\nto        {last}")));
    lines.extend(head.map(|(position, head)| format!("head      {position}:{head}")));
    lines.extend(torn.as_ref().map(|torn| format!("left out  {torn}: a batch at the end that is not written whole")));
    settled.tell(&lines.join("\n"));
}

fn in_json(exported: &Exported, ledger: LedgerId, bytes: u64) -> serde_json::Value {
    let Exported { rows, erased, positions, head, torn } = exported;
    json!({
        "ledger": ledger.to_string(),
        "rows": rows,
        "erased": erased,
        "bytes": bytes,
        "first": positions.map(|(first, _)| first.to_string()),
        "last": positions.map(|(_, last)| last.to_string()),
        "head": head.map(|(position, head)| format!("{position}:{head}")),
        "torn": torn.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_ranges_join_without_gap_or_overlap() {
        let at = |text| Timestamp::parse(text).unwrap();
        assert_eq!(from("2026-11-01").unwrap(), at("2026-11-01T00:00:00+07:00"));
        assert_eq!(before("2026-11-30").unwrap(), from("2026-12-01").unwrap());
        let instant = "2026-11-20T17:00:00+07:00";
        assert_eq!((from(instant), before(instant)), (Ok(at(instant)), Ok(at(instant))));
        for wrong in ["", "30/11/2026", "2026-13-01", "2026-11-20T17:00:00"] {
            assert!(before(wrong).unwrap_err().contains("2026-11-21"), "{wrong}");
        }
    }
}
