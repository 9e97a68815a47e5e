//! The body of the fuzz target `edxml`: any bytes, and what must hold for whatever is read out of them.

use super::{Attachment, Limits, Message, content_digest, read, text};

/// Reads `bytes` under small limits and panics if a promise of [`read`] does not hold.
pub fn fuzz_read(bytes: &[u8]) {
    let limits = Limits {
        message: 1 << 20,
        attachment: 1 << 20,
        attachments_total: 1 << 21,
        attachments: 16,
        text: 4096,
        depth: 16,
        elements: 5000,
    };
    match read(bytes, &limits) {
        Ok(Message::Edoc(edoc)) => {
            assert!(!edoc.from.id.is_empty(), "a sender without an id");
            assert!(edoc.attachments.len() <= limits.attachments, "too many attachments");
            let total: usize = edoc.attachments.iter().map(|attachment| attachment.bytes.len()).sum();
            assert!(total <= limits.attachments_total, "more bytes than allowed");
            for attachment in &edoc.attachments {
                check(attachment, &limits);
            }
            let again = read(bytes, &limits);
            assert_eq!(again.as_ref(), Ok(&Message::Edoc(edoc.clone())), "two readings differ");
            assert_eq!(content_digest(&edoc), content_digest(&edoc.clone()), "two digests differ");
        }
        Ok(Message::Status(status)) => assert!(!status.from.id.is_empty(), "a sender without an id"),
        Err(error) => assert!(error.to_string().len() < 1000, "an error that repeats the file"),
    }
}

fn check(attachment: &Attachment, limits: &Limits) {
    let name = &attachment.name;
    assert!(attachment.bytes.len() <= limits.attachment, "an attachment larger than allowed");
    assert!(!name.is_empty() && name.len() <= 255 && !name.starts_with('.'), "a name that cannot be saved");
    assert!(!name.contains(['/', '\\', '\0']), "a name with a path");
    assert_eq!(text::file_name(name).as_deref(), Some(name.as_str()), "a name that is not yet safe");
}
