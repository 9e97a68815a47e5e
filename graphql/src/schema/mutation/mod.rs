//! What can be done: a mutation for every command, named after it.
//!
//! A new use case is an input (its fields beside the envelope, which is flattened in) and a resolver of a few lines that
//! makes the domain's command and hands it to [`on_document`], [`on_organ`] or [`on_person`]. The rest is the same for
//! all: who acts, idempotency, the refusal's shape, the receipt, and reading the changed thing at least at its position.

mod affairs;
mod arrival;
mod directing;
mod ending;
mod handling;
mod people;
mod registration;

use async_graphql::{ComplexObject, Context, ID, InputObject, MergedObject, Object, SimpleObject, Value};
use socai_commands::{CommandError, Hold, Receipt as Outcome, Requester};
use socai_domain::{
    decide::Decide,
    id::{IncomingId, OrganId, PersonId, PostId},
    incoming::{self, IncomingDocument as Folded, events::Attachment},
    ledger::StreamId,
    organ, person,
    refusal::Code,
};

use super::{
    input::{self, Envelope, FileInput, FileSource, field},
    labels,
    types::{
        document::IncomingDocument,
        people::{Organ, Person},
    },
};
use crate::{
    app::Services,
    error::{ApiCode, ApiError, ErrorCode, Result},
    notary::Taken,
    reading::{reached, services},
    scalars::{DateTime, Hash, Position, Revision, Uuid},
    session::{Caller, Session, session},
    visible,
};

/// Everything that can be done (các lệnh). Each takes one `input` with a `commandId` and answers with the changed thing and
/// a receipt. Refused commands change nothing.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Mutation(
    arrival::ArrivalMutation,
    registration::RegistrationMutation,
    directing::DirectingMutation,
    handling::HandlingMutation,
    ending::EndingMutation,
    affairs::AffairsMutation,
    people::PeopleMutation,
);

/// What the ledger took (biên nhận): with the hash you can later prove that this record is where it was.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Receipt {
    #[graphql(skip)]
    taken: Taken,
    /// The record's id: made from its hash.
    record_id: Uuid,
    /// The stream it stands in.
    stream: ID,
    /// Its place in the stream.
    revision: Revision,
    /// Its place in the ledger: give it as `atLeast` to read your own write.
    position: Position,
    /// Its hash.
    hash: Hash,
    /// When the ledger took it.
    recorded_at: DateTime,
    /// The instant for which it was decided; deadlines count from it.
    decided_at: DateTime,
    /// Your command.
    command_id: Uuid,
    /// False: it was so already; nothing was written, and the record is the stream's last.
    changed: bool,
    /// This command had been answered before, with this same record.
    repeated: bool,
}

#[ComplexObject]
impl Receipt {
    /// The log's signed promise that this record will be in its tree within the time that it names: a signed note (cam kết đã
    /// ký). Keep it: with a later checkpoint, it shows whether the promise was kept. None while the notary signs nothing, or an
    /// earlier promise of this server is overdue.
    async fn promise(&self, ctx: &Context<'_>) -> Option<String> {
        services(ctx).notary.promise(self.taken).await
    }
}

impl From<Outcome> for Receipt {
    fn from(outcome: Outcome) -> Self {
        Self {
            taken: Taken {
                stream: outcome.stream,
                revision: outcome.revision,
                position: outcome.position,
                hash: outcome.hash,
                recorded: outcome.recorded,
            },
            record_id: Uuid(outcome.record().0),
            stream: ID(outcome.stream.to_string()),
            revision: Revision(outcome.revision),
            position: Position(outcome.position),
            hash: Hash(outcome.hash),
            recorded_at: DateTime(outcome.recorded),
            decided_at: DateTime(outcome.at),
            command_id: Uuid(outcome.command_id.uuid()),
            changed: outcome.changed,
            repeated: outcome.repeated,
        }
    }
}

/// The input of commands that need no more than the document.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DocumentInput {
    #[graphql(flatten)]
    pub(crate) target: Target,
}

/// A command on a document.
#[derive(Clone, Debug, InputObject)]
pub(crate) struct Target {
    #[graphql(flatten)]
    pub(crate) envelope: Envelope,
    /// The document: `incoming-…`.
    pub(crate) document: ID,
}

/// What became of a document.
#[derive(Debug)]
pub(crate) struct DocumentPayload {
    document: IncomingId,
    outcome: Outcome,
}

/// What became of a document (kết quả lệnh trên văn bản).
#[Object]
impl DocumentPayload {
    /// The document, at least as of the receipt; none when you do not see it any more. If the views are slow, this field alone
    /// fails with NOT_YET: the command is done.
    async fn document(&self, ctx: &Context<'_>) -> Result<Option<IncomingDocument>> {
        let services = services(ctx);
        reached(services, self.outcome.position).await?;
        let view = visible::document(services, &session(ctx).caller()?, self.document).await?;
        Ok(view.map(IncomingDocument::from))
    }

