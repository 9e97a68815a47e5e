//! What mutations have in common: the envelope, and the ways from the client's words to the domain's.

use super::labels::{BranchRole, FileRole, SecrecyLevel, Urgency};
use crate::{
    error::{ApiError, Hint, Result},
    scalars::{Date, DateTime, Revision, Uuid},
};
use async_graphql::{ID, InputObject, OneofObject};
use socai_domain::{
    deadline,
    id::{IncomingId, OrganId, PersonId, PostId, UnitId},
    incoming::{assignment::To, events},
    ledger::{StreamId, StreamKind},
    text::{Abstract, AxisDocumentId, CodeNotation, CodeNumber, LongText, OrganCode, PersonName, ShortText},
};

/// The result of making a value of the domain, with the input field to blame.
pub(crate) fn field<T, E: Into<Hint>>(name: &str, made: Result<T, E>) -> Result<T> {
    made.map_err(|why| ApiError::field(name, why))
}

/// As [`field`], for a field that may be left out.
pub(crate) fn optional<T, E: Into<Hint>, G>(
    name: &str,
    given: Option<G>,
    make: impl FnOnce(G) -> Result<T, E>,
) -> Result<Option<T>> {
    given.map(|given| field(name, make(given))).transpose()
}

/// The stream that a node's id names, if it is of this kind.
pub(crate) fn stream(id: &ID, kind: StreamKind) -> Option<StreamId> {
    id.parse::<StreamId>().ok().filter(|stream| stream.kind() == kind)
}

/// The document that an id names.
pub(crate) fn document(name: &str, id: &ID) -> Result<IncomingId> {
    let found = stream(id, StreamKind::Incoming).map(|stream| IncomingId::new(stream.key()));
    found.ok_or_else(|| {
        ApiError::field(
            name,
            ("hãy ghi mã của một văn bản đến: incoming-…", "write the id of an incoming document: incoming-…"),
        )
    })
}

/// The person that an id names.
pub(crate) fn person(name: &str, id: &ID) -> Result<PersonId> {
    let found = stream(id, StreamKind::Person).map(|stream| PersonId::new(stream.key()));
    found.ok_or_else(|| {
        ApiError::field(name, ("hãy ghi mã của một người: person-…", "write the id of a person: person-…"))
    })
}

/// The organ that an id names.
pub(crate) fn organ(name: &str, id: &ID) -> Result<OrganId> {
    let found = stream(id, StreamKind::Organ).map(|stream| OrganId::new(stream.key()));
    found.ok_or_else(|| {
        ApiError::field(name, ("hãy ghi mã của một cơ quan: organ-…", "write the id of an organ: organ-…"))
    })
}

/// What comes with every command (thông tin kèm theo mỗi lệnh).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct Envelope {
    /// A new UUID for each thing that you want done (mã lệnh). Sent again with the same input, it is answered with the first
    /// outcome; with another input it is refused: COMMAND_ID_REUSED.
    pub(crate) command_id: Uuid,
    /// The post you act in (vị trí thực hiện): needed if you hold several, or if you substitute for its holder.
    pub(crate) acting_as: Option<Uuid>,
    /// The `revision` that you looked at. If the thing has changed since, the command is refused with its present state:
    /// CHANGED_SINCE.
    pub(crate) expected_revision: Option<Revision>,
}

/// Who is to act (đơn vị hoặc người được giao).
#[derive(Clone, Copy, Debug, OneofObject)]
pub(crate) enum AssigneeInput {
    /// A unit: its head acts (đơn vị).
    Unit(Uuid),
    /// The person who holds this post now (vị trí).
    Post(Uuid),
}

impl From<AssigneeInput> for To {
    fn from(to: AssigneeInput) -> Self {
        match to {
            AssigneeInput::Unit(unit) => Self::Unit(UnitId::new(unit.0)),
            AssigneeInput::Post(post) => Self::Post(PostId::new(post.0)),
        }
    }
}

/// How long there is (thời hạn).
#[derive(Clone, Copy, Debug, OneofObject)]
pub(crate) enum LimitInput {
    /// Working days after the day of the assignment (ngày làm việc).
    WorkingDays(u16),
    /// Minutes of the wall clock, for urgent documents (phút).
    Minutes(u32),
    /// Until this instant (đến thời điểm).
    At(DateTime),
    /// Until the end of this day (hết ngày).
    EndOf(Date),
    /// `true`: without a deadline; such work is counted apart (không thời hạn).
    None(bool),
}

impl LimitInput {
    pub(crate) fn read(self, name: &str) -> Result<deadline::Limit> {
        match self {
            Self::WorkingDays(days) => Ok(deadline::Limit::WorkingDays { days }),
            Self::Minutes(minutes) => Ok(deadline::Limit::Minutes { minutes }),
            Self::At(at) => Ok(deadline::Limit::At { at: at.0 }),
            Self::EndOf(date) => Ok(deadline::Limit::end_of(date.0)),
            Self::None(true) => Ok(deadline::Limit::None),
            Self::None(false) => Err(ApiError::field(name, ("none là true hoặc bỏ trống", "none is true or left out"))),
        }
    }
}

/// A branch to be given (giao việc cho một đơn vị hoặc người).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct BranchInput {
    /// Who is to act.
    pub(crate) assignee: AssigneeInput,
    /// In what role; exactly one leads.
    pub(crate) role: BranchRole,
    /// The time limit; without it the sender's date or the organ's limit counts.
    pub(crate) limit: Option<LimitInput>,
    /// What to do.
    pub(crate) note: Option<String>,
}

