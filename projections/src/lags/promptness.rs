//! Were documents registered and submitted in time? Until the end of the next working day they were, and the share of
//! the same day is shown beside; urgent ones within the minutes that the organ has set (Decree 30/2020, art. 4.2c, 23.1).

use socai_domain::{calendar::WorkingCalendar, document_types::Urgency, incoming::Stage};

use super::query::Lag;
use crate::{
    directory,
    error::ViewsError,
    page::{MAX_PAGE, Page, PageRequest},
    statistics::{Share, StatisticsFilter},
    store::Views,
    viewer::Viewer,
};

/// A figure of promptness, of those that came to the stage in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromptFigure {
    /// Not urgent.
    Normal,
    /// Of these, on the same day.
    SameDay,
    /// Of these, by the end of the next working day (the same day included).
    OnTime,
    /// Of these, later.
    Late,
    /// Urgent.
    Urgent,
    /// Of these, within the organ's minutes.
    UrgentOnTime,
    /// Of these, later.
    UrgentLate,
}

impl PromptFigure {
    /// Every figure.
    pub const ALL: [Self; 7] =
        [Self::Normal, Self::SameDay, Self::OnTime, Self::Late, Self::Urgent, Self::UrgentOnTime, Self::UrgentLate];
}

/// How promptly documents came to a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promptness {
    numbers: [u64; 7],
}

impl Promptness {
    /// One of the figures.
    pub fn get(&self, figure: PromptFigure) -> u64 {
        self.numbers[figure as usize]
    }

    /// On the same day, among those not urgent.
    pub fn same_day_share(&self) -> Share {
        Share { of: self.get(PromptFigure::SameDay), among: self.get(PromptFigure::Normal) }
    }

    /// In time, among all, urgent ones by their own measure.
    pub fn on_time_share(&self) -> Share {
        let of = self.get(PromptFigure::OnTime).saturating_add(self.get(PromptFigure::UrgentOnTime));
        Share { of, among: self.get(PromptFigure::Normal).saturating_add(self.get(PromptFigure::Urgent)) }
    }
}

/// What promptness is measured by.
struct Measure {
    calendar: WorkingCalendar,
    urgent_minutes: i64,
}

impl Measure {
    fn figures(&self, lag: &Lag) -> &'static [PromptFigure] {
        use PromptFigure::{Late, Normal, OnTime, SameDay, Urgent, UrgentLate, UrgentOnTime};
        if lag.document.urgency != Urgency::Normal {
            let in_time = lag.to <= lag.from.plus_minutes(self.urgent_minutes);
            return if in_time { &[Urgent, UrgentOnTime] } else { &[Urgent, UrgentLate] };
        }
        if lag.from.date() == lag.to.date() {
            &[Normal, SameDay, OnTime]
        } else if lag.to < self.calendar.end_of_next_working_day(lag.from) {
            &[Normal, OnTime]
        } else {
            &[Normal, Late]
        }
    }
}

impl Views {
    /// How promptly the documents that the viewer sees came to `stage` (registered, submitted), counted from the stage
    /// before.
    pub async fn promptness(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: Stage,
    ) -> Result<Promptness, ViewsError> {
        let measure = self.measure(viewer).await?;
        let (mut promptness, mut request) = (Promptness::default(), PageRequest::first(MAX_PAGE));
        loop {
            let page = self.lags(viewer, filter, stage, &request).await?;
            for figure in page.nodes().flat_map(|lag| measure.figures(lag)) {
                promptness.numbers[*figure as usize] += 1;
            }
            match page.end_cursor.filter(|_| page.has_next) {
                Some(cursor) => request = PageRequest::first(MAX_PAGE).after(cursor),
                None => return Ok(promptness),
            }
        }
    }

    /// The documents that one of those figures counts.
    pub async fn prompt_documents(
        &self,
        viewer: &Viewer,
        filter: &StatisticsFilter,
        stage: Stage,
        figure: PromptFigure,
        page: &PageRequest,
    ) -> Result<Page<Lag>, ViewsError> {
        let measure = self.measure(viewer).await?;
        let wanted = usize::try_from(page.first).unwrap_or(usize::MAX);
        // A page of the right size is checked by the first look; then whole pages are looked through.
        let (mut items, mut request) = (Vec::new(), page.clone());
        loop {
            let looked = self.lags(viewer, filter, stage, &request).await?;
            items.extend(looked.items.into_iter().filter(|(_, lag)| measure.figures(lag).contains(&figure)));
            let next = looked.end_cursor.filter(|_| looked.has_next && items.len() <= wanted);
            let Some(cursor) = next else {
                let has_next = items.len() > wanted;
                items.truncate(wanted);
                let end_cursor = items.last().map(|(cursor, _)| cursor.clone());
                return Ok(Page { items, has_next, end_cursor, position: looked.position });
            };
            request = PageRequest::first(MAX_PAGE).after(cursor);
        }
    }

    async fn measure(&self, viewer: &Viewer) -> Result<Measure, ViewsError> {
        let organ = directory::folded(self.snapshot().await?.db(), viewer.organ()).await?;
        Ok(organ.map_or(Measure { calendar: WorkingCalendar::default(), urgent_minutes: 0 }, |organ| Measure {
            urgent_minutes: organ.urgent_minutes().into(),
            calendar: organ.calendar,
        }))
    }
}
