//! The documents that `savings` reckons with, one by one.

use socai_domain::time::Timestamp;

use super::condition;
use crate::{
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest},
    sql::Order,
    statistics::{StatisticsFilter, start},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

/// Which documents of `savings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavingFigure {
    /// Those that arrived in the period without paper: their pages, copies and envelopes count.
    Paperless,
    /// Of these, the ones whose number of pages nobody has entered.
    WithoutPages,
    /// Those that were first resolved in the period: their working time counts.
    Handled,
}

impl SavingFigure {
    /// Every figure.
    pub const ALL: &'static [Self] = &[Self::Paperless, Self::WithoutPages, Self::Handled];

    /// What dates it, and what else must hold.
    fn condition(self) -> (&'static str, &'static str) {
        match self {
            Self::Paperless => ("l.arrived_at", " AND l.paperless = 1"),
            Self::WithoutPages => ("l.arrived_at", " AND l.paperless = 1 AND l.pages IS NULL"),
            Self::Handled => ("l.resolved_at", ""),
        }
    }
}

/// One document as `savings` reckons with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedDocument {
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// When it was first resolved.
    pub resolved_at: Option<Timestamp>,
    /// Its pages, where somebody entered them.
    pub pages: Option<u64>,
    /// Copies that were not, or on paper would have been, printed.
    pub copies: u64,
    /// The document as it is now.
    pub document: DocumentRow,
}

impl Views {
    /// Each document that a figure of the savings counts, the last first.
    pub async fn saved_documents(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: SavingFigure,
        page: &PageRequest,
    ) -> Result<Page<SavedDocument>, ViewsError> {
        let (at, also) = figure.condition();
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = start(&viewer, filter);
        sql.push("SELECT ")
            .push(at)
            .push(", l.document, l.arrived_at, l.resolved_at, l.pages, l.copies, ")
            .push(COLUMNS);
        condition(&mut sql, filter, at);
        sql.push(also);
        let order = Order { columns: &[at, "l.document"], newest_first: true };
        let item = |cells: &mut Cells<'_>| {
            let (arrived_at, resolved_at) = (cells.next()?, cells.next()?);
            let (pages, copies) = (cells.next::<Option<i64>>()?, cells.next::<i64>()?);
            let (pages, copies) = (pages.map(i64::unsigned_abs), copies.unsigned_abs());
            Ok(SavedDocument { arrived_at, resolved_at, pages, copies, document: read(cells)? })
        };
        sql.page(&mut db, at, order, page, item).await
    }
}
