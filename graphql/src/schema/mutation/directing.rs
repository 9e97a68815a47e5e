//! Work is given: directed, passed on, assigned, changed, taken back.

use async_graphql::{Context, InputObject, Object};
use socai_domain::{
    deadline::Limit,
    id::{BranchId, PostId},
    incoming::{
        amend_branch::AmendDirective, appoint_follower::AppointFollower, assign::AssignIncoming,
        assignment::Assignment, decide_extension::DecideExtension, direct::DirectIncoming, pass_on::PassOnIncoming,
        pass_to_leader::PassToLeader, reassign_branch::ReassignBranch, return_to_clerk::ReturnToClerk,
        urge::UrgeIncoming, withdraw_branch::WithdrawBranch,
    },
    text::{LongText, Reason},
};

use super::{DocumentPayload, Target, on_document};
use crate::{
    error::Result,
    scalars::{DateTime, Uuid},
    schema::input::{AssigneeInput, BranchInput, LimitInput, field, optional},
};

/// Input of `directIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct DirectIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// The directive opinion.
    note: Option<String>,
    /// Who acts: exactly one leads.
    branches: Vec<BranchInput>,
    /// Who follows and urges.
    follower: Option<AssigneeInput>,
}

/// Input of `passOnIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct PassOnIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// Remarks.
    note: Option<String>,
    /// The units: exactly one leads.
    branches: Vec<BranchInput>,
}

/// Input of `passToLeader`.
#[derive(Debug, InputObject)]
pub(crate) struct PassToLeaderInput {
    #[graphql(flatten)]
    target: Target,
    /// The other leader's post.
    to: Uuid,
    /// Remarks.
    note: Option<String>,
}

/// Input of commands that need no more than a reason.
#[derive(Debug, InputObject)]
pub(crate) struct ReasonInput {
    #[graphql(flatten)]
    pub(super) target: Target,
    /// Why: at least 10 characters.
    pub(super) reason: String,
}

/// Input of commands on a branch that need no more than a reason.
#[derive(Debug, InputObject)]
pub(crate) struct BranchReasonInput {
    #[graphql(flatten)]
    pub(super) target: Target,
    /// The branch.
    pub(super) branch: Uuid,
    /// Why: at least 10 characters.
    pub(super) reason: String,
}

/// Input of `assignIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct AssignIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch of which parts are given.
    branch: Uuid,
    /// Who acts: exactly one leads among all who have a part in it.
    branches: Vec<BranchInput>,
    /// Remarks.
    note: Option<String>,
}

/// Input of `amendDirective`.
#[derive(Debug, InputObject)]
pub(crate) struct AmendDirectiveInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// The new limit, if it changes.
    limit: Option<LimitInput>,
    /// What to do, if it changes.
    note: Option<String>,
    /// Why: at least 10 characters.
    reason: String,
}

/// Input of `reassignBranch`.
#[derive(Debug, InputObject)]
pub(crate) struct ReassignBranchInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// Who has it from now on.
    to: AssigneeInput,
    /// Why: at least 10 characters.
    reason: String,
}

/// Input of `decideExtension`.
#[derive(Debug, InputObject)]
pub(crate) struct DecideExtensionInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// The new end; without it more time is not granted.
    until: Option<DateTime>,
    /// Remarks.
    note: Option<String>,
}

/// Input of `urgeIncoming`.
#[derive(Debug, InputObject)]
pub(crate) struct UrgeIncomingInput {
    #[graphql(flatten)]
    target: Target,
    /// The branch.
    branch: Uuid,
    /// In words.
    note: String,
}

/// Input of `appointFollower`.
#[derive(Debug, InputObject)]
pub(crate) struct AppointFollowerInput {
    #[graphql(flatten)]
    target: Target,
    /// Who follows and urges.
    to: AssigneeInput,
}

fn assignments(branches: Vec<BranchInput>) -> Result<Vec<Assignment>> {
    let read = |branch: BranchInput| {
        Ok(Assignment {
            to: branch.assignee.into(),
            role: branch.role.into(),
            limit: limit("branches.limit", branch.limit)?,
            note: optional("branches.note", branch.note, LongText::new)?,
        })
    };
    branches.into_iter().map(read).collect()
}

fn limit(name: &str, given: Option<LimitInput>) -> Result<Option<Limit>> {
    given.map(|limit| limit.read(name)).transpose()
}

pub(super) fn branch(given: Uuid) -> BranchId {
    BranchId::new(given.0)
}

pub(super) fn reason(given: String) -> Result<Reason> {
    field("reason", Reason::new(given))
}

