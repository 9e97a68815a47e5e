//! What was given back, and what it cost.

use socai_domain::{id::BranchId, time::Timestamp};

use super::{
    distribution::{Distribution, Took, count, durations},
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
    sql::{Order, Sql},
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

const REWORK: &str = "rework l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.from_at >= $4 AND l.from_at < $5 AND ";

impl Views {
    /// What was given back, and what it cost.
    pub async fn rework_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
    ) -> Result<ReworkFigures, ViewsError> {
        let mut snapshot = self.snapshot().await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let sql = of_period(viewer, filter, |sql| sql.sums::<ReworkFigure>());
        let numbers = sql.read_optional(snapshot.db(), ReworkFigure::read).await?.unwrap_or_default();
        let sql = of_period(viewer, filter, |sql| sql.push("l.from_at, l.until_at"));
        let (wall, working) = durations(&sql, snapshot.db(), &calendar).await?;
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

    /// How many there are in that list.
    pub async fn count_rework(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: ReworkFigure,
        took: Option<Took>,
    ) -> Result<u64, ViewsError> {
        let (mut snapshot, viewer) = self.judging(viewer).await?;
        let calendar = directory::calendar(snapshot.db(), viewer.organ()).await?;
        let mut sql = of_period(&viewer, filter, |sql| sql.push("l.from_at, l.until_at"));
        sql.push(" AND ").push(figure.condition());
        count(&sql, snapshot.db(), took, &calendar).await
    }

    async fn all_rework(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: ReworkFigure,
        page: PageRequest,
    ) -> Result<Page<ReworkSpell>, ViewsError> {
        let columns = "l.from_at, l.document, l.place, l.branch, l.from_at, l.until_at, ";
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = of_period(&viewer, filter, |sql| sql.push(columns).push(COLUMNS));
        sql.push(" AND ").push(figure.condition());
        let order = Order { columns: &["l.from_at", "l.document", "l.place"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (branch, from, until) = (cells.next()?, cells.next()?, cells.next()?);
            Ok(ReworkSpell { branch, from, until, document: read(cells)? })
        };
        sql.page(&mut db, "rework", order, &page, item).await
    }
}

/// What `columns` adds, of all that was given back in the period.
fn of_period(viewer: &Viewer, filter: &StatisticsFilter, columns: impl FnOnce(&mut Sql) -> &mut Sql) -> Sql {
    let mut sql = start(viewer, filter);
    columns(sql.push("SELECT ")).from(REWORK);
    condition(&mut sql, filter, OF_ROUND);
    sql
}
