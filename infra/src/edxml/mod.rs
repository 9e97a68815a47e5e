//! Reads edXML (QCVN 102:2016/BTTTT), the messages of the national document axis, as they really occur.
//!
//! Tolerant of what senders and relays get wrong (names, order, empty and missing elements, dates, types, packing), strict
//! about what could harm: size, depth, DOCTYPE, entities, ZIP bombs, file names. It decides nothing: what it returns is plain
//! data for the import to judge.
//!
//! ```
//! use socai::edxml::{self, Limits, Message};
//!
//! # fn main() -> Result<(), edxml::EdxmlError> {
//! let file = r#"<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
//!     <From><OrganId>000.00.00.H99</OrganId></From><To><OrganId>000.00.00.G99</OrganId></To>
//!     <Subject>V/v thử nghiệm</Subject></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"#;
//! let Message::Edoc(edoc) = edxml::read(file.as_bytes(), &Limits::default())? else { panic!("a status") };
//! assert_eq!(edoc.from.id, "000.00.00.H99");
//! # Ok(())
//! # }
//! ```

mod attachments;
mod dialect;
mod digest;
mod edoc;
mod error;
mod fields;
mod fuzz;
mod limits;
mod model;
mod moment;
mod organ;
mod status;
mod text;
mod unpack;
mod xml;

pub use digest::content_digest;
pub use error::{Dialect, EdxmlError, Part};
#[doc(hidden)]
pub use fuzz::fuzz_read;
pub use limits::Limits;
pub use model::{
    Attachment, Damage, DocumentType, Edoc, Message, Operation, Organization, OtherInfo, ReceiverChange, Replacement,
    ResponseFor, Signer, Staff, Status, StatusCode, TraceHeader, Update,
};
pub use moment::{DateText, TimeText};
pub use organ::OrganIdForm;

use fields::Fields;

/// Elements of which a document has at least one.
const OF_A_DOCUMENT: [&str; 4] = ["To", "Code", "DocumentId", "Subject"];

/// Reads one message. Pure: no file, no clock, nothing is fetched; the same bytes give the same result.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Message, EdxmlError> {
    if bytes.len() > limits.message {
        return Err(EdxmlError::TooLarge { part: Part::Message, limit: limits.message });
    }
    let text = xml::to_text(bytes)?;
    let tree = xml::read(&text, limits)?;
    dialect::check(&tree)?;
    let header = tree.root.find("MessageHeader", 4).ok_or(EdxmlError::Missing { path: "MessageHeader" })?;
    let fields = Fields { element: header, limits };
    if let Some(code) = fields.line("StatusCode")? {
        return status::read(header, &code, limits).map(|status| Message::Status(Box::new(status)));
    }
    if OF_A_DOCUMENT.iter().any(|name| header.child(name).is_some()) {
        return edoc::read(&tree.root, header, limits).map(|edoc| Message::Edoc(Box::new(edoc)));
    }
    Err(EdxmlError::NeitherKind)
}

/// Cleans a file name from outside for showing and saving, by the rules of [`Attachment::name`]. `None` if nothing is left.
pub fn safe_file_name(raw: &str) -> Option<String> {
    text::file_name(raw)
}
