//! Lines of the follow-up register.

use async_graphql::{Context, ID, Object};
use socai_domain::ledger::StreamKind;
use socai_projections::follow_up_register as view;

use super::{
    branch::{Standing, late},
    document::IncomingDocument,
    people::{Person, Post, Unit, node_id},
};
use crate::{
    error::Result,
    reading::moment,
    scalars::{Date, DateTime},
    schema::labels::Stage,
};

/// A line of the follow-up register.
#[derive(Clone, Debug)]
pub(crate) struct FollowUpLine(pub(crate) view::FollowUpLine);

/// A line of the follow-up register (sổ theo dõi giải quyết văn bản đến): seven columns (Decree 30/2020/NĐ-CP, Annex IV).
#[Object]
impl FollowUpLine {
    /// The book's year.
    async fn year(&self) -> i16 {
        self.0.year
    }

    /// Column 1: arrival number (số đến).
    async fn number(&self) -> u32 {
        self.0.number
    }

    /// Column 2: type (tên loại).
    async fn type_name(&self) -> Option<&str> {
        self.0.type_name.as_deref()
    }

    /// Column 2: number and symbol (số, ký hiệu).
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Column 2: date (ngày tháng).
    async fn promulgated_on(&self) -> Option<Date> {
        self.0.promulgated_on.map(Date)
    }

    /// Column 2: issuer (tác giả).
    async fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Column 3: the unit that has it (đơn vị nhận).
    async fn receiver_unit(&self) -> Option<Unit> {
        self.0.receiver_unit.map(Unit)
    }

    /// Column 3: the post (người nhận).
    async fn receiver_post(&self) -> Option<Post> {
        self.0.receiver_post.map(Post)
    }

    /// Column 3: the person (người nhận).
    async fn receiver_person(&self) -> Option<Person> {
        self.0.receiver_person.map(Person)
    }

    /// Column 4: deadline, every extension counted (thời hạn giải quyết).
    async fn due_at(&self) -> Option<DateTime> {
        self.0.due.map(DateTime)
    }

    /// Resolved after its deadline, or open and past it (quá hạn).
    async fn late(&self, ctx: &Context<'_>) -> bool {
        let ended = self.0.ended_at.map(|at| (self.0.stage, at));
        let stands = Standing::of(ended, |stage| stage == Some(socai_domain::incoming::Stage::Resolved));
        late(self.0.binding_due, stands, moment(ctx).now())
    }

    /// Column 5: where it stands (tiến độ giải quyết).
    async fn stage(&self) -> Option<Stage> {
        self.0.stage.map(Stage::from)
    }

    /// Column 5: the last report, in words.
    async fn progress(&self) -> Option<&str> {
        self.0.progress.as_deref()
    }

    /// When the work ended.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }

    /// Column 6: number and symbol of the answering documents (số, ký hiệu văn bản trả lời).
    async fn answers(&self) -> Option<&str> {
        self.0.answers.as_deref()
    }

    /// Column 7: note (ghi chú).
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// The document's id.
    async fn document_id(&self) -> ID {
        node_id(StreamKind::Incoming, self.0.document.uuid())
    }

    /// The document.
    async fn document(&self, ctx: &Context<'_>) -> Result<Option<IncomingDocument>> {
        IncomingDocument::seen(ctx, self.0.document).await
    }
}
