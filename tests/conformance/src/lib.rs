//! What every [`EventLog`] promises, one rule after the other, written once and run on every engine:
//!
//! ```ignore
//! event_log_conformance!(memory, MemoryFixture::default());
//! ```
//!
//! A rule looks at one promise only, so that a wrong engine is named by the rule that it breaks; `socai-tests` holds at least
//! one such engine for each. The program of this crate keeps them against a KurrentDB cluster, wherever it is.

pub mod appends;
pub mod follows;
pub mod kurrent;
pub mod lives;
pub mod pieces;
pub mod reads;
mod support;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use futures::{FutureExt as _, future::BoxFuture};
use socai_domain::{ledger::EventLog, time::Clock};

pub use support::SetClock;

/// Opens the engine under test.
pub trait Fixture: Send + Sync {
    /// A new, empty ledger with an id of its own.
    fn open(&self, clock: Arc<dyn Clock>) -> BoxFuture<'_, Arc<dyn EventLog>>;

    /// Lets go of the log and opens the same ledger again; nothing for an engine that keeps nothing.
    fn reopen(&self, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> BoxFuture<'_, Option<Arc<dyn EventLog>>>;
}

/// A rule, by name.
pub type Rule = (&'static str, fn(&dyn Fixture) -> BoxFuture<'_, Result<()>>);

/// The one list of the rules.
#[doc(hidden)]
#[macro_export]
macro_rules! each_rule {
    ($mode:ident $($arguments:tt)*) => {
        $crate::with_rules! { $mode [$($arguments)*]
            appends::takes_exactly_the_expected_revision
            appends::says_where_the_stream_stands
            appends::takes_all_or_nothing
            appends::answers_a_reissue_as_the_first_time
            appends::lets_one_of_64_writers_win
            appends::takes_calls_in_their_order
            appends::counts_a_call_that_was_dropped
            appends::takes_records_up_to_64_kib
            appends::refuses_too_few_and_too_many_events
            reads::gives_back_what_was_given
            reads::stamps_name_the_records
            reads::reads_forwards
            reads::reads_backwards
            reads::keeps_streams_apart
            reads::chains_the_records_of_a_stream
            follows::tells_in_the_order_of_positions
            follows::tells_everything_once
            follows::says_once_that_all_was_told
            follows::refuses_positions_of_another_ledger
            follows::refuses_positions_beyond_the_head
            pieces::gives_in_pieces_what_it_tells
            pieces::knows_where_it_stood
            lives::never_goes_back_in_time
            lives::knows_its_head
            lives::is_the_same_after_reopening
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! with_rules {
    (table [] $($part:ident :: $rule:ident)*) => { &[$((stringify!($rule), |fixture| Box::pin($part::$rule(fixture)))),*] };
    (tests [$module:ident, $fixture:expr] $($part:ident :: $rule:ident)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $rule() {
                let fixture = $fixture;
                let kept = $crate::bounded($crate::$part::$rule(&fixture)).await;
                assert!(kept.is_ok(), "{:?}", kept.unwrap_err());
            })*
        }
    };
}

/// One test for each rule, in a module of this name, on what this fixture opens.
#[macro_export]
macro_rules! event_log_conformance {
    ($module:ident, $fixture:expr) => {
        $crate::each_rule! { tests $module, $fixture }
    };
}

/// Every rule.
pub const RULES: &[Rule] = each_rule!(table);

/// A rule that waits for what never comes is broken, and so is one that stumbles. The bound is far beyond what any takes.
pub async fn bounded(rule: impl Future<Output = Result<()>>) -> Result<()> {
    match tokio::time::timeout(Duration::from_mins(1), AssertUnwindSafe(rule).catch_unwind()).await {
        Ok(Ok(kept)) => kept,
        Ok(Err(_)) => bail!("it panicked"),
        Err(_) => bail!("it waited for a record that never came"),
    }
}