pub(super) fn note(given: Option<String>) -> Result<Option<LongText>> {
    optional("note", given, LongText::new)
}

#[derive(Debug, Default)]
pub(crate) struct DirectingMutation;

/// Work is given (chỉ đạo, phân công).
#[Object]
impl DirectingMutation {
    /// Direct: the opinion, who leads, who coordinates, until when, who follows (cho ý kiến chỉ đạo; art. 23). By the leader.
    async fn direct_incoming(&self, ctx: &Context<'_>, input: DirectIncomingInput) -> Result<DocumentPayload> {
        let (note, follower) = (note(input.note)?, input.follower.map(Into::into));
        let command = DirectIncoming { note, branches: assignments(input.branches)?, follower };
        on_document(ctx, &input.target, command).await
    }

    /// Pass on straight to a unit, where the organ's regulation says so (chuyển thẳng đơn vị; art. 23.1). By the clerk.
    async fn pass_on_incoming(&self, ctx: &Context<'_>, input: PassOnIncomingInput) -> Result<DocumentPayload> {
        let command = PassOnIncoming { note: note(input.note)?, branches: assignments(input.branches)? };
        on_document(ctx, &input.target, command).await
    }

    /// Pass the document to another leader to direct (chuyển lãnh đạo khác).
    async fn pass_to_leader(&self, ctx: &Context<'_>, input: PassToLeaderInput) -> Result<DocumentPayload> {
        let command = PassToLeader { to: PostId::new(input.to.0), note: note(input.note)? };
        on_document(ctx, &input.target, command).await
    }

    /// Send the document back to the clerk (trả lại văn thư). By the leader.
    async fn return_to_clerk(&self, ctx: &Context<'_>, input: ReasonInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, ReturnToClerk { reason: reason(input.reason)? }).await
    }

    /// Give a branch, or parts of it, on (phân công; art. 23). By its assignee.
    async fn assign_incoming(&self, ctx: &Context<'_>, input: AssignIncomingInput) -> Result<DocumentPayload> {
        let branches = assignments(input.branches)?;
        let command = AssignIncoming { branch: branch(input.branch), branches, note: note(input.note)? };
        on_document(ctx, &input.target, command).await
    }

    /// Change what was asked: the limit or the words (sửa ý kiến chỉ đạo). By the branch's author or somebody above.
    async fn amend_directive(&self, ctx: &Context<'_>, input: AmendDirectiveInput) -> Result<DocumentPayload> {
        let (limit, note) = (limit("limit", input.limit)?, note(input.note)?);
        let command = AmendDirective { branch: branch(input.branch), limit, note, reason: reason(input.reason)? };
        on_document(ctx, &input.target, command).await
    }

    /// Give a branch to somebody else (giao người khác). By its author or somebody above.
    async fn reassign_branch(&self, ctx: &Context<'_>, input: ReassignBranchInput) -> Result<DocumentPayload> {
        let command =
            ReassignBranch { branch: branch(input.branch), to: input.to.into(), reason: reason(input.reason)? };
        on_document(ctx, &input.target, command).await
    }

    /// Take a branch back: it is no longer asked for, and never late from then on (thu lại việc đã giao).
    async fn withdraw_branch(&self, ctx: &Context<'_>, input: BranchReasonInput) -> Result<DocumentPayload> {
        let command = WithdrawBranch { branch: branch(input.branch), reason: reason(input.reason)? };
        on_document(ctx, &input.target, command).await
    }

    /// Grant more time, or not (quyết định gia hạn). By the branch's author; never beyond their own deadline.
    async fn decide_extension(&self, ctx: &Context<'_>, input: DecideExtensionInput) -> Result<DocumentPayload> {
        let (until, note) = (input.until.map(|until| until.0), note(input.note)?);
        on_document(ctx, &input.target, DecideExtension { branch: branch(input.branch), until, note }).await
    }

    /// Urge: a recorded act of authority (đôn đốc; art. 24). By anyone above, or the follower.
    async fn urge_incoming(&self, ctx: &Context<'_>, input: UrgeIncomingInput) -> Result<DocumentPayload> {
        let command = UrgeIncoming { branch: branch(input.branch), note: field("note", LongText::new(input.note))? };
        on_document(ctx, &input.target, command).await
    }

    /// Appoint who follows and urges (giao theo dõi, đôn đốc; art. 24).
    async fn appoint_follower(&self, ctx: &Context<'_>, input: AppointFollowerInput) -> Result<DocumentPayload> {
        on_document(ctx, &input.target, AppointFollower { to: input.to.into() }).await
    }
}
