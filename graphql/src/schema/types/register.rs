//! Lines of the registers.

use async_graphql::{Context, ID, Object};
use socai_domain::ledger::StreamKind;
use socai_projections::incoming_register as view;

use super::{
    document::IncomingDocument,
    people::{Person, Post, Unit, node_id},
};
use crate::{
    error::Result,
    scalars::{Date, DateTime},
    schema::labels::VoidReason,
};

/// A line of the incoming register.
#[derive(Clone, Debug)]
pub(crate) struct RegisterLine(pub(crate) view::RegisterLine);

/// A line of the register of incoming documents (sổ đăng ký văn bản đến): ten columns (Decree 30/2020/NĐ-CP, Annex IV).
/// Numbers that cannot be used stay in the book.
#[Object]
impl RegisterLine {
    /// The book's year.
    async fn year(&self) -> Option<i16> {
        self.0.year
    }

    /// The book's series.
    async fn series(&self) -> Option<&str> {
        self.0.series.as_deref()
    }

    /// Column 1: arrival date (ngày đến).
    async fn arrived_on(&self) -> Option<Date> {
        self.0.arrived_on.map(Date)
    }

    /// Column 2: arrival number (số đến).
    async fn number(&self) -> u32 {
        self.0.number
    }

    /// Column 3: issuer (tác giả).
    async fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Column 4: number and symbol (số, ký hiệu).
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Column 5: the document's date (ngày tháng).
    async fn promulgated_on(&self) -> Option<Date> {
        self.0.promulgated_on.map(Date)
    }

    /// Column 6: name of the type (tên loại).
    async fn type_name(&self) -> Option<&str> {
        self.0.type_name.as_deref()
    }

    /// Column 6: abstract (trích yếu nội dung).
    async fn abstract_text(&self) -> Option<&str> {
        self.0.abstract_text.as_deref()
    }

    /// Column 7: the unit that received it (đơn vị nhận).
    async fn receiver_unit(&self) -> Option<Unit> {
        self.0.receiver_unit.map(Unit)
    }

    /// Column 7: the post, where a person received it (người nhận).
    async fn receiver_post(&self) -> Option<Post> {
        self.0.receiver_post.map(Post)
    }

    /// Column 7: the person (người nhận).
    async fn receiver_person(&self) -> Option<Person> {
        self.0.receiver_person.map(Person)
    }

    /// Column 8: when it was passed on (ngày chuyển).
    async fn passed_on_at(&self) -> Option<DateTime> {
        self.0.passed_on_at.map(DateTime)
    }

    /// Column 9: when it was signed for (ký nhận).
    async fn signed_at(&self) -> Option<DateTime> {
        self.0.signed_at.map(DateTime)
    }

    /// Column 9: who signed for it (ký nhận).
    async fn signed_by(&self) -> Option<Person> {
        self.0.signed_by.map(Person)
    }

    /// Column 10: note (ghi chú).
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Why the number is void (lý do hủy số); none for a good one.
    async fn void(&self) -> Option<VoidReason> {
        self.0.void.map(VoidReason::from)
    }

    /// Why it is void, in words.
    async fn void_note(&self) -> Option<&str> {
        self.0.void_note.as_deref()
    }

    /// Since when it is void.
    async fn voided_at(&self) -> Option<DateTime> {
        self.0.voided_at.map(DateTime)
    }

    /// Who voided it.
    async fn voided_by(&self) -> Option<Person> {
        self.0.voided_by.map(Person)
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
