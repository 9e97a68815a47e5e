//! Folding a stretch of the log by its headers: no key is asked for, no body opened, nothing copied.

use futures::TryStreamExt as _;
use socai_domain::ledger::{Pieces, RecordRef};

use super::Crew;
use crate::error::ViewsError;

/// Folds all records of a stretch on all cores of the crew: each piece by itself from `T`'s default with `take`, then all,
/// in the order of the log, with `merge`.
///
/// # Errors
/// [`ViewsError::Log`] when they cannot be read.
pub async fn scan<T: Default + Send + 'static>(
    crew: &Crew,
    pieces: Pieces,
    take: impl Fn(&mut T, RecordRef<'_>) + Send + Sync + 'static,
    mut merge: impl FnMut(&mut T, T),
) -> Result<T, ViewsError> {
    let folded = crew.each(pieces, move |reading| {
        let mut fold = T::default();
        while let Some(block) = reading.next()? {
            block.records().for_each(|record| take(&mut fold, record));
        }
        Ok(fold)
    });
    let mut all = T::default();
    let mut folded = std::pin::pin!(folded);
    while let Some(fold) = folded.try_next().await? {
        merge(&mut all, fold);
    }
    Ok(all)
}
