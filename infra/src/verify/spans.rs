//! Cutting the files into spans that can be verified apart: by the marks of side files where these hold, else by hopping
//! from frame to frame.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use socai_domain::ledger::{LedgerId, Position, RecordHash};

use super::{Fault, chains::Chains, span::Link};
use crate::{
    disk::Disk,
    log::file::{
        Known,
        closed::Closed,
        format::FIRST_FRAME,
        index::Index,
        segment::{Segment, Step, Walker},
        segments,
    },
};

/// A span has at least this many bytes, except at a segment's end.
const SPAN: u32 = 2 << 20;

/// Frames that lie one after the other in one segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Index of the segment.
    pub(super) segment: usize,
    /// Where the first frame begins.
    pub(super) from: u32,
    /// Where the next span begins, or the file's end.
    pub(super) to: u32,
    /// The place of the first record.
    pub(super) first: u64,
    /// It is the last one of its segment: after its frames there are zeros.
    pub(super) ends_segment: bool,
}

impl Span {
    pub(super) fn len(&self) -> u64 {
        u64::from(self.to - self.from)
    }
}

/// What is to be verified.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) segments: Vec<Segment>,
    pub(super) spans: Vec<Span>,
    pub(super) expect: Option<(Position, RecordHash)>,
    /// How far somebody was told that the log goes.
    known: Known,
    marker: Option<Closed>,
    /// Space for links that is used again: fresh memory for each span would cost more than looking at it.
    space: Mutex<Vec<Vec<Link>>>,
}

impl Plan {
    /// Empty space for links.
    pub(super) fn space(&self) -> Vec<Link> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes space back.
    pub(super) fn give_back(&self, mut links: Vec<Link>) {
        links.clear();
        self.space.lock().unwrap_or_else(PoisonError::into_inner).push(links);
    }

    pub(super) fn make(
        disk: &dyn Disk,
        dir: &Path,
        expect: Option<(Position, RecordHash)>,
        known: Known,
        marker: Option<Closed>,
    ) -> Result<Self, Fault> {
        let missing = || Fault::Missing(dir.display().to_string());
        if !dir.is_dir() {
            return Err(missing());
        }
        let (_, segments) = segments::open(disk, false)?;
        if segments.is_empty() {
            return Err(missing());
        }
        let mut plan = Self { segments, spans: Vec::new(), expect, known, marker, space: Mutex::default() };
        plan.check_told()?;
        for index in 0..plan.segments.len() {
            plan.cut(disk, index)?;
        }
        Ok(plan)
    }

    pub(super) fn ledger(&self) -> LedgerId {
        self.segments[0].header.ledger
    }

    pub(super) fn epoch(&self) -> u32 {
        self.segments[0].header.epoch
    }

    pub(super) fn total(&self) -> u64 {
        self.spans.iter().map(Span::len).sum()
    }

    /// It is the log of which somebody was told.
    fn check_told(&self) -> Result<(), Fault> {
        let here = self.segments[0].begins();
        let told = self.expect.map(|(position, _)| position).into_iter().chain(self.known.position);
        match told.into_iter().find(|position| !position.same_log(here)) {
            Some(position) => Err(Fault::foreign(position, here)),
            None => self.check_empty(),
        }
    }

    /// A head of the empty log is met before the first record, and is of zeros.
    fn check_empty(&self) -> Result<(), Fault> {
        match self.expect {
            Some((position, hash)) if position.place() == 0 && hash != RecordHash([0; 32]) => {
                Err(Fault::Unexpected(format!("at {position}, before its first record, it had no head {hash}")))
            }
            _ => Ok(()),
        }
    }

    fn cut(&mut self, disk: &dyn Disk, index: usize) -> Result<(), Fault> {
        let segment = &self.segments[index];
        let mut starts = vec![(FIRST_FRAME, segment.header.first)];
        let far = |starts: &[(u32, u64)], offset: u32| offset >= starts[starts.len() - 1].0.saturating_add(SPAN);
        if let Some(marks) = Index::load_marks(disk, segment) {
            for mark in marks {
                // Only where a whole frame of that place begins: a side file proves nothing.
                let mut walker = Walker::new(segment, mark.offset, mark.place, true).reading(1 << 12);
                if far(&starts, mark.offset) && matches!(walker.step(), Ok(Step::Frame { .. })) {
                    starts.push((mark.offset, mark.place));
                }
            }
        } else {
            let mut walker = Walker::new(segment, FIRST_FRAME, segment.header.first, false);
            let reading = || Fault::io(format!("reading {}", segment.name()));
            while let Step::Frame { offset, head, .. } = walker.step().map_err(reading())? {
                if far(&starts, offset) {
                    starts.push((offset, head.first));
                }
            }
        }
        let ends = starts.iter().skip(1).map(|&(offset, _)| Some(offset)).chain([None]);
        let size = segment.header.size;
        let spans = starts.iter().zip(ends).map(|(&(from, first), end)| Span {
            segment: index,
            from,
            to: end.unwrap_or(size),
            first,
            ends_segment: end.is_none(),
        });
        self.spans.extend(spans);
        Ok(())
    }

    /// Somebody was told, or the marker of a clean shutdown says, that a whole batch begins with this place.
    pub(super) fn must_hold(&self, place: u64) -> bool {
        let expected = self.expect.map_or(0, |(position, _)| position.place());
        self.marker.is_some() || expected.max(self.known.place()) >= place
    }

    /// If the log was closed in good order, it ends where the marker says; and never before what somebody was told of.
    pub(super) fn check_end(&self, chains: &Chains) -> Result<(), Fault> {
        match self.marker {
            Some(marker) if (marker.place, marker.head) != (chains.place(), chains.head()) => {
                let what = format!("the log ends here, but was closed in good order at record {}", marker.place);
                let segment = &self.segments[self.segments.len() - 1];
                return Err(Fault::at(segment.damage(0, chains.place() + 1, what)));
            }
            _ => {}
        }
        let known = self.known.told();
        if known > chains.place() {
            return Err(Fault::Short { end: chains.place(), known });
        }
        Ok(())
    }
}
