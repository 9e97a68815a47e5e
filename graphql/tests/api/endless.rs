//! A log whose history takes for ever to read again: it tells when somebody begins to, and when they give up.

use std::sync::Arc;

use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use socai_domain::{
    ledger::{
        Append, AppendError, Appended, Direction, EventLog, Followed, Head, LedgerId, Pieces, Position, ReadError,
        Recorded, Revision, StreamId, memory::MemoryLog,
    },
    time::Timestamp,
};
use tokio::sync::watch;

/// How many replays are under way, and how many were begun.
pub(crate) type Replays = watch::Sender<(usize, usize)>;

/// The log, and its replays.
pub(crate) struct Endless {
    pub(crate) log: MemoryLog,
    pub(crate) replays: Arc<Replays>,
}

/// A replay under way.
struct UnderWay(Arc<Replays>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|(under_way, _)| *under_way -= 1);
    }
}

impl EventLog for Endless {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended, AppendError>> {
        self.log.append(append)
    }

    fn read(
        &self,
        stream: StreamId,
        direction: Direction,
        from: Option<Revision>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Recorded>, ReadError>> {
        self.log.read(stream, direction, from, limit)
    }

    fn follow(&self, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
        self.log.follow(after)
    }

    fn pieces(&self, _: Option<Position>, _: Position) -> Pieces {
        self.replays.send_modify(|(under_way, begun)| (*under_way, *begun) = (*under_way + 1, *begun + 1));
        let under_way = UnderWay(Arc::clone(&self.replays));
        let given = move |piece| {
            let _ends_with_the_stream = &under_way;
            piece
        };
        stream::pending().map(given).boxed()
    }

    fn stood_at(&self, then: Timestamp) -> BoxFuture<'_, Result<Option<Position>, ReadError>> {
        self.log.stood_at(then)
    }

    fn head(&self) -> BoxFuture<'_, Result<Head, ReadError>> {
        self.log.head()
    }

    fn ledger(&self) -> LedgerId {
        self.log.ledger()
    }

    fn engine(&self) -> &'static str {
        "endless"
    }
}
