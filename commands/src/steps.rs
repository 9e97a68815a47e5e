//! Taking the steps that follow from events: at once by who carried out the command, or by a reaction.

use std::sync::Arc;

use socai_domain::{
    decide::Decide,
    id::{CommandId, CorrelationId, IncomingId, RegisterId},
    incoming::{
        self, Event, IncomingDocument, abandon_registration::AbandonRegistration, complete_erasure::CompleteErasure,
        events::RegistrationBegan, finish_registration::FinishRegistration,
    },
    ledger::{Direction, DomainEvent, Revision, StreamId, StreamKind},
    process::{Action, Step, next_steps},
    refusal::Code,
    register::{Fingerprint, Register, VoidReason, assign::AssignNumber, renew::RenewFingerprints, void::VoidNumber},
};

use crate::{CommandError, Envelope, Receipt, Refused, Requester, digest, gate::Pass, inner::Inner, run::Done};

/// How many records are read at once to find how a registration ended.
const PAGE: usize = 32;

fn register_stream(register: RegisterId) -> StreamId {
    StreamId::new(StreamKind::Register, register.uuid())
}

fn envelope(step: &Step, correlation: CorrelationId) -> Envelope {
    Envelope {
        causation: Some(step.cause),
        digest: Some(digest::of_step(step.command)),
        ..Envelope::of(step.organ, Requester::System, step.command).correlation(correlation)
    }
}

impl Inner {
    /// Takes the steps that follow from a command and answers for all of them.
    pub(crate) async fn follow_up(
        self: &Arc<Self>,
        pass: &Pass,
        done: Done,
        correlation: CorrelationId,
    ) -> Result<Receipt, CommandError> {
        let mut answer = Ok(done.receipt);
        for (lead, hash) in &done.leads {
            for step in next_steps(&lead.event, &lead.meta, incoming::cause(*hash)) {
                let stream = done.receipt.stream;
                answer = match (&step.action, self.take(pass, &step, correlation).await) {
                    (Action::Assign { .. } | Action::Erase { .. }, Ok(Some(ended))) => Ok(ended),
                    (Action::Assign { .. } | Action::Erase { .. }, Ok(None)) => {
                        self.ended(stream, lead.meta.revision).await
                    }
                    // The clerk asked for a number: without one it is not done.
                    (Action::Assign { .. }, Err(error)) => Err(unfinished(error)),
                    (_, Ok(_)) => answer,
                    // What was asked for is done and durable. The rest is done by a reaction.
                    (_, Err(error)) => {
                        tracing::warn!(%correlation, step = %step.command, %error, "left to the reactions");
                        answer
                    }
                };
            }
        }
        answer.map(|receipt| Receipt {
            repeated: done.receipt.repeated,
            command_id: done.receipt.command_id,
            ..receipt
        })
    }

