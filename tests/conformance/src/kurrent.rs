//! The engine on KurrentDB: each ledger under a name of its own in one cluster, beside whatever else is there.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::BoxFuture;
use socai_domain::{
    ledger::{EventLog, LedgerId},
    time::Clock,
};
use socai_kurrent::{KurrentLog, KurrentOptions, OpenKurrentError};
use uuid::Uuid;

use crate::Fixture;

/// New ledgers in a cluster. They stay there.
#[derive(Debug)]
pub struct Ledgers {
    url: String,
    prefix: String,
    made: AtomicUsize,
    urls: Mutex<HashMap<LedgerId, String>>,
}

impl Ledgers {
    /// In the cluster that a URL without `ledger` names, under names that nobody else chose.
    pub fn at(url: &str) -> Self {
        let chance = Uuid::new_v4().simple().to_string();
        let prefix = format!("conf{}", &chance[..12]);
        Self { url: url.to_owned(), prefix, made: AtomicUsize::new(0), urls: Mutex::default() }
    }

    /// What the names of all of them begin with, and so those of their streams.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A new one.
    ///
    /// # Errors
    /// The cluster cannot be used; the error says why.
    pub async fn begin(&self, clock: Arc<dyn Clock>) -> Result<KurrentLog, OpenKurrentError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let and = if self.url.contains('?') { '&' } else { '?' };
        self.open_at(format!("{}{and}ledger={}n{number}", self.url, self.prefix), clock).await
    }

    async fn open_at(&self, url: String, clock: Arc<dyn Clock>) -> Result<KurrentLog, OpenKurrentError> {
        let options = KurrentOptions { create: true, ..KurrentOptions::new(clock) };
        let log = KurrentLog::open(&url, options).await?;
        self.urls.lock().unwrap_or_else(PoisonError::into_inner).insert(log.ledger(), url);
        Ok(log)
    }
}

impl Fixture for Ledgers {
    fn open(&self, clock: Arc<dyn Clock>) -> BoxFuture<'_, Arc<dyn EventLog>> {
        Box::pin(async move {
            let log = self.begin(clock).await.unwrap_or_else(|error| panic!("no new ledger: {error}"));
            Arc::new(log) as Arc<dyn EventLog>
        })
    }

    fn reopen(&self, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> BoxFuture<'_, Option<Arc<dyn EventLog>>> {
        Box::pin(async move {
            let url = self.urls.lock().unwrap_or_else(PoisonError::into_inner).remove(&log.ledger());
            drop(log);
            let again = self.open_at(url.expect("it was opened here"), clock).await;
            let again = again.unwrap_or_else(|error| panic!("the ledger does not open again: {error}"));
            Some(Arc::new(again) as Arc<dyn EventLog>)
        })
    }
}
