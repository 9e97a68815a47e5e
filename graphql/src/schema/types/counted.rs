//! What figures count, one by one. As of a past moment each shows what was known then.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use socai_domain::{id::IncomingId, ledger::StreamKind};
use socai_projections::{
    branches::BranchRow,
    document::{DocumentRow, RoundEnd},
    lags, savings, statistics,
};

use super::{
    document::IncomingDocument,
    people::{Person, Post, Unit, node_id},
};
use crate::{
    error::Result,
    scalars::{DateTime, Uuid},
    schema::labels::{BranchEnd, BranchRole, Channel, Stage, Urgency},
};

/// A document in a list behind a figure.
#[derive(Clone, Debug)]
pub(crate) struct DocumentLine(DocumentRow);

/// A document as it stood at the moment asked about (văn bản tại thời điểm thống kê).
#[Object]
impl DocumentLine {
    /// `incoming-…`.
    #[graphql(name = "id")]
    async fn node_id(&self) -> ID {
        node_id(StreamKind::Incoming, self.0.id.uuid())
    }

    /// Where it stood (tình trạng).
    async fn stage(&self) -> Option<Stage> {
        self.0.stage.map(Stage::from)
    }

    /// How it came (cách đến).
    async fn channel(&self) -> Option<Channel> {
        self.0.channel.map(Channel::from)
    }

    /// Its type (tên loại).
    async fn type_name(&self) -> Option<&str> {
        self.0.type_name.as_deref()
    }

    /// Number and symbol as printed (số, ký hiệu).
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Who issued it (tác giả).
    async fn issuer(&self) -> Option<&str> {
        self.0.issuer_name.as_deref()
    }

    /// Abstract (trích yếu nội dung).
    async fn abstract_text(&self) -> Option<&str> {
        self.0.abstract_text.as_deref()
    }

    /// Urgency (mức độ khẩn).
    async fn urgency(&self) -> Urgency {
        self.0.urgency.into()
    }

    /// When it arrived (ngày, giờ đến).
    async fn arrived_at(&self) -> Option<DateTime> {
        self.0.arrived_at.map(DateTime)
    }

    /// The year of its book.
    async fn year(&self) -> Option<i16> {
        self.0.year
    }

    /// Its arrival number (số đến).
    async fn number(&self) -> Option<u32> {
        self.0.number
    }

    /// The document at the moment asked about.
    async fn document(&self, ctx: &Context<'_>) -> Result<Option<IncomingDocument>> {
        IncomingDocument::seen(ctx, self.0.id).await
    }
}

/// A document that a figure counts, in one round of work (văn bản được đếm).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CountedDocument {
    /// Which round of work is counted.
    round: u32,
    /// The round's deadline without any extension.
    original_due_at: Option<DateTime>,
    /// By which lateness is judged (hạn).
    binding_due_at: Option<DateTime>,
    /// As what the round ended: resolved, refused or cancelled.
    ended_as: Option<Stage>,
    /// When.
    ended_at: Option<DateTime>,
    /// The document.
    document: DocumentLine,
}

impl From<statistics::CountedDocument> for CountedDocument {
    fn from(of: statistics::CountedDocument) -> Self {
        let stage = |end| match end {
            RoundEnd::Resolved => Stage::Resolved,
            RoundEnd::Refused => Stage::Refused,
            RoundEnd::Cancelled => Stage::Cancelled,
        };
        Self {
            round: of.round,
            original_due_at: of.original_due.map(DateTime),
            binding_due_at: of.binding_due.map(DateTime),
            ended_as: of.ended.map(stage),
            ended_at: of.ended_at.map(DateTime),
            document: DocumentLine(of.document),
        }
    }
}

/// A branch that a figure counts, with who held it at its end or at the moment asked about (nhánh xử lý được đếm).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct CountedBranch {
    #[graphql(skip)]
    of: IncomingId,
    /// Its id.
    id: Uuid,
    /// The branch it is a part of.
    parent: Option<Uuid>,
    /// The round of work it belongs to.
    round: u32,
    /// Lead, coordinating or informed.
    role: BranchRole,
    /// The unit that has it.
    unit: Option<Unit>,
    /// The post that has it.
    post: Option<Post>,
    /// The person who has it.
    person: Option<Person>,
    /// The unit that it counts for.
    for_unit: Option<Unit>,
    /// When it was given.
    assigned_at: DateTime,
    /// When it was signed for.
    accepted_at: Option<DateTime>,
    /// The handler's first act.
    started_at: Option<DateTime>,
    /// When it is due, every extension counted.
    due_at: Option<DateTime>,
    /// Without any extension.
    original_due_at: Option<DateTime>,
    /// By which lateness is judged (hạn).
    binding_due_at: Option<DateTime>,
    /// How it ended.
    ended_as: Option<BranchEnd>,
    /// When.
    ended_at: Option<DateTime>,
}

