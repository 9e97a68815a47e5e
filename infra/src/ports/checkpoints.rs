//! Checkpoints as small files.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use socai_commands::{CheckpointError, Checkpoints};
use socai_domain::ledger::Position;
use thiserror::Error;

use crate::files;

/// Why it is not known how far a follower of the log has come.
#[derive(Debug, Error)]
pub(crate) enum Unread {
    /// What is kept is no position.
    #[error("{0}")]
    Damaged(String),
    /// What keeps it does not answer.
    #[error("{0}")]
    Unanswered(String),
}

/// A file `NAME.checkpoint` for each follower of the log, holding the position as text.
#[derive(Clone, Debug)]
pub struct FileCheckpoints {
    directory: PathBuf,
    /// One save at a time, also while one goes on that nobody waits for any more.
    saving: Arc<Mutex<()>>,
}

impl FileCheckpoints {
    /// In this directory, which exists.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), saving: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.checkpoint"))
    }

    /// What [`Checkpoints::load`] gives, at once.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Position>, Unread> {
        let path = self.path(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unread::Unanswered(format!("{}: {error}", path.display()))),
        };
        String::from_utf8_lossy(&bytes).trim().parse().map(Some).map_err(|error| {
            Unread::Damaged(format!(
                "{}: {error}; stop the program and delete the file: everything is looked at once more, nothing is done twice",
                path.display()
            ))
        })
    }
}

/// Runs what waits for the disk where it holds up nobody.
async fn blocking<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, CheckpointError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string());
    done.and_then(|done| done).map_err(|why| CheckpointError { name: name.to_owned(), why })
}

impl Checkpoints for FileCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Position>, CheckpointError>> {
        let (this, owned) = (self.clone(), name.to_owned());
        Box::pin(blocking(name, move || this.read(&owned).map_err(|why| why.to_string())))
    }

    fn save<'a>(&'a self, name: &'a str, position: Position) -> BoxFuture<'a, Result<(), CheckpointError>> {
        let (path, saving) = (self.path(name), Arc::clone(&self.saving));
        let write = move || {
            let _one = saving.lock().unwrap_or_else(PoisonError::into_inner);
            files::replace(&path, format!("{position}\n").as_bytes())
                .map_err(|error| format!("{}: {error}", path.display()))
        };
        Box::pin(blocking(name, write))
    }
}

#[cfg(test)]
mod tests {
    use socai_domain::ledger::LedgerId;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_position_is_kept_and_nonsense_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let checkpoints = FileCheckpoints::new(directory.path());
        assert_eq!(checkpoints.load("reactions").await, Ok(None));
        for place in [5, 6] {
            let position = Position::new(LedgerId(Uuid::from_u128(1)), 1, place);
            checkpoints.save("reactions", position).await.unwrap();
            assert_eq!(checkpoints.load("reactions").await, Ok(Some(position)));
        }
        assert_eq!(checkpoints.load("others").await, Ok(None));
        fs::write(directory.path().join("reactions.checkpoint"), "five").unwrap();
        let error = checkpoints.load("reactions").await.unwrap_err().to_string();
        assert!(error.contains("reactions.checkpoint") && error.contains("delete"), "{error}");
    }
}
