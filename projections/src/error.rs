//! What can go wrong with the views, by what the caller may do next.

use socai_domain::ledger::{OpenError, Position, ReadError};
use thiserror::Error;

/// Why the views could not answer or go on.
#[derive(Debug, Error)]
pub enum ViewsError {
    /// The database cannot be used now; its text is for the log, not for clients.
    #[error("the views' database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The file was written by another version of the read models: rebuild it.
    #[error("the views were built by another version ({0}): run `socai rebuild`")]
    Outdated(String),
    /// The file holds what no read model writes: rebuild it.
    #[error("the views are damaged ({0}): run `socai rebuild`")]
    Damaged(String),
    /// The log could not be followed.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A record could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The cursor is not one that this list gave.
    #[error("not a cursor of this list: give back `endCursor` of the page before")]
    BadCursor,
    /// More items were asked for than one page holds, or none.
    #[error("a page has between 1 and {max} items, not {asked}")]
    PageSize {
        /// Items asked for.
        asked: u32,
        /// The most that one page holds.
        max: u32,
    },
    /// The views have not come to this position in the time given. Try again.
    #[error("the views have not reached position {0} yet: try again")]
    NotYet(Position),
    /// There are no views yet: they are being built. Try again.
    #[error("the views are being built: try again")]
    Building,
    /// Another program writes the views' database, too, or the database lost what was written last. What is not there is
    /// folded again.
    #[error(
        "another program writes these views, too, or their database was set back: trying again from where they are"
    )]
    Overtaken,
    /// Two builds of the same records came to different rows.
    #[error(
        "two builds of the views up to {0} do not agree, so nothing was put in place: keep a copy of the data directory and \
         report it; `socai verify` tells whether the log is whole"
    )]
    Disagree(String),
    /// Other past moments are being read from the log, or something was erased meanwhile. Try again.
    #[error("other past moments are being read from the ledger: try again")]
    PastBusy,
    /// The views of that moment take more memory than one past moment may.
    #[error("the views of that moment are larger than is kept in memory: use `socai stats --as-of`")]
    PastTooLarge,
    /// The views belong to another ledger, or another life of its engine: rebuild them.
    #[error("the views were built from another ledger than {0}: run `socai rebuild`")]
    Foreign(Position),
    /// The file system refused.
    #[error("the views' file cannot be moved: {0}")]
    File(#[from] std::io::Error),
}
