//! Figures of branches: of units and persons. A branch counts for who holds it, or held it at its end.

use super::{Figure as _, FiguresLine, GroupBy, Share, StatisticsFilter, figures, of_documents, start};
use crate::{
    branches::{BranchRow, COLUMNS, read},
    error::ViewsError,
    page::{Page, PageRequest},
    sql::{Order, Sql},
    store::Views,
    viewer::Viewer,
};

figures! {
    /// A figure of branches.
    BranchFigure,
    /// Figures of branches.
    BranchFigures {
        /// Given in the period, those that are only informed left out.
        Assigned assigned: "(b.role <> 2 AND b.assigned_at >= $4 AND b.assigned_at < $5)";
        /// Owed now.
        InProcess in_process: "(b.role <> 2 AND b.ended IS NULL)";
        /// Completed in the period.
        Processed processed: "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5)";
        /// Owed past the deadline, now.
        LateOpen late_open: "(b.role <> 2 AND b.ended IS NULL AND b.binding_due < $3)";
        /// Completed in the period after the deadline.
        LateDone late_done: "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 AND b.ended_at > b.binding_due)";
        /// Both kinds of late.
        Late late: "(b.role <> 2 AND ((b.ended IS NULL AND b.binding_due < $3) OR \
            (b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 AND b.ended_at > b.binding_due)))";
        /// Completed in the period at or before the deadline.
        OnTime on_time: "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 AND b.ended_at <= b.binding_due)";
        /// Of those on time, the ones that were so only by an extension.
        MetOnlyByExtension met_only_by_extension: "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 \
            AND b.ended_at <= b.binding_due AND b.ended_at > b.original_due)";
        /// Owed now without a deadline.
        NoDeadlineOpen no_deadline_open: "(b.role <> 2 AND b.ended IS NULL AND b.binding_due IS NULL)";
        /// Completed in the period without a deadline: in no ratio.
        NoDeadlineDone no_deadline_done: "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 \
            AND b.binding_due IS NULL)";
        /// Only informed, in the period: in no ratio.
        Informed informed: "(b.role = 2 AND b.assigned_at >= $4 AND b.assigned_at < $5)";
        /// Withdrawn in the period: in no ratio.
        Withdrawn withdrawn: "(b.role <> 2 AND b.ended = 1 AND b.ended_at >= $4 AND b.ended_at < $5)";
        /// Given back in the period: in no ratio.
        Returned returned: "(b.role <> 2 AND b.ended = 2 AND b.ended_at >= $4 AND b.ended_at < $5)";
        /// Ended with the document in the period: neither on time nor late.
        ClosedWithDocument closed_with_document: "(b.role <> 2 AND b.ended = 3 AND b.ended_at >= $4 AND b.ended_at < $5)";
    }
}

impl BranchFigures {
    /// On time among those completed with a deadline.
    pub fn on_time_share(&self) -> Share {
        Share { of: self.on_time, among: self.on_time.saturating_add(self.late_done) }
    }
}

const LIST: &str = "branchFigure";

impl Views {
    /// Figures of the branches of documents that the viewer sees.
    pub async fn branch_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        by: GroupBy,
    ) -> Result<Vec<FiguresLine<BranchFigures>>, ViewsError> {
        self.lines::<BranchFigure>(viewer, filter, by, condition).await
    }

    /// The branches that a figure counts. For a group's number, filter by the group.
    pub async fn counted_branches(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: BranchFigure,
        page: &PageRequest,
    ) -> Result<Page<BranchRow>, ViewsError> {
        let mut sql = start(viewer, filter);
        sql.push("SELECT b.document, b.place, ").push(COLUMNS);
        condition(&mut sql, filter);
        sql.push(" AND ").push(figure.condition());
        let order = Order { columns: &["b.document", "b.place"], newest_first: true };
        sql.page(&mut self.reading().await?, LIST, order, page, read).await
    }
}

fn condition(sql: &mut Sql, filter: &StatisticsFilter) {
    sql.push(" FROM branch b JOIN document d ON d.document = b.document WHERE b.organ = $1 AND ").visible();
    of_documents(sql, filter);
    if let Some(unit) = &filter.unit {
        unit.and(sql, "b.for_unit");
    }
    sql.and_equal("b.person", filter.person);
}