    /// Takes a step, and those that end it. Doing it again does nothing. Answers with the last record of the document, if
    /// it was written now.
    pub(crate) async fn take(
        self: &Arc<Self>,
        pass: &Pass,
        step: &Step,
        correlation: CorrelationId,
    ) -> Result<Option<Receipt>, CommandError> {
        match &step.action {
            Action::Assign { document, began_by, began, as_of } => {
                self.assign(pass, step, correlation, (*document, *began_by), began, *as_of).await
            }
            Action::Renew { document } => {
                // Without a number it is compared with what is registered when it gets one.
                let now = |state: &IncomingDocument, revision: Option<Revision>| {
                    let fingerprints = incoming::register::fingerprints(state.details.as_ref()?);
                    Some((state.registered?.0, fingerprints, revision?.number()))
                };
                let seen = self.view(incoming::stream(*document), now).await?;
                let Some((register, fingerprints, as_of)) = seen else { return Ok(None) };
                let command = RenewFingerprints { document: *document, fingerprints, as_of };
                self.step(pass, register_stream(register), step, correlation, command).await.map(|_| None)
            }
            Action::Finish { document, register, number } => {
                let waits = |state: &IncomingDocument, _| state.registered != Some((*register, *number));
                if !self.view(incoming::stream(*document), waits).await? {
                    return Ok(None);
                }
                let command = FinishRegistration { register: *register, number: *number };
                match self.step(pass, incoming::stream(*document), step, correlation, command).await {
                    Err(CommandError::Refused(refused)) => {
                        tracing::warn!(%correlation, %document, %number, %refused, "a number that cannot be used is voided");
                        let (document, number, reason, note) = (*document, *number, VoidReason::Error, None);
                        let action = Action::Void { document, register: *register, number, reason, note };
                        let void = Step::new(step.organ, step.command, step.cause, "voidNumber", action);
                        Box::pin(self.take(pass, &void, correlation)).await
                    }
                    done => done.map(|done| written(&done)),
                }
            }
            Action::Void { document, register, number, reason, note } => {
                let (document, number, reason, note) = (*document, *number, *reason, note.clone());
                let command = VoidNumber { document, number, reason, note };
                self.step(pass, register_stream(*register), step, correlation, command).await.map(|_| None)
            }
            Action::Erase { document, below, files } => {
                let completed = |state: &IncomingDocument, _| state.erasure_completed;
                if self.view(incoming::stream(*document), completed).await? {
                    return Ok(None);
                }
                let files_removed = self.destroy(*document, *below, files).await?;
                let command = CompleteErasure { below: below.number(), files_removed };
                self.step(pass, incoming::stream(*document), step, correlation, command)
                    .await
                    .map(|done| written(&done))
            }
        }
    }

    async fn step<C: Decide>(
        self: &Arc<Self>,
        pass: &Pass,
        stream: StreamId,
        step: &Step,
        correlation: CorrelationId,
        command: C,
    ) -> Result<Done, CommandError> {
        self.run(pass, stream, &envelope(step, correlation), command).await
    }

    /// The book gives a number, and the document takes it; or it gives none, and the document waits no longer.
    async fn assign(
        self: &Arc<Self>,
        pass: &Pass,
        step: &Step,
        correlation: CorrelationId,
        (document, began_by): (IncomingId, CommandId),
        began: &RegistrationBegan,
        as_of: u64,
    ) -> Result<Option<Receipt>, CommandError> {
        let compared = |state: &IncomingDocument, _| {
            let details = state.details.as_ref().filter(|_| state.is_registering(began_by));
            details.map(incoming::register::fingerprints)
        };
        let Some(fingerprints) = self.view(incoming::stream(document), compared).await? else { return Ok(None) };
        let command = AssignNumber {
            organ: step.organ,
            series: began.series.clone(),
            year: began.year,
            document,
            elsewhere: self.elsewhere(step, began, &fingerprints).await?,
            fingerprints,
            as_of,
            accepted_duplicates: began.accepted_duplicates.clone(),
            accepted_because: began.accepted_because.clone(),
        };
        match self.step(pass, register_stream(began.register), step, correlation, command).await {
            Ok(done) => {
                let finish = self.finish(step, &done, document, began.register).await?;
                Box::pin(self.take(pass, &finish, correlation)).await
            }
            Err(CommandError::Refused(refused)) => {
                let candidates = refused.because_of.iter().map(|id| IncomingId::new(*id)).collect();
                let command = AbandonRegistration { began_by, candidates };
                let name = step.command.step("abandonRegistration");
                let abandon = Step { command: name, ..step.clone() };
                self.step(pass, incoming::stream(document), &abandon, correlation, command).await.map(|_| None)
            }
            Err(error) => Err(error),
        }
    }

