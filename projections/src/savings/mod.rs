//! Read model: how much faster than before, and what was saved. Formulas over parameters that the agency decides from a day
//! on, shown with all their inputs; never a fixed figure. Where a parameter is missing, so is the result, not its inputs.
//!
//! - times faster = the middle working time before ÷ that of the documents resolved in the time
//! - pages: pages × copies that were not printed × price of a page (a copy for each branch that was neither given nor taken
//!   back: S2-2)
//! - post: documents that came without paper × price of an envelope (S2-3)
//! - time: copies × minutes that a copy on paper takes × price of an hour

mod list;

use socai_domain::{
    document_types::Channel,
    incoming::{BranchEnd, Stage},
    organ::events::Baseline,
    time::Date,
};

use crate::{
    directory,
    document::{Branch, Document, RoundEnd},
    error::ViewsError,
    lags::Distribution,
    out::Out,
    sql::Sql,
    statistics::{Period, StatisticsFilter, of_documents, start, with_branches},
    store::Views,
    table::{Table, bytes, index, int, null},
    value::{Cells, Value},
    viewer::Viewer,
};

pub use list::{SavedDocument, SavingFigure};

/// The read model's name.
pub(crate) const NAME: &str = "savings";
/// Its version: another one is built anew.
pub(crate) const VERSION: u32 = 3;

pub(crate) static SAVING: Table = Table {
    name: "saving",
    key: 1,
    columns: &[
        int("document"),
        bytes("organ"),
        int("arrived_at"),
        null(int("resolved_at")),
        // It came electronically, and no paper came or is to come.
        int("paperless"),
        null(int("pages")),
        // Branches, without those given or taken back: on paper each would have got a copy.
        int("copies"),
    ],
    indexes: &[index("saving_arrived", "organ, arrived_at"), index("saving_resolved", "organ, resolved_at")],
};

/// The row of a document. What was refused or cancelled saved nothing.
pub(crate) fn rows(document: &Document, out: &mut Out) {
    if let Some(Stage::Refused | Stage::Cancelled) = document.stage {
        return;
    }
    let (Some(arrived), Some(details)) = (document.arrived_at, &document.details) else { return };
    let electronic = matches!(document.channel, Some(Channel::Axis | Channel::Internal));
    let paperless = electronic && !details.paper_follows && document.paper_arrived_at.is_none();
    let resolved = document.rounds.first().and_then(|round| round.ended);
    let back = |branch: &&Branch| matches!(branch.ended, Some((BranchEnd::Returned | BranchEnd::Withdrawn, _)));
    let copies = document.branches.iter().filter(|branch| !back(branch)).count();
    out.add(
        &SAVING,
        vec![
            document.ordinal.into(),
            document.organ.into(),
            arrived.into(),
            resolved.filter(|(end, _)| *end == RoundEnd::Resolved).map(|(_, at)| at).into(),
            paperless.into(),
            details.page_count.into(),
            Value::Int(i64::try_from(copies).unwrap_or(i64::MAX)),
        ],
    );
}

/// What is reckoned of a stretch of time with the same parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    /// The stretch.
    pub period: Period,
    /// By what, and since which day; none where the agency has decided nothing.
    pub baseline: Option<(Date, Baseline)>,
    /// Working time from arrival to the first resolution, of the documents resolved in it.
    pub handling: Distribution,
    /// Documents that arrived in it without paper: envelopes not posted.
    pub paperless: u64,
    /// Of these, the ones whose number of pages nobody has entered: they count no page.
    pub without_pages: u64,
    /// Copies of them that were not printed.
    pub copies: u64,
    /// Pages of those copies.
    pub pages: u64,
}

impl Saving {
    /// How many documents a figure counts.
    pub fn get(&self, figure: SavingFigure) -> u64 {
        match figure {
            SavingFigure::Paperless => self.paperless,
            SavingFigure::WithoutPages => self.without_pages,
            SavingFigure::Handled => self.handling.count,
        }
    }

    fn parameter(&self, of: impl Fn(&Baseline) -> Option<u32>) -> Option<u64> {
        self.baseline.as_ref().and_then(|(_, baseline)| of(baseline)).map(u64::from)
    }

    /// How many times faster than before, in thousandths.
    pub fn times_faster_per_mille(&self) -> Option<u64> {
        let before = self.parameter(|baseline| baseline.handling_minutes)?.saturating_mul(60_000_000);
        let now = self.handling.median.filter(|median| *median > 0)?.unsigned_abs();
        before.saturating_mul(1000).checked_div(now)
    }

