//! What goes wrong on demand.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What happens to the next append, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendFault {
    /// Nothing goes wrong: for those that come before one that does.
    Nothing,
    /// Not written; the server says that it timed out.
    AbortedBefore,
    /// Written; the server says that it timed out all the same.
    AbortedAfter,
    /// Not written; the connection breaks.
    CutBefore,
    /// Written; the connection breaks before the answer.
    CutAfter,
    /// Not written and never answered, as a repetition that came too early.
    Ignored,
    /// Written and never answered.
    WrittenInSilence,
    /// Not written; the server says that the deadline has passed.
    DeadlineBefore,
    /// Written; the server says that the deadline has passed all the same.
    DeadlineAfter,
    /// Not written; the server is too busy.
    Busy,
    /// Not written; another node is said to lead.
    NotLeader(String, u16),
    /// Not written; the user may not.
    Denied,
    /// Not written; the stream is deleted right before.
    DeletedBefore,
}

#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each a fault
pub(crate) struct Plan {
    pub(crate) appends: VecDeque<AppendFault>,
    /// Events that subscriptions leave out: stream and revision.
    pub(crate) skipped: HashSet<(String, u64)>,
    /// New subscriptions tell so many events again that lie before their beginning.
    pub(crate) redelivered: usize,
    /// Subscriptions end in good order as soon as they are live.
    pub(crate) ending: bool,
    /// The next subscriptions, so many, say nothing after their confirmation.
    pub(crate) silent: usize,
    /// The next subscriptions end as unavailable, one each, after so many events.
    pub(crate) failing: VecDeque<usize>,
    /// The next reads end with a deadline that has passed, one each, after so many events.
    pub(crate) reads: VecDeque<usize>,
    /// Subscriptions say that they are further than they are.
    pub(crate) beyond: bool,
    /// Connections that are dropped as soon as they are made.
    pub(crate) refused: usize,
    /// The server does not tell what it can do.
    pub(crate) featureless: bool,
    /// The version that the server tells, if not that of the source that it imitates.
    pub(crate) version: Option<String>,
    /// The next questions what the server can do, so many, are never answered.
    pub(crate) unanswered: usize,
    /// Reads of `$all` are never answered.
    pub(crate) all_withheld: bool,
    /// Whom the server lets in: user and password.
    pub(crate) user: Option<(String, String)>,
    /// The largest append, in bytes.
    pub(crate) max_append: Option<usize>,
}

/// What goes wrong on demand. By default nothing does.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Plan>);

impl Faults {
    pub(crate) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next appends end like this, one after the other.
    pub fn appends(&self, faults: impl IntoIterator<Item = AppendFault>) {
        self.plan().appends.extend(faults);
    }

    /// All appends end well from now on.
    pub fn forget_appends(&self) {
        self.plan().appends.clear();
    }

    /// How many of these have not come yet.
    pub fn appends_to_come(&self) -> usize {
        self.plan().appends.len()
    }

    /// Subscriptions leave this event out.
    pub fn skip(&self, stream: &str, revision: u64) {
        self.plan().skipped.insert((stream.to_owned(), revision));
    }

    /// New subscriptions tell so many events again that lie before their beginning.
    pub fn redeliver(&self, events: usize) {
        self.plan().redelivered = events;
    }

    /// Subscriptions end in good order as soon as they are live, or no longer do.
    pub fn end_subscriptions(&self, ending: bool) {
        self.plan().ending = ending;
    }

    /// The next subscriptions, so many, say nothing after their confirmation.
    pub fn silence(&self, subscriptions: usize) {
        self.plan().silent = subscriptions;
    }

    /// The next subscriptions end as unavailable, one each, after so many events, live ones included.
    pub fn fail_subscriptions(&self, after: impl IntoIterator<Item = usize>) {
        self.plan().failing.extend(after);
    }

    /// The next reads end with a deadline that has passed, one each, after so many events.
    pub fn fail_reads(&self, after: impl IntoIterator<Item = usize>) {
        self.plan().reads.extend(after);
    }

    /// How many of these reads have not come yet.
    pub fn reads_to_come(&self) -> usize {
        self.plan().reads.len()
    }

    /// All reads end well from now on.
    pub fn forget_reads(&self) {
        self.plan().reads.clear();
    }

    /// Subscriptions say that they are further than they are.
    pub fn checkpoint_beyond(&self) {
        self.plan().beyond = true;
    }

    /// So many connections are dropped as soon as they are made.
    pub fn refuse_connections(&self, connections: usize) {
        self.plan().refused = connections;
    }

    /// The server does not tell what it can do.
    pub fn be_featureless(&self) {
        self.plan().featureless = true;
    }

    /// The server tells this version.
    pub fn be_of_version(&self, version: &str) {
        self.plan().version = Some(version.to_owned());
    }

    /// The next questions what the server can do, so many, are never answered.
    pub fn withhold_features(&self, questions: usize) {
        self.plan().unanswered = questions;
    }

    /// Reads of `$all` are not answered, as on a server that has much to look through; or they are again.
    pub fn withhold_all(&self, withheld: bool) {
        self.plan().all_withheld = withheld;
    }

    /// The server lets in only this user.
    pub fn require(&self, user: &str, password: &str) {
        self.plan().user = Some((user.to_owned(), password.to_owned()));
    }

    /// The largest append that is taken, in bytes.
    pub fn limit_appends(&self, bytes: usize) {
        self.plan().max_append = Some(bytes);
    }
}
