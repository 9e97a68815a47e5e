//! Were documents registered and submitted (or passed on) in time? The day counts on which they arrived (Decree 30/2020,
//! art. 4.2c, 23.1): until the end of the next working day they were in time, and the share of the same day is shown beside;
//! urgent ones within the minutes that the organ had set by then. What lies there past its time is late, too.

use socai_domain::{document_types::Urgency, time::Timestamp};

use super::query::{OF_DOCUMENT, condition};
use crate::{
    directory::{self, Organ},
    document::{
        DocumentRow,
        query::{COLUMNS, read},
    },
    error::ViewsError,
    page::{Page, PageRequest, sift},
    sql::{Order, Sql},
    statistics::{Share, StatisticsFilter, start},
    store::Views,
    value::Cells,
    viewer::Viewer,
};

/// To what the clerks bring a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptStage {
    /// Registered.
    Registered,
    /// Submitted to the leader, or passed on straight to a unit.
    Submitted,
}

impl PromptStage {
    fn column(self) -> &'static str {
        match self {
            Self::Registered => "l.registered_at",
            Self::Submitted => "l.passed_at",
        }
    }
}

/// A figure of promptness, of what arrived in the period. What was refused or cancelled is in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromptFigure {
    /// Not urgent.
    Normal,
    /// Of these, on the day of arrival.
    SameDay,
    /// Of these, by the end of the next working day (the same day included).
    OnTime,
    /// Of these, later, or not yet although the time is over.
    Late,
    /// Of the late, not yet.
    LateOpen,
    /// Not urgent, not yet, and still in time: in no share.
    Pending,
    /// Urgent.
    Urgent,
    /// Of these, within the organ's minutes.
    UrgentOnTime,
    /// Of these, later, or not yet although the time is over.
    UrgentLate,
    /// Of the late, not yet.
    UrgentLateOpen,
    /// Urgent, not yet, and still in time: in no share.
    UrgentPending,
}

impl PromptFigure {
    /// Every figure.
    pub const ALL: [Self; 11] = [
        Self::Normal,
        Self::SameDay,
        Self::OnTime,
        Self::Late,
        Self::LateOpen,
        Self::Pending,
        Self::Urgent,
        Self::UrgentOnTime,
        Self::UrgentLate,
        Self::UrgentLateOpen,
        Self::UrgentPending,
    ];
}

/// How promptly documents came to a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promptness {
    numbers: [u64; PromptFigure::ALL.len()],
}

impl Promptness {
    /// One of the figures.
    pub fn get(&self, figure: PromptFigure) -> u64 {
        self.numbers[figure as usize]
    }

    /// On the day of arrival, among those not urgent that came in time or late.
    pub fn same_day_share(&self) -> Share {
        self.share(&[PromptFigure::SameDay], &[PromptFigure::OnTime, PromptFigure::Late])
    }

    /// In time, among all that came in time or late, urgent ones by their own measure.
    pub fn on_time_share(&self) -> Share {
        use PromptFigure::{Late, OnTime, UrgentLate, UrgentOnTime};
        self.share(&[OnTime, UrgentOnTime], &[OnTime, Late, UrgentOnTime, UrgentLate])
    }

    fn share(&self, of: &[PromptFigure], among: &[PromptFigure]) -> Share {
        let sum = |figures: &[PromptFigure]| figures.iter().map(|figure| self.get(*figure)).sum();
        Share { of: sum(of), among: sum(among) }
    }
}

/// A document that a figure of promptness counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptDocument {
    /// When it arrived, as stated.
    pub arrived_at: Timestamp,
    /// Until when it had to be at the stage.
    pub due: Timestamp,
    /// When it first was.
    pub there_at: Option<Timestamp>,
    /// The document as it is now.
    pub document: DocumentRow,
}

/// Microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What promptness is measured by.
struct Measure {
    organ: Organ,
    now: Timestamp,
}

/// What is measured of a document.
#[derive(Clone, Copy)]
struct Measured {
    arrived_at: Timestamp,
    there_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    urgency: Urgency,
}

impl Measure {
    fn due(&self, of: Measured) -> Timestamp {
        match of.urgency {
            Urgency::Normal => self.organ.calendar.end_of_next_working_day(of.arrived_at),
            _ => of.arrived_at.plus_minutes(self.organ.urgent_minutes(of.arrived_at).into()),
        }
    }

