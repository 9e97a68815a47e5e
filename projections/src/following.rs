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
            Self::File(_) | Self::NotYet(_) | Self::Building | Self::PastBusy | Self::Overtaken => true,
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

/// What does not pass by itself.
///
/// SQLite's primary codes for a wrong statement (1), a damaged file (11), rows that break a constraint (19) or a type (20),
/// and a file that is no database (26). All others may pass: full (13), busy (5), I/O (10), read-only (8) and so on.
///
/// `PostgreSQL`'s classes of a wrong statement or a missing right (42), wrong values (22), rows that break a constraint (23)
/// and damaged tables (XX001, XX002). Not of a key that is there twice (23505): two programs may have written it at once.
fn damaged(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    // SQLite's codes are numbers of four digits at most.
    if code.len() == 5 {
        let class = ["42", "22", "23"].iter().any(|class| code.starts_with(class)) && code != "23505";
        return class || code == "XX001" || code == "XX002";
    }
    matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(1 | 11 | 19 | 20 | 26))
}
