//! Where something is kept.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::postgres::{Address, NotAnAddress};

/// Where something is kept: in files, or in a database of `PostgreSQL`. Shown, it has no password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file or a directory.
    Path(PathBuf),
    /// A database.
    Postgres(Address),
}

impl Location {
    /// The file or directory, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Reads what begins like the URL of a database as one; all else is a path.
    pub(super) fn read(text: String) -> Result<Self, NotAnAddress> {
        if Address::is_meant(&text) { text.parse().map(Self::Postgres) } else { Ok(Self::Path(text.into())) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Self {
        location.clone()
    }
}
