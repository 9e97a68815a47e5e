//! What the files of a log hold, byte for byte: tiles of hashes, and bundles of entries (C2SP `tlog-tiles`).

use thiserror::Error;

use super::{hash::TreeHash, tile::Tile};
use crate::ledger::RecordHash;

/// Bytes that are not what the tile's path says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotItsContent {
    /// Another number of bytes than the width asks for.
    #[error("{tile} has {wanted} bytes, not {given}: fetch it again, or rebuild it from the log")]
    Length {
        /// The tile.
        tile: Tile,
        /// Bytes of a tile of this width.
        wanted: usize,
        /// Bytes given.
        given: usize,
    },
    /// An entry of a bundle that is not the hash of a record.
    #[error("{tile}: entry {at} has {length} bytes, a hash of a record has 32: this is not a log of socai")]
    Entry {
        /// The bundle.
        tile: Tile,
        /// Which entry, from 0.
        at: usize,
        /// Its length as written.
        length: u16,
    },
}

/// The bytes of a tile of hashes.
pub fn write_hashes(hashes: &[TreeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile.
pub fn read_hashes(tile: Tile, bytes: &[u8]) -> Result<Vec<TreeHash>, NotItsContent> {
    check_length(tile, 32, bytes)?;
    Ok(bytes.as_chunks().0.iter().copied().map(TreeHash).collect())
}

/// The bytes of an entry bundle: each record's hash after its length, 32, as two bytes (big-endian).
pub fn write_entries(records: &[RecordHash]) -> Vec<u8> {
    records.iter().flat_map(|record| [0, 32].into_iter().chain(record.0)).collect()
}

/// The records' hashes of an entry bundle.
pub fn read_entries(tile: Tile, bytes: &[u8]) -> Result<Vec<RecordHash>, NotItsContent> {
    check_length(tile, 34, bytes)?;
    let entries = bytes.as_chunks::<34>().0.iter().enumerate();
    let read = entries.map(|(at, [high, low, hash @ ..])| match u16::from_be_bytes([*high, *low]) {
        32 => Ok(RecordHash(*hash)),
        length => Err(NotItsContent::Entry { tile, at, length }),
    });
    read.collect()
}

fn check_length(tile: Tile, each: usize, bytes: &[u8]) -> Result<(), NotItsContent> {
    let (wanted, given) = (usize::from(tile.width()) * each, bytes.len());
    if wanted == given { Ok(()) } else { Err(NotItsContent::Length { tile, wanted, given }) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::record;
    use super::*;

    fn tile(path: &str) -> Tile {
        path.parse().unwrap()
    }

    #[test]
    fn hashes_read_back() {
        let hashes: Vec<_> = (0..5).map(|byte| TreeHash([byte; 32])).collect();
        let bytes = write_hashes(&hashes);
        assert_eq!(read_hashes(tile("tile/0/000.p/5"), &bytes), Ok(hashes));
        let error = read_hashes(tile("tile/0/000"), &bytes).unwrap_err();
        assert!(error.to_string().starts_with("tile/0/000 has 8192 bytes, not 160"), "{error}");
    }

    #[test]
    fn entries_read_back() {
        let records: Vec<_> = (0..3).map(record).collect();
        let (bundle, bytes) = (tile("tile/entries/000.p/3"), write_entries(&records));
        assert_eq!((bytes.len(), &bytes[..2]), (3 * 34, &[0, 32][..]));
        assert_eq!(read_entries(bundle, &bytes), Ok(records));
        for wrong in [&bytes[..101], &bytes[1..], &[]] {
            assert!(matches!(read_entries(bundle, wrong), Err(NotItsContent::Length { .. })));
        }
        let mut wrong = bytes;
        wrong[34] = 1;
        assert_eq!(read_entries(bundle, &wrong), Err(NotItsContent::Entry { tile: bundle, at: 1, length: 288 }));
    }
}