    /// The step that follows from a number, just given or given before.
    async fn finish(
        &self,
        step: &Step,
        done: &Done,
        document: IncomingId,
        register: RegisterId,
    ) -> Result<Step, CommandError> {
        if let Some((lead, hash)) = done.leads.first()
            && let Some(finish) = next_steps(&lead.event, &lead.meta, incoming::cause(*hash)).pop()
        {
            return Ok(finish);
        }
        // An earlier registration of the document was given the number and went no further.
        let number = |book: &Register, _| book.numbers.get(&document).map(|entry| entry.number);
        let number = self.view(register_stream(register), number).await?;
        let number = number.ok_or_else(|| CommandError::Stopped(format!("the book lost the number of {document}")))?;
        let action = Action::Finish { document, register, number };
        Ok(Step::new(step.organ, step.command, step.cause, "finishRegistration", action))
    }

    /// Documents that look the same in other books: of the year before, in the next, when that year has begun, and of other
    /// series that the organ has or had.
    async fn elsewhere(
        &self,
        step: &Step,
        began: &RegistrationBegan,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<IncomingId>, CommandError> {
        let next = (self.now().year() > began.year).then(|| began.year.saturating_add(1));
        let organ = self.organ(step.organ).await?;
        let mut found = Vec::new();
        for series in organ.series() {
            for year in [Some(began.year.saturating_sub(1)), Some(began.year), next].into_iter().flatten() {
                let book = RegisterId::of(step.organ, series.as_str(), year);
                if book != began.register {
                    let alike = |book: &Register, _| book.alike(fingerprints);
                    found.extend(self.view(register_stream(book), alike).await?);
                }
            }
        }
        Ok(found)
    }

    /// Destroys keys and files. The event that says so is sealed by a new key and durable already.
    async fn destroy(&self, document: IncomingId, below: Revision, files: &[[u8; 32]]) -> Result<u32, CommandError> {
        let stream = incoming::stream(document);
        self.opener.ring().destroy(stream, below).await?;
        // As a stream that is read again does not tell of commands whose records cannot be opened, so does this one.
        if let Some(live) = self.cache.slot::<IncomingDocument>(stream).lock().as_mut() {
            live.commands.retain(|_, remembered| remembered.revision >= below);
        }
        let removed = self.blobs.remove(document, files.to_vec()).await;
        removed.map_err(|error| CommandError::Busy(error.to_string()))
    }

    /// How the registration or erasure that began at a revision of a document's stream ended: the first end after it.
    async fn ended(&self, stream: StreamId, began: Revision) -> Result<Receipt, CommandError> {
        let mut next = began.next();
        loop {
            let page = self.log.read(stream, Direction::Forwards, Some(next), PAGE).await?;
            for recorded in &page {
                next = recorded.record.header().revision.next();
                let Some(read) = self.open(recorded).await? else { continue };
                let DomainEvent::Incoming(event) = &read.event else { continue };
                match event {
                    Event::Registered(_) | Event::ErasureCompleted(_) => {
                        return Ok(Receipt::of(stream, &read.stamp, read.meta.at, read.meta.command));
                    }
                    Event::RegistrationAbandoned(end) => return Err(abandoned(&end.candidates).into()),
                    Event::Cancelled(_) | Event::Expunged(_) => {
                        return Err(Refused::new(Code::WrongStage, "the document ended before it had a number").into());
                    }
                    _ => {}
                }
            }
            if page.len() < PAGE {
                return Err(CommandError::Unknown("begun, not finished".to_owned()));
            }
        }
    }
}

/// The record that a step wrote.
fn written(done: &Done) -> Option<Receipt> {
    done.receipt.changed.then_some(done.receipt)
}

/// The refusal that the book's became.
fn abandoned(candidates: &[IncomingId]) -> Refused {
    if candidates.is_empty() {
        return Refused::new(Code::NumberVoid, "the book gave no number");
    }
    let because_of = candidates.iter().map(|document| document.uuid()).collect();
    let detail = format!("{} documents with the same issuer, number, symbol and year are registered", candidates.len());
    Refused { because_of, ..Refused::new(Code::PossibleDuplicate, detail) }
}

/// The first part is durable: the same command again goes on from there, and so does a reaction.
fn unfinished(error: CommandError) -> CommandError {
    match error {
        CommandError::Busy(why) => CommandError::Unknown(format!("begun, not finished: {why}")),
        error => error,
    }
}
