//! Wrong engines: each deviates from the contract in one way, and exactly one rule of the suite must say so.
//!
//! A rule that no wrong engine breaks could be a rule that nothing can break.

mod engine;
mod follow;
mod pieces;
mod take;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::{BoxFuture, ready};
use socai_domain::{
    ledger::{EventLog, LedgerId},
    time::Clock,
};
use uuid::Uuid;

use engine::WrongLog;
use socai_conformance::Fixture;

macro_rules! faults {
    ($($(#[$meta:meta])* $fault:ident => $rule:literal),* $(,)?) => {
        /// What an engine does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            /// Nothing: the control.
            None,
            $($(#[$meta])* $fault),*
        }

        /// Every fault, and the one rule that it breaks.
        pub const TABLE: &[(Fault, &str)] = &[$((Fault::$fault, $rule)),*];
    };
}

faults! {
    /// Takes an append that expects one record more than there is.
    TakesOneBeyond => "takes_exactly_the_expected_revision",
    /// Names the number of records in a conflict, not the last revision.
    SaysHowManyInsteadOfWhere => "says_where_the_stream_stands",
    /// Writes until it comes to an event that it refuses.
    WritesBeforeItChecks => "takes_all_or_nothing",
    /// Recognises a reissue only as long as nothing follows.
    ForgetsOlderAppends => "answers_a_reissue_as_the_first_time",
    /// Takes an append for a reissue when the first event is the same.
    ComparesTheFirstEventOnly => "answers_a_reissue_as_the_first_time",
    /// Says "conflict" to a reissue no more, but forgets to say that it is one.
    HidesThatItIsARepetition => "answers_a_reissue_as_the_first_time",
    /// Checks revisions against where the stream stood before the group of appends that is under way.
    ChecksOncePerGroup => "lets_one_of_64_writers_win",
    /// Takes its turn when it is waited for (or dropped), not when it is called.
    TakesWhenWaitedFor => "takes_calls_in_their_order",
    /// Takes back what nobody waits for.
    TakesBackWhatWasDropped => "counts_a_call_that_was_dropped",
    /// Has room for one byte less.
    OneByteLess => "takes_records_up_to_64_kib",
    /// Calls the body's length the record's.
    MeasuresTheBody => "takes_records_up_to_64_kib",
    /// Acknowledges an append of nothing.
    TakesNothing => "refuses_too_few_and_too_many_events",
    /// Takes one event more than it says.
    TakesOneTooMany => "refuses_too_few_and_too_many_events",
    /// Mistakes the organ for the person.
    SwapsOrganAndPerson => "gives_back_what_was_given",
    /// Stamps the hash of the predecessor.
    StampsThePredecessor => "stamps_name_the_records",
    /// Reads what comes after `from`.
    ReadsAfterFrom => "reads_forwards",
    /// Reads back from the end, whatever was asked.
    ReadsBackFromTheEnd => "reads_backwards",
    /// Knows streams by their keys alone.
    MixesKinds => "keeps_streams_apart",
    /// Chains a record to the one before it in the log.
    ChainsAlongTheLog => "chains_the_records_of_a_stream",
    /// Begins every chain with the same value.
    BeginsWithZero => "chains_the_records_of_a_stream",
    /// Tells a message's records stream by stream.
    SortsByStream => "tells_in_the_order_of_positions",
    /// Goes live from where the log stands when it has told the old.
    LosesWhatComesBetween => "tells_everything_once",
    /// Tells the last old record again as the first live one.
    RepeatsTheLastOne => "tells_everything_once",
    /// Drops the oldest of many live records when nobody listens.
    LosesWhenNobodyListens => "tells_everything_once",
    /// Says "caught up" before it begins.
    SaysCaughtUpFirst => "says_once_that_all_was_told",
    /// Says "caught up" again after every live message.
    SaysCaughtUpAgain => "says_once_that_all_was_told",
    /// Reads the place of a position and nothing else.
    TakesAnyLedger => "refuses_positions_of_another_ledger",
    /// Knows the ledger, not the engine's life.
    TakesAnyEpoch => "refuses_positions_of_another_ledger",
    /// Takes a place beyond the head for the head.
    TakesAnyPlace => "refuses_positions_beyond_the_head",
    /// Gives each piece without its last record.
    CutsPieces => "gives_in_pieces_what_it_tells",
    /// Gives the rest of a piece beyond its end.
    GoesOnToThePiecesEnd => "gives_in_pieces_what_it_tells",
    /// Begins with the record that was to come before.
    BeginsWithAfter => "gives_in_pieces_what_it_tells",
    /// Leaves out what was recorded at that very instant.
    StoodBefore => "knows_where_it_stood",
    /// Names the first record after it.
    StoodAfter => "knows_where_it_stood",
    /// Keeps time within a stream only.
    KeepsTimeByStream => "never_goes_back_in_time",
    /// Counts appends, not records.
    CountsAppends => "knows_its_head",
    /// Shows the same hash for every head that has one.
    ForgetsEarlierBatches => "knows_its_head",
    /// Loses the last record on its way down.
    LosesTheLastRecord => "is_the_same_after_reopening",
    /// Begins another life, with other positions, each time it is opened.
    ForgetsItsEpoch => "is_the_same_after_reopening",
}

/// Opens an engine with a fault.
#[derive(Debug)]
pub struct Wrong {
    fault: Fault,
    opened: Mutex<HashMap<LedgerId, WrongLog>>,
}

impl Wrong {
    /// With this one.
    pub fn new(fault: Fault) -> Self {
        Self { fault, opened: Mutex::default() }
    }
}

impl Fixture for Wrong {
    fn open(&self, clock: Arc<dyn Clock>) -> BoxFuture<'_, Arc<dyn EventLog>> {
        let log = WrongLog::new(self.fault, LedgerId(Uuid::now_v7()), clock);
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(log.ledger(), log.clone());
        Box::pin(ready(Arc::new(log) as Arc<dyn EventLog>))
    }

    fn reopen(&self, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> BoxFuture<'_, Option<Arc<dyn EventLog>>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let again = opened.get(&log.ledger()).map(|log| Arc::new(log.reopened(clock)) as Arc<dyn EventLog>);
        Box::pin(ready(again))
    }
}
