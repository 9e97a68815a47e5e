//! The command handler.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64},
};

use futures::StreamExt as _;
use socai_domain::{
    decide::{Aggregate, Decide},
    id::OrganId,
    ledger::{EventLog, Followed, Head, Opened, Opener, Recorded, Revision, StreamId, StreamKind},
    refusal::Code,
    time::{Clock, Timestamp},
};

use tokio::time::Instant;

use crate::{
    Blobs, CommandError, Envelope, KnownOrgan, Receipt, Refused,
    cache::Cache,
    gate::{Gate, Hold},
    inner::Inner,
    lookout::{self, Lookout},
    organs::Organs,
    turn::{Answer, Asked},
};

/// Carries out commands: loads, decides, seals, appends, and takes the steps that follow. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handler(pub(crate) Arc<Inner>);

/// How many streams of a kind are kept folded in memory.
pub fn default_room(kind: StreamKind) -> usize {
    match kind {
        StreamKind::Organ => 1_024,
        StreamKind::Person => 16_384,
        StreamKind::Register => 512,
        StreamKind::Incoming => 32_768,
    }
}

impl Handler {
    /// A handler on this log, whose records `opener` opens and its key ring seals. Must be called inside a tokio runtime.
    pub async fn start(
        log: Arc<dyn EventLog>,
        opener: Opener,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CommandError> {
        Self::with_room(log, opener, blobs, clock, default_room).await
    }

    /// With room for so many streams of each kind in memory.
    pub async fn with_room(
        log: Arc<dyn EventLog>,
        opener: Opener,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        room: impl Fn(StreamKind) -> usize,
    ) -> Result<Self, CommandError> {
        let begun = Instant::now();
        let head = log.head().await?;
        let (last, lookout) = if log.is_shared() {
            (head.recorded, Some(Arc::new(Lookout::new(begun))))
        } else {
            (latest(&*log, &opener, head).await?, None)
        };
        let inner = Arc::new(Inner {
            log,
            opener,
            blobs,
            clock,
            cache: Cache::new(room),
            organs: Organs::default(),
            lookout: lookout.clone(),
            gate: Gate::default(),
            runtime: tokio::runtime::Handle::current(),
            last: AtomicI64::new(last.as_micros()),
            incarnations: AtomicU64::new(0),
        });
        if let Some(lookout) = lookout {
            lookout::set_out(&inner, lookout, head.position);
        }
        Ok(Self(inner))
    }

    /// Carries out a command on a stream, takes the steps that follow in other streams, and answers when all that is
    /// durable, with the last record of the command's own stream.
    ///
    /// The same command id with the same input answers with the first outcome, and continues where that stopped. Dropping
    /// the future takes nothing back.
    pub async fn execute<C: Decide>(
        &self,
        stream: StreamId,
        envelope: Envelope,
        command: C,
    ) -> Result<Receipt, CommandError> {
        self.execute_holding(stream, envelope, command, None).await
    }

    /// The same, and `hold` is dropped only when nothing of it is on its way any more: not when nobody waits any more.
    pub async fn execute_holding<C: Decide>(
        &self,
        stream: StreamId,
        envelope: Envelope,
        command: C,
        hold: Option<Hold>,
    ) -> Result<Receipt, CommandError> {
        let answer = self.execute_now(stream, envelope, command, hold).await;
        let outcome = match &answer {
            Ok(receipt) if receipt.repeated => "repeated",
            Ok(receipt) if receipt.changed => "changed",
            Ok(_) => "already_so",
            Err(CommandError::Refused(_)) => "refused",
            Err(CommandError::Busy(_) | CommandError::Closed) => "busy",
            Err(CommandError::Unknown(_)) => "unknown",
            Err(CommandError::Stopped(_)) => "stopped",
        };
        metrics::counter!("socai_commands_total", "command" => C::NAME, "outcome" => outcome).increment(1);
        match &answer {
            Err(CommandError::Refused(_) | CommandError::Closed) | Ok(_) => {}
            Err(error) => {
                tracing::warn!(command = C::NAME, %stream, correlation = %envelope.correlation, %error, "not carried out");
            }
        }
        answer
    }

    async fn execute_now<C: Decide>(
        &self,
        stream: StreamId,
        envelope: Envelope,
        command: C,
        hold: Option<Hold>,
    ) -> Result<Receipt, CommandError> {
        let pass = self.0.gate.enter().ok_or(CommandError::Closed)?.holding(hold);
        let done = self.0.run(&pass, stream, &envelope, command).await?;
        if done.leads.is_empty() { Ok(done.receipt) } else { self.0.follow_up(&pass, done, envelope.correlation).await }
    }

    /// Would this command change something now? Nothing is written. The error is the refusal.
    pub async fn preview<C: Decide>(
        &self,
        stream: StreamId,
        envelope: &Envelope,
        command: &C,
    ) -> Result<bool, CommandError> {
        let slot = self.0.cache.slot::<C::State>(stream);
        let came_in = self.0.came_in();
        loop {
            let organ = self.0.judging_organ(envelope.organ).await?;
            let asked = Asked { envelope, input: [0; 32], command, organ: &organ };
            let decided = slot.lock().as_ref().map(|live| (asked.decide(live, self.0.now()), live.incarnation));
            let Some((decided, incarnation)) = decided else {
                self.0.load(&slot).await?;
                continue;
            };
            if self.0.stands(&slot, incarnation, None, came_in).await? {
                return match decided {
                    Ok(_) => Ok(true),
                    Err(Answer::Refused(refused)) => Err(refused.into()),
                    Err(Answer::AlreadySo | Answer::Repeated(_)) => Ok(false),
                };
            }
        }
    }

    /// A stream's state, and the revision of its last event; all of it durable.
    pub async fn state<A: Aggregate>(&self, stream: StreamId) -> Result<(A, Option<Revision>), CommandError> {
        self.view(stream, |state: &A, revision| (state.clone(), revision)).await
    }

    /// Looks at a stream's state, all of it durable, without copying it. `look` may be called again if the state was lost.
    pub async fn view<A: Aggregate, R>(
        &self,
        stream: StreamId,
        look: impl Fn(&A, Option<Revision>) -> R,
    ) -> Result<R, CommandError> {
        self.0.view(stream, look).await
    }

    /// The organ as commands are judged by it now.
    pub async fn organ(&self, id: OrganId) -> Result<Arc<KnownOrgan>, CommandError> {
        self.0.organ(id).await
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.0.log
    }

    /// Opens the log's records.
    pub fn opener(&self) -> &Opener {
        &self.0.opener
    }

    /// The clock by which it decides.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Takes no new commands and waits until those that were taken are finished.
    pub async fn close(&self) {
        self.0.gate.close().await;
    }
}

/// So many records at the log's end are looked at for the latest decision.
const LAST_RECORDS: u64 = 1_000;

/// The latest instant that the log's end tells of. If the clock went back between a decision and its record, that is the
/// decision's and not the record's; and as streams are written side by side, it need not be the last record's decision.
async fn latest(log: &dyn EventLog, opener: &Opener, head: Head) -> Result<Timestamp, CommandError> {
    let mut latest = head.recorded;
    let before = head.position.place().checked_sub(LAST_RECORDS).filter(|place| *place > 0);
    let mut followed = log.follow(before.map(|place| head.position.with_place(place)));
    let mut closed = None;
    while let Some(Followed::Records(records)) = followed.next().await.transpose()? {
        for Recorded { record, .. } in &records {
            match opener.open(record).await {
                Ok(Opened::Event(context, _)) => latest = latest.max(context.at),
                Ok(Opened::Erased) => {}
                Err(error) => closed = closed.or((!error.may_pass()).then_some(error)),
            }
        }
    }
    // Views that have them show them, and nobody would be told before somebody asks for one.
    if let Some(error) = closed {
        tracing::error!(
            %error,
            "ALARM: of the log's newest records one does not open; `socai fsck` tells which documents are concerned: no command on \
             them is carried out, and views that are built anew stop there"
        );
    }
    Ok(latest)
}

impl Inner {
    /// See [`Handler::view`].
    pub(crate) async fn view<A: Aggregate, R>(
        &self,
        stream: StreamId,
        look: impl Fn(&A, Option<Revision>) -> R,
    ) -> Result<R, CommandError> {
        if stream.kind() != A::KIND {
            return Err(Refused::new(Code::NotFound, format!("{stream} is another kind of stream")).into());
        }
        let slot = self.cache.slot::<A>(stream);
        let came_in = self.came_in();
        loop {
            let seen = slot
                .lock()
                .as_mut()
                .map(|live| (look(&live.state, live.revision), live.rests_on(live.revision), live.incarnation));
            match seen {
                None => self.load(&slot).await?,
                Some((seen, resting, incarnation)) => {
                    if self.stands(&slot, incarnation, resting, came_in).await? {
                        return Ok(seen);
                    }
                }
            }
        }
    }
}
