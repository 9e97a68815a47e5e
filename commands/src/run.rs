//! Carrying out one command on one stream.

use std::{sync::Arc, time::Duration};

use socai_domain::{
    decide::{Aggregate, Decide},
    ledger::{AppendError, Appended, RecordHash, Revision, StreamId},
    process,
    refusal::Code,
    time::Timestamp,
};
use tokio::time::Instant;

use crate::{
    CommandError, Envelope, Receipt, Refused, digest,
    flight::Missed,
    gate::Pass,
    inner::Inner,
    slot::Slot,
    turn::{Answer, Asked, Lead, Turn},
};

/// How often a command is decided again because the stream had moved on under it.
pub(crate) const ATTEMPTS: u32 = 16;

/// How long it is decided again for those that were lost before it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command that was carried out, and the events that another step follows from.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) receipt: Receipt,
    pub(crate) leads: Vec<(Lead, RecordHash)>,
}

impl Done {
    pub(crate) fn wrote(
        stream: StreamId,
        envelope: &Envelope,
        appended: &Appended,
        at: Timestamp,
        leads: Vec<Lead>,
    ) -> Self {
        // Another server may have taken the very same.
        let repeated = appended.repeated;
        let receipt = Receipt { repeated, ..Receipt::of(stream, &appended.last(), at, envelope.command_id) };
        let hash = |lead: &Lead| appended.stamps.get(lead.index).map(|stamp| stamp.hash);
        Self { receipt, leads: leads.into_iter().filter_map(|lead| hash(&lead).map(|hash| (lead, hash))).collect() }
    }
}

impl Inner {
    /// Decides, writes, and waits until it is durable. Does not take the next step.
    pub(crate) async fn run<C: Decide>(
        self: &Arc<Self>,
        pass: &Pass,
        stream: StreamId,
        envelope: &Envelope,
        command: C,
    ) -> Result<Done, CommandError> {
        if stream.kind() != C::State::KIND {
            return Err(Refused::new(Code::NotFound, format!("{} is not done to {stream}", C::NAME)).into());
        }
        let input = digest::of(envelope, &command)?;
        let slot = self.cache.slot::<C::State>(stream);
        let came_in = self.came_in();
        let (mut lost, begun) = (0, Instant::now());
        while lost < ATTEMPTS && begun.elapsed() < PATIENCE {
            let organ = self.judging_organ(envelope.organ).await?;
            let asked = Asked { envelope, input, command: &command, organ: &organ };
            match asked.turn(self, &slot, pass) {
                Turn::Wrote { flight, at, leads } => match flight.land().await {
                    Ok(appended) => return Ok(Done::wrote(stream, envelope, &appended, at, leads)),
                    Err(Missed::Log(AppendError::Conflict { .. })) => lost += 1,
                    // It was not its turn yet: only who was lost before it was.
                    Err(Missed::Unsent) => {}
                    Err(Missed::Log(error)) => return Err(error.into()),
                },
                Turn::Rests(answer, resting, incarnation) => {
                    if self.stands(&slot, incarnation, resting, came_in).await? {
                        return self.answer(&slot, envelope, answer).await;
                    }
                    lost += 1;
                }
                Turn::Load => self.load(&slot).await?,
                Turn::Key => self.fetch_key(&slot, came_in).await?,
                Turn::Alone => return self.run_alone(pass, slot, *envelope, input, command).await,
                Turn::Refused(refused) => return Err(refused.into()),
            }
        }
        Err(CommandError::Busy(format!("{stream} changes too fast")))
    }

    /// An answer without a write. All that it rests on is durable.
    pub(crate) async fn answer<A: Aggregate>(
        &self,
        slot: &Slot<A>,
        envelope: &Envelope,
        answer: Answer,
    ) -> Result<Done, CommandError> {
        let (stream, command_id) = (slot.stream, envelope.command_id);
        match answer {
            Answer::Refused(refused) => Err(refused.into()),
            Answer::AlreadySo => {
                let head = match slot.lock().as_ref() {
                    Some(live) => live.head,
                    None => None,
                };
                let head = match head {
                    Some(head) => Some(head),
                    None => self.fold::<A>(stream).await?.head,
                };
                let (stamp, at) = head.ok_or_else(|| Refused::new(Code::NotFound, format!("there is no {stream}")))?;
                let receipt = Receipt { changed: false, ..Receipt::of(stream, &stamp, at, command_id) };
                Ok(Done { receipt, leads: Vec::new() })
            }
            Answer::Repeated(revision) => {
                let Some(last) = self.read_one(stream, revision).await? else {
                    return Err(self.gone(slot, revision));
                };
                let receipt = Receipt::of(stream, &last.stamp, last.meta.at, command_id);
                let mut leads = Vec::new();
                let mut next = Some(last);
                while let Some(read) = next.filter(|read| read.meta.command == command_id) {
                    next = match read.meta.revision.before() {
                        Some(before) => self.read_one(stream, before).await?,
                        None => None,
                    };
                    if process::leads_on(read.event.kind()) {
                        let lead = Lead { event: read.event, meta: read.meta, index: 0 };
                        leads.push((lead, read.stamp.hash));
                    }
                }
                leads.reverse();
                Ok(Done { receipt: Receipt { repeated: true, ..receipt }, leads })
            }
        }
    }

    /// What the command wrote cannot be opened any more.
    fn gone<A: Aggregate>(&self, slot: &Slot<A>, revision: Revision) -> CommandError {
        let gone = format!("{} revision {revision} cannot be read again", slot.stream);
        if self.lookout.is_none() {
            return CommandError::Stopped(gone);
        }
        // Another server is erasing the stream. Read again, it does not tell of that command.
        *slot.lock() = None;
        CommandError::Busy(format!("{gone}: it is being erased"))
    }
}
