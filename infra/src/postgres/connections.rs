//! Connections that are kept for the next who asks. One that met an error is not: nobody knows what was half said.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use socai_projections::{PostgresUrl, Watched};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{code, connect, options};

/// A connection that nobody used for so long is asked first whether it is still there,
const FRESH: Duration = Duration::from_secs(1);
/// and says so by then.
const THERE: Duration = Duration::from_secs(2);

/// At most so many connections to one database.
pub(crate) struct Connections {
    options: PgConnectOptions,
    /// And since when.
    idle: Mutex<Vec<(PgConnection, Instant)>>,
    permits: Semaphore,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections(…)")
    }
}

impl Connections {
    /// None is made before it is needed.
    pub(crate) fn new(url: &PostgresUrl, most: usize) -> Self {
        Self { options: options(url), idle: Mutex::default(), permits: Semaphore::new(most) }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(PgConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that nobody else has meanwhile.
    pub(crate) async fn take(&self) -> sqlx::Result<Taken<'_>> {
        let permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.idle().pop();
        let there = match kept {
            Some((connection, since)) => self.if_there(connection, since).await,
            None => None,
        };
        let connection = match there {
            Some(connection) => connection,
            None => connect(&self.options).await?,
        };
        Ok(Taken { connection, of: self, _permit: permit })
    }

    async fn if_there(&self, mut connection: PgConnection, since: Instant) -> Option<PgConnection> {
        if since.elapsed() < FRESH || matches!(timeout(THERE, connection.ping()).await, Ok(Ok(()))) {
            return Some(connection);
        }
        // What took it away took others, too.
        self.forget();
        None
    }

    /// Lets go of those that nobody has.
    pub(crate) fn forget(&self) {
        self.idle().clear();
    }

    /// Gives none away any more.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.forget();
    }
}

/// A connection that is closed when it is dropped, unless it is [kept](Taken::keep).
pub(crate) struct Taken<'a> {
    connection: PgConnection,
    of: &'a Connections,
    _permit: SemaphorePermit<'a>,
}

impl Taken<'_> {
    /// All went well: it is for the next.
    pub(crate) fn keep(self) {
        self.of.idle().push((self.connection, Instant::now()));
    }

    /// For what may take as long as the database works on it.
    pub(crate) async fn watched(&mut self) -> sqlx::Result<Watched> {
        Watched::of(&mut self.connection, Arc::new(self.of.options.clone())).await
    }
}

impl Deref for Taken<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Did the connection end, as of a server that was started again?
fn is_broken(error: &sqlx::Error) -> bool {
    let ended = matches!(code(error).as_deref(), Some("57P01" | "57P02" | "57P05" | "08006" | "08003"));
    ended || matches!(error, sqlx::Error::Io(error) if error.kind() != std::io::ErrorKind::TimedOut)
}

/// Does it a second time if the connection that was kept has ended meanwhile: only what may be done twice.
pub(crate) async fn twice<T, F: Future<Output = sqlx::Result<T>>>(
    connections: &Connections,
    work: impl Fn() -> F,
) -> sqlx::Result<T> {
    match work().await {
        Err(error) if is_broken(&error) => {
            connections.forget();
            work().await
        }
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use socai_test_postgres::Line;

    use super::*;
    use crate::postgres::testing::Server;

    #[tokio::test]
    async fn a_kept_connection_that_is_dead_is_not_given_out() {
        let server = Server::start();
        let line = Line::to(&server.cluster).unwrap();
        let connections = Connections::new(&line.url("postgres").parse().unwrap(), 2);
        let (one, other) = (connections.take().await.unwrap(), connections.take().await.unwrap());
        one.keep();
        other.keep();
        line.lose_answers();
        tokio::time::sleep(FRESH).await; // tidy: nobody uses them meanwhile
        let mut taken = timeout(2 * THERE, connections.take()).await.unwrap().unwrap();
        let asked = sqlx::query("SELECT 1").execute(&mut *taken);
        assert!(timeout(THERE, asked).await.unwrap().is_ok());
        assert!(connections.idle().is_empty(), "the other one is as dead");
    }
}
