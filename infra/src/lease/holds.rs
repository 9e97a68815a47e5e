//! Files that several servers share: while one of them attaches some, none removes any. An advisory lock of the notary's database.

use std::{
    fmt,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use socai_projections::PostgresUrl;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::{Instant, timeout};

use crate::{
    blobs::{Held, Others},
    postgres::{in_time, session},
};

/// The lock's number among those of the database: `socai_fi`.
const NUMBER: i64 = i64::from_be_bytes(*b"socai_fi");
/// Commands of so much time share one session. The next asks anew, behind whoever waits to remove files.
const SHARED_FOR: Duration = Duration::from_secs(1);
/// Of who attaches files: no command takes so long, whatever the log does, so a server that holds on stands still.
const ATTACHING: &str = "SET idle_session_timeout = '10min'";
/// Of who removes some: nobody begins to attach while it waits, and nobody attaches while it stands still.
const REMOVING: &str = "SET lock_timeout = '5s'; SET idle_session_timeout = '60s'";
/// How long a command waits for its turn, those before it included.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lock of this database. It is held by sessions, so that it does not outlive a server.
pub(crate) struct PostgresHolds {
    at: PostgresUrl,
    newest: tokio::sync::Mutex<(Weak<Session>, Instant)>,
}

/// Lets go when it is dropped. Nobody speaks with it.
type Session = Mutex<PgConnection>;

impl fmt::Debug for PostgresHolds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresHolds({})", self.at)
    }
}

impl PostgresHolds {
    /// Nothing is asked before it is needed.
    pub(crate) fn new(at: &PostgresUrl) -> Self {
        Self { at: at.clone(), newest: tokio::sync::Mutex::new((Weak::new(), Instant::now())) }
    }

    async fn shared(&self) -> sqlx::Result<Arc<Session>> {
        let mut newest = self.newest.lock().await;
        if newest.1.elapsed() < SHARED_FOR
            && let Some(held) = newest.0.upgrade()
        {
            return Ok(held);
        }
        let held = self.held(ATTACHING, "pg_advisory_lock_shared").await?;
        *newest = (Arc::downgrade(&held), Instant::now());
        Ok(held)
    }

    async fn alone(&self) -> sqlx::Result<Arc<Session>> {
        self.held(REMOVING, "pg_advisory_lock").await
    }

    async fn held(&self, settings: &str, lock: &str) -> sqlx::Result<Arc<Session>> {
        let mut session = session(&self.at).await?;
        let take = format!("{settings}; SELECT {lock}({NUMBER})");
        in_time(sqlx::raw_sql(AssertSqlSafe(take)).execute(&mut session)).await?;
        Ok(Arc::new(Mutex::new(session)))
    }
}

impl Others for PostgresHolds {
    fn attaching(&self) -> BoxFuture<'_, Result<Held, String>> {
        async {
            let held = timeout(PATIENCE, self.shared()).await;
            let held = held.map_err(|_| format!("{}: no turn within {PATIENCE:?}", self.at))?;
            held.map(|held| held as Held).map_err(|error| format!("{}: {error}", self.at))
        }
        .boxed()
    }

    fn removing(&self) -> BoxFuture<'_, Result<Held, String>> {
        self.alone().map(|held| held.map(|held| held as Held).map_err(|error| format!("{}: {error}", self.at))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::testing::Server;

    /// A server attaches files without a pause, and another one now and then; a third one gets its turn to remove some.
    #[tokio::test]
    async fn who_removes_files_has_a_turn_alone() {
        let server = Server::start();
        let holds = || PostgresHolds::new(&server.address());
        let (busy, other, removing) = (holds(), holds(), holds());
        let attaching = async |holds: &PostgresHolds| {
            loop {
                let _held = holds.attaching().await;
                tokio::time::sleep(Duration::from_millis(20)).await; // tidy: a command takes its time
            }
        };
        let turn = async {
            let first = other.attaching().await.unwrap();
            assert!(removing.removing().now_or_never().is_none());
            drop(first);
            let alone = removing.removing().await.unwrap();
            // Nobody attaches meanwhile; whoever waits for long is told.
            let refused = holds().attaching().await.err();
            assert!(refused.is_some_and(|why| why.contains("lock timeout")));
            drop(alone);
            other.attaching().await.unwrap();
        };
        // One of its commands begins before another one has ended.
        let later = async {
            tokio::time::sleep(Duration::from_millis(10)).await; // tidy: as above
            attaching(&busy).await;
        };
        tokio::select! {
            () = turn => {}
            () = attaching(&busy) => {}
            () = later => {}
        }
    }
}
