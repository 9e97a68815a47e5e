//! Duties: who owes what.

use async_graphql::{Context, ID, Object, SimpleObject};
use socai_domain::ledger::StreamKind;
use socai_projections::work_list as view;

use super::{
    document::IncomingDocument,
    people::{Person, Post, Unit, node_id},
};
use crate::{
    error::Result,
    language::Language,
    scalars::{DateTime, Uuid},
    schema::labels::{Labelled, Role, WorkKind, WorkState},
    session::session,
};

/// A duty.
#[derive(Clone, Debug)]
pub(crate) struct WorkItem(pub(crate) view::WorkItem);

/// A duty in somebody's work list (một việc cần làm).
#[Object]
impl WorkItem {
    /// What is to be done.
    async fn kind(&self) -> WorkKind {
        self.0.kind.into()
    }

    /// The label of what is to be done.
    async fn kind_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> &'static str {
        WorkKind::from(self.0.kind).label(lang.unwrap_or(session(ctx).language))
    }

    /// How it stands now (tình trạng việc); several may hold at once.
    async fn states(&self) -> Vec<WorkState> {
        self.0.states.iter().map(|state| WorkState::from(*state)).collect()
    }

    /// On which branch of the document.
    async fn branch(&self) -> Option<Uuid> {
        self.0.branch.map(|branch| Uuid(branch.uuid()))
    }

    /// Everybody in a post of one of these roles owes it.
    async fn roles(&self) -> Vec<Role> {
        self.0.roles.iter().map(|role| Role::from(*role)).collect()
    }

    /// The unit whose head owes it.
    async fn unit(&self) -> Option<Unit> {
        self.0.unit.map(Unit)
    }

    /// The post that owes it.
    async fn post(&self) -> Option<Post> {
        self.0.post.map(Post)
    }

    /// The person in it.
    async fn person(&self) -> Option<Person> {
        self.0.person.map(Person)
    }

    /// Since when.
    async fn since(&self) -> DateTime {
        DateTime(self.0.since)
    }

    /// When it was signed for.
    async fn accepted_at(&self) -> Option<DateTime> {
        self.0.accepted_at.map(DateTime)
    }

    /// When it is due, every extension counted (hạn).
    async fn due_at(&self) -> Option<DateTime> {
        self.0.due.map(DateTime)
    }

    /// By which lateness is judged.
    async fn binding_due_at(&self) -> Option<DateTime> {
        self.0.binding_due.map(DateTime)
    }

    /// The document's id.
    async fn document_id(&self) -> ID {
        node_id(StreamKind::Incoming, self.0.document.id.uuid())
    }

    /// The document.
    async fn document(&self, ctx: &Context<'_>) -> Result<Option<IncomingDocument>> {
        IncomingDocument::seen(ctx, self.0.document.id).await
    }
}

/// How many duties are in which state (số việc theo tình trạng). Each is the length of the list with that state.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct WorkCounts {
    /// All.
    all: u64,
    /// Not yet signed for (mới).
    new: u64,
    /// Due soon (sắp đến hạn).
    due_soon: u64,
    /// Late (quá hạn).
    late: u64,
    /// Waiting for others (chờ người khác).
    waiting_for_others: u64,
    /// Without a holder (không có người giữ).
    holder_gone: u64,
}

impl From<view::WorkCounts> for WorkCounts {
    fn from(counts: view::WorkCounts) -> Self {
        let view::WorkCounts { all, new, due_soon, late, waiting_for_others, holder_gone } = counts;
        Self { all, new, due_soon, late, waiting_for_others, holder_gone }
    }
}
