//! What a message says, as plain data. Texts are cleaned (white space, control and direction characters) and never empty:
//! an empty element is an absent one. What the sender wrote wrongly is kept, not mended.

use super::moment::{DateText, TimeText};

/// One file off the axis. Boxed: both are large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A document, or an operation on one.
    Edoc(Box<Edoc>),
    /// A receipt about a document.
    Status(Box<Status>),
}

/// A document with its attachments, or an operation on one sent earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edoc {
    /// What is asked of the receiver. A message that does not say brings a new document.
    pub operation: Operation,
    /// `BussinessDocReason`: why, in the sender's words.
    pub reason: Option<String>,
    /// `Paper`: by one source 1 if a paper copy follows, by another the number of pages.
    pub paper: Option<i32>,
    /// Clerks responsible at the sender.
    pub staff: Vec<Staff>,
    /// The sending organization; always with an id.
    pub from: Organization,
    /// The receivers, without [`Self::old_code_receivers`].
    pub to: Vec<Organization>,
    /// Receivers that the axis added for an organization's code of before Decision 20/2020: the same receivers once more.
    pub old_code_receivers: Vec<Organization>,
    /// Identity of the document: usually `organ,yyyy/MM/dd,number/notation`; compare it exactly, read nothing out of it.
    pub document_id: Option<String>,
    /// Number of the document, such as `7816`.
    pub code_number: Option<String>,
    /// Notation of the document, such as `VPCP-TTĐT`.
    pub code_notation: Option<String>,
    /// Place of issue.
    pub place: Option<String>,
    /// Date of issue.
    pub promulgated_on: Option<DateText>,
    /// Type of document.
    pub document_type: DocumentType,
    /// Abstract (*trích yếu*).
    pub subject: Option<String>,
    /// Summary of the content; usually the subject again. May have several lines.
    pub content: Option<String>,
    /// Who signed.
    pub signer: Option<Signer>,
    /// Date by which to answer.
    pub due_on: Option<DateText>,
    /// Priority and details of little weight.
    pub other: OtherInfo,
    /// 0 no directive, 1 directive, 2 report on a directive; one source counts from 1.
    pub steering_type: Option<i32>,
    /// Lines of *nơi nhận*: free text, not the addressees.
    pub to_places: Vec<String>,
    /// Earlier documents that this one answers.
    pub response_for: Vec<ResponseFor>,
    /// Codes of assigned tasks that this document reports on.
    pub task_codes: Vec<String>,
    /// `ApplicationType`: a free marker, such as `MCDT_DT` for one-stop files.
    pub application_type: Option<String>,
    /// Way of the message so far: the sender first, then one entry for each relay.
    pub trace: Vec<TraceHeader>,
    /// The files.
    pub attachments: Vec<Attachment>,
}

/// What an edoc asks of its receiver. It never changes a registered document by itself: the clerk decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// 0: take in a new document.
    New,
    /// 1: take an earlier document back.
    Recall {
        /// `Bussiness/DocumentId`. Absent: the message's own [`Edoc::document_id`] is meant.
        document_id: Option<String>,
    },
    /// 2: change an earlier document.
    Update(Update),
    /// 3: take in a new document in place of earlier ones.
    Replace(Vec<Replacement>),
}

/// How an earlier document changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// `Bussiness/DocumentId`. Absent: the message's own [`Edoc::document_id`] is meant.
    pub document_id: Option<String>,
    /// Its data or files change.
    pub document_changes: bool,
    /// Its receivers change.
    pub receivers_change: bool,
    /// The receivers that change.
    pub receivers: Vec<ReceiverChange>,
}

/// A receiver removed or added by an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverChange {
    /// The receiver's id.
    pub organ_id: String,
    /// 0 removed, 1 added; `None` if the message does not say.
    pub added: Option<bool>,
}

/// An earlier document that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Id of the earlier document.
    pub document_id: Option<String>,
    /// Organizations for which it is replaced.
    pub organ_ids: Vec<String>,
}

/// A sender or receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    /// Id in either form, see [`super::OrganIdForm`]; compare it exactly. Empty when the message only names a receiver.
    pub id: String,
    /// Name (by one source: code) of the parent organization.
    pub in_charge: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub telephone: Option<String>,
    /// Fax number.
    pub fax: Option<String>,
    /// Web site.
    pub website: Option<String>,
}

/// Type of a document. The numbers are used contradictorily in practice: rely on the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentType {
    /// `Type`: by the regulation 1 legal, 2 administrative; anything occurs.
    pub type_: Option<i32>,
    /// `TypeDetail`: number in the list of types.
    pub detail: Option<i32>,
    /// `TypeName`, such as `Công văn`.
    pub name: Option<String>,
}

