//! What becomes of a document. Shares are exact in every thousand documents, so that even a small ledger has some of each.

/// What becomes of it in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    /// Registered, directed, handled, resolved.
    Usual,
    /// The clerk refuses it.
    Refused,
    /// It is secret and erased; or somebody thought so.
    Erased,
    NotErased,
    /// Addressed to a person by name: stays unopened; or they bring it back.
    Unopened,
    BroughtBack,
    /// Another copy of a document that is registered: cancelled; or registered all the same.
    Duplicate,
    DuplicateAccepted,
    /// Cancelled after registration.
    CancelledInError,
    Recalled,
    /// A leader gives it back to the clerk; or passes it to another leader.
    ReturnedToClerk,
    PassedToLeader,
    /// The unit gives it back, and another gets it.
    Returned,
    /// No reply is needed; or a leader does not agree.
    NoReplyNeeded,
    Declined,
    /// It belongs to another agency.
    Transferred,
    /// Taken up again after it was resolved.
    Reopened,
}

/// What happens on the way of one that is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// Nothing of note.
    Straight,
    /// More time is asked for.
    Extended,
    NotExtended,
    /// The clock stands, until somebody starts it; or until the pause ends.
    Resumed,
    Paused,
    /// Somebody urges.
    Urged,
    /// The leader changes the limit.
    Amended,
    /// The head gives the work to another officer.
    Reassigned,
    /// A coordinating unit is not asked any more.
    Withdrawn,
    /// Somebody follows it, from the directive on; or from later on.
    Followed,
    FollowedLater,
    /// Somebody who has no part in it may see it.
    Shown,
    /// The axis brings it again, with another content.
    ArrivedAgain,
    /// The clerk remarks on it; or corrects it.
    Annotated,
    Corrected,
}

/// How many of a thousand; the rest is usual.
const FATES: [(u64, Fate); 16] = [
    (8, Fate::Refused),
    (1, Fate::Erased),
    (1, Fate::NotErased),
    (1, Fate::Unopened),
    (1, Fate::BroughtBack),
    (2, Fate::Duplicate),
    (1, Fate::DuplicateAccepted),
    (4, Fate::CancelledInError),
    (10, Fate::Recalled),
    (6, Fate::ReturnedToClerk),
    (15, Fate::PassedToLeader),
    (6, Fate::Returned),
    (40, Fate::NoReplyNeeded),
    (4, Fate::Declined),
    (10, Fate::Transferred),
    (7, Fate::Reopened),
];
const TURNS: [(u64, Turn); 14] = [
    (30, Turn::Extended),
    (10, Turn::NotExtended),
    (10, Turn::Resumed),
    (5, Turn::Paused),
    (20, Turn::Urged),
    (10, Turn::Amended),
    (10, Turn::Reassigned),
    (6, Turn::Withdrawn),
    (10, Turn::Followed),
    (6, Turn::FollowedLater),
    (6, Turn::Shown),
    (5, Turn::ArrivedAgain),
    (5, Turn::Annotated),
    (6, Turn::Corrected),
];
/// Of a thousand: resolved after the deadline.
const LATE: u64 = 62;

/// What the `n`th document of a thousand gets, by steps that have no common divisor with a thousand.
fn of<T: Copy>(table: &[(u64, T)], n: u64, (step, first): (u64, u64), usual: T) -> T {
    let mut place = (n * step + first) % 1_000;
    for (share, one) in table {
        if place < *share {
            return *one;
        }
        place -= share;
    }
    usual
}

impl Fate {
    /// Of document `n`.
    pub(super) fn of(n: u64) -> Self {
        of(&FATES, n, (617, 0), Self::Usual)
    }
}

impl Turn {
    /// Of document `n`.
    pub(super) fn of(n: u64) -> Self {
        of(&TURNS, n, (389, 131), Self::Straight)
    }
}

/// Is document `n` late?
pub(super) fn is_late(n: u64) -> bool {
    of(&[(LATE, true)], n, (271, 57), false)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_thousand_has_all_in_their_shares() {
        for begin in [0, 777, 123_456] {
            let (mut fates, mut turns, mut late) = (HashMap::new(), HashMap::new(), 0);
            for n in begin..begin + 1_000 {
                *fates.entry(Fate::of(n)).or_insert(0) += 1;
                *turns.entry(Turn::of(n)).or_insert(0) += 1;
                late += u64::from(is_late(n));
            }
            assert!(FATES.iter().all(|(share, fate)| fates[fate] == *share), "{fates:?}");
            assert!(TURNS.iter().all(|(share, turn)| turns[turn] == *share), "{turns:?}");
            assert_eq!(late, LATE);
        }
    }

    #[test]
    fn each_turn_befalls_a_document_that_is_handled() {
        for (_, turn) in TURNS {
            let usual = (0..1_000).filter(|n| Turn::of(*n) == turn && Fate::of(*n) == Fate::Usual).count();
            assert!(usual >= 2, "{turn:?}: {usual}");
        }
    }
}
