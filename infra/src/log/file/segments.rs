//! Opening all segment files of a log, for its writer and for readers beside it.

use super::{
    error::{Damage, OpenLogError},
    format::{INDEX, index_name, segment_name, segment_number},
    segment::Segment,
};
use crate::disk::Disk;

/// The files of a log that have numbers, in order.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) segments: Vec<u32>,
    /// Side files.
    pub(crate) sides: Vec<u32>,
}

impl Numbered {
    pub(crate) fn of(names: &[String]) -> Self {
        let side = |name: &String| {
            let number = name.strip_suffix(INDEX)?.parse().ok()?;
            (*name == index_name(number)).then_some(number)
        };
        let mut segments: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
        let mut sides: Vec<u32> = names.iter().filter_map(side).collect();
        segments.sort_unstable();
        sides.sort_unstable();
        Self { segments, sides }
    }

    /// A side file is made when the next segment is there: one of the last segment, or of none, is a trace of what is gone.
    pub(crate) fn alone(&self) -> Option<u32> {
        let last = self.segments.last().copied().unwrap_or(0);
        self.sides.iter().copied().find(|side| *side >= last)
    }

    /// No segment is missing, as far as names tell.
    fn check(&self) -> Result<(), Damage> {
        let missing = |number, what: String| Err(Damage { file: segment_name(number), offset: 0, record: 0, what });
        if let Some((_, expected)) = self.segments.iter().zip(1..).find(|(number, expected)| *number != expected) {
            return missing(expected, "the file is missing".into());
        }
        match self.alone() {
            Some(side) => {
                let what = format!("the file is missing, but {} says that it was there", index_name(side));
                missing(side.saturating_add(1), what)
            }
            None => Ok(()),
        }
    }
}

/// Opens all segments, the last one for writing if so asked: numbered without gaps, of one ledger, from its first record on.
/// With the names of all files; no segments where there are none.
pub(crate) fn open(disk: &dyn Disk, write: bool) -> Result<(Vec<String>, Vec<Segment>), OpenLogError> {
    let list = || disk.list().map_err(OpenLogError::io("listing the log's directory"));
    let mut names = list()?;
    if Numbered::of(&names).check().is_err() {
        // A name that comes while names are listed may be missed, but not twice.
        names = list()?;
    }
    let numbered = Numbered::of(&names);
    numbered.check().map_err(OpenLogError::Damaged)?;
    let mut segments = Vec::with_capacity(numbered.segments.len());
    for number in &numbered.segments {
        let opened = Segment::open(disk, *number, write && Some(number) == numbered.segments.last());
        let opened = opened.map_err(OpenLogError::io(format!("opening {}", segment_name(*number))))?;
        segments.push(opened.map_err(OpenLogError::Damaged)?);
    }
    let Some(first) = segments.first() else { return Ok((names, segments)) };
    if first.header.first != 1 {
        let what = "the first segment does not begin with the first record";
        return Err(OpenLogError::Damaged(first.damage(0, 1, what)));
    }
    let log = (first.header.ledger, first.header.epoch);
    if let Some(other) = segments.iter().find(|segment| (segment.header.ledger, segment.header.epoch) != log) {
        let what = format!("this segment is of another ledger, {}", other.header.ledger);
        return Err(OpenLogError::Damaged(other.damage(0, other.header.first, what)));
    }
    Ok((names, segments))
}
