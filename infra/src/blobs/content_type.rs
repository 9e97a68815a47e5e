//! What a file is, by its first bytes: names and declared types of files from outside are often wrong.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom},
};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const DOC: &str = "application/msword";
const XLS: &str = "application/vnd.ms-excel";
const PPT: &str = "application/vnd.ms-powerpoint";
const ODT: &str = "application/vnd.oasis.opendocument.text";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
const ODP: &str = "application/vnd.oasis.opendocument.presentation";
const PDF: &str = "application/pdf";
const PNG: &str = "image/png";
const JPEG: &str = "image/jpeg";
const TIFF: &str = "image/tiff";
const TEXT: &str = "text/plain";
const ZIP: &str = "application/zip";
const OCTETS: &str = "application/octet-stream";
const OLE: &str = "application/x-ole-storage";

/// The media type of `bytes`: PDF, ZIP, Office (old and new), `OpenDocument`, PNG, JPEG, TIFF, plain text, or else
/// `application/octet-stream`. HTML, XML and SVG are plain text: nothing from outside is ever to be rendered by a browser.
/// Send `X-Content-Type-Options: nosniff` with it.
pub fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'P', b'K', 3, 4, ..] => {
            let from = bytes.len().saturating_sub(DIRECTORY);
            zipped(bytes, &bytes[from..], from)
        }
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => {
            bytes.chunks_exact(ENTRY).find_map(of_stream).unwrap_or(OLE)
        }
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => PNG,
        [0xff, 0xd8, 0xff, ..] => JPEG,
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => TIFF,
        // Readers accept a PDF header anywhere in the first kilobyte.
        _ if bytes[..bytes.len().min(1024)].windows(5).any(|window| window == b"%PDF-") => PDF,
        _ if is_text(bytes) => TEXT,
        _ => OCTETS,
    }
}

/// The same of a file, which is left at its beginning. However large it is, no more than a MiB of it is held in memory.
pub(super) fn sniff_file(file: &mut File) -> io::Result<&'static str> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(ENOUGH).read_to_end(&mut bytes)?;
    let found = match bytes[..] {
        // What a ZIP holds stands at its end, and what an OLE container holds anywhere.
        [b'P', b'K', 3, 4, ..] => {
            let from = file.seek(SeekFrom::End(0))?.saturating_sub(DIRECTORY as u64);
            file.seek(SeekFrom::Start(from))?;
            let mut end = Vec::new();
            file.take(DIRECTORY as u64).read_to_end(&mut end)?;
            zipped(&bytes, &end, usize::try_from(from).map_err(io::Error::other)?)
        }
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => {
            file.rewind()?;
            let (mut entries, mut entry) = (BufReader::with_capacity(64 << 10, &mut *file), [0; ENTRY]);
            loop {
                match entries.read_exact(&mut entry) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => break OLE,
                    Err(error) => return Err(error),
                }
                if let Some(kind) = of_stream(&entry) {
                    break kind;
                }
            }
        }
        _ => sniff(&bytes),
    };
    file.rewind()?;
    Ok(found)
}

/// Bytes by which all other types are known: what [`is_text`] looks at, and one more.
const ENOUGH: u64 = 8193;
/// Bytes at the end of a ZIP in which its directory is looked for: that of an office's document has some kilobytes.
const DIRECTORY: usize = 1 << 20;
/// Bytes of an entry in the directory of an OLE container.
const ENTRY: usize = 128;

/// The usual file extension, without dot, of a type that [`sniff`] tells; `None` for the general ones.
pub fn usual_extension(content_type: &str) -> Option<&'static str> {
    Some(match content_type {
        PDF => "pdf",
        ZIP => "zip",
        DOCX => "docx",
        XLSX => "xlsx",
        PPTX => "pptx",
        DOC => "doc",
        XLS => "xls",
        PPT => "ppt",
        ODT => "odt",
        ODS => "ods",
        ODP => "odp",
        PNG => "png",
        JPEG => "jpg",
        TIFF => "tif",
        TEXT => "txt",
        _ => return None,
    })
}