    /// The receipt (biên nhận).
    async fn receipt(&self) -> Receipt {
        self.outcome.into()
    }
}

/// What became of an organ.
#[derive(Debug)]
pub(crate) struct OrganPayload {
    organ: OrganId,
    outcome: Outcome,
}

/// What became of an organ (kết quả lệnh trên cơ quan).
#[Object]
impl OrganPayload {
    /// The organ, at least as of the receipt.
    async fn organ(&self, ctx: &Context<'_>) -> Result<Option<Organ>> {
        let services = services(ctx);
        reached(services, self.outcome.position).await?;
        Ok(services.views.organ(self.organ).await?.map(Organ::from))
    }

    /// The receipt (biên nhận).
    async fn receipt(&self) -> Receipt {
        self.outcome.into()
    }
}

/// What became of a person.
#[derive(Debug)]
pub(crate) struct PersonPayload {
    person: PersonId,
    outcome: Outcome,
}

/// What became of a person (kết quả lệnh trên người).
#[Object]
impl PersonPayload {
    /// The person, at least as of the receipt.
    async fn person(&self, ctx: &Context<'_>) -> Result<Person> {
        reached(services(ctx), self.outcome.position).await?;
        Ok(Person(self.person))
    }

    /// The receipt (biên nhận).
    async fn receipt(&self) -> Receipt {
        self.outcome.into()
    }
}

/// Carries out a command on a document that the caller sees.
async fn on_document<C: Decide<State = Folded>>(
    ctx: &Context<'_>,
    target: &Target,
    command: C,
) -> Result<DocumentPayload> {
    on_document_with_files(ctx, target, command, None).await
}

/// The same, with a command that attaches files.
async fn on_document_with_files<C: Decide<State = Folded>>(
    ctx: &Context<'_>,
    target: &Target,
    command: C,
    hold: Option<Hold>,
) -> Result<DocumentPayload> {
    let document = input::document("document", &target.document)?;
    let seen = visible::require(services(ctx), &session(ctx).caller()?, document).await;
    let Err(unseen) = seen else {
        let outcome = act(ctx, incoming::stream(document), &target.envelope, command, hold).await?;
        return Ok(DocumentPayload { document, outcome });
    };
    if unseen.code() != ApiCode::NotYet.into() {
        return Err(unseen);
    }
    // Without views that come that far, the decision alone judges. What it refuses, it may have refused to somebody who does
    // not see the document: nothing is told of that. What was in its way is told, so that nobody takes it for not done.
    let (stream, sealed) = (incoming::stream(document), sealed(session(ctx), &target.envelope)?);
    match services(ctx).handler.execute_holding(stream, sealed, command, hold).await {
        Ok(outcome) if outcome.changed || outcome.repeated => Ok(DocumentPayload { document, outcome }),
        Ok(_) | Err(CommandError::Refused(_)) => Err(unseen),
        Err(error) => Err(error.into()),
    }
}

/// Carries out a command that makes a document, perhaps with files.
async fn on_new_document<C: Decide<State = Folded>>(
    ctx: &Context<'_>,
    envelope: &Envelope,
    command: C,
    hold: Option<Hold>,
) -> Result<DocumentPayload> {
    let organ = session(ctx).caller()?.organ;
    let document = IncomingId::new(command_id(envelope).creates(organ));
    let outcome = act(ctx, incoming::stream(document), envelope, command, hold).await?;
    Ok(DocumentPayload { document, outcome })
}

/// Carries out a command on the caller's own organ.
async fn on_organ<C: Decide<State = organ::Organ>>(
    ctx: &Context<'_>,
    envelope: &Envelope,
    command: C,
) -> Result<OrganPayload> {
    let organ = session(ctx).caller()?.organ;
    let outcome = act(ctx, organ::stream(organ), envelope, command, None).await?;
    Ok(OrganPayload { organ, outcome })
}

/// Carries out a command on a person.
async fn on_person<C: Decide<State = person::Person>>(
    ctx: &Context<'_>,
    person: PersonId,
    envelope: &Envelope,
    command: C,
) -> Result<PersonPayload> {
    let outcome = act(ctx, person::stream(person), envelope, command, None).await?;
    Ok(PersonPayload { person, outcome })
}

fn command_id(envelope: &Envelope) -> socai_domain::id::CommandId {
    socai_domain::id::CommandId::new(envelope.command_id.0)
}

