//! What the peers have in common.

use socai_domain::ledger::{Opener, RecordRef, SealedRecord};
use socai_projections::replay::Fold as _;
use uuid::Uuid;

use crate::folds::Documents;

/// Records whose keys are asked for at once.
pub(crate) const CHUNK: usize = 1_000;

/// A record as a table has it.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) kind: i32,
    pub(crate) recorded: i64,
    pub(crate) organ: Uuid,
    pub(crate) stream: Vec<u8>,
    pub(crate) revision: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Row {
    pub(crate) fn of(record: RecordRef<'_>) -> Self {
        Self {
            position: record.place().cast_signed(),
            kind: i32::from(record.kind().number()),
            recorded: record.recorded().as_micros(),
            organ: record.organ(),
            stream: record.stream().to_bytes().to_vec(),
            revision: record.revision().number().cast_signed(),
            bytes: record.bytes().to_vec(),
        }
    }
}

/// Opens and folds what waits, if it is `enough`.
pub(crate) async fn fold(documents: &mut Documents, opener: &Opener, waiting: &mut Vec<SealedRecord>, enough: usize) {
    if waiting.len() < enough {
        return;
    }
    let opened = opener.open_all(&waiting.iter().collect::<Vec<_>>()).await.expect("their keys are there");
    for (record, opened) in waiting.drain(..).zip(opened) {
        documents.take(0, record.header(), &opened);
    }
}
