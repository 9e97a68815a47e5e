//! The right to do what only one of several servers does at a time, as far as this one knows.

use tokio::sync::watch;

/// Whether this server has it now. It may be lost at any moment, and that be learnt late: what is written under it needs a
/// fence of its own.
#[derive(Clone, Debug, Default)]
pub struct Lease(Option<watch::Receiver<bool>>);

impl Lease {
    /// Of a server that shares nothing: always held.
    pub fn unshared() -> Self {
        Self(None)
    }

    /// Of who only reads: never held.
    pub fn never() -> Self {
        Self(Some(watch::channel(false).1))
    }

    /// Of one among several servers, as somebody tells it.
    pub fn shared(held: watch::Receiver<bool>) -> Self {
        Self(Some(held))
    }

    /// May another server have it?
    pub fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// Is it held?
    pub fn is_held(&self) -> bool {
        self.0.as_ref().is_none_or(|held| *held.borrow())
    }

    /// Ready when it is held.
    pub async fn gained(&self) {
        self.until(true).await;
    }

    /// Ready when it is not held.
    pub async fn lost(&self) {
        self.until(false).await;
    }

    /// Ready when it is gained from now on; never while it just stays held.
    pub async fn gained_anew(&self) {
        self.lost().await;
        self.gained().await;
    }

    async fn until(&self, wanted: bool) {
        let there = match &self.0 {
            // Who told it may be gone: then it stays as it is.
            Some(held) => held.clone().wait_for(|held| *held == wanted).await.is_ok(),
            None => wanted,
        };
        if !there {
            std::future::pending::<()>().await;
        }
    }
}
