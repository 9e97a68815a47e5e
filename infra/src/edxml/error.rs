//! Why a file is not taken in, each with what to do about it.

use std::fmt;

use thiserror::Error;

/// Why a file cannot be read as an edXML message. Nothing of it has been kept.
///
/// The texts quote at most a few cleaned words of the file and may be shown to anyone who may see the message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EdxmlError {
    /// No bytes, or only white space.
    #[error("the file is empty; ask the sender to send it again")]
    Empty,
    /// One of the [`super::Limits`] is exceeded.
    #[error(
        "{part} exceeds the limit of {limit}; ask the sender to split the message, or raise the limit and read it again"
    )]
    TooLarge {
        /// What is too large.
        part: Part,
        /// The limit: bytes for sizes, a count for the rest.
        limit: usize,
    },
    /// Neither UTF-8 nor UTF-16.
    #[error(
        "the text is not valid UTF-8 (first bad byte at offset {offset}); ask the sender to save the file as UTF-8"
    )]
    Encoding {
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// A document type declaration: edXML needs none, and entities hide bombs and foreign files in it.
    #[error("the file has a DOCTYPE, which edXML does not allow; ask the sender to send it without one")]
    Doctype,
    /// A reference to an entity other than the five of XML itself.
    #[error("the file refers to the unknown entity '&{name};'; ask the sender to write the character itself")]
    Entity {
        /// Name of the entity.
        name: String,
    },
    /// Not well-formed XML.
    #[error("the file is not well-formed XML at byte {offset}: {reason}; ask the sender to send it again")]
    Malformed {
        /// Where, in the text as UTF-8.
        offset: u64,
        /// What the parser says.
        reason: String,
    },
    /// The XML stops in the middle.
    #[error(
        "the file ends too early, inside <{inside}>; fetch it again, and if it is the same, ask the sender to send it again"
    )]
    Truncated {
        /// Innermost element still open.
        inside: String,
    },
    /// XML of another kind.
    #[error("the file is XML, but its root is <{root}>, not <edXML>; check that the right file was sent")]
    NotEdxml {
        /// Local name of the root element.
        root: String,
    },
    /// One of the other formats called edXML.
    #[error("{0}; ask the sender for the QCVN 102:2016 form")]
    Dialect(Dialect),
    /// Something without which a message means nothing.
    #[error("the message has no {path}; ask the sender to complete it and send it again")]
    Missing {
        /// The element, from the message header down.
        path: &'static str,
    },
    /// Neither a document nor a status.
    #[error(
        "the message is neither a document (no To, Code or Subject) nor a status (no StatusCode); ask the sender what was meant"
    )]
    NeitherKind,
    /// `BussinessDocType` is none of 0 to 3.
    #[error(
        "the message asks for the unknown operation '{given}' (known: 0 new, 1 recall, 2 update, 3 replace); ask the sender what was meant"
    )]
    UnknownOperation {
        /// What the message has there.
        given: String,
    },
    /// `StatusCode` is not a number.
    #[error("the status code '{given}' is not a number; ask the sender to send the status again")]
    BadStatusCode {
        /// What the message has there.
        given: String,
    },
}

/// What exceeded a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The file's size.
    Message,
    /// One attachment's unpacked size.
    Attachment,
    /// The unpacked size of all attachments.
    AttachmentsTotal,
    /// The number of attachments.
    AttachmentCount,
    /// The length of one header text.
    Text,
    /// XML nesting.
    Depth,
    /// The number of XML elements.
    Elements,
    /// The number of XML attributes of one element.
    Attributes,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "the size of the message",
            Self::Attachment => "the unpacked size of an attachment",
            Self::AttachmentsTotal => "the unpacked size of all attachments",
            Self::AttachmentCount => "the number of attachments",
            Self::Text => "the length of a text in the header",
            Self::Depth => "the nesting of XML elements",
            Self::Elements => "the number of XML elements",
            Self::Attributes => "the number of attributes of an XML element",
        })
    }
}

/// A format that calls itself edXML, or is sent as such, and is not QCVN 102:2016.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SOAP envelope with namespace `http://www.e-doc.vn/Schema/`, 2012 to 2014.
    EDoc2012,
    /// Namespace `http://www.go.vn/eDoc`, an early provincial trial.
    GoVn,
    /// A SOAP envelope around other element names, as some provincial hubs' services use.
    Soap,
    /// Attachments as `edXMLAttachments/…/AttachmentData`: an ordinary reader sees the header and silently loses the files.
    InlineAttachments,
    /// Right element names in a namespace nobody here knows.
    UnknownNamespace(String),
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EDoc2012 => {
                f.write_str("the message is in the SOAP format of 2012-2014 (http://www.e-doc.vn/Schema/)")
            }
            Self::GoVn => f.write_str("the message is in the trial format http://www.go.vn/eDoc"),
            Self::Soap => f.write_str("the message is wrapped in a SOAP envelope"),
            Self::InlineAttachments => {
                f.write_str("the message carries its files as edXMLAttachments/AttachmentData, which is not standard")
            }
            Self::UnknownNamespace(name) => write!(f, "the message is in the unknown XML namespace '{name}'"),
        }
    }
}
