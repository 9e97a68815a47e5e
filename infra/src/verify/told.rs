//! Verifying a log that a server keeps, by what it tells: every record's hash, every stream's chain and revisions, the times,
//! and the tree over all records, whose root is the log's head where the engine keeps none of its own.

use std::{sync::Arc, time::Instant};

use socai_domain::{
    ledger::{EventLog, Head, Position, RecordHash},
    proof::tree::Frontier,
};

use super::{Fault, Progress, VerifyReport};
use crate::log::{Known, file::beside::Placed, reading::Reading, walk::Walk};

/// The head of a log whose engine keeps none: the root of the tree over its records, which every copy of the ledger has, and
/// which the notary signs; zeros before the first record, as in files.
pub(crate) fn head_of(tree: &Frontier) -> RecordHash {
    RecordHash(if tree.size() == 0 { [0; 32] } else { tree.root().0 })
}

/// Verifies what the log holds now. With `expect`, it must have had this head at this position; with `known`, it must go on to
/// there at least, because somebody was told so.
pub async fn verify_told(
    log: Arc<dyn EventLog>,
    expect: Option<(Position, RecordHash)>,
    known: Known,
    mut on_progress: impl FnMut(Progress),
) -> Result<VerifyReport, Fault> {
    let started = Instant::now();
    let reading = Reading::of(log).await?;
    let mut seen = Seen::new(&reading, expect, known)?;
    let mut records = reading.records();
    while let Some(chunk) = records.next().await? {
        chunk.iter().try_for_each(|placed| seen.take(placed))?;
        let done = seen.walk.continuity.records();
        on_progress(Progress { done, total: reading.about(), records: done });
    }
    seen.end(known)?;
    let Seen { walk: Walk { continuity, tree, last }, bytes, .. } = seen;
    Ok(VerifyReport {
        ledger: reading.ledger(),
        segments: 0,
        records: continuity.records(),
        streams: continuity.streams(),
        bytes,
        head: Head {
            position: last,
            records: continuity.records(),
            hash: head_of(&tree),
            recorded: continuity.recorded().unwrap_or_default(),
        },
        torn: None,
        elapsed: started.elapsed(),
    })
}

/// What was told so far.
struct Seen {
    walk: Walk,
    bytes: u64,
    /// The head that is still to be met.
    expect: Option<(Position, RecordHash)>,
}

impl Seen {
    fn new(reading: &Reading, expect: Option<(Position, RecordHash)>, known: Known) -> Result<Self, Fault> {
        let begins = reading.begins();
        let told = expect.map(|(position, _)| position).into_iter().chain(known.position);
        if let Some(position) = told.into_iter().find(|position| !position.same_log(begins)) {
            return Err(Fault::foreign(position, begins));
        }
        let mut seen = Self { walk: Walk::new(reading), bytes: 0, expect };
        seen.meet()?;
        Ok(seen)
    }

    fn take(&mut self, placed: &Placed) -> Result<(), Fault> {
        self.walk.take(placed)?;
        self.bytes += placed.record.bytes().len() as u64;
        self.meet()
    }

    /// Holds the log against the expected head where it lies.
    fn meet(&mut self) -> Result<(), Fault> {
        let Some((position, hash)) = self.expect else { return Ok(()) };
        if self.walk.last.place() < position.place() {
            return Ok(());
        }
        if self.walk.last != position {
            return Err(Fault::Unexpected(format!("no record lies at {position}, so it never had a head there")));
        }
        let found = head_of(&self.walk.tree);
        if found != hash {
            return Err(Fault::Unexpected(format!("at {position} its head is {found}, not {hash}")));
        }
        self.expect = None;
        Ok(())
    }

    /// The log has ended: not before what somebody was told of.
    fn end(&self, known: Known) -> Result<(), Fault> {
        let (records, place) = (self.walk.continuity.records(), self.walk.last.place());
        if let Some((position, _)) = self.expect {
            return Err(Fault::Unexpected(format!("it ends at {}, before {position}", self.walk.last)));
        }
        if known.signed > records {
            return Err(Fault::Short { end: records, known: known.signed });
        }
        if known.told() > place { Err(Fault::Short { end: place, known: known.told() }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
