//! Following: our own loop of subscriptions to `$all`, of this ledger's streams. Whatever ends one, in good order or not,
//! the next begins after the last record that was told, so the server's checkpoints are believed nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use socai_domain::ledger::{Followed, Position, ReadError, Recorded, following::wait_after};
use tokio::sync::mpsc;

use super::{Shared, chains::Chains, read_error};
use crate::{
    client::{Answers, Client, Fault, Said, place},
    wire::read::ReadDirection,
};

/// So many records are told at once, at most.
const BATCH: usize = 256;
/// So many batches wait for a slow reader; the rest stays with the server.
const AHEAD: usize = 2;
/// An election takes a second or two: longer waits would only prolong it.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

type Teller = mpsc::Sender<Result<Followed, ReadError>>;

pub(super) fn follow(shared: &Arc<Shared>, after: Option<Position>) -> BoxStream<'static, Result<Followed, ReadError>> {
    let (tell, told) = mpsc::channel(AHEAD);
    let shared = Arc::clone(shared);
    let runtime = shared.runtime.clone();
    runtime.spawn(async move {
        let listener = tell.clone();
        let mut follower = Follower::new(shared, after.map_or(0, Position::place), tell);
        tokio::select! {
            // Nobody listens any more.
            () = listener.closed() => {}
            error = follower.run(after) => { let _ = listener.send(Err(error)).await; }
        }
    });
    stream::unfold(told, |mut told| async { told.recv().await.map(|said| (said, told)) }).boxed()
}

struct Follower {
    shared: Arc<Shared>,
    client: Client,
    tell: Teller,
    chains: Chains,
    /// The last record that was told, or where the follower began.
    last: u64,
    /// Where the log stood when it began, until that was reached.
    until: Option<u64>,
}

impl Follower {
    fn new(shared: Arc<Shared>, after: u64, tell: Teller) -> Self {
        let client = shared.client.apart();
        Self { shared, client, tell, chains: Chains::after(after), last: after, until: None }
    }

    /// Tells until something is wrong that will not pass.
    async fn run(&mut self, after: Option<Position>) -> ReadError {
        if let Some(Err(foreign)) = after.map(|after| after.compare(self.shared.position(0))) {
            return foreign.into();
        }
        let head = match self.client.patiently(self.shared.options.patience, || self.head()).await {
            Ok(head) => head,
            Err(fault) => return read_error("at the log's end", fault),
        };
        match after {
            Some(after) if after.place() > head => return ReadError::Beyond(after),
            _ => self.until = Some(head),
        }
        self.say_when_caught_up().await;
        let (mut failures, mut well) = (0_u32, Instant::now());
        loop {
            let before = self.last;
            match self.subscription().await {
                Err(Ended::Wrong(error)) => return error,
                Err(Ended::Fault(fault)) => {
                    if self.last > before {
                        (failures, well) = (0, Instant::now());
                    }
                    if !fault.may_pass() || well.elapsed() > self.shared.options.patience {
                        return read_error(format_args!("after place {}", self.last), fault);
                    }
                    tracing::warn!(%fault, "the subscription to KurrentDB ended; a new one follows");
                    self.client.doubt(&fault);
                    failures += 1;
                }
                Ok(end) => {
                    well = Instant::now();
                    // A server that ends each one at once must not keep us busy.
                    failures = if self.last > before || end == End::Silent { 0 } else { failures + 1 };
                    tracing::debug!(?end, "the subscription to KurrentDB ended; a new one follows");
                }
            }
            tokio::time::sleep(wait_after(failures).min(LONGEST_WAIT)).await;
        }
    }

    /// The place of the last record, 0 without one.
    async fn head(&self) -> Result<u64, Fault> {
        let prefixes = [self.shared.names.prefix().to_owned()];
        let mut answers = self.client.read_all(&prefixes, ReadDirection::Backwards, None, 1).await?;
        while let Some(said) = answers.next(self.client.address().deadline).await? {
            if let Said::Event(event) = said {
                return Ok(event.place.map_or(0, |place| place.commit));
            }
        }
        Ok(0)
    }

    /// One subscription, until it ends.
    async fn subscription(&mut self) -> Result<End, Ended> {
        let prefixes = [self.shared.names.prefix().to_owned()];
        let after = (self.last != 0).then(|| place(self.last));
        let mut answers = self.client.subscribe(&prefixes, after).await?;
        loop {
            let Ok(first) = tokio::time::timeout(self.shared.options.idle, next(&mut answers)).await else {
                return Ok(End::Silent);
            };
            // What else has come already.
            let (mut batch, mut end, mut said) = (Vec::new(), None, Some(first));
            while let Some(answer) = said {
                match answer {
                    Ok(Some(Said::Event(event))) => {
                        // The same again, after a new subscription.
                        if event.place.is_none_or(|place| place.commit > self.last) {
                            let recorded = self.shared.recorded(*event).map_err(corrupt)?;
                            self.chains.take(&self.shared, &recorded).await.map_err(Ended::Wrong)?;
                            self.last = recorded.position.place();
                            batch.push(recorded);
                        }
                    }
                    Ok(Some(Said::NoStream | Said::Checkpoint(_) | Said::CaughtUp | Said::Other)) => {}
                    Ok(None) => end = Some(Ok(End::Ordered)),
                    Err(fault) => end = Some(Err(Ended::Fault(fault))),
                }
                said = if batch.len() < BATCH && end.is_none() { next(&mut answers).now_or_never() } else { None };
            }
            self.tell(batch).await;
            self.say_when_caught_up().await;
            if let Some(end) = end {
                return end;
            }
        }
    }

    async fn tell(&self, mut records: Vec<Recorded>) {
        // Each: where several servers write, the last is not always the latest.
        for told in &records {
            self.shared.see(told.position.place(), told.record.header().recorded);
        }
        // What lay there when it was asked, then that this was all, then what is newer.
        let newer = match self.until {
            Some(until) => records.split_off(records.partition_point(|record| record.position.place() <= until)),
            None => Vec::new(),
        };
        self.send(records).await;
        if !newer.is_empty() {
            let _ = self.tell.send(Ok(Followed::CaughtUp)).await;
        }
        self.send(newer).await;
    }

    async fn send(&self, records: Vec<Recorded>) {
        if !records.is_empty() {
            // Whoever no longer listens ends this task.
            let _ = self.tell.send(Ok(Followed::Records(records))).await;
        }
    }

    async fn say_when_caught_up(&mut self) {
        match self.until {
            Some(until) if self.last > until => self.until = None,
            Some(until) if self.last == until => {
                self.until = None;
                let _ = self.tell.send(Ok(Followed::CaughtUp)).await;
            }
            _ => {}
        }
    }
}

async fn next(answers: &mut Answers) -> Result<Option<Said>, Fault> {
    // The wait is bounded by whoever calls.
    answers.next(Duration::MAX).await
}

/// How a subscription ended that may be followed by another at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The server ended it without an error.
    Ordered,
    /// It said nothing for long.
    Silent,
}

/// Why a subscription ended.
enum Ended {
    Fault(Fault),
    Wrong(ReadError),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn corrupt(what: String) -> Ended {
    Ended::Wrong(ReadError::Corrupt(what))
}
