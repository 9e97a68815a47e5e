//! Which documents are erased, told by the kinds of records alone. A build leaves out their text from the beginning, whether
//! or not their keys are destroyed yet; and it hears at once of those that are erased while it runs.

use std::collections::{HashSet, VecDeque};

use futures::{FutureExt as _, StreamExt as _, stream::BoxStream};
use socai_domain::{
    id::IncomingId,
    ledger::{EventLog, Followed, Position, ReadError, RecordRef},
    process::EXPUNGED,
};

use crate::{
    error::ViewsError,
    replay::{Crew, scan},
};

/// Reads all of the log by its headers, and then on, for erasures.
pub(crate) struct Erasures {
    followed: BoxStream<'static, Result<Followed, ReadError>>,
    /// All that were found.
    found: HashSet<IncomingId>,
    /// Those that nobody was told of.
    untold: VecDeque<IncomingId>,
}

impl Erasures {
    /// All up to now.
    pub(crate) async fn up_to_now(crew: &Crew, log: &dyn EventLog) -> Result<Self, ViewsError> {
        let head = log.head().await?;
        let now = (head.records > 0).then_some(head.position);
        let take = |found: &mut HashSet<IncomingId>, record: RecordRef<'_>| {
            if record.kind() == EXPUNGED {
                found.insert(IncomingId::new(record.header().stream.key()));
            }
        };
        let found = match now {
            Some(now) => scan(crew, log.pieces(None, now), take, Extend::extend).await?,
            None => HashSet::new(),
        };
        Ok(Self { followed: log.follow(now), found, untold: VecDeque::new() })
    }

    /// Those known of by now.
    pub(crate) fn found(&self) -> &HashSet<IncomingId> {
        &self.found
    }

    /// One that is new, if there is one.
    pub(crate) fn look(&mut self) -> Result<Option<IncomingId>, ViewsError> {
        while self.untold.is_empty()
            && let Some(step) = self.step().now_or_never()
        {
            step?;
        }
        Ok(self.untold.pop_front())
    }

    /// Waits for a new one. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<IncomingId, ViewsError> {
        loop {
            if let Some(id) = self.untold.pop_front() {
                return Ok(id);
            }
            self.step().await?;
        }
    }

    /// Reads on.
    async fn step(&mut self) -> Result<(), ViewsError> {
        let next = self.followed.next().await;
        let Followed::Records(records) = next.unwrap_or_else(|| Err(ReadError::Busy("the log is closed".into())))?
        else {
            return Ok(());
        };
        for header in records.iter().map(|recorded| recorded.record.header()).filter(|header| header.kind == EXPUNGED) {
            let id = IncomingId::new(header.stream.key());
            if self.found.insert(id) {
                self.untold.push_back(id);
            }
        }
        Ok(())
    }
}

/// The place of a document's first record.
pub(crate) async fn begins(log: &dyn EventLog, id: IncomingId) -> Result<Option<Position>, ViewsError> {
    let stream = socai_domain::incoming::stream(id);
    let first = log.read(stream, socai_domain::ledger::Direction::Forwards, None, 1).await?;
    Ok(first.first().map(|first| first.position))
}