#[ComplexObject]
impl CountedBranch {
    /// The document's id.
    async fn document_id(&self) -> ID {
        node_id(StreamKind::Incoming, self.of.uuid())
    }

    /// The document at the moment asked about.
    async fn document(&self, ctx: &Context<'_>) -> Result<Option<IncomingDocument>> {
        IncomingDocument::seen(ctx, self.of).await
    }
}

impl From<BranchRow> for CountedBranch {
    fn from(of: BranchRow) -> Self {
        Self {
            of: of.document,
            id: Uuid(of.id.uuid()),
            parent: of.parent.map(|parent| Uuid(parent.uuid())),
            round: of.round,
            role: of.role.into(),
            unit: of.unit.map(Unit),
            post: of.post.map(Post),
            person: of.person.map(Person),
            for_unit: of.for_unit.map(Unit),
            assigned_at: DateTime(of.assigned_at),
            accepted_at: of.accepted_at.map(DateTime),
            started_at: of.started_at.map(DateTime),
            due_at: of.due.map(DateTime),
            original_due_at: of.original_due.map(DateTime),
            binding_due_at: of.binding_due.map(DateTime),
            ended_as: of.ended.map(BranchEnd::from),
            ended_at: of.ended_at.map(DateTime),
        }
    }
}

macro_rules! times {
    ($($(#[$meta:meta])* $name:ident($of:ty) { $($(#[$fmeta:meta])* $field:ident: $type:ty = $make:expr;)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, SimpleObject)]
        pub(crate) struct $name {
            $($(#[$fmeta])* $field: $type,)*
            /// The document.
            document: DocumentLine,
        }

        impl From<$of> for $name {
            fn from(of: $of) -> Self {
                Self { $($field: $make(&of),)* document: DocumentLine(of.document) }
            }
        }
    )* };
}

times! {
    /// One document's way from one stage to the next (văn bản và độ trễ).
    LagDocument(lags::Lag) {
        /// The round of work.
        round: u32 = |of: &lags::Lag| of.round;
        /// The stage before that it had.
        stage_before: Stage = |of: &lags::Lag| of.stage_before.into();
        /// First there.
        from: DateTime = |of: &lags::Lag| DateTime(of.from);
        /// First at the stage asked about.
        to: DateTime = |of: &lags::Lag| DateTime(of.to);
    }

    /// A document and whether the clerks brought it on in time (văn bản và thời gian vào sổ, trình).
    PromptDocument(lags::PromptDocument) {
        /// When it arrived, as stated.
        arrived_at: DateTime = |of: &lags::PromptDocument| DateTime(of.arrived_at);
        /// Until when it had to be at the stage.
        due_at: DateTime = |of: &lags::PromptDocument| DateTime(of.due);
        /// When it first was; none: not yet.
        there_at: Option<DateTime> = |of: &lags::PromptDocument| of.there_at.map(DateTime);
    }

    /// One time that something was given back (một lần trả lại).
    ReworkSpell(lags::ReworkSpell) {
        /// The branch; none when the leader gave the document back to the clerk.
        branch: Option<Uuid> = |of: &lags::ReworkSpell| of.branch.map(|branch| Uuid(branch.uuid()));
        /// When.
        from: DateTime = |of: &lags::ReworkSpell| DateTime(of.from);
        /// When it went forward again.
        until: Option<DateTime> = |of: &lags::ReworkSpell| of.until.map(DateTime);
    }

    /// One document and its paper (văn bản và bản giấy).
    PaperDocument(lags::PaperWait) {
        /// The electronic arrival.
        arrived_at: DateTime = |of: &lags::PaperWait| DateTime(of.arrived_at);
        /// The paper's.
        paper_at: Option<DateTime> = |of: &lags::PaperWait| of.paper_at.map(DateTime);
        /// When it was first submitted or passed on.
        first_act_at: Option<DateTime> = |of: &lags::PaperWait| of.first_act_at.map(DateTime);
        /// When it was resolved.
        resolved_at: Option<DateTime> = |of: &lags::PaperWait| of.resolved_at.map(DateTime);
    }

    /// One document as `savings` reckons with it (văn bản được tính tiết kiệm).
    SavedDocument(savings::SavedDocument) {
        /// When it arrived.
        arrived_at: DateTime = |of: &savings::SavedDocument| DateTime(of.arrived_at);
        /// When it was first resolved.
        resolved_at: Option<DateTime> = |of: &savings::SavedDocument| of.resolved_at.map(DateTime);
        /// Its pages; none where nobody entered them (số trang).
        pages: Option<u64> = |of: &savings::SavedDocument| of.pages;
        /// Copies that each branch would have got on paper (số bản).
        copies: u64 = |of: &savings::SavedDocument| of.copies;
    }
}
