//! Work is done: signed for, reported on, given back, completed, handed over.

use super::{
    DocumentPayload, Receipt, Target, attachments,
    directing::{BranchReasonInput, branch, reason},
    on_document, on_document_with_files, sealed,
};
use crate::{
    error::{ErrorCode, Result},
    reading::{reached, services},
    scalars::{DateTime, Uuid},
    schema::{
        input::{self, Envelope, FileInput, field},
        labels::Resolution,
    },
    session::session,
};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use socai_commands::CommandError;
use socai_domain::{
    id::{PersonId, PostId},
    incoming::{
        self, accept_branch::AcceptBranch, complete_branch::CompleteBranch, events::Holder, hand_over::HandOverWork,
        report_progress::ReportProgress, request_extension::RequestExtension, return_branch::ReturnBranch,
    },
    organ::{self, decide_hand_over::DecideHandOver},
    text::LongText,
};

/// Input of `acceptBranch`.
#[derive(Debug, InputObject)]
pub(crate) struct AcceptBranchInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
}

/// Input of `reportProgress`.
#[derive(Debug, InputObject)]
pub(crate) struct ReportProgressInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// How far it is, in words.
    text: String,
}

/// Input of `requestExtension`.
#[derive(Debug, InputObject)]
pub(crate) struct RequestExtensionInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// Until when.
    until: DateTime,
    /// Why: at least 10 characters.
    reason: String,
}

/// Input of `completeBranch`.
#[derive(Debug, InputObject)]
pub(crate) struct CompleteBranchInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// The contribution, or what was done.
    result: String,
    /// How the lead officer proposes to resolve the document.
    proposal: Option<Resolution>,
    /// What is contributed.
    #[graphql(default)]
    files: Vec<FileInput>,
}

/// Input of `handOverWork`.
#[derive(Debug, InputObject)]
pub(crate) struct HandOverWorkInput {
    #[graphql(flatten)]
    envelope: Envelope,
    /// The person who has the work.
    person: ID,
    /// The post in which they have it.
    from: Uuid,
    /// The post that takes it.
    to: Uuid,
}

/// What was handed over (kết quả bàn giao).
#[derive(Debug, SimpleObject)]
pub(crate) struct HandOverPayload {
    /// Of the decision, which stands in the organ's own stream.
    receipt: Receipt,
    /// Each document of which something still lay with them, the oldest first. If an error broke it off, send the same
    /// again: it goes on, and answers for the rest.
    documents: Vec<HandedOver>,
}

/// What became of one document (kết quả bàn giao từng văn bản): a receipt, or a refusal.
#[derive(Debug, SimpleObject)]
pub(crate) struct HandedOver {
    /// The document: `incoming-…`.
    document: ID,
    /// It was handed over (`changed`), or nothing was left to hand over (not `changed`).
    receipt: Option<Receipt>,
    /// It stays where it was: why. The others go on.
    refusal: Option<ErrorCode>,
    /// Why, in words.
    message: Option<&'static str>,
}

#[derive(Debug, Default)]
pub(crate) struct HandlingMutation;

/// Work is done (giải quyết).
#[Object]
impl HandlingMutation {
    /// Sign for a branch (ký nhận; register column 9). By its assignee, or for a unit by its head; also by who is informed.
    async fn accept_branch(&self, ctx: &Context<'_>, input: AcceptBranchInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, AcceptBranch { branch: branch(input.branch) }).await
    }

    /// Report how far the work is (báo cáo tiến độ). By the assignee.
    async fn report_progress(&self, ctx: &Context<'_>, input: ReportProgressInput) -> Result<DocumentPayload> {
        let command = ReportProgress { branch: branch(input.branch), text: field("text", LongText::new(input.text))? };
        on_document(ctx, &input.target, command).await
    }

    /// Give a branch back to its author (trả lại việc); the clock of the work above runs on. By the assignee.
    async fn return_branch(&self, ctx: &Context<'_>, input: BranchReasonInput) -> Result<DocumentPayload> {
        let command = ReturnBranch { branch: branch(input.branch), reason: reason(input.reason)? };
        on_document(ctx, &input.target, command).await
    }

    /// Ask for more time (đề nghị gia hạn). By the assignee; the author decides.
    async fn request_extension(&self, ctx: &Context<'_>, input: RequestExtensionInput) -> Result<DocumentPayload> {
        let (branch, until) = (branch(input.branch), input.until.0);
        on_document(ctx, &input.target, RequestExtension { branch, until, reason: reason(input.reason)? }).await
    }

    /// Complete one duty (hoàn thành). By the assignee; resolving the document is another act.
    async fn complete_branch(&self, ctx: &Context<'_>, input: CompleteBranchInput) -> Result<DocumentPayload> {
        let (files, hold) = attachments(ctx, input.files).await?;
        let command = CompleteBranch {
            branch: branch(input.branch),
            result: field("result", LongText::new(input.result))?,
            proposal: input.proposal.map(Into::into),
            files,
        };
        on_document_with_files(ctx, &input.target, command, hold).await
    }

    /// Hand all that lies with a person in a post over to another post (bàn giao): branches, what they direct, what they
    /// follow; one record of the decision, and one for each document. By the head of the unit, a leader, or the administrator, who need not see the
    /// documents.
    async fn hand_over_work(&self, ctx: &Context<'_>, input: HandOverWorkInput) -> Result<HandOverPayload> {
        let (services, session) = (services(ctx), session(ctx));
        let person: PersonId = input::person("person", &input.person)?;
        let from = Holder { post: PostId::new(input.from.0), person };
        let command = HandOverWork { person, from: from.post, to: PostId::new(input.to.0) };
        let sealed = sealed(session, &input.envelope)?;
        let decide = DecideHandOver { person, from: from.post, to: command.to };
        let decided = services.handler.execute(organ::stream(sealed.organ), sealed, decide).await?;
        reached(services, services.log().head().await?.position).await?;
        let mut documents = Vec::new();
        for id in services.views.documents_with(sealed.organ, from).await? {
            let (step, stream) = (sealed.command_id.step(&id.to_string()), incoming::stream(id));
            let envelope = socai_commands::Envelope { command_id: step, expected_revision: None, ..sealed };
            let (receipt, refusal) = match services.handler.execute(stream, envelope, command).await {
                Ok(outcome) => (Some(outcome.into()), None),
                Err(CommandError::Refused(refused)) => (None, Some(ErrorCode::from(refused.code))),
                Err(error) => return Err(error.into()),
            };
            let message = refusal.map(|refusal| refusal.message(session.language));
            documents.push(HandedOver { document: ID(stream.to_string()), receipt, refusal, message });
        }
        Ok(HandOverPayload { receipt: decided.into(), documents })
    }
}
