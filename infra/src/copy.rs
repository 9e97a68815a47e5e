//! Copying a ledger from one log into another: every record as it is, in the same order. So hashes, chains, the notary's tree
//! and every proof stay what they are; positions are the new log's own, of an engine epoch of their own.
//!
//! ```text
//! source ──read, checked──► the same as what the target has? ──► what it lacks ──► target ──read anew, compared──► whole
//! ```

use futures::future::OptionFuture;
use socai_domain::{
    ledger::{LedgerId, Position, RecordHash, RestoreError},
    proof::TreeHash,
};
use thiserror::Error;

use crate::{
    data::is_in_use,
    log::{
        self, FileLogOptions, Known, OpenLogError,
        file::{Damage, beside::Placed},
        reading::{Reading, Records},
        restoring::Restoring,
        walk::{Misplaced, Walk},
    },
    verify,
};

/// A copy that is whole, compared with what it was made of.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The ledger.
    pub ledger: LedgerId,
    /// How many records both hold.
    pub records: u64,
    /// How many of them were added now.
    pub added: u64,
    /// How many streams they are of.
    pub streams: usize,
    /// The root of the tree over all of them.
    pub root: TreeHash,
    /// Where the copy ends.
    pub position: Position,
    /// Its head there, as `socai verify` tells it.
    pub head: RecordHash,
    /// A batch at the source's very end that is not whole, and was left out.
    pub torn: Option<Damage>,
    /// Somebody has the source open, or it has grown meanwhile: what comes then is not in the copy.
    pub grows: bool,
}

/// Why there is no copy that is whole.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The log that is copied.
    #[error("--from: {0}")]
    Source(OpenLogError),
    /// The log that is copied into.
    #[error("--to: {0}")]
    Target(OpenLogError),
    /// It does not take a record.
    #[error("--to: {0}")]
    Refused(#[from] RestoreError),
    /// Both are the same.
    #[error("--from and --to are the same log, or one is a plain copy of the other's files: give another --to")]
    Same,
    /// A log is not whole.
    #[error("{which}: {misplaced}")]
    Broken {
        /// The flag that names the log.
        which: &'static str,
        /// What is wrong with which record.
        misplaced: Misplaced,
    },
    /// The target holds another history of the ledger.
    #[error(
        "--to holds another history of ledger {ledger}: its record {record} is not the one of --from. Nothing was changed; give \
         another --to"
    )]
    Differs {
        /// The ledger.
        ledger: LedgerId,
        /// The first record that differs, in the log's order, from 1.
        record: u64,
    },
    /// The target holds more.
    #[error(
        "--to holds more of ledger {ledger} than the {records} records of --from: it was written to, or --from is an older copy, or \
         fewer were asked for. Nothing was changed"
    )]
    More {
        /// The ledger.
        ledger: LedgerId,
        /// The records of the source.
        records: u64,
    },
    /// What was written is not what was read.
    #[error(
        "--to does not hold what --from holds: {there} records with root {found}, not {records} with {root}; it stays unfinished"
    )]
    Unequal {
        /// The records of the source.
        records: u64,
        /// The root over them.
        root: TreeHash,
        /// The records of the target.
        there: u64,
        /// The root over those.
        found: TreeHash,
    },
    /// The files that were written are not whole.
    #[error("--to does not verify: {0}")]
    Unverified(#[from] verify::Fault),
    /// No random number was to be had.
    #[error("no engine epoch can be chosen: {0}")]
    Random(String),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records that were looked at.
    pub done: u64,
    /// About how many there are to be looked at: each is read in both logs.
    pub total: u64,
}

/// Makes the log that `to` names the same ledger as the one that `from` names: all that it holds now, or its first records,
/// `at_most` so many. What `to` holds already must be the beginning of that. Of the options, those count that are about new files.
///
/// # Errors
/// What was added stays, and the next run goes on after it; until then nobody can open it.
pub async fn copy(
    from: &str,
    to: &str,
    at_most: u64,
    options: FileLogOptions,
    mut on_progress: impl FnMut(Progress),
) -> Result<Copied, CopyError> {
    let served = is_served(from)?;
    let source = Reading::open(from, Known::default()).await.map_err(CopyError::Source)?;
    let options = FileLogOptions { epoch: epoch(source.begins())?, ..options };
    let mut target = Restoring::open(to, source.ledger(), options).await.map_err(CopyError::Target)?;
    let copied = fill(&source, &mut target, at_most, &mut on_progress).await;
    let ended = target.end(copied.is_ok()).await;
    let (copied, ()) = (copied?, ended?);
    let grows = served || copied.records < at_most && grows(from, copied.records).await?;
    Ok(Copied { grows, ..copied })
}

