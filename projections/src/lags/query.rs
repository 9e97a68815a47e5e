//! Asking how long things take.

use socai_domain::{calendar::WorkingCalendar, id::BranchId, incoming::Stage, time::Timestamp};

use super::distribution::Distribution;
use crate::{
    directory,
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest},
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

/// What was given back in the period, and how long it took until it went forward again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReworkFigures {
    /// How often something was given back.
    pub count: u64,
    /// Of these, what still lies there.
    pub open: u64,
    /// By the clock, of those that went forward.
    pub wall: Distribution,
    /// In working hours.
    pub working: Distribution,
}

/// One time that something was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReworkSpell {
    /// The branch; none when the leader gave the document back to the clerk.
    pub branch: Option<BranchId>,
    /// When.
    pub from: Timestamp,
    /// When it went forward again.
    pub until: Option<Timestamp>,
    /// The document as it is now.
    pub document: DocumentRow,
}

/// Electronic documents that arrived in the period and whose paper followed or was to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperFigures {
    /// How many.
    pub count: u64,
    /// Paper still awaited.
    pub awaited: u64,
    /// From the electronic arrival to the paper's.
    pub wall: Distribution,
    /// In working hours.
    pub working: Distribution,
    /// Submitted or passed on before the paper came (or while it is awaited).
    pub acted_meanwhile: u64,
    /// Resolved before the paper came.
    pub resolved_meanwhile: u64,
    /// The first act came only with the paper or after it.
    pub first_act_waited: u64,
}

/// One document and its paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperWait {
    /// The electronic arrival.
    pub arrived_at: Timestamp,
    /// The paper's.
    pub paper_at: Option<Timestamp>,
    /// When it was first submitted or passed on.
    pub first_act_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// The document as it is now.
    pub document: DocumentRow,
}

const LAGS: &str =
    " FROM lag l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.to_at >= $4 AND l.to_at < $5 AND ";
const REWORK: &str = " FROM rework l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.from_at >= $4 AND l.from_at < $5 AND ";
const PAPER: &str = " FROM paper_wait l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.arrived_at >= $4 AND l.arrived_at < $5 AND ";

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
            let mut sql = start(viewer, filter);
            sql.push("SELECT l.from_at, l.to_at").push(LAGS);
            condition(&mut sql, filter, OF_ROUND);
            sql.and_equal("l.stage", Some(stage));
            let (wall, working) = durations(&sql.fetch_all(snapshot.db()).await?, &calendar)?;
            figures.push(LagFigures { stage, wall, working });
        }
        Ok(figures)
    }

    /// The documents of one of those figures.
    pub async fn lags(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: Stage,
        page: &PageRequest,
    ) -> Result<Page<Lag>, ViewsError> {
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.to_at, l.document, l.round, l.round, l.stage_before, l.from_at, l.to_at, ")
            .push(COLUMNS)
            .push(LAGS);
        condition(&mut sql, filter, OF_ROUND);
        sql.and_equal("l.stage", Some(stage));
        let order = Order { columns: &["l.to_at", "l.document", "l.round"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (round, stage_before, from, to) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
            Ok(Lag { round, stage_before, from, to, document: read(cells)? })
        };
        sql.page(&mut self.snapshot().await?, "lags", order, page, item).await
    }

    /// What was given back, and what it cost.
    pub async fn rework_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
    ) -> Result<ReworkFigures, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.from_at, l.until_at").push(REWORK);
        condition(&mut sql, filter, OF_ROUND);
        let rows = sql.fetch_all(snapshot.db()).await?;
        let (wall, working) = durations(&rows, &calendar)?;
        let count = rows.len() as u64;
        Ok(ReworkFigures { count, open: count - wall.count, wall, working })
    }

    /// Each of those times.
    pub async fn rework(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        page: &PageRequest,
    ) -> Result<Page<ReworkSpell>, ViewsError> {
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.from_at, l.document, l.place, l.branch, l.from_at, l.until_at, ").push(COLUMNS).push(REWORK);
        condition(&mut sql, filter, OF_ROUND);
        let order = Order { columns: &["l.from_at", "l.document", "l.place"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (branch, from, until) = (cells.next()?, cells.next()?, cells.next()?);
            Ok(ReworkSpell { branch, from, until, document: read(cells)? })
        };
        sql.page(&mut self.snapshot().await?, "rework", order, page, item).await
    }

    /// The wait for paper, and what was done meanwhile.
    pub async fn paper_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
    ) -> Result<PaperFigures, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.arrived_at, l.paper_at, l.first_act_at, l.resolved_at").push(PAPER);
        condition(&mut sql, filter, OF_DOCUMENT);
        let rows = sql.fetch_all(snapshot.db()).await?;
        let (wall, working) = durations(&rows, &calendar)?;
        let (mut acted_meanwhile, mut resolved_meanwhile, mut first_act_waited) = (0, 0, 0);
        for row in &rows {
            let mut cells = Cells::skipping(row, 1);
            let (paper, act, resolved): (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>) =
                (cells.next()?, cells.next()?, cells.next()?);
            let before_paper = |at: Option<Timestamp>| at.is_some_and(|at| paper.is_none_or(|paper| at < paper));
            acted_meanwhile += u64::from(before_paper(act));
            resolved_meanwhile += u64::from(before_paper(resolved));
            first_act_waited += u64::from(act.is_some() && !before_paper(act));
        }
        let count = rows.len() as u64;
        let awaited = count - wall.count;
        Ok(PaperFigures { count, awaited, wall, working, acted_meanwhile, resolved_meanwhile, first_act_waited })
    }

    /// Each of those documents.
    pub async fn paper_waits(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        page: &PageRequest,
    ) -> Result<Page<PaperWait>, ViewsError> {
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.document, l.arrived_at, l.paper_at, l.first_act_at, l.resolved_at, ")
            .push(COLUMNS)
            .push(PAPER);
        condition(&mut sql, filter, OF_DOCUMENT);
        let order = Order { columns: &["l.document"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (arrived_at, paper_at) = (cells.next()?, cells.next()?);
            let (first_act_at, resolved_at) = (cells.next()?, cells.next()?);
            Ok(PaperWait { arrived_at, paper_at, first_act_at, resolved_at, document: read(cells)? })
        };
        sql.page(&mut self.snapshot().await?, "paperWaits", order, page, item).await
    }
}

/// The branches that a filter by unit or person looks at: those of the round, or of the document.
const OF_ROUND: &str = "b.document = l.document AND b.round = l.round";
const OF_DOCUMENT: &str = "b.document = l.document";

fn condition(sql: &mut Sql, filter: &StatisticsFilter, branches: &str) {
    sql.visible();
    of_documents(sql, filter);
    with_branches(sql, filter, branches);
}

/// By the clock and in working time, of the rows that have both ends.
fn durations(
    rows: &[sqlx::sqlite::SqliteRow],
    calendar: &WorkingCalendar,
) -> Result<(Distribution, Distribution), ViewsError> {
    let (mut wall, mut working) = (Vec::new(), Vec::new());
    for row in rows {
        let mut cells = Cells::of(row);
        let (from, to): (Timestamp, Option<Timestamp>) = (cells.next()?, cells.next()?);
        if let Some(to) = to {
            wall.push(to.as_micros().saturating_sub(from.as_micros()));
            working.push(calendar.working_time_between(from, to));
        }
    }
    Ok((Distribution::of(wall), Distribution::of(working)))
}
