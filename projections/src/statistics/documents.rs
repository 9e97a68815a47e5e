//! Figures of documents.

use socai_domain::time::Timestamp;

use super::{FiguresLine, GroupBy, Part, Share, StatisticsFilter, figures};
use crate::{
    document::{
        DocumentRow, RoundEnd,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Chain, Page, PageRequest},
    sql::{Order, Sql},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

figures! {
    /// A figure of documents.
    DocumentFigure,
    /// Figures of documents.
    DocumentFigures {
        /// Arrived in the period.
        Arrived arrived by "f.arrived_at": "(f.arrived_at >= $4 AND f.arrived_at < $5)";
        /// Registered in the period. Where an erasure took the instant, the book still has it.
        Registered registered: "((f.registered_at >= $4 AND f.registered_at < $5) OR \
            (f.registered_at IS NULL AND f.round = 1 AND f.began_at IS NOT NULL AND (SELECT 1 FROM document x \
            JOIN register_entry e ON e.document_id = x.id WHERE x.document = f.document AND e.given_at >= $4 AND e.given_at < $5 \
            LIMIT 1) = 1))";
        /// Registered and not ended, now.
        InProcess in_process: "(f.began_at IS NOT NULL AND f.ended_at IS NULL)";
        /// Resolved in the period.
        Processed processed by "f.ended_at": "(f.ended = 0 AND f.ended_at >= $4 AND f.ended_at < $5)";
        /// In process past the deadline, now.
        LateOpen late_open: "(f.began_at IS NOT NULL AND f.ended_at IS NULL AND f.binding_due < $3)";
        /// Resolved in the period after the deadline.
        LateDone late_done by "f.ended_at": "(f.ended = 0 AND f.ended_at >= $4 AND f.ended_at < $5 AND f.ended_at > f.binding_due)";
        /// Both kinds of late.
        Late late: "((f.began_at IS NOT NULL AND f.ended_at IS NULL AND f.binding_due < $3) OR \
            (f.ended = 0 AND f.ended_at >= $4 AND f.ended_at < $5 AND f.ended_at > f.binding_due))";
        /// Resolved in the period at or before the deadline.
        OnTime on_time by "f.ended_at": "(f.ended = 0 AND f.ended_at >= $4 AND f.ended_at < $5 AND f.ended_at <= f.binding_due)";
        /// Of those on time, the ones that were so only by an extension.
        MetOnlyByExtension met_only_by_extension by "f.ended_at": "(f.ended = 0 AND f.ended_at >= $4 AND f.ended_at < $5 AND \
            f.ended_at <= f.binding_due AND f.ended_at > f.original_due)";
        /// In process without a deadline (or none yet), now.
        NoDeadlineOpen no_deadline_open: "(f.began_at IS NOT NULL AND f.ended_at IS NULL AND f.binding_due IS NULL)";
        /// Resolved in the period without a deadline: in no ratio.
        NoDeadlineDone no_deadline_done by "f.ended_at": "(f.ended = 0 AND f.ended_at >= $4 AND f.ended_at < $5 AND f.binding_due IS NULL)";
        /// Receipt refused in the period: in no ratio.
        Refused refused by "f.ended_at": "(f.ended <> 0 AND f.ended = 1 AND f.ended_at >= $4 AND f.ended_at < $5)";
        /// Cancelled in the period: in no ratio.
        Cancelled cancelled by "f.ended_at": "(f.ended <> 0 AND f.ended = 2 AND f.ended_at >= $4 AND f.ended_at < $5)";
    }
}

impl DocumentFigures {
    /// On time among those resolved with a deadline.
    pub fn on_time_share(&self) -> Share {
        Share { of: self.on_time, among: self.on_time.saturating_add(self.late_done) }
    }
}

/// A document that a number counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedDocument {
    /// Which round of work is counted.
    pub round: u32,
    /// The round's deadline without any extension.
    pub original_due: Option<Timestamp>,
    /// The deadline by which lateness is judged.
    pub binding_due: Option<Timestamp>,
    /// How the round ended.
    pub ended: Option<RoundEnd>,
    /// When.
    pub ended_at: Option<Timestamp>,
    /// The document as it is now.
    pub document: DocumentRow,
}

const ARRIVED: &str =
    "SELECT document, round FROM document_fact WHERE organ = $1 AND arrived_at >= $4 AND arrived_at < $5";
const REGISTERED: &str = "SELECT document, round FROM document_fact WHERE organ = $1 AND registered_at >= $4 AND registered_at < $5 \
    UNION SELECT document, round FROM document_fact WHERE organ = $1 AND registered_at IS NULL";
const ENDED_OR_OPEN: &str = "SELECT document, round FROM document_fact WHERE organ = $1 AND ended_at >= $4 AND ended_at < $5 \
    UNION SELECT document, round FROM document_fact WHERE organ = $1 AND ended_at IS NULL";

