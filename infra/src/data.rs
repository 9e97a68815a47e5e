//! The data directory: who may write in it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use thiserror::Error;

use crate::files;

/// Keeps every other program out of a data directory until it is dropped.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// How often a lock is tried, and how long apart: whoever only looks holds it for microseconds.
const LOOKS: u32 = 3;
const APART: Duration = Duration::from_millis(10);

/// Does a program write in this data directory now? Changes nothing and keeps nobody out.
pub fn is_in_use(data: &Path) -> io::Result<bool> {
    let file = match File::open(data.join("lock")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
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
    /// Others can look into it.
    #[error(
        "everybody on this machine may look into {}: run `chmod 700 {}` first", path.display(), path.display()
    )]
    Open {
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
        if files::open_to_others(data).map_err(io)? {
            return Err(DataError::Open { path: data.to_owned() });
        }
        let file = files::private().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                // Perhaps somebody only looks whether it is in use.
                Err(fs::TryLockError::WouldBlock) => thread::sleep(APART),
                Err(fs::TryLockError::Error(source)) => return Err(io(source)),
            }
        }
        Err(DataError::InUse { path: data.to_owned() })
    }

    /// Makes the directory if it is missing, keeps others out of an empty one, then locks it.
    pub fn make(data: &Path) -> Result<Self, DataError> {
        let io = |source| DataError::Io { path: data.to_owned(), source };
        files::make_private_dir(data).map_err(io)?;
        if fs::read_dir(data).map_err(io)?.next().is_none() {
            files::keep_others_out(data).map_err(io)?;
        }
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
        assert!(!is_in_use(&data).unwrap());
        let lock = DataLock::make(&data).unwrap();
        assert!(matches!(DataLock::take(&data), Err(DataError::InUse { .. })));
        assert!(is_in_use(&data).unwrap());
        drop(lock);
        assert!(!is_in_use(&data).unwrap());
        DataLock::take(&data).unwrap();
    }

    #[test]
    fn others_are_kept_out() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        let open = || fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        open();
        drop(DataLock::make(&data).unwrap());
        assert_eq!((mode(&data), mode(&data.join("lock"))), (0o750, 0o600), "an empty one is closed");
        open();
        for refused in [DataLock::take(&data), DataLock::make(&data)] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("chmod 700"), "{message}");
        }
        assert_eq!(mode(&data), 0o755, "what somebody opened is theirs to close");
    }
}
