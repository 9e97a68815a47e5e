//! Making segments. A file is filled with zeros and synced under a name that means nothing, ahead of time; it becomes a
//! segment by getting its header, then its name. So no append ever changes a file's length, and no sync has to.

use std::{io, sync::Arc};

use socai_domain::{
    ledger::{LedgerId, RecordHash},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    FileLogOptions, closed,
    error::{Damage, OpenLogError},
    format::{FIRST_FRAME, SegmentHeader, segment_name},
    index::Tips,
    recover::{Loaded, OpenReport, Tail},
    segment::Segment,
};
use crate::disk::{Disk, DiskFile, fill};

/// The name of a file that waits to become a segment.
pub(crate) const SPARE: &str = "spare";

/// A file of zeros, synced, that waits to become a segment.
#[derive(Debug)]
pub(crate) struct Spare {
    file: Arc<dyn DiskFile>,
    size: u32,
}

impl Spare {
    /// Makes one. A half-made one is removed, so that a full disk gets its space back.
    pub(crate) fn make(disk: &dyn Disk, size: u32) -> io::Result<Self> {
        let file = disk.create(SPARE)?;
        match fill(&*file, u64::from(size)).and_then(|()| file.sync_data()) {
            Ok(()) => Ok(Self { file, size }),
            Err(error) => {
                drop(file);
                // If even this fails, the next start removes it.
                let _ = disk.remove(SPARE);
                Err(error)
            }
        }
    }

    /// Makes it the segment of this number. Durable when it returns.
    pub(crate) fn become_segment(
        self,
        disk: &dyn Disk,
        ledger: LedgerId,
        epoch: u32,
        number: u32,
        place: u64,
        head: Option<RecordHash>,
    ) -> io::Result<Segment> {
        let id = random()?;
        let before = head.unwrap_or(RecordHash([0; 32]));
        let header = SegmentHeader { number, ledger, epoch, size: self.size, id, first: place + 1, before };
        self.file.write_at(&header.to_bytes(), 0)?;
        self.file.sync_data()?;
        disk.rename(SPARE, &segment_name(number))?;
        disk.sync_dir()?;
        Ok(Segment::new(header, self.file, Vec::new()))
    }
}

/// A random id.
pub(crate) fn random() -> io::Result<Uuid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Makes a ledger in a directory that has no segments.
pub(crate) fn ledger(disk: &dyn Disk, options: &FileLogOptions, names: &[String]) -> Result<Loaded, OpenLogError> {
    let missing = Damage { file: segment_name(1), offset: 0, record: 1, what: "the file is missing".into() };
    // The marker is only ever made beside segments.
    if names.iter().any(|name| name == closed::NAME) || options.known.place() > 0 {
        return Err(OpenLogError::Damaged(missing));
    }
    if !options.create {
        return Err(OpenLogError::Missing(format!("{disk:?}")));
    }
    let doing = || OpenLogError::io("making the first segment");
    if names.iter().any(|name| name == SPARE) {
        disk.remove(SPARE).map_err(doing())?;
    }
    let id = match options.ledger {
        Some(ledger) => ledger,
        None => LedgerId(random().map_err(doing())?),
    };
    let spare = Spare::make(disk, options.segment_size).map_err(doing())?;
    let segment = spare.become_segment(disk, id, options.epoch, 1, 0, None).map_err(doing())?;
    Ok(Loaded {
        segments: vec![Arc::new(segment)],
        tips: Tips::default(),
        tail: Tail { offset: FIRST_FRAME, place: 0, head: None, recorded: Timestamp::default() },
        report: OpenReport { created: true, segments: 1, ..OpenReport::default() },
    })
}
