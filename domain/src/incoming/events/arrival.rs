//! What a document says of itself, and what happens until it is registered.

use crate::document_types::{Channel, Urgency};
use crate::id::IncomingId;
use crate::text::{
    Abstract, AxisDocumentId, CodeNotation, CodeNumber, FileName, LongText, OrganCode, PersonName, Reason, ShortText,
};
use crate::time::{Date, Timestamp};

stable! {
    /// What the document says of itself (Decree 30/2020, Annexes IV and VI).
    pub struct Details {
        /// The issuer's identifier, as given.
        pub issuer_code: Option<OrganCode>,
        /// The issuer's name.
        pub issuer_name: ShortText,
        /// Number (số).
        pub number: Option<CodeNumber>,
        /// Symbol (ký hiệu).
        pub notation: Option<CodeNotation>,
        /// Where it was promulgated.
        pub place: Option<ShortText>,
        /// Date of promulgation.
        pub promulgated_on: Option<Date>,
        /// Name of its type, e.g. `Công văn`.
        pub type_name: ShortText,
        /// Abstract (trích yếu).
        pub abstract_text: Abstract,
        /// Language.
        pub language: Option<ShortText>,
        /// Pages.
        pub page_count: Option<u16>,
        /// Copies.
        pub copy_count: Option<u16>,
        /// The signer.
        pub signer: Option<Signer>,
        /// The date by which the sender wants an answer.
        pub due_on: Option<Date>,
        /// Urgency.
        pub urgency: Urgency,
        /// The hour by which a timed flash document is to be handled.
        pub due_at: Option<Timestamp>,
        /// To whom it is addressed, where several share one registry: one of the organ's addressees.
        pub addressee: Option<ShortText>,
        /// The recipients' lines (nơi nhận).
        pub to_places: Vec<ShortText>,
        /// The earlier document that it answers, as the sender names it.
        pub response_for: Option<AxisDocumentId>,
        /// The sender says that paper follows.
        pub paper_follows: bool,
        /// Remarks.
        pub note: Option<LongText>,
    }

    /// The signer as the document names them: text of the document, not a person of this ledger.
    pub struct Signer {
        /// Authority, e.g. `TL.`.
        pub competence: Option<ShortText>,
        /// Position.
        pub position: Option<ShortText>,
        /// Full name.
        pub name: PersonName,
    }

    /// A file of the document, kept by its content hash.
    pub struct Attachment {
        /// BLAKE3 of its bytes.
        pub hash: [u8; 32],
        /// Its name.
        pub name: FileName,
        /// Its length in bytes.
        pub size: u64,
        /// What it is.
        pub role: FileRole,
    }

    /// What a file is to the document.
    #[derive(Copy)]
    pub enum FileRole {
        /// The document itself.
        Main,
        /// An annex.
        Annex,
        /// What a handler adds: a contribution, a draft answer.
        Contribution,
    }

    /// How a message of the axis is recognised.
    pub struct AxisArrival {
        /// The message's `DocumentId`, exactly as given.
        pub document_id: AxisDocumentId,
        /// Which arrival of this id at this organ it is, from 0.
        pub ordinal: u32,
        /// Digest of header fields and attachments.
        pub content: [u8; 32],
    }

    /// A document arrived.
    pub struct Arrived {
        /// How.
        pub channel: Channel,
        /// As a message of the axis.
        pub axis: Option<AxisArrival>,
        /// When it truly arrived: stated, never later than the record.
        pub arrived_at: Timestamp,
        /// What it says of itself.
        pub details: Details,
        /// Its files.
        pub files: Vec<Attachment>,
        /// The refused or cancelled arrival that this one follows.
        pub follows: Option<IncomingId>,
    }

    /// The axis brought other content under the same id; the clerk looks at it.
    pub struct ArrivedAgain {
        /// Digest of the other content.
        pub content: [u8; 32],
        /// What it says.
        pub details: Details,
        /// Its files.
        pub files: Vec<Attachment>,
    }

    /// Mail addressed to a person by name stays unopened (art. 21.1).
    pub struct UnopenedLogged {
        /// The sender on the envelope.
        pub sender: ShortText,
        /// The envelope's number or marks.
        pub envelope: ShortText,
        /// To whom it is addressed.
        pub addressed_to: PersonName,
        /// When it arrived.
        pub arrived_at: Timestamp,
    }

    /// Result of the check of signature and integrity (art. 21.2a).
    pub struct AuthenticityChecked {
        /// What was found.
        pub result: Authenticity,
        /// By what or whom.
        pub checked_by: Option<ShortText>,
        /// Remarks.
        pub note: Option<LongText>,
    }

    /// What a check of authenticity found.
    #[derive(Copy)]
    pub enum Authenticity {
        /// Signatures valid, nothing changed.
        Valid,
        /// A signature fails or the document was changed.
        Invalid,
        /// It carries no signature: for information only.
        NotSigned,
        /// It could not be checked.
        NotChecked,
    }

    /// Data that the clerk entered were wrong. Both stay.
    pub struct Corrected {
        /// As they were.
        pub old: Details,
        /// As they are.
        pub new: Details,
        /// Why.
        pub reason: Reason,
    }

    /// A remark on data that the axis gave, which are not corrected.
    pub struct Annotated {
        /// The remark.
        pub note: LongText,
    }

    /// Files were added: the scan of paper, a file that came later.
    pub struct ScanAttached {
        /// The files.
        pub files: Vec<Attachment>,
    }

    /// The paper of an electronic document came.
    pub struct PaperArrived {
        /// When.
        pub arrived_at: Timestamp,
    }

    /// The document is not taken in: wrong agency, damaged, not authentic (art. 21). Axis status 02.
    pub struct ReceiptRefused {
        /// Why.
        pub reason: Reason,
    }
}
