//! What a follower checks of each record: that nothing of its stream was left out before it, and that its chain holds.

use std::collections::HashMap;

use socai_domain::ledger::{Direction, ReadError, RecordHash, Recorded, Revision, StreamId};

use super::{Shared, Standing};

/// The ends of the streams that a follower was told of. All are kept, some 60 bytes for each stream: a bounded memory would
/// miss what was skipped in a stream that it had forgotten.
#[derive(Debug)]
pub(super) struct Chains {
    /// What lies up to here was told to whoever followed before.
    after: u64,
    ends: HashMap<StreamId, Standing>,
}

impl Chains {
    /// Of a follower that begins after this place; 0 is the beginning.
    pub(super) fn after(place: u64) -> Self {
        Self { after: place, ends: HashMap::new() }
    }

    /// Takes in the next record that was told.
    pub(super) async fn take(&mut self, shared: &Shared, recorded: &Recorded) -> Result<(), ReadError> {
        let header = recorded.record.header();
        let (stream, revision) = (header.stream, header.revision);
        let previous = match (self.ends.get(&stream), revision.before()) {
            (Some(end), _) if end.revision.next() != revision => {
                return Err(skipped(stream, end.revision.next(), recorded));
            }
            (Some(end), _) => end.hash,
            (None, None) => RecordHash::genesis(shared.ledger, stream),
            (None, Some(before)) => self.told_before(shared, stream, before, recorded).await?,
        };
        if header.previous != previous {
            let place = recorded.position.place();
            return Err(ReadError::Corrupt(format!(
                "{stream}, revision {revision}, at place {place}: its chain names another record before it than the one that \
                 was told"
            )));
        }
        self.ends.insert(stream, Standing { revision, hash: recorded.record.hash() });
        Ok(())
    }

    /// The hash of the record before the first that this follower is told of its stream. It must lie where it began.
    async fn told_before(
        &self,
        shared: &Shared,
        stream: StreamId,
        before: Revision,
        recorded: &Recorded,
    ) -> Result<RecordHash, ReadError> {
        if self.after == 0 {
            return Err(skipped(stream, Revision::FIRST, recorded));
        }
        match shared.read(stream, Direction::Backwards, Some(before), 1).await?.first() {
            Some(last) if last.record.header().revision == before && last.position.place() <= self.after => {
                Ok(last.record.hash())
            }
            _ => Err(skipped(stream, before, recorded)),
        }
    }
}

fn skipped(stream: StreamId, missing: Revision, recorded: &Recorded) -> ReadError {
    let (revision, place) = (recorded.record.header().revision, recorded.position.place());
    ReadError::Corrupt(format!(
        "KurrentDB told of {stream}, revision {revision}, at place {place}, but not of revision {missing} before it: a record \
         was skipped. Nothing was taken over; look for the fault in the server (wrong checkpoints: 24.10.5 and 25.0.1 mend \
         them), then start again"
    ))
}