/// Who signed a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signer {
    /// Authority to sign, such as `TL.` or `KT.`.
    pub competence: Option<String>,
    /// Post.
    pub position: Option<String>,
    /// Full name.
    pub full_name: Option<String>,
}

/// Priority and details of little weight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherInfo {
    /// 0 ordinary, 1 urgent, 2 very urgent, 3 express, 4 express by the hour. Absent means 0.
    pub priority: Option<i32>,
    /// Where the document may be spread, in words.
    pub sphere: Option<String>,
    /// Initials of the typist.
    pub typer_notation: Option<String>,
    /// Number of copies. Absent means 1.
    pub copies: Option<i32>,
    /// Number of pages. Absent means 1.
    pub pages: Option<i32>,
    /// `ReplyFors`, free text.
    pub reply_for: Option<String>,
    /// `Direction`. Absent means false.
    pub direction: Option<bool>,
    /// `ReferenceCodes`, free text.
    pub reference_codes: Option<String>,
    /// Titles of appendixes.
    pub appendixes: Vec<String>,
}

/// Reference to an earlier document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFor {
    /// Its issuer. In a status: the addressee.
    pub organ_id: Option<String>,
    /// Number and notation in one text, `12/UBND-VP`.
    pub code: Option<String>,
    /// Its id.
    pub document_id: Option<String>,
    /// Its date of issue.
    pub promulgated_on: Option<DateText>,
}

/// A station on the way of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceHeader {
    /// Who handled it; entries without an id (or with the text `null`) occur.
    pub organ_id: Option<String>,
    /// When.
    pub at: Option<TimeText>,
}

/// A clerk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    /// Name of the unit.
    pub department: Option<String>,
    /// Id of the unit in the sender's system.
    pub department_id: Option<String>,
    /// Name of the person.
    pub name: Option<String>,
    /// Id of the person in the sender's system.
    pub id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
}

/// A file that came with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name for showing and saving: no path, no control or direction characters, never empty, at most 200 bytes. Two
    /// attachments may have the same name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// The file itself, base64 and the transport's ZIP undone.
    pub bytes: Vec<u8>,
    /// Type that the sender gives. Often wrong: use [`crate::blobs::sniff`].
    pub declared_type: Option<String>,
    /// What is wrong with the file, if anything: show it to the clerk, who may refuse the document for it.
    pub damage: Option<Damage>,
}

/// What is wrong with an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The manifest names it, or an `Attachment` stands for it, but there are no bytes.
    Missing,
    /// The base64 has foreign characters or a wrong length; the bytes are what could be decoded.
    Base64,
    /// A ZIP that cannot be unpacked (cut off, damaged, encrypted, unknown method); the bytes are the ZIP.
    Zip,
    /// A PDF in which bytes were replaced by U+FFFD, as when a binary file is treated as text on its way.
    Replaced,
}

/// A receipt about one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Who sends it; always with an id.
    pub from: Organization,
    /// The document, and (`organ_id`) the addressee.
    pub response_for: ResponseFor,
    /// The clerk who acted.
    pub staff: Option<Staff>,
    /// What happened.
    pub code: StatusCode,
    /// In words; for a refusal the reason. May have several lines.
    pub description: Option<String>,
    /// When it happened.
    pub at: Option<TimeText>,
}

/// What a status reports. Any order of codes is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusCode {
    /// 01: the receiver's software has it.
    Arrived,
    /// 02: receipt refused.
    Refused,
    /// 03: entered in the incoming register.
    Registered,
    /// 04: assigned by the head.
    Assigned,
    /// 05: in progress.
    InProgress,
    /// 06: finished.
    Finished,
    /// 13: the sender asks for the document back.
    TakeBackRequested,
    /// 15: the receiver agrees to an update or a take-back.
    Agreed,
    /// 16: the receiver declines an update or a take-back.
    Declined,
    /// A number that no source lists: show it, and act on nothing.
    Unknown(u32),
}

impl Edoc {
    /// Id of the document that the operation is about: the earlier one for a recall or an update, else its own.
    pub fn subject_document_id(&self) -> Option<&str> {
        let earlier = match &self.operation {
            Operation::Recall { document_id } | Operation::Update(Update { document_id, .. }) => document_id.as_deref(),
            Operation::New | Operation::Replace(_) => None,
        };
        earlier.or(self.document_id.as_deref())
    }

    /// `number/notation`, as statuses refer to the document.
    pub fn code(&self) -> Option<String> {
        Some(format!("{}/{}", self.code_number.as_deref()?, self.code_notation.as_deref()?))
    }
}

impl From<u32> for StatusCode {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Arrived,
            2 => Self::Refused,
            3 => Self::Registered,
            4 => Self::Assigned,
            5 => Self::InProgress,
            6 => Self::Finished,
            13 => Self::TakeBackRequested,
            15 => Self::Agreed,
            16 => Self::Declined,
            other => Self::Unknown(other),
        }
    }
}
