//! On a log that other servers write to: follows it, so that commands are judged by organs as they are now.
//!
//! Whatever another server writes to an organ that is known here, has it read again; of other streams, what is in memory
//! is given up when it was outrun. About every second the log is asked for its end: when all up to there was followed,
//! what is known of organs was true when it was asked. The clock of that is the machine's steady one: a process that was
//! stopped for a while knows by it that what it knew is old.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::StreamExt as _;
use socai_domain::{
    incoming::IncomingDocument,
    ledger::{
        EventLog, Followed, Head, Position, ReadError, Recorded, Revision, StreamId, StreamKind, following::wait_after,
    },
    person::Person,
    register::Register,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{CommandError, inner::Inner};

/// By organs of which no more is known than what they were so long ago, nobody is judged.
const TOO_OLD: Duration = Duration::from_secs(5);
/// How often the log is asked for its end.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// From so much on, in microseconds, a time in the log that is ahead of our clock is told.
const AHEAD: i64 = 5_000_000;

/// How well the log is followed.
#[derive(Debug)]
pub(crate) struct Lookout(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What the log held then is known.
    confirmed: Instant,
    /// What is in the way, if anything is.
    trouble: Option<String>,
}

/// Until when it is known what others wrote.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// Nobody else writes.
    Always,
    /// All that was in the log at this instant; and what is in the way of more.
    Until(Instant, Option<String>),
}

