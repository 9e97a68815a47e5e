//! Says how the follower is doing: once for each change, to the log, the metrics and whoever watches.

use socai_domain::ledger::{Following, OpenError, ReadError};
use sqlx::error::DatabaseError;
use tokio::sync::watch;

use crate::error::ViewsError;

/// Tells what changed.
pub(crate) fn tell(state: &watch::Sender<Following>, now: Following) {
    metrics::gauge!("socai_follower_state", "follower" => "views").set(f64::from(now.level()));
    if matches!(now, Following::Retrying(_)) {
        metrics::counter!("socai_follower_retries_total", "follower" => "views").increment(1);
    }
    let before = state.send_replace(now.clone());
    if before.level() == now.level() {
        return;
    }
    match now {
        Following::Well => tracing::info!("the views go on"),
        Following::Retrying(why) => {
            tracing::warn!(
                why,
                "the views cannot go on and are tried again until they can; what lacks something of the log is not shown"
            );
        }
        Following::Stopped(why) => tracing::error!(
            why,
            "ALARM: the views stopped and are not shown, commands go on; do what the error says, then start the program again"
        ),
    }
}

impl ViewsError {
    /// May it pass by itself? If not, a person must act.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => !damaged(&**error),
            Self::Database(error) => !matches!(
                error,
                sqlx::Error::RowNotFound
                    | sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::ColumnNotFound(_)
                    | sqlx::Error::ColumnIndexOutOfBounds { .. }
                    | sqlx::Error::Decode(_)
                    | sqlx::Error::TypeNotFound { .. }
            ),
            Self::Log(error) => ReadError::may_pass(error),
            Self::Open(error) => OpenError::may_pass(error),
            Self::File(_) | Self::NotYet(_) | Self::Building | Self::PastBusy => true,
            Self::Outdated(_)
            | Self::Damaged(_)
            | Self::Disagree(_)
            | Self::BadCursor
            | Self::PageSize { .. }
            | Self::PastTooLarge
            | Self::Foreign(_) => false,
        }
    }
}

/// SQLite's primary codes for a wrong statement (1), a damaged file (11), rows that break a constraint (19) or a type (20),
/// and a file that is no database (26). All others may pass: full (13), busy (5), I/O (10), read-only (8) and so on.
fn damaged(error: &dyn DatabaseError) -> bool {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    matches!(code.map(|code| code & 0xff), Some(1 | 11 | 19 | 20 | 26))
}
