//! Tests of what is the file engine's own; the contract is tested by the suite that every engine passes.

mod building;
mod garbage;
mod opening;
mod power;
mod replay;
mod restoring;
mod writing;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use socai_domain::{
    ledger::{Append, Draft, EventKind, Expected, LedgerId, Revision, StreamId, StreamKind},
    time::{Clock, Timestamp},
};
use uuid::Uuid;

use super::FileLogOptions;

/// A clock that goes on by one microsecond whenever it is asked.
#[derive(Debug)]
pub(crate) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Small segments, a fixed ledger, a ticking clock.
pub(crate) fn options() -> FileLogOptions {
    let mut options = FileLogOptions::new(Arc::new(Ticking(AtomicI64::new(1_000_000))));
    options.segment_size = super::SMALLEST;
    options.ledger = Some(LedgerId(Uuid::from_u128(7)));
    options.retry_after = std::time::Duration::ZERO;
    options
}

pub(crate) fn stream(number: u128) -> StreamId {
    StreamId::new(StreamKind::Incoming, Uuid::from_u128(number))
}

/// A draft whose body tells what it was written for.
pub(crate) fn draft(stream: StreamId, revision: u64, len: usize) -> Draft {
    let mut body = format!("{stream}@{revision};").into_bytes();
    let filler = u8::try_from(revision % 251).unwrap_or_default() + 1;
    body.resize(len.max(body.len()), filler);
    Draft { kind: EventKind::new(401), organ: Uuid::from_u128(1), person: Uuid::from_u128(2), body }
}

/// `count` drafts of `len` bytes for revision `first` and on.
pub(crate) fn append(stream: StreamId, first: u64, count: u64, len: usize) -> Append {
    Append {
        stream,
        expected: Expected::after(first.checked_sub(1).map(Revision::new)),
        drafts: (first..first + count).map(|revision| draft(stream, revision, len)).collect(),
    }
}
