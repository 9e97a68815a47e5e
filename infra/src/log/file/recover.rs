//! Opening the files: check them, change nothing until all is checked, cut a torn end, then serve. Of a sealed segment with a
//! side file, checksums are checked; of the others, hashes and heads, too. The writer goes the same way again after a failed
//! write or sync.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use socai_domain::{ledger::RecordHash, time::Timestamp};

use super::{
    FileLogOptions,
    closed::{self, Closed},
    create::{self, SPARE},
    error::{Damage, OpenLogError},
    format::{FIRST_FRAME, NEW, index_name},
    index::{Index, Look, Tips, scan},
    segment::Segment,
    segments,
};
use crate::disk::{Disk, DiskFile};

/// The end of the log, where the next frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Its offset in the last segment.
    pub(crate) offset: u32,
    /// The place of the last record.
    pub(crate) place: u64,
    /// The log head; none before the first batch.
    pub(crate) head: Option<RecordHash>,
    /// The time of the last record.
    pub(crate) recorded: Timestamp,
}

/// What was found and done when the log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The ledger was made now.
    pub created: bool,
    /// How many segments there are.
    pub segments: usize,
    /// How many records there are.
    pub records: u64,
    /// How many streams there are.
    pub streams: usize,
    /// It had been closed in good order.
    pub closed_cleanly: bool,
    /// A batch at the very end was not whole and was cut; nobody had been told that it was taken.
    pub cut: Option<Damage>,
    /// Side files that were missing or wrong, and were made again.
    pub rebuilt: Vec<String>,
}

/// A log that was found to be whole.
pub(crate) struct Loaded {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) tips: Tips,
    pub(crate) tail: Tail,
    pub(crate) report: OpenReport,
}

/// Opens what is in the directory; makes a ledger there if it is empty and the options say so.
pub(crate) fn load(disk: &dyn Disk, options: &FileLogOptions) -> Result<Loaded, OpenLogError> {
    let (names, segments) = segments::open(disk, true)?;
    let segments: Vec<_> = segments.into_iter().map(Arc::new).collect();
    let Some((last, sealed)) = segments.split_last() else {
        return create::ledger(disk, options, &names);
    };
    check_log(&segments[0], options)?;
    let closed = closed::read(disk, &names)?;
    let Sealed { mut tips, rebuilt, recorded } = check_sealed(disk, sealed, last)?;
    let (mut index, torn) = check_last(last, closed.as_ref(), options.copying)?;
    let tail = Tail {
        offset: index.end.offset,
        place: index.end.place,
        head: index.end.head,
        recorded: index.end.recorded.max(recorded).unwrap_or_default(),
    };
    index.not_before(recorded);
    let what = index.bad.map_or("a batch was not written whole", |(_, what)| what);
    check_known(last, &tail, torn.map(|_| what), options)?;
    // All is checked. From here on, things are changed.
    // Several batches may have shared the last sync of a copy.
    let doubtful = index.last_frame.map(|last| if options.copying { FIRST_FRAME } else { last });
    repair(&*last.file, index.end.offset, doubtful, torn)
        .map_err(OpenLogError::io(format!("repairing {}", last.name())))?;
    tidy(disk, &names).map_err(OpenLogError::io("tidying the log's directory"))?;
    for (segment, index) in &rebuilt {
        if let Err(error) = index.save(disk, segment) {
            tracing::warn!(segment = segment.name(), %error, "a segment's side file could not be written; it is not needed");
        }
    }
    let cut = torn.map(|_| last.damage(tail.offset, tail.place + 1, what));
    last.set_marks(index.marks);
    tips.extend(index.tips);
    let report = OpenReport {
        created: false,
        segments: segments.len(),
        records: tail.place,
        streams: tips.len(),
        closed_cleanly: closed.is_some(),
        cut,
        rebuilt: rebuilt.iter().map(|(segment, _)| index_name(segment.header.number)).collect(),
    };
    Ok(Loaded { segments, tips, tail, report })
}

/// The ledger is the one that is wanted, and the log the one that somebody was told of.
fn check_log(first: &Segment, options: &FileLogOptions) -> Result<(), OpenLogError> {
    if let Some(wanted) = options.ledger
        && wanted != first.header.ledger
    {
        return Err(OpenLogError::OtherLedger { found: first.header.ledger, wanted });
    }
    options.known.check(first.begins())
}

/// What is known of all segments but the last one.
struct Sealed {
    tips: Tips,
    rebuilt: Vec<(Arc<Segment>, Index)>,
    recorded: Option<Timestamp>,
}

