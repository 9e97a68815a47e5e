//! Work beside the writer: the next segment is filled with zeros before it is needed, and a sealed one gets its side
//! file.

use std::{io, sync::Arc, thread::JoinHandle};

use super::{
    create::{SPARE, Spare},
    index::{Look, scan},
    segment::Segment,
};
use crate::disk::Disk;

type Job = Box<dyn FnOnce() -> Option<io::Result<Spare>> + Send>;

/// Does one piece of work at a time, in a thread or at once.
#[derive(Debug)]
pub(crate) struct Keeper {
    threads: bool,
    running: Vec<JoinHandle<Option<io::Result<Spare>>>>,
    preparing: bool,
    spare: Option<io::Result<Spare>>,
}

impl Keeper {
    /// Works in threads, or (for tests that need one order of things) at once.
    pub(crate) fn new(threads: bool) -> Self {
        Self { threads, running: Vec::new(), preparing: false, spare: None }
    }

    fn start(&mut self, job: Job) {
        if !self.threads {
            self.spare = job().or(self.spare.take());
            return;
        }
        let thread = std::thread::Builder::new().name("socai-log-keeper".into());
        match thread.spawn(job) {
            Ok(handle) => self.running.push(handle),
            // The writer makes the spare itself when it needs it, and a side file is never needed.
            Err(error) => tracing::warn!(%error, "no thread for work beside the log's writer"),
        }
    }

    /// Has a spare made, if none is there or being made.
    pub(crate) fn prepare(&mut self, disk: &Arc<dyn Disk>, size: u32) {
        if self.preparing {
            return;
        }
        self.preparing = true;
        let disk = Arc::clone(disk);
        self.start(Box::new(move || Some(Spare::make(&*disk, size))));
    }

    /// Has a sealed segment's side file made. The checksums of what is read for it are checked on the way.
    pub(crate) fn sealed(&mut self, disk: &Arc<dyn Disk>, segment: Arc<Segment>) {
        let disk = Arc::clone(disk);
        self.start(Box::new(move || {
            let name = segment.name();
            match scan(&segment, Look::Ends) {
                Ok(Ok(index)) => {
                    if let Err(error) = index.save(&*disk, &segment) {
                        tracing::warn!(name, %error, "a segment's side file could not be written; it is not needed");
                    }
                }
                Ok(Err(damage)) => tracing::error!(%damage, "a segment that was just written is damaged"),
                Err(error) => tracing::warn!(name, %error, "a sealed segment could not be read"),
            }
            None
        }));
    }

    /// Waits for all work, and forgets what came of it.
    pub(crate) fn finish(&mut self) {
        self.gather();
        self.spare = None;
        self.preparing = false;
    }

    fn gather(&mut self) {
        for handle in self.running.drain(..) {
            if let Ok(Some(spare)) = handle.join() {
                self.spare = Some(spare);
            }
        }
    }

    /// The spare that was prepared, or one made now.
    pub(crate) fn spare(&mut self, disk: &dyn Disk, size: u32) -> io::Result<Spare> {
        self.gather();
        self.preparing = false;
        if let Some(Ok(spare)) = self.spare.take() {
            return Ok(spare);
        }
        if disk.list()?.iter().any(|name| name == SPARE) {
            disk.remove(SPARE)?;
        }
        Spare::make(disk, size)
    }
}
