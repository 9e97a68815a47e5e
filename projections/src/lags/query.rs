//! From stage to stage.

use socai_domain::{calendar::WorkingCalendar, incoming::Stage, time::Timestamp};

use super::distribution::{Distribution, Took, count, durations};
use crate::{
    directory,
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest, sift},
    sql::{Order, Sql},
    statistics::{StatisticsFilter, of_documents, start, with_branches},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

/// How long documents took to come to a stage. Those that came to it in the period are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LagFigures {
    /// The stage they came to.
    pub stage: Stage,
    /// From the stage before to this one, by the clock.
    pub wall: Distribution,
    /// In working hours.
    pub working: Distribution,
}

/// One document's way from one stage to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The round of work.
    pub round: u32,
    /// The stage before that it had.
    pub stage_before: Stage,
    /// First there.
    pub from: Timestamp,
    /// First at the stage asked about.
    pub to: Timestamp,
    /// The document as it is now.
    pub document: DocumentRow,
}

const LAGS: &str =
    "lag l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.to_at >= $4 AND l.to_at < $5 AND ";
impl Views {
    /// How long the documents that the viewer sees took from stage to stage.
    pub async fn lag_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
    ) -> Result<Vec<LagFigures>, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let mut figures = Vec::new();
        for stage in [Stage::Registered, Stage::Submitted, Stage::Directed, Stage::Resolved] {
            let sql = lags(viewer, filter, stage, "l.from_at, l.to_at");
            let (wall, working) = durations(&sql, snapshot.db(), &calendar).await?;
            figures.push(LagFigures { stage, wall, working });
        }
        Ok(figures)
    }

    /// The documents of one of those figures: all, or those that took so long.
    pub async fn lags(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: Stage,
        took: Option<Took>,
        page: &PageRequest,
    ) -> Result<Page<Lag>, ViewsError> {
        let calendar = self.calendar(viewer).await?;
        let wanted = |lag: &Lag| took.is_none_or(|took| took.holds(lag.from, Some(lag.to), &calendar));
        sift(page, |page| self.all_lags(viewer, filter, stage, page), wanted).await
    }

    /// How many there are in that list.
    pub async fn count_lags(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: Stage,
        took: Option<Took>,
    ) -> Result<u64, ViewsError> {
        let (mut snapshot, viewer) = self.judging(viewer).await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let sql = lags(&viewer, filter, stage, "l.from_at, l.to_at");
        count(&sql, snapshot.db(), took, &calendar).await
    }

    async fn all_lags(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: Stage,
        page: PageRequest,
    ) -> Result<Page<Lag>, ViewsError> {
        let columns = format!("l.to_at, l.document, l.round, l.round, l.stage_before, l.from_at, l.to_at, {COLUMNS}");
        let (mut db, viewer) = self.looking(viewer).await?;
        let sql = lags(&viewer, filter, stage, &columns);
        let order = Order { columns: &["l.to_at", "l.document", "l.round"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (round, stage_before, from, to) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
            Ok(Lag { round, stage_before, from, to, document: read(cells)? })
        };
        sql.page(&mut db, "lags", order, &page, item).await
    }

    /// The calendar of the viewer's organ.
    pub(super) async fn calendar(&self, viewer: &Viewer) -> Result<WorkingCalendar, ViewsError> {
        directory::calendar(&mut self.reading().await?, viewer.organ()).await
    }
}

/// These columns of those that came to the stage in the period.
fn lags(viewer: &Viewer, filter: &StatisticsFilter, stage: Stage, columns: &str) -> Sql {
    let mut sql = start(viewer, filter);
    sql.push("SELECT ").push(columns).from(LAGS);
    condition(&mut sql, filter, OF_ROUND);
    sql.and_equal("l.stage", Some(stage));
    sql
}

/// The branches that a filter by unit or person looks at: those of the round, or of the document.
pub(super) const OF_ROUND: &str = "b.document = l.document AND b.round = l.round";
pub(super) const OF_DOCUMENT: &str = "b.document = l.document";

pub(super) fn condition(sql: &mut Sql, filter: &StatisticsFilter, branches: &str) {
    sql.visible();
    of_documents(sql, filter);
    with_branches(sql, filter, branches);
}
