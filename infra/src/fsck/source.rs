//! The log as the layers read it: in order, again and again, without its lock: from files, or as an engine tells it.

use std::{collections::VecDeque, fmt, path::PathBuf, sync::Arc};

use futures::{StreamExt as _, stream::BoxStream};
use socai_domain::ledger::{EventLog, Followed, LedgerId, Position, ReadError, Recorded};
use tokio::runtime::Handle;

use crate::{
    clock::SystemClock,
    config::Config,
    log::{
        self, FileLogOptions, OpenLogError,
        file::{format::Address, reader::Reader as FileReader},
    },
};

/// Where the log is.
#[derive(Clone)]
pub(super) enum Source {
    /// Its directory.
    Files(PathBuf),
    /// An engine that tells it, and the position before its first record.
    Told(Arc<dyn EventLog>, Position),
}

/// A record as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Where it is in the files; nowhere if it was told.
    pub(super) address: Address,
    pub(super) place: u64,
    pub(super) record: &'a [u8],
}

/// Up to where to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// To this place, or as far as the log goes now.
    Place(u64),
    /// So many records in all. In files that is the place of the last.
    Records(u64),
}

/// As far as the log goes now.
pub(super) const NOW: Until = Until::Place(u64::MAX);

impl Source {
    /// What the configuration names. Nothing is made.
    pub(super) async fn open(config: &Config) -> Result<Self, OpenLogError> {
        if let Some(directory) = config.log_directory() {
            return Ok(Self::Files(directory));
        }
        let options = FileLogOptions { create: false, ..FileLogOptions::new(Arc::new(SystemClock)) };
        let events = log::open(&config.log, options).await?.events();
        let end = events.head().await.map_err(socai_kurrent::OpenKurrentError::from)?;
        Ok(Self::Told(events, end.position.with_place(0)))
    }

    /// A reader at the beginning.
    pub(super) fn reader(&self) -> Result<Reader, ReadError> {
        Ok(match self {
            Self::Files(directory) => Reader::Files(FileReader::open(directory)?),
            Self::Told(log, begins) => Reader::Told(Told {
                log: Arc::clone(log),
                at: *begins,
                records: 0,
                followed: None,
                waiting: VecDeque::new(),
            }),
        })
    }
}

/// Reads records in the order of the log. Waits for disk or network: use it in a thread of the runtime's for such work.
pub(super) enum Reader {
    Files(FileReader),
    Told(Told),
}

/// What an engine tells, as far as it was taken.
pub(super) struct Told {
    log: Arc<dyn EventLog>,
    at: Position,
    records: u64,
    followed: Option<BoxStream<'static, Result<Followed, ReadError>>>,
    /// What was told and not taken.
    waiting: VecDeque<Recorded>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({})", self.position(self.place()))
    }
}

impl Reader {
    /// The ledger.
    pub(super) fn ledger(&self) -> LedgerId {
        self.position(0).ledger()
    }

    /// The position of a place.
    pub(super) fn position(&self, place: u64) -> Position {
        match self {
            Self::Files(files) => files.position(place),
            Self::Told(told) => told.at.with_place(place),
        }
    }

    /// The place of the last record that was read.
    pub(super) fn place(&self) -> u64 {
        match self {
            Self::Files(files) => files.place(),
            Self::Told(told) => told.at.place(),
        }
    }

    /// How many records were read.
    pub(super) fn records(&self) -> u64 {
        match self {
            Self::Files(files) => files.place(),
            Self::Told(told) => told.records,
        }
    }

    /// Gives the next records, at least so many, none behind `until`. False: there are no more up to there.
    pub(super) fn read(
        &mut self,
        until: Until,
        at_least: usize,
        take: &mut dyn FnMut(Entry<'_>),
    ) -> Result<bool, ReadError> {
        match self {
            Self::Files(files) => {
                let (Until::Place(until) | Until::Records(until)) = until;
                files.read(until, at_least, &mut |address, entry| {
                    take(Entry { address, place: entry.place, record: entry.record });
                })
            }
            Self::Told(told) => told.read(until, at_least, take),
        }
    }
}

impl Told {
    fn read(&mut self, until: Until, at_least: usize, take: &mut dyn FnMut(Entry<'_>)) -> Result<bool, ReadError> {
        for _ in 0..at_least {
            let more = match until {
                Until::Place(until) => self.at.place() < until,
                Until::Records(until) => self.records < until,
            };
            if !more || !self.is_told()? {
                return Ok(false);
            }
            let behind = |next: &Recorded| matches!(until, Until::Place(until) if next.position.place() > until);
            if self.waiting.front().is_some_and(behind) {
                return Ok(false);
            }
            let Some(next) = self.waiting.pop_front() else { return Ok(false) };
            self.at = next.position;
            self.records += 1;
            take(Entry { address: Address::NONE, place: next.position.place(), record: next.record.bytes() });
        }
        Ok(true)
    }

    /// Waits until the next record was told. False: there is none now; what comes later is asked for anew.
    fn is_told(&mut self) -> Result<bool, ReadError> {
        while self.waiting.is_empty() {
            let after = (self.at.place() > 0).then_some(self.at);
            let followed = self.followed.get_or_insert_with(|| self.log.follow(after));
            match Handle::current().block_on(followed.next()).transpose()? {
                Some(Followed::Records(records)) => self.waiting.extend(records),
                Some(Followed::CaughtUp) | None => {
                    self.followed = None;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
