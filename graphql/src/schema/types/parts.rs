//! The smaller parts of a document.

use async_graphql::{Enum, ID, SimpleObject};
use socai_projections::document as view;

use super::{
    details::{Details, File},
    people::{Assignee, Holder, Person},
};
use crate::{
    error::ErrorCode,
    scalars::{Date, DateTime, Uuid},
    schema::labels::{Authenticity, Resolution, SecrecyLevel, VoidReason},
};

/// The number that a document has in a book (số đến; Decree 30/2020/NĐ-CP, art. 22.2).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Registration {
    /// The arrival number.
    pub(super) number: u32,
    /// The series of the book.
    pub(super) series: Option<String>,
    /// The year of the book.
    pub(super) year: Option<i16>,
    /// When it was given.
    pub(super) at: Option<DateTime>,
    /// The book: `register-…`.
    pub(super) register: ID,
}

/// The last check of signature and integrity (kiểm tra xác thực, toàn vẹn; Decree 30/2020/NĐ-CP, art. 21.2a).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AuthenticityCheck {
    /// When.
    pub(super) at: DateTime,
    /// What was found.
    pub(super) result: Authenticity,
    /// By what or whom.
    pub(super) checked_by: Option<String>,
    /// Remarks.
    pub(super) note: Option<String>,
}

/// Mail that went unopened to the person it names (văn bản chuyển nguyên bì; Decree 30/2020/NĐ-CP, art. 21.1).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Unopened {
    /// The sender on the envelope.
    pub(super) sender: String,
    /// The envelope's number or marks.
    pub(super) envelope: String,
    /// To whom it is addressed.
    pub(super) addressed_to: String,
}

/// In whose hands a document is (người đang giữ).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum HeldByKind {
    /// The clerks, to register or submit it (văn thư).
    Clerks,
    /// A leader, to direct or resolve it (lãnh đạo).
    Leader,
    /// The assignee at the end of the lead (người chủ trì).
    Assignee,
    /// Nobody: it has ended.
    Nobody,
}

/// Who has a document now, and since when (đang ở đâu, từ khi nào).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct HeldBy {
    /// In whose hands it is.
    pub(super) kind: HeldByKind,
    /// The leader.
    pub(super) leader: Option<Holder>,
    /// The assignee.
    pub(super) assignee: Option<Assignee>,
    /// The assignee's branch.
    pub(super) branch: Option<Uuid>,
    /// Since when.
    pub(super) since: DateTime,
}

/// A document that answers (văn bản trả lời).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Answer {
    /// Who issued it.
    pub(super) organ: String,
    /// Its number and symbol.
    pub(super) code: String,
    /// Its date.
    pub(super) date: Date,
}

/// How a document was resolved (kết quả giải quyết; Decree 30/2020/NĐ-CP, art. 24).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ResolutionMade {
    /// How.
    pub(super) how: Resolution,
    /// The answering documents.
    pub(super) answers: Vec<Answer>,
    /// In words.
    pub(super) note: Option<String>,
    /// The organ it went to.
    pub(super) transferred_to: Option<String>,
    /// Who decided.
    pub(super) by: Option<Holder>,
}

/// A round of work: from registration, or from a reopening, to an end (một lượt giải quyết).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Round {
    /// Which, from 1.
    pub(super) number: u32,
    /// When it began.
    pub(super) began_at: DateTime,
    /// When it ended.
    pub(super) ended_at: Option<DateTime>,
    /// How it was resolved.
    pub(super) resolution: Option<ResolutionMade>,
}

/// A resolution that waits for another person's word (đề xuất kết thúc chờ xác nhận).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Proposed {
    /// When.
    pub(super) at: DateTime,
    /// Who proposed it.
    pub(super) by: Holder,
    /// How.
    pub(super) how: Resolution,
    /// In words.
    pub(super) note: Option<String>,
}

/// The document ended without being resolved (đã hủy).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Cancellation {
    /// Why.
    pub(super) kind: VoidReason,
    /// In words.
    pub(super) reason: Option<String>,
}

/// What a person may do with a document, by the rules that decide when they do it (việc có thể làm).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AvailableAction {
    /// The mutation.
    pub(super) code: &'static str,
    /// It would not be refused for who asks or for the document's stage; the input may still be.
    pub(super) allowed: bool,
    /// Why not.
    pub(super) refusal: Option<ErrorCode>,
    /// Why not, in words.
    pub(super) message: Option<&'static str>,
}

/// Other content that the axis brought under the document's id (nội dung khác cùng mã trên trục).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct OtherContent {
    /// When it came.
    pub(super) at: DateTime,
    /// What it says.
    pub(super) details: Details,
    /// Its files: they open like the document's.
    pub(super) files: Vec<File>,
    /// When a clerk first remarked on the document after that; none: it is still to be looked at.
    pub(super) noted_at: Option<DateTime>,
}

/// A request to erase the document (đề nghị xóa).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ExpungeAsked {
    /// When.
    pub(super) at: DateTime,
    /// The level that it bears.
    pub(super) level: SecrecyLevel,
    /// Who asked; somebody else confirms.
    pub(super) by: Option<Person>,
}

/// Its content was erased, because it is secret (đã xóa nội dung).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Erasure {
    /// The level that it bears.
    pub(super) level: Option<SecrecyLevel>,
    /// Keys and files are destroyed, too.
    pub(super) completed: bool,
}

pub(super) fn words(text: Option<&impl AsRef<str>>) -> Option<String> {
    text.map(|text| text.as_ref().to_owned())
}

pub(super) fn round(round: &view::Round) -> Round {
    let made = |made: &view::ResolutionMade| ResolutionMade {
        how: made.how.into(),
        answers: made
            .answers
            .iter()
            .map(|answer| Answer {
                organ: answer.organ.as_str().to_owned(),
                code: answer.code.as_str().to_owned(),
                date: Date(answer.date),
            })
            .collect(),
        note: words(made.note.as_ref()),
        transferred_to: words(made.transferred_to.as_ref()),
        by: made.by.map(Holder::from),
    };
    Round {
        number: round.number,
        began_at: DateTime(round.began_at),
        ended_at: round.ended.map(|(_, at)| DateTime(at)),
        resolution: round.resolution.as_ref().map(made),
    }
}
