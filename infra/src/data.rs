//! The data directory: who may write in it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::files;

/// Keeps every other program out of a data directory until it is dropped.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// Another program writes in it.
    #[error(
        "{} is in use by another socai (a server, an import): stop it first, or ask it over its API", path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no data directory {}: make one with `socai keygen --data {}`", path.display(), path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl DataLock {
    /// Locks an existing data directory.
    pub fn take(data: &Path) -> Result<Self, DataError> {
        let path = data.join("lock");
        let io = |source| DataError::Io { path: path.clone(), source };
        if !data.is_dir() {
            return Err(DataError::Missing { path: data.to_owned() });
        }
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(DataError::InUse { path: data.to_owned() }),
            Err(fs::TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// Makes the directory if it is missing, then locks it.
    pub fn make(data: &Path) -> Result<Self, DataError> {
        files::make_private_dir(data).map_err(|source| DataError::Io { path: data.to_owned(), source })?;
        Self::take(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("a/b");
        assert!(matches!(DataLock::take(&data), Err(DataError::Missing { .. })));
        let lock = DataLock::make(&data).unwrap();
        assert!(matches!(DataLock::take(&data), Err(DataError::InUse { .. })));
        drop(lock);
        DataLock::take(&data).unwrap();
    }
}