/// An engine epoch that no other log of the ledger has: two copies of one log may be served, and neither may take the other's
/// positions for its own.
fn epoch(source: Position) -> Result<u32, CopyError> {
    loop {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(|error| CopyError::Random(error.to_string()))?;
        let epoch = u32::from_le_bytes(bytes);
        // Ledgers that were made where they are have small ones.
        if epoch > 1 << 16 && !Position::new(source.ledger(), epoch, 0).same_log(source) {
            return Ok(epoch);
        }
    }
}

/// Are these files that somebody has open?
fn is_served(from: &str) -> Result<bool, CopyError> {
    let Some(dir) = log::directory(from).map_err(CopyError::Source)? else { return Ok(false) };
    let io = |error| CopyError::Source(OpenLogError::io(format!("looking at {}", dir.display()))(error));
    is_in_use(&dir).map_err(io)
}

/// Is the source written to?
async fn grows(from: &str, records: u64) -> Result<bool, CopyError> {
    if log::directory(from).map_err(CopyError::Source)?.is_some() {
        return is_served(from);
    }
    Ok(Reading::open(from, Known::default()).await.map_err(CopyError::Source)?.about() > records)
}

/// The records of a log, one by one.
struct OneByOne {
    records: Records,
    chunk: std::vec::IntoIter<Placed>,
}

impl OneByOne {
    async fn next(&mut self) -> Result<Option<Placed>, OpenLogError> {
        loop {
            if let Some(placed) = self.chunk.next() {
                return Ok(Some(placed));
            }
            match self.records.next().await? {
                Some(chunk) => self.chunk = chunk.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

async fn fill(
    source: &Reading,
    target: &mut Restoring,
    at_most: u64,
    on_progress: &mut impl FnMut(Progress),
) -> Result<Copied, CopyError> {
    let there = target.reading().await.map_err(CopyError::Target)?;
    if there.begins().same_log(source.begins()) {
        return Err(CopyError::Same);
    }
    let mut there = OneByOne { records: there.records(), chunk: Vec::new().into_iter() };
    let (mut records, mut told, mut added) = (source.records(), Walk::new(source), 0);
    while told.continuity.records() < at_most
        && let Some(chunk) = records.next().await.map_err(CopyError::Source)?
    {
        let mut lacking = Vec::new();
        let left = usize::try_from(at_most - told.continuity.records()).unwrap_or(usize::MAX);
        for placed in chunk.into_iter().take(left) {
            told.take(&placed).map_err(|misplaced| CopyError::Broken { which: "--from", misplaced })?;
            // Once it lacks one, it lacks all that follow.
            let asked: OptionFuture<_> = lacking.is_empty().then(|| there.next()).into();
            match asked.await.transpose().map_err(CopyError::Target)?.flatten() {
                None => lacking.push(placed.record),
                Some(kept) if kept.hash == placed.hash => {}
                Some(_) => {
                    return Err(CopyError::Differs { ledger: source.ledger(), record: told.continuity.records() });
                }
            }
        }
        if !lacking.is_empty() {
            added += lacking.len() as u64;
            target.take(lacking).await?;
        }
        let done = told.continuity.records();
        on_progress(Progress { done, total: 2 * source.about().min(at_most).max(done) });
    }
    let count = told.continuity.records();
    if there.next().await.map_err(CopyError::Target)?.is_some() {
        return Err(CopyError::More { ledger: source.ledger(), records: count });
    }

    let written = target.reading().await.map_err(CopyError::Target)?;
    let (mut again, mut compared) = (written.records(), Walk::new(&written));
    while let Some(chunk) = again.next().await.map_err(CopyError::Target)? {
        let whole = chunk.iter().try_for_each(|placed| compared.take(placed));
        whole.map_err(|misplaced| CopyError::Broken { which: "--to", misplaced })?;
        on_progress(Progress { done: count + compared.continuity.records(), total: 2 * count });
    }
    let (root, found) = (told.tree.root(), compared.tree.root());
    if compared.continuity.records() != count || found != root {
        return Err(CopyError::Unequal { records: count, root, there: compared.continuity.records(), found });
    }
    let head = match target.files() {
        Some(dir) => {
            let dir = dir.to_owned();
            let verified = tokio::task::spawn_blocking(move || verify::verify(&dir, None, Known::default(), |_| {}));
            verified.await.map_err(|error| RestoreError::Busy(error.to_string()))??.head.hash
        }
        None => verify::head_of(&compared.tree),
    };
    Ok(Copied {
        ledger: source.ledger(),
        records: count,
        added,
        streams: told.continuity.streams(),
        root,
        position: compared.last,
        head,
        torn: records.torn().cloned(),
        grows: false,
    })
}