/// The entry names in a ZIP's central directory, in order; `None` if there is no directory that can be read.
/// Allocates nothing and believes no size; ZIP64 archives are not read (a transport ZIP is never that large).
pub(crate) fn zip_entries(bytes: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    entries_at_end(bytes, 0)
}

/// The same of the last bytes of a ZIP, which begin at this place of it.
fn entries_at_end(bytes: &[u8], from: usize) -> Option<impl Iterator<Item = &[u8]>> {
    const END: &[u8] = b"PK\x05\x06";
    const LOCATOR_64: &[u8] = b"PK\x06\x07";
    let tail = bytes.len().saturating_sub(22 + usize::from(u16::MAX));
    let end = (tail..bytes.len().checked_sub(21)?).rev().find(|at| bytes[*at..].starts_with(END))?;
    if end >= 20 && bytes[end - 20..].starts_with(LOCATOR_64) {
        return None;
    }
    let count = short(bytes, end + 10)?;
    let start = u32::from_le_bytes(bytes.get(end + 16..end + 20)?.try_into().ok()?);
    let mut at = usize::try_from(start).ok()?.checked_sub(from)?;
    if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let mut left = count;
    Some(std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
            return None;
        }
        let (name, extra, comment) = (short(bytes, at + 28)?, short(bytes, at + 30)?, short(bytes, at + 32)?);
        let entry = bytes.get(at + 46..at + 46 + name)?;
        at += 46 + name + extra + comment;
        Some(entry)
    }))
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}

/// A ZIP, or one of the formats that are ZIPs with certain entries, by its first bytes and its last, which begin at `from`.
fn zipped(bytes: &[u8], end: &[u8], from: usize) -> &'static str {
    // OpenDocument: the first entry is called "mimetype", is stored uncompressed, and is the type.
    if bytes.get(30..38) == Some(b"mimetype") {
        for kind in [ODT, ODS, ODP] {
            if bytes[38..].starts_with(kind.as_bytes()) {
                return kind;
            }
        }
    }
    let mut is_office = false;
    let mut kind = ZIP;
    for entry in entries_at_end(end, from).into_iter().flatten() {
        is_office |= entry == b"[Content_Types].xml";
        kind = match entry {
            [b'w', b'o', b'r', b'd', b'/', ..] => DOCX,
            [b'x', b'l', b'/', ..] => XLSX,
            [b'p', b'p', b't', b'/', ..] => PPTX,
            _ => kind,
        };
    }
    if is_office { kind } else { ZIP }
}

/// What an OLE container is, by this entry of its directory: each has 128 bytes and begins with a name in UTF-16.
fn of_stream(entry: &[u8]) -> Option<&'static str> {
    let named = |name: &str| {
        name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).eq(entry[..name.len() * 2 + 2].iter().copied())
    };
    let kinds = [("WordDocument", DOC), ("Workbook", XLS), ("Book", XLS), ("PowerPoint Document", PPT)];
    kinds.into_iter().find_map(|(name, kind)| named(name).then_some(kind))
}

