//! A log whose history takes for ever to read again: it tells when somebody begins to, and when they give up.

use std::sync::Arc;

use futures::{
    StreamExt,
    stream::{self},
};
use socai_domain::ledger::{EventLog, Pieces, Position, memory::MemoryLog};
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
    socai_domain::hand_on!(log: append, read, follow, stood_at, head, ledger);

    fn pieces(&self, _: Option<Position>, _: Position) -> Pieces {
        self.replays.send_modify(|(under_way, begun)| (*under_way, *begun) = (*under_way + 1, *begun + 1));
        let under_way = UnderWay(Arc::clone(&self.replays));
        let given = move |piece| {
            let _ends_with_the_stream = &under_way;
            piece
        };
        stream::pending().map(given).boxed()
    }

    fn engine(&self) -> &'static str {
        "endless"
    }
}
