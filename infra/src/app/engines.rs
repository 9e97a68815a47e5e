//! What this server stands on may come up after it, as when a machine room starts again: it waits for that a while.

use std::{fmt, time::Duration};

use socai_kurrent::{KurrentLog, OpenKurrentError};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    blobs::{BlobError, BlobStore, Place, Trouble},
    config::{Config, Location},
    postgres::{is_coming_up, session},
};

/// How long it is waited for all of them; then whoever opens one of them says what is wrong, and the program ends.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until what the settings name beside this machine's own files answers. What is wrong for good is left to whoever opens it.
pub(super) async fn answer(config: &Config) {
    let until = Instant::now() + PATIENCE;
    let named = [&config.notary, &config.key_ring, &config.views];
    for (which, at) in named.iter().enumerate() {
        if let Location::Postgres(url) = at
            && !named[..which].contains(at)
        {
            wait(until, url, || session(url), is_coming_up).await;
        }
    }
    if config.log_directory().is_none() {
        wait(until, config.log_shown(), || KurrentLog::ask(&config.log), OpenKurrentError::may_pass).await;
    }
    if let Place::S3(bucket) = &config.blobs {
        wait(until, bucket, || mark(&config.blobs), is_coming).await;
    }
}

async fn mark(at: &Place) -> Result<(), BlobError> {
    let at = at.clone();
    let asked = tokio::task::spawn_blocking(move || BlobStore::as_it_is(at)?.mark().map(drop)).await;
    // It is not begun when the runtime ends, and that ends this, too.
    asked.unwrap_or(Ok(()))
}

fn is_coming(error: &BlobError) -> bool {
    matches!(error, BlobError::Storage { trouble: Trouble::Unreachable(_) | Trouble::NotReady(_), .. })
}

/// Asks again and again while there is an error that may pass.
async fn wait<T, E: fmt::Display, F: Future<Output = Result<T, E>>>(
    until: Instant,
    whom: impl fmt::Display,
    ask: impl Fn() -> F,
    may_pass: impl Fn(&E) -> bool,
) {
    let waiting = async {
        let mut told = false;
        while let Err(error) = ask().await
            && may_pass(&error)
        {
            if !told {
                tracing::warn!("{whom} does not answer; waiting for it up to a minute: {error}");
                told = true;
            }
            sleep(PAUSE).await;
        }
    };
    // Whoever opens it says that it did not answer.
    let _ = timeout_at(until, waiting).await;
}
