//! Reading a stream, and checking its chain on the way.

use socai_domain::ledger::{Direction, ReadError, RecordHash, Recorded, Revision, StreamId};

use super::{Shared, read_error};
use crate::{
    client::{Event, Fault, Said},
    wire::read::ReadDirection,
};

/// The server counts in signed numbers.
const LAST_REVISION: u64 = i64::MAX as u64;
/// The most that is asked for at once.
const MAX_COUNT: u64 = i32::MAX as u64;

impl Shared {
    /// At most `limit` records of a stream, each checked against the one before it.
    pub(super) async fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let from = from.map(Revision::number);
        let beyond = from.is_some_and(|from| from >= LAST_REVISION);
        if limit == 0 || (beyond && direction == Direction::Forwards) {
            return Ok(Vec::new());
        }
        let from = from.filter(|_| !beyond);
        let count = u64::try_from(limit).unwrap_or(MAX_COUNT).min(MAX_COUNT);
        let events = self.client.patiently(self.options.patience, || self.events(stream, direction, from, count));
        let mut records: Vec<Recorded> = Vec::new();
        for event in events.await.map_err(|fault| read_error(stream, fault))? {
            let recorded = self.recorded(event).map_err(ReadError::Corrupt)?;
            self.check(stream, direction, from, records.last(), &recorded).map_err(ReadError::Corrupt)?;
            self.see(recorded.position.place(), recorded.record.header().recorded);
            records.push(recorded);
        }
        let standing = self.standing(stream).map(|standing| standing.revision.number());
        if records.is_empty() && standing.is_some_and(|last| from.is_none_or(|from| from <= last)) {
            return Err(ReadError::Corrupt(format!(
                "{stream} had records and now has none: it was deleted or truncated in KurrentDB"
            )));
        }
        Ok(records)
    }

    async fn events(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<u64>,
        count: u64,
    ) -> Result<Vec<Event>, Fault> {
        let direction = match direction {
            Direction::Forwards => ReadDirection::Forwards,
            Direction::Backwards => ReadDirection::Backwards,
        };
        let mut answers = self.client.read_stream(&self.names.physical(stream), direction, from, count).await?;
        let mut events = Vec::new();
        while let Some(said) = answers.next(self.client.address().deadline).await? {
            match said {
                Said::Event(event) => events.push(*event),
                Said::NoStream => break,
                Said::Checkpoint(_) | Said::CaughtUp | Said::Other => {}
            }
        }
        Ok(events)
    }

    /// Does the record belong after the one that was read before it?
    fn check(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<u64>,
        before: Option<&Recorded>,
        recorded: &Recorded,
    ) -> Result<(), String> {
        let header = recorded.record.header();
        if header.stream != stream {
            return Err(format!("a record of {} stands in {stream}", header.stream));
        }
        let fits = match (before, direction) {
            (None, Direction::Forwards) => header.revision.number() == from.unwrap_or(0),
            (None, Direction::Backwards) => from.is_none_or(|from| header.revision.number() <= from),
            (Some(before), Direction::Forwards) => {
                header.revision == before.record.header().revision.next() && header.previous == before.record.hash()
            }
            (Some(before), Direction::Backwards) => {
                let after = before.record.header();
                Some(header.revision) == after.revision.before() && after.previous == recorded.record.hash()
            }
        };
        let begins = header.revision != Revision::FIRST || header.previous == RecordHash::genesis(self.ledger, stream);
        if fits && begins {
            return Ok(());
        }
        Err(format!(
            "{stream} does not go on as its chain says at revision {}: records are missing before it (was the stream deleted \
             or truncated in KurrentDB?), or it was changed",
            header.revision
        ))
    }
}
