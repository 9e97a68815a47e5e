//! A document gets its number, is submitted, or ends before its time.

use async_graphql::{Context, ID, InputObject, Object};
use socai_domain::{
    id::PostId,
    incoming::{
        cancel::CancelIncoming, confirm_expunge::ConfirmExpunge, decline_expunge::DeclineExpunge,
        expunge::ExpungeIncoming, register::RegisterIncoming, submit::SubmitIncoming,
    },
    text::{LongText, Reason},
};

use super::{DocumentInput, DocumentPayload, Target, on_document};
use crate::{
    error::Result,
    scalars::Uuid,
    schema::{
        input::{self, field, optional},
        labels::{SecrecyLevel, VoidReason},
    },
};

/// Input of `registerIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct RegisterIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Documents that it may be a duplicate of and that you looked at: those that POSSIBLE_DUPLICATE named.
    #[graphql(default)]
    accept_duplicate_of: Vec<ID>,
    /// Why it is registered all the same.
    accepted_because: Option<String>,
}

/// Input of `submitIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct SubmitIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// The leader's post.
    to: Uuid,
    /// The clerk's or unit's proposal.
    note: Option<String>,
}

/// Input of `cancelIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct CancelIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Why: in error, a duplicate, or recalled.
    kind: VoidReason,
    /// Why, in words: at least 10 characters.
    reason: String,
}

/// Input of `expungeIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct ExpungeIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// The level that it bears.
    level: SecrecyLevel,
}

/// Input of `declineExpunge`.
#[derive(Debug, InputObject)]
pub(crate) struct DeclineExpungeInput {
    #[graphql(flatten)]
    target: Target,
    /// Why: at least 10 characters.
    reason: String,
}

#[derive(Debug, Default)]
pub(crate) struct RegistrationMutation;

/// Registration and submission (đăng ký, trình).
#[Object]
impl RegistrationMutation {
    /// Give the document its arrival number (vào sổ, cấp số đến; art. 22): the next of the year's one series, without gaps.
    async fn register_incoming(&self, ctx: &Context<'_>, input: RegisterIncomingInput) -> Result<DocumentPayload> {
        let accepted = input.accept_duplicate_of.iter().map(|id| input::document("acceptDuplicateOf", id));
        let command = RegisterIncoming {
            accept_duplicate_of: accepted.collect::<Result<_>>()?,
            accepted_because: optional("acceptedBecause", input.accepted_because, Reason::new)?,
        };
        on_document(ctx, &input.target, command).await
    }

    /// Submit the document to the leader who directs (trình; art. 23.1).
    async fn submit_incoming(&self, ctx: &Context<'_>, input: SubmitIncomingInput) -> Result<DocumentPayload> {
        let note = optional("note", input.note, LongText::new)?;
        on_document(ctx, &input.target, SubmitIncoming { to: PostId::new(input.to.0), note }).await
    }

    /// End the document without resolving it; its number is void and stays in the book (hủy đăng ký).
    async fn cancel_incoming(&self, ctx: &Context<'_>, input: CancelIncomingInput) -> Result<DocumentPayload> {
        let command = CancelIncoming { kind: input.kind.into(), reason: field("reason", Reason::new(input.reason))? };
        on_document(ctx, &input.target, command).await
    }

    /// Ask to erase a secret document that slipped in (đề nghị xóa văn bản mật; Law 117/2025/QH15). A second person confirms.
    async fn expunge_incoming(&self, ctx: &Context<'_>, input: ExpungeIncomingInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, ExpungeIncoming { level: input.level.into() }).await
    }

    /// Confirm that a secret document is erased: its key, files and every view of its text are destroyed (xác nhận xóa).
    async fn confirm_expunge(&self, ctx: &Context<'_>, input: DocumentInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, ConfirmExpunge {}).await
    }

    /// Say that a document is not secret after all: it is not erased (không đồng ý xóa).
    async fn decline_expunge(&self, ctx: &Context<'_>, input: DeclineExpungeInput) -> Result<DocumentPayload> {
        let command = DeclineExpunge { reason: field("reason", Reason::new(input.reason))? };
        on_document(ctx, &input.target, command).await
    }
}
