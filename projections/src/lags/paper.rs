//! The wait for paper, and what was done meanwhile.

use socai_domain::time::Timestamp;

use super::{
    distribution::{Distribution, Took, count, durations},
    query::{OF_DOCUMENT, condition},
};
use crate::{
    directory,
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest, sift},
    sql::{Order, Sql},
    statistics::{Figure as _, StatisticsFilter, figures, start},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

figures! {
    /// A figure of electronic documents that arrived in the period and whose paper followed or was to follow.
    PaperFigure,
    /// Electronic documents that arrived in the period and whose paper followed or was to follow.
    PaperNumbers {
        /// All.
        All all: "(1 = 1)";
        /// Paper still awaited.
        Awaited awaited: "(l.paper_at IS NULL)";
        /// Submitted or passed on before the paper came (or while it is awaited).
        ActedMeanwhile acted_meanwhile: "(l.first_act_at IS NOT NULL AND (l.paper_at IS NULL OR l.first_act_at < l.paper_at))";
        /// Resolved before the paper came.
        ResolvedMeanwhile resolved_meanwhile: "(l.resolved_at IS NOT NULL AND (l.paper_at IS NULL OR l.resolved_at < l.paper_at))";
        /// The first act came only with the paper or after it. Paper that came first was not waited for.
        FirstActWaited first_act_waited: "(l.first_act_at >= l.paper_at AND l.paper_at > l.arrived_at)";
    }
}

/// The wait for paper in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaperFigures {
    /// How many.
    pub numbers: PaperNumbers,
    /// From the electronic arrival to the paper's.
    pub wall: Distribution,
    /// In working hours.
    pub working: Distribution,
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

const PAPER: &str = "paper_wait l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.arrived_at >= $4 AND l.arrived_at < $5 AND ";

impl Views {
    /// The wait for paper, and what was done meanwhile.
    pub async fn paper_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
    ) -> Result<PaperFigures, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let sql = of_period(viewer, filter, |sql| sql.sums::<PaperFigure>());
        let numbers = sql.read_optional(snapshot.db(), PaperFigure::read).await?.unwrap_or_default();
        let sql = of_period(viewer, filter, |sql| sql.push("l.arrived_at, l.paper_at"));
        let (wall, working) = durations(&sql, snapshot.db(), &calendar).await?;
        Ok(PaperFigures { numbers, wall, working })
    }

    /// Each document that a figure counts: all of them, or those whose paper took so long.
    pub async fn paper_waits(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: PaperFigure,
        took: Option<Took>,
        page: &PageRequest,
    ) -> Result<Page<PaperWait>, ViewsError> {
        let calendar = self.calendar(viewer).await?;
        let wanted = |wait: &PaperWait| took.is_none_or(|took| took.holds(wait.arrived_at, wait.paper_at, &calendar));
        sift(page, |page| self.all_paper_waits(viewer, filter, figure, page), wanted).await
    }

    /// How many there are in that list.
    pub async fn count_paper_waits(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: PaperFigure,
        took: Option<Took>,
    ) -> Result<u64, ViewsError> {
        let (mut snapshot, viewer) = self.judging(viewer).await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let mut sql = of_period(&viewer, filter, |sql| sql.push("l.arrived_at, l.paper_at"));
        sql.push(" AND ").push(figure.condition());
        count(&sql, snapshot.db(), took, &calendar).await
    }

    async fn all_paper_waits(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: PaperFigure,
        page: PageRequest,
    ) -> Result<Page<PaperWait>, ViewsError> {
        let columns = "l.arrived_at, l.document, l.arrived_at, l.paper_at, l.first_act_at, l.resolved_at, ";
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = of_period(&viewer, filter, |sql| sql.push(columns).push(COLUMNS));
        sql.push(" AND ").push(figure.condition());
        let order = Order { columns: &["l.arrived_at", "l.document"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (arrived_at, paper_at) = (cells.next()?, cells.next()?);
            let (first_act_at, resolved_at) = (cells.next()?, cells.next()?);
            Ok(PaperWait { arrived_at, paper_at, first_act_at, resolved_at, document: read(cells)? })
        };
        sql.page(&mut db, "paperWaits", order, &page, item).await
    }
}

/// What `columns` adds, of all that arrived in the period and whose paper followed or was to follow.
fn of_period(viewer: &Viewer, filter: &StatisticsFilter, columns: impl FnOnce(&mut Sql) -> &mut Sql) -> Sql {
    let mut sql = start(viewer, filter);
    columns(sql.push("SELECT ")).from(PAPER);
    condition(&mut sql, filter, OF_DOCUMENT);
    sql
}