impl DocumentFigure {
    /// What its list is made of, in turn.
    fn parts(self) -> Vec<Part> {
        let part = |figure, name| Part { name, ..Part::of(figure, name) };
        match self {
            Self::Registered => vec![
                Part {
                    only: " AND f.registered_at >= $4 AND f.registered_at < $5",
                    dated: Some("f.registered_at"),
                    ..part(self, "registered")
                },
                Part {
                    only: " AND f.registered_at IS NULL AND f.round = 1 AND f.began_at IS NOT NULL",
                    ..part(self, "registered, no instant")
                },
            ],
            Self::Late => vec![part(Self::LateOpen, "late, open"), part(Self::LateDone, "late, done")],
            _ => vec![Part::of(self, "document")],
        }
    }
}

impl Views {
    /// Figures of the documents that the viewer sees. Units and persons have figures of branches: no lines by them.
    pub async fn document_statistics(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        by: GroupBy,
    ) -> Result<Vec<FiguresLine<DocumentFigures>>, ViewsError> {
        if matches!(by, GroupBy::Unit | GroupBy::Person) {
            return Ok(Vec::new());
        }
        self.lines::<DocumentFigure>(viewer, filter, by, counted).await
    }

    /// The documents that a figure counts. For a group's number, filter by the group.
    pub async fn counted_documents(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        figure: DocumentFigure,
        page: &PageRequest,
    ) -> Result<Page<CountedDocument>, ViewsError> {
        let parts = figure.parts();
        let lists: Vec<_> = parts.iter().map(|part| part.named()).collect();
        let mut snapshot = self.snapshot().await?;
        let viewer = self.narrowed(&mut snapshot, viewer).await?;
        let mut chain = Chain::of(&lists, page)?;
        while let Some((at, page)) = chain.wants() {
            let order = parts[at].order(["f.document", "f.round"]);
            let mut sql = start(&viewer, filter);
            sql.push("SELECT ").push(&order.join(", "));
            sql.push(", f.round, f.original_due, f.binding_due, f.ended, f.ended_at, ").push(COLUMNS);
            sql.from("document_fact f").push(JOINED).push("f.organ = $1 AND ").seen("f.document");
            of_documents(&mut sql, filter);
            with_branches(&mut sql, filter, OF_FACT);
            sql.push(" AND ").push(parts[at].condition).push(parts[at].only);
            let order = Order { columns: &order, newest_first: true };
            chain.take(sql.page(snapshot.db(), lists[at].0, order, &page, item).await?);
        }
        Ok(chain.page())
    }
}

fn item(cells: &mut Cells<'_>) -> Result<CountedDocument, ViewsError> {
    Ok(CountedDocument {
        round: cells.next()?,
        original_due: cells.next()?,
        binding_due: cells.next()?,
        ended: cells.next()?,
        ended_at: cells.next()?,
        document: read(cells)?,
    })
}

/// `$4` and `$5` are the period.
pub(crate) fn start(viewer: &Viewer, filter: &StatisticsFilter) -> Sql {
    let mut sql = Sql::of(viewer);
    sql.fourth_and_fifth(filter.period.from, filter.period.before);
    sql
}

/// Each fact's document.
const JOINED: &str = " JOIN document d ON d.document = f.document WHERE ";
/// The branches of a fact's round.
const OF_FACT: &str = "b.document = f.document AND b.round = f.round";

fn among<'a>(sql: &'a mut Sql, facts: &str) -> &'a mut Sql {
    sql.push(" FROM (").push(facts).push(") c JOIN document_fact f ON f.document = c.document AND f.round = c.round")
}

/// From all that the figures can count, with their documents where those are wanted.
fn counted(sql: &mut Sql, filter: &StatisticsFilter, documents: bool) {
    among(sql, &[ARRIVED, REGISTERED, ENDED_OR_OPEN].join(" UNION "));
    if documents || filter.is_of_documents() {
        sql.push(" JOIN document d ON d.document = f.document");
    }
    sql.push(" WHERE ").seen("f.document");
    of_documents(sql, filter);
    with_branches(sql, filter, OF_FACT);
}

/// The part of the filter that speaks of units and persons: there is such a branch among `those`.
pub(crate) fn with_branches(sql: &mut Sql, filter: &StatisticsFilter, those: &str) {
    if let Some(unit) = &filter.unit {
        sql.push(" AND EXISTS (SELECT 1 FROM branch b WHERE ").push(those);
        unit.and(sql, "b.for_unit");
        sql.push(")");
    }
    if let Some(person) = filter.person {
        sql.push(" AND EXISTS (SELECT 1 FROM branch b WHERE ").push(those).push(" AND b.person = ");
        sql.bind(person).push(")");
    }
}

/// The part of the filter that speaks of the document.
pub(crate) fn of_documents(sql: &mut Sql, filter: &StatisticsFilter) {
    sql.and_equal("d.type_key", filter.document_type.as_deref().map(socai_domain::text::code_key));
    sql.and_equal("d.channel", filter.channel);
}
