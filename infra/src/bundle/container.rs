//! The container: a ZIP of stored entries whose every byte follows from names and contents.
//!
//! Any ZIP program opens it. Whoever checks it writes it again from what was read, and compares: so nothing can stand in the
//! ZIP's own data that is not looked at. No compression, no times, no comments, no extra fields, no ZIP64.

use thiserror::Error;

/// The name of an entry and its content.
pub(crate) type Entry = (String, Vec<u8>);

/// Bytes of the longest bundle that is written or read: all of it is in memory at once.
pub const MAX_BUNDLE_LEN: usize = 1 << 30;

/// The longest name of an entry.
const MAX_NAME_LEN: usize = 200;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const LOCAL_LEN: usize = 30;
/// Version 2.0, what every ZIP program since 1993 reads.
const VERSION: [u8; 2] = 20_u16.to_le_bytes();
/// No flags, stored, and the earliest time that ZIP knows: 1980-01-01 00:00.
const PLAIN: [u8; 8] = [0, 0, 0, 0, 0, 0, 0x21, 0];

/// It is longer than is read, or does not fit into a ZIP without extensions.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// Too many bytes.
    #[error("the bundle would have {0} bytes, and can have {MAX_BUNDLE_LEN}: export it without the contents of files")]
    Bytes(u64),
    /// Too many entries.
    #[error("the bundle would have {0} entries, and can have 65,535")]
    Entries(usize),
}

/// Why bytes are not a container.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAContainer {
    /// It does not begin like one.
    #[error("it is not a ZIP file")]
    NotZip,
    /// Something is missing.
    #[error("it is cut off, or the length of the entry at byte {0} is wrong")]
    Cut(usize),
    /// An entry of a name that no export writes.
    #[error("the name of the entry at byte {0} is not one that an export writes")]
    Name(usize),
    /// It is not what an export writes.
    #[error("byte {at} is not as an export writes it: {place}")]
    Other {
        /// Where, from 0.
        at: usize,
        /// In what.
        place: String,
    },
}

fn u32_of(length: usize) -> Result<u32, TooLarge> {
    u32::try_from(length).ok().filter(|_| length <= MAX_BUNDLE_LEN).ok_or(TooLarge::Bytes(length as u64))
}

/// What local and central header share, from the version on.
fn shared(name: &str, content: &[u8]) -> Result<Vec<u8>, TooLarge> {
    let (length, name_length) = (u32_of(content.len())?.to_le_bytes(), u16::try_from(name.len()).unwrap_or(u16::MAX));
    let crc = crc32fast::hash(content).to_le_bytes();
    let parts: [&[u8]; 7] = [&VERSION, &PLAIN, &crc, &length, &length, &name_length.to_le_bytes(), &[0; 2]];
    Ok(parts.concat())
}

/// The container of these entries, in their order.
pub(crate) fn write(entries: &[Entry]) -> Result<Vec<u8>, TooLarge> {
    let count = u16::try_from(entries.len()).ok().filter(|count| *count < u16::MAX);
    let count = count.ok_or(TooLarge::Entries(entries.len()))?;
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let (shared, offset) = (shared(name, content)?, u32_of(out.len())?);
        for part in [&LOCAL[..], &shared, name.as_bytes(), content] {
            out.extend_from_slice(part);
        }
        // No comment, first disk, no attributes.
        for part in [&CENTRAL[..], &VERSION, &shared, &[0; 10], &offset.to_le_bytes(), name.as_bytes()] {
            central.extend_from_slice(part);
        }
    }
    let (begin, length) = (u32_of(out.len())?.to_le_bytes(), u32_of(central.len())?.to_le_bytes());
    let counts = [count.to_le_bytes(), count.to_le_bytes()].concat();
    for part in [&central[..], &END, &[0; 4], &counts, &length, &begin, &[0; 2]] {
        out.extend_from_slice(part);
    }
    u32_of(out.len())?;
    Ok(out)
}

/// May an entry be called that? Small letters, digits and a few marks, no way out of the folder.
fn is_usual(name: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let parts = || name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    name.len() <= MAX_NAME_LEN && name.bytes().all(usual) && parts()
}

