//! What a document says of itself, and its files.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use socai_domain::{
    id::IncomingId,
    incoming::events,
    ledger::{RecordHash, StreamKind},
};

use super::people::node_id;
use crate::{
    language::Language,
    scalars::{Date, DateTime, Hash},
    schema::labels::{FileRole, Labelled, Urgency},
    session::session,
};

/// The signer as the document names them (người ký): text of the document, not a person of this ledger.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Signer {
    /// Authority, e.g. `TL.` (thẩm quyền ký).
    competence: Option<String>,
    /// Position (chức vụ).
    position: Option<String>,
    /// Full name (họ và tên).
    name: String,
}

/// What a document says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Details(pub(crate) events::Details);

fn text(text: Option<&impl AsRef<str>>) -> Option<&str> {
    text.map(AsRef::as_ref)
}

/// What a document says of itself (thông tin văn bản; Decree 30/2020/NĐ-CP, Annexes IV and VI).
#[Object]
impl Details {
    /// The issuer's identifier, as given (mã định danh cơ quan ban hành).
    async fn issuer_code(&self) -> Option<&str> {
        text(self.0.issuer_code.as_ref())
    }

    /// The issuer's name (cơ quan ban hành).
    async fn issuer_name(&self) -> &str {
        self.0.issuer_name.as_str()
    }

    /// Number (số).
    async fn number(&self) -> Option<&str> {
        text(self.0.number.as_ref())
    }

    /// Symbol (ký hiệu).
    async fn notation(&self) -> Option<&str> {
        text(self.0.notation.as_ref())
    }

    /// Where it was promulgated (địa danh).
    async fn place(&self) -> Option<&str> {
        text(self.0.place.as_ref())
    }

    /// Date of promulgation (ngày ban hành).
    async fn promulgated_on(&self) -> Option<Date> {
        self.0.promulgated_on.map(Date)
    }

    /// Name of its type, e.g. `Công văn` (tên loại).
    async fn type_name(&self) -> &str {
        self.0.type_name.as_str()
    }

    /// Abstract (trích yếu nội dung).
    async fn abstract_text(&self) -> &str {
        self.0.abstract_text.as_str()
    }

    /// Language (ngôn ngữ).
    async fn language(&self) -> Option<&str> {
        text(self.0.language.as_ref())
    }

    /// Pages (số trang).
    async fn page_count(&self) -> Option<u16> {
        self.0.page_count
    }

    /// Copies (số bản).
    async fn copy_count(&self) -> Option<u16> {
        self.0.copy_count
    }

    /// The signer (người ký).
    async fn signer(&self) -> Option<Signer> {
        self.0.signer.as_ref().map(|signer| Signer {
            competence: text(signer.competence.as_ref()).map(str::to_owned),
            position: text(signer.position.as_ref()).map(str::to_owned),
            name: signer.name.as_str().to_owned(),
        })
    }

    /// The date by which the sender wants an answer (hạn trả lời).
    async fn due_on(&self) -> Option<Date> {
        self.0.due_on.map(Date)
    }

    /// Urgency (mức độ khẩn).
    async fn urgency(&self) -> Urgency {
        self.0.urgency.into()
    }

    /// The urgency's label, as printed.
    async fn urgency_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> &'static str {
        Urgency::from(self.0.urgency).label(lang.unwrap_or(session(ctx).language))
    }

    /// The hour of a timed flash document (hỏa tốc hẹn giờ).
    async fn due_at(&self) -> Option<DateTime> {
        self.0.due_at.map(DateTime)
    }

    /// To whom it is addressed, where several share one registry (kính gửi).
    async fn addressee(&self) -> Option<&str> {
        text(self.0.addressee.as_ref())
    }

    /// The recipients' lines (nơi nhận).
    async fn to_places(&self) -> Vec<&str> {
        self.0.to_places.iter().map(AsRef::as_ref).collect()
    }

    /// The earlier document that it answers, as the axis names it (văn bản được trả lời).
    async fn response_for(&self) -> Option<&str> {
        text(self.0.response_for.as_ref())
    }

    /// The sender says that paper follows (có bản giấy gửi sau).
    async fn paper_follows(&self) -> bool {
        self.0.paper_follows
    }

    /// Remarks (ghi chú).
    async fn note(&self) -> Option<&str> {
        text(self.0.note.as_ref())
    }
}

/// A file of a document (tệp đính kèm).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct File {
    #[graphql(skip)]
    document: IncomingId,
    /// BLAKE3 of its bytes (giá trị băm).
    hash: Hash,
    /// Its name (tên tệp).
    name: String,
    /// Its length in bytes.
    size: u64,
    /// What it is to the document.
    role: FileRole,
}

impl File {
    pub(crate) fn of(document: IncomingId, file: &events::Attachment) -> Self {
        let (hash, name) = (Hash(RecordHash(file.hash)), file.name.as_str().to_owned());
        Self { document, hash, name, size: file.size, role: file.role.into() }
    }
}

#[ComplexObject]
impl File {
    /// Where to get it, with the same token.
    async fn url(&self) -> String {
        format!("/files/{}?of={}", self.hash.0, node_id(StreamKind::Incoming, self.document.uuid()).as_str())
    }

    /// The role's label.
    async fn role_label(&self, ctx: &Context<'_>, lang: Option<Language>) -> &'static str {
        self.role.label(lang.unwrap_or(session(ctx).language))
    }

    /// The document it belongs to.
    async fn document_id(&self) -> ID {
        node_id(StreamKind::Incoming, self.document.uuid())
    }
}
