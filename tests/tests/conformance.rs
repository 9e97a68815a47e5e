//! Every engine keeps every rule.

#![allow(clippy::unwrap_used)] // a test, helpers included

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures::future::{BoxFuture, ready};
use socai::log::file::{FileLog, FileLogOptions};
use socai_conformance::{Fixture, event_log_conformance, kurrent::Ledgers};
use socai_domain::{
    ledger::{EventLog, LedgerId, memory::MemoryLog},
    time::Clock,
};
use socai_kurrent_double::Double;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

struct Memory;

impl Fixture for Memory {
    fn open(&self, clock: Arc<dyn Clock>) -> BoxFuture<'_, Arc<dyn EventLog>> {
        Box::pin(ready(Arc::new(MemoryLog::new(LedgerId(Uuid::now_v7()), clock)) as Arc<dyn EventLog>))
    }

    fn reopen(&self, _: Arc<dyn EventLog>, _: Arc<dyn Clock>) -> BoxFuture<'_, Option<Arc<dyn EventLog>>> {
        Box::pin(ready(None))
    }
}

event_log_conformance!(memory, Memory);

/// The file engine, each ledger in a directory of its own.
struct Files {
    segment_size: u32,
    root: TempDir,
    opened: Mutex<HashMap<LedgerId, (PathBuf, FileLog)>>,
}

impl Files {
    fn with_segments_of(segment_size: u32) -> Self {
        Self { segment_size, root: tempfile::tempdir().unwrap(), opened: Mutex::default() }
    }

    async fn open_in(&self, directory: PathBuf, clock: Arc<dyn Clock>) -> Arc<dyn EventLog> {
        let options = FileLogOptions { segment_size: self.segment_size, ..FileLogOptions::new(clock) };
        let opening = directory.clone();
        let log = tokio::task::spawn_blocking(move || FileLog::open(&opening, options)).await.unwrap().unwrap();
        self.opened.lock().unwrap().insert(log.ledger(), (directory, log.clone()));
        Arc::new(log)
    }
}

impl Fixture for Files {
    fn open(&self, clock: Arc<dyn Clock>) -> BoxFuture<'_, Arc<dyn EventLog>> {
        Box::pin(self.open_in(self.root.path().join(Uuid::now_v7().to_string()), clock))
    }

    fn reopen(&self, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> BoxFuture<'_, Option<Arc<dyn EventLog>>> {
        Box::pin(async move {
            let (directory, files) = self.opened.lock().unwrap().remove(&log.ledger()).unwrap();
            files.close().await.unwrap();
            drop((log, files));
            Some(self.open_in(directory, clock).await)
        })
    }
}

// The smallest segments, so that nearly every rule crosses their ends, and such that hold the largest append.
event_log_conformance!(file_in_small_segments, Files::with_segments_of(72 << 10));
event_log_conformance!(file, Files::with_segments_of(1 << 20));

/// The KurrentDB engine: in the cluster that `SOCAI_TEST_KURRENTDB_URL` names, or else in the double of one, beside what others
/// write there.
#[derive(Default)]
struct Kurrent(OnceCell<(Ledgers, Option<Double>)>);

impl Kurrent {
    async fn ledgers(&self) -> &Ledgers {
        let begin = || async {
            if let Ok(url) = std::env::var("SOCAI_TEST_KURRENTDB_URL") {
                return (Ledgers::at(&url), None);
            }
            let double = Double::start().await.unwrap();
            for (stream, kind) in [("$settings", "update"), ("other-1", "Other"), ("conf0x-incoming-1", "Other")] {
                double.write(stream, kind, b"before");
            }
            (Ledgers::at(&format!("kurrentdb://{}?tls=false", double.hosts())), Some(double))
        };
        let (ledgers, double) = self.0.get_or_init(begin).await;
        if let Some(double) = double {
            double.write("other-1", "Other", Uuid::new_v4().as_bytes());
        }
        ledgers
    }
}

impl Fixture for Kurrent {
    fn open(&self, clock: Arc<dyn Clock>) -> BoxFuture<'_, Arc<dyn EventLog>> {
        Box::pin(async move { self.ledgers().await.open(clock).await })
    }

    fn reopen(&self, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> BoxFuture<'_, Option<Arc<dyn EventLog>>> {
        Box::pin(async move { self.ledgers().await.reopen(log, clock).await })
    }
}

event_log_conformance!(kurrent, Kurrent::default());
