//! A document arrives, and what the clerk does until it is registered.

use async_graphql::{Context, ID, InputObject, Object};
use socai_commands::Hold;
use socai_domain::{
    id::PersonId,
    incoming::{
        annotate::AnnotateIncoming, arrival::Arriving, attach_scan::AttachScan, bring_back::BringBackIncoming,
        check_authenticity::RecordAuthenticityCheck, correct::CorrectIncoming, grant_access::GrantAccess,
        log_unopened::LogUnopened, receive::ReceiveIncoming, record_paper::RecordPaperArrival, refuse::RefuseIncoming,
    },
    text::{LongText, PersonName, Reason, ShortText},
};

use super::{DocumentPayload, Target, attachments, on_document, on_document_with_files, on_new_document};
use crate::{
    error::Result,
    scalars::DateTime,
    schema::{
        input::{self, ArrivingInput, DetailsInput, Envelope, FileInput, field, optional},
        labels::{Authenticity, Channel},
    },
};

/// Input of `receiveIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct ReceiveIncomingInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// How it came; what the axis brings, the system receives by itself.
    channel: Channel,
    /// What arrives.
    arriving: ArrivingInput,
    /// The refused or cancelled arrival that it follows.
    follows: Option<ID>,
}

/// Input of `logUnopened`.
#[derive(Debug, InputObject)]
pub(crate) struct LogUnopenedInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The sender on the envelope.
    sender: String,
    /// The envelope's number or marks.
    envelope_marks: String,
    /// To whom it is addressed.
    addressed_to: String,
    /// When it arrived: never later than now.
    arrived_at: DateTime,
}

/// Input of `bringBackIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct BringBackIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// What was in the envelope.
    arriving: ArrivingInput,
}

/// Input of `recordAuthenticityCheck`.
#[derive(Debug, InputObject)]
pub(crate) struct RecordAuthenticityCheckInput {
    #[graphql(flatten)]
    target: Target,
    /// What was found.
    result: Authenticity,
    /// By what or whom: a program with its version, an office.
    checked_by: Option<String>,
    /// Remarks.
    note: Option<String>,
}

/// Input of `correctIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct CorrectIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// All data, as they should be.
    details: DetailsInput,
    /// Why: at least 10 characters.
    reason: String,
}

/// Input of `annotateIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct AnnotateIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// The remark.
    note: String,
}

/// Input of `attachScan`.
#[derive(Debug, InputObject)]
pub(crate) struct AttachScanInput {
    #[graphql(flatten)]
    target: Target,
    /// The files: the document itself or annexes.
    files: Vec<FileInput>,
}

/// Input of `recordPaperArrival`.
#[derive(Debug, InputObject)]
pub(crate) struct RecordPaperArrivalInput {
    #[graphql(flatten)]
    target: Target,
    /// When: never later than now.
    arrived_at: DateTime,
}

/// Input of `refuseIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct RefuseIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Why: at least 10 characters.
    reason: String,
}

/// Input of `grantAccess`.
#[derive(Debug, InputObject)]
pub(crate) struct GrantAccessInput {
    #[graphql(flatten)]
    target: Target,
    /// Who may see the document from now on.
    to: ID,
}

async fn arriving(ctx: &Context<'_>, given: ArrivingInput) -> Result<(Arriving, Option<Hold>)> {
    let (arrived_at, secrecy) = (given.arrived_at.0, given.secrecy.map(Into::into));
    let details = given.details.read()?;
    let (files, hold) = attachments(ctx, given.files).await?;
    Ok((Arriving { arrived_at, details, files, secrecy }, hold))
}

#[derive(Debug, Default)]
pub(crate) struct ArrivalMutation;

/// Arrival (tiếp nhận).
#[Object]
impl ArrivalMutation {
    /// Take a document in (tiếp nhận; art. 21). By a records clerk. Nobody has a duty before it is registered (art. 22.1).
    async fn receive_incoming(&self, ctx: &Context<'_>, input: ReceiveIncomingInput) -> Result<DocumentPayload> {
        let follows = input.follows.map(|follows| input::document("follows", &follows)).transpose()?;
        let (arriving, hold) = arriving(ctx, input.arriving).await?;
        let command = ReceiveIncoming { channel: input.channel.into(), axis: None, arriving, follows };
        on_new_document(ctx, &input.envelope, command, hold).await
    }

