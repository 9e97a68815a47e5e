//! The way to a database that may be changed for another one while it is in use: whoever is inside ends what they do there,
//! whoever comes next finds the new one.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    db::{Begun, Dialect, Pool, Pooled},
    error::ViewsError,
};

/// The way in. Clones lead to the same database, also after it was changed.
#[derive(Clone, Debug)]
pub(crate) struct Door(Arc<RwLock<Behind>>);

#[derive(Clone, Debug)]
struct Behind {
    /// None while the first one is being made.
    pool: Option<Pool>,
    /// Its tables are those of this program, what stands in them may be of an older version's rules.
    older: bool,
    /// Counts the changes.
    count: u64,
}

impl Door {
    pub(crate) fn new(pool: Option<Pool>, older: bool) -> Self {
        Self(Arc::new(RwLock::new(Behind { pool, older, count: 0 })))
    }

    fn behind(&self) -> Behind {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Is there a database?
    pub(crate) fn leads_somewhere(&self) -> bool {
        self.behind().pool.is_some()
    }

    /// Which database: SQLite where there is none yet, as nothing is asked of that.
    pub(crate) fn dialect(&self) -> Dialect {
        self.behind().pool.map_or(Dialect::Sqlite, |pool| pool.dialect())
    }

    pub(crate) fn is_older(&self) -> bool {
        self.behind().older
    }

    /// How often it led to another database than before.
    pub(crate) fn count(&self) -> u64 {
        self.behind().count
    }

    /// Leads from now on where that one leads. The database before, to be closed: that ends when everybody has left it.
    pub(crate) fn change(&self, to: &Self) -> Option<Pool> {
        let Behind { pool, older, .. } = to.behind();
        let mut behind = self.0.write().unwrap_or_else(PoisonError::into_inner);
        (behind.count, behind.older) = (behind.count + 1, older);
        std::mem::replace(&mut behind.pool, pool)
    }

    /// Does again what failed because the database was changed meanwhile.
    async fn enter<T, F>(&self, through: impl Fn(Pool) -> F) -> Result<T, ViewsError>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        loop {
            let Behind { pool, count, .. } = self.behind();
            match through(pool.ok_or(ViewsError::Building)?).await {
                Err(sqlx::Error::PoolClosed) if self.count() != count => {}
                entered => return Ok(entered?),
            }
        }
    }

    pub(crate) async fn acquire(&self) -> Result<Pooled, ViewsError> {
        self.enter(|pool| async move { pool.acquire().await }).await
    }

    pub(crate) async fn begin_reading(&self) -> Result<Begun, ViewsError> {
        self.enter(|pool| async move { pool.begin_reading().await }).await
    }

    pub(crate) async fn begin_writing(&self) -> Result<Begun, ViewsError> {
        self.enter(|pool| async move { pool.begin_writing().await }).await
    }

    /// Closes all connections, once they are given back.
    pub(crate) async fn close(&self) {
        if let Some(pool) = self.behind().pool {
            pool.close().await;
        }
    }
}