/// The entries, each found where the one before it ends, and what is not as an export writes it.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<Entry>, Option<NotAContainer>), NotAContainer> {
    let (mut entries, mut at): (Vec<Entry>, usize) = (Vec::new(), 0);
    let mut places = Vec::new();
    while let Some(header) = bytes[at..].strip_prefix(&LOCAL).map(|_| &bytes[at..]) {
        let number = |from: usize, length: usize| {
            let bytes = header.get(from..from + length)?;
            Some(bytes.iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte)))
        };
        let lengths = number(18, 4).zip(number(26, 2));
        let (length, name_length) = lengths.ok_or(NotAContainer::Cut(at))?;
        let name = header.get(LOCAL_LEN..LOCAL_LEN + name_length).ok_or(NotAContainer::Cut(at))?;
        let name = str::from_utf8(name).ok().filter(|name| is_usual(name)).ok_or(NotAContainer::Name(at))?;
        let begin = LOCAL_LEN + name_length;
        let content = header.get(begin..begin.saturating_add(length)).ok_or(NotAContainer::Cut(at))?;
        entries.push((name.to_owned(), content.to_vec()));
        places.push((at, at + begin));
        at += begin + length;
    }
    if entries.is_empty() {
        return Err(NotAContainer::NotZip);
    }
    let again = write(&entries).map_err(|_| NotAContainer::NotZip)?;
    let differs = again.iter().zip(bytes).position(|(one, other)| one != other);
    let differs = differs.or((again.len() != bytes.len()).then_some(again.len().min(bytes.len())));
    let place = |at: usize| match places.iter().rposition(|(header, _)| *header <= at) {
        Some(last) if at < places[last].1 => format!("the header of {}, or its content", entries[last].0),
        _ => "the list of entries at the end".to_owned(),
    };
    let other = differs.map(|at| NotAContainer::Other { at, place: place(at) });
    Ok((entries, other))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn entries() -> Vec<Entry> {
        let entry = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
        vec![entry("README.txt", "Sổ cái".as_bytes()), entry("empty", b""), entry("records/a-1/0.record", &[7; 300])]
    }

    #[test]
    fn any_zip_program_opens_it_and_it_reads_back() {
        let bytes = write(&entries()).unwrap();
        assert_eq!(read(&bytes), Ok((entries(), None)));
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
        assert_eq!(zip.len(), 3);
        for (index, (name, content)) in entries().into_iter().enumerate() {
            let mut file = zip.by_index(index).unwrap();
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            assert_eq!((&*file.name().unwrap(), &read), (name.as_str(), &content));
        }
    }

    #[test]
    fn every_changed_missing_or_added_byte_is_found() {
        let bytes = write(&entries()).unwrap();
        let found = |bytes: &[u8]| !matches!(read(bytes), Ok((_, None)));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x20;
            assert!(found(&changed), "byte {at}");
            assert!(found(&bytes[..at]), "cut at {at}");
        }
        for at in [0, 40, bytes.len()] {
            let mut longer = bytes.clone();
            longer.insert(at, 0);
            assert!(found(&longer), "one more at {at}");
        }
        let mut content = bytes;
        content[45] ^= 1;
        let (_, other) = read(&content).unwrap();
        let told = other.unwrap().to_string();
        assert!(told.ends_with("the header of README.txt, or its content"), "{told}");
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for wrong in ["../a", "/a", "a//b", "a/", "a b", ".a", "ă", ""] {
            let bytes = write(&[(wrong.to_owned(), Vec::new())]).unwrap();
            assert!(matches!(read(&bytes), Err(NotAContainer::Name(0))), "{wrong:?}");
        }
    }

    #[test]
    fn no_garbage_makes_it_panic() {
        for length in 0..80 {
            let _ = read(&vec![0xff; length]);
            let mut zip = LOCAL.to_vec();
            zip.resize(4 + length, 0xff);
            assert!(read(&zip).is_err());
        }
    }
}