    /// Note an envelope addressed to a person by name and hand it over unopened (chuyển nguyên bì; art. 21.1).
    async fn log_unopened(&self, ctx: &Context<'_>, input: LogUnopenedInput) -> Result<DocumentPayload> {
        let command = LogUnopened {
            sender: field("sender", ShortText::new(input.sender))?,
            envelope: field("envelopeMarks", ShortText::new(input.envelope_marks))?,
            addressed_to: field("addressedTo", PersonName::new(input.addressed_to))?,
            arrived_at: input.arrived_at.0,
        };
        on_new_document(ctx, &input.envelope, command, None).await
    }

    /// Take in what went unopened to a person and turned out to be the agency's business (art. 21.1).
    async fn bring_back_incoming(&self, ctx: &Context<'_>, input: BringBackIncomingInput) -> Result<DocumentPayload> {
        let (arriving, hold) = arriving(ctx, input.arriving).await?;
        on_document_with_files(ctx, &input.target, BringBackIncoming { arriving }, hold).await
    }

    /// Record what a check of signature and integrity found (kiểm tra xác thực, toàn vẹn; art. 21.2a).
    async fn record_authenticity_check(
        &self,
        ctx: &Context<'_>,
        input: RecordAuthenticityCheckInput,
    ) -> Result<DocumentPayload> {
        let command = RecordAuthenticityCheck {
            result: input.result.into(),
            checked_by: optional("checkedBy", input.checked_by, ShortText::new)?,
            note: optional("note", input.note, LongText::new)?,
        };
        on_document(ctx, &input.target, command).await
    }

    /// Correct data that a clerk entered; the old ones stay in the ledger (sửa thông tin). What the axis gave is annotated.
    async fn correct_incoming(&self, ctx: &Context<'_>, input: CorrectIncomingInput) -> Result<DocumentPayload> {
        let command =
            CorrectIncoming { details: input.details.read()?, reason: field("reason", Reason::new(input.reason))? };
        on_document(ctx, &input.target, command).await
    }

    /// Add a remark (ghi chú).
    async fn annotate_incoming(&self, ctx: &Context<'_>, input: AnnotateIncomingInput) -> Result<DocumentPayload> {
        let command = AnnotateIncoming { note: field("note", LongText::new(input.note))? };
        on_document(ctx, &input.target, command).await
    }

    /// Add the scan of a paper, or files that came later (số hóa, đính kèm tệp; art. 22.2).
    async fn attach_scan(&self, ctx: &Context<'_>, input: AttachScanInput) -> Result<DocumentPayload> {
        let (files, hold) = attachments(ctx, input.files).await?;
        on_document_with_files(ctx, &input.target, AttachScan { files }, hold).await
    }

    /// The paper of an electronic document came (bản giấy đến; art. 23.4).
    async fn record_paper_arrival(&self, ctx: &Context<'_>, input: RecordPaperArrivalInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, RecordPaperArrival { arrived_at: input.arrived_at.0 }).await
    }

    /// Send the document back: wrong agency, damaged, not authentic (từ chối tiếp nhận; art. 21). Axis status 02.
    async fn refuse_incoming(&self, ctx: &Context<'_>, input: RefuseIncomingInput) -> Result<DocumentPayload> {
        let command = RefuseIncoming { reason: field("reason", Reason::new(input.reason))? };
        on_document(ctx, &input.target, command).await
    }

    /// Let a person of the organ see the document (cấp quyền xem).
    async fn grant_access(&self, ctx: &Context<'_>, input: GrantAccessInput) -> Result<DocumentPayload> {
        let to: PersonId = input::person("to", &input.to)?;
        on_document(ctx, &input.target, GrantAccess { to }).await
    }
}
