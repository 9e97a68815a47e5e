//! Every engine keeps every rule.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};
use socai_domain::{
    ledger::{EventLog, LedgerId, memory::MemoryLog},
    time::Clock,
};
use socai_tests::{conformance::Fixture, event_log_conformance};
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
