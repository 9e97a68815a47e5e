//! Work is done: signed for, reported on, given back, completed, handed over.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use socai_domain::{
    id::{IncomingId, PersonId, PostId},
    incoming::{
        self, accept_branch::AcceptBranch, complete_branch::CompleteBranch, hand_over::HandOverWork,
        report_progress::ReportProgress, request_extension::RequestExtension, return_branch::ReturnBranch,
    },
    text::LongText,
};
use socai_projections::{
    MAX_PAGE, PageRequest, Viewer,
    work_list::{WorkFilter, WorkScope},
};

use super::{
    DocumentPayload, Receipt, Target, act, attachments, command_id,
    directing::{BranchReasonInput, branch, reason},
    on_document,
};
use crate::{
    error::Result,
    reading::{reached, services},
    scalars::{DateTime, Uuid},
    schema::{
        input::{self, Envelope, FileInput, field},
        labels::Resolution,
    },
    session::session,
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
    /// One for each document. If it stopped in the middle, send the same command again: it goes on.
    receipts: Vec<Receipt>,
}

#[derive(Debug, Default)]
pub(crate) struct HandlingMutation;

/// Work is done (giải quyết).
#[Object]
impl HandlingMutation {
    /// Sign for a branch (ký nhận; register column 9). By its assignee.
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
        let command = CompleteBranch {
            branch: branch(input.branch),
            result: field("result", LongText::new(input.result))?,
            proposal: input.proposal.map(Into::into),
            files: attachments(ctx, input.files).await?,
        };
        on_document(ctx, &input.target, command).await
    }

    /// Hand all that a person holds in a post over to another post (bàn giao), one record for each document. By the head of
    /// the unit, a leader, or the administrator, who need not see the documents.
    async fn hand_over_work(&self, ctx: &Context<'_>, input: HandOverWorkInput) -> Result<HandOverPayload> {
        let (services, caller) = (services(ctx), session(ctx).caller()?);
        let (from, to) = (PostId::new(input.from.0), PostId::new(input.to.0));
        let person: PersonId = input::person("person", &input.person)?;
        reached(services, services.log().head().await?.position).await?;
        let mut receipts = Vec::new();
        for document in held(services, caller.organ, person, from).await? {
            let step = command_id(&input.envelope).step(&document.to_string()).uuid();
            let envelope = Envelope { command_id: Uuid(step), expected_revision: None, ..input.envelope.clone() };
            let command = HandOverWork { person, from, to };
            receipts.push(act(ctx, incoming::stream(document), &envelope, command).await?.into());
        }
        Ok(HandOverPayload { receipts })
    }
}

/// The documents of which something lies with a person in a post.
async fn held(
    services: &crate::app::Services,
    organ: socai_domain::id::OrganId,
    person: PersonId,
    post: PostId,
) -> Result<Vec<IncomingId>> {
    let viewer = Viewer::operator(organ, services.clock().now());
    let filter = WorkFilter { scope: WorkScope::Person(person), state: None, kind: None };
    let (mut held, mut request) = (Vec::new(), PageRequest::first(MAX_PAGE));
    loop {
        let page = services.views.work_list(&viewer, &filter, &request).await?;
        held.extend(page.nodes().filter(|item| item.post == Some(post)).map(|item| item.document.id));
        match page.end_cursor {
            Some(cursor) if page.has_next => request = request.after(cursor),
            _ => break,
        }
    }
    held.sort_unstable();
    held.dedup();
    Ok(held)
}
