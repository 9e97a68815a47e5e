//! What was promised and is not known to be kept.

use std::sync::{Mutex, PoisonError};

use socai_domain::time::Timestamp;
use socai_graphql::notary::Taken;

/// The promises of this server. Of those that no checkpoint covers, the oldest and the newest are kept in mind: one in between may be
/// overdue for as long as it said before that is seen.
#[derive(Debug, Default)]
pub(super) struct Promises(Mutex<Option<Open>>);

#[derive(Clone, Copy, Debug)]
struct Open {
    oldest: Taken,
    newest: Taken,
}

impl Promises {
    /// May this be promised, too? Not while one that is kept in mind is overdue by the log's own time. Checkpoints reach up to this place
    /// of the log; `due` says until when a promise is to be kept.
    pub(super) fn may_give(&self, taken: Taken, reach: u64, due: impl Fn(Timestamp) -> Timestamp) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { oldest, newest } = open.get_or_insert(Open { oldest: taken, newest: taken });
        let kept = |promise: &Taken| promise.position.place() <= reach;
        if kept(oldest) {
            *oldest = if kept(newest) { taken } else { *newest };
        }
        if !kept(&taken) && taken.position.place() < oldest.position.place() {
            *oldest = taken;
        }
        let gives = taken.recorded <= due(oldest.recorded);
        if gives && newest.position.place() < taken.position.place() {
            *newest = taken;
        }
        gives
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::{
        ledger::{LedgerId, Position, RecordHash, Revision},
        testing::MORNING,
    };
    use uuid::Uuid;

    use super::*;
    use crate::log::file::tests::stream;

    /// The record at this place of the log, taken so many seconds after the first.
    fn taken(place: u64, seconds: i64) -> Taken {
        Taken {
            stream: stream(1),
            revision: Revision::FIRST,
            position: Position::new(LedgerId(Uuid::max()), 1, place),
            hash: RecordHash::of(&place.to_le_bytes()),
            recorded: MORNING.plus_micros(seconds * 1_000_000),
        }
    }

    #[test]
    fn none_is_given_while_one_is_overdue() {
        let promises = Promises::default();
        let gives =
            |place, seconds, reach| promises.may_give(taken(place, seconds), reach, |at| at.plus_micros(60_000_000));
        assert!(gives(1, 0, 0) && gives(2, 60, 0) && !gives(3, 61, 0));
        // The first is kept now, the second is not due.
        assert!(gives(3, 62, 1) && gives(4, 120, 1) && !gives(5, 121, 1) && !gives(5, 500, 2));
        // What was refused is owed to nobody.
        assert!(gives(6, 501, 4) && gives(7, 1_000, 6) && !gives(8, 1_061, 6));
        // A command that is repeated later is told what it was told then.
        assert!(gives(1, 0, 6));
    }
}