/// UTF-8 without control characters in its first 8 KiB (a character cut at that end is no fault), or UTF-16 with its mark.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return bytes.len() >= 4;
    }
    let start = &bytes[..bytes.len().min(8192)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && start.len() < bytes.len() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(entries: &[&str]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(b"content").unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn container(stream: &str) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        bytes[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
        for (at, byte) in stream.encode_utf16().flat_map(u16::to_le_bytes).enumerate() {
            bytes[640 + at] = byte;
        }
        bytes
    }

    #[test]
    fn files_are_known_by_their_bytes() {
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let slides = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
        let mut odt = archive(&["mimetype"]);
        odt[38..45].copy_from_slice(b"applica");
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (b"%PDF-1.7\n".to_vec(), "application/pdf"),
            (b"\r\n\x00junk%PDF-1.7\n".to_vec(), "application/pdf"),
            (archive(&["a.txt"]), ZIP),
            (archive(&["word/notes.txt"]), ZIP),
            (archive(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]), word),
            (archive(&["[Content_Types].xml", "xl/workbook.xml"]), sheet),
            (archive(&["ppt/presentation.xml", "[Content_Types].xml"]), slides),
            (archive(&["[Content_Types].xml"]), ZIP),
            (b"PK\x03\x04".to_vec(), ZIP),
            (odt, ZIP),
            (container("WordDocument"), "application/msword"),
            (container("Workbook"), "application/vnd.ms-excel"),
            (container("Book"), "application/vnd.ms-excel"),
            (container("Bookkeeping"), OLE),
            (b"\x89PNG\r\n\x1a\n....".to_vec(), "image/png"),
            (b"\xff\xd8\xff\xe0".to_vec(), "image/jpeg"),
            (b"II*\0".to_vec(), "image/tiff"),
            (b"MM\0*".to_vec(), "image/tiff"),
            ("Số đến: 12\r\n".as_bytes().to_vec(), "text/plain"),
            (b"<html><script>".to_vec(), "text/plain"),
            (b"\xff\xfeS\0".to_vec(), "text/plain"),
            ("ế".repeat(5000).into_bytes(), "text/plain"),
            (b"text\0".to_vec(), OCTETS),
            (b"caf\xe9 au lait".to_vec(), OCTETS),
            ("đ".as_bytes()[..1].to_vec(), OCTETS),
            (Vec::new(), OCTETS),
        ];
        for (mut bytes, kind) in cases {
            assert_eq!(sniff(&bytes), kind, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
            // The same, and the same for a long one, read from a file.
            for more in [0, 20_000] {
                bytes.resize(bytes.len() + more, b'\n');
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&bytes).unwrap();
                assert_eq!(sniff_file(&mut file).unwrap(), sniff(&bytes));
            }
        }
    }

    #[test]
    fn what_stands_behind_megabytes_is_found() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, content) in [("[Content_Types].xml", &b"content"[..]), ("word/media/1.png", &vec![7; 3 << 20])] {
            writer.start_file(name, stored).unwrap();
            writer.write_all(content).unwrap();
        }
        let office = writer.finish().unwrap().into_inner();
        let mut old = container("Anything");
        old.resize(3 << 20, 0);
        old.extend_from_slice(&container("Workbook")[640..768]);
        // A directory of more than a MiB is no office's.
        let many: Vec<_> = (0..20_000).map(|number| format!("word/{number}")).collect();
        let names: Vec<_> = ["[Content_Types].xml"].into_iter().chain(many.iter().map(String::as_str)).collect();
        for (bytes, kind) in [(office, DOCX), (old, XLS), (archive(&names), ZIP)] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            assert_eq!((sniff_file(&mut file).unwrap(), sniff(&bytes)), (kind, kind));
        }
    }

    #[test]
    fn an_open_document_says_what_it_is() {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(30, 0);
        bytes.extend_from_slice(b"mimetypeapplication/vnd.oasis.opendocument.textPK");
        assert_eq!(sniff(&bytes), "application/vnd.oasis.opendocument.text");
    }

    #[test]
    fn entries_are_listed_and_no_cut_archive_panics() {
        let bytes = archive(&["a.txt", "dir/b.txt"]);
        let names: Vec<&[u8]> = zip_entries(&bytes).unwrap().collect();
        assert_eq!(names, [b"a.txt".as_slice(), b"dir/b.txt"]);
        for end in 0..bytes.len() {
            assert!(zip_entries(&bytes[..end]).is_none_or(|entries| entries.count() <= 2), "{end}");
            sniff(&bytes[..end]);
        }
    }
}
