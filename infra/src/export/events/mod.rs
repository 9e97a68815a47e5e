//! The export for analysts: a row for every record of a range of time. Streaming: at no time are more rows in memory than
//! a few chunks and a row group.

mod format;
mod json;
mod parquet;
mod row;

use std::{io, sync::Arc};

use socai_domain::{
    id::OrganId,
    ledger::{LedgerId, OpenError, Opened, Opener, Position, RecordHash},
    time::Timestamp,
};
use thiserror::Error;
use tokio::sync::mpsc;

pub use format::{Format, Sink};
pub(crate) use json::text as event_in_json;
pub use row::{COLUMNS, Cell, Column, Kind, Row, markdown};

use crate::{
    config::Config,
    keys::{self, KeysError},
    known,
    log::{
        Known, OpenLogError,
        file::{
            Damage,
            beside::{Placed, ReadTo},
        },
        reading::Reading,
    },
};

/// What is exported.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Recorded at this instant or later,
    pub from: Timestamp,
    /// and before this one.
    pub before: Timestamp,
    /// Of this organ only.
    pub organ: Option<OrganId>,
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many rows.
    pub rows: u64,
    /// How many of them are erased.
    pub erased: u64,
    /// The first and the last row's position.
    pub positions: Option<(Position, Position)>,
    /// How far the log was read, and its head there: what `socai verify --expect` takes. None of an empty log.
    pub head: Option<(Position, RecordHash)>,
    /// A batch at the very end of the log that is not whole, and was left out.
    pub torn: Option<Damage>,
}

/// Why nothing was exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// What tells how far the log goes at least.
    #[error("{0}")]
    Known(String),
    /// The key ring.
    #[error("{0}; with --sealed no keys are needed, and headers are exported")]
    Keys(#[from] KeysError),
    /// A record.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The output.
    #[error("the export cannot be written: {0}; nothing stands under its name")]
    Write(io::Error),
    /// The reader ended that should not have.
    #[error("reading the log stopped: {0}")]
    Stopped(String),
}

/// A ledger that is only read, and what opens its records.
#[derive(Debug)]
pub struct Source {
    log: Reading,
    opener: Option<Opener>,
}

/// So many records, or so many bytes of them, are opened at once.
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = 2 << 20;
/// So many chunks wait to be opened.
const WAITING: usize = 2;

/// Records, and how much of the log is behind them.
struct Chunk {
    records: Vec<Placed>,
    bytes: usize,
    behind: u64,
}

impl Source {
    /// Opens what the configuration names, for reading only; with the key ring unless `sealed`. With `own`, nothing in
    /// the data directory may tell of a longer log: a copy of the log elsewhere may well be older.
    pub async fn open(config: &Config, sealed: bool, own: bool) -> Result<Self, ExportError> {
        let known = if own { known(config).map_err(ExportError::Known)? } else { Known::default() };
        let log = Reading::open(&config.log, known).await?;
        let ring = if sealed { None } else { Some(keys::read_ring_of(config, log.ledger()).await?) };
        Ok(Self { opener: ring.map(|ring| Opener::new(Arc::new(ring))), log })
    }

    /// The ledger.
    pub fn ledger(&self) -> LedgerId {
        self.log.ledger()
    }

    /// Bytes of the log's segments, or records of a cluster's: what `on_progress` of [`Source::export`] comes to.
    pub fn amount(&self) -> u64 {
        self.log.amount()
    }

    /// Gives the sink a row for every record that is wanted, in the order of the log. If this fails or is dropped, what the
    /// sink has is not to be used.
    pub async fn export(
        &self,
        wanted: Wanted,
        sink: &mut dyn Sink,
        mut on_progress: impl FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let (sender, mut chunks) = mpsc::channel(WAITING);
        let log = self.log.clone();
        let reading = tokio::task::spawn_blocking(move || read(&log, wanted, &sender));
        let (mut rows, mut erased, mut positions) = (0, 0, None);
        while let Some(Chunk { records, behind, .. }) = chunks.recv().await {
            let bodies = self.bodies(&records).await?;
            erased += bodies.iter().filter(|body| matches!(body, Some(Opened::Erased))).count() as u64;
            rows += records.len() as u64;
            if let (Some(first), Some(last)) = (records.first(), records.last()) {
                let (first, _) = positions.unwrap_or((first.position, first.position));
                positions = Some((first, last.position));
            }
            let rows = records.iter().zip(bodies).map(|(placed, body)| row::row(placed, body)).collect();
            sink.write(rows).map_err(ExportError::Write)?;
            on_progress(behind);
        }
        let ReadTo { position, head, torn } =
            reading.await.map_err(|error| ExportError::Stopped(error.to_string()))??;
        Ok(Exported { rows, erased, positions, head: head.map(|head| (position, head)), torn })
    }

    async fn bodies(&self, records: &[Placed]) -> Result<Vec<Option<Opened>>, OpenError> {
        let Some(opener) = &self.opener else { return Ok(records.iter().map(|_| None).collect()) };
        let records: Vec<_> = records.iter().map(|placed| &placed.record).collect();
        Ok(opener.open_all(&records).await?.into_iter().map(Some).collect())
    }
}

/// Reads the log in chunks, until nobody wants them any more.
fn read(log: &Reading, wanted: Wanted, sender: &mpsc::Sender<Chunk>) -> Result<ReadTo, OpenLogError> {
    let fresh = |behind| Chunk { records: Vec::with_capacity(CHUNK), bytes: 0, behind };
    let chunk = std::cell::RefCell::new(fresh(0));
    let mut each = |placed: Placed| {
        let header = placed.record.header();
        if wanted.organ.is_some_and(|organ| organ.uuid() != header.organ) {
            return true;
        }
        let mut chunk = chunk.borrow_mut();
        chunk.bytes += placed.record.bytes().len();
        chunk.records.push(placed);
        if chunk.records.len() < CHUNK && chunk.bytes < CHUNK_BYTES {
            return true;
        }
        let behind = chunk.behind;
        sender.blocking_send(std::mem::replace(&mut *chunk, fresh(behind))).is_ok()
    };
    let read = log.read((wanted.from, wanted.before), &mut each, |behind| chunk.borrow_mut().behind = behind)?;
    let last = chunk.into_inner();
    if !last.records.is_empty() {
        // If nobody wants it, nobody asks how far was read.
        let _ = sender.blocking_send(last);
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
