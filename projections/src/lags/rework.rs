//! What was given back, and what it cost.

use socai_domain::{id::BranchId, time::Timestamp};

use super::{
    distribution::{Distribution, Took, durations},
    query::{OF_ROUND, condition},
};
use crate::{
    directory,
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest, sift},
    sql::Order,
    statistics::{Figure as _, StatisticsFilter, figures, start},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

figures! {
    /// A figure of what was given back in the period.
    ReworkFigure,
    /// How often something was given back.
    ReworkNumbers {
        /// All times.
        All all: "(1 = 1)";
        /// What still lies there.
        Open open: "(l.until_at IS NULL)";
    }
}

/// What was given back in the period, and how long it took until it went forward again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReworkFigures {
    /// How often.
    pub numbers: ReworkNumbers,
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

const REWORK: &str = " FROM rework l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.from_at >= $4 AND l.from_at < $5 AND ";

impl Views {
    /// What was given back, and what it cost.
    pub async fn rework_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
    ) -> Result<ReworkFigures, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let mut sql = start(viewer, filter);
        sql.push("SELECT ").sums::<ReworkFigure>().push(REWORK);
        condition(&mut sql, filter, OF_ROUND);
        let numbers = sql.read_optional(snapshot.db(), ReworkFigure::read).await?.unwrap_or_default();
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.from_at, l.until_at").push(REWORK);
        condition(&mut sql, filter, OF_ROUND);
        let (wall, working) = durations(&sql.fetch_all(snapshot.db()).await?, &calendar)?;
        Ok(ReworkFigures { numbers, wall, working })
    }

    /// Each time that a figure counts: all of them, or those that took so long.
    pub async fn rework(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: ReworkFigure,
        took: Option<Took>,
        page: &PageRequest,
    ) -> Result<Page<ReworkSpell>, ViewsError> {
        let calendar = self.calendar(viewer).await?;
        let wanted = |spell: &ReworkSpell| took.is_none_or(|took| took.holds(spell.from, spell.until, &calendar));
        sift(page, |page| self.all_rework(viewer, filter, figure, page), wanted).await
    }

    async fn all_rework(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: ReworkFigure,
        page: PageRequest,
    ) -> Result<Page<ReworkSpell>, ViewsError> {
        let mut sql = start(viewer, filter);
        sql.push("SELECT l.from_at, l.document, l.place, l.branch, l.from_at, l.until_at, ").push(COLUMNS).push(REWORK);
        condition(&mut sql, filter, OF_ROUND);
        sql.push(" AND ").push(figure.condition());
        let order = Order { columns: &["l.from_at", "l.document", "l.place"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (branch, from, until) = (cells.next()?, cells.next()?, cells.next()?);
            Ok(ReworkSpell { branch, from, until, document: read(cells)? })
        };
        sql.page(&mut self.reading().await?, "rework", order, &page, item).await
    }
}