/// The caller's command, as the handler takes it.
fn sealed(session: &Session, envelope: &Envelope) -> Result<socai_commands::Envelope> {
    let caller = session.caller()?;
    let sealed = socai_commands::Envelope::of(caller.organ, Requester::Person(caller.person), command_id(envelope));
    Ok(sealed
        .acting_as(envelope.acting_as.map(|post| PostId::new(post.0)))
        .correlation(session.correlation)
        .expecting(envelope.expected_revision.map(|revision| revision.0)))
}

async fn act<C: Decide>(
    ctx: &Context<'_>,
    stream: StreamId,
    envelope: &Envelope,
    command: C,
    hold: Option<Hold>,
) -> Result<Outcome> {
    let (session, services) = (session(ctx), services(ctx));
    match services.handler.execute_holding(stream, sealed(session, envelope)?, command, hold).await {
        Ok(outcome) => Ok(outcome),
        Err(CommandError::Refused(refused)) if refused.code == Code::ChangedSince => {
            let error = ApiError::from(CommandError::Refused(refused));
            Err(error.present(present(services, session, stream).await?))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the stream stands now, for whoever looked at an older state.
async fn present(services: &Services, session: &Session, stream: StreamId) -> Result<Value> {
    let mut object = async_graphql::indexmap::IndexMap::new();
    let mut put = |name: &str, value: Value| object.insert(async_graphql::Name::new(name), value);
    put("id", stream.to_string().into());
    if stream.kind() == incoming::stream(IncomingId::new(stream.key())).kind() {
        let look = |state: &Folded, revision| (state.stage, state.registered, revision);
        let (stage, registered, revision) = services.handler.view(stream, look).await?;
        let label = |stage| labels::Labelled::label(labels::Stage::from(stage), session.language);
        let name = |stage| async_graphql::resolver_utils::enum_value(labels::Stage::from(stage));
        put("revision", revision.map_or(Value::Null, |revision| revision.to_string().into()));
        put("stage", stage.map_or(Value::Null, name));
        put("stageLabel", stage.map_or(Value::Null, |stage| label(stage).into()));
        put("arrivalNumber", registered.map_or(Value::Null, |(_, number)| number.get().into()));
    } else {
        let last = services.log().read(stream, socai_domain::ledger::Direction::Backwards, None, 1).await?;
        let revision = last.first().map(|last| last.record.header().revision.to_string());
        put("revision", revision.map_or(Value::Null, Value::from));
    }
    Ok(Value::Object(object))
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refused) => {
                let because: Vec<Value> = refused.because_of.iter().map(|id| id.to_string().into()).collect();
                ApiError::refused(refused.code, refused.fields, refused.reload, &refused).because_of(because)
            }
            CommandError::Closed => ApiError::new(ApiCode::ShuttingDown, error),
            error => ApiError::new(ErrorCode::Refusal(error.code()), error),
        }
    }
}

/// The files that the caller may attach: their own uploads, and files of documents that they see. None of them is removed
/// while what comes with them is held.
async fn attachments(ctx: &Context<'_>, files: Vec<FileInput>) -> Result<(Vec<Attachment>, Option<Hold>)> {
    let (services, caller) = (services(ctx), session(ctx).caller()?);
    let mut attachments = Vec::with_capacity(files.len());
    for file in files {
        attachments.push(attachment(services, &caller, file).await?);
    }
    if attachments.is_empty() {
        return Ok((attachments, None));
    }
    let hold = services.files.attach(attachments.iter().map(|file| file.hash).collect()).await?;
    match hold {
        Some(_) => Ok((attachments, hold)),
        None => Err(ApiError::new(ApiCode::TicketInvalid, "a file was removed since it was uploaded")),
    }
}

async fn attachment(services: &Services, caller: &Caller, file: FileInput) -> Result<Attachment> {
    let name = field("files.name", socai_domain::text::FileName::new(file.name))?;
    let role = file.role.into();
    match file.source {
        FileSource::Ticket(ticket) => {
            let kept = services.tickets.redeem(caller, &ticket, services.clock().now());
            let kept =
                kept.ok_or_else(|| ApiError::new(ApiCode::TicketInvalid, "no ticket of this caller, or too old"))?;
            Ok(Attachment { hash: kept.hash, name, size: kept.size, role })
        }
        FileSource::Of(of) => {
            let document = input::document("files.source.of.document", &of.document)?;
            let hash = of.hash.parse::<socai_domain::ledger::RecordHash>();
            let wrong = ("hãy ghi 64 chữ số thập lục phân", "write 64 hexadecimal digits");
            let hash = field("files.source.of.hash", hash.map_err(|_| wrong))?;
            let known = visible::file(services, caller, document, hash.0).await?;
            Ok(Attachment { hash: known.hash, name, size: known.size, role })
        }
    }
}
