//! `socai stats`: the figures of an organ, of today or of any moment of the past.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use socai::{
    app::{App, Store},
    clock::SystemClock,
    config::Config,
};
use socai_domain::{
    id::OrganId,
    time::{Clock as _, Date, Timestamp},
};
use socai_projections::{
    Viewer, Views, ViewsError,
    statistics::{
        BranchFigure, BranchFigures, DocumentFigure, DocumentFigures, GroupBy, Period, Share, StatisticsFilter,
    },
};

use super::{
    flags::{self, Place},
    telling,
};

/// Shows the figures of an organ: its documents, and the duties of its units. As of a past moment they are read from the
/// log again, so nothing that came later is in them. The server must be stopped; a running one answers the same over its
/// API (processingStatistics).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  socai stats --organ 3f0e…
  socai stats --organ 3f0e… --as-of 2026-11-20T17:00:00+07:00 --from 2026-11-01
  socai stats --organ 3f0e… --as-of 2026-10-31 --json")]
pub(crate) struct Stats {
    /// The organ: its id, or the identifier that it was registered under.
    #[arg(long, value_name = "ID|CODE", value_parser = flags::organ)]
    organ: OrganId,
    /// The moment: 2026-11-20T17:00:00+07:00, or a date for its end. Now if not given.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    as_of: Option<Timestamp>,
    /// First day of the period. The beginning of the year if not given.
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<Date>,
    /// Last day of the period. Up to the moment if not given.
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<Date>,
    /// Write the figures as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let of_date = |_| date(text).map(|date| date.end().plus_micros(-1));
    Timestamp::parse(text).or_else(of_date)
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|error| error.to_string())
}

/// What is shown.
struct Figures {
    organ: String,
    period: Period,
    at: Timestamp,
    documents: DocumentFigures,
    units: Vec<(String, BranchFigures)>,
}

impl Stats {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        telling::start(&config, "warn")?;
        let figures = super::runtime()?.block_on(self.figures(&config))?;
        if self.json {
            println!("{}", figures.in_json());
        } else {
            figures.tell();
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn figures(&self, config: &Config) -> anyhow::Result<Figures> {
        let now = SystemClock.now();
        if let Some(at) = self.as_of.filter(|at| *at < now) {
            let store = Store::open(config, Arc::new(SystemClock)).await?;
            let views = Views::build_until(&*store.log(), store.opener.clone(), at).await;
            store.close().await?;
            return self.ask(&views?, at).await;
        }
        let app = App::open(config, Arc::new(SystemClock)).await?;
        let figures = self.ask(&app.views, now).await;
        app.close().await?;
        figures
    }

    async fn ask(&self, views: &Views, at: Timestamp) -> anyhow::Result<Figures> {
        let Some(organ) = views.organ(self.organ).await? else {
            bail!("organ {} was not registered at that moment", self.organ);
        };
        let new_year = Date::new(at.year(), 1, 1).context("the year")?;
        let from = self.from.unwrap_or(new_year).start();
        let before = self.to.map_or(at.plus_micros(1), Date::end);
        if from >= before {
            bail!("the period ends before it begins");
        }
        let filter = StatisticsFilter::of(Period { from, before });
        let viewer = Viewer::operator(self.organ, at);
        let documents = views.document_statistics(&viewer, &filter, GroupBy::Organ).await?;
        let branches = views.branch_statistics(&viewer, &filter, GroupBy::Unit).await?;
        let named = self.named(views).await?;
        let units = branches.into_iter().filter_map(|line| Some((named(line.unit?.uuid()), line.figures))).collect();
        Ok(Figures {
            organ: organ.name.unwrap_or_default(),
            period: filter.period,
            at,
            documents: documents.first().map(|line| line.figures).unwrap_or_default(),
            units,
        })
    }

    async fn named(&self, views: &Views) -> Result<impl Fn(uuid::Uuid) -> String, ViewsError> {
        let units = views.units(self.organ).await?;
        Ok(move |id: uuid::Uuid| {
            units.iter().find(|unit| unit.id.uuid() == id).map_or_else(|| id.to_string(), |unit| unit.name.clone())
        })
    }
}

/// The columns of a unit's line.
const COLUMNS: [(BranchFigure, &str); 6] = [
    (BranchFigure::Assigned, "given"),
    (BranchFigure::InProcess, "in process"),
    (BranchFigure::LateOpen, "late"),
    (BranchFigure::Processed, "processed"),
    (BranchFigure::LateDone, "after deadline"),
    (BranchFigure::Returned, "given back"),
];

impl Figures {
    fn tell(&self) {
        let last = self.period.before.plus_micros(-1).date();
        println!("{}", self.organ);
        println!("{} to {}, as of {}", self.period.from.date(), last, self.at.zoned().strftime("%Y-%m-%d %H:%M"));
        println!("\nDocuments");
        for figure in DocumentFigure::ALL {
            println!("  {:<36}{:>8}", label(*figure), telling::thousands(self.documents.get(*figure)));
        }
        println!("  {:<36}{:>8}", "on time", share(self.documents.on_time_share()));
        let width = self.units.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(16);
        print!("\n{:<width$}", "Duties of units");
        for (_, label) in COLUMNS {
            print!("  {label:>10}");
        }
        println!("  {:>16}", "on time");
        for (name, figures) in &self.units {
            print!("{name:<width$}");
            for (figure, label) in COLUMNS {
                print!("  {:>wide$}", telling::thousands(figures.get(figure)), wide = label.len().max(10));
            }
            println!("  {:>16}", share(figures.on_time_share()));
        }
    }

    fn in_json(&self) -> Value {
        let documents: Map<String, Value> =
            DocumentFigure::ALL.iter().map(|figure| (key(figure), json!(self.documents.get(*figure)))).collect();
        let units: Vec<Value> = self
            .units
            .iter()
            .map(|(name, figures)| {
                let figures: Map<String, Value> =
                    BranchFigure::ALL.iter().map(|figure| (key(figure), json!(figures.get(*figure)))).collect();
                json!({ "unit": name, "figures": figures })
            })
            .collect();
        json!({
            "organ": self.organ,
            "from": self.period.from.to_string(),
            "before": self.period.before.to_string(),
            "asOf": self.at.to_string(),
            "documents": documents,
            "units": units,
        })
    }
}

/// A figure's name as the API writes its field: `lateOpen`.
fn key(figure: &impl std::fmt::Debug) -> String {
    let name = format!("{figure:?}");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn label(figure: DocumentFigure) -> &'static str {
    match figure {
        DocumentFigure::Arrived => "arrived",
        DocumentFigure::Registered => "registered",
        DocumentFigure::InProcess => "in process",
        DocumentFigure::Processed => "processed",
        DocumentFigure::LateOpen => "in process, late",
        DocumentFigure::LateDone => "processed after the deadline",
        DocumentFigure::Late => "late in all",
        DocumentFigure::OnTime => "processed on time",
        DocumentFigure::MetOnlyByExtension => "  of these, only by an extension",
        DocumentFigure::NoDeadlineOpen => "in process without a deadline",
        DocumentFigure::NoDeadlineDone => "processed without a deadline",
        DocumentFigure::Refused => "refused",
        DocumentFigure::Cancelled => "cancelled",
    }
}

/// A share with what it is a share of.
fn share(share: Share) -> String {
    match share.per_mille() {
        Some(per_mille) => format!("{} of {} ({}.{} %)", share.of, share.among, per_mille / 10, per_mille % 10),
        None => "–".to_owned(),
    }
}
