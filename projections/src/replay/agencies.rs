//! The agencies' own streams, read first: few records, found by their headers.

use std::collections::HashMap;

use socai_domain::{
    decide::Meta,
    id::OrganId,
    ledger::{DomainEvent, Opened, Opener, Pieces, ReadError, SealedRecord, StreamKind},
};

use super::{Crew, scan};
use crate::{
    directory::{Agencies, Organ},
    error::ViewsError,
};

/// Agencies as they stand at the end of the stretch, how many records they have, and all that documents ask of their past.
pub(super) struct Read {
    pub(super) organs: HashMap<OrganId, Organ>,
    pub(super) records: u64,
    pub(super) agencies: Agencies,
}

/// Folds the agencies.
pub(super) async fn read(crew: &Crew, pieces: Pieces, opener: &Opener) -> Result<Read, ViewsError> {
    let take = |found: &mut Vec<(u64, Box<[u8]>)>, record: socai_domain::ledger::RecordRef<'_>| {
        if record.stream_kind() == StreamKind::Organ {
            found.push((record.place(), record.bytes().into()));
        }
    };
    let found = scan(crew, pieces, take, |all, piece| all.extend(piece)).await?;
    let (places, sealed): (Vec<u64>, Vec<_>) = found.into_iter().unzip();
    let sealed = sealed.into_iter().map(SealedRecord::from_bytes).collect::<Result<Vec<_>, _>>();
    let sealed = sealed.map_err(|error| ReadError::Corrupt(error.to_string()))?;
    let opened = opener.open_all(&sealed.iter().collect::<Vec<_>>()).await?;
    let (mut organs, mut agencies) = (HashMap::new(), Agencies::default());
    for ((place, record), opened) in places.iter().zip(&sealed).zip(opened) {
        let (header, place) = (record.header(), i64::try_from(*place).unwrap_or(i64::MAX));
        if let Opened::Event(context, DomainEvent::Organ(event)) = opened {
            let id = OrganId::new(header.stream.key());
            let organ = organs.entry(id).or_insert_with(|| Organ::new(0, id));
            organ.apply(&event, &Meta::of(header, &context), place);
            agencies.note(organ, &event, place);
        }
    }
    Ok(Read { organs, records: places.len() as u64, agencies })
}
