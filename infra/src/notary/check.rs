//! Is this the log that was signed? The newest leaves of the committed tree must be records of the log, in their places:
//! each record's hash commits to its stream's past, and the tree to all the others.

use std::collections::VecDeque;

use socai_domain::ledger::{EventLog, Position, RecordHash, Recorded};

use super::{Notary, NotaryError, store::Column};

/// Leaves that are looked at.
const LEAVES: u64 = 256;

/// The leaves that are still to be found in the log.
#[derive(Debug)]
pub(super) struct Check {
    /// Follow the log from here.
    pub(super) after: Option<Position>,
    size: u64,
    expected: VecDeque<(RecordHash, u64)>,
}

fn alarm(what: &str) -> NotaryError {
    NotaryError::Alarm(format!(
        "{what}: it was cut, rewritten, or replaced by another or older one. Nothing is signed any more. If the ledger was copied \
         to here from another log, put the notary's store aside and run `socai notary agree --checkpoint` with the checkpoint in \
         it. Else restore the log's \
         newest copy, and the notary's store that belongs to it; what others hold of this log (checkpoints, receipts, proofs) \
         shows which is the right one. If that is lost for good, what was signed cannot be taken back: keep the store aside, \
         go on as a log of another name (`origin`), and run `socai notary agree --first`"
    ))
}

/// The records are those that were signed, in other places.
fn elsewhere(leaf: u64) -> NotaryError {
    NotaryError::Alarm(format!(
        "the log's record {leaf} is the one that was signed, but at another position: the ledger was copied to here from another \
         log. Nothing is signed. Stop the program, put the notary's store aside and run `socai notary agree --checkpoint` with \
         the checkpoint in it"
    ))
}

impl Check {
    /// What to look for. The log must hold as many records as the tree has leaves.
    pub(super) async fn begin(notary: &Notary, log: &dyn EventLog, size: u64) -> Result<Self, NotaryError> {
        let head = log.head().await?;
        if head.records < size {
            return Err(alarm(&format!(
                "the log has {} records, fewer than the {size} of the checkpoint that was signed",
                head.records
            )));
        }
        let first = size.saturating_sub(LEAVES);
        let store = notary.0.store.clone();
        let read = move || {
            let count = usize::try_from(size - first).unwrap_or_default();
            // One more, to know where to follow from.
            let before = first.checked_sub(1).map(|before| store.read(Column::Places, before, 1)).transpose()?;
            let entries = if count > 0 { store.read(Column::Entries, first, count)? } else { Vec::new() };
            let places = if count > 0 { store.read(Column::Places, first, count)? } else { Vec::new() };
            Ok::<_, NotaryError>((before, entries, places))
        };
        let (before, entries, places) = super::writer::blocking(read).await?;
        let place = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let before = before.and_then(|before| before.as_chunks().0.first().map(place));
        let hashes = entries.as_chunks().0.iter().copied().map(RecordHash);
        let expected = hashes.zip(places.as_chunks().0.iter().map(place)).collect();
        Ok(Self { after: before.map(|place| head.position.with_place(place)), size, expected })
    }

    /// Looks at the next records: how many of them the tree has already.
    pub(super) fn take(&mut self, records: &[Recorded]) -> Result<usize, NotaryError> {
        let known = records.len().min(self.expected.len());
        for recorded in &records[..known] {
            let leaf = self.size - self.expected.len() as u64;
            let expected = self.expected.pop_front();
            if let Some((hash, place)) = expected
                && hash == recorded.record.hash()
                && place != recorded.position.place()
            {
                return Err(elsewhere(leaf));
            }
            if expected != Some((recorded.record.hash(), recorded.position.place())) {
                return Err(alarm(&format!("the log's record {leaf} is not the one that was signed")));
            }
        }
        Ok(known)
    }

    /// Was everything there?
    pub(super) fn done(&self) -> bool {
        self.expected.is_empty()
    }

    /// The log has ended.
    pub(super) fn end(&self) -> Result<(), NotaryError> {
        if self.done() {
            Ok(())
        } else {
            Err(alarm(&format!("the log ends {} records before the checkpoint that was signed", self.expected.len())))
        }
    }
}