/// Checks every sealed segment up to the beginning of the next one, on all cores.
fn check_sealed(disk: &dyn Disk, sealed: &[Arc<Segment>], last: &Arc<Segment>) -> Result<Sealed, OpenLogError> {
    let claimed = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<Checked, OpenLogError>>>> = sealed.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let index = claimed.fetch_add(1, Ordering::Relaxed);
            let Some(segment) = sealed.get(index) else { break };
            let next = sealed.get(index + 1).unwrap_or(last);
            *results[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(check_one(disk, segment, next));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(sealed.len());
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let mut all = Sealed { tips: Tips::default(), rebuilt: Vec::new(), recorded: None };
    for (segment, result) in sealed.iter().zip(results) {
        let result = result.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut checked =
            result.unwrap_or_else(|| Err(OpenLogError::Damaged(segment.damage(0, 0, "it was not checked"))))?;
        checked.index.not_before(all.recorded);
        segment.set_marks(checked.index.marks.clone());
        all.recorded = checked.recorded.max(all.recorded);
        if checked.rebuilt {
            all.tips.extend(checked.index.tips.iter().map(|(&stream, &tip)| (stream, tip)));
            all.rebuilt.push((Arc::clone(segment), checked.index));
        } else {
            all.tips.extend(checked.index.tips);
        }
    }
    Ok(all)
}

struct Checked {
    index: Index,
    rebuilt: bool,
    recorded: Option<Timestamp>,
}

fn check_one(disk: &dyn Disk, segment: &Segment, next: &Segment) -> Result<Checked, OpenLogError> {
    let reading = || OpenLogError::io(format!("reading {}", segment.name()));
    let side = Index::load(disk, segment);
    let look = if side.is_some() { Look::Checksums } else { Look::Everything };
    let mut found = scan(segment, look).map_err(reading())?.map_err(OpenLogError::Damaged)?;
    let damage = |what: &str| {
        let place = found.end.place + 1;
        Err(OpenLogError::Damaged(segment.damage(found.end.offset, place, what)))
    };
    if let Some((_, what)) = found.bad {
        return damage(what);
    }
    if found.end.place + 1 != next.header.first || found.end.head != next.header.head_before() {
        return damage("the next segment does not begin where this one ends");
    }
    if segment.last_nonzero(found.end.offset).map_err(reading())?.is_some() {
        return damage("a byte after the last batch is not zero");
    }
    let recorded = found.end.recorded;
    let end = |index: &Index| (index.end.offset, index.end.place, index.end.head);
    let rebuilt = match side {
        Some(side) if end(&side) == end(&found) => {
            found.tips = side.tips;
            false
        }
        // The side file disagrees: the segment is right.
        Some(_) => {
            found = scan(segment, Look::Everything).map_err(reading())?.map_err(OpenLogError::Damaged)?;
            true
        }
        None => true,
    };
    Ok(Checked { index: found, rebuilt, recorded })
}

/// Checks the last segment; says up to where bytes of a torn batch must be cut. While it is copied into, several batches share a
/// sync, and any of them may be missing after a crash.
fn check_last(last: &Segment, closed: Option<&Closed>, copying: bool) -> Result<(Index, Option<u32>), OpenLogError> {
    let reading = || OpenLogError::io(format!("reading {}", last.name()));
    let index = scan(last, Look::Everything).map_err(reading())?.map_err(OpenLogError::Damaged)?;
    let torn = last.last_nonzero(index.end.offset).map_err(reading())?;
    let next = index.end.place + 1;
    let damage = |what: String| Err(OpenLogError::Damaged(last.damage(index.end.offset, next, what)));
    let what = index.bad.map_or("a byte after the last batch is not zero", |(_, what)| what);
    if let Some(closed) = closed {
        if torn.is_some() {
            return damage(format!("{what}, though the log had been closed in good order"));
        }
        if (closed.place, closed.head) != (index.end.place, index.end.head) {
            return damage(format!("the log ends here, but had been closed in good order at record {}", closed.place));
        }
    }
    if torn.is_some() && !copying && last.frame_after(index.end.offset, next).map_err(reading())?.is_some() {
        return damage(format!("{what}, and a whole batch follows"));
    }
    Ok((index, torn))
}

/// The log holds everything that somebody was told it holds. One that ends well, but before what was signed, is for the notary
/// to judge: it raises its alarm, and the rest is served.
fn check_known(last: &Segment, tail: &Tail, torn: Option<&str>, options: &FileLogOptions) -> Result<(), OpenLogError> {
    let known = if torn.is_some() { options.known.place() } else { options.known.told() };
    if known > tail.place {
        let damage = last.damage(tail.offset, tail.place + 1, torn.unwrap_or("nothing follows"));
        return Err(OpenLogError::Short { damage, known });
    }
    Ok(())
}

/// Zeroes what is torn, writes what is doubtful, the last frame at least, once more, and syncs. Once more, because after a failed sync the page
/// cache may show bytes that the disk does not have, and no sync writes them again.
fn repair(file: &dyn DiskFile, end: u32, doubtful: Option<u32>, torn: Option<u32>) -> io::Result<()> {
    if let Some(torn) = torn {
        file.write_at(&vec![0; (torn + 1 - end) as usize], u64::from(end))?;
    }
    if let Some(begin) = doubtful {
        let mut frame = vec![0; (end - begin) as usize];
        file.read_at(&mut frame, u64::from(begin))?;
        file.write_at(&frame, u64::from(begin))?;
    }
    file.sync_data()
}

/// Removes what an earlier life left, and makes sure that the names of the segments are on the disk.
fn tidy(disk: &dyn Disk, names: &[String]) -> io::Result<()> {
    for name in names.iter().filter(|name| *name == SPARE || *name == closed::NAME || name.ends_with(NEW)) {
        disk.remove(name)?;
    }
    disk.sync_dir()
}