    fn figures(&self, of: Measured) -> &'static [PromptFigure] {
        use PromptFigure::{
            Late, LateOpen, Normal, OnTime, Pending, SameDay, Urgent, UrgentLate, UrgentLateOpen, UrgentOnTime,
            UrgentPending,
        };
        let (normal, due) = (of.urgency == Urgency::Normal, self.due(of));
        // 24:00 is the next day; a minute is in time to its end.
        let in_time = |at: Timestamp| if normal { at < due } else { at <= due };
        match (of.there_at, normal) {
            (None, _) if of.ended_at.is_some() => &[],
            (None, true) if in_time(self.now) => &[Normal, Pending],
            (None, true) => &[Normal, Late, LateOpen],
            (None, false) if in_time(self.now) => &[Urgent, UrgentPending],
            (None, false) => &[Urgent, UrgentLate, UrgentLateOpen],
            (Some(at), true) if at.date() == of.arrived_at.date() => &[Normal, SameDay, OnTime],
            (Some(at), true) => {
                if in_time(at) {
                    &[Normal, OnTime]
                } else {
                    &[Normal, Late]
                }
            }
            (Some(at), false) => {
                if in_time(at) {
                    &[Urgent, UrgentOnTime]
                } else {
                    &[Urgent, UrgentLate]
                }
            }
        }
    }
}

impl Views {
    /// How promptly the documents that the viewer sees and that arrived in the period came to `stage`.
    pub async fn promptness(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: PromptStage,
    ) -> Result<Promptness, ViewsError> {
        let (measure, mut promptness) = (self.measure(viewer).await?, Promptness::default());
        let mut sql = start(viewer, filter);
        sql.push("SELECT ");
        measured(&mut sql, stage);
        arrivals(&mut sql, filter);
        let count = |cells: &mut Cells<'_>| {
            measure.figures(read_measured(cells)?).iter().for_each(|figure| promptness.numbers[*figure as usize] += 1);
            Ok(())
        };
        sql.for_each(&mut self.reading().await?, count).await?;
        Ok(promptness)
    }

    /// The documents that one of those figures counts, the last to arrive first.
    pub async fn prompt_documents(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: PromptStage,
        figure: PromptFigure,
        page: &PageRequest,
    ) -> Result<Page<PromptDocument>, ViewsError> {
        let measure = self.measure(viewer).await?;
        let list = |page| self.prompt_arrivals(viewer, filter, stage, figure, page);
        let page = sift(page, list, |(of, _)| measure.figures(*of).contains(&figure)).await?;
        let item = |(of, document): (Measured, DocumentRow)| PromptDocument {
            arrived_at: of.arrived_at,
            due: measure.due(of),
            there_at: of.there_at,
            document,
        };
        Ok(page.map(item))
    }

    async fn prompt_arrivals(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: PromptStage,
        figure: PromptFigure,
        page: PageRequest,
    ) -> Result<Page<(Measured, DocumentRow)>, ViewsError> {
        let (mut db, viewer) = self.looking(viewer).await?;
        let mut sql = start(&viewer, filter);
        sql.push("SELECT l.arrived_at, l.document, ");
        measured(&mut sql, stage);
        sql.push(", ").push(COLUMNS);
        arrivals(&mut sql, filter);
        if matches!(figure, PromptFigure::Late | PromptFigure::LateOpen) {
            // The end of the next working day is more than a day away: what came before is not looked at.
            let there_at = stage.column();
            sql.push(&format!(" AND ({there_at} IS NULL OR {there_at} > l.arrived_at + {DAY})"));
        }
        let order = Order { columns: &["l.arrived_at", "l.document"], newest_first: true };
        let item = |cells: &mut Cells<'_>| Ok((read_measured(cells)?, read(cells)?));
        sql.page(&mut db, "promptDocuments", order, &page, item).await
    }

    async fn measure(&self, viewer: &Viewer) -> Result<Measure, ViewsError> {
        let organ = directory::folded(&mut self.reading().await?, viewer.organ()).await?;
        Ok(Measure { organ: organ.unwrap_or_else(|| Organ::new(0, viewer.organ())), now: viewer.at() })
    }
}

fn measured(sql: &mut Sql, stage: PromptStage) {
    sql.push("l.arrived_at, ").push(stage.column()).push(", l.ended_at, d.urgency");
}

fn read_measured(cells: &mut Cells<'_>) -> Result<Measured, ViewsError> {
    let (arrived_at, there_at) = (cells.next()?, cells.next()?);
    Ok(Measured { arrived_at, there_at, ended_at: cells.next()?, urgency: cells.next()? })
}

fn arrivals(sql: &mut Sql, filter: &StatisticsFilter) {
    sql.from("prompt l JOIN document d ON d.document = l.document WHERE l.organ = $1 AND l.arrived_at >= $4 AND l.arrived_at < $5 AND ");
    condition(sql, filter, OF_DOCUMENT);
}
