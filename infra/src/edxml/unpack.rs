//! One attachment's bytes: base64 as lenient as the axis's own reader, then the transport's ZIP undone by looking at the
//! bytes, since the declared type is often wrong.

use std::io::{Cursor, Read as _};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zip::ZipArchive;

use super::error::{EdxmlError, Part};
use super::limits::Limits;
use super::model::Damage;
use super::text;
use crate::blobs::zip_entries;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Documents that are ZIP archives themselves.
const ZIPPED_FORMATS: [&str; 15] = [
    "docx", "docm", "dotx", "xlsx", "xlsm", "xltx", "xlsb", "pptx", "pptm", "ppsx", "vsdx", "odt", "ods", "odp", "odg",
];

/// First entries by which such documents are known.
const FORMAT_MARKS: [&[u8]; 2] = [b"[Content_Types].xml", b"mimetype"];

/// Decoded bytes and what is wrong with them.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    pub(super) damage: Option<Damage>,
}

/// Decodes `encoded`, the content of the attachment called `name`; at most `left` bytes, and `limits.attachment`.
pub(super) fn unpack(encoded: &str, name: &str, left: usize, limits: &Limits) -> Result<Unpacked, EdxmlError> {
    let (raw, whole) = decode(encoded);
    if raw.is_empty() {
        return Ok(Unpacked { bytes: raw, damage: Some(Damage::Missing) });
    }
    let base64_damage = if whole { None } else { Some(Damage::Base64) };
    let unpacked = match transport_zip(&raw, name) {
        Zip::No => Unpacked { damage: base64_damage.or_else(|| replaced(&raw)), bytes: raw },
        Zip::Broken => Unpacked { damage: base64_damage.or(Some(Damage::Zip)), bytes: raw },
        Zip::Transport(index) => match unzip(&raw, index, left, limits)? {
            Some(bytes) => Unpacked { damage: base64_damage.or_else(|| replaced(&bytes)), bytes },
            None => Unpacked { damage: base64_damage.or(Some(Damage::Zip)), bytes: raw },
        },
    };
    check(unpacked.bytes.len(), left, limits)?;
    Ok(unpacked)
}

fn check(size: usize, left: usize, limits: &Limits) -> Result<(), EdxmlError> {
    if size > limits.attachment {
        Err(EdxmlError::TooLarge { part: Part::Attachment, limit: limits.attachment })
    } else if size > left {
        Err(EdxmlError::TooLarge { part: Part::AttachmentsTotal, limit: limits.attachments_total })
    } else {
        Ok(())
    }
}

/// The bytes, and whether the text was whole: nothing foreign in it but white space, nothing after the padding, no odd end.
fn decode(encoded: &str) -> (Vec<u8>, bool) {
    let mut letters = Vec::with_capacity(encoded.len());
    let mut whole = true;
    let mut ended = false;
    for byte in encoded.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if !ended => letters.push(byte),
            b'=' => ended = true,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => whole = false,
        }
    }
    if letters.len() % 4 == 1 {
        letters.pop();
        whole = false;
    }
    match ENGINE.decode(&letters) {
        Ok(bytes) => (bytes, whole),
        // Only letters of the alphabet in a possible number are left, so this does not happen; if it did, nothing is lost.
        Err(_) => (encoded.as_bytes().to_vec(), false),
    }
}

/// What a file is to the transport.
enum Zip {
    /// The file itself, be it a ZIP or not.
    No,
    /// A ZIP whose directory cannot be read.
    Broken,
    /// A ZIP made for the transport, with one file: the entry at this index.
    Transport(usize),
}

fn transport_zip(raw: &[u8], name: &str) -> Zip {
    let extension = text::extension(name);
    if extension == "zip" || !raw.starts_with(b"PK\x03\x04") {
        return Zip::No;
    }
    let Some(entries) = zip_entries(raw) else { return Zip::Broken };
    let mut file = None;
    for (index, entry) in entries.enumerate() {
        if index == 0 && FORMAT_MARKS.contains(&entry) && ZIPPED_FORMATS.contains(&extension.as_str()) {
            return Zip::No;
        }
        let is_file = !entry.ends_with(b"/");
        // An archive that really carries several files, or a directory that only costs memory to read.
        if is_file && file.is_some() || index > 16 {
            return Zip::No;
        }
        if is_file {
            file = Some(index);
        }
    }
    file.map_or(Zip::Broken, Zip::Transport)
}

/// The unpacked entry; `None` if it cannot be unpacked. The entry's own name is never looked at.
fn unzip(raw: &[u8], index: usize, left: usize, limits: &Limits) -> Result<Option<Vec<u8>>, EdxmlError> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(raw)) else { return Ok(None) };
    let Ok(entry) = archive.by_index(index) else { return Ok(None) };
    let most = left.min(limits.attachment);
    let mut bytes = Vec::new();
    // One byte more than allowed tells "too much" from "just enough"; the declared size is not believed.
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    match entry.take(bound).read_to_end(&mut bytes) {
        Ok(_) => check(bytes.len(), left, limits).map(|()| Some(bytes)),
        Err(_) => Ok(None),
    }
}

