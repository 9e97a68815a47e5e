//! The marker that a clean shutdown leaves: where the log ended. While it is there, any other end is damage, not a crash.

use std::io;

use socai_domain::ledger::RecordHash;

use super::{
    error::{Damage, OpenLogError},
    format::{array, u32_at, u64_at},
};
use crate::disk::Disk;

/// The marker's file.
pub(crate) const NAME: &str = "closed";
const TEMPORARY: &str = "closed.new";
const MAGIC: [u8; 8] = *b"socaiend";
const LEN: usize = 52;

/// Where the log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) place: u64,
    pub(crate) head: Option<RecordHash>,
}

impl Closed {
    /// Leaves the marker, whole or not at all.
    pub(crate) fn write(self, disk: &dyn Disk) -> io::Result<()> {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.place.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.head.unwrap_or(RecordHash([0; 32])).0);
        let crc = crc32c::crc32c(&bytes[..48]);
        bytes[48..].copy_from_slice(&crc.to_le_bytes());
        if disk.list()?.iter().any(|name| name == TEMPORARY) {
            disk.remove(TEMPORARY)?;
        }
        let file = disk.create(TEMPORARY)?;
        file.write_at(&bytes, 0)?;
        file.sync_data()?;
        disk.rename(TEMPORARY, NAME)?;
        disk.sync_dir()
    }
}

/// The marker, if there is one.
pub(crate) fn read(disk: &dyn Disk, names: &[String]) -> Result<Option<Closed>, OpenLogError> {
    if !names.iter().any(|name| name == NAME) {
        return Ok(None);
    }
    let mut bytes = [0; LEN];
    let file = disk.open(NAME, false).map_err(OpenLogError::io("opening the file `closed`"))?;
    let read = file.read_at(&mut bytes, 0).map_err(OpenLogError::io("reading the file `closed`"))?;
    if read < LEN || bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..48]) != u32_at(&bytes, 48) {
        let what =
            "the marker of the last shutdown is damaged; if `socai verify` finds the log whole, remove this file";
        return Err(OpenLogError::Damaged(Damage { file: NAME.into(), offset: 0, record: 0, what: what.into() }));
    }
    let place = u64_at(&bytes, 8);
    Ok(Some(Closed { place, head: (place > 0).then(|| RecordHash(array(&bytes, 16))) }))
}

/// The marker, looked for while somebody may have the log open. It goes when a server starts and comes when it stops: if that
/// is just now, a second look finds it there or not there.
pub(crate) fn look(disk: &dyn Disk) -> Result<Option<Closed>, OpenLogError> {
    let look = || read(disk, &disk.list().map_err(OpenLogError::io("listing the log's directory"))?);
    look().or_else(|_| look())
}