impl Lookout {
    /// Of a handler that knows nothing yet, so nothing that is old.
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(State { confirmed: now, trouble: None }))
    }

    /// As far as it has come.
    pub(crate) fn seen(&self) -> Seen {
        let state = self.state();
        Seen::Until(state.confirmed, state.trouble.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confirm(&self, asked: Instant) {
        let mut state = self.state();
        if state.trouble.take().is_some() {
            tracing::info!("the log is followed again");
        }
        state.confirmed = state.confirmed.max(asked);
    }

    fn trouble(&self, why: String) {
        let mut state = self.state();
        if state.trouble.as_ref() != Some(&why) {
            tracing::warn!(why, "the log cannot be followed; without that no command is judged");
        }
        state.trouble = Some(why);
    }
}

impl Seen {
    /// May commands be judged now by an organ that was looked up since?
    pub(crate) fn may_judge(&self) -> Result<(), CommandError> {
        let Self::Until(confirmed, trouble) = self else { return Ok(()) };
        let age = confirmed.elapsed();
        if age <= TOO_OLD {
            return Ok(());
        }
        let why = trouble.as_deref().unwrap_or("it has not caught up with the log");
        Err(CommandError::Busy(format!(
            "this server does not know what others changed in the last {} s, and judges nobody by old rights: {why}",
            age.as_secs()
        )))
    }
}

/// Follows the log from here on, until the handler is closed and idle, or gone.
pub(crate) fn set_out(inner: &Arc<Inner>, lookout: Arc<Lookout>, after: Position) {
    let (gate, log) = (inner.gate.clone(), Arc::clone(&inner.log));
    let mut watch = Watch { inner: Arc::downgrade(inner), lookout, log, after, ahead: false };
    inner.runtime.spawn(async move {
        tokio::select! {
            () = gate.closed() => {}
            Gone = watch.run() => {}
        }
    });
}

struct Watch {
    /// Not held: a handler that nobody has any more need not be closed.
    inner: Weak<Inner>,
    lookout: Arc<Lookout>,
    log: Arc<dyn EventLog>,
    /// All up to here was taken in.
    after: Position,
    /// It was told that the log is ahead of our clock.
    ahead: bool,
}

/// The handler is gone.
struct Gone;

impl Watch {
    async fn run(&mut self) -> Gone {
        let mut failures = 0;
        loop {
            let before = self.after;
            let error = match self.follow().await {
                Ok(error) => error,
                Err(gone) => return gone,
            };
            failures = if self.after == before { failures + 1 } else { 1 };
            self.lookout.trouble(error.to_string());
            tokio::time::sleep(wait_after(failures)).await;
        }
    }

    /// Follows until something is in the way. What does not pass by itself is tried again, too: it costs little, and
    /// nobody has to start the program again when it was mended.
    async fn follow(&mut self) -> Result<CommandError, Gone> {
        let mut told = self.log.follow(Some(self.after));
        let mut ends = ends(Arc::clone(&self.log));
        // When the log was asked, and where it ended then, as long as that was not reached.
        let mut ahead: VecDeque<(Instant, Position)> = VecDeque::new();
        loop {
            let taken = tokio::select! {
                told = told.next() => match told {
                    Some(Ok(Followed::Records(records))) => self.take(&records).await?,
                    Some(Ok(Followed::CaughtUp)) => Ok(()),
                    Some(Err(error)) => Err(error.into()),
                    None => Err(CommandError::Busy("the log tells nothing more".to_owned())),
                },
                end = ends.recv() => match end {
                    Some((asked, Ok(end))) => {
                        ahead.push_back((asked, end.position));
                        Ok(())
                    }
                    Some((_, Err(error))) => Err(error.into()),
                    None => Err(CommandError::Busy("nobody asks for the log's end any more".to_owned())),
                },
            };
            if let Err(error) = taken {
                return Ok(error);
            }
            let mut confirmed = None;
            while let Some((asked, end)) = ahead.front()
                && end.place() <= self.after.place()
            {
                confirmed = Some(*asked);
                ahead.pop_front();
            }
            if let Some(asked) = confirmed {
                self.lookout.confirm(asked);
            }
            if self.inner.strong_count() == 0 {
                return Err(Gone);
            }
        }
    }

    async fn take(&mut self, records: &[Recorded]) -> Result<Result<(), CommandError>, Gone> {
        let inner = self.inner.upgrade().ok_or(Gone)?;
        for Recorded { position, record } in records {
            let header = record.header();
            inner.recorded(header.recorded);
            if let Err(error) = inner.heard(header.stream, header.revision).await {
                return Ok(Err(error));
            }
            self.after = *position;
        }
        if let Some(last) = records.last() {
            self.compare_clocks(&inner, last);
        }
        Ok(Ok(()))
    }

    /// The ledger's time is the latest that any server's clock gave it.
    fn compare_clocks(&mut self, inner: &Inner, last: &Recorded) {
        let ahead = last.record.header().recorded.as_micros() - inner.clock.now().as_micros();
        if ahead > AHEAD && !self.ahead {
            let seconds = ahead / 1_000_000;
            tracing::warn!(seconds, "the ledger's time is ahead of this server's clock: compare the servers' clocks");
        }
        self.ahead = ahead > AHEAD;
    }
}

/// Asks where the log ends, now and then, until nobody wants to know. By itself: who takes records in has no eye on it meanwhile, and
/// may wait for what it has in hand.
fn ends(log: Arc<dyn EventLog>) -> mpsc::Receiver<(Instant, Result<Head, ReadError>)> {
    let (tell, told) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut every = interval(ASK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asking = async {
                every.tick().await;
                (Instant::now(), log.head().await)
            };
            let asked = tokio::select! {
                asked = asking => asked,
                () = tell.closed() => return,
            };
            if tell.send(asked).await.is_err() {
                return;
            }
        }
    });
    told
}

impl Inner {
    /// A record is in the log, perhaps another server's.
    async fn heard(&self, stream: StreamId, revision: Revision) -> Result<(), CommandError> {
        match stream.kind() {
            StreamKind::Organ => return self.organ_heard(stream, revision).await,
            StreamKind::Person => self.cache.outrun::<Person>(stream, revision),
            StreamKind::Register => self.cache.outrun::<Register>(stream, revision),
            StreamKind::Incoming => self.cache.outrun::<IncomingDocument>(stream, revision),
        }
        Ok(())
    }
}
