//! What needs a stream for itself: changes of an organ, by which others are judged, and erasures, which need a new key.
//!
//! Rare, so it is done plainly: nothing else is decided on the stream until it is durable.

use std::sync::Arc;

use socai_domain::{
    decide::{Aggregate, Decide},
    ledger::{AppendError, catalogue::StoredEvent},
};

use crate::{
    CommandError, Envelope,
    flight::{Flight, Missed},
    gate::Pass,
    inner::Inner,
    run::{ATTEMPTS, Done},
    slot::{Live, Slot},
    turn::{Answer, Asked, renews_key},
};

impl Inner {
    /// Runs to its end even if nobody waits for it.
    pub(crate) async fn run_alone<C: Decide>(
        self: &Arc<Self>,
        pass: &Pass,
        slot: Arc<Slot<C::State>>,
        envelope: Envelope,
        input: [u8; 32],
        command: C,
    ) -> Result<Done, CommandError> {
        let (inner, pass) = (Arc::clone(self), pass.again());
        let running = self.runtime.spawn(async move {
            let _alone = slot.alone.lock().await;
            for _ in 0..ATTEMPTS {
                let live = inner.settled(&slot).await?;
                match inner.write_alone(&pass, &slot, live, &envelope, input, &command).await? {
                    Alone::Done(done) => return Ok(done),
                    Alone::Answer(answer) => return inner.answer(&slot, &envelope, answer).await,
                    Alone::Conflict => {}
                }
            }
            Err(CommandError::Busy(format!("{} changes too fast", slot.stream)))
        });
        // A panic in a decision, or the runtime is going down: what was sent may have landed.
        running.await.unwrap_or_else(|error| Err(CommandError::Unknown(error.to_string())))
    }

    /// Takes what is in the slot, once nothing is on its way to the stream any more. The slot stays empty, so nothing new
    /// sets out: whoever wants to decide waits for `alone`. Where others write, it is read anew, so that an answer rests on
    /// the stream's end and a new key does not begin below it.
    async fn settled<A: Aggregate>(&self, slot: &Slot<A>) -> Result<Live<A>, CommandError> {
        let (live, flying) = {
            let mut locked = slot.lock();
            (locked.take(), *slot.flights.borrow())
        };
        // Else it goes first: appends on their way wait for what is told to who rests on it.
        if let Some(live) = live.filter(|_| flying == 0 && self.lookout.is_none()) {
            return Ok(live);
        }
        // An append of unknown outcome may land even after its slot was dropped. It was sealed with the key before: if it
        // landed behind a new key, nobody could open it. The sender lives as long as the slot.
        let _ = slot.flights.subscribe().wait_for(|flights| *flights == 0).await;
        self.fold(slot.stream).await
    }

    async fn write_alone<C: Decide>(
        self: &Arc<Self>,
        pass: &Pass,
        slot: &Arc<Slot<C::State>>,
        mut live: Live<C::State>,
        envelope: &Envelope,
        input: [u8; 32],
        command: &C,
    ) -> Result<Alone, CommandError> {
        let organ = self.judging_organ_beside(envelope.organ, slot, &live).await?;
        let asked = Asked { envelope, input, command, organ: &organ };
        let decided = match asked.decide(&live, self.now()) {
            Ok(decided) => decided,
            Err(answer) => {
                *slot.lock() = Some(live);
                return Ok(Alone::Answer(answer));
            }
        };
        let (ring, next) = (self.opener.ring(), live.next());
        if decided.events.iter().any(|event| renews_key(event.kind())) {
            // Durable before the event that it seals: the event stays readable when the key before is destroyed.
            ring.renew(slot.stream, next).await?;
            live.cipher = None;
        }
        let cipher = match live.cipher.take() {
            Some(cipher) => cipher,
            None => ring.sealing(slot.stream, next).await?.cipher(),
        };
        let append = asked.seal(slot.stream, live.revision, &decided, &cipher)?;
        live.cipher = Some(cipher);
        let leads = asked.take_in(&mut live, &decided, slot.stream);
        let at = decided.at;
        let flight = Flight::start(self, slot, live.incarnation, at, append, None, pass.again());
        match flight.land().await {
            Ok(appended) => {
                live.landed(&appended, at);
                self.organ_changed(slot, &live);
                *slot.lock() = Some(live);
                Ok(Alone::Done(Done::wrote(slot.stream, envelope, &appended, at, leads)))
            }
            Err(Missed::Unsent | Missed::Log(AppendError::Conflict { .. })) => Ok(Alone::Conflict),
            Err(Missed::Log(error)) => Err(error.into()),
        }
    }
}

/// What came of one attempt.
enum Alone {
    Done(Done),
    Answer(Answer),
    Conflict,
}
