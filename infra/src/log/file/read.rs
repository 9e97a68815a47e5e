//! Reading a stream: a walk back along its chain, each record checked by the hash that its successor names.

use std::{io, sync::PoisonError};

use socai_domain::ledger::{Direction, ReadError, Recorded, Revision, SealedRecord, StreamId};
use thiserror::Error;

use super::{
    error::Damage,
    format::{Address, ENTRY_HEAD, entry_head},
    shared::Shared,
};

/// A record found by its address.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) place: u64,
    pub(crate) previous: Address,
    pub(crate) record: SealedRecord,
}

/// Why a record could not be read.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}: run `socai verify`")]
    Damaged(Damage),
}

impl From<Trouble> for ReadError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Io(error) => Self::Busy(error.to_string()),
            Trouble::Damaged(_) => Self::Corrupt(trouble.to_string()),
        }
    }
}

/// Most records are shorter; a longer one costs a second read.
const GUESS: usize = 1024;

/// Reads the record at `address`.
pub(crate) fn find(shared: &Shared, address: Address) -> Result<Found, Trouble> {
    let missing = || Damage {
        file: super::format::segment_name(address.segment()),
        offset: u64::from(address.offset()),
        record: 0,
        what: "a record's predecessor is not there".into(),
    };
    let segment = shared.segment(address.segment()).ok_or_else(|| Trouble::Damaged(missing()))?;
    let mut guess = [0; GUESS];
    let read = segment.file.read_at(&mut guess, u64::from(address.offset()))?;
    if read < ENTRY_HEAD {
        return Err(Trouble::Damaged(missing()));
    }
    let (len, place, previous) = entry_head(&guess);
    let len = len as usize;
    let record = if ENTRY_HEAD + len <= read {
        SealedRecord::from_bytes(&guess[ENTRY_HEAD..ENTRY_HEAD + len])
    } else if len <= socai_domain::ledger::record::MAX_RECORD_LEN {
        let mut bytes = vec![0; len];
        let read = segment.file.read_at(&mut bytes, u64::from(address.offset()) + ENTRY_HEAD as u64)?;
        SealedRecord::from_bytes(&bytes[..read])
    } else {
        return Err(Trouble::Damaged(segment.damage(address.offset(), place, "a record's length is wrong")));
    };
    let record =
        record.map_err(|error| Trouble::Damaged(segment.damage(address.offset(), place, error.to_string())))?;
    Ok(Found { place, previous, record })
}

/// At most `limit` records of a stream, as `EventLog::read` has it.
pub(crate) fn stream(
    shared: &Shared,
    stream: StreamId,
    direction: Direction,
    from: Option<Revision>,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    let tip = shared.tips.read().unwrap_or_else(PoisonError::into_inner).get(&stream).copied();
    let Some(tip) = tip else { return Ok(Vec::new()) };
    let span = u64::try_from(limit).unwrap_or(u64::MAX);
    // The newest and the oldest revision that are wanted.
    let (newest, oldest) = match direction {
        Direction::Forwards => {
            let oldest = from.unwrap_or_default().number();
            (oldest.saturating_add(span).saturating_sub(1).min(tip.revision.number()), oldest)
        }
        Direction::Backwards => {
            let newest = from.unwrap_or(tip.revision).min(tip.revision).number();
            (newest, (newest + 1).saturating_sub(span))
        }
    };
    if limit == 0 || oldest > newest {
        return Ok(Vec::new());
    }
    let mut records = Vec::with_capacity(usize::try_from(newest - oldest + 1).unwrap_or_default().min(1024));
    let (mut address, mut revision, mut hash) = (tip.address, tip.revision.number(), tip.hash);
    loop {
        let Found { place, previous, record } = find(shared, address)?;
        let header = *record.header();
        let wanted = revision <= newest;
        // What is only passed over is not hashed: the next one's hash comes from its bytes, and breaks if they changed.
        if header.stream != stream || header.revision.number() != revision || (wanted && record.hash() != hash) {
            let segment = super::format::segment_name(address.segment());
            let what = "the record is not the one that its successor names";
            return Err(ReadError::Corrupt(format!(
                "{segment}, offset {}, record {place}, {stream} revision {revision}: {what}: run `socai verify`",
                address.offset()
            )));
        }
        if wanted {
            records.push(Recorded { position: shared.position(place), record });
        }
        if revision == oldest {
            break;
        }
        (address, revision, hash) = (previous, revision - 1, header.previous);
    }
    if direction == Direction::Forwards {
        records.reverse();
    }
    Ok(records)
}
