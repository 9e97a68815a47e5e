//! The writer: takes appends in the order in which they were called, in waves.
//!
//! Each wave takes what is waiting, gives it one time and sends each stream's part at once, side by side. The next wave
//! begins when all have been answered: then its later time cannot come before an earlier one in the log. What waits
//! meanwhile shares the next wave, so that a cluster which takes its time is asked for more at once, not more often.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt, stream};
use socai_domain::{
    ledger::{Append, AppendError, Appended, Draft, StreamId, record::MAX_RECORD_LEN},
    time::Timestamp,
};
use tokio::sync::{mpsc, oneshot};

use super::Shared;

/// The most events that one append may have.
pub(super) const MAX_APPEND: usize = 1_000;
/// The most bytes that one append may have: servers before 25 take 1 MiB with all that belongs to it.
pub(super) const MAX_APPEND_LEN: usize = 900_000;
/// What the server may count beside a record's bytes: type, ids, names.
pub(super) const OVERHEAD: usize = 128;
/// The most appends that share a wave.
const MAX_WAVE: usize = 4_096;
/// The most streams that are written to side by side.
const SIDE_BY_SIDE: usize = 64;

/// An append that waits for its turn.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) append: Append,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

impl Waiting {
    pub(super) fn answer(self, answer: Result<Appended, AppendError>) {
        // Whoever dropped the call does not want to know.
        let _ = self.answer.send(answer);
    }
}

/// What the append comes to in bytes.
pub(super) fn len(append: &Append) -> usize {
    append.drafts.iter().map(|draft| draft.record_len() + OVERHEAD).sum()
}

/// Could such an append be taken at all?
pub(super) fn check(append: &Append) -> Result<(), AppendError> {
    let count = append.drafts.len();
    if count == 0 || count > MAX_APPEND {
        return Err(AppendError::Count { count, max: MAX_APPEND });
    }
    let largest = append.drafts.iter().map(Draft::record_len).max().unwrap_or_default();
    if largest > MAX_RECORD_LEN {
        return Err(AppendError::TooLarge { len: largest, max: MAX_RECORD_LEN });
    }
    let len = len(append);
    if len > MAX_APPEND_LEN { Err(AppendError::TooLarge { len, max: MAX_APPEND_LEN }) } else { Ok(()) }
}

/// Takes what comes, until nobody can append any more.
pub(super) async fn write(shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Waiting>) {
    let mut wave = Vec::new();
    while queue.recv_many(&mut wave, MAX_WAVE).await > 0 {
        let recorded = shared.now();
        let streams = stream::iter(by_stream(&mut wave));
        streams
            .for_each_concurrent(SIDE_BY_SIDE, |(stream, appends)| {
                let shared = &shared;
                async move { shared.turn(stream, appends, recorded).await }
            })
            .await;
    }
}

/// Each stream's appends in their order, the streams in the order of their first.
fn by_stream(wave: &mut Vec<Waiting>) -> Vec<(StreamId, Vec<Waiting>)> {
    let mut places = HashMap::new();
    let mut streams: Vec<(StreamId, Vec<Waiting>)> = Vec::new();
    for waiting in wave.drain(..) {
        let stream = waiting.append.stream;
        let place = *places.entry(stream).or_insert(streams.len());
        match streams.get_mut(place) {
            Some((_, appends)) => appends.push(waiting),
            None => streams.push((stream, vec![waiting])),
        }
    }
    streams
}

impl Shared {
    /// The time of the next records: the clock's, but never before one that was seen.
    fn now(&self) -> Timestamp {
        self.options.clock.now().max(self.seen().recorded)
    }
}
