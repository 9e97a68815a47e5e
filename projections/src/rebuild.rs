//! Building views anew from the log: beside the old ones, then in their place.

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use socai_domain::ledger::{EventLog, Followed, Opener, Recorded};

use crate::{
    digest::Digest,
    error::ViewsError,
    follower::Builder,
    store::{Views, create_indexes},
};

/// Records in one transaction of a build.
const CHUNK: usize = 10_000;

/// What a rebuild made.
#[derive(Clone, Copy, Debug)]
pub struct Rebuilt {
    /// Records taken in.
    pub records: u64,
    /// The digest of the new views.
    pub digest: Digest,
}

/// Builds the views of the whole log beside `path`, then puts them there. Nothing may have the views at `path` open; when
/// this fails or is dropped, they are as they were. `progress` is told how many records are taken in.
pub async fn rebuild(
    log: &dyn EventLog,
    opener: Opener,
    path: &Path,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Rebuilt, ViewsError> {
    let beside = with_suffix(path, ".building");
    remove(&beside)?;
    // As private as the file that it replaces.
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(&beside)?;
    let views = Views::for_building(&beside).await?;
    let mut builder = Builder::building(views.clone(), opener);
    let records = fill(log, &mut builder, CHUNK, |_| true, &mut progress).await?;
    let mut db = views.write.acquire().await?;
    create_indexes(&mut db).await?;
    drop(db);
    let digest = views.digest().await?;
    views.close().await;
    std::fs::File::open(&beside)?.sync_all()?;
    for of_old in ["-wal", "-shm"] {
        remove(&with_suffix(path, of_old))?;
    }
    std::fs::rename(&beside, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(Rebuilt { records, digest })
}

/// Takes in all that is in the log now, while `wanted` holds; says how many records.
pub(crate) async fn fill(
    log: &dyn EventLog,
    builder: &mut Builder,
    chunk: usize,
    mut wanted: impl FnMut(&Recorded) -> bool + Send,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ViewsError> {
    let mut followed = log.follow(None);
    let (mut taken, mut waiting, mut more) = (0, Vec::new(), true);
    while more {
        match followed.next().await {
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(Followed::Records(records))) => {
                let before = waiting.len();
                let count = records.len();
                waiting.extend(records.into_iter().take_while(&mut wanted));
                more = waiting.len() - before == count;
            }
            None | Some(Ok(Followed::CaughtUp)) => more = false,
        }
        while waiting.len() >= chunk || (!more && !waiting.is_empty()) {
            let rest = waiting.split_off(waiting.len().min(chunk));
            builder.take(&waiting).await?;
            taken += waiting.len() as u64;
            progress(taken);
            waiting = rest;
        }
    }
    Ok(taken)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), ViewsError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
