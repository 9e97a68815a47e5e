//! Lets commands in until the program shuts down, and then waits for those that are in.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

/// The highest bit: closed. Below it: how many are in.
const CLOSED: usize = 1 << (usize::BITS - 1);

#[derive(Debug, Default)]
struct Shared {
    inside: AtomicUsize,
    empty: Notify,
    closing: Notify,
}

/// The gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Shared>);

/// What is held until a command and all that it set in motion have ended, whoever still waits for them.
pub type Hold = Arc<dyn Any + Send + Sync>;

/// One that is in. Given back when dropped.
pub(crate) struct Pass {
    gate: Arc<Shared>,
    hold: Option<Hold>,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass")
    }
}

impl Gate {
    /// Lets one in; none when closed.
    pub(crate) fn enter(&self) -> Option<Pass> {
        let pass = Pass { gate: Arc::clone(&self.0), hold: None };
        // On refusal the pass counts itself out again.
        (self.0.inside.fetch_add(1, Ordering::AcqRel) & CLOSED == 0).then_some(pass)
    }

    /// Waits until nobody is let in any more.
    pub(crate) async fn closing(&self) {
        let closing = self.0.closing.notified();
        tokio::pin!(closing);
        closing.as_mut().enable();
        if self.0.inside.load(Ordering::Acquire) & CLOSED == 0 {
            closing.await;
        }
    }

    /// Lets nobody in any more and waits until everybody is out.
    pub(crate) async fn close(&self) {
        self.0.inside.fetch_or(CLOSED, Ordering::AcqRel);
        self.0.closing.notify_waiters();
        self.closed().await;
    }

    /// Waits until nobody is let in any more and everybody is out.
    pub(crate) async fn closed(&self) {
        self.closing().await;
        loop {
            let empty = self.0.empty.notified();
            tokio::pin!(empty);
            empty.as_mut().enable();
            if self.0.inside.load(Ordering::Acquire) == CLOSED {
                return;
            }
            empty.await;
        }
    }
}

impl Pass {
    /// Another for the same errand, which may outlast this one.
    pub(crate) fn again(&self) -> Self {
        self.gate.inside.fetch_add(1, Ordering::AcqRel);
        Self { gate: Arc::clone(&self.gate), hold: self.hold.clone() }
    }

    /// This is held, too, as long as any pass for this errand is.
    pub(crate) fn holding(mut self, hold: Option<Hold>) -> Self {
        self.hold = hold;
        self
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.gate.inside.fetch_sub(1, Ordering::AcqRel) == CLOSED + 1 {
            self.gate.empty.notify_waiters();
        }
    }
}
