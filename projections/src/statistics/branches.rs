//! Figures of branches: of units and persons. A branch counts for who holds it, or held it at its end.

use super::{FiguresLine, GroupBy, Part, Share, StatisticsFilter, figures, of_documents, start};
use crate::{
    branches::{BranchRow, COLUMNS, read},
    error::ViewsError,
    page::{Chain, Page, PageRequest},
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
        Assigned assigned by "b.assigned_at": "(b.role <> 2 AND b.assigned_at >= $4 AND b.assigned_at < $5)";
        /// Owed now.
        InProcess in_process: "(b.role <> 2 AND b.ended_at IS NULL)";
        /// Completed in the period.
        Processed processed by "b.ended_at": "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5)";
        /// Owed past the deadline, now.
        LateOpen late_open: "(b.role <> 2 AND b.ended_at IS NULL AND b.binding_due < $3)";
        /// Completed in the period after the deadline.
        LateDone late_done by "b.ended_at": "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 AND b.ended_at > b.binding_due)";
        /// Both kinds of late.
        Late late: "(b.role <> 2 AND ((b.ended_at IS NULL AND b.binding_due < $3) OR \
            (b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 AND b.ended_at > b.binding_due)))";
        /// Completed in the period at or before the deadline.
        OnTime on_time by "b.ended_at": "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 AND b.ended_at <= b.binding_due)";
        /// Of those on time, the ones that were so only by an extension.
        MetOnlyByExtension met_only_by_extension by "b.ended_at": "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 \
            AND b.ended_at <= b.binding_due AND b.ended_at > b.original_due)";
        /// Owed now without a deadline.
        NoDeadlineOpen no_deadline_open: "(b.role <> 2 AND b.ended_at IS NULL AND b.binding_due IS NULL)";
        /// Completed in the period without a deadline: in no ratio.
        NoDeadlineDone no_deadline_done by "b.ended_at": "(b.role <> 2 AND b.ended = 0 AND b.ended_at >= $4 AND b.ended_at < $5 \
            AND b.binding_due IS NULL)";
        /// Only informed, in the period: in no ratio.
        Informed informed by "b.assigned_at": "(b.role = 2 AND b.assigned_at >= $4 AND b.assigned_at < $5)";
        /// Withdrawn in the period: in no ratio.
        Withdrawn withdrawn by "b.ended_at": "(b.role <> 2 AND b.ended <> 0 AND b.ended = 1 AND b.ended_at >= $4 AND b.ended_at < $5)";
        /// Given back in the period: in no ratio.
        Returned returned by "b.ended_at": "(b.role <> 2 AND b.ended <> 0 AND b.ended = 2 AND b.ended_at >= $4 AND b.ended_at < $5)";
        /// Ended with the document in the period: neither on time nor late.
        ClosedWithDocument closed_with_document by "b.ended_at": "(b.role <> 2 AND b.ended <> 0 AND b.ended = 3 AND b.ended_at >= $4 AND b.ended_at < $5)";
    }
}

impl BranchFigures {
    /// On time among those completed with a deadline.
    pub fn on_time_share(&self) -> Share {
        Share { of: self.on_time, among: self.on_time.saturating_add(self.late_done) }
    }
}

const ASSIGNED: &str = "SELECT document, place FROM branch WHERE organ = $1 AND assigned_at >= $4 AND assigned_at < $5";
const ENDED_OR_OPEN: &str = "SELECT document, place FROM branch WHERE organ = $1 AND ended_at >= $4 AND ended_at < $5 \
    UNION SELECT document, place FROM branch WHERE organ = $1 AND ended_at IS NULL";

impl Views {
    /// Figures of the branches of documents that the viewer sees.
    pub async fn branch_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        by: GroupBy,
    ) -> Result<Vec<FiguresLine<BranchFigures>>, ViewsError> {
        self.lines::<BranchFigure>(viewer, filter, by, counted).await
    }

    /// The branches that a figure counts. For a group's number, filter by the group.
    pub async fn counted_branches(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: BranchFigure,
        page: &PageRequest,
    ) -> Result<Page<BranchRow>, ViewsError> {
        let part = |figure, name| Part { name, ..Part::of(figure, name) };
        let parts = match figure {
            BranchFigure::Late => {
                vec![part(BranchFigure::LateOpen, "late, open"), part(BranchFigure::LateDone, "late, done")]
            }
            figure => vec![Part::of(figure, "branch")],
        };
        let lists: Vec<_> = parts.iter().map(|part| part.named()).collect();
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let mut chain = Chain::of(&lists, page)?;
        while let Some((at, page)) = chain.wants() {
            let order = parts[at].order(["b.document", "b.place"]);
            let mut sql = start(&viewer, filter);
            sql.push("SELECT ").push(&order.join(", ")).push(", ").push(COLUMNS).from("branch b");
            condition(&mut sql, filter, true);
            sql.push(" AND b.organ = $1 AND ").push(parts[at].condition);
            let order = Order { columns: &order, newest_first: true };
            chain.take(sql.page(snapshot.db(), lists[at].0, order, &page, read).await?);
        }
        Ok(chain.page())
    }
}

/// From all that the figures can count, with their documents where those are wanted.
fn counted(sql: &mut Sql, filter: &StatisticsFilter, documents: bool) {
    among(sql, &[ASSIGNED, ENDED_OR_OPEN].join(" UNION "));
    condition(sql, filter, documents);
}

fn among<'a>(sql: &'a mut Sql, branches: &str) -> &'a mut Sql {
    sql.push(" FROM (").push(branches).push(") c JOIN branch b ON b.document = c.document AND b.place = c.place")
}

fn condition(sql: &mut Sql, filter: &StatisticsFilter, documents: bool) {
    if documents || filter.is_of_documents() {
        sql.push(" JOIN document d ON d.document = b.document");
    }
    sql.push(" WHERE ").seen("b.document");
    of_documents(sql, filter);
    if let Some(unit) = &filter.unit {
        unit.and(sql, "b.for_unit");
    }
    sql.and_equal("b.person", filter.person);
}
