//! What waits for the writer. Bounded: beyond the bounds an append is refused at once, and nothing of it is written.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use socai_domain::ledger::{Append, AppendError, Appended, Draft};
use tokio::sync::oneshot;

/// An append that waits, and who waits for it.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) append: Append,
    pub(crate) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

/// The most appends that wait.
const MOST: usize = 1 << 16;
/// The most bytes of records that wait.
const MOST_BYTES: usize = 256 << 20;

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Pending>,
    bytes: usize,
    /// Nothing more is taken.
    closed: bool,
    /// The clean shutdown that was asked for.
    finish: Option<oneshot::Sender<Result<(), String>>>,
    /// The writer is gone: nobody will finish anything.
    ended: bool,
    /// The writer sleeps.
    asleep: bool,
}

/// A batch of this many is worth its sync: nobody is waited for.
const ENOUGH: usize = 32;

/// What the writer is to do next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Write what was put into the writer's vector.
    Write,
    /// All was written and nothing more will come.
    End(Option<oneshot::Sender<Result<(), String>>>),
}

/// The writer's turn before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastTurn {
    /// How many it answered.
    pub(crate) answered: usize,
    /// What it took, the sync included.
    pub(crate) took: Duration,
}

impl LastTurn {
    /// How long it pays to wait for more: a small share of what a turn costs.
    fn patience(self) -> Duration {
        (self.took / 4).min(Duration::from_micros(200))
    }
}

/// The queue between callers and the writer.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

fn bytes(append: &Append) -> usize {
    append.drafts.iter().map(Draft::record_len).sum()
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an append, in the order of the calls.
    pub(crate) fn push(&self, pending: Pending) -> Result<(), AppendError> {
        let len = bytes(&pending.append);
        let mut state = self.lock();
        if state.closed {
            return Err(AppendError::Busy("the log is closed".into()));
        }
        if state.waiting.len() >= MOST || state.bytes + len > MOST_BYTES {
            return Err(AppendError::Busy(format!("{} appends wait already", state.waiting.len())));
        }
        state.bytes += len;
        state.waiting.push(pending);
        let asleep = state.asleep;
        drop(state);
        if asleep {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits for appends, and takes all that wait into `into`, which is empty. `last` is the turn before.
    pub(crate) fn take(&self, into: &mut Vec<Pending>, last: LastTurn) -> Turn {
        let state = self.lock();
        let together = (state.waiting.len() + last.answered).min(ENOUGH);
        // Whoever was answered may come back before falling asleep and being woken would be over.
        let mut state = self.gather(state, last.answered.min(1), last.patience());
        loop {
            if !state.waiting.is_empty() {
                state = self.gather(state, together, last.patience());
                std::mem::swap(&mut state.waiting, into);
                state.bytes = 0;
                return Turn::Write;
            }
            if state.closed {
                return Turn::End(state.finish.take());
            }
            state.asleep = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
    }

    /// Gives those whom the last turn answered a moment to come back, so that one sync serves everybody. Without it the
    /// callers fall into two halves, each waiting while the other is written.
    fn gather<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        together: usize,
        patience: Duration,
    ) -> MutexGuard<'a, State> {
        let begun = Instant::now();
        while state.waiting.len() < together && !state.closed && begun.elapsed() < patience {
            drop(state);
            thread::yield_now();
            state = self.lock();
        }
        state
    }

    /// Takes nothing more. What waits is still written. `finish` is told when all is, and dropped if the writer is gone.
    pub(crate) fn close(&self, finish: Option<oneshot::Sender<Result<(), String>>>) {
        let mut state = self.lock();
        state.closed = true;
        if finish.is_some() && !state.ended {
            state.finish = finish;
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The writer is gone: whoever waits is told so, since the senders are dropped.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.ended = true;
        state.waiting.clear();
        state.finish = None;
    }
}

#[cfg(test)]
mod tests {
    use oneshot::error::TryRecvError;
    use socai_domain::ledger::{Expected, StreamId, StreamKind};
    use uuid::Uuid;

    use super::*;

    fn pending() -> Pending {
        let stream = StreamId::new(StreamKind::Incoming, Uuid::nil());
        let (reply, _) = oneshot::channel();
        Pending { append: Append { stream, expected: Expected::New, drafts: Vec::new() }, reply }
    }

    #[test]
    fn those_just_answered_are_waited_for_but_not_for_long() {
        let queue = Queue::default();
        let take = |last| {
            let mut taken = Vec::new();
            assert!(matches!(queue.take(&mut taken, last), Turn::Write));
            taken.len()
        };
        let last = LastTurn { answered: 2, took: Duration::from_secs(1) };
        // Nobody comes back: what waits is taken all the same.
        queue.push(pending()).unwrap();
        assert_eq!(take(last), 1);
        // Somebody who was not answered is not waited for.
        queue.push(pending()).unwrap();
        assert_eq!(take(LastTurn::default()), 1);
    }

    #[test]
    fn nobody_waits_for_a_writer_that_is_gone() {
        let queue = Queue::default();
        let (before, mut waits) = oneshot::channel();
        queue.close(Some(before));
        assert_eq!(waits.try_recv(), Err(TryRecvError::Empty));
        queue.abandon();
        assert_eq!(waits.try_recv(), Err(TryRecvError::Closed));
        let (after, mut waits) = oneshot::channel();
        queue.close(Some(after));
        assert_eq!(waits.try_recv(), Err(TryRecvError::Closed));
    }
}