/// Where an attached file comes from (nguồn tệp).
#[derive(Clone, Debug, OneofObject)]
pub(crate) enum FileSource {
    /// The ticket that `POST /files` gave you, at most 24 hours ago (phiếu tải lên).
    Ticket(String),
    /// A file of a document that you see.
    Of(FileOfDocument),
}

/// A file to attach: by your own upload's ticket, or from a document that you see (tệp đính kèm).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct FileInput {
    /// Where it comes from.
    pub(crate) source: FileSource,
    /// Its name, without a path.
    pub(crate) name: String,
    /// What it is to the document.
    pub(crate) role: FileRole,
}

/// A file of a document (tệp của một văn bản).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct FileOfDocument {
    /// The document.
    pub(crate) document: ID,
    /// The file's hash, 64 hexadecimal digits.
    pub(crate) hash: String,
}

/// The signer as the document names them (người ký).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct SignerInput {
    /// Authority, e.g. `TL.` (thẩm quyền ký).
    pub(crate) competence: Option<String>,
    /// Position (chức vụ).
    pub(crate) position: Option<String>,
    /// Full name (họ và tên).
    pub(crate) name: String,
}

/// What the document says of itself (thông tin văn bản; Decree 30/2020/NĐ-CP, Annexes IV and VI).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct DetailsInput {
    /// The issuer's identifier, in its old or new form (mã định danh cơ quan ban hành).
    pub(crate) issuer_code: Option<String>,
    /// The issuer's name (cơ quan ban hành).
    pub(crate) issuer_name: String,
    /// Number (số).
    pub(crate) number: Option<String>,
    /// Symbol (ký hiệu).
    pub(crate) notation: Option<String>,
    /// Where it was promulgated (địa danh).
    pub(crate) place: Option<String>,
    /// Date of promulgation (ngày ban hành).
    pub(crate) promulgated_on: Option<Date>,
    /// Name of its type, e.g. `Công văn` (tên loại).
    pub(crate) type_name: String,
    /// Abstract (trích yếu nội dung).
    pub(crate) abstract_text: String,
    /// Language (ngôn ngữ).
    pub(crate) language: Option<String>,
    /// Pages (số trang).
    pub(crate) page_count: Option<u16>,
    /// Copies (số bản).
    pub(crate) copy_count: Option<u16>,
    /// The signer (người ký).
    pub(crate) signer: Option<SignerInput>,
    /// The date by which the sender wants an answer (hạn trả lời).
    pub(crate) due_on: Option<Date>,
    /// Urgency (mức độ khẩn).
    #[graphql(default_with = "Urgency::Normal")]
    pub(crate) urgency: Urgency,
    /// The hour of a timed flash document (hỏa tốc hẹn giờ).
    pub(crate) due_at: Option<DateTime>,
    /// To whom, where several share one registry: one of the organ's addressees.
    pub(crate) addressee: Option<String>,
    /// The recipients' lines (nơi nhận).
    #[graphql(default)]
    pub(crate) to_places: Vec<String>,
    /// The earlier document that it answers, as the axis names it (văn bản được trả lời).
    pub(crate) response_for: Option<String>,
    /// Paper follows (có bản giấy gửi sau).
    #[graphql(default)]
    pub(crate) paper_follows: bool,
    /// Remarks (ghi chú).
    pub(crate) note: Option<String>,
}

impl DetailsInput {
    pub(crate) fn read(self) -> Result<events::Details> {
        let signer = |signer: SignerInput| {
            Ok::<_, ApiError>(events::Signer {
                competence: optional("signer.competence", signer.competence, ShortText::new)?,
                position: optional("signer.position", signer.position, ShortText::new)?,
                name: field("signer.name", PersonName::new(signer.name))?,
            })
        };
        Ok(events::Details {
            issuer_code: optional("issuerCode", self.issuer_code, OrganCode::new)?,
            issuer_name: field("issuerName", ShortText::new(self.issuer_name))?,
            number: optional("number", self.number, CodeNumber::new)?,
            notation: optional("notation", self.notation, CodeNotation::new)?,
            place: optional("place", self.place, ShortText::new)?,
            promulgated_on: self.promulgated_on.map(|date| date.0),
            type_name: field("typeName", ShortText::new(self.type_name))?,
            abstract_text: field("abstractText", Abstract::new(self.abstract_text))?,
            language: optional("language", self.language, ShortText::new)?,
            page_count: self.page_count,
            copy_count: self.copy_count,
            signer: self.signer.map(signer).transpose()?,
            due_on: self.due_on.map(|date| date.0),
            urgency: self.urgency.into(),
            due_at: self.due_at.map(|at| at.0),
            addressee: optional("addressee", self.addressee, ShortText::new)?,
            to_places: self
                .to_places
                .into_iter()
                .map(|place| field("toPlaces", ShortText::new(place)))
                .collect::<Result<_>>()?,
            response_for: optional("responseFor", self.response_for, AxisDocumentId::new)?,
            paper_follows: self.paper_follows,
            note: optional("note", self.note, LongText::new)?,
        })
    }
}

/// What arrives, whichever way (văn bản đến).
#[derive(Clone, Debug, InputObject)]
pub(crate) struct ArrivingInput {
    /// When it truly arrived: never later than now (ngày, giờ đến).
    pub(crate) arrived_at: DateTime,
    /// What it says of itself.
    pub(crate) details: DetailsInput,
    /// Its files. Paper may have none yet; before it is submitted it needs one that is the document itself.
    #[graphql(default)]
    pub(crate) files: Vec<FileInput>,
    /// The level of secrecy that it bears (độ mật). Any level is refused: secret documents belong in their own register.
    pub(crate) secrecy: Option<SecrecyLevel>,
}