/// Whether a PDF went through a conversion of text: U+FFFD where bytes above 127 were.
fn replaced(bytes: &[u8]) -> Option<Damage> {
    const MARK: [u8; 3] = [0xef, 0xbf, 0xbd];
    if !bytes.starts_with(b"%PDF-") {
        return None;
    }
    let start = &bytes[..bytes.len().min(64 * 1024)];
    let marks = start.windows(3).filter(|window| *window == MARK).count();
    // A whole binary file is practically never valid UTF-8; one that is, and has the mark, was converted.
    let text = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.valid_up_to() + 4 > start.len(),
    };
    (text && marks >= 4).then_some(Damage::Replaced)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::prelude::BASE64_STANDARD;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn open(bytes: &[u8], name: &str) -> (Vec<u8>, Option<Damage>) {
        let limits = Limits::default();
        let unpacked = unpack(&BASE64_STANDARD.encode(bytes), name, limits.attachments_total, &limits).unwrap();
        (unpacked.bytes, unpacked.damage)
    }

    #[test]
    fn a_transport_zip_is_opened_whatever_it_is_called() {
        let bytes = zipped(&[("0f0e.xls", b"table")]);
        for name in ["bang.xls", "BANG.XLSX", "cong-van.pdf", "no extension", ""] {
            assert_eq!(open(&bytes, name), (b"table".to_vec(), None), "{name}");
        }
        let with_directory = zipped(&[("dir/", b""), ("dir/a.txt", b"text")]);
        assert_eq!(open(&with_directory, "a.txt").0, b"text");
    }

    #[test]
    fn documents_that_are_zips_stay_whole() {
        let word = zipped(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]);
        let lone = zipped(&[("[Content_Types].xml", b"<Types/>")]);
        let several = zipped(&[("a.txt", b"a"), ("b.txt", b"b")]);
        let archive = zipped(&[("a.txt", b"a")]);
        for (bytes, name) in [(word, "a.docx"), (lone, "a.DOCX"), (several, "a.txt"), (archive, "ho-so.ZIP")] {
            assert_eq!(open(&bytes, name), (bytes.clone(), None), "{name}");
        }
    }

    #[test]
    fn zips_that_cannot_be_opened_are_kept_and_marked() {
        let mut bytes = zipped(&[("a.txt", &b"text ".repeat(100))]);
        let flipped = bytes.len() / 3;
        bytes[flipped] ^= 0x55;
        assert_eq!(open(&bytes, "a.txt"), (bytes.clone(), Some(Damage::Zip)));
        let cut = b"PK\x03\x04 and then nothing";
        assert_eq!(open(cut, "a.txt"), (cut.to_vec(), Some(Damage::Zip)));
        assert_eq!(open(cut, "a.zip"), (cut.to_vec(), None));
    }

    #[test]
    fn bombs_do_not_go_off() {
        let bomb = BASE64_STANDARD.encode(zipped(&[("a.txt", &vec![0; 10_000_000])]));
        assert!(bomb.len() < 20_000);
        let limits = Limits { attachment: 1_000_000, ..Limits::default() };
        let refused = unpack(&bomb, "a.txt", limits.attachments_total, &limits).err();
        assert_eq!(refused, Some(EdxmlError::TooLarge { part: Part::Attachment, limit: 1_000_000 }));
        let exact = Limits { attachment: 10_000_000, ..Limits::default() };
        assert!(unpack(&bomb, "a.txt", exact.attachments_total, &exact).is_ok());
    }

    #[test]
    fn base64_is_read_leniently_and_damage_is_told() {
        let read = |text: &str| {
            let limits = Limits::default();
            let unpacked = unpack(text, "a.txt", limits.attachments_total, &limits).unwrap();
            (String::from_utf8(unpacked.bytes).unwrap(), unpacked.damage)
        };
        assert_eq!(read("dGV4dA=="), ("text".into(), None));
        assert_eq!(read(" dGV4\r\n\tdA"), ("text".into(), None));
        assert_eq!(read("dG?V4dA=="), ("text".into(), Some(Damage::Base64)));
        assert_eq!(read("dGV4dA==dGV4dA=="), ("text".into(), Some(Damage::Base64)));
        assert_eq!(read("dGV4d"), ("tex".into(), Some(Damage::Base64)));
        assert_eq!(read(" \n"), (String::new(), Some(Damage::Missing)));
    }

    #[test]
    fn a_pdf_that_was_taken_for_text_is_marked() {
        let binary = [b"%PDF-1.4\n".as_slice(), &[0xc4, 0xe5, 0xff, 0xfe, 0x80, 0x81]].concat();
        let converted = String::from_utf8_lossy(&binary).into_owned();
        assert_eq!(open(&binary, "a.pdf").1, None);
        assert_eq!(open(converted.as_bytes(), "a.pdf").1, Some(Damage::Replaced));
    }
}