    /// Đồng saved on pages.
    pub fn on_pages(&self) -> Option<u64> {
        Some(self.pages.saturating_mul(self.parameter(|baseline| baseline.page_price)?))
    }

    /// Đồng saved on post.
    pub fn on_post(&self) -> Option<u64> {
        Some(self.paperless.saturating_mul(self.parameter(|baseline| baseline.envelope_price)?))
    }

    /// Đồng saved on time.
    pub fn on_time(&self) -> Option<u64> {
        let minutes = self.copies.saturating_mul(self.parameter(|baseline| baseline.copy_minutes)?);
        Some(minutes.saturating_mul(self.parameter(|baseline| baseline.hour_price)?) / 60)
    }

    /// The three together.
    pub fn total(&self) -> Option<u64> {
        Some(self.on_pages()?.saturating_add(self.on_post()?).saturating_add(self.on_time()?))
    }
}

impl Views {
    /// What was saved in the period, of the documents that the viewer sees: one for each stretch of it with the same
    /// parameters.
    pub async fn savings(&self, viewer: &Viewer, filter: &StatisticsFilter) -> Result<Vec<Saving>, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let organ = directory::folded(snapshot.db(), viewer.organ()).await?;
        let calendar = organ.as_ref().map(|organ| organ.calendar.clone()).unwrap_or_default();
        let baselines = organ.map(|organ| organ.baselines).unwrap_or_default();
        let mut savings = Vec::new();
        for (period, from) in stretches(filter.period, baselines.keys().copied()) {
            let filter = StatisticsFilter { period, ..filter.clone() };
            let mut sql = start(viewer, &filter);
            sql.push("SELECT l.arrived_at, l.resolved_at");
            condition(&mut sql, &filter, "l.resolved_at");
            let mut handling = Vec::new();
            let note = |cells: &mut Cells<'_>| {
                handling.push(calendar.working_time_between(cells.next()?, cells.next()?));
                Ok(())
            };
            sql.for_each(snapshot.db(), note).await?;
            let mut sql = start(viewer, &filter);
            sql.push("SELECT COUNT(*), COALESCE(SUM(CASE WHEN l.pages IS NULL THEN 1 ELSE 0 END), 0), ");
            sql.push(
                "CAST(COALESCE(SUM(l.copies), 0) AS BIGINT), CAST(COALESCE(SUM(l.copies * l.pages), 0) AS BIGINT)",
            );
            condition(&mut sql, &filter, "l.arrived_at");
            sql.push(" AND l.paperless = 1");
            let read = |cells: &mut Cells<'_>| {
                let mut next = || cells.next::<i64>().map(i64::unsigned_abs);
                Ok([next()?, next()?, next()?, next()?])
            };
            let [paperless, without_pages, copies, pages] =
                sql.read_optional(snapshot.db(), read).await?.unwrap_or_default();
            let baseline = from.and_then(|from| Some((from, baselines.get(&from)?.clone())));
            let handling = Distribution::of(handling);
            savings.push(Saving { period, baseline, handling, paperless, without_pages, copies, pages });
        }
        Ok(savings)
    }
}

fn condition(sql: &mut Sql, filter: &StatisticsFilter, at: &str) {
    sql.from(&format!(
        "saving l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND {at} >= $4 AND {at} < $5 AND "
    ));
    sql.visible();
    of_documents(sql, filter);
    with_branches(sql, filter, "b.document = l.document");
}

/// The period, cut where other parameters begin: each stretch with the day since which its own are in force.
fn stretches(period: Period, days: impl Iterator<Item = Date>) -> Vec<(Period, Option<Date>)> {
    let mut stretches = vec![(period, None)];
    for day in days.filter(|day| day.start() < period.before) {
        let begins = day.start().max(period.from);
        if let Some((last, _)) = stretches.last_mut() {
            last.before = begins;
        }
        stretches.push((Period { from: begins, before: period.before }, Some(day)));
    }
    stretches.retain(|(stretch, _)| stretch.from < stretch.before);
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_cut_where_other_parameters_begin() {
        let day = |day| Date::new(2026, 3, day).unwrap();
        let period = |from, before| Period { from: day(from).start(), before: day(before).start() };
        let of = |days: &[i8]| stretches(period(10, 20), days.iter().map(|n| day(*n)));
        assert_eq!(of(&[]), [(period(10, 20), None)]);
        assert_eq!(of(&[1, 5]), [(period(10, 20), Some(day(5)))]);
        assert_eq!(of(&[10, 25]), [(period(10, 20), Some(day(10)))]);
        assert_eq!(of(&[15, 20]), [(period(10, 15), None), (period(15, 20), Some(day(15)))]);
    }
}
