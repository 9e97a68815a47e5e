//! How much a message may weigh before it is refused unread.

/// Upper bounds for one message. What exceeds them is refused with [`super::EdxmlError::TooLarge`]; nothing is cut short.
///
/// All sizes are bytes. The reader's memory is bounded by about twice `message` plus `attachments_total`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The whole file. Default 50 MiB: the hubs that were looked at refuse more.
    pub message: usize,
    /// One attachment after base64 and ZIP are undone. Default 100 MiB.
    pub attachment: usize,
    /// All attachments of a message after base64 and ZIP are undone. Default 200 MiB.
    pub attachments_total: usize,
    /// Attachments in one message. Default 200.
    pub attachments: usize,
    /// One text of the header, such as the subject. Default 64 KiB: real hubs store 500 characters.
    pub text: usize,
    /// XML elements inside each other. Default 32: a well-made message needs nine.
    pub depth: usize,
    /// XML elements in all. Default 200 000: a letter to every commune of the country needs about 30 000.
    pub elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            message: 50 * MIB,
            attachment: 100 * MIB,
            attachments_total: 200 * MIB,
            attachments: 200,
            text: 64 * 1024,
            depth: 32,
            elements: 200_000,
        }
    }
}
