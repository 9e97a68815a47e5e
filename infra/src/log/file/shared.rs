//! What writer and readers share: open segments, where each stream ends, and how far the log is durable.

use std::sync::{Arc, PoisonError, RwLock};

use socai_domain::{
    ledger::{Head, LedgerId, Position, RecordHash},
    time::Timestamp,
};
use tokio::sync::watch;

use super::{
    index::Tips,
    recover::Tail,
    segment::{Mark, Segment},
};

/// How far the log is durable: readers never look beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Durable {
    pub(crate) segment: u32,
    pub(crate) tail: Tail,
    /// The writer has ended; nothing more will come.
    pub(crate) ended: bool,
}

/// What writer and readers share. Everything in it is durable.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) ledger: LedgerId,
    pub(crate) epoch: u32,
    pub(crate) segments: RwLock<Vec<Arc<Segment>>>,
    pub(crate) tips: RwLock<Tips>,
    pub(crate) durable: watch::Sender<Durable>,
}

impl Shared {
    /// The segment of this number.
    pub(crate) fn segment(&self, number: u32) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.get(usize::try_from(number).ok()?.checked_sub(1)?).cloned()
    }

    /// The segment that holds the record of this place, or would.
    pub(crate) fn segment_of(&self, place: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.header.first <= place);
        segments.get(after.checked_sub(1)?).cloned()
    }

    /// The last marked frame of this time or before, in whichever segment.
    pub(crate) fn marked_by(&self, then: Timestamp) -> Option<Mark> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.begins_by(then));
        segments[..after].last().and_then(|segment| segment.marked_by(then))
    }

    pub(crate) fn position(&self, place: u64) -> Position {
        Position::new(self.ledger, self.epoch, place)
    }

    pub(crate) fn head(&self) -> Head {
        let Tail { place, head, recorded, .. } = self.durable.borrow().tail;
        let hash = head.unwrap_or(RecordHash([0; 32]));
        Head { position: self.position(place), records: place, hash, recorded: recorded.max(Timestamp::default()) }
    }
}
