//! Folding a stream from the log.

use socai_domain::{
    decide::{Aggregate, Meta},
    ledger::{
        Direction, DomainEvent, Opened, RecordHash, Recorded, Revision, StreamId, StreamKind, catalogue::StoredEvent,
        log::Stamp,
    },
};

use crate::{
    CommandError,
    inner::Inner,
    slot::{Live, Slot},
};

/// How many records are read at first. Nearly every stream but a book has fewer.
const PAGE: usize = 1_024;
/// How much longer each next page is. An engine that walks a stream back from its end walks it once a page.
const GROWTH: usize = 16;

/// A record that was read and opened.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) stamp: Stamp,
    pub(crate) meta: Meta,
    pub(crate) event: DomainEvent,
}

pub(crate) fn stamp(recorded: &Recorded, hash: RecordHash) -> Stamp {
    let header = recorded.record.header();
    Stamp { position: recorded.position, revision: header.revision, recorded: header.recorded, hash }
}

impl Inner {
    /// The stream as the log has it.
    pub(crate) async fn fold<A: Aggregate>(&self, stream: StreamId) -> Result<Live<A>, CommandError> {
        self.fold_on(stream, Live::new(self.next_incarnation())).await
    }

    /// The same, going on from what was read before: books are long, and where several servers write them, they are read
    /// again and again. Nothing of a book is ever erased.
    pub(crate) async fn fold_again<A: Aggregate>(&self, slot: &Slot<A>) -> Result<Live<A>, CommandError> {
        if self.lookout.is_none() || A::KIND != StreamKind::Register {
            return self.fold(slot.stream).await;
        }
        let mut book = slot.book.lock().await;
        let incarnation = self.next_incarnation();
        let mut before = book.take().unwrap_or_else(|| Live::new(incarnation));
        before.incarnation = incarnation;
        let live = self.fold_on(slot.stream, before).await?;
        *book = Some(live.copy());
        Ok(live)
    }

    async fn fold_on<A: Aggregate>(&self, stream: StreamId, mut live: Live<A>) -> Result<Live<A>, CommandError> {
        let (mut next, mut limit) = (live.next(), PAGE);
        loop {
            let page = self.log.read(stream, Direction::Forwards, Some(next), limit).await?;
            for (index, recorded) in page.iter().enumerate() {
                self.take_in(&mut live, recorded, index + 1 == page.len()).await?;
            }
            match live.revision {
                Some(revision) if page.len() == limit => {
                    (next, limit) = (revision.next(), limit.saturating_mul(GROWTH));
                }
                _ => break,
            }
        }
        live.durable = live.revision;
        // Another server's clock may be ahead of ours.
        if let Some((stamp, at)) = live.head {
            self.recorded(stamp.recorded.max(at));
        }
        Ok(live)
    }

    async fn take_in<A: Aggregate>(
        &self,
        live: &mut Live<A>,
        recorded: &Recorded,
        last_of_page: bool,
    ) -> Result<(), CommandError> {
        let header = recorded.record.header();
        let mut at = header.recorded;
        match self.opener.open(&recorded.record).await? {
            Opened::Event(context, event) => {
                let meta = Meta::of(header, &context);
                at = context.at;
                let event = A::Event::from_domain(&event).ok_or_else(|| misplaced(recorded))?;
                live.evolve(event, &meta, context.input);
            }
            Opened::Erased => {
                live.state.evolve_erased(header);
                live.revision = Some(header.revision);
            }
        }
        // Only the last record's hash is needed, and hashing costs.
        if last_of_page {
            live.head = Some((stamp(recorded, recorded.record.hash()), at));
        }
        Ok(())
    }

    /// The record at a revision, opened; none where it was erased or never written.
    pub(crate) async fn read_one(&self, stream: StreamId, revision: Revision) -> Result<Option<Read>, CommandError> {
        let page = self.log.read(stream, Direction::Forwards, Some(revision), 1).await?;
        match page.first() {
            Some(recorded) => self.open(recorded).await,
            None => Ok(None),
        }
    }

    /// What a record holds; none where it was erased.
    pub(crate) async fn open(&self, recorded: &Recorded) -> Result<Option<Read>, CommandError> {
        Ok(match self.opener.open(&recorded.record).await? {
            Opened::Event(context, event) => {
                let meta = Meta::of(recorded.record.header(), &context);
                Some(Read { stamp: stamp(recorded, recorded.record.hash()), meta, event })
            }
            Opened::Erased => None,
        })
    }
}

fn misplaced(recorded: &Recorded) -> CommandError {
    let header = recorded.record.header();
    CommandError::Stopped(format!("{} revision {} is a {}", header.stream, header.revision, header.kind))
}
