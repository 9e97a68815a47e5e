//! How the wrong engine gives its records in pieces.

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use socai_domain::{
    ledger::{Followed, Pieces, Position, ReadError, pieces::followed},
    time::Timestamp,
};

use super::{Fault, engine::WrongLog};

/// Records of one piece.
const AT_ONCE: usize = 100;

pub(super) fn pieces(log: &WrongLog, after: Option<Position>, until: Position) -> Pieces {
    let shared = log.lock();
    let place = |position: Position| usize::try_from(position.place()).unwrap_or(usize::MAX);
    let first = after.map_or(0, place).saturating_sub(usize::from(log.is(Fault::BeginsWithAfter)));
    let until = if log.is(Fault::GoesOnToThePiecesEnd) { until.with_place(u64::MAX) } else { until };
    let end = place(until).min(shared.records.len());
    let indexes: Vec<usize> = (first.min(end)..end).collect();
    let pieces: Vec<Result<Followed, ReadError>> = indexes
        .chunks(AT_ONCE)
        .map(|piece| {
            let piece = &piece[..piece.len() - usize::from(log.is(Fault::CutsPieces))];
            Ok(Followed::Records(piece.iter().map(|&index| log.recorded(&shared, index)).collect()))
        })
        .collect();
    let told: BoxStream<'static, Result<Followed, ReadError>> = stream::iter(pieces).boxed();
    followed(told, until)
}

pub(super) fn stood_at(log: &WrongLog, then: Timestamp) -> Option<Position> {
    let then = if log.is(Fault::StoodBefore) { then.plus_micros(-1) } else { then };
    let shared = log.lock();
    let by_then = shared.records.partition_point(|record| record.header().recorded <= then);
    let after = usize::from(log.is(Fault::StoodAfter) && by_then < shared.records.len());
    (by_then + after).checked_sub(1).map(|index| log.position(index))
}
