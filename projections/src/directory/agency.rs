//! What a document's fold asks of its agency: as the agency is now, or as it was at any record.

use std::collections::HashMap;

use socai_domain::{
    calendar::WorkingCalendar,
    id::{OrganId, PostId, UnitId},
    organ,
};

use super::fold::Organ;

/// What a document's fold asks of its agency.
pub(crate) trait Agency {
    /// Its working calendar.
    fn calendar(&self) -> &WorkingCalendar;
    /// The unit of a post. Posts do not move.
    fn unit_of(&self, post: PostId) -> Option<UnitId>;
}

impl Agency for Organ {
    fn calendar(&self) -> &WorkingCalendar {
        &self.calendar
    }

    fn unit_of(&self, post: PostId) -> Option<UnitId> {
        Self::unit_of(self, post)
    }
}

/// Of all agencies, what documents ask, at every place of the log.
#[derive(Debug, Default)]
pub(crate) struct Agencies {
    known: HashMap<OrganId, Known>,
    /// Of an agency that nobody knows.
    unknown: WorkingCalendar,
}

/// By the place of the record that brought it, in order.
#[derive(Debug, Default)]
struct Known {
    calendars: Vec<(i64, WorkingCalendar)>,
    posts: HashMap<PostId, Vec<(i64, UnitId)>>,
}

/// The last one before a place.
fn before<T>(changes: &[(i64, T)], place: i64) -> Option<&T> {
    let after = changes.partition_point(|(at, _)| *at < place);
    after.checked_sub(1).map(|index| &changes[index].1)
}

impl Agencies {
    /// Notes what a record changed in an agency, which took it in just now.
    pub(crate) fn note(&mut self, organ: &Organ, event: &organ::Event, place: i64) {
        let known = self.known.entry(organ.id).or_default();
        match event {
            organ::Event::CalendarDecided(_) => known.calendars.push((place, organ.calendar.clone())),
            organ::Event::PostCreated(e) => known.posts.entry(e.post).or_default().push((place, e.unit)),
            _ => {}
        }
    }

    /// An agency as the log knew it at a place.
    pub(crate) fn at(&self, organ: OrganId, place: i64) -> Then<'_> {
        Then { agencies: self, known: self.known.get(&organ), place }
    }

    /// The calendars that were decided after one place and before another.
    pub(crate) fn calendars(&self, organ: OrganId, after: i64, before: i64) -> &[(i64, WorkingCalendar)] {
        let Some(known) = self.known.get(&organ) else { return &[] };
        let from = known.calendars.partition_point(|(at, _)| *at <= after);
        let to = known.calendars.partition_point(|(at, _)| *at < before);
        known.calendars.get(from..to).unwrap_or_default()
    }
}

/// An agency as it was.
#[derive(Debug)]
pub(crate) struct Then<'a> {
    agencies: &'a Agencies,
    known: Option<&'a Known>,
    place: i64,
}

impl Agency for Then<'_> {
    fn calendar(&self) -> &WorkingCalendar {
        self.known.and_then(|known| before(&known.calendars, self.place)).unwrap_or(&self.agencies.unknown)
    }

    fn unit_of(&self, post: PostId) -> Option<UnitId> {
        before(self.known?.posts.get(&post)?, self.place).copied()
    }
}
