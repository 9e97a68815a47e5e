//! How the wrong engine tells its followers.

use futures::{
    StreamExt,
    channel::oneshot,
    future::ready,
    stream::{self, BoxStream},
};
use socai_domain::ledger::{Followed, Position, ReadError};

use super::{
    Fault,
    engine::{Shared, WrongLog},
};

/// The most records of one message.
const AT_ONCE: usize = 256;

struct Follower {
    log: WrongLog,
    /// The first record to tell.
    start: usize,
    next: usize,
    /// Where the log stood when asked.
    asked_at: usize,
    said: bool,
    /// A live message was told since it was last said that all was.
    told_since: bool,
}

pub(super) fn follow(log: &WrongLog, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
    let start = match start(log, after) {
        Ok(start) => start,
        Err(error) => return stream::once(ready(Err(error))).boxed(),
    };
    let asked_at = log.lock().records.len();
    let follower = Follower { log: log.clone(), start, next: start, asked_at, said: false, told_since: false };
    stream::unfold(follower, |mut follower| async move {
        loop {
            let wait = match follower.step() {
                Step::Tell(message) => return Some((Ok(message), follower)),
                Step::Wait(wait) => wait,
            };
            // Woken, or the log is gone: look again.
            let _ = wait.await;
        }
    })
    .boxed()
}

/// The index of the first record after `after`.
fn start(log: &WrongLog, after: Option<Position>) -> Result<usize, ReadError> {
    let Some(after) = after else { return Ok(0) };
    let own = log.position(0);
    let same_ledger = log.is(Fault::TakesAnyEpoch) && after.ledger() == own.ledger();
    if !same_ledger && !log.is(Fault::TakesAnyLedger) {
        after.compare(own)?;
    }
    let start = usize::try_from(after.place()).unwrap_or(usize::MAX);
    let end = log.lock().records.len();
    if start > end && !log.is(Fault::TakesAnyPlace) { Err(ReadError::Beyond(after)) } else { Ok(start.min(end)) }
}

enum Step {
    Tell(Followed),
    Wait(oneshot::Receiver<()>),
}

impl Follower {
    fn step(&mut self) -> Step {
        let log = self.log.clone();
        let mut shared = log.lock();
        if !self.said && (self.next >= self.asked_at || log.is(Fault::SaysCaughtUpFirst)) {
            return self.say_caught_up(&shared);
        }
        if self.told_since && log.is(Fault::SaysCaughtUpAgain) {
            self.told_since = false;
            return Step::Tell(Followed::CaughtUp);
        }
        let live = self.next >= self.asked_at;
        if live && log.is(Fault::LosesWhenNobodyListens) {
            self.next = self.next.max(shared.records.len().saturating_sub(AT_ONCE));
        }
        let end = if live { shared.records.len() } else { self.asked_at }.min(self.next + AT_ONCE);
        if self.next < end {
            self.told_since = live;
            let mut indexes: Vec<usize> = (self.next..end).collect();
            if log.is(Fault::SortsByStream) {
                indexes.sort_by_key(|&index| shared.records[index].header().stream);
            }
            self.next = end;
            return Step::Tell(Followed::Records(indexes.iter().map(|&index| log.recorded(&shared, index)).collect()));
        }
        let (sender, receiver) = oneshot::channel();
        shared.waiting.push(sender);
        Step::Wait(receiver)
    }

    fn say_caught_up(&mut self, shared: &Shared) -> Step {
        self.said = true;
        if self.log.is(Fault::LosesWhatComesBetween) {
            self.next = shared.records.len();
        }
        if self.log.is(Fault::RepeatsTheLastOne) && self.next > self.start {
            self.next -= 1;
            self.asked_at = self.next;
        }
        Step::Tell(Followed::CaughtUp)
    }
}
