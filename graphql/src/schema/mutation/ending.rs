//! The clock stops and goes on; the document is resolved, and perhaps reopened.

use async_graphql::{Context, InputObject, Object};
use socai_domain::{
    id::PostId,
    incoming::{
        confirm_resolution::ConfirmResolution, decline_resolution::DeclineResolution, events::Answer,
        pause::PauseIncoming, reopen::ReopenIncoming, resolve::ResolveIncoming, resume::ResumeIncoming,
    },
    text::{Reason, ShortText},
};

use super::{
    DocumentInput, DocumentPayload, Target,
    directing::{ReasonInput, note, reason},
    on_document,
};
use crate::{
    error::Result,
    scalars::{Date, DateTime, Uuid},
    schema::{
        input::{AssigneeInput, LimitInput, field, optional},
        labels::Resolution,
    },
};

/// Input of `pauseIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct PauseIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Why: at least 10 characters.
    reason: String,
    /// Until when at the latest.
    until: DateTime,
}

/// Input of `resumeIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct ResumeIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Why, or what came.
    note: Option<String>,
}

/// A document that answers (văn bản trả lời).
#[derive(Debug, InputObject)]
pub(crate) struct AnswerInput {
    /// Who issued it.
    organ: String,
    /// Its number and symbol.
    code: String,
    /// Its date.
    date: Date,
}

/// Input of `resolveIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct ResolveIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// How.
    how: Resolution,
    /// The answering documents.
    #[graphql(default)]
    answers: Vec<AnswerInput>,
    /// In words.
    note: Option<String>,
    /// The organ it goes to, for a transfer.
    transferred_to: Option<String>,
    /// Why open coordinating branches end with the document; without it they refuse it: OPEN_BRANCHES.
    close_open_branches: Option<String>,
}

/// Input of `reopenIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct ReopenIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Why: at least 10 characters.
    reason: String,
    /// The new limit of the lead branch.
    limit: LimitInput,
    /// The leader's post on whose word a clerk reopens it.
    on_word_of: Option<Uuid>,
    /// Who leads. Without it who led before; for a post, whoever holds it now.
    to: Option<AssigneeInput>,
}

#[derive(Debug, Default)]
pub(crate) struct EndingMutation;

/// How work stops, ends and begins again (tạm dừng, kết thúc, mở lại).
#[Object]
impl EndingMutation {
    /// Stop the clock: working days inside do not count (tạm dừng). By the lead branch's author.
    async fn pause_incoming(&self, ctx: &Context<'_>, input: PauseIncomingInput) -> Result<DocumentPayload> {
        let command = PauseIncoming { reason: reason(input.reason)?, until: input.until.0 };
        on_document(ctx, &input.target, command).await
    }

    /// Let the clock go on (tiếp tục).
    async fn resume_incoming(&self, ctx: &Context<'_>, input: ResumeIncomingInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, ResumeIncoming { note: note(input.note)? }).await
    }

    /// Resolve the document (giải quyết xong; art. 24). By the lead unit's head or the directing leader. Axis status 06.
    async fn resolve_incoming(&self, ctx: &Context<'_>, input: ResolveIncomingInput) -> Result<DocumentPayload> {
        let answer = |answer: AnswerInput| {
            let organ = field("answers.organ", ShortText::new(answer.organ))?;
            Ok(Answer { organ, code: field("answers.code", ShortText::new(answer.code))?, date: answer.date.0 })
        };
        let command = ResolveIncoming {
            how: input.how.into(),
            answers: input.answers.into_iter().map(answer).collect::<Result<_>>()?,
            note: note(input.note)?,
            transferred_to: optional("transferredTo", input.transferred_to, ShortText::new)?,
            close_open_branches: optional("closeOpenBranches", input.close_open_branches, Reason::new)?,
        };
        on_document(ctx, &input.target, command).await
    }

    /// Confirm what another person proposed: no reply needed, or transferred (xác nhận kết thúc).
    async fn confirm_resolution(&self, ctx: &Context<'_>, input: DocumentInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, ConfirmResolution {}).await
    }

    /// Say no to a proposed resolution (không đồng ý kết thúc).
    async fn decline_resolution(&self, ctx: &Context<'_>, input: ReasonInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, DeclineResolution { reason: reason(input.reason)? }).await
    }

    /// Work begins again, in a new round; the old resolution stays (mở lại). By a leader, or a clerk on a leader's word.
    async fn reopen_incoming(&self, ctx: &Context<'_>, input: ReopenIncomingInput) -> Result<DocumentPayload> {
        let command = ReopenIncoming {
            reason: reason(input.reason)?,
            limit: input.limit.read("limit")?,
            on_word_of: input.on_word_of.map(|post| PostId::new(post.0)),
            to: input.to.map(Into::into),
        };
        on_document(ctx, &input.target, command).await
    }
}
